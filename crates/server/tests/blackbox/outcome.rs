//! What `ringback call --json` says of a call.

use serde::Deserialize;

/// A call as the telephone saw it.
#[derive(Debug, Deserialize)]
pub struct Outcome {
    pub ended: Ended,
    pub call_sid: String,
    pub duration_ms: u64,
    pub turns: Vec<Turn>,
    pub message: Option<Message>,
    pub failures: Vec<String>,
    pub media: Media,
    pub lateness: Lateness,
    pub events: Vec<Moment>,
}

/// How it ended.
#[derive(Debug, Deserialize)]
pub struct Ended {
    pub by: String,
    pub to: Option<String>,
    pub why: Option<String>,
}

/// What a voicemail recorded.
#[derive(Debug, Deserialize)]
pub struct Message {
    pub begins_ms: u64,
    pub length_ms: u64,
}

/// A turn of the caller and its reply.
#[derive(Debug, Deserialize)]
pub struct Turn {
    pub said: String,
    pub last_sound_ms: f64,
    pub latency_ms: Option<f64>,
    pub reply_ms: u64,
    pub clear_ms: Option<f64>,
}

/// What passed over the media sockets.
#[derive(Debug, Deserialize)]
pub struct Media {
    pub frames_sent: u64,
    pub late_frames: u64,
    pub clears: u64,
    pub refusals: u64,
}

/// How punctual the telephone itself was.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Lateness {
    pub max_ms: f64,
    pub over_10_ms: u64,
}

/// Something that happened.
#[derive(Debug, Deserialize)]
pub struct Moment {
    pub at_ms: f64,
    pub what: String,
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub how: String,
}

impl Outcome {
    /// Everything of this kind that happened, in order.
    pub fn moments(&self, what: &'static str) -> impl Iterator<Item = &Moment> {
        self.events.iter().filter(move |moment| moment.what == what)
    }

    /// What Twilio's own voice said, if it said something.
    pub fn twilio_said(&self) -> String {
        self.moments("twilio_says")
            .map(|moment| moment.text.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// One line for each turn, for messages.
    pub fn summary(&self) -> String {
        let why = self.ended.why.as_deref().unwrap_or_default();
        let turn = |turn: &Turn| {
            format!(
                "\n  {} at {:.0} ms: reply after {:?} ms, of {} ms, clear after {:?} ms",
                turn.said, turn.last_sound_ms, turn.latency_ms, turn.reply_ms, turn.clear_ms
            )
        };
        let turns: String = self.turns.iter().map(turn).collect();
        format!(
            "ended by {} {why} after {} ms, {:?}, own {:?}, not met: {:?}{turns}",
            self.ended.by, self.duration_ms, self.media, self.lateness, self.failures
        )
    }
}
