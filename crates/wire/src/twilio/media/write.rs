//! The three messages Twilio accepts.

use std::fmt::Write as _;

use base64_simd::STANDARD;

/// Writes a `media` message into `out`, whose old content is discarded: `mulaw` is 8000 Hz mono without any header.
/// Twilio refuses a message with further fields, so there are none.
pub fn write_media(out: &mut String, stream_sid: &str, mulaw: &[u8]) {
    open(out, "media", stream_sid);
    out.push_str(r#","media":{"payload":""#);
    push_base64(out, mulaw);
    out.push_str("\"}}");
}

/// Writes a `mark` message into `out`, whose old content is discarded. Twilio echoes `name` when the audio sent before
/// it was played or cleared.
pub fn write_mark(out: &mut String, stream_sid: &str, name: &str) {
    open(out, "mark", stream_sid);
    out.push_str(r#","mark":{"name":"#);
    push_json_string(out, name);
    out.push_str("}}");
}

/// Writes a `clear` message into `out`, whose old content is discarded: Twilio drops what it has not played.
pub fn write_clear(out: &mut String, stream_sid: &str) {
    open(out, "clear", stream_sid);
    out.push('}');
}

fn open(out: &mut String, event: &str, stream_sid: &str) {
    out.clear();
    out.push_str(r#"{"event":""#);
    out.push_str(event);
    out.push_str(r#"","streamSid":"#);
    push_json_string(out, stream_sid);
}

pub(crate) fn push_base64(out: &mut String, bytes: &[u8]) {
    STANDARD.encode_append(bytes, out);
}

pub(crate) fn push_json_string(out: &mut String, text: &str) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    out.push('"');
    if text.bytes().all(plain) {
        out.push_str(text);
    } else {
        for character in text.chars() {
            match character {
                '"' | '\\' => out.extend(['\\', character]),
                '\0'..='\x1f' => drop(write!(out, "\\u{:04x}", u32::from(character))),
                _ => out.push(character),
            }
        }
    }
    out.push('"');
}
