//! Deepgram's second generation, Flux: it follows turns, guesses their ends early and says when they are over.
//!
//! The core asks for nothing but the end of a turn that Flux does not find (`ForceEndTurn`). There is no `KeepAlive`: it would
//! end the session. Turns run on audio, and the ear fills its gaps, so a turn cannot stand still.

use std::time::Duration;

use ringback_call::TurnHint;
use ringback_wire::deepgram::flux::{
    self, Command as Control, Event, INTERNAL_SERVER_ERROR, MULTILINGUAL_MODEL, Query, TurnEvent,
    TurnInfo, UNPARSABLE_CLIENT_MESSAGE,
};
use tokio::time::Instant;
use url::Url;

use super::deepgram::{Deepgram, samples};
use super::languages::flux_hint;
use super::listening::{GIVE_UP, Generation, Keep, Talk};
use super::sent::SentAudio;
use super::stream::Heard;
use super::unanswered::UnansweredSpeech;
use crate::provider::{Failure, Provider};

/// How sure the end of a turn must be.
const END: f64 = 0.7;
/// How sure an early guess must be.
const EAGER: f64 = 0.5;
/// The silence that ends a turn whatever Flux thinks, in ms.
const TIMEOUT_MS: u32 = 1500;
/// Audio before a turn that a new socket hears again, so that the turn's first sound is whole, in samples: 1 s.
const BEFORE: u64 = 8000;
/// `Update` comes every 0.25 s of audio though nothing changed: what says nothing of so much of it, and for so long, hears
/// nothing.
const MUTE: Duration = Duration::from_millis(1500);
/// Sockets in a row, of which none had any words, that may go mute.
const MOST_MUTE: u32 = 2;

/// Where Flux is asked for a call.
pub(super) fn url(deepgram: &Deepgram) -> Result<Url, Failure> {
    let mut query = Query::telephone(&deepgram.model);
    query.eot_threshold = Some(END);
    query.eager_eot_threshold = Some(EAGER);
    query.eot_timeout_ms = Some(TIMEOUT_MS);
    query.keyterms.clone_from(&deepgram.keyterms);
    if deepgram.model == MULTILINGUAL_MODEL {
        query.language_hints = flux_hint(&deepgram.language).into_iter().collect();
    }
    let mut url = deepgram.access.socket_url(Provider::Deepgram, flux::PATH)?;
    url.set_query(Some(&query.to_query()));
    Ok(url)
}

/// What it said, over all sockets. Kept is the audio of the turn so far.
pub(super) struct Flux {
    /// The text of the turn so far.
    text: String,
    /// Its words, each with its end in the ear, as far as Flux says where they are.
    words: Vec<(String, u64)>,
    /// How sure Flux is of them.
    confidence_pm: u16,
    /// Where the last turn ended in the ear.
    ended: Option<u64>,
    /// This deployment knows `ForceEndTurn`.
    forces: bool,
    /// When this socket was opened.
    opened: Instant,
    /// It has said something.
    answered: bool,
    /// It ended a turn that had words.
    helped: bool,
    speech: UnansweredSpeech,
    /// Sockets that went mute since there were words.
    mute: u32,
}

impl Default for Flux {
    fn default() -> Self {
        Self {
            text: String::new(),
            words: Vec::new(),
            confidence_pm: 0,
            ended: None,
            forces: true,
            opened: Instant::now(),
            answered: false,
            helped: false,
            speech: UnansweredSpeech::default(),
            mute: 0,
        }
    }
}

impl Generation for Flux {
    fn begin(&mut self, talk: &mut Talk<'_>) {
        self.opened = Instant::now();
        self.answered = false;
        self.helped = false;
        self.speech = UnansweredSpeech::default();
        self.keep_what_is_not_heard_again(talk);
        self.text.clear();
    }

    fn question(&mut self) -> Option<String> {
        self.forces.then(|| Control::ForceEndTurn.to_text())
    }

    fn keep_alive(&self, sent: &mut SentAudio) -> Keep {
        Keep::Audio(sent.silence())
    }

    fn sent(&mut self, mulaw: &[u8]) -> Result<(), Failure> {
        let now = Instant::now();
        self.speech.sent(mulaw, now);
        if self.answered && self.speech.lasts(MUTE, now) {
            return Err(self.gone_mute());
        }
        Ok(())
    }

    fn take(&mut self, text: &str, talk: &mut Talk<'_>) -> Result<(), Failure> {
        let event = flux::parse(text)
            .map_err(|garbled| Failure::misbehaved(Provider::Deepgram, garbled))?;
        match event {
            Event::TurnInfo(info) => {
                self.answered = true;
                self.speech.answered();
                self.turn(&info, talk);
            }
            Event::Connected { .. } => {
                self.answered = true;
                self.speech.waits();
            }
            Event::Error { code, .. } => return Err(self.refused(&code, talk)),
            Event::ConfigureFailure { code, .. } | Event::Warning { code, .. } => {
                tracing::warn!(code, "Error of deepgram, which goes on");
            }
            Event::ConfigureSuccess { .. } | Event::Other(_) => {}
        }
        Ok(())
    }

    fn due(&self, _talk: &Talk<'_>) -> Option<Instant> {
        (!self.answered).then(|| self.opened + GIVE_UP)
    }

    fn overdue(&mut self, _talk: &mut Talk<'_>) -> Result<(), Failure> {
        let what = format!("did not begin within {} s", GIVE_UP.as_secs());
        Err(Failure::unreachable(Provider::Deepgram, what))
    }

    fn has_begun(&self) -> bool {
        self.answered
    }

    fn has_helped(&self) -> bool {
        self.helped
    }
}

impl Flux {
    /// A new socket knows nothing of the turn but the audio that was kept: words before that are settled.
    fn keep_what_is_not_heard_again(&mut self, talk: &mut Talk<'_>) {
        let from = talk.sent.kept_from();
        let before = self.words.partition_point(|(_, end)| *end <= from);
        let Some(&(_, until)) = self.words[..before].last() else {
            self.words.clear();
            return;
        };
        let words = self.words.drain(..).take(before).map(|(word, _)| word);
        let text = words.collect::<Vec<_>>().join(" ");
        talk.hear(Heard {
            text,
            confidence_pm: self.confidence_pm,
            words: Vec::new(),
            settled: true,
            until,
            answers: None,
            hint: None,
        });
    }

    /// Somebody speaks and Flux says nothing of it.
    fn gone_mute(&mut self) -> Failure {
        self.mute += 1;
        let what = "takes speech and says nothing of it";
        if self.mute < MOST_MUTE {
            return Failure::unreachable(Provider::Deepgram, what);
        }
        Failure::gone(format!("{} {what}", Provider::Deepgram.name()))
    }

    /// The session is over. A deployment that does not know `ForceEndTurn` is not told to again.
    fn refused(&mut self, code: &str, talk: &Talk<'_>) -> Failure {
        let asked = talk.asked.as_ref();
        let forced = asked.is_some_and(|asked| asked.at.is_some());
        self.forces &= !(forced && code == UNPARSABLE_CLIENT_MESSAGE);
        let code: String = code.chars().filter(|c| !c.is_control()).take(60).collect();
        let what = format!("ended the session: {code}");
        if code == INTERNAL_SERVER_ERROR || !self.forces {
            Failure::unreachable(Provider::Deepgram, what)
        } else {
            Failure::refused(Provider::Deepgram, what)
        }
    }

    fn turn(&mut self, info: &TurnInfo, talk: &mut Talk<'_>) {
        let text = info.transcript.trim();
        let hint = match info.event {
            TurnEvent::EagerEndOfTurn => Some(TurnHint::Eager),
            TurnEvent::TurnResumed => Some(TurnHint::Resumed),
            TurnEvent::EndOfTurn => Some(TurnHint::Ended),
            TurnEvent::StartOfTurn | TurnEvent::Update | TurnEvent::Other(_) => None,
        };
        let window = talk.sent.place(samples(info.audio_window_end));
        let ended = hint == Some(TurnHint::Ended);
        if ended && self.ended.replace(window) == Some(window) {
            // The same end again.
            return;
        }
        if !text.is_empty() {
            self.mute = 0;
        }
        let news = text != self.text;
        text.clone_into(&mut self.text);
        let placed = info.words.iter().map_while(|word| {
            let end = talk.sent.place(samples(word.end?));
            Some((word.word.clone(), end))
        });
        self.words = placed.collect();
        let placed = self.words.len() == info.words.len();
        let words = if placed {
            self.words.clone()
        } else {
            Vec::new()
        };
        self.confidence_pm = confidence_pm(info);
        let answers = if ended { talk.answered() } else { None };
        if ended {
            self.helped |= !text.is_empty();
            self.text.clear();
            self.words.clear();
            talk.sent.forget(window);
        } else if text.is_empty() {
            talk.sent.forget(window.saturating_sub(BEFORE));
        }
        if hint.is_some() || news {
            let last = info.words.last().and_then(|word| word.end);
            talk.hear(Heard {
                text: text.to_owned(),
                confidence_pm: self.confidence_pm,
                words,
                settled: ended,
                until: last.map_or(window, |end| talk.sent.place(samples(end))),
                answers,
                hint,
            });
        }
    }
}

/// The mean of its words'.
fn confidence_pm(info: &TurnInfo) -> u16 {
    let sum: f64 = info.words.iter().map(|word| word.confidence).sum();
    let mean = sum / info.words.len().max(1) as f64;
    (mean * 1000.0).round().clamp(0.0, 1000.0) as u16
}
