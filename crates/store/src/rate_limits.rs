//! How often something may be done, counted for all nodes together: the generic cell rate algorithm, one row a name.
//!
//! The row holds when the allowance is whole again. Each use puts that off by a share of the period; what would put it off
//! beyond the period is refused.

use crate::db::{execute, fetch, statements};
use crate::{Error, Store};

/// So many uses in such a time: all at once, then evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Uses, at least 1.
    pub uses: u32,
    /// In µs, at least 1.
    pub period: i64,
}

/// What became of a use, with what the `RateLimit-*` headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// It may be done.
    pub allowed: bool,
    /// So many more could follow at once.
    pub remaining: u32,
    /// After so many µs one more is allowed; 0 where it is now.
    pub retry_after: i64,
    /// After so many µs the allowance is whole again.
    pub reset_after: i64,
}

statements! {
    /// A row comes back where the use is allowed. $2 now, $3 what one use costs, $4 the latest `full_at` that allows one.
    RATE_TAKE = ["INSERT INTO rate_limits (name, full_at)
        VALUES ($1, CAST($2 AS BIGINT) + CAST($3 AS BIGINT))
        ON CONFLICT (name) DO UPDATE SET full_at = CAST($3 AS BIGINT)
            + CASE WHEN rate_limits.full_at > $2 THEN rate_limits.full_at ELSE $2 END
        WHERE rate_limits.full_at <= $4
        RETURNING full_at"];
    RATE_READ = ["SELECT full_at FROM rate_limits WHERE name = $1"];
    RATE_FORGET = ["DELETE FROM rate_limits WHERE name = $1"];
    RATE_GIVE_BACK = ["UPDATE rate_limits SET full_at = full_at - $2 WHERE name = $1"];
    RATE_SWEEP = ["DELETE FROM rate_limits WHERE full_at < $1"];
}

impl Quota {
    fn cost(self) -> i64 {
        (self.period / i64::from(self.uses.max(1))).max(1)
    }

    /// The latest `full_at` at which one more use is allowed.
    fn latest(self, now: i64) -> i64 {
        now + self.cost() * (i64::from(self.uses.max(1)) - 1)
    }

    /// Takes one use of an allowance that is whole again at `full_at` (µs on the clock of `now`): what became of it, and when
    /// the allowance is whole again then. For who counts by themselves; [`Store::rate_take`] does the same for all nodes.
    #[must_use]
    pub fn take(self, full_at: i64, now: i64) -> (Verdict, i64) {
        let allowed = full_at <= self.latest(now);
        let after = if allowed {
            full_at.max(now) + self.cost()
        } else {
            full_at
        };
        (self.verdict(allowed, after, now), after)
    }

    /// What a use would come to, without taking it.
    #[must_use]
    pub fn look(self, full_at: i64, now: i64) -> Verdict {
        self.verdict(full_at <= self.latest(now), full_at, now)
    }

    /// `full_at` after one use was given back.
    #[must_use]
    pub fn given_back(self, full_at: i64) -> i64 {
        full_at - self.cost()
    }

    fn verdict(self, allowed: bool, full_at: i64, now: i64) -> Verdict {
        let owed = (full_at - now).max(0);
        let free = (self.cost() * i64::from(self.uses) - owed).max(0);
        let remaining = u32::try_from(free / self.cost()).unwrap_or(self.uses);
        let retry_after = if remaining > 0 { 0 } else { self.cost() - free };
        Verdict {
            allowed,
            remaining,
            retry_after,
            reset_after: owed,
        }
    }
}

impl Store {
    /// Takes one use of what `name` stands for, if it may be taken: one statement, so that nodes cannot take the same.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn rate_take(&self, name: &str, quota: Quota, now: i64) -> Result<Verdict, Error> {
        let (cost, latest) = (quota.cost(), quota.latest(now));
        let row: Option<(i64,)> = fetch!(self, fetch_optional, RATE_TAKE, name, now, cost, latest)?;
        if let Some((full_at,)) = row {
            return Ok(quota.verdict(true, full_at, now));
        }
        let row: Option<(i64,)> = fetch!(self, fetch_optional, RATE_READ, name)?;
        let full_at = row.map_or(now, |(full_at,)| full_at);
        Ok(quota.verdict(false, full_at, now))
    }

    /// What [`Store::rate_take`] would answer, without taking anything.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn rate_look(&self, name: &str, quota: Quota, now: i64) -> Result<Verdict, Error> {
        let row: Option<(i64,)> = fetch!(self, fetch_optional, RATE_READ, name)?;
        Ok(quota.look(row.map_or(now, |(full_at,)| full_at), now))
    }

    /// Makes an allowance whole at once.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn rate_forget(&self, name: &str) -> Result<(), Error> {
        execute!(self, RATE_FORGET, name).map(drop)
    }

    /// Gives a use back that turned out not to count.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn rate_give_back(&self, name: &str, quota: Quota) -> Result<(), Error> {
        execute!(self, RATE_GIVE_BACK, name, quota.cost()).map(drop)
    }

    /// Deletes what is whole again.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn rate_sweep(&self, now: i64) -> Result<u64, Error> {
        execute!(self, RATE_SWEEP, now)
    }
}
