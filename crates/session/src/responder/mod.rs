//! Responders: what answers a conversation.
