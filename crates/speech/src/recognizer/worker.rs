//! A decoder's thread: takes commands, keeps the turn, and starts anew when something breaks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};

use ringback_audio::g711;
use ringback_pocketsphinx::{Library, Model};

use super::ear::Ear;
use super::mailbox::{Command, Mailbox};
use super::score::judge;
use super::turn::Turn;
use super::{Recognized, Shared, Sink, Unavailable};
use crate::grammar::Grammar;

/// Bytes of sound between two looks at the words so far: 200 ms.
const PARTIAL_EVERY: usize = 1600;
/// Bytes of sound after which an utterance is closed and another begun: 20 s.
const LONGEST: usize = 160_000;
/// Bytes of sound that are decoded at once, so that a long wait shows in between: 100 ms.
const BLOCK: usize = 800;

/// What a thread owns.
pub(super) struct Worker {
    library: Arc<Library>,
    model: Model,
    mailbox: Arc<Mailbox>,
    ear: Option<Ear>,
    sink: Option<Sink>,
    grammar: Option<Arc<Grammar>>,
    turn: Option<Turn>,
    linear: Vec<i16>,
    partial: String,
    /// Whether the decoder has heard the noise of this line.
    used_to_noise: bool,
}

/// What went wrong, in words.
type Broken = String;

impl Worker {
    pub(super) fn new(library: Arc<Library>, model: Model, mailbox: Arc<Mailbox>) -> Self {
        Self {
            library,
            model,
            mailbox,
            ear: None,
            sink: None,
            grammar: None,
            turn: None,
            linear: Vec::new(),
            partial: String::new(),
            used_to_noise: false,
        }
    }

    /// Loads the models, says how that went, and serves leases until the pool closes.
    pub(super) fn run(mut self, ready: &mpsc::Sender<Result<(), Unavailable>>, shared: &Shared) {
        let loaded = Ear::new(&self.library, &self.model).map(|ear| self.ear = Some(ear));
        let usable = loaded.is_ok();
        if usable {
            shared.give_back(Arc::clone(&self.mailbox));
        }
        let _ = ready.send(loaded.map_err(Unavailable::Model));
        if !usable {
            return;
        }
        while let Some(command) = self.mailbox.next() {
            let released = matches!(command, Command::Release);
            match catch_unwind(AssertUnwindSafe(|| self.obey(command))) {
                Ok(Ok(())) => {}
                Ok(Err(why)) => self.fail(&why),
                Err(_) => self.fail("the recogniser's thread panicked"),
            }
            if released {
                shared.is_fresh(&self.mailbox);
            }
        }
    }

    fn obey(&mut self, command: Command) -> Result<(), Broken> {
        match command {
            Command::Lease(sink) => {
                self.mailbox.reset();
                self.used_to_noise = false;
                self.sink = Some(sink);
                if self.ear.is_some() {
                    Ok(())
                } else {
                    self.renew()
                }
            }
            Command::Expect(grammar) => self.expect(grammar),
            Command::Begin(from) => {
                self.end_turn()?;
                self.turn = Some(Turn::new(from));
                Ok(())
            }
            Command::Audio(mulaw) => self.hear_all(&mulaw),
            Command::Finalize(id) => self.finalize(id),
            Command::EndTurn => self.end_turn(),
            Command::Release => {
                self.sink = None;
                self.grammar = None;
                self.turn = None;
                match &mut self.ear {
                    Some(ear) => ear.freshen().map_err(|error| error.to_string()),
                    None => self.renew(),
                }
            }
        }
    }

    fn renew(&mut self) -> Result<(), Broken> {
        self.ear = None;
        self.used_to_noise = false;
        let ear = Ear::new(&self.library, &self.model).map_err(|error| error.to_string())?;
        self.ear = Some(ear);
        Ok(())
    }

    /// Says what broke, and starts anew. A sink that panics is not called again.
    fn fail(&mut self, why: &str) {
        self.turn = None;
        let why = why.to_string();
        let told = catch_unwind(AssertUnwindSafe(|| {
            if let Some(sink) = &mut self.sink {
                sink(Recognized::Failed { why });
            }
        }));
        if told.is_err() {
            self.sink = None;
        }
        let _ = catch_unwind(AssertUnwindSafe(|| self.renew()));
        if let Some(grammar) = self.grammar.take() {
            let _ = self.expect(grammar);
        }
    }

    fn expect(&mut self, grammar: Arc<Grammar>) -> Result<(), Broken> {
        if self
            .grammar
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, &grammar))
        {
            return Ok(());
        }
        let ear = self.ear.as_mut().ok_or("the recogniser is not loaded")?;
        ear.stop().map_err(|error| error.to_string())?;
        self.grammar = None;
        ear.search(&grammar).map_err(|error| error.to_string())?;
        self.grammar = Some(grammar);
        match &mut self.turn {
            Some(turn) => {
                turn.forget();
                if turn.awaits_decoding() {
                    self.decode_again()
                } else {
                    Ok(())
                }
            }
            None => Ok(()),
        }
    }

    /// Sound that waited long is left where nobody wants its words any more.
    fn hear_all(&mut self, mulaw: &[u8]) -> Result<(), Broken> {
        for block in mulaw.chunks(BLOCK) {
            if self.mailbox.is_released() {
                return Ok(());
            }
            self.hear(block)?;
        }
        Ok(())
    }

    fn hear(&mut self, mulaw: &[u8]) -> Result<(), Broken> {
        let Some(turn) = &mut self.turn else {
            return Ok(());
        };
        self.linear.clear();
        g711::decode_into(mulaw, &mut self.linear);
        let mut spoken = turn.take(mulaw, &self.linear);
        if !self.used_to_noise && turn.is_noisy() {
            self.get_used_to_noise()?;
            spoken = true;
        }
        let Some(turn) = &mut self.turn else {
            return Ok(());
        };
        if turn.open {
            let fed = turn.unheard();
            return self.feed(&fed);
        }
        if spoken && self.grammar.is_some() {
            self.decode_again()
        } else {
            Ok(())
        }
    }

    /// Decodes what was not: for a grammar the whole turn again, so that its sentence is one.
    fn decode_again(&mut self) -> Result<(), Broken> {
        let Some(grammar) = &self.grammar else {
            return Ok(());
        };
        let sound = self.open_utterance(!grammar.is_open())?;
        self.feed(&sound)
    }

    /// Opens an utterance and gives the sound for it.
    fn open_utterance(&mut self, again: bool) -> Result<Vec<u8>, Broken> {
        let (Some(turn), Some(ear)) = (&mut self.turn, &mut self.ear) else {
            return Ok(Vec::new());
        };
        ear.start().map_err(|error| error.to_string())?;
        Ok(turn.begin_utterance(again))
    }

    fn feed(&mut self, mulaw: &[u8]) -> Result<(), Broken> {
        for block in mulaw.chunks(BLOCK) {
            let (Some(turn), Some(ear)) = (&mut self.turn, &mut self.ear) else {
                return Ok(());
            };
            self.linear.clear();
            g711::decode_into(block, &mut self.linear);
            ear.listen(&self.linear)
                .map_err(|error| error.to_string())?;
            let before = turn.length;
            turn.length += block.len();
            if before / PARTIAL_EVERY != turn.length / PARTIAL_EVERY {
                self.say_partial();
            }
            if self
                .turn
                .as_ref()
                .is_some_and(|turn| turn.length >= LONGEST)
            {
                self.close_utterance()?;
                self.open_utterance(false)?;
            }
        }
        Ok(())
    }

    fn say_partial(&mut self) {
        let (Some(turn), Some(ear), Some(sink)) = (&self.turn, &mut self.ear, &mut self.sink)
        else {
            return;
        };
        let text = turn.joined(&ear.partial());
        if !text.is_empty() && text != self.partial {
            self.partial.clone_from(&text);
            sink(Recognized::Partial { text });
        }
    }

    /// Ends the utterance and keeps what it gave.
    fn close_utterance(&mut self) -> Result<(), Broken> {
        let (Some(turn), Some(ear), Some(grammar)) = (&mut self.turn, &mut self.ear, &self.grammar)
        else {
            return Ok(());
        };
        if !turn.open {
            return Ok(());
        }
        let finished = ear.finish().map_err(|error| error.to_string())?;
        let taken = judge(grammar, turn.range_db(), finished);
        turn.close_utterance(taken);
        Ok(())
    }

    /// Makes the decoder used to the noise of this line, and hears the turn from its start.
    fn get_used_to_noise(&mut self) -> Result<(), Broken> {
        self.used_to_noise = true;
        let (Some(turn), Some(ear)) = (&mut self.turn, &mut self.ear) else {
            return Ok(());
        };
        turn.forget();
        ear.expect_noise().map_err(|error| error.to_string())?;
        match &self.grammar {
            Some(grammar) => ear.search(grammar).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }

    fn finalize(&mut self, id: u32) -> Result<(), Broken> {
        if self.turn.as_ref().is_some_and(Turn::awaits_decoding) {
            self.decode_again()?;
        }
        self.close_utterance()?;
        let grammar = self.grammar.clone();
        let (Some(turn), Some(grammar)) = (&self.turn, grammar) else {
            return self.say(Turn::new(0).answer(None, id));
        };
        let answer = turn.answer(Some(&grammar), id);
        self.say(answer)
    }

    fn say(&mut self, recognized: Recognized) -> Result<(), Broken> {
        if let Some(sink) = &mut self.sink {
            sink(recognized);
        }
        Ok(())
    }

    fn end_turn(&mut self) -> Result<(), Broken> {
        self.turn = None;
        self.partial.clear();
        match &mut self.ear {
            Some(ear) => ear.stop().map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
