//! What speaks to one caller: a voice, those that take its place when it is lost, and the cache in front of all.

use std::collections::VecDeque;
use std::sync::Arc;

use ringback_call::{PartId, Party, ReplyId, Usage};
use tokio::sync::mpsc::UnboundedSender;

use super::stream::{Command, Spoken, TimedWord};
use super::{Lines, Local, rest};
use crate::engines::{Engines, VoiceSeat};
use crate::provided::{Provided, Sender};
use crate::provider::Failure;
use crate::scenario::TtsEngine;
use crate::speakable;

/// How a caller is spoken to, whoever speaks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manner {
    /// As `en-US`.
    pub(crate) language: String,
    /// Of the voice's own pace.
    pub(crate) speed_pct: u16,
    /// The voice that the scenario names, for the provider that has it.
    pub(crate) voice: Option<String>,
}

impl Manner {
    /// As where no scenario says.
    pub(crate) fn english() -> Self {
        Self {
            language: "en-US".to_owned(),
            speed_pct: 100,
            voice: None,
        }
    }
}

/// A voice of one call.
pub(crate) enum Speaker {
    /// The voice of this machine.
    Local(Local),
    /// A provider's.
    Stream(UnboundedSender<Command>),
}

/// A voice that was started.
pub(crate) struct Started {
    pub(crate) speaker: Speaker,
    /// As records name it.
    pub(crate) name: &'static str,
    /// As the provider names it; empty for the voice of this machine.
    pub(crate) model: String,
    /// Who speaks and how, for the cache.
    pub(crate) voice: String,
}

/// What speaks to one caller. Dropping it gives the voice back.
pub(crate) struct Voices {
    current: Started,
    /// Which of the call's voices it is, counted from 0.
    engine: u32,
    rest: VecDeque<TtsEngine>,
    manner: Manner,
    lines: Arc<Lines>,
    events: Sender,
    owed: VecDeque<Owed>,
    /// Those that spoke, in order.
    spoke: Vec<&'static str>,
    _seat: Option<VoiceSeat>,
}

/// A sentence that is being spoken, or is to be.
struct Owed {
    reply: ReplyId,
    part: PartId,
    /// What this voice is to speak.
    text: String,
    /// Samples of the part that other voices spoke before.
    base: u32,
    /// Samples of the part so far.
    told: u32,
    words: Vec<TimedWord>,
    /// All its speech, for the cache, unless voices share it.
    speech: Option<Vec<u8>>,
}

impl Owed {
    /// What is still to be spoken, should the voice be lost now.
    fn remaining(&self, speed_pct: u16) -> &str {
        let told = self.told - self.base;
        if told == 0 {
            return &self.text;
        }
        if self.words.is_empty() {
            return rest::by_length(&self.text, u64::from(told), speed_pct);
        }
        let over = self.words.partition_point(|word| word.until <= told);
        rest::by_words(&self.text, &self.words[..over])
    }
}

impl Voices {
    /// A voice that was started as the first, with those that follow it.
    pub(crate) fn new(
        first: Started,
        rest: VecDeque<TtsEngine>,
        manner: Manner,
        lines: Arc<Lines>,
        events: Sender,
        seat: Option<VoiceSeat>,
    ) -> Self {
        Self {
            current: first,
            engine: 0,
            rest,
            manner,
            lines,
            events,
            owed: VecDeque::new(),
            spoke: Vec::new(),
            _seat: seat,
        }
    }

    /// The same with a cache of its own, so that what it says takes no room from the lines of calls.
    pub(crate) fn apart(self) -> Self {
        Self {
            lines: Arc::default(),
            ..self
        }
    }

    /// As records name it.
    pub(crate) fn name(&self) -> &'static str {
        self.current.name
    }

    /// Those that spoke, in order, as records name them.
    pub(crate) fn served(&self) -> &[&'static str] {
        &self.spoke
    }

    fn served_now(&mut self) {
        if self.spoke.last() != Some(&self.current.name) {
            self.spoke.push(self.current.name);
        }
    }

    /// Speaks a sentence: from the cache, or by the voice.
    pub(crate) fn speak(&mut self, reply: ReplyId, part: PartId, text: &str) {
        let text = speakable(text, &self.manner.language).into_owned();
        if !text.chars().any(char::is_alphanumeric) {
            self.say_done(reply, part);
        } else if let Some(line) = self.lines.find(&self.current.voice, &text) {
            self.served_now();
            self.send(Provided::Line { reply, part, line });
            self.say_done(reply, part);
        } else {
            self.owed.push_back(Owed {
                reply,
                part,
                text: text.clone(),
                base: 0,
                told: 0,
                words: Vec::new(),
                speech: Some(Vec::new()),
            });
            self.ask(reply, part, text);
        }
    }

    fn ask(&mut self, reply: ReplyId, part: PartId, text: String) {
        match &mut self.current.speaker {
            Speaker::Local(local) => local.speak(reply, part, &text),
            Speaker::Stream(commands) => {
                let usage = Usage {
                    requests: 1,
                    characters: text.chars().count() as u64,
                    ..Usage::of(Party::Tts, self.current.name, &*self.current.model)
                };
                if commands.send(Command::Speak { reply, part, text }).is_err() {
                    let name = self.current.name;
                    let failure = Failure::gone(format!("{name} speaks no more"));
                    self.send(Provided::Mute {
                        engine: self.engine,
                        failure,
                    });
                } else {
                    self.send(Provided::Used { reply, usage });
                }
            }
        }
    }

    fn say_done(&self, reply: ReplyId, part: PartId) {
        self.send(Provided::Spoken {
            engine: self.engine,
            spoken: Spoken::Done { reply, part },
        });
    }

    fn send(&self, provided: Provided) {
        // The receiver is the call's own task: it is gone only when the call is.
        let _ = self.events.send(provided);
    }

    /// Whether this engine is the one that speaks.
    pub(crate) fn is_current(&self, engine: u32) -> bool {
        engine == self.engine
    }

    fn of(&mut self, reply: ReplyId, part: PartId) -> Option<&mut Owed> {
        self.owed
            .iter_mut()
            .find(|owed| (owed.reply, owed.part) == (reply, part))
    }

    /// Speech of a part came.
    pub(crate) fn spoke(&mut self, reply: ReplyId, part: PartId, mulaw: &[u8]) {
        self.served_now();
        if let Some(owed) = self.of(reply, part) {
            owed.told = owed
                .told
                .saturating_add(u32::try_from(mulaw.len()).unwrap_or(u32::MAX));
            if let Some(speech) = &mut owed.speech {
                speech.extend_from_slice(mulaw);
            }
        }
    }

    /// The voice told when it speaks words. Answers where they end in the part.
    pub(crate) fn timed(
        &mut self,
        reply: ReplyId,
        part: PartId,
        words: Vec<TimedWord>,
    ) -> Option<Vec<u32>> {
        let owed = self.of(reply, part)?;
        let base = owed.base;
        let ends = words.iter().map(|word| word.until.saturating_add(base));
        let ends = ends.collect();
        owed.words.extend(words);
        Some(ends)
    }

    /// A sentence was spoken to its end.
    pub(crate) fn done(&mut self, reply: ReplyId, part: PartId) {
        if let Speaker::Local(local) = &mut self.current.speaker {
            local.done(reply, part);
        }
        let place = self
            .owed
            .iter()
            .position(|owed| (owed.reply, owed.part) == (reply, part));
        if let Some(owed) = place.and_then(|place| self.owed.remove(place))
            && let Some(speech) = owed.speech
        {
            self.lines.keep(&self.current.voice, &owed.text, speech);
        }
    }

    /// Stops speaking a reply.
    pub(crate) fn cancel(&mut self, reply: ReplyId) {
        self.owed.retain(|owed| owed.reply != reply);
        match &mut self.current.speaker {
            Speaker::Local(local) => local.cancel(reply),
            // One that is gone has nothing to cancel.
            Speaker::Stream(commands) => {
                let _ = commands.send(Command::Cancel { reply });
            }
        }
    }

    /// The voice is lost: the next of the list takes its place and speaks what is owed. False if there is none.
    pub(crate) fn fall_back(&mut self, engines: &Engines) -> bool {
        while let Some(next) = self.rest.pop_front() {
            let engine = self.engine + 1;
            let Some(started) = engines.start_voice(&next, &self.manner, engine, &self.events)
            else {
                continue;
            };
            self.engine = engine;
            self.current = started;
            let speed_pct = self.manner.speed_pct;
            let owed = std::mem::take(&mut self.owed);
            for mut owed in owed {
                owed.text = owed.remaining(speed_pct).to_owned();
                owed.speech = owed.speech.filter(|speech| speech.is_empty());
                owed.base = owed.told;
                owed.words.clear();
                let (reply, part, text) = (owed.reply, owed.part, owed.text.clone());
                if text.chars().any(char::is_alphanumeric) {
                    self.owed.push_back(owed);
                    self.ask(reply, part, text);
                } else {
                    self.say_done(reply, part);
                }
            }
            return true;
        }
        false
    }
}
