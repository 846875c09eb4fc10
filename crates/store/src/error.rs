//! What can go wrong with a store.

use sqlx::error::{DatabaseError, ErrorKind};

/// Why a method of the store did not do what it was asked. No message holds a password, a value of a row or a phone number.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached, is starting, full, read-only or overloaded. The same may succeed later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Something of this name or id exists already, or was changed by somebody else in between.
    #[error("it conflicts with what is stored: {0}")]
    Conflict(String),
    /// There is no such row.
    #[error("not found: {0}")]
    NotFound(&'static str),
    /// The database refuses a value: too long, not allowed in this column, or not text.
    #[error("the database refuses a value: {0}")]
    Refused(String),
    /// What is stored is damaged, or was not written by this program.
    #[error("the database holds what cannot be read: {0}")]
    Corrupt(String),
    /// A newer version of this program has changed the tables.
    #[error(
        "the database is at migration {database}, this binary knows {binary}: run the newer version of ringback, or restore a backup made before it"
    )]
    Newer {
        /// The newest migration in the database.
        database: i64,
        /// The newest that this binary brings.
        binary: i64,
    },
    /// `DATABASE_URL` says nothing that can be used.
    #[error("DATABASE_URL: {0}")]
    Location(String),
    /// A file of ours could not be read or written.
    #[error("{what}: {error}")]
    File {
        /// The file, and what was done with it.
        what: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// It is not possible on this kind of database.
    #[error("{0}")]
    Unsupported(&'static str),
}

impl Error {
    /// Whether the same can succeed later without anything being changed.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    pub(crate) fn file(what: impl Into<String>, error: std::io::Error) -> Self {
        let what = what.into();
        Self::File { what, error }
    }
}

impl From<sqlx::Error> for Error {
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "the driver may add kinds: what is not known to be our fault may pass"
    )]
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match error {
            E::Database(error) => refusal(&*error),
            E::RowNotFound => Self::NotFound("the row"),
            E::ColumnDecode { .. }
            | E::Decode(_)
            | E::ColumnNotFound(_)
            | E::ColumnIndexOutOfBounds { .. }
            | E::TypeNotFound { .. } => Self::Corrupt(error.to_string()),
            E::Encode(_) | E::InvalidArgument(_) => Self::Refused(error.to_string()),
            E::Configuration(_) => Self::Location(error.to_string()),
            E::PoolTimedOut => Self::Unavailable(
                "no connection within some seconds: it does not answer, or all are in use"
                    .to_owned(),
            ),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

fn refusal(error: &(dyn DatabaseError + 'static)) -> Error {
    let text = error.message().to_owned();
    match error.kind() {
        ErrorKind::UniqueViolation => return Error::Conflict(text),
        ErrorKind::ForeignKeyViolation => return Error::NotFound("what the row belongs to"),
        ErrorKind::NotNullViolation | ErrorKind::CheckViolation | ErrorKind::ExclusionViolation => {
            return Error::Refused(text);
        }
        ErrorKind::Other | _ => {}
    }
    let code = error.code().unwrap_or_default();
    if error
        .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
        .is_some()
    {
        postgres(&code, text)
    } else {
        sqlite(&code, text)
    }
}

/// By the classes of the SQLSTATE: appendix A of PostgreSQL's manual.
fn postgres(code: &str, text: String) -> Error {
    let passing = ["08", "25", "3D", "40", "53", "55", "57", "58", "XX"];
    match code.get(..2) {
        // What the server says there names the user.
        Some("28") => Error::Unavailable(
            "it refuses the user, the password, or where they come from (pg_hba.conf)".to_owned(),
        ),
        Some("XX") if code != "XX000" => Error::Corrupt(text),
        Some(class) if passing.contains(&class) => Error::Unavailable(text),
        // The text says for what.
        Some("42") if code == "42501" => Error::Unavailable(format!(
            "{text}: make its user the owner of the database, or grant it CONNECT on the database and all on the schema"
        )),
        Some("42") => Error::Corrupt(format!("{text}: has it been migrated?")),
        _ => Error::Refused(text),
    }
}

/// By the primary result code: the lowest eight bits.
fn sqlite(code: &str, text: String) -> Error {
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(3 | 5..=10 | 13..=15 | 23) => Error::Unavailable(text),
        Ok(1) if text.starts_with("no such") => {
            Error::Corrupt(format!("{text}: has it been migrated?"))
        }
        Ok(11 | 26) => Error::Corrupt(text),
        _ => Error::Refused(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_right_is_no_missing_table() {
        let right = postgres("42501", "permission denied for schema public".to_owned());
        assert!(right.to_string().contains("owner of the database"));
        let table = postgres("42P01", "relation \"calls\" does not exist".to_owned());
        assert!(table.to_string().contains("has it been migrated?"));
    }
}
