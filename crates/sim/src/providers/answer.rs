//! Answers over HTTP: pieces one after the other, bent by knobs.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use futures_util::stream;
use tokio::time::sleep;

use super::knobs::Knobs;
use super::mark::Mark;
use super::requests::{Entry, State};
use super::stamps::Point;
use super::visit::Visit;

/// What stands in the place of a piece when garbage is asked for.
const GARBAGE: &[u8] = b"\x01%%}{\n\ndata: {\"choices\": [\xff\n\n";

/// A piece of an answer and the pause before it.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) pause: Duration,
    pub(super) bytes: Vec<u8>,
    /// With it so many words of a marked answer have left.
    pub(super) written: Option<(Mark, usize)>,
}

impl Piece {
    pub(super) fn now(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            pause: Duration::ZERO,
            bytes: bytes.into(),
            written: None,
        }
    }
}

struct Stream {
    entry: Entry,
    knobs: Knobs,
    pieces: VecDeque<Piece>,
    sent: u64,
    sent_bytes: u64,
    dropped: bool,
}

impl Stream {
    /// What a knob asks for: the connection goes.
    fn is_cut(&self) -> bool {
        let reached = |limit: Option<u64>, count| limit.is_some_and(|limit| count >= limit);
        reached(self.knobs.disconnect_after, self.sent)
            || reached(self.knobs.disconnect_after_bytes, self.sent_bytes)
    }

    async fn next(mut self) -> Option<(io::Result<Bytes>, Self)> {
        if self.dropped {
            return None;
        }
        if self.is_cut() {
            // What was written is given time to leave before the connection is torn down.
            sleep(Duration::from_millis(5)).await;
            self.entry.end(State::Dropped);
            self.dropped = true;
            return Some((Err(io::ErrorKind::ConnectionAborted.into()), self));
        }
        let Some(piece) = self.pieces.pop_front() else {
            self.entry.end(State::Done);
            return None;
        };
        let late = if self.pieces.is_empty() {
            self.knobs.late_ms.unwrap_or(0)
        } else {
            0
        };
        sleep(piece.pause + Duration::from_millis(late)).await;
        let mut bytes = if self.knobs.garbage {
            GARBAGE.to_vec()
        } else {
            piece.bytes
        };
        if let Some(limit) = self.knobs.disconnect_after_bytes {
            bytes.truncate(
                usize::try_from(limit.saturating_sub(self.sent_bytes)).unwrap_or(usize::MAX),
            );
        }
        self.sent += 1;
        self.sent_bytes += bytes.len() as u64;
        self.entry.sent();
        if let Some((mark, words)) = piece.written {
            self.entry.stamp(Some(mark), Point::Wrote { words }, None);
        }
        if self.pieces.is_empty() && !self.is_cut() {
            self.entry.end(State::Done);
        }
        Some((Ok(bytes.into()), self))
    }
}

/// Answers with pieces as they come due. When the client goes first, the record says so.
pub(super) fn stream(visit: Visit, kind: &str, pieces: Vec<Piece>) -> Response {
    let Visit { entry, knobs, .. } = visit;
    entry.status(200);
    let pieces = if knobs.zero_bytes {
        VecDeque::new()
    } else {
        pieces.into()
    };
    let state = Stream {
        entry,
        knobs,
        pieces,
        sent: 0,
        sent_bytes: 0,
        dropped: false,
    };
    let mut response = Response::new(Body::from_stream(stream::unfold(state, Stream::next)));
    let kind =
        HeaderValue::from_str(kind).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Answers with a JSON text.
pub(super) fn json(visit: Visit, text: String) -> Response {
    stream(visit, "application/json", vec![Piece::now(text)])
}

/// Cuts audio into pieces of `size` bytes.
pub(super) fn cut(audio: &[u8], size: usize) -> Vec<Piece> {
    audio.chunks(size.max(1)).map(Piece::now).collect()
}
