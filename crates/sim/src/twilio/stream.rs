//! One media stream as Twilio speaks it: counters, messages, and a strict ear for what the server sends.

use ringback_wire::twilio::media::Start;
use ringback_wire::twilio::media_client::{
    InboundMedia, Outbound, Refusal, parse_outbound, write_connected, write_dtmf,
    write_inbound_media, write_mark_echo, write_start, write_stop,
};

use super::playback::{Cleared, Playback};

/// Milliseconds of one frame of caller's audio.
const FRAME_MS: u64 = 20;

/// Twilio's end of one media socket, without the socket.
#[derive(Debug)]
pub struct MediaStream {
    start: Start,
    sequence: u64,
    frames: u64,
}

/// What a message of the server was.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// Audio, queued for playing.
    Media {
        /// Its mu-law bytes.
        mulaw: Vec<u8>,
        /// More than ten minutes wait: the audio was discarded (31931).
        discarded: bool,
    },
    /// A mark; `echo` is the message to send when nothing is buffered before it.
    Mark {
        /// Its name.
        name: String,
        /// The echo that is due at once.
        echo: Option<String>,
    },
    /// The queue was emptied.
    Clear {
        /// What was thrown away.
        cleared: Cleared,
        /// The echoes of all marks that waited, to be sent at once.
        echoes: Vec<String>,
    },
}

impl MediaStream {
    /// A stream that will introduce itself with `start`.
    #[must_use]
    pub fn new(start: Start) -> Self {
        Self {
            start,
            sequence: 0,
            frames: 0,
        }
    }

    /// The two messages a socket begins with.
    pub fn opening(&mut self) -> [String; 2] {
        let mut connected = String::new();
        write_connected(&mut connected);
        let mut start = String::new();
        let sequence = self.next_sequence();
        write_start(&mut start, sequence, &self.start);
        [connected, start]
    }

    /// The next 20 ms of the caller, into `out`.
    pub fn frame(&mut self, mulaw: &[u8], out: &mut String) {
        let sequence = self.next_sequence();
        let timestamp_ms = self.frames * FRAME_MS;
        self.frames += 1;
        write_inbound_media(
            out,
            &InboundMedia {
                sequence,
                stream_sid: &self.start.stream_sid,
                chunk: self.frames,
                timestamp_ms,
                mulaw,
            },
        );
    }

    /// A key that the caller pressed.
    pub fn digit(&mut self, digit: char) -> String {
        let mut out = String::new();
        let sequence = self.next_sequence();
        write_dtmf(&mut out, sequence, &self.start.stream_sid, digit);
        out
    }

    /// The echo of a mark.
    pub fn echo(&mut self, name: &str) -> String {
        let mut out = String::new();
        let sequence = self.next_sequence();
        write_mark_echo(&mut out, sequence, &self.start.stream_sid, name);
        out
    }

    /// The last message, when the call ends.
    pub fn stop(&mut self) -> String {
        let mut out = String::new();
        let sequence = self.next_sequence();
        write_stop(&mut out, sequence, &self.start);
        out
    }

    /// Takes a text message of the server, which came at the position `playback` has been played to.
    ///
    /// # Errors
    /// [`Refusal`] as Twilio would log it; the stream goes on without the message.
    pub fn receive(&mut self, text: &str, playback: &mut Playback) -> Result<Received, Refusal> {
        let message = parse_outbound(text)?.on_stream(&self.start.stream_sid)?;
        Ok(match message {
            Outbound::Media { .. } => {
                let mut mulaw = Vec::new();
                message.decode_into(&mut mulaw);
                let discarded = !playback.push(&mulaw);
                Received::Media { mulaw, discarded }
            }
            Outbound::Mark { name, .. } => {
                let due = playback.mark(name.clone().into_owned());
                Received::Mark {
                    name: name.into_owned(),
                    echo: due.map(|name| self.echo(&name)),
                }
            }
            Outbound::Clear { .. } => {
                let cleared = playback.clear();
                let echoes = cleared.marks.iter().map(|name| self.echo(name)).collect();
                Received::Clear { cleared, echoes }
            }
        })
    }

    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use ringback_wire::twilio::media::{Inbound, MediaFormat, Track, parse};
    use std::collections::BTreeMap;

    const SID: &str = "MZ0000000000000000000000000000a001";

    fn stream() -> MediaStream {
        MediaStream::new(Start {
            stream_sid: SID.to_owned(),
            account_sid: Some("AC00000000000000000000000000000001".to_owned()),
            call_sid: "CA00000000000000000000000000000001".to_owned(),
            tracks: vec![Track::Inbound],
            custom_parameters: BTreeMap::new(),
            media_format: MediaFormat::default(),
        })
    }

    fn sequence(text: &str) -> Option<String> {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        value["sequenceNumber"].as_str().map(str::to_owned)
    }

    #[test]
    fn counters_are_strings_that_count_every_message_after_connected() {
        let mut stream = stream();
        let [connected, start] = stream.opening();
        assert_eq!(sequence(&connected), None);
        assert_eq!(sequence(&start).unwrap(), "1");
        let mut frame = String::new();
        stream.frame(&[0xFF; 160], &mut frame);
        stream.frame(&[0xFF; 160], &mut frame);
        assert_eq!(sequence(&frame).unwrap(), "3");
        let Inbound::Media(media) = parse(&frame).unwrap() else {
            panic!("{frame}");
        };
        assert_eq!((media.chunk, media.timestamp_ms), (Some(2), Some(20)));
        assert_eq!(sequence(&stream.digit('5')).unwrap(), "4");
        assert_eq!(sequence(&stream.stop()).unwrap(), "5");
    }

    #[test]
    fn a_clear_echoes_every_mark_that_waits() {
        let (mut stream, mut playback) = (stream(), Playback::new(0));
        for text in [
            format!(r#"{{"event":"media","streamSid":"{SID}","media":{{"payload":"AAAA"}}}}"#),
            format!(r#"{{"event":"mark","streamSid":"{SID}","mark":{{"name":"one"}}}}"#),
            format!(r#"{{"event":"mark","streamSid":"{SID}","mark":{{"name":"two"}}}}"#),
        ] {
            stream.receive(&text, &mut playback).unwrap();
        }
        let clear = format!(r#"{{"event":"clear","streamSid":"{SID}"}}"#);
        let Received::Clear { cleared, echoes } = stream.receive(&clear, &mut playback).unwrap()
        else {
            panic!("no clear");
        };
        assert_eq!(cleared.marks, ["one", "two"]);
        assert_eq!(cleared.dropped, 3);
        assert_eq!(echoes.len(), 2);
    }

    #[test]
    fn what_twilio_would_not_take_is_refused_with_its_code() {
        let (mut stream, mut playback) = (stream(), Playback::new(0));
        let extra = format!(
            r#"{{"event":"media","streamSid":"{SID}","media":{{"payload":"AAAA","track":"outbound"}}}}"#
        );
        let other = r#"{"event":"clear","streamSid":"MZother"}"#.to_owned();
        for text in [extra, other, "garbage".to_owned(), "{}".to_owned()] {
            let refusal = stream.receive(&text, &mut playback).unwrap_err();
            assert_eq!(refusal.code(), 31951, "{text}");
        }
        assert_eq!(playback.buffered(), 0);
    }
}
