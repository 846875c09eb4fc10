//! The messages Twilio sends, spelled as it spells them.

use std::fmt::Write as _;

use crate::twilio::media::{Start, Track, push_base64, push_json_string};

/// Writes `connected`, the first message of a socket, into `out`, whose old content is discarded.
pub fn write_connected(out: &mut String) {
    out.clear();
    out.push_str(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#);
}

/// Writes `start`, the second message, whose `sequence` is 1, into `out`, whose old content is discarded. A track that
/// is unknown is left out, and so is an account that is not there.
pub fn write_start(out: &mut String, sequence: u64, start: &Start) {
    open(out, "start", sequence);
    out.push_str(r#","start":{"#);
    field(out, "streamSid", &start.stream_sid);
    if let Some(account_sid) = &start.account_sid {
        out.push(',');
        field(out, "accountSid", account_sid);
    }
    out.push(',');
    field(out, "callSid", &start.call_sid);
    out.push_str(r#","tracks":["#);
    let names = start.tracks.iter().filter_map(|track| track_name(*track));
    separated(out, names, push_json_string);
    out.push_str(r#"],"customParameters":{"#);
    separated(out, &start.custom_parameters, |out, (name, value)| {
        field(out, name, value)
    });
    out.push_str(r#"},"mediaFormat":{"#);
    let format = &start.media_format;
    field(out, "encoding", &format.encoding);
    let _ = write!(
        out,
        r#","sampleRate":{},"channels":{}}}}}"#,
        format.sample_rate, format.channels
    );
    close(out, &start.stream_sid);
}

/// A piece of the caller's audio, as Twilio numbers it.
#[derive(Debug, Clone, Copy)]
pub struct InboundMedia<'a> {
    /// Counts every message after `connected`, from 1.
    pub sequence: u64,
    /// The stream it belongs to.
    pub stream_sid: &'a str,
    /// Counts the pieces of audio, from 1.
    pub chunk: u64,
    /// Presentation time in ms since the stream began.
    pub timestamp_ms: u64,
    /// Raw mu-law bytes, 160 for 20 ms.
    pub mulaw: &'a [u8],
}

/// Writes an inbound `media` message into `out`, whose old content is discarded. All counters are strings, as sent.
pub fn write_inbound_media(out: &mut String, media: &InboundMedia<'_>) {
    open(out, "media", media.sequence);
    let _ = write!(
        out,
        r#","media":{{"track":"inbound","chunk":"{}","timestamp":"{}","payload":""#,
        media.chunk, media.timestamp_ms
    );
    push_base64(out, media.mulaw);
    out.push_str("\"}");
    close(out, media.stream_sid);
}

/// Writes a `dtmf` message, one key press, into `out`, whose old content is discarded.
pub fn write_dtmf(out: &mut String, sequence: u64, stream_sid: &str, digit: char) {
    out.clear();
    out.push_str(r#"{"event":"dtmf","streamSid":"#);
    push_json_string(out, stream_sid);
    let _ = write!(
        out,
        r#","sequenceNumber":"{sequence}","dtmf":{{"track":"inbound_track","#
    );
    field(out, "digit", digit.encode_utf8(&mut [0; 4]));
    out.push_str("}}");
}

/// Writes the echo of a server's mark into `out`, whose old content is discarded.
pub fn write_mark_echo(out: &mut String, sequence: u64, stream_sid: &str, name: &str) {
    open(out, "mark", sequence);
    out.push(',');
    field(out, "streamSid", stream_sid);
    out.push_str(r#","mark":{"#);
    field(out, "name", name);
    out.push_str("}}");
}

/// Writes `stop`, the last message, into `out`, whose old content is discarded.
pub fn write_stop(out: &mut String, sequence: u64, start: &Start) {
    open(out, "stop", sequence);
    out.push_str(r#","stop":{"#);
    if let Some(account_sid) = &start.account_sid {
        field(out, "accountSid", account_sid);
        out.push(',');
    }
    field(out, "callSid", &start.call_sid);
    out.push('}');
    close(out, &start.stream_sid);
}

fn open(out: &mut String, event: &str, sequence: u64) {
    out.clear();
    let _ = write!(out, r#"{{"event":"{event}","sequenceNumber":"{sequence}""#);
}

fn close(out: &mut String, stream_sid: &str) {
    out.push(',');
    field(out, "streamSid", stream_sid);
    out.push('}');
}

fn field(out: &mut String, name: &str, value: &str) {
    push_json_string(out, name);
    out.push(':');
    push_json_string(out, value);
}

fn separated<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write_item: impl FnMut(&mut String, T),
) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_item(out, item);
    }
}

fn track_name(track: Track) -> Option<&'static str> {
    match track {
        Track::Inbound => Some("inbound"),
        Track::Outbound => Some("outbound"),
        Track::Unknown => None,
    }
}
