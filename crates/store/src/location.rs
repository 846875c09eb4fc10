//! Where the database is: `DATABASE_URL`, or a file in `DATA_DIR`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use url::Url;

use crate::Error;

/// The file in `DATA_DIR` where nothing else is said.
pub const FILE: &str = "ringback.db";

/// Where the database is. Printed without user, password or parameters.
#[derive(Clone)]
pub enum Location {
    /// A file of SQLite.
    File(PathBuf),
    /// A server of PostgreSQL.
    Postgres(Box<PgConnectOptions>),
}

impl Location {
    /// What `DATABASE_URL` names: `postgres://USER:PASSWORD@HOST:PORT/NAME` with the parameters of libpq, or `sqlite:PATH`;
    /// where it is empty, the file in `data_dir`. What a client of Python has behind a `+` is passed over.
    ///
    /// # Errors
    /// It names nothing of the kind. The message does not repeat it, because it may hold a password.
    pub fn parse(database_url: &str, data_dir: &Path) -> Result<Self, Error> {
        let text = database_url.trim();
        if text.is_empty() {
            return Ok(Self::File(data_dir.join(FILE)));
        }
        let refuse = |why: &str| Error::Location(why.to_owned());
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(refuse(
                "it has no scheme: begin it with postgres:// or sqlite:, or leave it empty",
            ));
        };
        let scheme = scheme.split('+').next().unwrap_or_default();
        match scheme.to_ascii_lowercase().as_str() {
            "postgres" | "postgresql" => {
                let url = format!("postgres:{rest}");
                let parsed =
                    Url::parse(&url).map_err(|error| refuse(&format!("{error}{}", hint(rest))))?;
                let known = |(key, _): (std::borrow::Cow<str>, _)| PARAMETERS.contains(&&*key);
                if !parsed.query_pairs().all(known) {
                    return Err(Error::Location(format!(
                        "a parameter behind ? is not known; these are: {}",
                        PARAMETERS.join(", ")
                    )));
                }
                let options = PgConnectOptions::from_str(&url)
                    .map_err(|_| refuse("a parameter behind ? has a value that cannot be used"))?;
                Ok(Self::Postgres(Box::new(options)))
            }
            "sqlite" | "file" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                let path = path.split('?').next().unwrap_or_default();
                if path.is_empty() || path.starts_with(":memory:") {
                    return Err(refuse(
                        "sqlite: needs the path of a file: what is in memory would be gone at the next start",
                    ));
                }
                Ok(Self::File(PathBuf::from(path)))
            }
            _ => Err(refuse(
                "its scheme is not known: postgres:// and sqlite: are",
            )),
        }
    }
}

/// What may be wrong with a URL that cannot be read: a mark in a password ends the part with the host before the user is over.
fn hint(rest: &str) -> &'static str {
    let rest = rest.trim_start_matches('/');
    let end = rest.find(['#', '/', '?']).unwrap_or(rest.len());
    match !rest[..end].contains('@') && rest[end..].contains('@') {
        true => ": in a user or password write # as %23, / as %2F, ? as %3F and @ as %40",
        false => "",
    }
}

const PARAMETERS: [&str; 13] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "statement-cache-capacity",
];

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "SQLite, {}", path.display()),
            Self::Postgres(options) => {
                let name = options.get_database().unwrap_or("its user's");
                match options.get_socket() {
                    Some(socket) => write!(f, "PostgreSQL, {name} at {}", socket.display()),
                    None => write!(
                        f,
                        "PostgreSQL, {name} at {}:{}",
                        options.get_host(),
                        options.get_port()
                    ),
                }
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn shown(url: &str) -> String {
        match Location::parse(url, Path::new("data")) {
            Ok(location) => location.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_url_names_a_file_or_a_server() {
        let cases = [
            ("", "SQLite, data/ringback.db"),
            ("sqlite:calls.db", "SQLite, calls.db"),
            (
                "sqlite:///var/lib/calls.db?mode=rwc",
                "SQLite, /var/lib/calls.db",
            ),
            (
                "postgres://ann@db.example.org/phone",
                "PostgreSQL, phone at db.example.org:5432",
            ),
            (
                "postgresql+asyncpg://ann:pw@db:6543/phone?sslmode=require",
                "PostgreSQL, phone at db:6543",
            ),
            (
                "postgres://ann@localhost/phone?host=/var/run/postgresql",
                "PostgreSQL, phone at /var/run/postgresql",
            ),
        ];
        for (url, expected) in cases {
            assert_eq!(shown(url), expected, "{url}");
        }
    }

    #[test]
    fn what_names_nothing_is_refused_without_being_repeated() {
        for url in [
            "mysql://ann:correcthorse@db/phone",
            "correcthorse",
            "postgres://ann:correcthorse@db/phone?sslmode=correcthorse",
            "postgres://ann:correcthorse@db/phone?correcthorse=1",
            "postgres://ann:correcthorse@db:notaport/phone",
            "sqlite::memory:",
            "sqlite:",
        ] {
            let text = shown(url);
            assert!(text.starts_with("DATABASE_URL: "), "{text}");
            assert!(!text.contains("correcthorse"), "{text}");
        }
    }

    #[test]
    fn a_mark_in_a_password_is_told_how_to_be_written() {
        for password in ["correct#horse", "correct/horse", "correct?horse"] {
            let text = shown(&format!("postgres://ann:{password}@db/phone"));
            assert!(text.contains("# as %23, / as %2F"), "{text}");
            assert!(!text.contains("horse"), "{text}");
        }
        assert!(!shown("postgres://ann@db:notaport/phone").contains('%'));
    }

    #[test]
    fn a_password_is_never_printed() {
        let location = Location::parse(
            "postgres://ann:correcthorse@db/phone?password=correcthorse",
            Path::new("."),
        );
        let text = format!("{0} {0:?}", location.unwrap());
        assert!(!text.contains("correcthorse"), "{text}");
    }
}
