//! A text read aloud outside of calls, by the voices that calls have.

use std::collections::VecDeque;
use std::sync::Arc;

use ringback_call::{At, PartId, Party, ReplyId, sentences};
use tokio::sync::mpsc;

use crate::engines::Engines;
use crate::provided::{Provided, Receiver, Sender};
use crate::tts::{Loss, Spoken, Voices};
use crate::used::Used;

/// Sentences that a voice is given at once.
const AT_ONCE: usize = 2;
/// All sentences are of one reply.
const REPLY: ReplyId = ReplyId(1);

/// Why a text is not read aloud.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// The provider of the voice is not set up.
    #[error("{0} is not set")]
    NoKey(String),
    /// No provider has such a voice.
    #[error("there is no voice of this name here: leave it out, or name one of a provider's")]
    NoVoice,
    /// No voice here speaks the language, or the one that is named does not.
    #[error("{0}")]
    Language(String),
    /// All shares of the local voice are in use.
    #[error("all voices are in use: try again later")]
    Busy,
}

/// A text that is being read. Dropped, the voices stop.
pub struct Aloud {
    engines: Arc<Engines>,
    voices: Voices,
    events: Receiver,
    waiting: VecDeque<String>,
    used: Used,
    /// Sentences given to the voice so far, and those of them that were spoken.
    given: u16,
    done: u16,
}

impl Engines {
    /// Reads a text of this language (as `en-US`) in the configured voices, or first in the one of this name: within a runtime.
    ///
    /// # Errors
    /// [`Unread`].
    pub fn read_aloud(
        self: &Arc<Self>,
        text: &str,
        language: &str,
        voice: Option<&str>,
    ) -> Result<Aloud, Unread> {
        let events: (Sender, Receiver) = mpsc::unbounded_channel();
        let voices = self.voices_for(language, voice, &events.0)?;
        Ok(Aloud {
            engines: Arc::clone(self),
            voices,
            events: events.1,
            waiting: sentences(text).into(),
            used: Used::default(),
            given: 0,
            done: 0,
        })
    }
}

impl Aloud {
    /// Who speaks.
    pub fn voice(&self) -> &'static str {
        self.voices.name()
    }

    /// The next stretch of speech, mu-law at 8000 Hz; `None` at the end. Dropped while it waits, nothing is lost.
    ///
    /// # Errors
    /// Why no voice speaks: nothing follows.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>, String>> {
        loop {
            while usize::from(self.given - self.done) < AT_ONCE
                && let Some(sentence) = self.waiting.pop_front()
            {
                // A piece of markup is no sentence.
                if self.voices.speak(REPLY, PartId(self.given), &sentence) {
                    self.given = self.given.saturating_add(1);
                }
            }
            if self.given == self.done {
                return None;
            }
            let told = self.take_next().await;
            if told.is_some() {
                return told;
            }
        }
    }

    /// What was used since this was asked last, and which voices failed. What was asked and is not listened to counts.
    pub fn take_used(&mut self) -> Used {
        self.voices.settle();
        while let Ok(provided) = self.events.try_recv() {
            if let Provided::Used { usage, .. } = provided {
                self.used.add(&usage);
            }
        }
        std::mem::take(&mut self.used)
    }

    async fn take_next(&mut self) -> Option<Result<Vec<u8>, String>> {
        // The voices hold the other end.
        match self.events.recv().await? {
            Provided::Spoken { engine, spoken } => {
                // Nobody waits for the first sound of a text that is read: no voice is asked beside another.
                let taken = self.voices.take(At::default(), engine, spoken);
                return taken
                    .spoken
                    .into_iter()
                    .find_map(|spoken| self.take(spoken))
                    .map(Ok);
            }
            Provided::Line { line, .. } => return Some(Ok(line.to_vec())),
            Provided::Mute { engine, failure } => {
                tracing::warn!(detail = %failure.detail, "Error of a voice that reads aloud");
                let loss = self.voices.lost(At::default(), engine, &*self.engines);
                self.used.faults.push(failure.fault(Party::Tts));
                if loss == Loss::Mute {
                    self.waiting.clear();
                    self.done = self.given;
                    return Some(Err(failure.detail));
                }
            }
            Provided::Used { usage, .. } => self.used.add(&usage),
            Provided::Recognized(_)
            | Provided::Heard { .. }
            | Provided::Deaf { .. }
            | Provided::Text { .. }
            | Provided::TextEnd { .. }
            | Provided::Speechless { .. }
            | Provided::ToolCall { .. }
            | Provided::ToolDone { .. }
            | Provided::Replaced(_)
            | Provided::Fault(_) => {}
        }
        None
    }

    fn take(&mut self, spoken: Spoken) -> Option<Vec<u8>> {
        match spoken {
            Spoken::Audio { reply, part, mulaw } => {
                self.voices.spoke(reply, part, &mulaw);
                Some(mulaw)
            }
            Spoken::Words { reply, part, words } => {
                let _ = self.voices.timed(reply, part, words);
                None
            }
            Spoken::Done { reply, part } => {
                self.voices.done(reply, part);
                self.done = self.done.saturating_add(1);
                None
            }
        }
    }
}
