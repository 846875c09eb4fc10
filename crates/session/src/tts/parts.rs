//! The sentences that a voice of a provider owes: in which order, since when, and what of them has come.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ringback_audio::g711;
use ringback_call::{PartId, ReplyId};
use tokio::time::{Instant, sleep_until};

use super::rest;
use super::stream::{Command, Inlet, Spoken, TimedWord};
use crate::provider::{Breaker, Failure, Provider};

/// The longest wait for the first speech of a part, from when it could begin.
const FIRST_AUDIO: Duration = Duration::from_millis(1500);
/// The longest pause between two pieces of a part.
const PAUSE: Duration = Duration::from_secs(2);
/// So much silence at the beginning of a part is no speech, in samples: 1 s.
const SILENCE: usize = 8000;
/// A word that ends so long after the speech does was not spoken, in samples: 500 ms.
const AHEAD: u32 = 4000;
/// The level over which a sample is audible: -50 dBFS.
const AUDIBLE: u16 = 103;

/// What was asked for and is not yet spoken. Parts are spoken one after the other; all that comes belongs to the first.
pub(super) struct Parts<'a> {
    provider: Provider,
    speed_pct: u16,
    inlet: Inlet,
    said: &'a mut (dyn FnMut(Spoken) + Send),
    breaker: &'a Arc<Breaker>,
    queue: VecDeque<Part>,
    /// When the first could begin, or when the last of its speech came.
    since: Instant,
    /// Parts that came to their end.
    done: u32,
}

/// How work on an owed part went.
pub(super) enum Owed<T> {
    Worked(T),
    Cancelled,
    /// The voice is needed no more.
    Unwanted,
}

struct Part {
    reply: ReplyId,
    part: PartId,
    /// What is still to be spoken.
    text: String,
    sent: bool,
    /// Silence that is held until something is heard.
    held: Vec<u8>,
    /// Samples handed on; of these, before the text was last sent.
    spoken: u32,
    base: u32,
    /// Words of the text as it was last sent.
    words: Vec<TimedWord>,
    /// The voice ended it once before its end.
    cut: bool,
}

impl Part {
    fn is_audible(&self) -> bool {
        self.spoken > self.base
    }

    fn rest(&self, speed_pct: u16) -> &str {
        if !self.is_audible() {
            return &self.text;
        }
        if self.words.is_empty() {
            let samples = u64::from(self.spoken - self.base);
            return rest::by_length(&self.text, samples, speed_pct);
        }
        rest::by_words(&self.text, self.reached())
    }

    /// The words whose speech came to its end.
    fn reached(&self) -> &[TimedWord] {
        let over = self.words.partition_point(|word| word.until <= self.spoken);
        &self.words[..over]
    }

    /// Whether the speech ends where the text does not: words were to come later, or more words than anybody says in the speech
    /// after the last. Words that are missing may have been told late.
    fn is_cut(&self, speed_pct: u16) -> bool {
        let told = self.words.last();
        if told.is_some_and(|last| last.until > self.spoken.saturating_add(AHEAD)) {
            return is_speakable(self.rest(speed_pct));
        }
        let reached = self.reached();
        let rest = rest::by_words(&self.text, reached);
        let from = reached.last().map_or(self.base, |last| last.until);
        rest::is_cut(rest, u64::from(self.spoken.saturating_sub(from)), speed_pct)
    }
}

/// Whether there is anything in a text that can be spoken.
fn is_speakable(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

impl<'a> Parts<'a> {
    pub(super) fn new(
        (provider, speed_pct): (Provider, u16),
        inlet: Inlet,
        breaker: &'a Arc<Breaker>,
        said: &'a mut (dyn FnMut(Spoken) + Send),
    ) -> Self {
        Self {
            provider,
            speed_pct,
            inlet,
            said,
            breaker,
            queue: VecDeque::new(),
            since: Instant::now(),
            done: 0,
        }
    }

    /// The next command. None: the voice is needed no more.
    pub(super) async fn command(&mut self) -> Option<Command> {
        self.inlet.recv().await
    }

    /// Takes a command. True if something is cancelled of which the provider knows.
    pub(super) fn told(&mut self, command: Command) -> bool {
        match command {
            Command::Speak { reply, part, text } => {
                if self.queue.is_empty() {
                    self.since = Instant::now();
                }
                self.queue.push_back(Part {
                    reply,
                    part,
                    text: text.trim().to_owned(),
                    sent: false,
                    held: Vec::new(),
                    spoken: 0,
                    base: 0,
                    words: Vec::new(),
                    cut: false,
                });
                self.pass_over();
                false
            }
            Command::Cancel { reply } => {
                let of_reply = |part: &Part| part.reply == reply;
                let known = self.queue.iter().any(|part| of_reply(part) && part.sent);
                if self.queue.front().is_some_and(of_reply) {
                    self.since = Instant::now();
                }
                self.queue.retain(|part| part.reply != reply);
                self.pass_over();
                known
            }
        }
    }

    /// Ends parts at the front in which nothing is left to speak.
    fn pass_over(&mut self) {
        while let Some(part) = self.queue.pop_front_if(|part| !is_speakable(&part.text)) {
            self.ended(&part);
        }
    }

    fn ended(&mut self, part: &Part) {
        self.done += 1;
        self.since = Instant::now();
        (self.said)(Spoken::Done {
            reply: part.reply,
            part: part.part,
        });
    }

    /// Does something while commands are taken and the bounds are kept. None: the voice is needed no more.
    pub(super) async fn meanwhile<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<Option<T>, Failure> {
        let mut work = pin!(work);
        loop {
            let due = self.due();
            tokio::select! {
                biased;
                command = self.inlet.recv() => match command {
                    Some(command) => drop(self.told(command)),
                    None => return Ok(None),
                },
                worked = &mut work => return Ok(Some(worked)),
                () = sleep_until(due.unwrap_or(self.since)), if due.is_some() => self.late()?,
            }
        }
    }

    /// As [`Self::meanwhile`], for work on the part that is owed: it is left when that is cancelled.
    pub(super) async fn while_owed<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<Owed<T>, Failure> {
        let mut work = pin!(work);
        while self.are_owed() {
            let due = self.due();
            tokio::select! {
                biased;
                command = self.inlet.recv() => match command {
                    Some(command) => drop(self.told(command)),
                    None => return Ok(Owed::Unwanted),
                },
                worked = &mut work => return Ok(Owed::Worked(worked)),
                () = sleep_until(due.unwrap_or(self.since)), if due.is_some() => self.late()?,
            }
        }
        Ok(Owed::Cancelled)
    }

    /// Waits until there is something to speak. False: the voice is needed no more.
    pub(super) async fn wanted(&mut self) -> bool {
        while self.queue.is_empty() {
            match self.inlet.recv().await {
                Some(command) => drop(self.told(command)),
                None => return false,
            }
        }
        true
    }

    /// Whether nothing is left to speak.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether the provider was sent something that has not come to its end.
    pub(super) fn are_owed(&self) -> bool {
        self.queue.front().is_some_and(|part| part.sent)
    }

    /// How many parts came to their end.
    pub(super) fn done_so_far(&self) -> u32 {
        self.done
    }

    /// Whether anything came of the first part, be it silence.
    pub(super) fn has_begun(&self) -> bool {
        let begun = |part: &Part| part.is_audible() || !part.held.is_empty();
        self.queue.front().is_some_and(begun)
    }

    /// The next text to be sent, marked as sent. Parts of another reply than the first's are not sent before all of that is
    /// spoken.
    pub(super) fn unsent(&mut self) -> Option<(ReplyId, String)> {
        let reply = self.queue.front()?.reply;
        let mut of_reply = self.queue.iter_mut().take_while(|part| part.reply == reply);
        let part = of_reply.find(|part| !part.sent && is_speakable(&part.text))?;
        part.sent = true;
        Some((reply, part.text.clone()))
    }

    /// When the first part is late.
    pub(super) fn due(&self) -> Option<Instant> {
        let bound = self.bound(self.queue.front()?.is_audible());
        Some(self.since + bound)
    }

    /// The longest wait for what comes next of a part.
    fn bound(&self, audible: bool) -> Duration {
        let usual = if audible { PAUSE } else { FIRST_AUDIO };
        usual * self.breaker.patience()
    }

    /// The first part is late: a failure, unless all its words were spoken and only its end was not told.
    pub(super) fn late(&mut self) -> Result<(), Failure> {
        let Some(part) = self.queue.front() else {
            return Ok(());
        };
        let (audible, bound) = (part.is_audible(), self.due());
        if bound.is_some_and(|bound| Instant::now() < bound) {
            return Ok(());
        }
        if audible && !part.words.is_empty() && !is_speakable(part.rest(self.speed_pct)) {
            return self.ends();
        }
        let what = if audible {
            let seconds = self.bound(true).as_secs();
            format!("paused for {seconds} s in a sentence")
        } else {
            let ms = self.bound(false).as_millis();
            format!("did not begin to speak within {ms} ms")
        };
        Err(self.hopeless(Failure::unreachable(self.provider, what)))
    }

    /// Another attempt would make the caller wait longer.
    fn hopeless(&self, failure: Failure) -> Failure {
        Failure {
            passing: false,
            ..failure
        }
    }

    /// Speech of the first part, mu-law at 8000 Hz.
    pub(super) fn audio(&mut self, mulaw: &[u8]) -> Result<(), Failure> {
        let Some(part) = self.queue.front_mut().filter(|part| part.sent) else {
            return Ok(());
        };
        if mulaw.is_empty() {
            return Ok(());
        }
        let mulaw = if part.is_audible() {
            mulaw.to_vec()
        } else {
            part.held.extend_from_slice(mulaw);
            let audible = |&byte: &u8| g711::decode(byte).unsigned_abs() > AUDIBLE;
            if !mulaw.iter().any(audible) {
                if part.held.len() <= SILENCE {
                    return Ok(());
                }
                let silent = Failure::misbehaved(self.provider, "sends nothing but silence");
                return Err(self.hopeless(silent));
            }
            self.breaker.succeeded();
            std::mem::take(&mut part.held)
        };
        let length = u32::try_from(mulaw.len()).unwrap_or(u32::MAX);
        part.spoken = part.spoken.saturating_add(length);
        self.since = Instant::now();
        (self.said)(Spoken::Audio {
            reply: part.reply,
            part: part.part,
            mulaw,
        });
        Ok(())
    }

    /// Words of the first part; their ends in samples from the beginning of its text as it was last sent.
    pub(super) fn words(&mut self, words: impl Iterator<Item = TimedWord>) {
        let Some(part) = self.queue.front_mut().filter(|part| part.sent) else {
            return;
        };
        // What stands in angle brackets is a direction to the voice and not spoken.
        let words: Vec<_> = words
            .filter(|TimedWord { word, .. }| !word.starts_with('<') && !word.trim().is_empty())
            .map(|TimedWord { word, until }| TimedWord {
                word,
                until: until.saturating_add(part.base),
            })
            .collect();
        if words.is_empty() {
            return;
        }
        part.words.extend_from_slice(&words);
        (self.said)(Spoken::Words {
            reply: part.reply,
            part: part.part,
            words,
        });
    }

    /// The voice says that the first part has all its speech. If that cannot be, the rest is asked for again, once.
    pub(super) fn ends(&mut self) -> Result<(), Failure> {
        let Some(mut part) = self.queue.pop_front_if(|part| part.sent) else {
            return Ok(());
        };
        if !part.is_audible() {
            self.queue.push_front(part);
            let nothing = Failure::misbehaved(self.provider, "ended a sentence without speech");
            return Err(self.hopeless(nothing));
        }
        if part.is_cut(self.speed_pct) {
            let again = std::mem::replace(&mut part.cut, true);
            self.queue.push_front(part);
            let cut = Failure::misbehaved(self.provider, "ended a sentence before its end");
            return Err(if again { self.hopeless(cut) } else { cut });
        }
        self.ended(&part);
        self.pass_over();
        Ok(())
    }

    /// The socket is gone: what is still to be spoken is to be sent again.
    pub(super) fn broke_off(&mut self) {
        for part in self.queue.iter_mut().filter(|part| part.sent) {
            part.text = part.rest(self.speed_pct).to_owned();
            part.sent = false;
            part.held.clear();
            part.words.clear();
            part.base = part.spoken;
        }
        self.pass_over();
    }
}
