//! The script: a conversation written down as states, without a model, a clock or a network.
//!
//! A [`Script`] stands in a scenario and is checked when it is loaded: every state can be reached, every answer leads somewhere,
//! no way leads round in a circle without a question, and no text uses a variable that may have no value. A [`ScriptRun`] is one
//! conversation over it: it opens, then answers what the caller said or keyed, until it ends the call.

mod answer;
mod check;
mod expected;
mod graph;
mod hear;
mod keypad;
mod question;
mod read;
mod run;
mod stand_in;
mod state;

#[cfg(test)]
mod bounds_tests;
#[cfg(test)]
mod dialogue_tests;
#[cfg(test)]
mod problem_tests;
#[cfg(test)]
mod run_tests;
#[cfg(test)]
mod uses_tests;
#[cfg(test)]
mod walk_tests;

use std::collections::{BTreeMap, BTreeSet};

pub use answer::{Answer, End, Hearing, RestoreError, Said, Snapshot};
use ringback_call::Direction;
pub use ringback_speech::grammar::Expect;
pub use run::ScriptRun;

use self::expected::Expected;
pub(crate) use self::read::read;
use crate::scenario::template::Template;

/// A conversation as states. Made by [`crate::scenario::parse`].
#[derive(Clone, Debug)]
pub struct Script {
    states: Vec<State>,
    inbound: usize,
    outbound: usize,
    anytime: Vec<Anytime>,
    /// What is said when a question was not answered for the last time and no state is named for that.
    give_up: Template,
    /// First values of variables.
    variables: BTreeMap<String, String>,
    /// The variables that hold digits one by one, which are spoken so.
    digit_variables: BTreeSet<String>,
}

impl Script {
    /// Where its states put callers through, with their numbers; settings do so elsewhere.
    pub(crate) fn transfers(&self) -> impl Iterator<Item = (usize, &str)> {
        let states = self.states.iter().enumerate();
        states.filter_map(|(number, state)| match &state.next {
            Next::Transfer(Destination::Fixed(to)) => Some((number, to.as_str())),
            Next::Transfer(Destination::Setting(_)) | Next::Ask(_) | Next::Go(_) | Next::HangUp => {
                None
            }
        })
    }

    fn start(&self, direction: Direction) -> usize {
        match direction {
            Direction::Inbound => self.inbound,
            Direction::Outbound => self.outbound,
        }
    }
}

/// A stop of the conversation.
#[derive(Clone, Debug)]
struct State {
    name: String,
    /// Variables that get a value on entering.
    set: Vec<(String, Template)>,
    say: Option<Template>,
    next: Next,
}

/// What follows when a state has said what it says.
#[derive(Clone, Debug)]
enum Next {
    Ask(Box<Question>),
    Go(Ways),
    Transfer(Destination),
    HangUp,
}

/// Where a caller is put through. A caller cannot choose it.
#[derive(Clone, Debug)]
enum Destination {
    Fixed(String),
    /// A variable that the scenario's settings fill: `transfer_to`, or one of a named destination.
    Setting(String),
}

/// A question with what may be answered.
#[derive(Clone, Debug)]
struct Question {
    ask: Template,
    /// Added where callers can be heard: what they may say.
    hint: Option<Template>,
    /// Asked from the second time on, instead of both.
    reprompt: Option<Template>,
    expected: Expected,
    /// Keys and the answers they stand for, instead of the usual ones.
    keys: BTreeMap<String, String>,
    store: Option<String>,
    ways: Ways,
    retry: Retry,
}

/// Where a state leads: the first condition that holds, else `otherwise`.
#[derive(Clone, Debug)]
struct Ways {
    when: Vec<When>,
    otherwise: Option<usize>,
}

/// A way with its conditions, all of which must hold.
#[derive(Clone, Debug)]
struct When {
    /// The answer is one of these; empty: any.
    answer: Vec<String>,
    /// Exactly these keys were pressed.
    digits: Option<String>,
    /// The answer, or the variable where one is named, is a number in this range.
    range: Option<(i64, i64)>,
    variable: Option<Test>,
    direction: Option<Direction>,
    to: usize,
}

/// A condition on a variable.
#[derive(Clone, Debug)]
struct Test {
    name: String,
    /// It has one of these values; empty: any.
    is: Vec<String>,
    /// Whether it has a value at all.
    known: Option<bool>,
}

/// What happens when a question is not answered.
#[derive(Clone, Debug)]
struct Retry {
    /// How many times it is asked again.
    max: u8,
    /// Said first when the answer was not understood.
    say: Template,
    /// Said first when there was no answer.
    silence: Template,
    /// Where it goes on after the last time; `None` ends the call.
    then: Option<usize>,
}

/// Something a caller may say or key at any question.
#[derive(Clone, Debug)]
struct Anytime {
    phrases: Vec<String>,
    digits: Option<String>,
    action: Always,
}

/// What it does.
#[derive(Clone, Copy, Debug)]
enum Always {
    Repeat,
    Go(usize),
}
