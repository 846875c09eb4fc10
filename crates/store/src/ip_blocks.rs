//! Addresses and networks that are shut out.

use sqlx::FromRow;

use crate::db::{execute, fetch, statements};
use crate::{Error, Page, Paged, Store};

/// A block.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct IpBlock {
    /// An address or a prefix, in the one form that the caller gives all of them: `203.0.113.7`, `2001:db8::/48`.
    pub network: String,
    /// Until then (µs since 1970); `None` for ever.
    pub until: Option<i64>,
    /// Why.
    pub reason: String,
    /// The admin; `None` where the server did it.
    pub created_by: Option<String>,
    /// Since when.
    pub created_at: i64,
}

statements! {
    /// What an admin set stands: the server neither shortens nor replaces it.
    BLOCK_UPSERT = ["INSERT INTO ip_blocks (network, until, reason, created_by, created_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (network) DO UPDATE SET until = excluded.until, reason = excluded.reason,
            created_by = excluded.created_by, created_at = excluded.created_at
        WHERE excluded.created_by IS NOT NULL OR ip_blocks.until <= excluded.created_at
            OR (ip_blocks.created_by IS NULL AND ip_blocks.until < excluded.until)"];
    BLOCKS_COUNT = ["SELECT COUNT(*) FROM ip_blocks WHERE until IS NULL OR until > $1"];
    BLOCKS_ACTIVE = ["SELECT * FROM ip_blocks WHERE until IS NULL OR until > $1
        ORDER BY created_at DESC, network LIMIT $2 OFFSET $3"];
    BLOCKS_FOREMOST = ["SELECT network, until FROM ip_blocks WHERE until IS NULL OR until > $1
        ORDER BY CASE WHEN created_by IS NULL THEN 1 ELSE 0 END, created_at DESC LIMIT $2"];
    BLOCK_DELETE = ["DELETE FROM ip_blocks WHERE network = $1"];
    BLOCKS_SWEEP = ["DELETE FROM ip_blocks WHERE until <= $1"];
}

impl Store {
    /// Blocks a network, or makes its block longer. One that an admin set is only changed by an admin.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn ip_block_set(&self, block: &IpBlock) -> Result<(), Error> {
        let IpBlock {
            network,
            until,
            reason,
            created_by,
            created_at,
        } = block;
        let by = created_by.as_deref();
        execute!(self, BLOCK_UPSERT, network, *until, reason, by, *created_at).map(drop)
    }

    /// The blocks in force, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn ip_block_list(&self, now: i64, page: Page) -> Result<Paged<IpBlock>, Error> {
        let (total,): (i64,) = fetch!(self, fetch_one, BLOCKS_COUNT, now)?;
        let Page { skip, limit } = page;
        let rows = fetch!(self, fetch_all, BLOCKS_ACTIVE, now, limit, skip)?;
        Ok(Paged { rows, total })
    }

    /// What to shut out now, until when (µs since 1970; `None` for ever): at most so many networks, those of admins first.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn ip_block_foremost(
        &self,
        now: i64,
        most: i64,
    ) -> Result<Vec<(String, Option<i64>)>, Error> {
        fetch!(self, fetch_all, BLOCKS_FOREMOST, now, most)
    }

    /// Takes a block away.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn ip_block_delete(&self, network: &str) -> Result<(), Error> {
        match execute!(self, BLOCK_DELETE, network)? {
            0 => Err(Error::NotFound("the block")),
            _ => Ok(()),
        }
    }

    /// Deletes blocks that are over, and answers how many.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn ip_block_sweep(&self, now: i64) -> Result<u64, Error> {
        execute!(self, BLOCKS_SWEEP, now)
    }
}
