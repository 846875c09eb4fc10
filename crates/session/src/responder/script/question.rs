//! Reading a question: what is expected, where each answer leads, what happens without one.

use std::collections::BTreeMap;

use ringback_call::Direction;

use super::expected::{self, Expected};
use super::read::{Reading, keys, shared_text};
use super::state::own_name;
use super::{Question, Retry, Test, Ways, When};
use crate::scenario::field::{Field, Section};

/// The most ways of one state, beside its goto.
const MOST_WAYS: usize = 100;

pub(super) fn read(
    section: &mut Section<'_>,
    ask: &Field<'_>,
    reading: &mut Reading<'_>,
) -> Option<Question> {
    let ask = reading.text(ask, true);
    let hint = section.take("hint").map(|f| reading.text(&f, true));
    let reprompt = section.take("reprompt").map(|f| reading.text(&f, true));
    let expected = match section.take("expect") {
        Some(field) => expected::read(&field, reading.findings),
        None => {
            let remedy = "say what may be answered: \"yes_no\", { phrases = [...] }, { number = { min, max } }, \"open\" ...";
            section.missing(reading.findings, "expect", remedy);
            None
        }
    };
    let keys = key_answers(section, expected.as_ref(), reading);
    let store = section.take("store").and_then(|field| {
        let name = field.text(reading.findings)?;
        own_name(&name, &field, reading.findings).then_some(name)
    });
    let before = reading.findings.problems.len();
    let ways = ways(section, Asked::Question(expected.as_ref()), reading);
    let ways_are_sound = reading.findings.problems.len() == before;
    let retry = match section.take("retry") {
        Some(field) => {
            let mut own = field.section(reading.findings)?;
            let retry = retry(&mut own, reading, true);
            own.finish(reading.findings);
            retry
        }
        None => reading.retry.clone(),
    };
    let expected = expected?;
    if ways_are_sound {
        check_ways(section, &expected, &ways, reading);
    }
    Some(Question {
        ask: ask?,
        hint: hint.flatten(),
        reprompt: reprompt.flatten(),
        expected,
        keys,
        store,
        ways,
        retry,
    })
}

/// Reads `max`, `say`, `silence` and `then` over the script's own. `in_state` is whether this is the retry of one question.
pub(super) fn retry(section: &mut Section<'_>, reading: &mut Reading<'_>, in_state: bool) -> Retry {
    let mut retry = reading.retry.clone();
    if let Some(field) = section.take("max")
        && let Some(max) = field.whole(reading.findings, 0..=5, "times")
    {
        retry.max = max;
    }
    for name in ["say", "silence"] {
        let Some(field) = section.take(name) else {
            continue;
        };
        let text = if in_state {
            reading.text(&field, true)
        } else {
            shared_text(&field, reading)
        };
        match (name, text) {
            ("say", Some(text)) => retry.say = text,
            (_, Some(text)) => retry.silence = text,
            (_, None) => {}
        }
    }
    if let Some(field) = section.take("then") {
        retry.then = reading.target(&field);
    }
    retry
}

/// Reads `keys`: what single keys stand for, instead of the usual.
fn key_answers(
    section: &mut Section<'_>,
    expected: Option<&Expected>,
    reading: &mut Reading<'_>,
) -> BTreeMap<String, String> {
    let mut answers = BTreeMap::new();
    let Some(field) = section.take("keys") else {
        return answers;
    };
    let Some(table) = field.section(reading.findings) else {
        return answers;
    };
    for (key, field) in table.all() {
        let single = key.len() <= 2 && key.bytes().all(|b| b.is_ascii_digit() || b == b'*');
        if !single || key.is_empty() {
            field.problem(
                reading.findings,
                format!("\"{key}\" is no key"),
                "use one or two of 0 to 9 and *",
            );
            continue;
        }
        let Some(answer) = field.text(reading.findings) else {
            continue;
        };
        if let Some(expected) = expected {
            expected::check_answer(&answer, expected, &field, reading.findings);
        }
        answers.insert(key.to_owned(), answer);
    }
    answers
}

/// What conditions may look at: without a question at variables and direction alone.
#[derive(Clone, Copy)]
pub(super) enum Asked<'e> {
    Nothing,
    /// A question, with what it expects if that could be read.
    Question(Option<&'e Expected>),
}

/// Reads `when` and `goto`.
pub(super) fn ways(section: &mut Section<'_>, asked: Asked<'_>, reading: &mut Reading<'_>) -> Ways {
    let mut when = Vec::new();
    if let Some(field) = section.take("when") {
        let items = field.list(reading.findings);
        if items.len() > MOST_WAYS {
            let what = format!("there are more than {MOST_WAYS} ways");
            field.problem(reading.findings, what, "put a state between them");
        }
        for item in items.iter().take(MOST_WAYS) {
            when.extend(one_way(item, asked, reading));
        }
    }
    let otherwise = section
        .take("goto")
        .and_then(|field| reading.target(&field));
    Ways { when, otherwise }
}

fn one_way(item: &Field<'_>, asked: Asked<'_>, reading: &mut Reading<'_>) -> Option<When> {
    let before = reading.findings.problems.len();
    let mut section = item.section(reading.findings)?;
    let (answer, digits) = match asked {
        Asked::Question(expected) => answers(&mut section, expected, reading),
        Asked::Nothing => (Vec::new(), None),
    };
    let variable = test(&mut section, reading);
    let range = range(&mut section, reading);
    let words = [
        ("inbound", Direction::Inbound),
        ("outbound", Direction::Outbound),
    ];
    let direction = section
        .take("direction")
        .and_then(|field| field.word(reading.findings, &words));
    let goto = section.take("goto");
    let conditions = !answer.is_empty()
        || digits.is_some()
        || variable.is_some()
        || range.is_some()
        || direction.is_some();
    if !conditions && reading.findings.problems.len() == before {
        reading.problem(
            &section,
            "this way has no condition",
            "give one, or use the state's goto",
        );
    }
    if range.is_some() && variable.is_none() && matches!(asked, Asked::Nothing) {
        reading.problem(
            &section,
            "min and max have nothing to look at",
            "name a variable",
        );
    }
    let to = match goto {
        Some(field) => reading.target(&field),
        None => {
            section.missing(reading.findings, "goto", "name the state it leads to");
            None
        }
    };
    section.finish(reading.findings);
    Some(When {
        answer,
        digits,
        range,
        variable,
        direction,
        to: to?,
    })
}

/// The conditions on the answer: what was said, what was keyed.
fn answers(
    section: &mut Section<'_>,
    expected: Option<&Expected>,
    reading: &mut Reading<'_>,
) -> (Vec<String>, Option<String>) {
    let mut answers = Vec::new();
    if let Some(field) = section.take("answer") {
        answers = one_or_more(&field, reading);
        for (answer, expected) in answers.iter().flat_map(|answer| Some((answer, expected?))) {
            expected::check_answer(answer, expected, &field, reading.findings);
        }
    }
    let digits = section
        .take("digits")
        .and_then(|field| keys(&field, reading.findings));
    (answers, digits)
}

fn one_or_more(field: &Field<'_>, reading: &mut Reading<'_>) -> Vec<String> {
    if field.is_list() {
        field.texts(reading.findings)
    } else {
        field.text(reading.findings).into_iter().collect()
    }
}

fn test(section: &mut Section<'_>, reading: &mut Reading<'_>) -> Option<Test> {
    let field = section.take("variable");
    let is = section.take("is");
    let known = section.take("known");
    let Some(field) = field else {
        if let Some(lone) = is.or(known) {
            lone.problem(
                reading.findings,
                "this looks at no variable",
                "name one: variable = \"...\"",
            );
        }
        return None;
    };
    let name = field.text(reading.findings)?;
    reading.uses.push(super::check::Use {
        state: None,
        entered: true,
        name: name.clone(),
        stands_in: true,
        at: field.at,
        path: field.path.clone(),
    });
    let is = is.map_or_else(Vec::new, |field| one_or_more(&field, reading));
    let known = known.and_then(|field| field.bool(reading.findings));
    Some(Test { name, is, known })
}

fn range(section: &mut Section<'_>, reading: &mut Reading<'_>) -> Option<(i64, i64)> {
    let mut bound = |name| {
        let field = section.take(name)?;
        field.whole(reading.findings, -999_999..=999_999_i64, "")
    };
    let (min, max) = (bound("min"), bound("max"));
    if min.is_none() && max.is_none() {
        return None;
    }
    Some((min.unwrap_or(i64::MIN), max.unwrap_or(i64::MAX)))
}

/// Names the answers that lead nowhere.
fn check_ways(section: &Section<'_>, expected: &Expected, ways: &Ways, reading: &mut Reading<'_>) {
    if ways.otherwise.is_some() {
        return;
    }
    let plain =
        |when: &&When| when.digits.is_none() && when.variable.is_none() && when.direction.is_none();
    let sure: Vec<&When> = ways.when.iter().filter(plain).collect();
    let stuck = match expected {
        Expected::YesNo | Expected::Choice { .. } => expected
            .answers()
            .into_iter()
            .find(|answer| !sure.iter().any(|when| takes(when, answer)))
            .map(|answer| format!("the answer \"{answer}\" leads nowhere")),
        Expected::Number { min, max } => {
            uncovered(*min, *max, &sure).map(|number| format!("the answer {number} leads nowhere"))
        }
        Expected::Open | Expected::Date | Expected::Digits { .. } | Expected::Any(_) => {
            Some("some answers lead nowhere".to_owned())
        }
    };
    if let Some(what) = stuck {
        reading.problem(section, &what, "give goto, or add it to when");
    }
}

fn takes(when: &When, answer: &str) -> bool {
    when.range.is_none() && when.answer.iter().any(|a| a == answer)
}

/// The least number of a range for which no condition holds.
fn uncovered(min: i64, max: i64, ways: &[&When]) -> Option<i64> {
    let mut number = min;
    while number <= max {
        let covering = ways
            .iter()
            .filter(|when| when.answer.is_empty())
            .filter_map(|when| when.range)
            .filter(|(from, to)| (*from..=*to).contains(&number))
            .map(|(_, to)| to)
            .max();
        match covering {
            Some(to) if to < max => number = to + 1,
            Some(_) => return None,
            None => return Some(number),
        }
    }
    None
}
