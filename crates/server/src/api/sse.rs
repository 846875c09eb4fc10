//! Server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::HeaderName;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, StreamExt as _};

/// nginx holds answers back unless it is told not to.
const UNBUFFERED: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");
/// So long a silent line is left silent: proxies close those that are.
const ALIVE: Duration = Duration::from_secs(15);

/// An answer of events, each sent as it comes. When their reader leaves, the stream is dropped.
pub(super) fn sent(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    let alive = KeepAlive::new().interval(ALIVE);
    let events = Sse::new(events.map(Ok::<_, Infallible>));
    ([UNBUFFERED], events.keep_alive(alive)).into_response()
}
