//! Calls as they are shown.

use sqlx::FromRow;

use super::{CallFile, CallStatus, Direction, Fault, Turn};
use crate::db::{fetch, is_nowhere, statements};
use crate::{Error, Json, Page, Paged, Store, normal_number};

/// A call.
#[derive(Clone, Debug, PartialEq, FromRow)]
pub struct Call {
    /// Who, whom, by what.
    #[sqlx(flatten)]
    pub start: Begun,
    /// Where it is.
    pub status: CallStatus,
    /// When it was answered (µs since 1970).
    pub answered_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// Why it ended.
    pub end_reason: Option<String>,
    /// What heard, answered and spoke: a list of names.
    pub engines: Option<Json>,
    /// What it cost, in `currency`.
    pub cost: Option<f64>,
    /// ISO 4217.
    pub currency: Option<String>,
}

/// What is known of a call from its beginning.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Begun {
    /// Our id.
    pub id: String,
    /// The carrier's.
    pub call_sid: Option<String>,
    /// Who called whom.
    pub direction: Direction,
    /// The caller, in the form of [`normal_number`].
    pub from_number: String,
    /// Who is called.
    pub to_number: String,
    /// The scenario's slug.
    pub scenario: String,
    /// The scenario's id, where it is in the store.
    pub scenario_id: Option<String>,
    /// The version it began with.
    pub scenario_version: Option<i64>,
    /// Whose call it is; `None` is the admins'.
    pub owner: Option<String>,
    /// The node it runs or ran on.
    pub node: String,
    /// When it began (µs since 1970).
    pub created_at: i64,
}

/// A call with all that happened in it.
#[derive(Clone, Debug, PartialEq)]
pub struct CallDetail {
    /// The call.
    pub call: Call,
    /// All figures, once it ended.
    pub summary: Option<Json>,
    /// In order.
    pub turns: Vec<Turn>,
    /// In order.
    pub faults: Vec<Fault>,
    /// Its files.
    pub files: Vec<CallFile>,
}

/// Which calls; `None` is all.
#[derive(Clone, Debug, Default)]
pub struct CallFilter {
    /// Of this user.
    pub owner: Option<String>,
    /// Where they are.
    pub status: Option<CallStatus>,
    /// Who called whom.
    pub direction: Option<Direction>,
    /// From or to this number, however it is spelled.
    pub number: Option<String>,
    /// By this scenario: slug or id.
    pub scenario: Option<String>,
    /// Begun at this time (µs since 1970) or later.
    pub since: Option<i64>,
    /// Begun before this time.
    pub until: Option<i64>,
}

statements! {
    CALLS_COUNT = ["SELECT COUNT(*) FROM calls
        WHERE (CAST($1 AS TEXT) IS NULL OR owner = $1) AND (CAST($2 AS TEXT) IS NULL OR status = $2)
        AND (CAST($3 AS TEXT) IS NULL OR direction = $3)
        AND (CAST($4 AS TEXT) IS NULL OR from_number = $4 OR to_number = $4)
        AND (CAST($5 AS TEXT) IS NULL OR scenario = $5 OR scenario_id = $5)
        AND (CAST($6 AS BIGINT) IS NULL OR created_at >= $6)
        AND (CAST($7 AS BIGINT) IS NULL OR created_at < $7)"];
    CALLS_LIST = ["SELECT * FROM calls
        WHERE (CAST($1 AS TEXT) IS NULL OR owner = $1) AND (CAST($2 AS TEXT) IS NULL OR status = $2)
        AND (CAST($3 AS TEXT) IS NULL OR direction = $3)
        AND (CAST($4 AS TEXT) IS NULL OR from_number = $4 OR to_number = $4)
        AND (CAST($5 AS TEXT) IS NULL OR scenario = $5 OR scenario_id = $5)
        AND (CAST($6 AS BIGINT) IS NULL OR created_at >= $6)
        AND (CAST($7 AS BIGINT) IS NULL OR created_at < $7)
        ORDER BY created_at DESC, id DESC LIMIT $8 OFFSET $9"];
    CALL_FIND = ["SELECT * FROM calls WHERE id = $1 OR call_sid = $1
        ORDER BY CASE WHEN id = $1 THEN 0 ELSE 1 END, created_at DESC, id DESC LIMIT 1"];
    CALL_SUMMARY = ["SELECT summary FROM calls WHERE id = $1"];
    TURNS_OF = ["SELECT * FROM turns WHERE call_id = $1 ORDER BY number"];
    FAULTS_OF = ["SELECT * FROM faults WHERE call_id = $1 ORDER BY at, id"];
    FILES_OF = ["SELECT * FROM call_files WHERE call_id = $1 ORDER BY kind"];
    CALL_LAST = ["SELECT MAX(at) FROM (
        SELECT COALESCE(answered_at, created_at) AS at FROM calls WHERE id = $1
        UNION ALL SELECT MAX(at) FROM turns WHERE call_id = $1
        UNION ALL SELECT MAX(at) FROM faults WHERE call_id = $1
        UNION ALL SELECT at FROM checkpoints WHERE call_id = $1) AS known"];
    CALLS_UNENDED = ["SELECT * FROM calls WHERE status_rank < 9 AND node = $1 AND created_at < $2
        ORDER BY created_at"];
}

impl Store {
    /// Calls, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn call_list(&self, filter: &CallFilter, page: Page) -> Result<Paged<Call>, Error> {
        let number = filter.number.as_deref().map(normal_number);
        let (owner, scenario) = (filter.owner.as_deref(), filter.scenario.as_deref());
        let (number, status, direction) = (number.as_deref(), filter.status, filter.direction);
        let (since, until) = (filter.since, filter.until);
        if is_nowhere([owner, number, scenario]) {
            return Ok(Paged::default());
        }
        let (total,): (i64,) = fetch!(
            self,
            fetch_one,
            CALLS_COUNT,
            owner,
            status,
            direction,
            number,
            scenario,
            since,
            until
        )?;
        let rows = fetch!(
            self, fetch_all, CALLS_LIST, owner, status, direction, number, scenario, since, until,
            page.limit, page.skip
        )?;
        Ok(Paged { rows, total })
    }

    /// The call of this id, ours or the carrier's.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn call_find(&self, id: &str) -> Result<Option<Call>, Error> {
        if is_nowhere([Some(id)]) {
            return Ok(None);
        }
        fetch!(self, fetch_optional, CALL_FIND, id)
    }

    /// The call of this id, ours or the carrier's, with all that happened in it.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn call_detail(&self, id: &str) -> Result<Option<CallDetail>, Error> {
        let Some(call) = self.call_find(id).await? else {
            return Ok(None);
        };
        let id = call.start.id.as_str();
        let summary: Option<(Option<Json>,)> = fetch!(self, fetch_optional, CALL_SUMMARY, id)?;
        let turns = fetch!(self, fetch_all, TURNS_OF, id)?;
        let faults = fetch!(self, fetch_all, FAULTS_OF, id)?;
        let files = self.call_files(id).await?;
        let summary = summary.and_then(|(summary,)| summary);
        Ok(Some(CallDetail {
            call,
            summary,
            turns,
            faults,
            files,
        }))
    }

    /// The files of the call of this id, ours.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn call_files(&self, id: &str) -> Result<Vec<CallFile>, Error> {
        fetch!(self, fetch_all, FILES_OF, id)
    }

    /// Calls of this node that began before `before` and have not ended.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn call_unended(&self, node: &str, before: i64) -> Result<Vec<Call>, Error> {
        fetch!(self, fetch_all, CALLS_UNENDED, node, before)
    }

    /// The last time (µs since 1970) at which something is known of the call of this id, ours: its beginning, a line, a fault, a
    /// checkpoint.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn call_last(&self, id: &str) -> Result<Option<i64>, Error> {
        let (last,): (Option<i64>,) = fetch!(self, fetch_one, CALL_LAST, id)?;
        Ok(last)
    }
}
