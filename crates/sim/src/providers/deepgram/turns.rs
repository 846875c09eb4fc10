//! `/v2/listen`, Flux: turns. No socket and no clock; time is audio.
//!
//! How sure the end of a turn is follows from the silence since the last sound: 1 - e^(-silence / 250 ms). So the usual
//! threshold of 0.7 ends a turn behind 0.3 s, an eager one of 0.5 guesses behind 0.17 s, and 1.0 is never reached.

use std::time::Duration;

use ringback_wire::deepgram::flux::{
    Configure, Event, MULTILINGUAL_MODEL, Query, Thresholds, Trigger, TurnEvent, TurnInfo, Word,
};

use super::super::ear::{Answer, Ear, Step, punctuated};
use super::super::voice::shares;

/// Samples of a millisecond.
const MS: u64 = 8;
/// An update comes every so often, in ms.
const UPDATE_MS: u64 = 250;
/// The silence in which confidence rises from 0 to 0.63, in ms.
const TREND_MS: f64 = 250.0;

/// Words that were asked for, and why.
#[derive(Debug, PartialEq)]
struct Asked {
    id: u32,
    reason: Reason,
}

#[derive(Debug, PartialEq)]
enum Reason {
    Eager,
    End(Trigger),
    /// The client closes: an update, no end.
    Last,
}

/// What a stream says.
pub(super) struct Turns {
    model: String,
    request_id: String,
    thresholds: Thresholds,
    keyterms: Vec<String>,
    language_hints: Vec<String>,
    numerals: bool,
    /// No words are heard.
    deaf: bool,
    sequence_id: u64,
    turn_index: u64,
    window_start: u64,
    /// The turn that is told of.
    turn: Option<Turn>,
    asked: Option<Asked>,
}

#[derive(Debug, Default)]
struct Turn {
    text: String,
    sound: (u64, u64),
    last_update: u64,
    /// `EagerEndOfTurn` was sent, and not taken back.
    is_eager: bool,
    confidence: f64,
}

fn at(sample: u64) -> Duration {
    Duration::from_micros(sample * 125)
}

impl Turns {
    pub(super) fn new(query: Query, request_id: &str, deaf: bool) -> Self {
        Self {
            model: query.model,
            request_id: request_id.to_owned(),
            thresholds: Thresholds {
                eot_threshold: Some(query.eot_threshold.unwrap_or(0.7)),
                eager_eot_threshold: query.eager_eot_threshold,
                eot_timeout_ms: Some(query.eot_timeout_ms.unwrap_or(5000)),
            },
            keyterms: query.keyterms,
            language_hints: query.language_hints,
            numerals: query.numerals,
            deaf,
            sequence_id: 0,
            turn_index: 0,
            window_start: 0,
            turn: None,
            asked: None,
        }
    }

    /// The number of the next message, in the order in which messages are sent.
    pub(super) fn number(&mut self, event: &mut Event) {
        let number = match event {
            Event::TurnInfo(turn) => &mut turn.sequence_id,
            Event::Connected { sequence_id, .. }
            | Event::ConfigureSuccess { sequence_id, .. }
            | Event::ConfigureFailure { sequence_id, .. }
            | Event::Warning { sequence_id, .. }
            | Event::Error { sequence_id, .. } => sequence_id,
            Event::Other(_) => return,
        };
        *number = self.sequence_id;
        self.sequence_id += 1;
    }

    pub(super) fn connected(&self) -> Event {
        Event::Connected {
            request_id: self.request_id.clone(),
            sequence_id: 0,
        }
    }

    pub(super) fn error(&self, code: &str, description: &str) -> Event {
        Event::Error {
            sequence_id: 0,
            code: code.to_owned(),
            description: description.to_owned(),
        }
    }

    /// Nothing that was asked for is missing.
    pub(super) fn has_said_all(&self) -> bool {
        self.asked.is_none()
    }

    /// `Configure`.
    pub(super) fn configure(&mut self, change: Configure) -> Event {
        let request_id = self.request_id.clone();
        if let Err(bad) = change.check(&self.model) {
            let (code, description) = ("INVALID_CONFIGURATION".to_owned(), bad.to_string());
            return Event::ConfigureFailure {
                request_id,
                sequence_id: 0,
                code,
                description,
            };
        }
        let Thresholds {
            eot_threshold,
            eager_eot_threshold,
            eot_timeout_ms,
        } = change.thresholds;
        let now = &mut self.thresholds;
        now.eot_threshold = eot_threshold.or(now.eot_threshold);
        now.eager_eot_threshold = eager_eot_threshold.or(now.eager_eot_threshold);
        now.eot_timeout_ms = eot_timeout_ms.or(now.eot_timeout_ms);
        self.keyterms = change
            .keyterms
            .unwrap_or(std::mem::take(&mut self.keyterms));
        self.language_hints = change
            .language_hints
            .unwrap_or(std::mem::take(&mut self.language_hints));
        self.numerals = change.numerals.unwrap_or(self.numerals);
        Event::ConfigureSuccess {
            request_id,
            sequence_id: 0,
            thresholds: self.thresholds,
            keyterms: self.keyterms.clone(),
            language_hints: self.language_hints.clone(),
            numerals: Some(self.numerals),
        }
    }

    /// 20 ms were heard.
    pub(super) fn step(&mut self, step: Step, ear: &mut Ear) -> Vec<Event> {
        let mut events = Vec::new();
        let quiet_ms = step.quiet.map_or(0, |quiet| quiet / MS);
        let confidence = 1.0 - (-(quiet_ms as f64) / TREND_MS).exp();
        if let (Some(turn), Some(sound)) = (&mut self.turn, ear.sound()) {
            turn.sound = sound;
            turn.confidence = confidence;
        }
        if step.resumed {
            events.extend(self.resume(step.position));
        }
        if ear.sound().is_some() && step.quiet.is_some() {
            self.judge((confidence, quiet_ms), ear);
        }
        let due = self
            .turn
            .as_ref()
            .is_some_and(|turn| step.position - turn.last_update >= UPDATE_MS * MS);
        if due && self.asked.is_none() {
            events.push(self.tell(TurnEvent::Update, None, step.position));
        }
        events
    }

    /// The speaker goes on: what was guessed is taken back.
    fn resume(&mut self, position: u64) -> Option<Event> {
        self.asked.take_if(|asked| asked.reason == Reason::Eager);
        let turn = self.turn.as_mut()?;
        let was_eager = std::mem::take(&mut turn.is_eager);
        was_eager.then(|| self.tell(TurnEvent::TurnResumed, None, position))
    }

    /// Asks for the words when the end is sure enough, or when it may be.
    fn judge(&mut self, (confidence, quiet_ms): (f64, u64), ear: &mut Ear) {
        let passed =
            |threshold: Option<f64>| threshold.is_some_and(|threshold| confidence >= threshold);
        let timeout = self
            .thresholds
            .eot_timeout_ms
            .is_some_and(|ms| quiet_ms >= u64::from(ms));
        let trigger = if passed(self.thresholds.eot_threshold) {
            Trigger::Model
        } else if timeout {
            Trigger::Timeout
        } else {
            let is_eager = self.turn.as_ref().is_some_and(|turn| turn.is_eager);
            if self.asked.is_none() && !is_eager && passed(self.thresholds.eager_eot_threshold) {
                self.ask(Reason::Eager, ear);
            }
            return;
        };
        self.end(trigger, ear);
    }

    fn ask(&mut self, reason: Reason, ear: &mut Ear) {
        self.asked = Some(Asked {
            id: ear.ask(),
            reason,
        });
    }

    fn end(&mut self, trigger: Trigger, ear: &mut Ear) {
        if let Some(sound) = ear.sound() {
            if let Some(turn) = &mut self.turn {
                turn.sound = sound;
            }
            self.ask(Reason::End(trigger), ear);
            ear.end_turn();
        }
    }

    /// `ForceEndTurn`: ignored where no turn is open.
    pub(super) fn force(&mut self, ear: &mut Ear) {
        self.end(Trigger::Manual, ear);
    }

    /// `CloseStream`.
    pub(super) fn close(&mut self, ear: &mut Ear) {
        if ear.sound().is_some() {
            self.ask(Reason::Last, ear);
            ear.end_turn();
        }
    }

    /// Words came.
    pub(super) fn answered(&mut self, answer: Answer, ear: &mut Ear) -> Vec<Event> {
        let position = ear.position();
        match answer {
            Answer::Partial(text) => {
                let is_told =
                    self.asked.is_none() && !self.turn.as_ref().is_some_and(|turn| turn.is_eager);
                if is_told {
                    self.hear(&text, ear.sound(), position)
                } else {
                    Vec::new()
                }
            }
            Answer::Final { id, text, .. } => {
                let Some(asked) = self.asked.take_if(|asked| asked.id == id) else {
                    return Vec::new();
                };
                self.conclude(asked.reason, &text, ear)
            }
        }
    }

    /// The words so far; with the first of them the turn begins.
    fn hear(&mut self, text: &str, sound: Option<(u64, u64)>, position: u64) -> Vec<Event> {
        if self.deaf || text.is_empty() {
            return Vec::new();
        }
        let text = punctuated(text);
        if let Some(turn) = &mut self.turn {
            turn.text = text;
            return Vec::new();
        }
        let sound = sound.unwrap_or((position, position));
        self.turn = Some(Turn {
            text,
            sound,
            ..Turn::default()
        });
        vec![self.tell(TurnEvent::StartOfTurn, None, position)]
    }

    fn conclude(&mut self, reason: Reason, text: &str, ear: &Ear) -> Vec<Event> {
        let position = ear.position();
        let eager = self
            .turn
            .as_ref()
            .filter(|turn| turn.is_eager)
            .map(|turn| turn.text.clone());
        // The words of an eager guess stand: nobody has spoken since.
        let text = eager.as_deref().unwrap_or(text);
        let mut events = self.hear(text, ear.sound(), position);
        let Some(turn) = &mut self.turn else {
            self.window_start = if ear.sound().is_none() {
                position
            } else {
                self.window_start
            };
            return events;
        };
        match reason {
            Reason::Eager => {
                turn.is_eager = true;
                events.push(self.tell(TurnEvent::EagerEndOfTurn, None, position));
            }
            Reason::Last => events.push(self.tell(TurnEvent::Update, None, position)),
            Reason::End(trigger) => {
                events.push(self.tell(TurnEvent::EndOfTurn, Some(trigger), position));
                self.turn = None;
                self.turn_index += 1;
                self.window_start = position;
            }
        }
        events
    }

    fn tell(&mut self, event: TurnEvent, trigger: Option<Trigger>, position: u64) -> Event {
        let multilingual = self.model == MULTILINGUAL_MODEL;
        let place = |sample: usize| Some(at(sample as u64));
        let turn = self.turn.get_or_insert_default();
        turn.last_update = position;
        let words = shares(&turn.text, turn.sound.0 as usize, turn.sound.1 as usize).into_iter();
        let words = words.map(|word| Word {
            start: place(word.start),
            end: place(word.end),
            word: word.word,
            confidence: 0.95,
        });
        Event::TurnInfo(Box::new(TurnInfo {
            request_id: self.request_id.clone(),
            sequence_id: 0,
            event,
            turn_index: self.turn_index,
            audio_window_start: at(self.window_start),
            audio_window_end: at(position),
            transcript: turn.text.clone(),
            words: words.collect(),
            end_of_turn_confidence: turn.confidence,
            trigger,
            languages: if multilingual {
                vec!["en".to_owned()]
            } else {
                Vec::new()
            },
            languages_hinted: self.language_hints.clone(),
        }))
    }
}
