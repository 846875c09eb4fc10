//! The ears of every recogniser twin: an energy and voice detector, and behind it decoders or a script.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ringback_audio::{FRAME_SAMPLES, g711};
use ringback_speech::detector::{Detector, DetectorConfig, Edge};
use ringback_speech::grammar::{Dictionary, Expect, Grammar};
use ringback_speech::recognizer::{Recognized, Recognizer, RecognizerPool};
use ringback_speech::vad::VadModel;
use tokio::sync::mpsc;

use super::mark::{Mark, PLACE};
use super::sound::{Format, Intake};

/// Sound that is heard again when speech is noticed, in samples: 0.3 s.
const BEFORE: u64 = 2400;
/// The least sound that can hold a word, in samples: 0.1 s.
const LEAST: u64 = 800;
/// Silence that counts as a pause at all, in ms.
const LULL_MS: u32 = 60;
/// A word of a script is guessed every so many samples: 0.3 s.
const WORD: u64 = 2400;

/// What the twins hear with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hearing {
    /// So many local decoders, each for one stream at a time: English words from a free vocabulary.
    Decoders(usize),
    /// One line for each utterance, whatever was said; every stream begins with the first line, and after the last.
    /// `{mark}` in a line becomes a word that no other utterance has.
    Script(Vec<String>),
}

impl Hearing {
    /// Whether utterances are marked.
    pub(super) fn is_marked(&self) -> bool {
        match self {
            Self::Decoders(_) => false,
            Self::Script(lines) => lines.iter().any(|line| line.contains(PLACE)),
        }
    }
}

/// Ears that are started.
pub(super) enum Ears {
    Decoders {
        pool: RecognizerPool,
        open: Arc<Grammar>,
    },
    Script(Lines),
    /// There are none, and why.
    Deaf(String),
}

/// The lines of a script, and how many utterances of all streams were heard by it.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    lines: Arc<[String]>,
    marked: Arc<AtomicU32>,
}

impl Lines {
    fn of(lines: &[String]) -> Self {
        Self {
            lines: lines.into(),
            marked: Arc::default(),
        }
    }

    /// The line of the utterance of this number of a stream.
    fn line(&self, number: usize) -> String {
        let line = self.lines.get(number % self.lines.len().max(1));
        let line = line.cloned().unwrap_or_default();
        if !line.contains(PLACE) {
            return line;
        }
        let mark = Mark::numbered(self.marked.fetch_add(1, Ordering::Relaxed));
        line.replace(PLACE, &mark.word())
    }
}

/// Why a stream is not heard.
#[derive(Debug)]
pub(super) enum NoEar {
    /// All decoders are leased.
    Busy,
    Deaf(String),
    /// A format that is not heard.
    Format(String),
}

/// What was understood.
#[derive(Debug)]
pub(super) enum Answer {
    /// The words of the turn so far.
    Partial(String),
    /// The words of the turn, asked for under this number.
    Final {
        id: u32,
        text: String,
        confidence: f64,
    },
}

impl Ears {
    /// Starts them; blocking.
    pub(super) fn start(hearing: &Hearing) -> Self {
        let count = match hearing {
            Hearing::Script(lines) => return Self::Script(Lines::of(lines)),
            Hearing::Decoders(count) => *count,
        };
        let grammar = || -> Result<Grammar, String> {
            let dictionary = Dictionary::load_default().map_err(|error| error.to_string())?;
            Grammar::compile(&Expect::Open, &dictionary).map_err(|error| error.to_string())
        };
        match (RecognizerPool::start(count), grammar()) {
            (Ok(pool), Ok(open)) => Self::Decoders {
                pool,
                open: Arc::new(open),
            },
            (Err(error), _) => Self::Deaf(error.to_string()),
            (_, Err(error)) => Self::Deaf(error),
        }
    }

    /// Ears for one stream.
    pub(super) fn open(&self, format: Format, channels: usize) -> Result<Ear, NoEar> {
        let intake =
            Intake::new(format, channels).map_err(|error| NoEar::Format(error.to_string()))?;
        let (told, answers) = mpsc::unbounded_channel();
        let mind = match self {
            Self::Deaf(why) => return Err(NoEar::Deaf(why.clone())),
            Self::Script(lines) => Mind::Script {
                lines: lines.clone(),
                line: String::new(),
                next: 0,
                guessed: 0,
            },
            Self::Decoders { pool, open } => {
                let told = told.clone();
                let sink = Box::new(move |recognized| {
                    if let Some(answer) = answer_of(recognized) {
                        let _ = told.send(answer);
                    }
                });
                let recognizer = pool.lease(sink).ok_or(NoEar::Busy)?;
                recognizer.expect(Arc::clone(open));
                Mind::Decoder(recognizer)
            }
        };
        Ok(Ear {
            intake,
            samples: VecDeque::new(),
            detector: Detector::new(DetectorConfig {
                lull_ms: LULL_MS,
                ..DetectorConfig::default()
            }),
            memory: VecDeque::new(),
            mind,
            told,
            answers,
            turn: None,
            quiet_from: None,
            done_until: 0,
            asked: 0,
        })
    }
}

impl std::fmt::Debug for Ears {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Decoders { .. } => "Decoders",
            Self::Script(_) => "Script",
            Self::Deaf(_) => "Deaf",
        })
    }
}

fn answer_of(recognized: Recognized) -> Option<Answer> {
    match recognized {
        Recognized::Partial { text } => Some(Answer::Partial(text)),
        Recognized::Final {
            text,
            confidence_pm,
            finalize,
            ..
        } => Some(Answer::Final {
            id: finalize,
            text,
            confidence: f64::from(confidence_pm) / 1000.0,
        }),
        // The turn stays without words; the next is heard again.
        Recognized::Failed { .. } => None,
    }
}

enum Mind {
    Decoder(Recognizer),
    Script {
        lines: Lines,
        /// That of the utterance that goes on.
        line: String,
        next: usize,
        guessed: usize,
    },
}

/// 20 ms of a stream, heard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Samples heard so far, at 8000 Hz.
    pub(super) position: u64,
    /// A turn began, with speech at this sample.
    pub(super) began: Option<u64>,
    /// Speech went on after a pause in a turn.
    pub(super) resumed: bool,
    /// The pause in a turn so far, in samples.
    pub(super) quiet: Option<u64>,
}

/// The ears of one stream.
pub(super) struct Ear {
    intake: Intake,
    samples: VecDeque<i16>,
    detector: Detector,
    memory: VecDeque<u8>,
    mind: Mind,
    told: mpsc::UnboundedSender<Answer>,
    pub(super) answers: mpsc::UnboundedReceiver<Answer>,
    /// Where the speech of the open turn began.
    turn: Option<u64>,
    quiet_from: Option<u64>,
    done_until: u64,
    asked: u32,
}

impl Ear {
    /// Takes bytes of the stream.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        let mut samples = Vec::new();
        self.intake.take(bytes, &mut samples);
        self.samples.extend(samples);
    }

    /// Hears the next 20 ms of what was taken.
    pub(super) fn step(&mut self) -> Option<Step> {
        if self.samples.len() < FRAME_SAMPLES {
            return None;
        }
        let mut frame = [0; FRAME_SAMPLES];
        for (slot, sample) in frame.iter_mut().zip(self.samples.drain(..FRAME_SAMPLES)) {
            *slot = sample;
        }
        let mulaw = frame.map(g711::encode);
        self.memory.extend(mulaw);
        let spare = self.memory.len().saturating_sub(BEFORE as usize * 2);
        self.memory.drain(..spare);
        if self.turn.is_some() {
            self.think_about(&mulaw);
        }
        self.detector.push(&frame);
        self.detector.run(VadModel::embedded());
        let (mut began, mut resumed) = (None, false);
        while let Some(edge) = self.detector.poll() {
            match edge.edge {
                Edge::Onset | Edge::Resumed => {
                    self.quiet_from = None;
                    if self.turn.is_some() {
                        resumed = true;
                    } else {
                        began = Some(self.begin(edge.sample));
                    }
                }
                Edge::Lull | Edge::Pause | Edge::Offset => {
                    self.quiet_from.get_or_insert(edge.sample);
                }
                Edge::Sustained | Edge::Prolonged => {}
            }
        }
        let position = self.detector.position();
        let quiet = self
            .turn
            .and(self.quiet_from)
            .map(|from| position.saturating_sub(from));
        self.guess(position);
        Some(Step {
            position,
            began,
            resumed,
            quiet,
        })
    }

    /// Samples heard so far.
    pub(super) fn position(&self) -> u64 {
        self.detector.position()
    }

    /// Where the sound of the open turn lies.
    pub(super) fn sound(&self) -> Option<(u64, u64)> {
        let from = self.turn?;
        Some((from, self.quiet_from.unwrap_or(self.position()).max(from)))
    }

    /// Asks for the words of the open turn so far; the turn goes on.
    pub(super) fn ask(&mut self) -> u32 {
        self.asked += 1;
        let sounded = self.sound().map_or(0, |(from, to)| to - from);
        match &mut self.mind {
            _ if sounded < LEAST => self.tell(String::new(), 0.0),
            Mind::Decoder(recognizer) => recognizer.finalize(self.asked),
            Mind::Script { line, .. } => {
                let line = line.clone();
                self.tell(line, 0.99);
            }
        }
        self.asked
    }

    /// Ends the open turn, whose words were asked for. Speech that goes on begins another.
    pub(super) fn end_turn(&mut self) {
        let Some((from, to)) = self.sound() else {
            return;
        };
        self.turn = None;
        self.done_until = self.position();
        match &mut self.mind {
            Mind::Decoder(recognizer) => recognizer.end_turn(),
            Mind::Script { next, guessed, .. } => {
                *guessed = 0;
                if to - from >= LEAST {
                    *next += 1;
                }
            }
        }
        if self.quiet_from.is_none() && self.detector.speaking() {
            self.begin(self.done_until);
        }
    }

    fn begin(&mut self, speech: u64) -> u64 {
        let position = self.position();
        let from = speech.saturating_sub(BEFORE).max(self.done_until);
        let back = usize::try_from(position.saturating_sub(from))
            .unwrap_or(usize::MAX)
            .min(self.memory.len());
        let before: Vec<u8> = self
            .memory
            .range(self.memory.len() - back..)
            .copied()
            .collect();
        match &mut self.mind {
            Mind::Decoder(recognizer) => recognizer.begin(from),
            Mind::Script {
                lines, line, next, ..
            } => *line = lines.line(*next),
        }
        self.think_about(&before);
        self.turn = Some(speech);
        speech
    }

    fn think_about(&self, mulaw: &[u8]) {
        if let Mind::Decoder(recognizer) = &self.mind {
            recognizer.audio(mulaw);
        }
    }

    fn tell(&self, text: String, confidence: f64) {
        let _ = self.told.send(Answer::Final {
            id: self.asked,
            text,
            confidence,
        });
    }

    /// A script's words come while somebody speaks, all but the last.
    fn guess(&mut self, position: u64) {
        let (Some(from), None, Mind::Script { line, guessed, .. }) =
            (self.turn, self.quiet_from, &mut self.mind)
        else {
            return;
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        let heard = usize::try_from(position.saturating_sub(from) / WORD).unwrap_or(usize::MAX);
        let heard = heard.min(words.len().saturating_sub(1));
        if heard > *guessed {
            *guessed = heard;
            let _ = self.told.send(Answer::Partial(words[..heard].join(" ")));
        }
    }
}

/// A text as it is written without punctuation: small letters, words with single spaces.
pub(super) fn bare(text: &str) -> String {
    let kept =
        |letter: &char| letter.is_alphanumeric() || letter.is_whitespace() || *letter == '\'';
    let plain: String = text
        .chars()
        .filter(kept)
        .flat_map(char::to_lowercase)
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text with a capital and an end, where it has none.
pub(super) fn punctuated(text: &str) -> String {
    let words = text.split_whitespace();
    let words: Vec<_> = words
        .map(|word| if word == "i" { "I" } else { word })
        .collect();
    let text = words.join(" ");
    let mut letters = text.chars();
    let Some(first) = letters.next() else {
        return text;
    };
    let end = if text.ends_with(['.', '!', '?', '。', '？', '！']) {
        ""
    } else {
        "."
    };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::sound::Coding;
    use super::*;

    const TELEPHONE: Format = Format {
        coding: Coding::Mulaw,
        rate: 8000,
    };
    const YES: &[u8] = include_bytes!("../../../speech/tests/fixtures/answers/rms-yes-please.ulaw");

    fn said(ear: &mut Ear, bytes: &[u8]) -> Vec<Step> {
        ear.take(bytes);
        std::iter::from_fn(|| ear.step()).collect()
    }

    #[test]
    fn a_script_gives_one_line_for_each_utterance_and_begins_anew() {
        let ears = Ears::Script(Lines::of(&["One line.".to_owned(), "Two.".to_owned()]));
        let mut ear = ears.open(TELEPHONE, 1).unwrap();
        let mut lines = Vec::new();
        for _ in 0..3 {
            let steps = said(&mut ear, YES);
            assert!(steps.iter().any(|step| step.began.is_some()));
            assert!(said(&mut ear, &[0xFF; 4000]).last().unwrap().quiet.unwrap() > 3000);
            ear.ask();
            ear.end_turn();
            while let Ok(answer) = ear.answers.try_recv() {
                if let Answer::Final { text, .. } = answer {
                    lines.push(text);
                }
            }
            assert!(
                said(&mut ear, &[0xFF; 4000])
                    .iter()
                    .all(|step| step.quiet.is_none())
            );
        }
        assert_eq!(lines, ["One line.", "Two.", "One line."]);
    }

    #[test]
    fn how_bytes_are_cut_does_not_change_what_is_heard() {
        let ears = Ears::Script(Lines::default());
        let stream = [YES, &[0xFF; 8000], YES].concat();
        let mut whole = ears.open(TELEPHONE, 1).unwrap();
        let mut cut = ears.open(TELEPHONE, 1).unwrap();
        let begun = |steps: Vec<Step>| {
            steps
                .into_iter()
                .filter_map(|step| step.began)
                .collect::<Vec<_>>()
        };
        let at_once = begun(said(&mut whole, &stream));
        let in_parts = stream
            .chunks(77)
            .flat_map(|part| begun(said(&mut cut, part)))
            .collect::<Vec<_>>();
        assert_eq!(at_once, in_parts);
        assert_eq!(at_once.len(), 1, "the turn is open until it is ended");
    }

    #[test]
    fn texts_are_written_with_and_without_punctuation() {
        assert_eq!(
            bare("I'd like  2 tickets, please."),
            "i'd like 2 tickets please"
        );
        assert_eq!(punctuated("what can i do"), "What can I do.");
        assert_eq!(punctuated("Really?"), "Really?");
        assert_eq!(punctuated(""), "");
    }
}
