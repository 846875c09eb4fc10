//! Deepgram's grammars against the messages of its reference.

/// The text of a file of the reference.
macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/deepgram/",
            $name
        ))
        .trim_end()
    };
}

/// Every line of a table of texts is refused with the words beside it.
macro_rules! assert_refused {
    ($parse:path, $table:expr) => {
        for (text, why) in $table {
            let refusal = $parse(text).expect_err(text);
            assert_eq!(refusal.to_string(), why, "{text}");
        }
    };
}

mod flux;
mod http_error;
mod listen;
mod recorded;
mod speak;

use std::time::Duration;

use proptest::prelude::*;
use ringback_wire::deepgram::{close_id, may_reconnect, may_retry};

use crate::corpora::deepgram as checks;

/// Times of up to a day, to the microsecond.
fn times() -> impl Strategy<Value = Duration> {
    (0..86_400_000_000u64).prop_map(Duration::from_micros)
}

/// Numbers from 0 to 1 with six decimal places.
fn ratios() -> impl Strategy<Value = f64> {
    (0..=1_000_000u32).prop_map(|millionths| f64::from(millionths) / 1e6)
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(any::<String>(), 0..3)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn the_word_for_a_close_is_found_in_each_form_of_its_reason() {
    assert_eq!(close_id("NET-0001: nothing came"), Some("NET-0001"));
    let link = "Deepgram did not receive audio data or a text message within the timeout window. See https://dpgr.am/net0001";
    assert_eq!(close_id(link), Some("NET-0001"));
    assert_eq!(close_id("DATA-0000"), Some("DATA-0000"));
    assert_eq!(close_id(""), None);
    assert_eq!(close_id("NET-0099"), None);
}

#[test]
fn what_would_be_refused_again_is_not_tried_again() {
    let codes = [1000, 1001, 1003, 1005, 1006, 1008, 1009, 1011];
    let again: Vec<_> = codes
        .into_iter()
        .filter(|code| may_reconnect(*code))
        .collect();
    assert_eq!(again, [1001, 1005, 1006, 1011]);
    let statuses = [
        400, 401, 402, 403, 404, 408, 413, 429, 499, 500, 502, 503, 504,
    ];
    let again: Vec<_> = statuses
        .into_iter()
        .filter(|status| may_retry(*status))
        .collect();
    assert_eq!(again, [408, 429, 500, 502, 503, 504]);
}

fn messages() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        fixture!("listen_results.json"),
        fixture!("listen_metadata.json"),
        fixture!("listen_utterance_end.json"),
        fixture!("to_listen_configure.json"),
        fixture!("flux_end_of_turn.json"),
        fixture!("flux_configure_success.json"),
        fixture!("to_flux_configure.json"),
        fixture!("speak_metadata.json"),
        fixture!("to_speak_speak.json"),
    ])
}

fn queries() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        fixture!("listen_telephone.query"),
        fixture!("flux_telephone.query"),
        fixture!("speak_request.query"),
    ])
}

fn damaged(text: &str, at: prop::sample::Index, byte: u8) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let at = at.index(bytes.len());
    bytes[at] = byte;
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_text_of_the_reference_with_one_byte_changed_is_refused_or_kept(
        (message, query) in (messages(), queries()),
        at in any::<prop::sample::Index>(),
        byte in 0x20..0x7fu8,
    ) {
        checks::message(&damaged(message, at, byte));
        checks::query(&damaged(query, at, byte));
        checks::error(&damaged(fixture!("error_modern.json"), at, byte));
    }
}
