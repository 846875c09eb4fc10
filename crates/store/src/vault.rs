//! Small things kept by name: settings, and secrets that were encrypted before they came here.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use crate::db::{Tx, execute, execute_in, fetch, statements};
use crate::{Error, Json, Store};

/// A secret, encrypted.
#[derive(Clone, Debug, PartialEq, Eq, FromRow, Serialize, Deserialize)]
pub struct SealedSecret {
    /// What it is: `google/<user>`, `scenario/<id>/webhook`.
    pub name: String,
    /// With whom it goes; `None` for nobody.
    pub owner: Option<String>,
    /// What was made of it, as text.
    pub ciphertext: String,
    /// By which key: to find those that an old key sealed.
    pub key_id: String,
    /// When it was written (µs since 1970).
    pub updated_at: i64,
}

/// A value that is kept by a name.
#[derive(Clone, Debug, PartialEq, FromRow)]
pub struct Setting {
    /// The name.
    pub name: String,
    /// The value.
    pub value: Json,
    /// When it was written (µs since 1970).
    pub updated_at: i64,
}

statements! {
    SETTING_UPSERT = ["INSERT INTO settings (name, value, updated_at) VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at"];
    SETTING_FIND = ["SELECT value FROM settings WHERE name = $1"];
    SETTINGS_LIST = ["SELECT name, value, updated_at FROM settings
        WHERE substr(name, 1, length(CAST($1 AS TEXT))) = $1 ORDER BY name"];
    SETTING_DELETE = ["DELETE FROM settings WHERE name = $1"];
    SECRET_UPSERT = ["INSERT INTO secrets (name, owner, ciphertext, key_id, updated_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, ciphertext = excluded.ciphertext,
            key_id = excluded.key_id, updated_at = excluded.updated_at"];
    SECRET_FIND = ["SELECT * FROM secrets WHERE name = $1"];
    SECRETS_OF_OTHER_KEYS = ["SELECT * FROM secrets WHERE key_id <> $1 ORDER BY name LIMIT $2"];
    SECRET_RESEAL = ["UPDATE secrets SET ciphertext = $3, key_id = $4, updated_at = $5
        WHERE name = $1 AND ciphertext = $2"];
    SECRETS_LIST = ["SELECT * FROM secrets WHERE substr(name, 1, length(CAST($1 AS TEXT))) = $1 ORDER BY name"];
    SECRETS_DELETE = ["DELETE FROM secrets WHERE substr(name, 1, length(CAST($1 AS TEXT))) = $1"];
    SECRET_DELETE = ["DELETE FROM secrets WHERE name = $1"];
}

impl Store {
    /// Keeps a value by this name.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn setting_set(&self, name: &str, value: &Json, now: i64) -> Result<(), Error> {
        execute!(self, SETTING_UPSERT, name, value, now).map(drop)
    }

    /// The value of this name.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn setting_find(&self, name: &str) -> Result<Option<Json>, Error> {
        let row: Option<(Json,)> = fetch!(self, fetch_optional, SETTING_FIND, name)?;
        Ok(row.map(|(value,)| value))
    }

    /// The values whose names begin so.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn setting_list(&self, begin: &str) -> Result<Vec<Setting>, Error> {
        fetch!(self, fetch_all, SETTINGS_LIST, begin)
    }

    /// Forgets the value of this name.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn setting_delete(&self, name: &str) -> Result<(), Error> {
        execute!(self, SETTING_DELETE, name).map(drop)
    }

    /// Keeps a secret by its name.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such owner.
    pub async fn secret_set(&self, secret: &SealedSecret) -> Result<(), Error> {
        let SealedSecret {
            name,
            owner,
            ciphertext,
            key_id,
            updated_at,
        } = secret;
        execute!(
            self,
            SECRET_UPSERT,
            name,
            owner.as_deref(),
            ciphertext,
            key_id,
            *updated_at
        )
        .map(drop)
    }

    /// The secrets whose names begin so.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn secret_list(&self, begin: &str) -> Result<Vec<SealedSecret>, Error> {
        fetch!(self, fetch_all, SECRETS_LIST, begin)
    }

    /// The secret of this name.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn secret_find(&self, name: &str) -> Result<Option<SealedSecret>, Error> {
        fetch!(self, fetch_optional, SECRET_FIND, name)
    }

    /// At most `most` secrets that another key than this one has sealed.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn secret_of_other_keys(
        &self,
        key_id: &str,
        most: i64,
    ) -> Result<Vec<SealedSecret>, Error> {
        fetch!(self, fetch_all, SECRETS_OF_OTHER_KEYS, key_id, most)
    }

    /// Puts the same secret, sealed by another key, in the place of `old`. Answers `false` where it was changed meanwhile.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn secret_reseal(&self, old: &str, new: &SealedSecret) -> Result<bool, Error> {
        let SealedSecret {
            name,
            ciphertext,
            key_id,
            updated_at,
            ..
        } = new;
        Ok(execute!(
            self,
            SECRET_RESEAL,
            name,
            old,
            ciphertext,
            key_id,
            *updated_at
        )? > 0)
    }

    /// Forgets the secret of this name.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn secret_delete(&self, name: &str) -> Result<(), Error> {
        execute!(self, SECRET_DELETE, name).map(drop)
    }
}

/// Keeps secrets in a transaction.
pub(crate) async fn secrets_in(tx: &mut Tx, secrets: &[SealedSecret]) -> Result<(), Error> {
    for secret in secrets {
        execute_in!(
            tx,
            SECRET_UPSERT,
            &secret.name,
            secret.owner.as_deref(),
            &secret.ciphertext,
            &secret.key_id,
            secret.updated_at
        )?;
    }
    Ok(())
}

/// Forgets in a transaction the secrets whose names begin so; none where that is nothing.
pub(crate) async fn forget_in(tx: &mut Tx, begin: &str) -> Result<(), Error> {
    if begin.is_empty() {
        return Ok(());
    }
    execute_in!(tx, SECRETS_DELETE, begin).map(drop)
}
