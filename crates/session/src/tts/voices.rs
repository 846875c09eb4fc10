//! What speaks to one caller: a voice, those that take its place when it is lost, and the cache in front of all.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ringback_call::{At, PartId, ReplyId};
use tokio::sync::mpsc::UnboundedSender;

use super::owed::Owed;
use super::race::{Health, Racer, Wait};
use super::stream::{Command, Spoken, TimedWord};
use super::{Lines, Local};
use crate::engines::VoiceSeat;
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
    /// How many times longer than in a call a provider's speech is waited for.
    pub(crate) patience: u32,
}

impl Manner {
    /// As where no scenario says.
    pub(crate) fn english() -> Self {
        Self {
            language: "en-US".to_owned(),
            speed_pct: 100,
            voice: None,
            patience: 1,
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
    /// Where it is told that it failed; `None` for the voice of this machine.
    pub(crate) health: Option<Health>,
}

/// What starts voices.
pub(crate) trait Starts {
    /// Whether a voice may be asked now, by what other calls know of it.
    fn admits(&self, wanted: &TtsEngine) -> bool;

    /// Starts a voice. `engine` counts those of the call.
    fn start(
        &self,
        wanted: &TtsEngine,
        manner: &Manner,
        engine: u32,
        events: &Sender,
    ) -> Option<Started>;
}

/// What a voice said, as far as it is this voice that speaks, and those that it has overtaken.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) spoken: Vec<Spoken>,
    pub(crate) overtaken: Vec<Failure>,
}

/// What follows from the loss of a voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Nothing: another speaks already.
    None,
    /// Another speaks what it owed.
    Replaced,
    /// No other is left.
    Mute,
}

/// Says itself what no voice has to: it is listened to whoever speaks.
const ITSELF: u32 = u32::MAX;

/// What speaks to one caller. Dropping it gives the voice back.
pub(crate) struct Voices {
    /// Never empty: the voice that speaks, or those of which it is not known yet who will. The first leads.
    racers: Vec<Racer>,
    /// How many were started, each numbered by it.
    started: u32,
    rest: VecDeque<TtsEngine>,
    /// While nothing was heard of a reply.
    wait: Option<Wait>,
    /// The last reply of which something was heard.
    sounded: Option<ReplyId>,
    /// How many times longer than usual voices are waited for.
    patience: u32,
    manner: Manner,
    lines: Arc<Lines>,
    events: Sender,
    owed: VecDeque<Owed>,
    /// Those that spoke, in order.
    spoke: Vec<&'static str>,
    _seat: Option<VoiceSeat>,
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
            racers: vec![Racer::new(first, 0, At::default())],
            started: 1,
            rest,
            wait: None,
            sounded: None,
            patience: 1,
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

    /// The same, but waited for so many times longer than usual.
    pub(crate) fn patient(self, patience: u32) -> Self {
        Self { patience, ..self }
    }

    /// The voice that speaks, or leads.
    fn current(&self) -> &Started {
        &self.racers[0].voice
    }

    /// As records name it.
    pub(crate) fn name(&self) -> &'static str {
        self.current().name
    }

    /// Those that spoke, in order, as records name them.
    pub(crate) fn served(&self) -> &[&'static str] {
        &self.spoke
    }

    fn served_now(&mut self) {
        let name = self.name();
        if self.spoke.last() != Some(&name) {
            self.spoke.push(name);
        }
    }

    /// Speaks a sentence: from the cache, or by the voice. False if there is nothing in it to say.
    pub(crate) fn speak(&mut self, reply: ReplyId, part: PartId, text: &str) -> bool {
        let text = speakable(text, &self.manner.language).into_owned();
        if !text.chars().any(char::is_alphanumeric) {
            return false;
        }
        if let Some(line) = self.lines.find(&self.current().voice, &text) {
            self.served_now();
            self.sounded = Some(reply);
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
            for place in 0..self.racers.len() {
                self.ask(place, reply, part, &text);
            }
        }
        true
    }

    /// The first sound of a reply is waited for from now on. `waited`: since the caller's last sound.
    pub(crate) fn await_sound(&mut self, at: At, reply: ReplyId, waited: Duration) {
        let owes = self.owed.iter().any(|owed| owed.reply == reply);
        if self.wait.is_none() && self.sounded != Some(reply) && owes {
            self.wait = Some(Wait::new(at, waited, self.patience));
            for racer in &mut self.racers {
                racer.asked = at;
            }
        }
    }

    fn ask(&mut self, place: usize, reply: ReplyId, part: PartId, text: &str) {
        let racer = &mut self.racers[place];
        let commands = match &mut racer.voice.speaker {
            Speaker::Local(local) => return local.speak(reply, part, text),
            Speaker::Stream(commands) => commands,
        };
        let command = Command::Speak {
            reply,
            part,
            text: text.to_owned(),
        };
        if commands.send(command).is_ok() {
            return racer.bill.ask(&racer.voice, reply, part, text);
        }
        let failure = Failure::gone(format!("{} speaks no more", racer.voice.name));
        let engine = racer.engine;
        self.send(Provided::Mute { engine, failure });
    }

    fn say_done(&self, reply: ReplyId, part: PartId) {
        self.send(Provided::Spoken {
            engine: ITSELF,
            spoken: Spoken::Done { reply, part },
        });
    }

    fn send(&self, provided: Provided) {
        // The receiver is the call's own task: it is gone only when the call is.
        let _ = self.events.send(provided);
    }

    /// Takes what a voice said. Of several that were asked the first to be heard is the one that speaks.
    pub(crate) fn take(&mut self, at: At, engine: u32, spoken: Spoken) -> Taken {
        if engine == ITSELF {
            return Taken::of(spoken);
        }
        let place = self.racers.iter().position(|racer| racer.engine == engine);
        let Some(place) = place else {
            return Taken::default();
        };
        let (Spoken::Audio { reply, part, .. }
        | Spoken::Words { reply, part, .. }
        | Spoken::Done { reply, part }) = spoken;
        if self.of(reply, part).is_none() {
            return Taken::default();
        }
        self.racers[place].bill.begun(reply, part, &self.events);
        if matches!(spoken, Spoken::Words { .. }) {
            if self.racers.len() == 1 {
                return Taken::of(spoken);
            }
            self.racers[place].held.push(spoken);
            return Taken::default();
        }
        let mut winner = self.racers.remove(place);
        let mut taken = Taken {
            spoken: std::mem::take(&mut winner.held),
            overtaken: Vec::new(),
        };
        taken.spoken.push(spoken);
        for (rank, racer) in std::mem::take(&mut self.racers).iter_mut().enumerate() {
            racer.bill.left(None, &self.events);
            let failure = (rank < place).then(|| racer.overtaken(at, self.patience));
            taken.overtaken.extend(failure.flatten());
        }
        self.racers.push(winner);
        self.wait = None;
        self.sounded = Some(reply);
        taken
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
        if let Speaker::Local(local) = &mut self.racers[0].voice.speaker {
            local.done(reply, part);
        }
        let place = self
            .owed
            .iter()
            .position(|owed| (owed.reply, owed.part) == (reply, part));
        if let Some(owed) = place.and_then(|place| self.owed.remove(place))
            && let Some(speech) = owed.speech
        {
            self.lines.keep(&self.current().voice, &owed.text, speech);
        }
    }

    /// Stops speaking a reply.
    pub(crate) fn cancel(&mut self, reply: ReplyId) {
        self.owed.retain(|owed| owed.reply != reply);
        if self.owed.is_empty() {
            self.wait = None;
        }
        for racer in &mut self.racers {
            racer.bill.left(Some(reply), &self.events);
            match &mut racer.voice.speaker {
                Speaker::Local(local) => local.cancel(reply),
                // One that is gone has nothing to cancel.
                Speaker::Stream(commands) => {
                    let _ = commands.send(Command::Cancel { reply });
                }
            }
        }
    }

    /// Nothing more is listened to: what was asked counts as used.
    pub(crate) fn settle(&mut self) {
        for racer in &mut self.racers {
            racer.bill.left(None, &self.events);
        }
    }

    /// When [`Self::ask_beside`] is to be called, if nothing is heard before.
    pub(crate) fn due(&self) -> Option<At> {
        let is_local = |racer: &Racer| racer.voice.health.is_none();
        let wait = self.wait.filter(|_| !self.racers.iter().any(is_local))?;
        let next = self.rest.front()?;
        let local = self.rest.contains(&TtsEngine::Pico).then(|| wait.over());
        let beside = match next {
            TtsEngine::Pico => wait.over(),
            TtsEngine::Provider { .. } => wait.beside(self.racers.len()),
        };
        Some(local.map_or(beside, |local| local.min(beside)))
    }

    /// Nothing was heard in time: those are asked too whose time has come.
    pub(crate) fn ask_beside(&mut self, at: At, starts: &impl Starts) {
        while let Some(wait) = self.wait
            && self.due().is_some_and(|due| due <= at)
        {
            let local = self.rest.iter().position(|next| *next == TtsEngine::Pico);
            if let Some(place) = local.filter(|_| wait.over() <= at) {
                self.rest.rotate_left(place);
            } else if !self.bring_up(starts) {
                continue;
            }
            let Some(wanted) = self.rest.pop_front() else {
                return;
            };
            if let Some(racer) = self.start(at, &wanted, starts) {
                tracing::info!(
                    voice = racer.voice.name,
                    "the next voice is asked beside one that is slow"
                );
                self.racers.push(racer);
                let place = self.racers.len() - 1;
                let owed = std::mem::take(&mut self.owed);
                for owed in &owed {
                    self.ask(place, owed.reply, owed.part, &owed.text);
                }
                self.owed = owed;
            }
        }
    }

    /// Those that are known to be out of order stand behind the next that is not. False if that is now the voice of this
    /// machine, which need not be asked before its time.
    fn bring_up(&mut self, starts: &impl Starts) -> bool {
        let admitted = self.rest.iter().position(|next| starts.admits(next));
        self.rest.rotate_left(admitted.unwrap_or(0));
        self.rest.front() != Some(&TtsEngine::Pico)
    }

    fn start(&mut self, at: At, wanted: &TtsEngine, starts: &impl Starts) -> Option<Racer> {
        let engine = self.started;
        let voice = starts.start(wanted, &self.manner, engine, &self.events)?;
        self.started += 1;
        Some(Racer::new(voice, engine, at))
    }

    /// A voice is lost: one that was asked beside it, or the next of the list, takes its place and speaks what is owed.
    pub(crate) fn lost(&mut self, at: At, engine: u32, starts: &impl Starts) -> Loss {
        let Some(place) = self.racers.iter().position(|racer| racer.engine == engine) else {
            return Loss::None;
        };
        self.racers[place].bill.forget(&self.events);
        if self.racers.len() > 1 {
            self.racers.remove(place);
            return Loss::Replaced;
        }
        loop {
            self.bring_up(starts);
            let Some(next) = self.rest.pop_front() else {
                return Loss::Mute;
            };
            if let Some(racer) = self.start(at, &next, starts) {
                self.racers = vec![racer];
                self.owe_the_rest();
                let fresh = || Wait::new(at, Duration::ZERO, self.patience);
                self.wait = (!self.owed.is_empty()).then(|| self.wait.unwrap_or_else(fresh));
                return Loss::Replaced;
            }
        }
    }

    /// Asks the voice that took another's place for what is still to be spoken.
    fn owe_the_rest(&mut self) {
        let speed_pct = self.manner.speed_pct;
        for mut owed in std::mem::take(&mut self.owed) {
            owed.text = owed.remaining(speed_pct).to_owned();
            owed.speech = owed.speech.filter(|speech| speech.is_empty());
            owed.base = owed.told;
            owed.words.clear();
            let (reply, part, text) = (owed.reply, owed.part, owed.text.clone());
            if text.chars().any(char::is_alphanumeric) {
                self.owed.push_back(owed);
                self.ask(0, reply, part, &text);
            } else {
                self.say_done(reply, part);
            }
        }
    }
}

impl Taken {
    fn of(spoken: Spoken) -> Self {
        Self {
            spoken: vec![spoken],
            overtaken: Vec::new(),
        }
    }
}
