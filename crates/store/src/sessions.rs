//! Refresh tokens: one after another of a family, each good once.

use sqlx::FromRow;

use crate::db::{Tx, execute, execute_in, fetch, fetch_in, statements};
use crate::{Error, Role, Store, new_id};

/// A login: the first refresh token of a new family.
#[derive(Clone, Debug)]
pub struct SessionNew {
    /// Who logged in.
    pub user_id: String,
    /// Their token version when they showed who they are.
    pub token_version: i64,
    /// The hash of the refresh token; the token itself is never stored.
    pub token_hash: String,
    /// The token is good until then (µs since 1970).
    pub expires_at: i64,
}

/// What a refresh token was worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It was good, and is not any more. Its successor is stored.
    Rotated {
        /// Whose it is.
        user_id: String,
        /// Its family.
        family_id: String,
    },
    /// It was used before: the whole family has been revoked now, because one of the two who had it is a thief.
    Reused {
        /// Whose it was.
        user_id: String,
        /// Its family.
        family_id: String,
    },
    /// It was used before, within the grace that was asked for. Nothing has changed.
    Raced,
    /// It is unknown or out of time, its family was revoked, or its user is shut out.
    Refused,
}

/// Who an access token speaks for, as the database knows them now.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Principal {
    /// The user.
    pub user_id: String,
    /// Their address.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whether they are shut out.
    pub disabled: bool,
    /// Access tokens that carry another number are not good any more.
    pub token_version: i64,
    /// When the user logged out of the family, or lost it; `None` while it is good.
    pub revoked_at: Option<i64>,
}

#[derive(FromRow)]
struct Known {
    family_id: String,
    user_id: String,
    expires_at: i64,
    rotated_at: Option<i64>,
    revoked_at: Option<i64>,
}

statements! {
    FAMILY_INSERT = ["INSERT INTO refresh_families (id, user_id, created_at, expires_at)
        SELECT $1, id, CAST($3 AS BIGINT), CAST($4 AS BIGINT) FROM users
        WHERE id = $2 AND token_version = $5 AND NOT disabled"];
    TOKEN_INSERT = ["INSERT INTO refresh_tokens (hash, family_id, issued_at, expires_at)
        VALUES ($1, $2, $3, $4)"];
    /// Of several who bring the same token at once, the row lock lets one find `rotated_at` empty.
    TOKEN_ROTATE = ["UPDATE refresh_tokens SET rotated_at = $2
        WHERE hash = $1 AND rotated_at IS NULL AND expires_at > $2
        AND family_id IN (SELECT f.id FROM refresh_families f JOIN users u ON u.id = f.user_id
            WHERE f.revoked_at IS NULL AND NOT u.disabled)
        RETURNING family_id"];
    FAMILY_EXTEND = ["UPDATE refresh_families SET expires_at = $2 WHERE id = $1 RETURNING user_id"];
    TOKEN_KNOWN = ["SELECT t.family_id, f.user_id, t.expires_at, t.rotated_at, f.revoked_at
        FROM refresh_tokens t JOIN refresh_families f ON f.id = t.family_id WHERE t.hash = $1"];
    FAMILY_REVOKE = ["UPDATE refresh_families SET revoked_at = $2, revoked_for = $3
        WHERE id = $1 AND revoked_at IS NULL"];
    FAMILIES_REVOKE = ["UPDATE refresh_families SET revoked_at = $2, revoked_for = $3
        WHERE user_id = $1 AND revoked_at IS NULL AND ($4 = '' OR id <> $4)"];
    PRINCIPAL = ["SELECT u.id AS user_id, u.email, u.role, u.disabled, u.token_version, f.revoked_at
        FROM refresh_families f JOIN users u ON u.id = f.user_id WHERE f.id = $1"];
    FAMILIES_SWEEP = ["DELETE FROM refresh_families WHERE expires_at < $1"];
}

impl Store {
    /// Begins a family of refresh tokens and answers its id.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such user, or they were changed in between: password, role, shut out.
    pub async fn session_insert(&self, new: &SessionNew, now: i64) -> Result<String, Error> {
        let family = new_id(now);
        let mut tx = self.begin().await?;
        let made = execute_in!(
            tx,
            FAMILY_INSERT,
            &family,
            &new.user_id,
            now,
            new.expires_at,
            new.token_version
        )?;
        if made == 0 {
            return Err(Error::NotFound("the user"));
        }
        execute_in!(
            tx,
            TOKEN_INSERT,
            &new.token_hash,
            &family,
            now,
            new.expires_at
        )?;
        tx.commit().await?;
        Ok(family)
    }

    /// Takes a refresh token and puts its successor in its place, in one transaction: of any number who bring the same
    /// token at once, one gets [`Rotation::Rotated`]. One that was used up to `grace` µs ago is refused without
    /// punishment; where `grace` is 0 its family is revoked at once.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; nothing has changed then.
    pub async fn session_rotate(
        &self,
        hash: &str,
        successor: (&str, i64),
        grace: i64,
        now: i64,
    ) -> Result<Rotation, Error> {
        let (next_hash, next_expires) = successor;
        let mut tx = self.begin().await?;
        let rotated: Option<(String,)> = fetch_in!(tx, fetch_optional, TOKEN_ROTATE, hash, now)?;
        let outcome = match rotated {
            Some((family_id,)) => {
                execute_in!(tx, TOKEN_INSERT, next_hash, &family_id, now, next_expires)?;
                let (user_id,) = fetch_in!(tx, fetch_one, FAMILY_EXTEND, &family_id, next_expires)?;
                Rotation::Rotated { user_id, family_id }
            }
            None => refused(&mut tx, hash, grace, now).await?,
        };
        tx.commit().await?;
        Ok(outcome)
    }

    /// Revokes a family: logout. Answers whether it was good until now.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn session_revoke(&self, family: &str, why: &str, now: i64) -> Result<bool, Error> {
        Ok(execute!(self, FAMILY_REVOKE, family, now, why)? > 0)
    }

    /// Revokes all families of a user but `except`, and answers how many.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn session_revoke_all(
        &self,
        user_id: &str,
        except: Option<&str>,
        why: &str,
        now: i64,
    ) -> Result<u64, Error> {
        execute!(
            self,
            FAMILIES_REVOKE,
            user_id,
            now,
            why,
            except.unwrap_or_default()
        )
    }

    /// Who the family belongs to, for checking an access token that names it.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn session_principal(&self, family: &str) -> Result<Option<Principal>, Error> {
        fetch!(self, fetch_optional, PRINCIPAL, family)
    }

    /// Deletes families that ended before `before`, and answers how many.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn session_sweep(&self, before: i64) -> Result<u64, Error> {
        execute!(self, FAMILIES_SWEEP, before)
    }
}

async fn refused(tx: &mut Tx, hash: &str, grace: i64, now: i64) -> Result<Rotation, Error> {
    let known: Option<Known> = fetch_in!(tx, fetch_optional, TOKEN_KNOWN, hash)?;
    let Some(known) = known.filter(|known| known.revoked_at.is_none() && known.expires_at > now)
    else {
        return Ok(Rotation::Refused);
    };
    match known.rotated_at {
        None => Ok(Rotation::Refused),
        Some(at) if now.saturating_sub(at) < grace => Ok(Rotation::Raced),
        Some(_) => {
            execute_in!(
                tx,
                FAMILY_REVOKE,
                &known.family_id,
                now,
                "a refresh token was used twice"
            )?;
            let Known {
                user_id, family_id, ..
            } = known;
            Ok(Rotation::Reused { user_id, family_id })
        }
    }
}
