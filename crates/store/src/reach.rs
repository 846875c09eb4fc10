//! Why a server of PostgreSQL does not answer, in words that name the server and nobody's user or password.
//!
//! Its pool tries again for some seconds where a connection is refused, and tells no cause then. So where it has no connection at all,
//! somebody else knocks first: what is known to be in vain is told at once.

use std::io::{Error as IoError, ErrorKind};
use std::path::PathBuf;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;

use crate::Error;

/// How long a server is waited for at its door.
const WITHIN: Duration = Duration::from_secs(4);

/// Where a server is: its host and port, or its socket.
pub(crate) fn place(pool: &PgPool) -> String {
    let options = pool.connect_options();
    match socket(&options) {
        Some(path) => path.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

/// Whether a connection is open, or could be: else why not.
///
/// # Errors
/// [`Error::Unavailable`].
pub(crate) async fn reach(pool: &PgPool) -> Result<(), Error> {
    if pool.size() > 0 {
        return Ok(());
    }
    knock(pool).await
}

/// Why no connection came in time.
pub(crate) async fn timed_out(pool: &PgPool) -> Error {
    let why = "no connection within some seconds: it does not answer, or all are in use";
    let found = knock(pool).await.err();
    found.unwrap_or_else(|| located(pool, Error::Unavailable(why.to_owned())))
}

/// Names the server in an error that is its or the way's.
pub(crate) fn located(pool: &PgPool, error: Error) -> Error {
    match error {
        Error::Unavailable(why) => Error::Unavailable(format!("{}: {why}", place(pool))),
        other @ (Error::Conflict(_)
        | Error::NotFound(_)
        | Error::Refused(_)
        | Error::Corrupt(_)
        | Error::Newer { .. }
        | Error::Location(_)
        | Error::File { .. }
        | Error::Unsupported(_)) => other,
    }
}

async fn knock(pool: &PgPool) -> Result<(), Error> {
    let options = pool.connect_options();
    let why = match timeout(WITHIN, connect(&options)).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(why)) => why,
        Err(_) => format!("no answer within {} s", WITHIN.as_secs()),
    };
    Err(located(pool, Error::Unavailable(why)))
}

async fn connect(options: &PgConnectOptions) -> Result<(), String> {
    if let Some(path) = socket(options) {
        return UnixStream::connect(path).await.map(drop).map_err(cause);
    }
    let found = lookup_host((options.get_host(), options.get_port())).await;
    let found = found.map_err(|error| format!("the host is not found: {error}"))?;
    let found: Vec<_> = found.collect();
    TcpStream::connect(&*found).await.map(drop).map_err(cause)
}

fn cause(error: IoError) -> String {
    if error.kind() == ErrorKind::ConnectionRefused {
        "connection refused".to_owned()
    } else {
        error.to_string()
    }
}

/// As the driver makes it of a folder.
fn socket(options: &PgConnectOptions) -> Option<PathBuf> {
    let host = options.get_host();
    let named = options.get_socket().cloned();
    let folder = named.or_else(|| host.starts_with('/').then(|| PathBuf::from(host)));
    folder.map(|folder| folder.join(format!(".s.PGSQL.{}", options.get_port())))
}
