//! The call without its sockets: what the caller does, what is played, and the record of both.
//!
//! One clock for everything: samples (1/8000 s) since the first media stream began. Who calls knows the time.

use std::sync::Arc;

use ringback_wire::twilio::media_client::Refusal;
use serde::Serialize;

use crate::caller::clip::Clip;
use crate::caller::conductor::{Conductor, Deed, Senses};
use crate::caller::interactive::Typed;
use crate::caller::mouth::{Mouth, Utterance};
use crate::caller::script::{Action, Step};
use crate::loudness::{self, AUDIBLE_RMS};
use crate::twilio::playback::Playback;
use crate::twilio::stream::{MediaStream, Received};
use crate::watch::{Change, ReplyWatch};

/// The jitter buffer in front of the caller's ear: 40 ms.
pub const JITTER_SAMPLES: u64 = 320;
/// Audio that comes within this time after the last was played belonged behind it, in samples: 400 ms. Between replies
/// there is more.
const BELONGS: u64 = 3200;
/// After the last typed line, how long its reply is waited for, ms.
const LAST_REPLY_MS: u64 = 15_000;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Happening {
    /// A webhook was answered.
    Webhook {
        /// Without its query.
        url: String,
        /// How long it took, ms.
        took_ms: f64,
    },
    /// A media stream began.
    Stream,
    /// The caller began to say something.
    CallerBegins {
        /// What.
        said: String,
    },
    /// Its last sample was sent.
    CallerEnds {
        /// What.
        said: String,
    },
    /// A key was pressed.
    Key {
        /// Which.
        digit: char,
    },
    /// The server became audible.
    ReplyBegins,
    /// It has been quiet for 700 ms, or was cleared, or the caller did something into its last quiet; `at_ms` is when
    /// its sound ended.
    ReplyEnds {
        /// Length of the reply with its short pauses.
        audio_ms: u64,
    },
    /// A mark was echoed.
    Mark {
        /// Its name.
        name: String,
        /// By a clear, not because it was reached.
        cleared: bool,
    },
    /// The server cleared its audio.
    Clear {
        /// What was thrown away.
        dropped_ms: u64,
    },
    /// More than ten minutes of audio waited: some was discarded (31931).
    Discarded,
    /// A message that Twilio would not have taken.
    Refused {
        /// 31950 or 31951.
        code: u16,
        /// What is wrong with it.
        why: String,
    },
    /// Twilio's own voice speaks.
    TwilioSays {
        /// The text.
        text: String,
    },
    /// The server handed the call over.
    Transfer {
        /// To whom, masked unless numbers are shown.
        to: String,
    },
    /// A typed line that was no command.
    NotUnderstood {
        /// Why.
        why: String,
    },
    /// A media socket or the call ended.
    End {
        /// How.
        how: String,
    },
}

/// When.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moment {
    /// Since the first stream began; 0 for what came before.
    pub at_ms: f64,
    /// What.
    #[serde(flatten)]
    pub happening: Happening,
}

/// A media message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When it came.
    pub at: u64,
    /// It is audible.
    pub audible: bool,
}

/// Everything that was said and heard.
#[derive(Debug, Default)]
pub struct Record {
    /// The caller's mu-law, as sent.
    pub caller: Vec<u8>,
    /// The server's mu-law, as played.
    pub server: Vec<u8>,
    /// What the caller said.
    pub utterances: Vec<Utterance>,
    /// Media messages.
    pub arrivals: Vec<Arrival>,
    /// Slots of 20 ms in which nothing was left to play though the reply went on.
    pub late_frames: u64,
    /// When the server cleared its audio.
    pub clears: Vec<u64>,
    /// Media messages and their mu-law bytes.
    pub media: (u64, u64),
    /// Marks echoed: reached, cleared.
    pub marks: (u64, u64),
    /// Messages refused.
    pub refusals: u64,
    /// In order.
    pub moments: Vec<Moment>,
}

/// What the caller does in 20 ms.
#[derive(Debug)]
pub struct Tick {
    /// The audio to send.
    pub mulaw: [u8; ringback_audio::FRAME_SAMPLES],
    /// Keys pressed.
    pub digits: Vec<char>,
    /// The caller hangs up.
    pub hang_up: bool,
}

/// A call in progress.
#[derive(Debug)]
pub struct Conversation {
    conductor: Conductor,
    mouth: Mouth,
    heard: ReplyWatch,
    playback: Playback,
    record: Record,
}

impl Conversation {
    /// A caller with this plan and this telephone.
    #[must_use]
    pub fn new(conductor: Conductor, mouth: Mouth) -> Self {
        Self {
            conductor,
            mouth,
            heard: ReplyWatch::default(),
            playback: Playback::new(JITTER_SAMPLES),
            record: Record::default(),
        }
    }

    /// A new stream begins at `now`: what time passed without one is silence on both sides.
    pub fn stream_begins(&mut self, now: u64) {
        self.play_to(now);
        let whole = now / 160 * 160;
        self.mouth.skip_to(whole);
        let position = usize::try_from(self.mouth.position()).unwrap_or(usize::MAX);
        if self.record.caller.len() < position {
            self.record
                .caller
                .resize(position, ringback_audio::g711::SILENCE);
        }
        self.note(now, Happening::Stream);
    }

    /// The stream is gone, and with it what waited to be played.
    pub fn stream_ends(&mut self, now: u64) {
        self.play_to(now);
        self.playback.clear();
    }

    /// The caller's next 20 ms.
    pub fn tick(&mut self, now: u64) -> Tick {
        let deeds = self.conductor.tick(&Senses {
            now,
            speaking: self.mouth.is_speaking(),
            last: self.record.utterances.last(),
            heard: &self.heard,
            clears: &self.record.clears,
        });
        let (mut digits, mut hang_up) = (Vec::new(), false);
        for deed in deeds {
            match deed {
                Deed::Speak(clip) => self.mouth.speak(clip),
                Deed::Press(digit) => {
                    self.note(now, Happening::Key { digit });
                    self.acted();
                    digits.push(digit);
                }
                Deed::HangUp => hang_up = true,
            }
        }
        let frame = self.mouth.frame();
        self.record.caller.extend_from_slice(&frame.mulaw);
        if let Some(utterance) = frame.began {
            let said = utterance.clip.said.clone();
            self.note(utterance.first_sound(), Happening::CallerBegins { said });
            self.record.utterances.push(utterance);
        }
        if let Some(utterance) = frame.ended {
            let said = utterance.clip.said.clone();
            self.note(utterance.last_sound(), Happening::CallerEnds { said });
            self.acted();
        }
        Tick {
            mulaw: frame.mulaw,
            digits,
            hang_up,
        }
    }

    /// Plays what is queued up to `now`; the names of the marks that were reached.
    pub fn play_to(&mut self, now: u64) -> Vec<String> {
        let played = self.playback.advance(now);
        self.record.server.extend_from_slice(&played.audio);
        let changes = self.heard.push(&played.audio);
        self.note_changes(changes);
        let mut names = Vec::new();
        for (at, name) in played.marks {
            self.mark(at, name.clone(), false);
            names.push(name);
        }
        names
    }

    /// Takes a text message that came at `now`; the messages to answer it with at once.
    pub fn receive(&mut self, stream: &mut MediaStream, text: &str, now: u64) -> Vec<String> {
        let mut answers: Vec<String> = self
            .play_to(now)
            .iter()
            .map(|name| stream.echo(name))
            .collect();
        let starved = self.playback.starved();
        match stream.receive(text, &mut self.playback) {
            Ok(Received::Media { mulaw, discarded }) => {
                self.record.media.0 += 1;
                self.record.media.1 += mulaw.len() as u64;
                let mut samples = Vec::new();
                ringback_audio::g711::decode_into(&mulaw, &mut samples);
                let audible = loudness::audible(&samples, AUDIBLE_RMS).is_some();
                self.record.arrivals.push(Arrival { at: now, audible });
                if let Some(starved) = starved.filter(|&starved| starved < BELONGS) {
                    self.record.late_frames +=
                        starved.div_ceil(ringback_audio::FRAME_SAMPLES as u64);
                }
                if discarded {
                    self.note(now, Happening::Discarded);
                }
            }
            Ok(Received::Mark { name, echo }) => {
                if let Some(echo) = echo {
                    self.mark(now, name, false);
                    answers.push(echo);
                }
            }
            Ok(Received::Clear { cleared, echoes }) => {
                self.record.clears.push(now);
                let dropped_ms = cleared.dropped as u64 / 8;
                self.note(now, Happening::Clear { dropped_ms });
                let changes = self.heard.cut(cleared.dropped > 0);
                self.note_changes(changes);
                for name in cleared.marks {
                    self.mark(now, name, true);
                }
                answers.extend(echoes);
            }
            Err(refusal) => self.refuse(&refusal, now),
        }
        answers
    }

    /// A message that Twilio would not take.
    pub fn refuse(&mut self, refusal: &Refusal, now: u64) {
        self.record.refusals += 1;
        self.note(
            now,
            Happening::Refused {
                code: refusal.code(),
                why: refusal.to_string(),
            },
        );
    }

    /// Takes what came from the keyboard.
    pub fn typed(&mut self, typed: Typed, now: u64) {
        match typed {
            Typed::Step(step) => self.conductor.push(step),
            Typed::Refused(why) => self.note(now, Happening::NotUnderstood { why }),
            Typed::End => {
                let step = |action: Action<Arc<Clip>>| Step { line: 0, action };
                self.conductor.push(step(Action::WaitReply {
                    timeout_ms: LAST_REPLY_MS,
                }));
                self.conductor.push(step(Action::HangUp));
            }
        }
    }

    /// Writes down something that happened.
    pub fn note(&mut self, at: u64, happening: Happening) {
        self.note_ms(at as f64 / 8.0, happening);
    }

    /// Writes down something by its ms.
    pub fn note_ms(&mut self, at_ms: f64, happening: Happening) {
        self.record.moments.push(Moment { at_ms, happening });
    }

    /// What happened so far.
    #[must_use]
    pub fn moments(&self) -> &[Moment] {
        &self.record.moments
    }

    /// What was played so far.
    #[must_use]
    pub fn played(&self) -> &[u8] {
        &self.record.server
    }

    /// The call is over: the record, and the expectations that were not met.
    #[must_use]
    pub fn finish(mut self) -> (Record, Vec<String>, usize) {
        self.conductor.call_ended();
        let unsaid = self.conductor.unsaid();
        (self.record, self.conductor.failures().to_vec(), unsaid)
    }

    /// The caller did something that the server may answer. With nothing left to play, what comes is another reply even
    /// if the one before has hardly ended.
    fn acted(&mut self) {
        if self.playback.buffered() == 0 {
            let changes = self.heard.cut(false);
            self.note_changes(changes);
        }
    }

    fn note_changes(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Begun(reply) => self.note(reply.begins, Happening::ReplyBegins),
                Change::Ended(reply) => {
                    let audio_ms = (reply.ends - reply.begins) / 8;
                    self.note(reply.ends, Happening::ReplyEnds { audio_ms });
                }
            }
        }
    }

    fn mark(&mut self, at: u64, name: String, cleared: bool) {
        if cleared {
            self.record.marks.1 += 1;
        } else {
            self.record.marks.0 += 1;
        }
        self.note(at, Happening::Mark { name, cleared });
    }
}
