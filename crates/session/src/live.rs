//! One live call without its socket: messages, speech and time go in, messages come out. It never waits.

mod asking;
mod log;
mod ordered;
mod take;
mod teller;
mod written;

pub use log::PIPELINE;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ringback_call::{
    Action, At, Call, Cause, Edge, Event, Fault, FaultKind, Mark, Note, PartId, Party, Policy,
    ReplyId, Report, Sign, TurnHint, Verdict,
};

use crate::carrier::twilio::{Brought, Messages, Violation};
use crate::ear::{EarSide, LONG_MEMORY, MEMORY, STRETCH};
use crate::engines::Engines;
use crate::news::{Follower, News};
use crate::outbox::Outbox;
use crate::provided::{Receiver, Sender};
use crate::record::Recorder;
use crate::responder::Responder;
use crate::stt::Ears;
use crate::tools::{Bound, dtmf};
use crate::tts::Voices;
use teller::Teller;

/// Silence takes the place of audio that did not come for this long.
const GAP: Duration = Duration::from_millis(100);

/// A live call. Times are those since it was made.
pub struct Live {
    pub(crate) call: Call,
    pub(crate) messages: Messages,
    pub(crate) ear: EarSide,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) responder: Responder,
    pub(crate) provided: Receiver,
    provide: Sender,
    engines: Arc<Engines>,
    outbox: Outbox,
    pub(crate) ears: Ears,
    pub(crate) voices: Voices,
    work: Work,
    books: Books,
    audio: Vec<u8>,
    last_media: At,
}

/// What is to be dealt with before anything else comes.
#[derive(Default)]
struct Work {
    events: VecDeque<Event>,
    actions: Vec<Action>,
}

/// What a call may cost, and what was told of it.
struct Books {
    most: Option<f64>,
    spent: bool,
    teller: Teller,
}

/// The parts of a live call that come from its setup.
pub(crate) struct Parts {
    pub(crate) engines: Arc<Engines>,
    pub(crate) ears: Ears,
    pub(crate) voices: Voices,
    pub(crate) responder: Responder,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) events: (Sender, Receiver),
    /// In millionths of the currency of the prices.
    pub(crate) max_cost_millionths: Option<u64>,
    pub(crate) follower: Follower,
}

impl Live {
    pub(crate) fn new(call: Call, messages: Messages, parts: Parts) -> Self {
        Self {
            ear: EarSide::new(
                &call.spec().turn,
                call.spec().callee.listen_ms,
                if parts.ears.may_change() {
                    LONG_MEMORY
                } else {
                    MEMORY
                },
            ),
            call,
            messages,
            recorder: parts.recorder,
            responder: parts.responder,
            provided: parts.events.1,
            provide: parts.events.0,
            engines: parts.engines,
            outbox: Outbox::default(),
            ears: parts.ears,
            voices: parts.voices,
            work: Work::default(),
            books: Books {
                most: parts
                    .max_cost_millionths
                    .map(|millionths| millionths as f64 / 1e6),
                spent: false,
                teller: Teller::new(parts.follower),
            },
            audio: Vec::with_capacity(1600),
            last_media: At::default(),
        }
    }

    /// The stream has begun.
    pub fn answered(&mut self, at: At) {
        self.ear.begin(at);
        self.last_media = at;
        // A fixed greeting brings no expectation of its own: anything may be the answer.
        self.expect(&ringback_speech::grammar::Expect::Open);
        self.handle(at, Event::Answered { marks: true });
        if self.ears.leads() {
            self.handle(at, Event::Turn(TurnHint::Leads(true)));
        }
    }

    /// Takes a message of the carrier's.
    ///
    /// # Errors
    /// What the carrier must not do: close its socket with this. The call is over.
    pub fn message(&mut self, at: At, text: &str) -> Result<(), Violation> {
        let mut audio = std::mem::take(&mut self.audio);
        audio.clear();
        let brought = self.messages.read(text, &mut audio);
        let result = self.brought(at, brought, &audio);
        self.audio = audio;
        result
    }

    fn brought(&mut self, at: At, brought: Brought, audio: &[u8]) -> Result<(), Violation> {
        match brought {
            Brought::Media => {
                self.last_media = at;
                self.books.teller.hear(at, audio);
                for stretch in audio.chunks(STRETCH) {
                    self.ear.hear(at, stretch);
                    self.listen(at);
                }
                if self.call.pace_due(at) {
                    self.handle(at, Event::Wake);
                }
            }
            Brought::Digit(digit) => self.handle(at, Event::Digit(digit)),
            Brought::Mark(name) => {
                if let Ok(mark) = name.parse::<Mark>() {
                    self.handle(at, Event::Marked(mark));
                }
            }
            Brought::Ended(how) => self.hung_up(at, &how),
            Brought::Violation(violation) => {
                self.hung_up(at, "the carrier is at fault");
                return Err(violation);
            }
            Brought::Nothing => {}
        }
        Ok(())
    }

    /// The carrier's leg is gone, and how.
    pub fn hung_up(&mut self, at: At, how: &str) {
        tracing::info!(%how, "WebSocket ended by the carrier");
        self.handle(at, Event::HungUp);
    }

    /// The server stops at once: the record ends with what the caller heard until now.
    pub fn stop(&mut self, at: At) {
        self.handle(at, Event::HungUp);
    }

    /// Says a line: behind what is being said, or in place of a reply that has not begun.
    pub fn say(&mut self, at: At, line: &str) {
        self.handle(at, Event::Say(line.to_owned()));
    }

    /// The call is to end after the sentence that is being heard.
    pub fn finish(&mut self, at: At) {
        self.handle(at, Event::Finish);
    }

    /// The next message for the carrier.
    pub fn poll_message(&mut self) -> Option<String> {
        self.messages.poll()
    }

    /// Takes what the engines have ready, without waiting.
    pub fn poll_engines(&mut self, at: At) {
        while let Ok(provided) = self.provided.try_recv() {
            self.take(at, provided);
        }
    }

    /// When [`Live::wake`] must be called at the latest.
    pub fn deadline(&self) -> At {
        let gap = At(self.last_media.0 + GAP.as_micros() as u64);
        let call = self.call.deadline().map(|(at, _)| at);
        let due = [call, self.voices.due()].into_iter().flatten();
        due.fold(gap, At::min)
    }

    /// Time has passed and nothing came.
    pub fn wake(&mut self, at: At) {
        if at.since(self.last_media) >= GAP.as_micros() as u64 {
            // The next look is a gap later, whether or not a frame was missing.
            self.last_media = at;
            // A long gap drives what was heard before it out of the ear, so that is read first.
            for most in [STRETCH as u64, u64::MAX] {
                if self.ear.fill(at, most) {
                    self.gap(at);
                }
            }
        }
        self.voices.ask_beside(at, &*self.engines);
        self.fire_due(at);
    }

    fn fire_due(&mut self, at: At) {
        if self.call.deadline().is_some_and(|(due, _)| due <= at) {
            self.handle(at, Event::Wake);
        }
    }

    fn gap(&mut self, at: At) {
        let event = Event::Ear {
            edge: Edge::Gap,
            sample: ringback_call::Ear(self.ear.end()),
        };
        self.handle(at, event);
        self.listen(at);
    }

    /// Whether the call has ended.
    pub fn is_over(&self) -> bool {
        self.call.is_over()
    }

    /// How often the caller took the floor.
    pub fn interruptions(&self) -> u32 {
        self.call.interruptions()
    }

    /// Whether something is being said, or is to be said.
    pub fn is_speaking(&self) -> bool {
        self.call.is_speaking()
    }

    /// What the call says of itself.
    pub fn report(&self) -> Report {
        self.call.report()
    }

    /// The carrier says who answered.
    pub fn verdict(&mut self, at: At, verdict: Verdict) {
        self.handle(at, Event::Sign(Sign::Verdict(verdict)));
    }

    /// What the detectors found goes to the recogniser and to the call.
    fn listen(&mut self, at: At) {
        while let Some(sign) = self.ear.poll_sign() {
            self.handle(at, Event::Sign(sign));
        }
        while let Some((edge, sample)) = self.ear.poll() {
            self.ears.edge(edge, sample.0);
            self.handle(at, Event::Ear { edge, sample });
        }
        self.ears.feed(self.ear.ring());
        if let Some(recorder) = &mut self.recorder
            && !recorder.turn_over(self.ear.ring())
        {
            self.fault(
                at,
                Party::Recorder,
                FaultKind::Unreachable,
                "the disk cannot keep up",
            );
        }
    }

    pub(crate) fn fault(&mut self, at: At, party: Party, kind: FaultKind, detail: &str) {
        self.handle(
            at,
            Event::Fault(Fault {
                party,
                kind,
                detail: detail.to_owned(),
            }),
        );
    }

    /// Hands an event to the call and carries out what follows, and whatever follows from that.
    fn handle(&mut self, at: At, event: Event) {
        self.work.events.push_back(event);
        while let Some(event) = self.work.events.pop_front() {
            self.call.handle(at, &event);
            let mut actions = std::mem::take(&mut self.work.actions);
            actions.clear();
            while let Some(action) = self.call.poll_action() {
                actions.push(action);
            }
            if let Some(recorder) = &mut self.recorder {
                recorder.event(at, &event, &actions);
            }
            for action in &actions {
                self.apply(at, action);
            }
            if Self::is_shown() {
                self.show(at, &event, &actions);
            }
            self.work.actions = actions;
            if matches!(event, Event::Used { .. }) {
                self.check_budget();
            }
        }
    }

    fn apply(&mut self, at: At, action: &Action) {
        match action {
            Action::Send {
                reply,
                part,
                from,
                samples,
                starts,
            } => self.send(at, (*reply, *part), (*from, *samples), *starts),
            Action::Mark(mark) => self.messages.mark(&mark.to_string()),
            Action::Clear { cut, .. } => {
                self.messages.clear();
                self.books.teller.cut(*cut);
                if let Some(recorder) = &mut self.recorder {
                    recorder.cut(*cut, self.ear.ring());
                }
            }
            Action::Forget { reply, part, upto } => self.outbox.forget(*reply, *part, *upto),
            Action::Finalize => self.finalize(),
            Action::NewTurn => {
                self.ears.new_turn(self.ear.ring());
            }
            Action::Respond { .. } => self.respond(at, action),
            Action::GiveUp { reply } => self.give_up(*reply),
            Action::RunTool {
                call,
                timeout_ms,
                side_effect,
            } => {
                let bound = Bound::of(*timeout_ms, *side_effect);
                self.responder.run_tool(call, bound, &self.provide);
            }
            Action::Speak { reply, part, text } => {
                self.books.teller.tell(|| News::Speaking(text.clone()));
                self.speak(at, *reply, *part, text);
            }
            Action::Cancel { reply, heard } => {
                self.responder.cancel(*reply, *heard);
                self.voices.cancel(*reply);
                self.outbox.drop_reply(*reply);
            }
            // A turn is closed: what was said cannot be wanted again.
            Action::Checkpoint(_) if !self.call.is_speaking() => {
                self.outbox = Outbox::default();
                self.count_audio();
                self.catch_up();
            }
            Action::Checkpoint(_) => {}
            Action::End { cause, .. } => log::ended(*cause),
            Action::Note(note) => {
                log::noted(note);
                if let Note::Fault(fault) = note {
                    self.books.teller.tell(|| News::Fault(fault.clone()));
                }
                if matches!(note, Note::Turn { .. }) {
                    self.count_audio();
                }
            }
        }
    }

    fn send(&mut self, at: At, of: (ReplyId, PartId), (from, samples): (u32, u32), starts: At) {
        let Some(mulaw) = self.outbox.read(of.0, of.1, from, samples) else {
            self.work.events.push_back(Event::Fault(Fault {
                party: Party::Server,
                kind: FaultKind::Misbehaved,
                detail: "speech that was to be sent is not in the outbox".into(),
            }));
            return;
        };
        self.messages.media(mulaw);
        self.books.teller.speak(starts, mulaw);
        if let Some(recorder) = &mut self.recorder {
            recorder.agent(self.ear.end(), at, starts, mulaw);
        }
    }

    fn speak(&mut self, at: At, reply: ReplyId, part: PartId, text: &str) {
        self.outbox.open(reply, part);
        let Some(keys) = dtmf::keys(text).filter(|_| self.presses(text)) else {
            if !self.voices.speak(reply, part, text) {
                self.work.events.push_back(Event::Unsayable { reply, part });
            }
            let waited = self.waited(at, Cause::Answer);
            self.voices.await_sound(at, reply, waited);
            return;
        };
        let pieces = [
            self.outbox.put(reply, part, &dtmf::sound(keys)),
            self.outbox.finish(reply, part),
        ];
        let spoken = pieces.into_iter().flatten().map(Event::Spoken);
        self.work.events.extend(spoken);
        self.work.events.push_back(Event::SpokenEnd { reply, part });
    }

    /// Whether a part that looks like keys is one: a model's, or the scenario's own for a machine.
    fn presses(&self, text: &str) -> bool {
        let menu = &self.call.spec().callee.menu;
        self.responder.sends_keys() || matches!(menu, Policy::Say(keys) if keys == text)
    }

    /// A recogniser that has no turn to speak of has nothing to say, at once.
    fn finalize(&mut self) {
        if !self.ears.finalize(self.ear.ring()) {
            self.work
                .events
                .push_back(Event::Heard(ringback_call::Words {
                    text: String::new(),
                    confidence: 0,
                    firmness: ringback_call::Firmness::Flushed,
                    scope: ringback_call::Scope::Turn,
                    complete: false,
                }));
        }
    }
}
