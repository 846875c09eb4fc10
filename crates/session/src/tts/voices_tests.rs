//! Voices that never begin, on a clock of the test's: who is asked when, and who is heard.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringback_call::{At, FaultKind, PartId, ReplyId};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::stream::{Command, Spoken, TimedWord};
use super::voices::{Loss, Manner, Speaker, Started, Starts, Taken, Voices};
use crate::provided::{Provided, Receiver, Sender};
use crate::provider::{Breaker, Provider};
use crate::scenario::TtsEngine;

const TEXT: &str = "What size would you like?";

/// Voices that do as the test says, and what they are asked. The voice of this machine is a channel too.
#[derive(Default)]
struct Bench {
    asked: RefCell<Vec<(TtsEngine, UnboundedReceiver<Command>)>>,
    breakers: [Arc<Breaker>; 4],
}

fn provider(provider: Provider) -> TtsEngine {
    TtsEngine::Provider {
        provider,
        voice: None,
        model: None,
    }
}

impl Bench {
    fn breaker(&self, provider: Provider) -> &Arc<Breaker> {
        let place = Provider::ALL.iter().position(|one| *one == provider);
        &self.breakers[place.unwrap()]
    }

    /// The texts that the voice of this number was asked for.
    fn texts(&self, engine: usize) -> Vec<String> {
        let mut asked = self.asked.borrow_mut();
        let commands = std::iter::from_fn(|| asked[engine].1.try_recv().ok());
        let text = |command| match command {
            Command::Speak { text, .. } => Some(text),
            Command::Cancel { .. } => None,
        };
        commands.filter_map(text).collect()
    }

    /// Those that were started, in order.
    fn started(&self) -> Vec<TtsEngine> {
        let asked = self.asked.borrow();
        asked.iter().map(|(engine, _)| engine.clone()).collect()
    }

    fn is_let_go(&self, engine: usize) -> bool {
        self.asked.borrow()[engine].1.is_closed()
    }
}

impl Starts for Bench {
    fn admits(&self, wanted: &TtsEngine) -> bool {
        match wanted {
            TtsEngine::Pico => true,
            TtsEngine::Provider { provider, .. } => self.breaker(*provider).admits(Instant::now()),
        }
    }

    fn start(&self, wanted: &TtsEngine, _: &Manner, _: u32, _: &Sender) -> Option<Started> {
        let (commands, inlet) = unbounded_channel();
        self.asked.borrow_mut().push((wanted.clone(), inlet));
        let (name, health) = match wanted {
            TtsEngine::Pico => ("pico", None),
            TtsEngine::Provider { provider, .. } => {
                let breaker = Arc::clone(self.breaker(*provider));
                (provider.name(), Some((*provider, breaker)))
            }
        };
        Some(Started {
            speaker: Speaker::Stream(commands),
            name,
            model: String::new(),
            voice: name.to_owned(),
            health,
        })
    }
}

struct World {
    bench: Bench,
    voices: Voices,
    events: Receiver,
}

fn world(list: &[TtsEngine]) -> World {
    world_knowing(list, Bench::default().breakers)
}

fn world_knowing(list: &[TtsEngine], breakers: [Arc<Breaker>; 4]) -> World {
    let bench = Bench {
        breakers,
        ..Bench::default()
    };
    let (sender, events) = unbounded_channel();
    let mut list: VecDeque<_> = list.iter().cloned().collect();
    let first = list.pop_front().unwrap();
    let manner = Manner::english();
    let first = bench.start(&first, &manner, 0, &sender).unwrap();
    let voices = Voices::new(first, list, manner, Arc::default(), sender, None);
    World {
        bench,
        voices,
        events,
    }
}

const REPLY: ReplyId = ReplyId(1);
const PART: PartId = PartId(0);

impl World {
    /// A sentence is to be spoken, for which the caller has waited for so many ms.
    fn speak(&mut self, at: u64, waited: u64) {
        self.voices.speak(REPLY, PART, TEXT);
        let waited = Duration::from_millis(waited);
        self.voices.await_sound(At::from_ms(at), REPLY, waited);
    }

    /// Time passes until nobody more is to be asked. When each was asked is returned, in ms.
    fn nothing_is_heard(&mut self) -> Vec<u64> {
        let mut times = Vec::new();
        while let Some(due) = self.voices.due() {
            self.voices.ask_beside(due, &self.bench);
            times.push(due.0 / 1000);
        }
        times
    }

    fn hears(&mut self, at: u64, engine: u32) -> Taken {
        let mulaw = vec![7; 160];
        let audio = Spoken::Audio {
            reply: REPLY,
            part: PART,
            mulaw,
        };
        self.voices.take(At::from_ms(at), engine, audio)
    }
}

/// Who has used how many characters until now.
fn used(world: &mut World) -> Vec<(String, u64)> {
    let told = std::iter::from_fn(|| world.events.try_recv().ok());
    let mut used = Vec::new();
    for provided in told {
        if let Provided::Used { usage, .. } = provided {
            used.push((usage.provider, usage.characters));
        }
    }
    used
}

#[test]
fn a_voice_that_refuses_has_used_nothing_and_who_begins_has() {
    let [cartesia, deepgram] = [Provider::Cartesia, Provider::Deepgram].map(provider);
    let mut world = world(&[cartesia, deepgram, TtsEngine::Pico]);
    world.speak(0, 400);
    assert_eq!(used(&mut world), []);
    let at = At::from_ms(100);
    assert_eq!(world.voices.lost(at, 0, &world.bench), Loss::Replaced);
    // It was asked, and that is all.
    let nothing = ("cartesia".to_owned(), 0);
    assert_eq!(used(&mut world), std::slice::from_ref(&nothing));
    world.hears(200, 1);
    world.hears(220, 1);
    let whole = ("deepgram".to_owned(), TEXT.len() as u64);
    assert_eq!(used(&mut world), [whole]);

    let mut alone = self::world(&[provider(Provider::Cartesia)]);
    alone.speak(0, 400);
    assert_eq!(alone.voices.lost(at, 0, &alone.bench), Loss::Mute);
    alone.voices.settle();
    assert_eq!(used(&mut alone), [nothing]);
}

#[test]
fn what_a_voice_was_asked_and_not_let_speak_is_used() {
    let list = [Provider::Cartesia, Provider::Deepgram].map(provider);
    let whole = |name: &str| (name.to_owned(), TEXT.len() as u64);
    let mut raced = world(&[list[0].clone(), list[1].clone()]);
    raced.speak(0, 400);
    raced.voices.ask_beside(At::from_ms(700), &raced.bench);
    raced.hears(900, 1);
    assert_eq!(used(&mut raced), [whole("deepgram"), whole("cartesia")]);

    let mut cancelled = world(&list);
    cancelled.speak(0, 400);
    cancelled.voices.speak(ReplyId(2), PART, TEXT);
    cancelled.voices.cancel(REPLY);
    assert_eq!(used(&mut cancelled), [whole("cartesia")]);
    cancelled.voices.settle();
    cancelled.voices.settle();
    assert_eq!(used(&mut cancelled), [whole("cartesia")]);
}

#[test]
fn one_voice_that_never_begins_leaves_the_words_to_the_next_that_does() {
    let [cartesia, deepgram] = [Provider::Cartesia, Provider::Deepgram].map(provider);
    let mut world = world(&[cartesia.clone(), deepgram.clone(), TtsEngine::Pico]);
    world.speak(1000, 400);
    let due = world.voices.due().unwrap();
    assert_eq!(due, At::from_ms(1700));
    world.voices.ask_beside(At::from_ms(1699), &world.bench);
    assert_eq!(world.bench.started().len(), 1);
    world.voices.ask_beside(due, &world.bench);
    assert_eq!(world.bench.started(), [cartesia, deepgram]);
    assert_eq!(world.bench.texts(0), [TEXT]);
    assert_eq!(world.bench.texts(1), [TEXT]);

    let taken = world.hears(1900, 1);
    assert_eq!((taken.spoken.len(), taken.overtaken.len()), (1, 1));
    let failure = &taken.overtaken[0];
    assert_eq!(failure.kind, FaultKind::Unreachable);
    assert_eq!(
        failure.detail,
        "cartesia did not begin to speak within 900 ms"
    );
    assert!(world.bench.is_let_go(0) && !world.bench.is_let_go(1));
    assert_eq!(world.voices.name(), "deepgram");
    assert_eq!(world.voices.due(), None, "it is heard");
    assert!(world.hears(1950, 0).spoken.is_empty(), "it comes too late");

    // The next reply is the voice's that spoke.
    world.voices.speak(ReplyId(2), PART, "Which one?");
    assert_eq!(world.bench.texts(1), ["Which one?"]);
}

#[test]
fn however_many_never_begin_the_voice_of_this_machine_speaks_within_the_bound() {
    let all = [
        Provider::Cartesia,
        Provider::ElevenLabs,
        Provider::Deepgram,
        Provider::OpenAi,
    ];
    for (silent, expected) in [
        (1, vec![1200]),
        (2, vec![700, 1200]),
        (3, vec![700, 1000, 1200]),
        (4, vec![700, 1000, 1200]),
    ] {
        let mut list: Vec<_> = all[..silent].iter().map(|&one| provider(one)).collect();
        list.push(TtsEngine::Pico);
        let mut world = world(&list);
        world.speak(0, 400);
        assert_eq!(world.nothing_is_heard(), expected);
        let local = world.bench.started();
        let local = local.iter().position(|one| *one == TtsEngine::Pico);
        let local = local.unwrap();
        assert_eq!(world.bench.texts(local), [TEXT]);
        let taken = world.hears(1220, u32::try_from(local).unwrap());
        assert_eq!(taken.overtaken.len(), local.min(3));
        assert_eq!(world.voices.name(), "pico");
        assert_eq!(world.voices.served(), [] as [&str; 0]);
    }
}

#[test]
fn the_longer_the_caller_has_waited_the_sooner_another_is_asked() {
    let list = [Provider::Cartesia, Provider::Deepgram].map(provider);
    let list = [list[0].clone(), list[1].clone(), TtsEngine::Pico];
    for (waited, expected) in [
        (0, [700, 1200]),
        (400, [700, 1200]),
        (700, [525, 900]),
        (900, [408, 700]),
        (9000, [408, 700]),
    ] {
        let mut world = world(&list);
        world.speak(0, waited);
        assert_eq!(world.nothing_is_heard(), expected, "{waited}");
    }
}

#[test]
fn a_voice_that_is_slow_and_alone_is_waited_for() {
    let mut world = world(&[provider(Provider::Cartesia)]);
    world.speak(0, 400);
    assert_eq!(world.voices.due(), None);
    let taken = world.hears(900, 0);
    assert_eq!((taken.spoken.len(), taken.overtaken.len()), (1, 0));
}

#[test]
fn a_slow_voice_that_is_first_all_the_same_keeps_the_floor() {
    let list = [Provider::Cartesia, Provider::Deepgram].map(provider);
    let mut world = world(&[list[0].clone(), list[1].clone(), TtsEngine::Pico]);
    world.speak(0, 400);
    world.voices.ask_beside(At::from_ms(700), &world.bench);
    let words = |engine, word: &str| {
        let word = TimedWord {
            word: word.to_owned(),
            until: 80,
        };
        let words = Spoken::Words {
            reply: REPLY,
            part: PART,
            words: vec![word],
        };
        (engine, words)
    };
    for (engine, words) in [words(0, "first"), words(1, "second")] {
        let taken = world.voices.take(At::from_ms(890), engine, words);
        assert!(taken.spoken.is_empty());
    }
    let taken = world.hears(900, 0);
    assert!(taken.overtaken.is_empty());
    assert_eq!(taken.spoken.len(), 2, "its words, and its speech");
    assert_eq!(taken.spoken[0], words(0, "first").1);
    assert!(world.bench.is_let_go(1));
}

#[test]
fn three_callers_who_were_kept_waiting_spare_the_next_the_wait() {
    let mut breakers = Bench::default().breakers;
    for _ in 0..3 {
        let mut world = world_knowing(&[provider(Provider::Cartesia), TtsEngine::Pico], breakers);
        assert!(world.bench.breaker(Provider::Cartesia).is_closed());
        world.speak(0, 0);
        world.nothing_is_heard();
        world.hears(1210, 1);
        breakers = world.bench.breakers;
    }
    let world = world_knowing(&[TtsEngine::Pico], breakers);
    assert!(!world.bench.admits(&provider(Provider::Cartesia)));
}

#[test]
fn a_voice_that_is_lost_while_another_is_asked_too_is_not_waited_for() {
    let list = [Provider::Cartesia, Provider::Deepgram].map(provider);
    let mut world = world(&[list[0].clone(), list[1].clone(), TtsEngine::Pico]);
    world.speak(0, 400);
    world.voices.ask_beside(At::from_ms(700), &world.bench);
    let at = At::from_ms(800);
    assert_eq!(world.voices.lost(at, 0, &world.bench), Loss::Replaced);
    assert_eq!(world.voices.name(), "deepgram");
    assert_eq!(world.voices.lost(at, 0, &world.bench), Loss::None);
    assert_eq!(world.bench.texts(1), [TEXT], "it was asked already");
    assert_eq!(world.voices.lost(at, 1, &world.bench), Loss::Replaced);
    assert_eq!(world.bench.texts(2), [TEXT]);
    assert_eq!(world.voices.lost(at, 2, &world.bench), Loss::Mute);
}

#[test]
fn a_kept_line_is_over_though_its_voice_was_lost_before_it_was_played() {
    let mut world = world(&[provider(Provider::Cartesia), TtsEngine::Pico]);
    world.speak(0, 500);
    world.hears(100, 0);
    world.voices.spoke(REPLY, PART, &[7; 160]);
    world.voices.done(REPLY, PART);

    let again = ReplyId(2);
    world.voices.speak(again, PART, TEXT);
    let at = At::from_ms(2000);
    assert_eq!(world.voices.lost(at, 0, &world.bench), Loss::Replaced);
    assert_eq!(
        world.bench.texts(1),
        [] as [&str; 0],
        "it is not said twice"
    );
    let mut told = std::iter::from_fn(|| world.events.try_recv().ok()).skip_while(
        |provided| !matches!(provided, Provided::Line { reply, .. } if *reply == again),
    );
    assert!(told.next().is_some());
    let Some(Provided::Spoken { engine, spoken }) = told.next() else {
        panic!("nothing ends the line");
    };
    let done = Spoken::Done {
        reply: again,
        part: PART,
    };
    assert_eq!(spoken, done);
    assert_eq!(world.voices.take(at, engine, spoken).spoken, [done]);
}

#[test]
fn one_known_to_be_out_of_order_is_passed_over_and_the_first_keeps_its_time() {
    let [cartesia, deepgram] = [Provider::Cartesia, Provider::Deepgram].map(provider);
    let mut world = world(&[cartesia.clone(), deepgram.clone(), TtsEngine::Pico]);
    let breaker = world.bench.breaker(Provider::Deepgram);
    breaker.failed(Instant::now(), FaultKind::Refused, None);
    world.speak(0, 400);
    world.voices.ask_beside(At::from_ms(700), &world.bench);
    assert_eq!(world.voices.due(), Some(At::from_ms(1200)));
    world.voices.ask_beside(At::from_ms(1200), &world.bench);
    assert_eq!(world.bench.started(), [cartesia, TtsEngine::Pico]);
}

#[test]
fn once_a_reply_is_heard_its_next_sentence_has_the_time_that_it_had() {
    let mut world = world(&[provider(Provider::Cartesia), TtsEngine::Pico]);
    world.speak(0, 400);
    world.hears(100, 0);
    world.voices.speak(REPLY, PartId(1), "And what else?");
    world
        .voices
        .await_sound(At::from_ms(200), REPLY, Duration::ZERO);
    assert_eq!(world.voices.due(), None);

    // Whoever takes its place has to begin in time again.
    let at = At::from_ms(1700);
    assert_eq!(world.voices.lost(at, 0, &world.bench), Loss::Replaced);
    assert_eq!(world.voices.name(), "pico");
}

#[test]
fn nobody_more_is_asked_for_a_reply_that_is_not_wanted_any_more() {
    let mut world = world(&[provider(Provider::Cartesia), TtsEngine::Pico]);
    world.speak(0, 400);
    world.voices.cancel(REPLY);
    assert_eq!(world.voices.due(), None);
    assert!(world.hears(100, 0).spoken.is_empty());
}
