//! What the session asks of a socket, whoever accepted it.

use futures_util::{Sink, Stream};

/// A message that a socket received. Pings and pongs are the socket's own matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received<T> {
    /// A text message.
    Text(T),
    /// A binary message, by its length in bytes.
    Binary(usize),
    /// The peer closed.
    Closed {
        /// The close code, if it gave one.
        code: Option<u16>,
        /// The reason it gave.
        reason: String,
    },
}

/// A message for a socket to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A text message.
    Text(String),
    /// A close with its code and reason.
    Close {
        /// The close code (RFC 6455, 7.4.1).
        code: u16,
        /// The reason; at most 123 bytes.
        reason: String,
    },
}

/// The socket broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SocketError {
    /// The code to close with where the peer broke the protocol (RFC 6455, 7.4.1); `None` where the connection is gone.
    pub code: Option<u16>,
    /// What happened.
    pub reason: String,
}

/// A carrier's socket: both halves, owned by one call's task.
pub trait CarrierSocket<T: AsRef<str> + Send>:
    Stream<Item = Result<Received<T>, SocketError>> + Sink<Outgoing, Error = SocketError> + Unpin + Send
{
}

impl<S, T> CarrierSocket<T> for S
where
    T: AsRef<str> + Send,
    S: Stream<Item = Result<Received<T>, SocketError>>
        + Sink<Outgoing, Error = SocketError>
        + Unpin
        + Send,
{
}
