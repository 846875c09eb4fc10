//! The newest state of each live call, with which another node can go on.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use crate::db::{Tx, execute, execute_in, fetch, statements};
use crate::{Error, Json, Store};

/// A state of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, FromRow)]
pub struct Checkpoint {
    /// The call.
    pub call_id: String,
    /// A later state has a higher number.
    pub number: i64,
    /// The state.
    pub body: Json,
    /// When (µs since 1970).
    pub at: i64,
}

statements! {
    CHECKPOINT_UPSERT = ["INSERT INTO checkpoints (call_id, number, body, at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (call_id) DO UPDATE SET number = excluded.number, body = excluded.body,
            at = excluded.at
        WHERE checkpoints.number < excluded.number"];
    CHECKPOINT_FIND = ["SELECT * FROM checkpoints WHERE call_id = $1"];
    CHECKPOINT_DELETE = ["DELETE FROM checkpoints WHERE call_id = $1"];
}

pub(crate) async fn checkpoint_set(tx: &mut Tx, checkpoint: &Checkpoint) -> Result<(), Error> {
    let Checkpoint {
        call_id,
        number,
        body,
        at,
    } = checkpoint;
    execute_in!(tx, CHECKPOINT_UPSERT, call_id, *number, body, *at).map(drop)
}

impl Store {
    /// Keeps a state, unless a later one is there. Before a side effect it is awaited; else a
    /// [`Writer`](crate::Writer) does.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such call.
    pub async fn checkpoint_set(&self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        checkpoint_set(&mut tx, checkpoint).await?;
        tx.commit().await
    }

    /// The newest state of a call.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn checkpoint_find(&self, call_id: &str) -> Result<Option<Checkpoint>, Error> {
        fetch!(self, fetch_optional, CHECKPOINT_FIND, call_id)
    }

    /// Forgets the state of a call that is over.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn checkpoint_delete(&self, call_id: &str) -> Result<(), Error> {
        execute!(self, CHECKPOINT_DELETE, call_id).map(drop)
    }
}
