//! The servers at one database: their signs of life, and the calls of those that are lost.

use sqlx::FromRow;

use crate::db::{execute, fetch, statements};
use crate::{Call, CallStatus, Error, Store};

/// A node with calls that have not ended.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct NodeSign {
    /// The node.
    pub node: String,
    /// Its last sign of life (µs since 1970, by its own clock); `None` where it never gave one.
    pub seen_at: Option<i64>,
}

statements! {
    NODE_SEEN = ["INSERT INTO nodes (node, seen_at) VALUES ($1, $2)
        ON CONFLICT (node) DO UPDATE SET seen_at = excluded.seen_at"];
    NODES_UNENDED = ["SELECT c.node AS node, MAX(n.seen_at) AS seen_at
        FROM calls c LEFT JOIN nodes n ON n.node = c.node
        WHERE c.status_rank < 9 AND c.node <> $1 AND (n.seen_at IS NOT NULL OR c.created_at < $2)
        GROUP BY c.node ORDER BY c.node"];
    NODES_SWEEP = ["DELETE FROM nodes WHERE seen_at < $1 AND NOT EXISTS
        (SELECT 1 FROM calls WHERE calls.node = nodes.node AND calls.status_rank < 9)"];
    CALL_PRESUME_OVER = ["UPDATE calls SET status = $2, status_rank = 9, ended_at = $3, end_reason = $4, end_presumed = 1
        WHERE id = $1 AND status_rank < 9"];
    CALLS_PRESUMED = ["SELECT id FROM calls WHERE end_presumed = 1 AND node = $1 ORDER BY created_at"];
    CALL_GOES_ON = ["UPDATE calls SET status = $2, status_rank = $3, ended_at = NULL, end_reason = NULL, end_presumed = 0
        WHERE id = $1 AND end_presumed = 1"];
    CALLS_LEFT = ["SELECT * FROM calls WHERE (status_rank < 9 OR end_presumed = 1) AND node = $1 AND created_at < $2
        ORDER BY created_at"];
}

impl Store {
    /// This node lives at `now` (µs since 1970).
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn node_seen(&self, node: &str, now: i64) -> Result<(), Error> {
        execute!(self, NODE_SEEN, node, now).map(drop)
    }

    /// Other nodes than `node` with calls that have not ended. Of one that never gave a sign of life, as versions before this one do
    /// not, calls count that began before `before`.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn node_unended(&self, node: &str, before: i64) -> Result<Vec<NodeSign>, Error> {
        fetch!(self, fetch_all, NODES_UNENDED, node, before)
    }

    /// Forgets the nodes that gave their last sign of life before `before` and whose calls have ended.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn node_sweep(&self, before: i64) -> Result<u64, Error> {
        execute!(self, NODES_SWEEP, before)
    }

    /// Ends a call whose node is lost, until that node says otherwise. Answers whether it had not ended.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn call_presume_over(
        &self,
        id: &str,
        ended_at: i64,
        reason: &str,
    ) -> Result<bool, Error> {
        let failed = CallStatus::Failed;
        Ok(execute!(self, CALL_PRESUME_OVER, id, failed, ended_at, reason)? > 0)
    }

    /// Our ids of this node's calls that others took to be over.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn call_presumed(&self, node: &str) -> Result<Vec<String>, Error> {
        let ids: Vec<(String,)> = fetch!(self, fetch_all, CALLS_PRESUMED, node)?;
        Ok(ids.into_iter().map(|(id,)| id).collect())
    }

    /// A call that others took to be over goes on. One that has ended in truth stays ended.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn call_goes_on(&self, id: &str) -> Result<(), Error> {
        let live = CallStatus::InProgress;
        execute!(self, CALL_GOES_ON, id, live, live.rank()).map(drop)
    }

    /// Calls of this node that began before `before` and have not ended, or were only taken to be over by others: at its start, those
    /// that it lost when it died.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn call_left(&self, node: &str, before: i64) -> Result<Vec<Call>, Error> {
        fetch!(self, fetch_all, CALLS_LEFT, node, before)
    }
}
