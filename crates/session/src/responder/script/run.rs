//! One conversation over a script.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::answer::{Answer, End, Hearing, RestoreError, Said, Snapshot};
use super::{Always, Destination, Expect, Next, Question, Script, State, Ways, hear, keypad};
use crate::phrases::Phrases;
use crate::scenario::destination::is_destination;
use crate::scenario::template::{MAX_TEXT_CHARS, Template, Vars};

/// What is said at once, in bytes.
const MOST_SAID: usize = 16 << 10;

/// One conversation over a script: no clock, no network, the same answers for the same words.
#[derive(Clone, Debug)]
pub struct ScriptRun {
    pub(super) script: Arc<Script>,
    pub(super) vars: Vars,
    hearing: Hearing,
    pub(super) state: Option<usize>,
    misses: u8,
    collected: BTreeMap<String, String>,
    pub(super) end: Option<End>,
}

impl ScriptRun {
    /// A conversation that has not begun.
    pub fn new(script: Arc<Script>, vars: Vars, hearing: Hearing) -> Self {
        Self {
            script,
            vars,
            hearing,
            state: None,
            misses: 0,
            collected: BTreeMap::new(),
            end: None,
        }
    }

    /// A conversation that goes on from a snapshot. [`Self::again`] asks the standing question once more.
    ///
    /// # Errors
    /// When the script was changed and the state is gone.
    pub fn restore(
        script: Arc<Script>,
        vars: Vars,
        hearing: Hearing,
        snapshot: Snapshot,
    ) -> Result<Self, RestoreError> {
        let state = match snapshot.state {
            None => None,
            Some(name) => match script.states.iter().position(|state| state.name == name) {
                Some(state) => Some(state),
                None => return Err(RestoreError { state: name }),
            },
        };
        Ok(Self {
            state,
            misses: snapshot.misses,
            collected: snapshot.collected,
            end: snapshot.end,
            ..Self::new(script, vars, hearing)
        })
    }

    /// Where the conversation stands.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: self.current().map(|state| state.name.clone()),
            misses: self.misses,
            collected: self.collected.clone(),
            end: self.end.clone(),
        }
    }

    /// The variables that were set by answers and by states.
    pub fn collected(&self) -> &BTreeMap<String, String> {
        &self.collected
    }

    /// The greeting, if there is one, and what the first state says.
    pub fn open(&mut self) -> Answer {
        let mut text = Text::default();
        if let Some(greeting) = &self.vars.greeting {
            text.add(greeting.clone());
        }
        self.enter(self.script.start(self.vars.direction), &mut text);
        self.reply(text)
    }

    /// What is said to what the caller said. Before the opening it opens; after the end it ends again.
    pub fn answer(&mut self, said: &Said<'_>) -> Answer {
        if self.end.is_some() {
            return self.ended();
        }
        let Some(index) = self.state else {
            return self.open();
        };
        let script = Arc::clone(&self.script);
        let Some(Next::Ask(question)) = script.states.get(index).map(|state| &state.next) else {
            return self.open();
        };
        if said.silence && said.text.trim().is_empty() && said.digits.is_none() {
            return self.missed(question, true);
        }
        if let Some(to) = self.leading_digits(question, said) {
            return self.go(to);
        }
        if let Some(answer) = self.meaning(question, said) {
            return self.take(question, answer, said);
        }
        match self.aside(said) {
            Some(Always::Repeat) => self.again(),
            Some(Always::Go(to)) => self.go(to),
            None => self.missed(question, false),
        }
    }

    /// The standing question once more.
    pub fn again(&mut self) -> Answer {
        if self.end.is_some() {
            return self.ended();
        }
        let Some(state) = self.current().cloned() else {
            return self.open();
        };
        let Next::Ask(question) = &state.next else {
            return self.open();
        };
        let mut text = Text::default();
        if let Some(say) = &state.say {
            text.add(self.render(say));
        }
        self.ask(question, &mut text);
        self.reply(text)
    }

    /// Adds a question, and how it may be answered.
    pub(super) fn ask(&self, question: &Question, text: &mut Text) {
        text.add(self.render(&question.ask));
        match (self.hearing, &question.hint) {
            (Hearing::DtmfOnly, _) => {
                text.add(keypad::spoken_choices(question, self.vars.language))
            }
            (Hearing::Speech, Some(hint)) => text.add(self.render(hint)),
            (Hearing::Speech, None) => {}
        }
    }

    fn current(&self) -> Option<&State> {
        self.script.states.get(self.state?)
    }

    /// What the caller answered to the question, if it is an answer.
    pub(super) fn meaning(&self, question: &Question, said: &Said<'_>) -> Option<String> {
        if let Some(digits) = said.digits {
            let typed = keypad::typed(question, digits, self.vars.language);
            if typed.is_some() {
                return typed;
            }
            let pound = digits == "#" && self.hearing == Hearing::DtmfOnly;
            if pound && question.expected.is_open() {
                return Some(String::new());
            }
        }
        // An open question takes any words, so asides go first there; elsewhere its own answers do.
        let aside = question.expected.is_open() && self.spoken_aside(said.text).is_some();
        if said.text.trim().is_empty() || aside {
            return None;
        }
        hear::answer(&question.expected, said.text, self.vars.language)
    }

    /// A condition of the question that names exactly these keys.
    pub(super) fn leading_digits(&self, question: &Question, said: &Said<'_>) -> Option<usize> {
        let keys = said.digits?.trim_end_matches('#');
        let way = question.ways.when.iter().find(|when| {
            when.digits.as_deref() == Some(keys)
                && when.answer.is_empty()
                && when.range.is_none()
                && self.holds_elsewhere(when)
        });
        way.map(|when| when.to)
    }

    pub(super) fn aside(&self, said: &Said<'_>) -> Option<Always> {
        let keys = said.digits.map(|digits| digits.trim_end_matches('#'));
        let keyed = self
            .script
            .anytime
            .iter()
            .find(|aside| keys.is_some() && aside.digits.as_deref() == keys);
        keyed
            .map(|aside| aside.action)
            .or_else(|| self.spoken_aside(said.text))
    }

    fn spoken_aside(&self, text: &str) -> Option<Always> {
        let asides = self.script.anytime.iter();
        asides
            .filter(|aside| hear::is_phrase(&aside.phrases, text))
            .map(|aside| aside.action)
            .next()
    }

    pub(super) fn take(&mut self, question: &Question, answer: String, said: &Said<'_>) -> Answer {
        let keys = said.digits.map(|digits| digits.trim_end_matches('#'));
        let to = self.way(&question.ways, Some(&answer), keys);
        if let Some(name) = &question.store {
            self.collected.insert(name.clone(), value_of(&answer));
        }
        match to {
            Some(to) => self.go(to),
            None => self.missed(question, false),
        }
    }

    fn way(&self, ways: &Ways, answer: Option<&str>, keys: Option<&str>) -> Option<usize> {
        let holds = |when: &&super::When| {
            let said = when.answer.is_empty()
                || answer.is_some_and(|answer| when.answer.iter().any(|a| a == answer));
            let keyed = when.digits.is_none() || when.digits.as_deref() == keys;
            let number = match (&when.range, &when.variable) {
                (Some(range), None) => in_range(answer, *range),
                (Some(_), Some(_)) | (None, _) => true,
            };
            said && keyed && number && self.holds_elsewhere(when)
        };
        let way = ways.when.iter().find(holds).map(|when| when.to);
        way.or(ways.otherwise)
    }

    /// The conditions of a way that are not about the answer.
    fn holds_elsewhere(&self, when: &super::When) -> bool {
        let direction = when.direction.is_none_or(|d| d == self.vars.direction);
        direction
            && when.variable.as_ref().is_none_or(|test| {
                let value = self
                    .value(&test.name)
                    .filter(|value| !value.trim().is_empty());
                let known = test.known.is_none_or(|known| known == value.is_some());
                let is = test.is.is_empty()
                    || value.is_some_and(|value| test.is.iter().any(|is| is == value));
                let range = when.range.is_none_or(|range| in_range(value, range));
                known && is && range
            })
    }

    pub(super) fn go(&mut self, to: usize) -> Answer {
        let mut text = Text::default();
        self.enter(to, &mut text);
        self.reply(text)
    }

    /// Goes on to the next question or to the end, and says what stands on the way.
    pub(super) fn enter(&mut self, to: usize, text: &mut Text) {
        let script = Arc::clone(&self.script);
        let mut next = Some(to);
        // No way leads round without a question, so a way is never longer than the script.
        for _ in 0..script.states.len() {
            let Some((index, state)) = next.and_then(|i| Some((i, script.states.get(i)?))) else {
                break;
            };
            self.state = Some(index);
            self.misses = 0;
            for (name, value) in &state.set {
                let value = value.render(|name| self.value(name));
                self.collected.insert(name.clone(), value_of(&value));
            }
            if let Some(say) = &state.say {
                text.add(self.render(say));
            }
            match &state.next {
                Next::Ask(question) => {
                    self.ask(question, text);
                    return;
                }
                Next::Go(ways) => next = self.way(ways, None, None),
                Next::Transfer(to) => {
                    self.end = Some(self.put_through(to));
                    return;
                }
                Next::HangUp => break,
            }
        }
        self.end = Some(End::HangUp);
    }

    fn put_through(&self, to: &Destination) -> End {
        let number = match to {
            Destination::Fixed(number) => Some(number.as_str()),
            Destination::Setting(name) => self.value(name),
        };
        match number.filter(|number| is_destination(number)) {
            Some(number) => End::Transfer(number.to_owned()),
            None => End::HangUp,
        }
    }

    /// The question was not answered: it is asked again, or given up.
    fn missed(&mut self, question: &Question, silence: bool) -> Answer {
        let mut text = Text::default();
        if self.misses >= question.retry.max {
            match question.retry.then {
                Some(to) => self.enter(to, &mut text),
                None => {
                    text.add(self.render(&self.script.give_up));
                    self.end = Some(End::HangUp);
                }
            }
            return self.reply(text);
        }
        self.misses += 1;
        let retry = &question.retry;
        text.add(self.render(if silence { &retry.silence } else { &retry.say }));
        match &question.reprompt {
            None => self.ask(question, &mut text),
            Some(reprompt) => {
                text.add(self.render(reprompt));
                if self.hearing == Hearing::DtmfOnly {
                    text.add(keypad::spoken_choices(question, self.vars.language));
                }
            }
        }
        // Who was not heard twice is told the keys.
        if self.hearing == Hearing::Speech && self.misses > 1 && !question.expected.is_open() {
            text.add(keypad::spoken_choices(question, self.vars.language));
        }
        self.reply(text)
    }

    fn ended(&self) -> Answer {
        let mut text = Text::default();
        if let (Some(End::Transfer(_)), Some(State { say: Some(say), .. })) =
            (&self.end, self.current())
        {
            text.add(self.render(say));
        }
        self.reply(text)
    }

    pub(super) fn reply(&self, text: Text) -> Answer {
        let question = match (&self.end, self.current().map(|state| &state.next)) {
            (None, Some(Next::Ask(question))) => Some(question),
            _ => None,
        };
        let text = if text.0.is_empty() {
            Phrases::of(self.vars.language).bye.to_owned()
        } else {
            text.0
        };
        Answer {
            text,
            expect: question.map_or(Expect::Open, |question| self.expect(question)),
            keys: question.map_or(0, |question| keypad::length(question)),
            end: self.end.clone(),
        }
    }

    fn expect(&self, question: &Question) -> Expect {
        let asides = self
            .script
            .anytime
            .iter()
            .flat_map(|a| a.phrases.iter().cloned());
        let asides: Vec<String> = asides.collect();
        let asked = question.expected.to_expect();
        if asides.is_empty() {
            return asked;
        }
        let mut all = match asked.clone() {
            Expect::Any(list) => list,
            Expect::Open
            | Expect::Phrases(_)
            | Expect::YesNo
            | Expect::Number { .. }
            | Expect::Digits { .. }
            | Expect::Date
            | Expect::Name(_)
            | Expect::Keywords(_) => vec![asked],
        };
        all.push(Expect::Phrases(asides));
        Expect::Any(all)
    }

    fn value(&self, name: &str) -> Option<&str> {
        let own = self.collected.get(name);
        own.or_else(|| self.script.variables.get(name))
            .map(String::as_str)
            .or_else(|| self.vars.value(name))
    }

    /// A text with its variables put in; strings of digits are spelled, so that they are not spoken as one number.
    pub(super) fn render(&self, template: &Template) -> String {
        let spelled: BTreeMap<&str, String> = template
            .variables()
            .filter(|(name, _)| self.script.digit_variables.contains(*name))
            .filter_map(|(name, _)| Some((name, spell(self.value(name)?))))
            .collect();
        template.render(|name| match spelled.get(name) {
            Some(spelled) => Some(spelled.as_str()),
            None => self.value(name),
        })
    }
}

fn in_range(value: Option<&str>, (min, max): (i64, i64)) -> bool {
    let number = value.and_then(|value| value.parse::<i64>().ok());
    number.is_some_and(|number| (min..=max).contains(&number))
}

fn spell(value: &str) -> String {
    if !value.bytes().all(|b| b.is_ascii_digit()) {
        return value.to_owned();
    }
    let digits: Vec<_> = value.chars().map(String::from).collect();
    digits.join(" ")
}

/// A variable's value: at most as long as what is spoken at once. Values that are made of values would grow without end.
fn value_of(text: &str) -> String {
    text.chars().take(MAX_TEXT_CHARS).collect()
}

/// Sentences with one space between them. Those behind 16 KiB, a quarter of an hour of speech, are left out.
#[derive(Default)]
pub(super) struct Text(pub(super) String);

impl Text {
    pub(super) fn add(&mut self, sentence: String) {
        if sentence.is_empty() || self.0.len() > MOST_SAID {
            return;
        }
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(&sentence);
    }
}
