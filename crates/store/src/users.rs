//! Users: who they are, and how often they failed to log in.

use sqlx::FromRow;

use crate::db::{Tx, execute, execute_in, fetch, fetch_in, is_nowhere, statements};
use crate::words::words;
use crate::{Error, Page, Paged, Store, new_id};

words! {
    /// What a user may do.
    pub enum Role {
        /// What is theirs.
        User = "user",
        /// Everything.
        Admin = "admin",
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct User {
    /// Id.
    pub id: String,
    /// As it was typed at registration.
    pub email: String,
    /// Argon2id, in PHC form. Never to be shown.
    pub password_hash: String,
    /// What they may do.
    pub role: Role,
    /// May not log in, and what was given out is not good any more.
    pub disabled: bool,
    /// Access tokens that carry another number are not good any more.
    pub token_version: i64,
    /// Failed logins since the last one that succeeded.
    pub failed_logins: i64,
    /// Logins are refused until then (µs since 1970).
    pub slow_until: Option<i64>,
    /// The last login that succeeded.
    pub last_login_at: Option<i64>,
    /// When the account was made.
    pub created_at: i64,
}

/// A user to be made.
#[derive(Clone, Debug)]
pub struct UserNew {
    /// Unique whatever its case.
    pub email: String,
    /// Argon2id, in PHC form.
    pub password_hash: String,
    /// What they may do.
    pub role: Role,
}

/// What an admin changes of a user; `None` leaves it.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserChange {
    /// What they may do.
    pub role: Option<Role>,
    /// Whether they are shut out.
    pub disabled: Option<bool>,
}

statements! {
    USER_INSERT = ["INSERT INTO users (id, email, email_key, password_hash, role, created_at)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING *"];
    USER_INSERT_FIRST = ["INSERT INTO users (id, email, email_key, password_hash, role, created_at)
        SELECT $1, $2, $3, $4, 'admin', CAST($5 AS BIGINT)
        WHERE NOT EXISTS (SELECT 1 FROM users) RETURNING *"];
    /// Whoever registers first holds this row until they are done, so that only one of two can be first.
    USERS_LOCK = ["UPDATE settings SET updated_at = updated_at WHERE name = 'users.first'"];
    USERS_LOCK_MAKE = ["INSERT INTO settings (name, value, updated_at)
        VALUES ('users.first', 'null', $1) ON CONFLICT (name) DO NOTHING"];
    USER_BY_ID = ["SELECT * FROM users WHERE id = $1"];
    USER_BY_EMAIL = ["SELECT * FROM users WHERE email_key = $1"];
    USERS_COUNT = ["SELECT COUNT(*) FROM users"];
    USERS_LIST = ["SELECT * FROM users ORDER BY created_at DESC, id DESC LIMIT $1 OFFSET $2"];
    USER_OLDEST = ["SELECT * FROM users WHERE NOT disabled ORDER BY created_at, id LIMIT 1"];
    USER_CHANGE = ["UPDATE users SET role = COALESCE(CAST($2 AS TEXT), role),
        disabled = COALESCE(CAST($3 AS BOOLEAN), disabled),
        token_version = token_version + 1
        WHERE id = $1 RETURNING *"];
    USER_PASSWORD = ["UPDATE users SET password_hash = $2, token_version = token_version + 1,
        failed_logins = 0, slow_until = NULL WHERE id = $1"];
    USER_REHASH = ["UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2"];
    USER_DELETE = ["DELETE FROM users WHERE id = $1"];
    USER_FAILED = ["UPDATE users SET failed_logins = failed_logins + 1 WHERE id = $1
        RETURNING failed_logins"];
    USER_SLOW = ["UPDATE users SET slow_until = $2 WHERE id = $1"];
    USER_LOGGED_IN = ["UPDATE users SET failed_logins = 0, slow_until = NULL, last_login_at = $2
        WHERE id = $1"];
    /// Of two who take power from each other at once, the second finds what the first has left.
    ADMINS_LOCK = ["UPDATE users SET role = role WHERE role = 'admin'"];
    ADMINS_COUNT = ["SELECT COUNT(*) FROM users WHERE role = 'admin' AND NOT disabled"];
    USER_FAMILIES_REVOKE = ["UPDATE refresh_families SET revoked_at = $2, revoked_for = $3
        WHERE user_id = $1 AND revoked_at IS NULL"];
}

/// What an address is compared by.
fn key(email: &str) -> String {
    email.trim().to_lowercase()
}

impl Store {
    /// Makes a user.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the address is taken.
    pub async fn user_insert(&self, new: &UserNew, now: i64) -> Result<User, Error> {
        fetch!(
            self,
            fetch_one,
            USER_INSERT,
            new_id(now),
            new.email.trim(),
            key(&new.email),
            &new.password_hash,
            new.role,
            now
        )
    }

    /// Makes the first user of all, an admin; `None` where there is one already, though two try at once.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn user_insert_first(&self, new: &UserNew, now: i64) -> Result<Option<User>, Error> {
        let mut tx = self.begin().await?;
        execute_in!(tx, USERS_LOCK_MAKE, now)?;
        execute_in!(tx, USERS_LOCK)?;
        let user = fetch_in!(
            tx,
            fetch_optional,
            USER_INSERT_FIRST,
            new_id(now),
            new.email.trim(),
            key(&new.email),
            &new.password_hash,
            now
        )?;
        tx.commit().await?;
        Ok(user)
    }

    /// The user of this id.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn user_find(&self, id: &str) -> Result<Option<User>, Error> {
        fetch!(self, fetch_optional, USER_BY_ID, id)
    }

    /// The user of this address, whatever its case.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn user_find_by_email(&self, email: &str) -> Result<Option<User>, Error> {
        if is_nowhere([Some(email)]) {
            return Ok(None);
        }
        fetch!(self, fetch_optional, USER_BY_EMAIL, key(email))
    }

    /// The first user who may log in: as whom local callers act where `API_AUTH` is off.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn user_oldest(&self) -> Result<Option<User>, Error> {
        fetch!(self, fetch_optional, USER_OLDEST)
    }

    /// All users.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn user_list(&self, page: Page) -> Result<Paged<User>, Error> {
        let (total,): (i64,) = fetch!(self, fetch_one, USERS_COUNT)?;
        let rows = fetch!(self, fetch_all, USERS_LIST, page.limit, page.skip)?;
        Ok(Paged { rows, total })
    }

    /// Changes a user; access tokens given out before are not good any more, nor refresh tokens of who is shut out.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] where it would leave no admin who can log in.
    pub async fn user_change(&self, id: &str, change: UserChange, now: i64) -> Result<User, Error> {
        let mut tx = self.begin().await?;
        execute_in!(tx, ADMINS_LOCK)?;
        let user = fetch_in!(
            tx,
            fetch_optional,
            USER_CHANGE,
            id,
            change.role,
            change.disabled
        )?;
        let user = user.ok_or(Error::NotFound("the user"))?;
        if change.role == Some(Role::User) || change.disabled == Some(true) {
            leaves_an_admin(&mut tx).await?;
        }
        if change.disabled == Some(true) {
            execute_in!(tx, USER_FAMILIES_REVOKE, id, now, "shut out")?;
        }
        tx.commit().await?;
        Ok(user)
    }

    /// Sets another password; all tokens given out before are not good any more.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn user_password_set(
        &self,
        id: &str,
        password_hash: &str,
        now: i64,
    ) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        one(execute_in!(tx, USER_PASSWORD, id, password_hash)?)?;
        execute_in!(tx, USER_FAMILIES_REVOKE, id, now, "password")?;
        tx.commit().await
    }

    /// Writes the same password's hash anew, made by other parameters; nothing happens where it was changed meanwhile.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn user_rehash(&self, id: &str, old: &str, new: &str) -> Result<(), Error> {
        execute!(self, USER_REHASH, id, old, new).map(drop)
    }

    /// Deletes a user with their tokens, keys and secrets. Their scenarios stay without an owner, their calls too.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] where it would leave no admin who can log in.
    pub async fn user_delete(&self, id: &str) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        execute_in!(tx, ADMINS_LOCK)?;
        one(execute_in!(tx, USER_DELETE, id)?)?;
        leaves_an_admin(&mut tx).await?;
        tx.commit().await
    }

    /// Counts a failed login and answers how many there were since the last good one.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn user_login_failed(&self, id: &str) -> Result<i64, Error> {
        let row: Option<(i64,)> = fetch!(self, fetch_optional, USER_FAILED, id)?;
        row.map(|(count,)| count).ok_or(Error::NotFound("the user"))
    }

    /// Refuses logins until `until`.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn user_slow_down(&self, id: &str, until: i64) -> Result<(), Error> {
        one(execute!(self, USER_SLOW, id, until)?)
    }

    /// Forgets failed logins after one that succeeded.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn user_logged_in(&self, id: &str, now: i64) -> Result<(), Error> {
        one(execute!(self, USER_LOGGED_IN, id, now)?)
    }
}

async fn leaves_an_admin(tx: &mut Tx) -> Result<(), Error> {
    let (count,): (i64,) = fetch_in!(tx, fetch_one, ADMINS_COUNT)?;
    if count == 0 {
        return Err(Error::Conflict("no admin would be left".to_owned()));
    }
    Ok(())
}

fn one(changed: u64) -> Result<(), Error> {
    if changed == 0 {
        return Err(Error::NotFound("the user"));
    }
    Ok(())
}
