//! Numbers that must not be called.

use sqlx::FromRow;

use crate::db::{execute, fetch, statements};
use crate::{Error, Page, Paged, Store, normal_number};

/// A number that must not be called.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct DoNotCall {
    /// In the form of [`normal_number`].
    pub phone: String,
    /// Why.
    pub reason: String,
    /// The user who said so; `None` where it was the callee.
    pub added_by: Option<String>,
    /// Since when (µs since 1970).
    pub created_at: i64,
}

statements! {
    DO_NOT_CALL_INSERT = ["INSERT INTO do_not_call (phone, reason, added_by, created_at)
        VALUES ($1, $2, $3, $4) ON CONFLICT (phone) DO NOTHING"];
    DO_NOT_CALL_HAS = ["SELECT COUNT(*) FROM do_not_call WHERE phone = $1"];
    DO_NOT_CALL_COUNT = ["SELECT COUNT(*) FROM do_not_call"];
    DO_NOT_CALL_LIST = ["SELECT * FROM do_not_call ORDER BY created_at DESC, phone LIMIT $1 OFFSET $2"];
    DO_NOT_CALL_DELETE = ["DELETE FROM do_not_call WHERE phone = $1"];
}

impl Store {
    /// Forbids calls to a number, however it is spelled. Once it is forbidden, the first reason stays.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn do_not_call_insert(&self, number: &DoNotCall) -> Result<(), Error> {
        let DoNotCall {
            phone,
            reason,
            added_by,
            created_at,
        } = number;
        let (phone, by) = (normal_number(phone), added_by.as_deref());
        execute!(self, DO_NOT_CALL_INSERT, phone, reason, by, *created_at).map(drop)
    }

    /// Whether a number must not be called, however it is spelled.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn do_not_call_has(&self, phone: &str) -> Result<bool, Error> {
        let (count,): (i64,) = fetch!(self, fetch_one, DO_NOT_CALL_HAS, normal_number(phone))?;
        Ok(count > 0)
    }

    /// Numbers that must not be called, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn do_not_call_list(&self, page: Page) -> Result<Paged<DoNotCall>, Error> {
        let (total,): (i64,) = fetch!(self, fetch_one, DO_NOT_CALL_COUNT)?;
        let rows = fetch!(self, fetch_all, DO_NOT_CALL_LIST, page.limit, page.skip)?;
        Ok(Paged { rows, total })
    }

    /// Allows calls to a number again.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn do_not_call_delete(&self, phone: &str) -> Result<(), Error> {
        match execute!(self, DO_NOT_CALL_DELETE, normal_number(phone))? {
            0 => Err(Error::NotFound("the number")),
            _ => Ok(()),
        }
    }
}
