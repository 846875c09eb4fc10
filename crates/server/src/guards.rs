//! What stands before handlers, whatever they do.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ringback_store::{Error, Store};

use crate::app::App;
use crate::blocks::Blocks;
use crate::captcha::Captcha;
use crate::database::now;
use crate::rates::Limiter;
use crate::tls::Tls;

/// How often rows that say nothing any more are deleted.
const EVERY: Duration = Duration::from_secs(600);

/// Turns away who is shut out, asks too often, or may be a machine.
#[derive(Debug, Default)]
pub struct Guards {
    /// Which addresses are shut out.
    pub blocks: Blocks,
    /// Counts how often routes are used.
    pub limiter: Limiter,
    /// What who registers or signs in must have solved.
    pub captcha: Captcha,
    /// Proves to them that the server is who it says; empty without TLS of its own.
    pub tls: OnceLock<Arc<Tls>>,
}

/// Deletes rows that say nothing any more, again and again: blocks that are over, allowances that are whole.
pub async fn sweep(app: App) {
    loop {
        tokio::time::sleep(EVERY).await;
        if let Some(store) = app.rows.store()
            && let Err(error) = sweep_once(store).await
        {
            tracing::warn!("Error of the database: old limits and blocks are not deleted: {error}");
        }
    }
}

/// Does so once, and answers how many there were.
///
/// # Errors
/// The database does not answer.
pub async fn sweep_once(store: &Store) -> Result<u64, Error> {
    let now = now();
    Ok(store.rate_sweep(now).await? + store.ip_block_sweep(now).await?)
}
