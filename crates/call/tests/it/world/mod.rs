//! Everything around a call, in virtual time.

mod carrier;
mod checker;
mod parties;
mod timeline;

use std::collections::BTreeMap;

use ringback_call::{
    Action, At, Call, CallSpec, Direction, Ear, Edge, EndCause, Event, Firmness, Intent, Note,
    ReplyId, Scope, TurnHint, Words,
};

pub use carrier::{Carrier, Played};
pub use checker::Checker;
pub use parties::{Answer, Speech, Voice, answer, calling, failing, length, tool_call};
pub use timeline::Timeline;

/// A frame of the caller's comes every 20 ms.
const FRAME_US: u64 = 20_000;

pub struct World {
    pub call: Call,
    pub now: u64,
    pub carrier: Carrier,
    pub voice: Voice,
    pub answers: Vec<Answer>,
    /// What takes the place of a responder that is given up: a text and no fault.
    pub standby: Option<Answer>,
    /// How long the recogniser takes to answer, in ms; `None`: it never does.
    pub stt_ms: Option<u64>,
    /// What tools do: after how many ms they answer, with what, and whether that says that they failed. One that is not here
    /// never answers.
    pub tools: BTreeMap<&'static str, (u64, &'static str, bool)>,
    pub timeline: Timeline,
    /// All actions, with the time in ms.
    pub actions: Vec<(u64, Action)>,
    /// All events but those of time, as they were handed in.
    pub events: Vec<(At, Event)>,
    checker: Checker,
    queue: BTreeMap<(u64, u64), Event>,
    order: u64,
    /// Words by the time at which they were spoken to their end, not asked for yet.
    spoken: Vec<(u64, String, bool)>,
    /// The recogniser's answers that are on their way, by their place in the queue.
    answering: Vec<(u64, u64)>,
    /// It was asked since the turn began.
    questioned: bool,
    answered: u64,
    frame: u64,
}

impl World {
    pub fn new(spec: CallSpec) -> Self {
        Self::around(Call::new(spec))
    }

    pub fn around(call: Call) -> Self {
        Self {
            checker: Checker::of(&call),
            call,
            now: 0,
            carrier: Carrier::default(),
            voice: Voice::default(),
            answers: Vec::new(),
            standby: None,
            stt_ms: Some(150),
            tools: BTreeMap::new(),
            timeline: Timeline::default(),
            actions: Vec::new(),
            events: Vec::new(),
            queue: BTreeMap::new(),
            order: 0,
            spoken: Vec::new(),
            answering: Vec::new(),
            questioned: false,
            answered: 0,
            frame: 0,
        }
    }

    /// A world whose call was answered at 0.
    pub fn answered(spec: CallSpec) -> Self {
        let mut world = Self::new(spec);
        world.at(0, Event::Answered { marks: true });
        world
    }

    /// An event at a time in ms.
    pub fn at(&mut self, ms: u64, event: Event) -> &mut Self {
        self.push(ms * 1000, event);
        self
    }

    fn push(&mut self, us: u64, event: Event) {
        self.order += 1;
        self.queue.insert((us, self.order), event);
    }

    /// The caller speaks from `from` for `length` ms, with the edges a detector finds in it; the words are there at its end.
    pub fn speech(&mut self, from: u64, length: u64, words: &str) -> &mut Self {
        self.speech_of(from, length, words, false)
    }

    /// As [`World::speech`]; the words are a whole expected sentence.
    pub fn expected_speech(&mut self, from: u64, length: u64, words: &str) -> &mut Self {
        self.speech_of(from, length, words, true)
    }

    fn speech_of(&mut self, from: u64, length: u64, words: &str, complete: bool) -> &mut Self {
        let end = from + length;
        let mut edge = |at: u64, edge: Edge, place: u64| {
            let sample = Ear((place - self.answered / 1000) * 8);
            self.push(at * 1000, Event::Ear { edge, sample });
        };
        edge(from + 96, Edge::Onset, from);
        if length >= 200 {
            edge(from + 232, Edge::Sustained, from + 200);
        }
        if length >= 700 {
            edge(from + 732, Edge::Prolonged, from + 700);
        }
        edge(end + 140, Edge::Lull, end);
        edge(end + 220, Edge::Pause, end);
        edge(end + 260, Edge::Offset, end + 36);
        if !words.is_empty() {
            self.spoken.push((end * 1000, words.to_owned(), complete));
        }
        self
    }

    /// As [`World::speech`] with a recogniser that leads: at 200 ms behind the speech it thinks that the turn may be over, at
    /// 400 ms it says so.
    pub fn led_speech(&mut self, from: u64, length: u64, words: &str) -> &mut Self {
        self.speech(from, length, "");
        if words.is_empty() {
            return self;
        }
        let end = from + length;
        self.interim(end + 199, words, 900)
            .at(end + 200, Event::Turn(TurnHint::Eager))
            .settled(end + 400, words)
            .at(end + 400, Event::Turn(TurnHint::Ended))
    }

    /// Final words of the recogniser's at a time in ms, all that there is.
    pub fn settled(&mut self, ms: u64, text: &str) -> &mut Self {
        self.at(
            ms,
            Event::Heard(Words {
                text: text.to_owned(),
                confidence: 900,
                firmness: Firmness::Flushed,
                scope: Scope::Segment,
                complete: false,
            }),
        )
    }

    /// Final words of the turn before at a time in ms, all that it still lacks.
    pub fn owed(&mut self, ms: u64, text: &str) -> &mut Self {
        self.owed_part(ms, text, Firmness::Flushed)
    }

    /// The same, as firm as this: final words are some of them.
    pub fn owed_part(&mut self, ms: u64, text: &str, firmness: Firmness) -> &mut Self {
        self.at(
            ms,
            Event::Heard(Words {
                text: text.to_owned(),
                confidence: 900,
                firmness,
                scope: Scope::Before,
                complete: false,
            }),
        )
    }

    /// An interim of the recogniser's at a time in ms.
    pub fn interim(&mut self, ms: u64, text: &str, confidence: u16) -> &mut Self {
        self.at(
            ms,
            Event::Heard(Words {
                text: text.to_owned(),
                confidence,
                firmness: Firmness::Interim,
                scope: Scope::Segment,
                complete: false,
            }),
        )
    }

    /// Lets everything happen up to a time in ms.
    pub fn run(&mut self, until: u64) -> &mut Self {
        let until = until * 1000;
        let mut idle_wakes = 0;
        loop {
            let event = self.queue.keys().next().map(|&(us, _)| us);
            let deadline = self.call.deadline().map(|(at, _)| at.0.max(self.now));
            let frame = (!self.call.is_over()).then_some(self.frame);
            let Some(next) = [event, deadline, frame].into_iter().flatten().min() else {
                break;
            };
            if next > until {
                break;
            }
            idle_wakes = if next == self.now { idle_wakes + 1 } else { 0 };
            assert!(idle_wakes < 50, "the call spins at {} ms", self.now / 1000);
            self.now = next;
            self.step(deadline, event);
        }
        self.now = self.now.max(until);
        self
    }

    fn step(&mut self, deadline: Option<u64>, event: Option<u64>) {
        let heard = matches!(self.queue.values().next(), Some(Event::Heard(_)));
        // Of which turn words are is asked when all that is due has been done.
        let due = heard && deadline == Some(self.now);
        if event == Some(self.now) && !due {
            let (_, event) = self.queue.pop_first().unwrap();
            self.hand_in(&event);
        } else if deadline == Some(self.now) {
            self.hand_in(&Event::Wake);
        } else {
            self.frame += FRAME_US;
            if self.call.pace_due(At(self.now)) {
                self.hand_in(&Event::Wake);
            }
        }
    }

    /// Hands an event in now.
    pub fn hand_in(&mut self, event: &Event) {
        if matches!(event, Event::Answered { .. }) {
            self.answered = self.now;
            self.frame = self.now;
        }
        self.timeline.event(self.now, event);
        self.events.push((At(self.now), event.clone()));
        for action in self.checker.handle(&mut self.call, At(self.now), event) {
            self.timeline.action(self.now, &action);
            self.actions.push((self.now / 1000, action.clone()));
            self.apply(&action);
        }
    }

    fn apply(&mut self, action: &Action) {
        let now = self.now;
        match action {
            Action::Send {
                reply,
                part,
                from,
                samples,
                ..
            } => self.carrier.play(now, *reply, *part, *from, *samples),
            Action::Mark(mark) => self.carrier.mark(now, *mark),
            Action::Clear { .. } => {
                let back = self.carrier.clear(now);
                let late: Vec<_> = self
                    .queue
                    .extract_if((back, 0).., |_, event| matches!(event, Event::Marked(_)))
                    .collect();
                for (_, event) in late {
                    self.push(back, event);
                }
            }
            Action::Finalize => self.finalize(),
            Action::NewTurn => self.new_turn(),
            Action::Respond { reply, .. } => {
                let answer = if self.answers.is_empty() {
                    answer("All right.")
                } else {
                    self.answers.remove(0)
                };
                for (ms, event) in answer.events(*reply) {
                    self.push(now + ms * 1000, event);
                }
            }
            Action::RunTool { call, .. } => {
                if let Some(&(ms, result, failed)) = self.tools.get(call.name.as_str()) {
                    let (id, result) = (call.id.clone(), result.to_owned());
                    self.push(now + ms * 1000, Event::ToolDone { id, result, failed });
                }
            }
            Action::GiveUp { reply } => self.give_up(*reply),
            Action::Speak { reply, part, text } => {
                for (us, event) in self.voice.speak(*reply, *part, text) {
                    self.push(now + us, event);
                }
            }
            Action::Cancel { reply, .. } => self
                .queue
                .retain(|_, event| !parties::belongs_to(event, *reply)),
            Action::End { .. } => self.queue.clear(),
            Action::Forget { .. } | Action::Checkpoint(_) | Action::Note(_) => {}
        }
        for (us, mark) in self.carrier.echoes() {
            self.push(us, Event::Marked(mark));
        }
    }

    fn give_up(&mut self, reply: ReplyId) {
        let now = self.now;
        self.queue
            .retain(|_, event| !parties::written_for(event, reply));
        let fault = parties::stalled();
        let Some(standby) = self.standby.take() else {
            return self.push(now, Event::Fault(fault));
        };
        self.push(now, Event::Replaced(fault));
        for (ms, event) in standby.events(reply) {
            self.push(now + ms * 1000, event);
        }
    }

    /// Answers that are on their way are to the turn before now, and those to the one before that are none.
    fn new_turn(&mut self) {
        let now = self.now;
        self.spoken.retain(|(end, ..)| *end > now);
        if !std::mem::take(&mut self.questioned) {
            return;
        }
        let queue = &mut self.queue;
        self.answering.retain(|place| {
            let Some(Event::Heard(words)) = queue.get_mut(place) else {
                return false;
            };
            if words.scope == Scope::Before {
                queue.remove(place);
                return false;
            }
            words.scope = Scope::Before;
            true
        });
    }

    fn finalize(&mut self) {
        self.questioned = true;
        let Some(ms) = self.stt_ms else {
            return;
        };
        let now = self.now;
        // Answers to earlier questions are no longer all there is.
        for place in &self.answering {
            if let Some(Event::Heard(words)) = self.queue.get_mut(place)
                && words.scope == Scope::Segment
            {
                words.firmness = Firmness::Final;
            }
        }
        let (said, rest) = std::mem::take(&mut self.spoken)
            .into_iter()
            .partition::<Vec<_>, _>(|(end, ..)| *end <= now);
        self.spoken = rest;
        let complete = said.iter().any(|(.., complete)| *complete);
        let text: Vec<_> = said.into_iter().map(|(_, text, _)| text).collect();
        self.answering.push((now + ms * 1000, self.order + 1));
        self.push(
            now + ms * 1000,
            Event::Heard(Words {
                text: text.join(" "),
                confidence: 900,
                firmness: Firmness::Flushed,
                scope: Scope::Segment,
                complete,
            }),
        );
    }

    /// The times in ms of the notes that match.
    pub fn notes(&self, matches: impl Fn(&Note) -> bool) -> Vec<u64> {
        self.times(|action| matches!(action, Action::Note(note) if matches(note)))
    }

    /// The times in ms of the actions that match.
    pub fn times(&self, matches: impl Fn(&Action) -> bool) -> Vec<u64> {
        self.actions
            .iter()
            .filter(|(_, action)| matches(action))
            .map(|&(ms, _)| ms)
            .collect()
    }

    pub fn clears(&self) -> Vec<u64> {
        self.times(|action| matches!(action, Action::Clear { .. }))
    }

    /// What the responder was asked, and why: cause and text or keys.
    pub fn asked(&self) -> Vec<String> {
        self.actions
            .iter()
            .filter_map(|(_, action)| match action {
                Action::Respond {
                    cause,
                    text,
                    digits,
                    speculative,
                    ..
                } => {
                    let guess = if *speculative { " (speculative)" } else { "" };
                    Some(format!("{cause:?}: {text}{digits}{guess}"))
                }
                _ => None,
            })
            .collect()
    }

    /// The end of the call: when, what follows, why.
    pub fn end(&self) -> Option<(u64, Intent, EndCause)> {
        self.actions.iter().find_map(|(ms, action)| match action {
            Action::End { intent, cause } => Some((*ms, intent.clone(), *cause)),
            _ => None,
        })
    }

    /// The conversation as it was heard, a line each.
    pub fn conversation(&self) -> String {
        let line = |line: &ringback_call::Line| {
            let cut = if line.cut || line.heard != line.said {
                " --"
            } else {
                ""
            };
            let keys = if line.digits.is_empty() {
                String::new()
            } else {
                format!(" [{}]", line.digits)
            };
            format!("{:?}: {}{cut}{keys}", line.speaker, line.heard)
        };
        let tool = |tool: &ringback_call::ToolLine| {
            let result = tool.result.as_ref();
            let result = result.map_or("running", |result| result.text.as_str());
            format!("  {} {}: {result}", tool.call.id, tool.call.name)
        };
        let tools = self.call.tools();
        let after = |lines: usize| {
            let here = tools
                .iter()
                .filter(move |tool| tool.follows as usize == lines);
            here.map(tool)
        };
        let mut lines: Vec<_> = after(0).collect();
        for (index, said) in self.call.lines().iter().enumerate() {
            lines.push(line(said));
            lines.extend(after(index + 1));
        }
        lines.join("\n")
    }

    /// The timeline and the conversation.
    pub fn story(&self) -> String {
        format!("{}\n\n{}", self.timeline, self.conversation())
    }
}

/// A call with a greeting.
pub fn greeting(line: &str) -> CallSpec {
    let mut spec = CallSpec::new(Direction::Inbound);
    spec.lines.greeting = Some(line.to_owned());
    spec
}

/// A call that was greeted, in which the caller asked something at 3 s and is being answered with these texts.
pub fn conversing(answers: &[&str]) -> World {
    let mut world = World::answered(greeting("Hello, how can I help?"));
    world.answers = answers.iter().map(|text| answer(text)).collect();
    world.speech(3000, 800, "tell me a story");
    world
}
