//! Calls to come. A node takes due entries on a lease; whatever it then says of them counts only while it holds it.

use sqlx::FromRow;

use crate::db::{Tx, execute, execute_in, fetch, fetch_in, statements};
use crate::words::words;
use crate::{Error, Json, Page, Paged, Store, new_id, normal_number};

words! {
    /// Where an entry is.
    pub enum EntryStatus {
        /// To come.
        Scheduled = "scheduled",
        /// A node has it.
        Claimed = "claimed",
        /// The call was made.
        Completed = "completed",
        /// The call could not be made.
        Failed = "failed",
        /// Taken back.
        Cancelled = "cancelled",
    }
}

/// The wish to call somebody at a time.
#[derive(Clone, Debug, PartialEq, FromRow)]
pub struct Entry {
    /// What is wanted.
    #[sqlx(flatten)]
    pub wish: EntryNew,
    /// Id.
    pub id: String,
    /// Where it is.
    pub status: EntryStatus,
    /// How often it was claimed. Part of the lease.
    pub attempt: i64,
    /// The node that has it.
    pub lease_owner: Option<String>,
    /// It has it until then (µs since 1970).
    pub lease_until: Option<i64>,
    /// Our id of the call that was placed.
    pub call_id: Option<String>,
    /// The carrier's id of it.
    pub call_sid: Option<String>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was made.
    pub created_at: i64,
    /// When it last changed.
    pub updated_at: i64,
}

/// What is wanted of an entry.
#[derive(Clone, Debug, PartialEq, FromRow)]
pub struct EntryNew {
    /// Who asks for it.
    pub owner: Option<String>,
    /// Whom to call; kept in the form of [`normal_number`].
    pub phone: String,
    /// The scenario's slug.
    pub scenario: String,
    /// The scenario's id, where it is in the store.
    pub scenario_id: Option<String>,
    /// When (µs since 1970).
    pub due_at: i64,
    /// The time zone in which it was said, by its IANA name.
    pub timezone: Option<String>,
    /// Retries, window, and all else that is asked for.
    pub options: Option<Json>,
}

/// What is changed of an entry that nobody has claimed yet; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct EntryMove {
    /// Another time (µs since 1970).
    pub due_at: Option<i64>,
    /// Another time zone.
    pub timezone: Option<String>,
    /// Another scenario's slug.
    pub scenario: Option<String>,
}

/// Which entries; `None` is all.
#[derive(Clone, Debug, Default)]
pub struct EntryFilter {
    /// Of this user.
    pub owner: Option<String>,
    /// Where they are.
    pub status: Option<EntryStatus>,
    /// To this number, however it is spelled.
    pub phone: Option<String>,
}

/// The right to carry an entry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The entry.
    pub id: String,
    /// The node.
    pub owner: String,
    /// The claim, by its number: an old claim of the same node is worth nothing.
    pub attempt: i64,
}

/// What became of a claimed entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The call was made.
    Completed,
    /// It could not be made.
    Failed(String),
    /// It could not be made, and is to be tried again at this time (µs since 1970).
    Again(i64, String),
}

impl Entry {
    /// The lease of an entry as [`Store::schedule_claim`] answered it.
    #[must_use]
    pub fn lease(&self) -> Lease {
        let owner = self.lease_owner.clone().unwrap_or_default();
        Lease {
            id: self.id.clone(),
            owner,
            attempt: self.attempt,
        }
    }
}

statements! {
    ENTRY_INSERT = ["INSERT INTO schedule (id, owner, phone, scenario, scenario_id, due_at, timezone, options,
            status, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'scheduled', $9, $9) RETURNING *"];
    ENTRY_FIND = ["SELECT * FROM schedule WHERE id = $1"];
    ENTRIES_COUNT = ["SELECT COUNT(*) FROM schedule
        WHERE (CAST($1 AS TEXT) IS NULL OR owner = $1) AND (CAST($2 AS TEXT) IS NULL OR status = $2)
        AND (CAST($3 AS TEXT) IS NULL OR phone = $3)"];
    ENTRIES_LIST = ["SELECT * FROM schedule
        WHERE (CAST($1 AS TEXT) IS NULL OR owner = $1) AND (CAST($2 AS TEXT) IS NULL OR status = $2)
        AND (CAST($3 AS TEXT) IS NULL OR phone = $3)
        ORDER BY created_at DESC, id DESC LIMIT $4 OFFSET $5"];
    ENTRY_MOVE = ["UPDATE schedule SET due_at = COALESCE(CAST($2 AS BIGINT), due_at),
            timezone = COALESCE(CAST($3 AS TEXT), timezone),
            scenario = COALESCE(CAST($4 AS TEXT), scenario), updated_at = $5
        WHERE id = $1 AND status = 'scheduled' RETURNING *"];
    ENTRY_CANCEL = ["UPDATE schedule SET status = 'cancelled', updated_at = $2
        WHERE id = $1 AND status = 'scheduled' RETURNING *"];
    /// What is due is chosen once, before anything is changed: a subquery may be run again for each row.
    ENTRIES_CLAIM = ["WITH due AS MATERIALIZED (SELECT id FROM schedule
            WHERE status = 'scheduled' AND due_at <= $3 ORDER BY due_at, id LIMIT $4" skip_locked ")
        UPDATE schedule SET status = 'claimed', lease_owner = $1, lease_until = $2,
            attempt = attempt + 1, call_id = NULL, call_sid = NULL, updated_at = $3
        WHERE id IN (SELECT id FROM due) AND status = 'scheduled' RETURNING *"];
    LEASE_RENEW = ["UPDATE schedule SET lease_until = $4, updated_at = $5
        WHERE id = $1 AND lease_owner = $2 AND attempt = $3 AND status = 'claimed'"];
    LEASE_PLACED = ["UPDATE schedule SET call_id = $4, call_sid = COALESCE(CAST($5 AS TEXT), call_sid),
            updated_at = $6
        WHERE id = $1 AND lease_owner = $2 AND attempt = $3 AND status = 'claimed'"];
    LEASE_FINISH = ["UPDATE schedule SET status = $4, due_at = COALESCE(CAST($5 AS BIGINT), due_at),
            last_error = $6, lease_owner = NULL, lease_until = NULL, updated_at = $7
        WHERE id = $1 AND lease_owner = $2 AND attempt = $3 AND status = 'claimed'"];
    /// A node that died before it placed the call: somebody else may. After: nobody may, or the callee is called twice.
    LEASES_LAPSED_UNPLACED = ["UPDATE schedule SET status = 'scheduled', lease_owner = NULL,
            lease_until = NULL, updated_at = $1
        WHERE status = 'claimed' AND lease_until < $1 AND call_id IS NULL"];
    LEASES_LAPSED_PLACED = ["UPDATE schedule SET status = 'failed', lease_owner = NULL,
            lease_until = NULL, updated_at = $1,
            last_error = 'the server that placed the call was lost before it told how it went'
        WHERE status = 'claimed' AND lease_until < $1 AND call_id IS NOT NULL"];
}

async fn insert(tx: &mut Tx, new: &EntryNew, now: i64) -> Result<Entry, Error> {
    fetch_in!(
        tx,
        fetch_one,
        ENTRY_INSERT,
        new_id(now),
        new.owner.as_deref(),
        normal_number(&new.phone),
        &new.scenario,
        new.scenario_id.as_deref(),
        new.due_at,
        new.timezone.as_deref(),
        new.options.as_ref(),
        now
    )
}

impl Store {
    /// Books a call.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn schedule_insert(&self, new: &EntryNew, now: i64) -> Result<Entry, Error> {
        let mut tx = self.begin().await?;
        let entry = insert(&mut tx, new, now).await?;
        tx.commit().await?;
        Ok(entry)
    }

    /// Books many calls, all or none.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn schedule_insert_all(
        &self,
        new: &[EntryNew],
        now: i64,
    ) -> Result<Vec<Entry>, Error> {
        let mut tx = self.begin().await?;
        let mut entries = Vec::with_capacity(new.len());
        for new in new {
            entries.push(insert(&mut tx, new, now).await?);
        }
        tx.commit().await?;
        Ok(entries)
    }

    /// The entry of this id.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn schedule_find(&self, id: &str) -> Result<Option<Entry>, Error> {
        fetch!(self, fetch_optional, ENTRY_FIND, id)
    }

    /// Entries, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn schedule_list(
        &self,
        filter: &EntryFilter,
        page: Page,
    ) -> Result<Paged<Entry>, Error> {
        let phone = filter.phone.as_deref().map(normal_number);
        let (owner, status, phone) = (filter.owner.as_deref(), filter.status, phone.as_deref());
        let (total,): (i64,) = fetch!(self, fetch_one, ENTRIES_COUNT, owner, status, phone)?;
        let rows = fetch!(
            self,
            fetch_all,
            ENTRIES_LIST,
            owner,
            status,
            phone,
            page.limit,
            page.skip
        )?;
        Ok(Paged { rows, total })
    }

    /// Moves an entry that nobody has claimed yet.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] where it is not to come any more.
    pub async fn schedule_move(
        &self,
        id: &str,
        change: &EntryMove,
        now: i64,
    ) -> Result<Entry, Error> {
        let EntryMove {
            due_at,
            timezone,
            scenario,
        } = change;
        let moved = fetch!(
            self,
            fetch_optional,
            ENTRY_MOVE,
            id,
            *due_at,
            timezone.as_deref(),
            scenario.as_deref(),
            now
        )?;
        self.still_to_come(id, moved).await
    }

    /// Takes an entry back that nobody has claimed yet.
    ///
    /// # Errors
    /// As [`Store::schedule_move`].
    pub async fn schedule_cancel(&self, id: &str, now: i64) -> Result<Entry, Error> {
        let cancelled = fetch!(self, fetch_optional, ENTRY_CANCEL, id, now)?;
        self.still_to_come(id, cancelled).await
    }

    async fn still_to_come(&self, id: &str, changed: Option<Entry>) -> Result<Entry, Error> {
        match changed {
            Some(entry) => Ok(entry),
            None => Err(match self.schedule_find(id).await? {
                Some(entry) => {
                    Error::Conflict(format!("the entry is {} already", entry.status.as_str()))
                }
                None => Error::NotFound("the entry"),
            }),
        }
    }

    /// Takes at most `most` due entries for this node until `lease_until`. No entry goes to two nodes.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn schedule_claim(
        &self,
        owner: &str,
        most: i64,
        lease_until: i64,
        now: i64,
    ) -> Result<Vec<Entry>, Error> {
        fetch!(
            self,
            fetch_all,
            ENTRIES_CLAIM,
            owner,
            lease_until,
            now,
            most
        )
    }

    /// Makes a lease longer. Answers `false` where it is lost.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn schedule_renew(&self, lease: &Lease, until: i64, now: i64) -> Result<bool, Error> {
        let Lease { id, owner, attempt } = lease;
        Ok(execute!(self, LEASE_RENEW, id, owner, *attempt, until, now)? > 0)
    }

    /// Notes the call, before the carrier is asked for it and again when it answered. From then on nobody else places it.
    /// Answers `false` where the lease is lost: then the call must not be placed.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn schedule_placed(
        &self,
        lease: &Lease,
        call_id: &str,
        call_sid: Option<&str>,
        now: i64,
    ) -> Result<bool, Error> {
        let Lease { id, owner, attempt } = lease;
        Ok(execute!(
            self,
            LEASE_PLACED,
            id,
            owner,
            *attempt,
            call_id,
            call_sid,
            now
        )? > 0)
    }

    /// Ends a claim. Answers `false` where the lease is lost: then nothing has changed.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn schedule_finish(
        &self,
        lease: &Lease,
        finish: &Finish,
        now: i64,
    ) -> Result<bool, Error> {
        let Lease { id, owner, attempt } = lease;
        let (status, due_at, error) = match finish {
            Finish::Completed => (EntryStatus::Completed, None, None),
            Finish::Failed(why) => (EntryStatus::Failed, None, Some(why.as_str())),
            Finish::Again(due_at, why) => {
                (EntryStatus::Scheduled, Some(*due_at), Some(why.as_str()))
            }
        };
        Ok(execute!(
            self,
            LEASE_FINISH,
            id,
            owner,
            *attempt,
            status,
            due_at,
            error,
            now
        )? > 0)
    }

    /// Ends leases that ran out: entries whose call was not placed are to come again, the others have failed. Answers
    /// how many of each.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn schedule_reap(&self, now: i64) -> Result<(u64, u64), Error> {
        let mut tx = self.begin().await?;
        let again = execute_in!(tx, LEASES_LAPSED_UNPLACED, now)?;
        let failed = execute_in!(tx, LEASES_LAPSED_PLACED, now)?;
        tx.commit().await?;
        Ok((again, failed))
    }
}
