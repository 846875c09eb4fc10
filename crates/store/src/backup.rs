//! A copy of a SQLite database while it is in use.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::db::Pool;
use crate::{Error, Store};

impl Store {
    /// Writes the whole database into a new file, as it is at one moment, and answers the file's size in bytes. Others
    /// go on reading and writing meanwhile.
    ///
    /// # Errors
    /// [`Error::File`] where the file exists or cannot be written; [`Error::Unsupported`] on PostgreSQL.
    pub async fn backup(&self, to: &Path) -> Result<u64, Error> {
        let Pool::Sqlite(pool) = self.pool() else {
            return Err(Error::Unsupported(
                "this makes backups of SQLite; for PostgreSQL use pg_dump",
            ));
        };
        let Some(path) = to.to_str() else {
            return Err(Error::Refused("the file's name is not UTF-8".to_owned()));
        };
        let failed = |error| Error::file(format!("{}: backup", to.display()), error);
        // Made here, so that it is ours and never was somebody else's; SQLite writes into an empty file.
        let mut options = OpenOptions::new();
        options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(to)
            .map_err(failed)?;
        let copied = sqlx::query("VACUUM INTO $1").bind(path).execute(pool).await;
        if let Err(error) = copied {
            let _ = std::fs::remove_file(to);
            return Err(error.into());
        }
        let file = File::open(to).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        Ok(file.metadata().map_err(failed)?.len())
    }
}
