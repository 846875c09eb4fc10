//! What the server keeps in memory beside calls.

pub mod conversations;

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::calls::{Recent, Watches};
use conversations::Conversations;

/// Files that are uploaded and heard at once.
const UPLOADS: usize = 16;

/// What the server keeps in memory beside calls.
pub struct Desk {
    /// What calls that ended lately came to.
    pub recent: Recent,
    /// Live calls, for those who follow them.
    pub watches: Arc<Watches>,
    /// Places for uploads.
    pub uploads: Semaphore,
    /// Conversations in writing.
    pub conversations: Conversations,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            recent: Recent::default(),
            watches: Arc::default(),
            uploads: Semaphore::new(UPLOADS),
            conversations: Conversations::default(),
        }
    }
}
