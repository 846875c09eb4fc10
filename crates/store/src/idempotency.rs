//! `Idempotency-Key`: a request that is sent again gets the first one's answer.

use sqlx::FromRow;

use crate::db::{execute, fetch, statements};
use crate::{Error, Store};

/// A request that may come again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The user.
    pub user_id: String,
    /// Method and path.
    pub route: String,
    /// What stands in the header.
    pub key: String,
    /// The hash of the body.
    pub body_hash: String,
    /// An id of this try, so that only it can answer.
    pub attempt: String,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// What to do with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idempotent {
    /// It is the first: carry it out, then [`Store::idempotency_finish`], or [`Store::idempotency_forget`].
    First,
    /// It was answered: answer the same.
    Answered(Answer),
    /// The first is being carried out: 409.
    Going,
    /// The key stands for another request: 422.
    Different,
}

#[derive(FromRow)]
struct Kept {
    body_hash: String,
    status: Option<i64>,
    answer: Option<String>,
}

statements! {
    IDEMPOTENCY_BEGIN = ["INSERT INTO idempotency (user_id, route, idempotency_key, body_hash, attempt, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (user_id, route, idempotency_key) DO UPDATE SET body_hash = excluded.body_hash,
            attempt = excluded.attempt, expires_at = excluded.expires_at, status = NULL, answer = NULL
        WHERE idempotency.expires_at <= $7
        RETURNING attempt"];
    IDEMPOTENCY_FIND = ["SELECT body_hash, status, answer FROM idempotency
        WHERE user_id = $1 AND route = $2 AND idempotency_key = $3"];
    IDEMPOTENCY_FINISH = ["UPDATE idempotency SET status = $5, answer = $6
        WHERE user_id = $1 AND route = $2 AND idempotency_key = $3 AND attempt = $4"];
    IDEMPOTENCY_FORGET = ["DELETE FROM idempotency
        WHERE user_id = $1 AND route = $2 AND idempotency_key = $3 AND attempt = $4"];
    IDEMPOTENCY_SWEEP = ["DELETE FROM idempotency WHERE expires_at <= $1"];
}

impl Store {
    /// Begins a request, or tells what became of the first of its kind. Of many at once, one is [`Idempotent::First`].
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn idempotency_begin(
        &self,
        repeat: &Repeat,
        expires_at: i64,
        now: i64,
    ) -> Result<Idempotent, Error> {
        let Repeat {
            user_id,
            route,
            key,
            body_hash,
            attempt,
        } = repeat;
        let first: Option<(String,)> = fetch!(
            self,
            fetch_optional,
            IDEMPOTENCY_BEGIN,
            user_id,
            route,
            key,
            body_hash,
            attempt,
            expires_at,
            now
        )?;
        if first.is_some() {
            return Ok(Idempotent::First);
        }
        let kept: Option<Kept> =
            fetch!(self, fetch_optional, IDEMPOTENCY_FIND, user_id, route, key)?;
        Ok(match kept {
            Some(kept) if kept.body_hash != *body_hash => Idempotent::Different,
            Some(Kept {
                status: Some(status),
                answer: Some(body),
                ..
            }) => {
                let status = u16::try_from(status).unwrap_or_default();
                Idempotent::Answered(Answer { status, body })
            }
            Some(_) | None => Idempotent::Going,
        })
    }

    /// Keeps what was answered.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn idempotency_finish(&self, repeat: &Repeat, answer: &Answer) -> Result<(), Error> {
        let Repeat {
            user_id,
            route,
            key,
            attempt,
            ..
        } = repeat;
        let status = i64::from(answer.status);
        execute!(
            self,
            IDEMPOTENCY_FINISH,
            user_id,
            route,
            key,
            attempt,
            status,
            &answer.body
        )
        .map(drop)
    }

    /// Forgets a request that had no effect, so that it may be sent again.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn idempotency_forget(&self, repeat: &Repeat) -> Result<(), Error> {
        let Repeat {
            user_id,
            route,
            key,
            attempt,
            ..
        } = repeat;
        execute!(self, IDEMPOTENCY_FORGET, user_id, route, key, attempt).map(drop)
    }

    /// Deletes what is out of time, and answers how many.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn idempotency_sweep(&self, now: i64) -> Result<u64, Error> {
        execute!(self, IDEMPOTENCY_SWEEP, now)
    }
}
