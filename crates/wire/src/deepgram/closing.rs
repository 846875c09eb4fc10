//! How Deepgram ends a socket, and what is worth another try.

/// The close frame Deepgram sends for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    /// The WebSocket close code.
    pub code: u16,
    /// Deepgram's word for the reason, such as `NET-0001`; empty on a normal end.
    pub id: &'static str,
    /// The reason as it goes into the frame, at most 123 bytes. That of `NET-0001` on [`super::listen`] is the text users
    /// report; of the others only the beginning, the id, is documented.
    pub reason: &'static str,
}

impl Closing {
    /// The normal end: 1000 without a reason.
    pub const NORMAL: Self = Self::of(1000, "", "");

    pub(super) const fn of(code: u16, id: &'static str, reason: &'static str) -> Self {
        Self { code, id, reason }
    }
}

const IDS: [(&str, &str); 11] = [
    ("MESSAGE-0000", "message0000"),
    ("DATA-0000", "data0000"),
    ("DATA-0001", "data0001"),
    ("DATA-0002", "data0002"),
    ("BIG-0000", "big0000"),
    ("BIG-0001", "big0001"),
    ("NET-0000", "net0000"),
    ("NET-0001", "net0001"),
    ("NET-0002", "net0002"),
    ("NET-0003", "net0003"),
    ("NET-0004", "net0004"),
];

/// Deepgram's word for why it closed, found in the reason of a close frame: written out (`NET-0001`), or as the end of
/// the link that some reasons carry instead (`dpgr.am/net0001`).
#[must_use]
pub fn close_id(reason: &str) -> Option<&'static str> {
    let found = IDS
        .into_iter()
        .find(|(id, link)| reason.contains(id) || reason.contains(link));
    found.map(|(id, _)| id)
}

/// True if a socket closed with `code` is worth opening again, after a pause that grows: not after a normal end (1000),
/// and not after 1003, 1008 and 1009, where the same bytes would be refused again. 1005 and 1006 stand for no code.
#[must_use]
pub fn may_reconnect(code: u16) -> bool {
    !matches!(code, 1000 | 1003 | 1008 | 1009)
}

/// True if a request or a handshake answered with this HTTP status is worth another try, after a pause that grows:
/// 408, 429 (too many at once; Deepgram documents no `Retry-After`) and every 5xx.
#[must_use]
pub fn may_retry(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
}
