//! What the server keeps in memory beside calls.

pub mod conversations;
pub mod uploads;

use std::sync::Arc;

use crate::calls::{Recent, Watches};
use conversations::Conversations;
use uploads::Uploads;

/// What the server keeps in memory beside calls.
#[derive(Default)]
pub struct Desk {
    /// What calls that ended lately came to.
    pub recent: Recent,
    /// Live calls, for those who follow them.
    pub watches: Arc<Watches>,
    /// Places for uploads.
    pub uploads: Uploads,
    /// Conversations in writing.
    pub conversations: Conversations,
}
