//! What a call costs: a ten-minute conversation, one silent frame, and the size of a call that waits.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on fails by panicking, and says what it measured"
)]

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use ringback_call::{
    Action, At, Call, CallSpec, Direction, Ear, Edge, Event, Expect, Firmness, Intent, Piece,
    Scope, Words,
};

const ANSWER: &str = "There was a king who had three sons. They lived in a house with a very large garden. \
    One day the eldest went away to see the world, and nobody heard of him again.";

fn spec() -> CallSpec {
    let mut spec = CallSpec::new(Direction::Inbound);
    spec.lines.greeting = Some("Hello! Thank you for calling. How can I help?".into());
    spec.turn.max_call_s = 700;
    spec
}

/// A conversation of ten minutes: every 20 ms time passes or something happens.
struct Conversation {
    call: Call,
    now: u64,
    queue: BTreeMap<(u64, usize), Event>,
    events: Vec<(At, Event)>,
}

impl Conversation {
    fn record() -> Vec<(At, Event)> {
        let mut conversation = Self {
            call: Call::new(spec()),
            now: 0,
            queue: BTreeMap::new(),
            events: Vec::new(),
        };
        conversation.push(0, Event::Answered { marks: true });
        for turn in 0..40 {
            conversation.speech(8000 + turn * 15_000, 1200);
            // Every other answer is interrupted by a backchannel.
            if turn % 2 == 0 {
                conversation.speech(8000 + turn * 15_000 + 4500, 350);
            }
        }
        let mut frame = 0;
        while frame < 600_000_000 {
            let next = conversation.queue.keys().next().map(|&(us, _)| us);
            let due = conversation.call.deadline().map(|(at, _)| at.0);
            conversation.now = [next, due, Some(frame)]
                .into_iter()
                .flatten()
                .min()
                .unwrap()
                .max(conversation.now);
            if next == Some(conversation.now) {
                let (_, event) = conversation.queue.pop_first().unwrap();
                conversation.hand_in(event);
            } else {
                if due != Some(conversation.now) {
                    frame += 20_000;
                }
                conversation.hand_in(Event::Wake);
            }
        }
        conversation.events
    }

    fn push(&mut self, ms: u64, event: Event) {
        let order = self.events.len() * 1000 + self.queue.len();
        self.queue.insert((ms * 1000, order), event);
    }

    fn speech(&mut self, from: u64, length: u64) {
        let mut edge = |after: u64, edge: Edge, place: u64| {
            let sample = Ear((from + place) * 8);
            self.push(from + after, Event::Ear { edge, sample });
        };
        edge(96, Edge::Onset, 0);
        edge(232, Edge::Sustained, 200);
        if length > 700 {
            edge(732, Edge::Prolonged, 700);
        }
        edge(length + 140, Edge::Lull, length);
        edge(length + 220, Edge::Pause, length);
        edge(length + 260, Edge::Offset, length);
    }

    fn hand_in(&mut self, event: Event) {
        self.call.handle(At(self.now), &event);
        self.events.push((At(self.now), event));
        while let Some(action) = self.call.poll_action() {
            self.apply(action);
        }
    }

    fn apply(&mut self, action: Action) {
        let ms = self.now / 1000;
        match action {
            Action::Finalize => {
                let backchannel = (ms / 1000) % 15 > 10;
                let text = if backchannel {
                    "uh huh"
                } else {
                    "tell me about the king please"
                };
                self.push(
                    ms + 120,
                    Event::Heard(Words {
                        text: text.into(),
                        confidence: 900,
                        firmness: Firmness::Flushed,
                        scope: Scope::Turn,
                        complete: false,
                    }),
                );
            }
            Action::Respond { reply, .. } => {
                for (nth, word) in (0..).zip(ANSWER.split_inclusive(' ')) {
                    let text = word.to_owned();
                    self.push(ms + 200 + nth * 10, Event::Text { reply, text });
                }
                let end = Event::TextEnd {
                    reply,
                    intent: Intent::Continue,
                    expect: Expect::OPEN,
                };
                self.push(ms + 600, end);
            }
            Action::Speak { reply, part, text } => {
                let pieces = u64::try_from(text.len()).unwrap() * 8000 / 14 / 800;
                for nth in 0..pieces {
                    let piece = Piece {
                        reply,
                        part,
                        samples: 800,
                        audible: Some(0),
                        levels: vec![60; 5],
                        origin: 0,
                    };
                    self.push(ms + 60 + nth * 10, Event::Spoken(piece));
                }
                self.push(ms + 60 + pieces * 10, Event::SpokenEnd { reply, part });
            }
            Action::Mark(mark) => self.push(ms + 300, Event::Marked(mark)),
            Action::Send { .. }
            | Action::Clear { .. }
            | Action::Forget { .. }
            | Action::NewTurn
            | Action::Cancel { .. }
            | Action::Checkpoint(_)
            | Action::End { .. }
            | Action::RunTool { .. }
            | Action::GiveUp { .. }
            | Action::Note(_) => {}
        }
    }
}

fn replay(mut call: Call, events: &[(At, Event)]) -> (Call, usize) {
    let mut actions = 0;
    for (at, event) in events {
        call.handle(*at, event);
        while let Some(action) = call.poll_action() {
            black_box(&action);
            actions += 1;
        }
    }
    (call, actions)
}

/// How many of the events have passed when the call was greeted and waits for the caller.
fn quiet(events: &[(At, Event)]) -> usize {
    events.iter().position(|(at, _)| at.ms() > 6000).unwrap()
}

/// Resident memory of this process in bytes, as Linux says; 0 elsewhere.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let resident = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    resident.map_or(0, |pages: usize| pages * 4096)
}

fn sizes(events: &[(At, Event)]) {
    const CALLS: usize = 2000;
    let quiet = quiet(events);
    let before = resident();
    let idle: Vec<Call> = (0..CALLS)
        .map(|_| replay(Call::new(spec()), &events[..quiet]).0)
        .collect();
    let each = (resident() - before) / CALLS;
    println!(
        "size of a call: {} bytes; with its heap, when it waits: {each} bytes",
        size_of::<Call>()
    );
    drop(idle);
    let (call, actions) = replay(Call::new(spec()), events);
    let turns = call.report().turns.len();
    println!("{} events, {actions} actions, {turns} turns", events.len());
}

fn bench(c: &mut Criterion) {
    let events = Conversation::record();
    assert!(events.len() >= 36_000, "{} events", events.len());
    sizes(&events);
    c.bench_function("call/ten_minutes", |b| {
        b.iter_batched(
            || Call::new(spec()),
            |call| replay(call, &events),
            BatchSize::LargeInput,
        );
    });
    let (mut idle, _) = replay(Call::new(spec()), &events[..quiet(&events)]);
    let mut now = 6_100_000;
    c.bench_function("call/silent_frame", |b| {
        b.iter(|| {
            now += 1;
            idle.handle(At(now.min(10_000_000)), black_box(&Event::Wake));
            black_box(idle.poll_action())
        });
    });
    c.bench_function("call/pace_due", |b| {
        b.iter(|| black_box(&idle).pace_due(black_box(At(now))));
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
