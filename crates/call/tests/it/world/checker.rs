//! What must be true of every call, whatever happens to it. All worlds are under its eye.

use std::collections::{BTreeMap, BTreeSet};

use ringback_call::{Action, At, Call, Event, Mark, Note, PartId, ReplyId};

/// More actions than these follow from no event.
const MOST_ACTIONS: usize = 150;

#[derive(Clone, Default)]
pub struct Checker {
    /// Samples that were spoken, by part.
    spoken: BTreeMap<(ReplyId, PartId), u64>,
    /// Parts that the voice was asked for.
    asked: BTreeSet<(ReplyId, PartId)>,
    dead: BTreeSet<ReplyId>,
    /// Speculative replies that were neither promoted nor dropped.
    guesses: BTreeSet<ReplyId>,
    /// Where the next sample of the live reply comes from.
    next: Option<(ReplyId, PartId, u32)>,
    /// The reply whose audio was cleared and which was not resumed.
    cleared: Option<ReplyId>,
    turns: u32,
    /// Calls of tools that were to be carried out.
    run: BTreeSet<String>,
    /// The last note was of a tool.
    tool: bool,
    over: bool,
    over_by_hang_up: bool,
}

impl Checker {
    /// The eye on a call as it stands.
    pub fn of(call: &Call) -> Self {
        Self {
            turns: call.snapshot().turns,
            ..Self::default()
        }
    }

    /// Hands an event in, and takes the actions out.
    pub fn handle(&mut self, call: &mut Call, at: At, event: &Event) -> Vec<Action> {
        call.handle(at, event);
        let actions: Vec<_> = std::iter::from_fn(|| call.poll_action()).collect();
        if let Event::Spoken(piece) = event {
            let place = (piece.reply, piece.part);
            let is_asked = |action: &Action| matches!(action, Action::Speak { reply, part, .. } if (*reply, *part) == place);
            if self.asked.contains(&place) || actions.iter().any(is_asked) {
                *self.spoken.entry(place).or_default() += u64::from(piece.samples);
            }
        }
        assert!(actions.len() <= MOST_ACTIONS, "{} actions", actions.len());
        assert!(
            !self.over || actions.is_empty(),
            "after the end: {actions:?}"
        );
        if *event == Event::HungUp {
            assert!(actions.is_empty(), "after the hang-up: {actions:?}");
        }
        for action in &actions {
            self.see(call, at, action);
        }
        self.settled(call, at, event, &actions);
        actions
    }

    fn see(&mut self, call: &Call, at: At, action: &Action) {
        assert!(!self.over, "after the end: {action:?}");
        match action {
            Action::Send {
                reply,
                part,
                from,
                samples,
                starts,
            } => {
                self.sent(*reply, *part, *from, *samples);
                let lead = starts.plus_samples(u64::from(*samples)).since(at);
                let ahead = u64::from(call.spec().turn.ahead_ms) * 1000;
                assert!(lead <= ahead, "{lead} us ahead");
            }
            Action::Mark(Mark::Played {
                reply, part, upto, ..
            }) => assert_eq!(self.next, Some((*reply, *part, *upto)), "a mark elsewhere"),
            Action::Clear { .. } => {
                self.cleared = self.next.map(|(reply, ..)| reply);
            }
            Action::Speak { reply, part, .. } => {
                let first = *part == PartId(0);
                assert!(first || !self.guesses.contains(reply), "too much is spoken");
                assert!(!self.dead.contains(reply), "a dead reply is spoken");
                assert!(self.asked.insert((*reply, *part)), "spoken twice");
            }
            Action::Cancel { reply, .. } => {
                assert!(self.dead.insert(*reply), "{reply:?} ends twice");
                self.guesses.remove(reply);
            }
            Action::Note(Note::Resumed { part, from, .. }) => {
                let reply = self.cleared.take().unwrap();
                self.next = Some((reply, *part, *from));
            }
            Action::Note(Note::Turn { turn, .. }) => {
                assert_eq!(turn.0, self.turns + 1, "turns are counted");
                self.turns += 1;
            }
            Action::Note(Note::Reopened { turn }) => {
                assert_eq!(turn.0, self.turns, "the last turn is reopened");
                self.turns -= 1;
            }
            Action::Respond {
                turn,
                reply,
                speculative: true,
                ..
            } => {
                assert!(call.spec().turn.speculate, "nobody may be asked in vain");
                assert_eq!(turn.0, self.turns + 1);
                assert!(self.guesses.insert(*reply));
            }
            Action::RunTool { call, .. } => {
                assert!(self.run.insert(call.id.clone()), "{call:?} is run twice");
            }
            Action::Respond { turn, .. } => assert_eq!(turn.0, self.turns),
            Action::Note(Note::Promoted { reply, .. }) => assert!(self.guesses.remove(reply)),
            Action::Note(Note::Tool { .. }) => self.tool = true,
            // What came of a tool is kept at once, also while a guess is written.
            Action::Checkpoint(_) => assert!(
                std::mem::take(&mut self.tool) || self.guesses.is_empty(),
                "a guess closes no turn"
            ),
            Action::End { .. } => self.over = true,
            _ => {}
        }
    }

    fn sent(&mut self, reply: ReplyId, part: PartId, from: u32, samples: u32) {
        assert!(!self.dead.contains(&reply), "a dead reply is sent");
        assert!(!self.guesses.contains(&reply), "a guess is sent");
        assert_ne!(self.cleared, Some(reply), "audio after a clear");
        self.cleared = None;
        let upto = from + samples;
        let spoken = self.spoken.get(&(reply, part)).copied().unwrap_or(0);
        assert!(u64::from(upto) <= spoken, "more is sent than was spoken");
        match self.next {
            Some((last, last_part, next)) if last == reply => {
                let goes_on = part == last_part && from == next;
                let next_part = part > last_part && from == 0;
                assert!(
                    goes_on || next_part,
                    "a hole before {reply:?} {part:?} {from}"
                );
            }
            last => {
                assert!(last.is_none_or(|(last, ..)| last < reply), "an old reply");
                assert_eq!(from, 0, "a reply begins with its first sample");
            }
        }
        self.next = Some((reply, part, upto));
    }

    fn settled(&mut self, call: &Call, at: At, event: &Event, actions: &[Action]) {
        let turns = |action: &&Action| matches!(action, Action::Note(Note::Turn { .. }));
        let answers = |action: &&Action| match action {
            Action::Respond {
                cause, speculative, ..
            } => *cause == ringback_call::Cause::Answer && !speculative,
            Action::Note(Note::Promoted { .. } | Note::Prepared { .. }) => true,
            _ => false,
        };
        if !matches!(event, Event::Answered { .. }) {
            assert_eq!(
                actions.iter().filter(turns).count(),
                actions.iter().filter(answers).count(),
                "a turn has one answer"
            );
        }
        assert!(self.guesses.len() <= 1, "one guess at a time");
        for line in call.lines() {
            assert!(
                line.reply
                    .is_none_or(|reply| !self.guesses.contains(&reply)),
                "a guess is in the dialog"
            );
            assert!(line.said.starts_with(&line.heard), "{line:?}");
        }
        let mut place = 0;
        for tool in call.tools() {
            assert!(tool.follows >= place, "out of its place: {tool:?}");
            assert!(tool.follows as usize <= call.lines().len(), "{tool:?}");
            place = tool.follows;
        }
        if *event == Event::Wake
            && let Some((due, reason)) = call.deadline()
        {
            assert!(due > at, "{reason:?} is due at {due:?}, now is {at:?}");
        }
        self.over |= *event == Event::HungUp;
        assert_eq!(call.is_over(), self.over);
        if call.is_over() {
            let hung_up = *event == Event::HungUp;
            assert!(hung_up || self.over_by_hang_up || self.guesses.is_empty());
            self.over_by_hang_up |= hung_up;
            assert_eq!(call.deadline(), None);
            assert!(!call.pace_due(at));
        }
    }
}
