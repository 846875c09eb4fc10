//! The result of a call: a table for people, JSON for machines, a live transcript.

use std::io::{self, Write};

use serde::Serialize;

use crate::caller::callee::BEEP;
use crate::conversation::{Happening, Moment, Record};
use crate::loudness;
use crate::summary::Summary;
use crate::turns::{Turn, turns};

/// How a call went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// How it ended.
    pub ended: Ended,
    /// `CallSid` of the call.
    pub call_sid: String,
    /// Length in ms, from the first stream to the end.
    pub duration_ms: u64,
    /// The caller's turns with the latency of each reply.
    pub turns: Vec<Turn>,
    /// What the server said after the beep, where a voicemail answered.
    pub message: Option<Message>,
    /// Expectations of the script that were not met.
    pub failures: Vec<String>,
    /// What was counted on the media socket.
    pub media: MediaCounts,
    /// How punctual this program itself was.
    pub lateness: Lateness,
    /// What the server itself says of the call, if it does.
    pub server: Option<Summary>,
    /// What it says of the calls that followed, where the caller was put through to other scenarios.
    pub put_through: Vec<Summary>,
    /// Everything that happened, in order.
    pub events: Vec<Moment>,
}

/// What a voicemail recorded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Message {
    /// From the end of the beep to its first sound, ms.
    pub begins_ms: u64,
    /// From its first sound to its last, ms.
    pub length_ms: u64,
}

/// A server that talks into a greeting withdraws that within this time of the beep, in samples.
const WITHDRAWN: u64 = 4000;

/// The server's audio behind the last beep.
fn message(record: &Record) -> Option<Message> {
    let beeps = record.utterances.iter();
    let beep = beeps.rev().find(|utterance| utterance.clip.said == BEEP)?;
    let end = beep.last_sound();
    // What was being said into the greeting is withdrawn first.
    let withdrawn = |clear: &&u64| (end..end + WITHDRAWN).contains(clear);
    let from = record
        .clears
        .iter()
        .find(withdrawn)
        .map_or(end, |clear| *clear);
    let mut samples = Vec::new();
    ringback_audio::g711::decode_into(
        record.server.get(usize::try_from(from).ok()?..)?,
        &mut samples,
    );
    let sound = loudness::audible(&samples, loudness::AUDIBLE_RMS)?;
    Some(Message {
        begins_ms: (from - end + sound.start as u64) / 8,
        length_ms: sound.len() as u64 / 8,
    })
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Ended {
    /// The caller hung up.
    Caller,
    /// The server did, by `<Hangup>`, `<Reject>` or the end of its document.
    Server,
    /// The server handed the call over to somebody.
    Transfer {
        /// To whom, masked unless numbers are shown.
        to: String,
    },
    /// It lasted too long, and the caller hung up.
    TimeUp {
        /// The limit.
        seconds: u64,
    },
    /// The server broke the protocol.
    Broken {
        /// How.
        why: String,
    },
}

/// Messages of the media sockets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct MediaCounts {
    /// Frames of 20 ms sent.
    pub frames_sent: u64,
    /// Media messages received.
    pub media_received: u64,
    /// Audio in them, ms.
    pub audio_received_ms: u64,
    /// Frames of the server's speech that came after the line had fallen silent for want of them.
    pub late_frames: u64,
    /// Marks echoed because their audio was played.
    pub marks_played: u64,
    /// Marks echoed because of a clear.
    pub marks_cleared: u64,
    /// Clears received.
    pub clears: u64,
    /// Messages that Twilio would not have taken.
    pub refusals: u64,
}

/// How late frames were sent, against a schedule of one each 20 ms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Lateness {
    /// Frames.
    pub frames: u64,
    /// Mean, ms.
    pub mean_ms: f64,
    /// Worst, ms.
    pub max_ms: f64,
    /// Frames over 10 ms late: with any, times of this call are doubtful.
    pub over_10_ms: u64,
}

impl Lateness {
    /// Counts a frame.
    pub fn add(&mut self, late_ms: f64) {
        self.frames += 1;
        self.mean_ms += (late_ms - self.mean_ms) / self.frames as f64;
        self.max_ms = self.max_ms.max(late_ms);
        self.over_10_ms += u64::from(late_ms > 10.0);
    }
}

impl Outcome {
    /// The result of a finished call.
    #[must_use]
    pub fn of(
        ended: Ended,
        call_sid: String,
        record: &Record,
        failures: Vec<String>,
        lateness: Lateness,
    ) -> Self {
        let mut events = record.moments.clone();
        events.sort_by(|one, other| one.at_ms.total_cmp(&other.at_ms));
        Self {
            ended,
            call_sid,
            duration_ms: record.server.len() as u64 / 8,
            turns: turns(record),
            message: message(record),
            failures,
            media: MediaCounts {
                frames_sent: lateness.frames,
                media_received: record.media.0,
                audio_received_ms: record.media.1 / 8,
                late_frames: record.late_frames,
                marks_played: record.marks.0,
                marks_cleared: record.marks.1,
                clears: record.clears.len() as u64,
                refusals: record.refusals,
            },
            lateness,
            server: None,
            put_through: Vec::new(),
            events,
        }
    }

    /// A voicemail answered: without a message behind its beep something is not as it should be.
    pub fn expect_message(&mut self) {
        if self.message.is_none() {
            let what = "no message came after the beep".to_owned();
            self.failures.insert(0, what);
        }
    }

    /// The exit status: 0 as planned, 2 an expectation was not met or the call lasted too long, 3 the server broke the
    /// protocol. (1 is left for a call that could not be placed.)
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.ended {
            Ended::Broken { .. } => 3,
            _ if self.media.refusals > 0 => 3,
            Ended::TimeUp { .. } => 2,
            _ if !self.failures.is_empty() => 2,
            Ended::Caller | Ended::Server | Ended::Transfer { .. } => 0,
        }
    }

    /// Writes the table and what is to be said beside it.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_table(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "turn  last sound   to reply = sent + server + played   reply  caller"
        )?;
        for (index, turn) in self.turns.iter().enumerate() {
            write_turn(out, index, turn)?;
        }
        if self.turns.iter().any(|turn| turn.overlapped) {
            writeln!(
                out,
                "~ the server was talking already: counted from its next beginning after 200 ms of quiet"
            )?;
        }
        let media = &self.media;
        writeln!(
            out,
            "sent {} frames; received {} media messages ({:.1} s, {} frames late), {} clears; echoed {} marks played, {} cleared",
            media.frames_sent,
            media.media_received,
            media.audio_received_ms as f64 / 1000.0,
            media.late_frames,
            media.clears,
            media.marks_played,
            media.marks_cleared,
        )?;
        let late = &self.lateness;
        writeln!(
            out,
            "own lateness: mean {:.1} ms, worst {:.1} ms, {} of {} frames over 10 ms",
            late.mean_ms, late.max_ms, late.over_10_ms, late.frames
        )?;
        if media.refusals > 0 {
            writeln!(
                out,
                "{} messages that Twilio would not have taken",
                media.refusals
            )?;
        }
        if let Some(server) = &self.server {
            server.write_table(out)?;
        }
        for call in &self.put_through {
            writeln!(out, "put through to {}", call.scenario)?;
            call.write_table(out)?;
        }
        for failure in &self.failures {
            writeln!(out, "NOT MET {failure}")?;
        }
        if let Some(message) = self.message {
            writeln!(
                out,
                "message: {:.1} s, begun {:.1} s behind the beep",
                message.length_ms as f64 / 1000.0,
                message.begins_ms as f64 / 1000.0
            )?;
        }
        writeln!(out, "{}", self.ended)
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Caller => f.write_str("the caller hung up"),
            Self::Server => f.write_str("the server ended the call"),
            Self::Transfer { to } => write!(f, "the server transferred the call to {to}"),
            Self::TimeUp { seconds } => write!(f, "hung up after {seconds} s (--max-seconds)"),
            Self::Broken { why } => write!(f, "the server broke the protocol: {why}"),
        }
    }
}

fn write_turn(out: &mut impl Write, index: usize, turn: &Turn) -> io::Result<()> {
    let latency = match (turn.latency_ms, turn.overlapped) {
        (None, _) => "no reply".to_owned(),
        (Some(latency), true) => format!("~{latency:.0} ms"),
        (Some(latency), false) => format!("{latency:.0} ms"),
    };
    let parts = match turn.overlapped {
        // What was under way is no part of the answer.
        true => "-".to_owned(),
        false => parts_of(turn),
    };
    let cleared = turn.clear_ms.map_or(String::new(), |after| {
        format!("  (clear after {after:.0} ms)")
    });
    writeln!(
        out,
        "{index:>4}  {:>8.2} s  {latency:>9}   {parts:<23} {:>5.1} s  {}{cleared}",
        turn.last_sound_ms / 1000.0,
        turn.reply_ms as f64 / 1000.0,
        turn.said,
    )
}

/// The parts of a latency, in ms: until the last sound was sent, until audio came, until it was audible.
fn parts_of(turn: &Turn) -> String {
    let ms = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.0}"));
    let part = |from: Option<f64>, to: Option<f64>| Some(to? - from?);
    let last = Some(turn.last_sound_ms);
    format!(
        "{} + {} + {}",
        ms(part(last, Some(turn.sent_ms))),
        ms(part(Some(turn.sent_ms), turn.first_media_ms)),
        ms(part(turn.first_media_ms, turn.first_sound_ms)),
    )
}

/// A line of the transcript, or `None` for what only machines want to know.
#[must_use]
pub fn transcript_line(moment: &Moment) -> Option<String> {
    let text = match &moment.happening {
        Happening::Webhook { url, took_ms } => {
            format!("webhook   {url} answered in {took_ms:.0} ms")
        }
        Happening::Stream => "stream    the media stream begins".to_owned(),
        Happening::CallerBegins { said } => format!("caller    {said}"),
        Happening::CallerEnds { .. } | Happening::Mark { .. } => return None,
        Happening::Key { digit } => format!("key       {digit}"),
        Happening::ReplyBegins => "server    begins to speak".to_owned(),
        Happening::ReplyEnds { audio_ms } => {
            format!(
                "server    reply: {:.1} s of audio",
                *audio_ms as f64 / 1000.0
            )
        }
        Happening::Clear { dropped_ms } => format!("clear     {dropped_ms} ms were not played"),
        Happening::Discarded => "discarded over ten minutes of audio wait (31931)".to_owned(),
        Happening::Refused { why, .. } => format!("refused   {why}"),
        Happening::TwilioSays { text } => format!("Twilio    says: {text}"),
        Happening::Transfer { to } => format!("transfer  to {to}"),
        Happening::NotUnderstood { why } => format!("?         {why}"),
        Happening::End { how } => format!("end       {how}"),
    };
    Some(format!("{:>8.2} s  {text}", moment.at_ms / 1000.0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn turn() -> Turn {
        Turn {
            said: "hello.wav".into(),
            last_sound_ms: 3210.5,
            sent_ms: 3220.0,
            first_media_ms: Some(3700.0),
            first_sound_ms: Some(3745.0),
            latency_ms: Some(534.5),
            reply_ms: 2400,
            overlapped: false,
            clear_ms: None,
        }
    }

    fn outcome() -> Outcome {
        let mut outcome = Outcome::of(
            Ended::Server,
            "CA1".into(),
            &Record::default(),
            Vec::new(),
            Lateness::default(),
        );
        outcome.turns = vec![turn()];
        outcome
    }

    #[test]
    fn the_table_shows_the_latency_and_its_parts() {
        let mut table = Vec::new();
        outcome().write_table(&mut table).unwrap();
        let table = String::from_utf8(table).unwrap();
        let line = table.lines().nth(1).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(
            words,
            [
                "0",
                "3.21",
                "s",
                "534",
                "ms",
                "10",
                "+",
                "480",
                "+",
                "45",
                "2.4",
                "s",
                "hello.wav"
            ]
        );
        assert!(table.ends_with("the server ended the call\n"), "{table}");
    }

    #[test]
    fn a_voicemail_without_a_message_says_so_and_is_a_failure() {
        let mut result = outcome();
        result.expect_message();
        let mut table = Vec::new();
        result.write_table(&mut table).unwrap();
        let table = String::from_utf8(table).unwrap();
        assert!(
            table.contains("NOT MET no message came after the beep"),
            "{table}"
        );
        assert_eq!(result.exit_code(), 2);

        let mut result = outcome();
        result.message = Some(Message {
            begins_ms: 400,
            length_ms: 2000,
        });
        result.expect_message();
        assert_eq!(result.exit_code(), 0);
    }

    #[test]
    fn the_exit_status_tells_failures_from_broken_protocol() {
        let mut result = outcome();
        assert_eq!(result.exit_code(), 0);
        result.failures.push("x".into());
        assert_eq!(result.exit_code(), 2);
        result.media.refusals = 1;
        assert_eq!(result.exit_code(), 3);
        result = outcome();
        result.ended = Ended::TimeUp { seconds: 5 };
        assert_eq!(result.exit_code(), 2);
    }

    #[test]
    fn lateness_is_a_running_mean() {
        let mut lateness = Lateness::default();
        for late in [1.0, 2.0, 12.0] {
            lateness.add(late);
        }
        assert_eq!(
            (lateness.mean_ms, lateness.max_ms, lateness.over_10_ms),
            (5.0, 12.0, 1)
        );
    }

    #[test]
    fn events_are_flat_json() {
        let moment = Moment {
            at_ms: 12.5,
            happening: Happening::Clear { dropped_ms: 300 },
        };
        let json = serde_json::to_string(&moment).unwrap();
        assert_eq!(json, r#"{"at_ms":12.5,"what":"clear","dropped_ms":300}"#);
    }
}
