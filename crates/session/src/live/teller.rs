//! What is told of a call while it goes on: to its log, and to whoever follows it.

use ringback_call::{At, Call, Line, ToolLine, TurnId};
use serde_json::Value;

use super::log;
use crate::meter::{Level, Meter};
use crate::news::{Follower, News};
use crate::prices::Prices;
use crate::record;

/// What was told so far.
pub(super) struct Teller {
    follower: Follower,
    logged: TurnId,
    lines: Vec<Line>,
    tools: Vec<ToolLine>,
    closed: bool,
    turn: Value,
    meter: Meter,
}

impl Teller {
    pub(super) fn new(follower: Follower) -> Self {
        Self {
            follower,
            logged: TurnId::default(),
            lines: Vec::new(),
            tools: Vec::new(),
            closed: false,
            turn: Value::Null,
            meter: Meter::default(),
        }
    }

    pub(super) fn tell(&self, news: impl FnOnce() -> News) {
        self.follower.tell(news);
    }

    /// The caller is heard.
    pub(super) fn hear(&mut self, at: At, mulaw: &[u8]) {
        if self.follower.meters()
            && let Some(Level { caller, agent }) = self.meter.hear(at, mulaw)
        {
            self.tell(|| News::Level { caller, agent });
        }
    }

    /// The caller hears this from then on.
    pub(super) fn speak(&mut self, starts: At, mulaw: &[u8]) {
        if self.follower.meters() {
            self.meter.speak(starts, mulaw);
        }
    }

    /// From then on nothing of what was sent is heard.
    pub(super) fn cut(&mut self, at: At) {
        self.meter.cut(at);
    }

    /// Nothing more will be known of the call.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Tells what has changed since it was last told: lines, and the turn that was answered last. The log has a turn once.
    pub(super) fn catch_up(&mut self, call: &Call, prices: &Prices) {
        self.log_turns(call);
        if !self.follower.listens() {
            return;
        }
        self.tell_lines(call.lines());
        self.tell_tools(call);
        if let Some(turn) = call.last_turn() {
            let turn = record::turn(turn, call.usage(), prices);
            if turn != self.turn {
                self.turn = turn.clone();
                self.tell(|| News::Turn(turn));
            }
        }
    }

    fn log_turns(&mut self, call: &Call) {
        let turns = call.turns();
        // More may be heard of the last one than a line that asks for patience.
        let last = turns
            .last()
            .filter(|_| !call.awaits_caller() && !self.closed);
        let last = last.map(|turn| turn.turn);
        for turn in turns {
            let is_new = turn.turn > self.logged && last != Some(turn.turn);
            if is_new && turn.audible.is_some() {
                self.logged = turn.turn;
                log::answered(turn);
            }
        }
    }

    fn tell_tools(&mut self, call: &Call) {
        for (number, tool) in call.tools().into_iter().enumerate() {
            let told = self.tools.get(number).is_some_and(|told| {
                (&told.call, &told.result, told.until) == (&tool.call, &tool.result, tool.until)
            });
            if told && (tool.result.is_some() || !self.closed) {
                continue;
            }
            let line = record::tool(&tool, self.closed);
            self.tell(|| News::Tool { number, line });
            self.tools.truncate(number);
            self.tools.push(tool);
        }
    }

    fn tell_lines(&mut self, lines: &[Line]) {
        if lines.len() < self.lines.len() {
            self.lines.truncate(lines.len());
            self.tell(|| News::Lines(lines.len()));
        }
        for (number, line) in lines.iter().enumerate() {
            if self.lines.get(number) == Some(line) {
                continue;
            }
            self.tell(|| News::Line {
                number,
                line: record::line(line),
            });
            self.lines.truncate(number);
            self.lines.push(line.clone());
        }
    }
}
