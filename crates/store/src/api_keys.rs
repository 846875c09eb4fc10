//! Keys for programs: shown once, stored hashed.

use sqlx::FromRow;

use crate::db::{execute, fetch, statements};
use crate::{Error, Page, Paged, Role, Store, new_id};

/// A key as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct ApiKey {
    /// Id.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// What the owner calls it.
    pub name: String,
    /// Its first characters, to tell it from others.
    pub prefix: String,
    /// When it was made (µs since 1970).
    pub created_at: i64,
    /// It is good until then; `None` for ever.
    pub expires_at: Option<i64>,
    /// When it was used last, to about a minute.
    pub last_used_at: Option<i64>,
}

/// A key to be made.
#[derive(Clone, Debug)]
pub struct ApiKeyNew {
    /// Whose it is.
    pub user_id: String,
    /// What the owner calls it.
    pub name: String,
    /// Its first characters.
    pub prefix: String,
    /// The hash of the whole.
    pub hash: String,
    /// It is good until then; `None` for ever.
    pub expires_at: Option<i64>,
}

/// Who a key speaks for.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct ApiKeyUser {
    /// The key.
    pub key_id: String,
    /// The user.
    pub user_id: String,
    /// Their address.
    pub email: String,
    /// What they may do.
    pub role: Role,
}

#[derive(FromRow)]
struct Used {
    #[sqlx(flatten)]
    user: ApiKeyUser,
    last_used_at: Option<i64>,
}

/// A key's last use is written once a minute, not at each request.
const USE_EVERY: i64 = 60_000_000;

statements! {
    KEY_INSERT = ["INSERT INTO api_keys (id, user_id, name, prefix, hash, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        RETURNING id, user_id, name, prefix, created_at, expires_at, last_used_at"];
    KEY_LIST = ["SELECT id, user_id, name, prefix, created_at, expires_at, last_used_at
        FROM api_keys WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3"];
    KEY_FIND = ["SELECT id, user_id, name, prefix, created_at, expires_at, last_used_at
        FROM api_keys WHERE id = $1"];
    KEYS_COUNT = ["SELECT COUNT(*) FROM api_keys WHERE user_id = $1"];
    KEY_DELETE = ["DELETE FROM api_keys WHERE id = $1 AND user_id = $2"];
    KEY_USER = ["SELECT k.id AS key_id, u.id AS user_id, u.email, u.role, k.last_used_at
        FROM api_keys k JOIN users u ON u.id = k.user_id
        WHERE k.hash = $1 AND NOT u.disabled AND (k.expires_at IS NULL OR k.expires_at > $2)"];
    KEY_USER_OF = ["SELECT k.id AS key_id, u.id AS user_id, u.email, u.role
        FROM api_keys k JOIN users u ON u.id = k.user_id
        WHERE k.id = $1 AND NOT u.disabled AND (k.expires_at IS NULL OR k.expires_at > $2)"];
    KEY_USED = ["UPDATE api_keys SET last_used_at = $2
        WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $3)"];
}

impl Store {
    /// Stores a key.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such user.
    pub async fn api_key_insert(&self, new: &ApiKeyNew, now: i64) -> Result<ApiKey, Error> {
        fetch!(
            self,
            fetch_one,
            KEY_INSERT,
            new_id(now),
            &new.user_id,
            &new.name,
            &new.prefix,
            &new.hash,
            now,
            new.expires_at
        )
    }

    /// The keys of a user, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn api_key_list(&self, user_id: &str, page: Page) -> Result<Paged<ApiKey>, Error> {
        let total = self.api_key_count(user_id).await?;
        let rows = fetch!(self, fetch_all, KEY_LIST, user_id, page.limit, page.skip)?;
        Ok(Paged { rows, total })
    }

    /// The key of this id.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn api_key_find(&self, id: &str) -> Result<Option<ApiKey>, Error> {
        fetch!(self, fetch_optional, KEY_FIND, id)
    }

    /// How many keys a user has.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn api_key_count(&self, user_id: &str) -> Result<i64, Error> {
        let (count,): (i64,) = fetch!(self, fetch_one, KEYS_COUNT, user_id)?;
        Ok(count)
    }

    /// Deletes a key of this user.
    ///
    /// # Errors
    /// [`Error::NotFound`], also where it is somebody else's.
    pub async fn api_key_delete(&self, id: &str, user_id: &str) -> Result<(), Error> {
        match execute!(self, KEY_DELETE, id, user_id)? {
            0 => Err(Error::NotFound("the API key")),
            _ => Ok(()),
        }
    }

    /// As [`Store::api_key_user`], by the id of a key that was shown before; its use is not noted.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn api_key_user_of(&self, id: &str, now: i64) -> Result<Option<ApiKeyUser>, Error> {
        fetch!(self, fetch_optional, KEY_USER_OF, id, now)
    }

    /// Who a key speaks for, by its hash: `None` where it is unknown or out of time, or the user is shut out. Notes its use.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn api_key_user(&self, hash: &str, now: i64) -> Result<Option<ApiKeyUser>, Error> {
        let used: Option<Used> = fetch!(self, fetch_optional, KEY_USER, hash, now)?;
        let Some(Used { user, last_used_at }) = used else {
            return Ok(None);
        };
        let stale = now - USE_EVERY;
        if last_used_at.is_none_or(|at| at < stale) {
            let noted = execute!(self, KEY_USED, &user.key_id, now, stale);
            if let Err(error) = noted {
                tracing::warn!("the use of an API key is not noted: {error}");
            }
        }
        Ok(Some(user))
    }
}
