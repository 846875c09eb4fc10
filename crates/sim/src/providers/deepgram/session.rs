//! `/v1/listen`: what is said about the audio. No socket and no clock; time is audio.

use std::collections::VecDeque;
use std::time::Duration;

use aws_lc_rs::digest;
use jiff::Timestamp;
use ringback_wire::deepgram::listen::{
    Alternative, Endpointing, Event, Metadata, ModelInfo, Query, Results, ResultsMetadata, Word,
};

use super::super::ear::{Answer, Ear, Step, bare, punctuated};
use super::super::knobs::Knobs;
use super::super::voice::shares;

/// Samples of a millisecond.
const MS: u64 = 8;
/// The silence that ends an utterance where the client says nothing.
const USUAL_ENDPOINTING_MS: u32 = 10;
/// The silence behind which words are final where endpointing is off.
const FINAL_BEHIND_MS: u64 = 1000;
/// Audio without words is reported every so often.
const SILENCE_MS: u64 = 5000;
/// Guesses come once in so much audio.
const INTERIM_MS: u64 = 1000;
/// Less audio than this is not worth an answer to `Finalize`.
const LITTLE_MS: u64 = 200;

/// Words that were asked for.
struct Asked {
    id: u32,
    results: Results,
    /// Where the sound lies.
    sound: (u64, u64),
}

/// What a stream says.
pub(super) struct Session {
    query: Query,
    metadata: ResultsMetadata,
    created: Timestamp,
    sha256: digest::Context,
    knobs: Knobs,
    asked: VecDeque<Asked>,
    /// Where the stretch begins that is not final yet.
    start: u64,
    last_interim: Option<u64>,
    /// Where the last word of a finished utterance ended, until that is reported.
    last_word_end: Option<u64>,
    channels: u32,
}

fn at(sample: u64) -> Duration {
    Duration::from_micros(sample * 125)
}

impl Session {
    pub(super) fn new(query: Query, request_id: &str, knobs: Knobs) -> Self {
        let arch = query
            .model
            .splitn(3, '-')
            .take(2)
            .collect::<Vec<_>>()
            .join("-");
        let metadata = ResultsMetadata {
            request_id: request_id.to_owned(),
            model_info: ModelInfo {
                name: format!("general-{arch}"),
                version: "2026-01-15.0".to_owned(),
                arch,
            },
            model_uuid: super::super::VOICE_ID.to_owned(),
        };
        Self {
            query,
            metadata,
            created: Timestamp::now(),
            sha256: digest::Context::new(&digest::SHA256),
            knobs,
            asked: VecDeque::new(),
            start: 0,
            last_interim: None,
            last_word_end: None,
            channels: 0,
        }
    }

    pub(super) fn request_id(&self) -> &str {
        &self.metadata.request_id
    }

    /// Audio came.
    pub(super) fn took(&mut self, bytes: &[u8]) {
        self.channels = 1;
        self.sha256.update(bytes);
    }

    /// Nothing that was asked for is missing.
    pub(super) fn has_said_all(&self) -> bool {
        self.asked.is_empty()
    }

    /// The summary.
    pub(super) fn metadata(&self, position: u64) -> Metadata {
        let sum = self.sha256.clone().finish();
        Metadata {
            request_id: self.metadata.request_id.clone(),
            sha256: sum
                .as_ref()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            created: format!("{:.3}", self.created),
            duration: at(position),
            channels: self.channels,
        }
    }

    /// 20 ms were heard.
    pub(super) fn step(&mut self, step: Step, ear: &mut Ear) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(speech) = step.began {
            self.last_interim = None;
            self.last_word_end = None;
            if self.query.vad_events {
                events.push(Event::SpeechStarted {
                    channel: 0,
                    channels: 1,
                    timestamp: at(speech),
                });
            }
        }
        let (ends, behind) = match self.query.endpointing {
            None => (true, u64::from(USUAL_ENDPOINTING_MS)),
            Some(Endpointing::After(ms)) => (true, u64::from(ms)),
            Some(Endpointing::Off) => (false, FINAL_BEHIND_MS),
        };
        if step.quiet.is_some_and(|quiet| quiet >= behind * MS) {
            self.conclude(ear, (ends, false));
        }
        let idle = ear.sound().is_none() && self.asked.is_empty();
        if idle && step.position - self.start >= SILENCE_MS * MS {
            events.push(self.silence(step.position, false));
        }
        events.extend(self.utterance_end(step.position));
        events
    }

    /// Words came.
    pub(super) fn answered(&mut self, answer: Answer, ear: &Ear) -> Vec<Event> {
        match answer {
            Answer::Partial(text) => self.interim(&text, ear).into_iter().collect(),
            Answer::Final {
                id,
                text,
                confidence,
            } => {
                let Some(index) = self.asked.iter().position(|asked| asked.id == id) else {
                    return Vec::new();
                };
                // A decoder that failed left the ones before without an answer.
                let events: Vec<_> = self.asked.drain(..index + 1).collect();
                let last = events.len() - 1;
                let finals = events.into_iter().enumerate().map(|(number, asked)| {
                    let text = if number == last { text.as_str() } else { "" };
                    self.final_results(asked, text, confidence)
                });
                let mut events: Vec<_> = finals.collect();
                events.extend(self.utterance_end(ear.position()));
                events
            }
        }
    }

    /// `Finalize`.
    pub(super) fn finalize(&mut self, ear: &mut Ear) -> Vec<Event> {
        let position = ear.position();
        if ear.sound().is_some() {
            self.conclude(ear, (false, true));
        } else if let Some(asked) = self.asked.back_mut() {
            asked.results.from_finalize = true;
        } else if position - self.start >= LITTLE_MS * MS {
            return vec![self.silence(position, true)];
        }
        Vec::new()
    }

    /// `CloseStream`.
    pub(super) fn close(&mut self, ear: &mut Ear) -> Vec<Event> {
        let position = ear.position();
        if ear.sound().is_some() {
            self.conclude(ear, (false, false));
        } else if self.asked.is_empty() && position > self.start {
            return vec![self.silence(position, false)];
        }
        Vec::new()
    }

    /// Asks for the words of the open turn and ends it.
    fn conclude(&mut self, ear: &mut Ear, (speech_final, from_finalize): (bool, bool)) {
        let (Some(sound), position) = (ear.sound(), ear.position()) else {
            return;
        };
        let results = Results {
            is_final: true,
            speech_final,
            from_finalize,
            ..self.stretch(position)
        };
        self.asked.push_back(Asked {
            id: ear.ask(),
            results,
            sound,
        });
        ear.end_turn();
        self.start = position;
        self.last_interim = None;
    }

    /// An empty stretch up to `position`.
    fn stretch(&self, position: u64) -> Results {
        Results {
            channels: 1,
            start: at(self.start),
            duration: at(position - self.start),
            alternatives: vec![Alternative::default()],
            metadata: self.metadata.clone(),
            ..Results::default()
        }
    }

    fn silence(&mut self, position: u64, from_finalize: bool) -> Event {
        let results = Results {
            is_final: true,
            from_finalize,
            ..self.stretch(position)
        };
        self.start = position;
        Event::Results(Box::new(results))
    }

    fn interim(&mut self, text: &str, ear: &Ear) -> Option<Event> {
        let ((from, to), position) = (ear.sound()?, ear.position());
        let recent = self
            .last_interim
            .is_some_and(|last| position - last < INTERIM_MS * MS);
        if !self.query.interim_results || !self.asked.is_empty() || recent || self.knobs.silence {
            return None;
        }
        self.last_interim = Some(position);
        let mut results = self.stretch(position);
        results.alternatives = vec![self.alternative(text, 0.9, (from, to))];
        Some(Event::Results(Box::new(results)))
    }

    fn final_results(&mut self, asked: Asked, text: &str, confidence: f64) -> Event {
        let text = if self.knobs.silence { "" } else { text };
        let mut results = asked.results;
        let alternative = self.alternative(text, confidence, asked.sound);
        if !alternative.words.is_empty() {
            self.last_word_end = Some(asked.sound.1);
        }
        results.alternatives = vec![alternative];
        Event::Results(Box::new(results))
    }

    fn alternative(&self, text: &str, confidence: f64, (from, to): (u64, u64)) -> Alternative {
        let formatting = self.query.formatting;
        let written = formatting.punctuate || formatting.smart_format;
        let transcript = if written {
            punctuated(text)
        } else {
            bare(text)
        };
        let place = |sample: usize| at(sample as u64);
        let words = shares(&transcript, from as usize, to as usize)
            .into_iter()
            .map(|word| Word {
                word: bare(&word.word),
                start: place(word.start),
                end: place(word.end),
                confidence,
                punctuated_word: written.then_some(word.word),
                speaker: None,
                language: None,
            });
        Alternative {
            words: words.collect(),
            confidence: if transcript.is_empty() {
                0.0
            } else {
                confidence
            },
            transcript,
            languages: Vec::new(),
        }
    }

    /// Reports the end of an utterance by the gap behind its last word, once.
    fn utterance_end(&mut self, position: u64) -> Option<Event> {
        let gap = u64::from(self.query.utterance_end_ms?) * MS;
        let end = self
            .last_word_end
            .filter(|end| position.saturating_sub(*end) >= gap)?;
        self.last_word_end = None;
        Some(Event::UtteranceEnd {
            channel: 0,
            channels: 1,
            last_word_end: Some(at(end)),
        })
    }
}
