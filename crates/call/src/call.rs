//! The call: takes events to the part that knows them, and settles what follows.

use std::collections::VecDeque;

use crate::action::{Action, Cause, EndCause, Note};
use crate::at::{At, Ear};
use crate::callee::Known;
use crate::caller::CallerTurn;
use crate::dialog::{Dialog, Line};
use crate::event::{Event, Expect, Intent, Mark, ReplyId, TurnId};
use crate::floor::Floor;
use crate::ledger::Ledger;
use crate::mode::Cascade;
use crate::report::Report;
use crate::snapshot::Snapshot;
use crate::spec::CallSpec;
use crate::timers::{Reason, Timers};
use crate::usage::{self, Usage};

/// Later times count as this one (142 years), so that sums of times cannot overflow.
const LATEST: At = At(1 << 52);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Ringing,
    Live,
    Closing(EndCause),
    Over,
}

/// One telephone call. See the crate's contract.
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) spec: CallSpec,
    pub(crate) now: At,
    began: Began,
    pub(crate) phase: Phase,
    pub(crate) timers: Timers,
    pub(crate) actions: VecDeque<Action>,
    pub(crate) turn: CallerTurn,
    pub(crate) floor: Floor,
    pub(crate) ledger: Ledger,
    pub(crate) mode: Cascade,
    pub(crate) dialog: Dialog,
    pub(crate) report: Report,
    pub(crate) expect: Expect,
    pub(crate) callee: Known,
    pub(crate) counts: Counts,
}

/// When the call was answered, and what it had spent before.
#[derive(Clone, Copy, Debug, Default)]
struct Began {
    at: At,
    spent_ms: u64,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// The caller's turns.
    pub(crate) turns: u32,
    /// Interruptions of a turn's replies after which they went on.
    pub(crate) resumes: u8,
    /// Times the caller was asked again since they last spoke.
    pub(crate) idle: u8,
    /// Replies that failed one after the other.
    pub(crate) failures: u8,
    /// Faults of the recogniser.
    pub(crate) stt_faults: u8,
    /// Somebody spoke in the turn before; no words came, and nobody asked about it.
    pub(crate) unheard: bool,
}

impl Call {
    /// A call that has not been answered.
    pub fn new(spec: CallSpec) -> Self {
        Self {
            expect: spec.expect,
            spec,
            now: At::default(),
            began: Began::default(),
            phase: Phase::Ringing,
            timers: Timers::default(),
            actions: VecDeque::with_capacity(16),
            turn: CallerTurn::default(),
            floor: Floor::Free,
            ledger: Ledger::default(),
            mode: Cascade::default(),
            dialog: Dialog::default(),
            report: Report::default(),
            callee: Known::default(),
            counts: Counts::default(),
        }
    }

    /// A call that goes on from a snapshot. When it is answered it says its last line again, or has the responder answer
    /// what the caller said last.
    pub fn restore(spec: CallSpec, snapshot: Snapshot) -> Self {
        Self {
            expect: snapshot.expect,
            mode: Cascade::after(snapshot.replies),
            dialog: Dialog::restored(snapshot.lines, snapshot.tools),
            report: Report {
                usage: snapshot.usage,
                callee: snapshot.callee,
                ..Report::default()
            },
            began: Began {
                at: At::default(),
                spent_ms: snapshot.spent_ms,
            },
            callee: Known::restored(snapshot.callee),
            counts: Counts {
                turns: snapshot.turns,
                idle: snapshot.idle,
                failures: snapshot.failures,
                ..Counts::default()
            },
            ..Self::new(spec)
        }
    }

    /// Takes an event: first every timer due by `at` fires, then the event is dealt with.
    pub fn handle(&mut self, at: At, event: &Event) {
        self.now = self.now.max(at.min(LATEST));
        while let Some(reason) = self.timers.take_due(self.now) {
            self.fire(reason);
            self.settle();
        }
        if let Event::Used { reply, usage } = event {
            // What was used is often known only when all is over.
            self.on_used(*reply, usage);
        } else if self.phase != Phase::Over {
            // Also of a machine, and of who speaks behind a goodbye.
            if let Event::Ear { edge, sample } = event {
                self.report.sound(*edge, self.ear_at(*sample));
            }
            self.take(event);
            self.settle();
        } else if let Event::ToolDone { id, result, failed } = event {
            // So is what came of a side effect that had begun before.
            self.on_tool_done(id, result, *failed);
        }
        if *event == Event::HungUp {
            self.actions.clear();
        }
    }

    /// The next thing to do. Drain it after each event.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When the call must be handed [`Event::Wake`] at the latest, and why.
    pub fn deadline(&self) -> Option<(At, Reason)> {
        self.timers.next()
    }

    /// Whether audio can be sent at `at`: with a frame of the caller's, hand in [`Event::Wake`].
    pub fn pace_due(&self, at: At) -> bool {
        self.sending()
            && self
                .ledger
                .send_due(at, self.spec.turn.ahead_ms)
                .is_some_and(|due| due <= at)
    }

    /// Whether the call has ended.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// How often the caller took the floor.
    pub fn interruptions(&self) -> u32 {
        self.report.yields
    }

    /// Whether something is being said, or is to be said.
    pub fn is_speaking(&self) -> bool {
        self.mode.live().is_some_and(|reply| !reply.is_awaited())
    }

    /// Whether all was said and done, so that it is for the caller to go on: nothing is being written or said, and no tool runs.
    pub fn awaits_caller(&self) -> bool {
        self.phase == Phase::Live && !self.reply_live() && !self.dialog.tools.is_running()
    }

    /// Whether what was spoken is still to be sent or heard: only time has to pass for it.
    pub fn is_being_heard(&self) -> bool {
        self.timers.is_set(Reason::Pace) || self.timers.is_set(Reason::Heard)
    }

    /// Whether a tool runs.
    pub fn runs_tools(&self) -> bool {
        self.dialog.tools.is_running()
    }

    /// The reply that the responder is still to write some of.
    pub fn unwritten(&self) -> Option<ReplyId> {
        let live = self.mode.live().filter(|reply| reply.unwritten());
        live.map(|reply| reply.id)
    }

    /// The caller's last sound of what is being answered; `None` before they said anything.
    pub fn quiet_since(&self) -> Option<At> {
        if self.speculating() || self.fills_turn() {
            return Some(self.turn.last_sound_at);
        }
        self.last_turn().map(|turn| turn.last_sound)
    }

    /// The conversation so far, as it was heard.
    pub fn lines(&self) -> &[Line] {
        self.dialog.lines()
    }

    /// How long it has lasted since it was answered, in ms; to its end, once it is over.
    pub fn lasted_ms(&self) -> u64 {
        let until = match self.phase {
            Phase::Over => self.report.ended,
            Phase::Ringing | Phase::Live | Phase::Closing(_) => self.now,
        };
        until.ms_since(self.began.at)
    }

    /// The times of the caller's last turn.
    pub fn last_turn(&self) -> Option<&crate::TurnReport> {
        self.report.turns.last()
    }

    /// The times of the caller's turns.
    pub fn turns(&self) -> &[crate::TurnReport] {
        &self.report.turns
    }

    /// What it used of its providers, by turn.
    pub fn usage(&self) -> &[usage::TurnUsage] {
        &self.report.usage
    }

    /// What the call says of itself; complete when it is over.
    pub fn report(&self) -> Report {
        Report {
            lines: self.dialog.lines().to_vec(),
            tools: self.tools(),
            ..self.report.clone()
        }
    }

    /// What was resolved for this call.
    pub fn spec(&self) -> &CallSpec {
        &self.spec
    }

    fn take(&mut self, event: &Event) {
        if self.phase == Phase::Live && event.is_the_callers() {
            self.conclude_heard();
        }
        match (self.phase, event) {
            (Phase::Ringing, Event::Answered { marks }) => self.answered(*marks),
            (Phase::Ringing, Event::Fault(fault)) => self.fault_while_ringing(fault),
            (Phase::Ringing, Event::Replaced(fault)) => self.note_fault(fault.clone()),
            (Phase::Ringing | Phase::Live, Event::Sign(sign)) => self.on_sign(*sign),
            (Phase::Ringing, Event::Finish) => self.end_for(Intent::HangUp, EndCause::Finish),
            (Phase::Live | Phase::Ringing | Phase::Closing(_), Event::HungUp) => self.hung_up(),
            (Phase::Ringing | Phase::Over, _)
            | (_, Event::Answered { .. } | Event::Used { .. } | Event::Wake) => {}
            (_, Event::Text { reply, text }) => self.on_text(*reply, text),
            (
                _,
                Event::TextEnd {
                    reply,
                    intent,
                    expect,
                },
            ) => self.on_text_end(*reply, intent, *expect),
            (_, Event::ToolCall { reply, call }) => self.on_tool_call(*reply, call),
            (_, Event::ToolDone { id, result, failed }) => self.on_tool_done(id, result, *failed),
            (_, Event::Spoken(piece)) => self.on_spoken(piece),
            (_, Event::Timed { reply, part, ends }) => self.ledger.time_words(*reply, *part, ends),
            (_, Event::SpokenEnd { reply, part }) => self.on_spoken_end(*reply, *part, false),
            (_, Event::Unsayable { reply, part }) => self.on_spoken_end(*reply, *part, true),
            (_, Event::Marked(mark)) => self.on_mark(*mark),
            (_, Event::Fault(fault)) => self.on_fault(fault),
            (_, Event::Replaced(fault)) => self.on_replaced(fault),
            (_, Event::Finish) => self.close(EndCause::Finish),
            (_, Event::Spent) => self.close(EndCause::Cost),
            // Nothing stops the closing sentence, and nothing follows it.
            (
                Phase::Closing(_),
                Event::Ear { .. }
                | Event::Heard(_)
                | Event::Turn(_)
                | Event::Sign(_)
                | Event::Digit(_)
                | Event::Say(_)
                | Event::Order(_),
            ) => {}
            (
                Phase::Live,
                Event::Ear { .. }
                | Event::Heard(_)
                | Event::Turn(_)
                | Event::Digit(_)
                | Event::Say(_),
            ) if self.callee.leads() => self.on_machine(event),
            (Phase::Live, Event::Say(line)) => self.say_more(line),
            (Phase::Live, Event::Order(order)) => self.on_order(order),
            (Phase::Live, Event::Ear { edge, sample }) => self.on_edge(*edge, *sample),
            (Phase::Live, Event::Heard(words)) => self.on_heard(words),
            (Phase::Live, Event::Turn(hint)) => self.on_turn_hint(*hint),
            (Phase::Live, Event::Digit(digit)) => self.on_digit(*digit),
        }
    }

    fn on_used(&mut self, reply: Option<ReplyId>, usage: &Usage) {
        let of = reply.and_then(|reply| self.mode.turn_of(reply));
        let turn = of.unwrap_or(TurnId(self.counts.turns));
        usage::add(&mut self.report.usage, turn, usage);
    }

    fn fire(&mut self, reason: Reason) {
        match reason {
            Reason::Duration => self.close(EndCause::Duration),
            Reason::Silence => self.silence_due(),
            Reason::Close => self.close_due(),
            Reason::Stalled => self.stalled(),
            Reason::Overdue => self.overdue(),
            Reason::Verdict => self.verdict_due(),
            Reason::Words => self.words_due(),
            Reason::Protect => self.protect_due(),
            Reason::Turn => self.turn_due(),
            Reason::Keys => self.keys_due(),
            Reason::Idle => self.idle_due(),
            Reason::Tool => self.tools_due(),
            Reason::Callee => self.callee_due(),
            Reason::Unspoken => self.stalls(),
            Reason::Heard | Reason::Pace | Reason::Patience => {}
        }
    }

    fn answered(&mut self, marks: bool) {
        self.phase = Phase::Live;
        self.began.at = self.now;
        self.ledger = Ledger::new(marks);
        let longest = u64::from(self.spec.turn.max_call_s) * 1000;
        let left = longest.saturating_sub(self.began.spent_ms);
        self.timers.set(Reason::Duration, self.now.plus_ms(left));
        self.arm_silence();
        self.interrupt_tools();
        if self.weigh_foretold() {
            return;
        }
        if let Some(line) = self.dialog.unanswered() {
            let (text, digits) = (line.said.clone(), line.digits.clone());
            self.ask(Cause::Answer, text, digits);
            return;
        }
        let last = self.dialog.last_agent_line().map(|line| line.said.clone());
        match last {
            Some(line) => self.say(&line, Intent::Continue, true),
            None => self.open(),
        }
    }

    fn on_mark(&mut self, mark: Mark) {
        match mark {
            Mark::Played { .. } => {
                self.ledger.acknowledge(self.now, mark);
            }
            Mark::Cleared(epoch) => {
                if let Some(us) = self.ledger.clear_echoed(self.now, epoch) {
                    self.note(Note::RoundTrip { us });
                }
            }
        }
    }

    /// Whether audio may go out as the floor stands.
    pub(crate) fn sending(&self) -> bool {
        matches!(self.floor, Floor::Free | Floor::Protected)
            && !self.speculating()
            && matches!(self.phase, Phase::Live | Phase::Closing(_))
    }

    pub(crate) fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    pub(crate) fn note(&mut self, note: Note) {
        self.actions.push_back(Action::Note(note));
    }

    pub(crate) fn checkpoint(&mut self) {
        let snapshot = self.snapshot();
        self.act(Action::Checkpoint(Box::new(snapshot)));
    }

    /// What the call needs to go on elsewhere, as it stands.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            lines: self.dialog.lines().to_vec(),
            turns: self.counts.turns,
            replies: self.mode.replies(),
            expect: self.expect,
            spent_ms: self.spent_ms(),
            callee: self.callee.callee,
            idle: self.counts.idle,
            failures: self.counts.failures,
            tools: self.dialog.tools.lines().to_vec(),
            usage: self.report.usage.clone(),
        }
    }

    /// Milliseconds of the call's longest duration that are spent.
    pub(crate) fn spent_ms(&self) -> u64 {
        let here = self.now.ms_since(self.began.at);
        self.began.spent_ms.saturating_add(here)
    }

    /// The time at which a position of the ear was reached, at the latest now.
    pub(crate) fn ear_at(&self, sample: Ear) -> At {
        self.began.at.plus_samples(sample.0).min(self.now)
    }

    pub(crate) fn closing(&self) -> bool {
        matches!(self.phase, Phase::Closing(_))
    }

    pub(crate) fn reply_live(&self) -> bool {
        self.mode.live().is_some()
    }

    pub(crate) fn reply_id(&self) -> ReplyId {
        self.mode.live().map_or(ReplyId(0), |reply| reply.id)
    }

    /// Whether the live reply has the floor: it began and is still to be heard, or it is the greeting.
    pub(crate) fn reply_speaking(&self) -> bool {
        if !self.reply_live() {
            return false;
        }
        match self.floor {
            Floor::Held | Floor::Muted { .. } => true,
            Floor::Free | Floor::Protected => {
                let heard = self.ledger.all_sent() && !self.ledger.unheard(self.now);
                (self.ledger.anything_sent() || self.greeting()) && !heard
            }
        }
    }
}
