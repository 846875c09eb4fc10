//! OpenAI's languages, both sides.

mod audio;
mod chat;
mod chat_judge;
mod errors;
mod responses;
mod tool_calls;

/// The text of a file of the reference.
macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../fixtures/openai/", $name)).trim_end()
    };
}
pub(crate) use fixture;

use ringback_wire::sse::{Decoder, Event};
use serde_json::Value;

/// Texts that say the same, whatever the order of their fields.
fn same(left: &str, right: &str) {
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(json(left), json(right));
}

/// The events of a stream.
fn events(stream: &str) -> Vec<Event> {
    let mut decoder = Decoder::default();
    decoder.push(stream.as_bytes()).unwrap();
    let mut events: Vec<_> = std::iter::from_fn(|| decoder.poll()).collect();
    events.extend(decoder.finish());
    events
}
