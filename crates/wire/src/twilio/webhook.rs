//! What Twilio posts: forms with all their fields, and the views of them that this product needs.
//!
//! Twilio adds fields without notice and signs every one, blank ones too: a [`Form`] keeps them all, in order.

mod amd;
mod form;
mod stream_status;
mod voice;

pub use amd::{AmdVerdict, AnsweredBy};
pub use form::{BadForm, Form};
pub use stream_status::{StreamEvent, StreamStatus};
pub use voice::{CallStatus, Direction, VoiceRequest};

/// The largest body or query taken, in bytes.
pub const MAX_FORM_BYTES: usize = 64 * 1024;
/// The most fields taken. A voice request has about forty.
pub const MAX_FIELDS: usize = 256;
/// The longest field name taken, in bytes.
pub const MAX_NAME_BYTES: usize = 256;
