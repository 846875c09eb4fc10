//! Answers of models to common questions, kept for other callers. Off unless a scenario wants it.
//!
//! Only what nobody's call has coloured is kept: the answer to the first thing that a caller said, whole, without a tool, after
//! which the conversation goes on. It is given to anybody who asks the same of the same scenario.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ringback_call::{Cause, Speaker};
use tokio::time::Instant;

use super::Asked;
use super::asked::hints;

/// Answers that are kept by a server.
const MOST: usize = 1000;
/// A shorter question means something else after every line: "yes, please".
const FEWEST_WORDS: usize = 3;
/// A longer one is not common, in characters.
const LONGEST_QUESTION: usize = 200;

/// The answers of all calls of a server.
#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    answers: BTreeMap<Key, Answer>,
    order: VecDeque<Key>,
}

#[derive(Debug)]
struct Answer {
    text: String,
    at: Instant,
}

/// A question of a scenario in its version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// Everything that the model is told before the conversation, its language with it, and which model it is.
    version: Arc<str>,
    question: String,
}

/// The answers, as one call uses them.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    pub(crate) answers: Arc<Answers>,
    /// How long an answer may be used.
    pub(crate) fresh: Duration,
    pub(crate) version: Arc<str>,
}

impl Shelf {
    /// Under which name the answer to this is kept, if it may be given from here.
    pub(super) fn key(&self, asked: &Asked<'_>) -> Option<Key> {
        let plain = asked.cause == Cause::Answer && asked.digits.is_empty();
        if !plain || !asked.tools.is_empty() || hints(asked.lines).next().is_some() {
            return None;
        }
        let question = normalised(asked.text);
        let common = question.split(' ').count() >= FEWEST_WORDS
            && question.chars().count() <= LONGEST_QUESTION;
        common.then(|| Key {
            version: Arc::clone(&self.version),
            question,
        })
    }

    pub(super) fn find(&self, key: &Key, now: Instant) -> Option<String> {
        let kept = self.answers.lock();
        let answer = kept.answers.get(key)?;
        let fresh = now.saturating_duration_since(answer.at) < self.fresh;
        fresh.then(|| answer.text.clone())
    }

    pub(super) fn keep(&self, key: Key, text: String, now: Instant) {
        let mut kept = self.answers.lock();
        kept.order.retain(|other| *other != key);
        while kept.order.len() >= MOST
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.answers.remove(&oldest);
        }
        kept.order.push_back(key.clone());
        kept.answers.insert(key, Answer { text, at: now });
    }
}

impl Answers {
    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether this is the first thing that the caller said: what a model answers to it knows nothing of them but this.
pub(super) fn is_first(asked: &Asked<'_>) -> bool {
    let by_caller = |line: &&ringback_call::Line| line.speaker == Speaker::Caller;
    asked.lines.iter().filter(by_caller).count() <= 1
}

/// The same question, however it is written.
fn normalised(text: &str) -> String {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '\''));
    let words = words.filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use ringback_call::{ReplyId, TurnId};

    use super::*;

    fn shelf(version: &str) -> Shelf {
        Shelf {
            answers: Arc::default(),
            fresh: Duration::from_secs(60),
            version: version.into(),
        }
    }

    fn asked<'a>(text: &'a str, digits: &'a str, cause: Cause) -> Asked<'a> {
        Asked {
            turn: TurnId(1),
            reply: ReplyId(1),
            cause,
            waited: Duration::ZERO,
            text,
            digits,
            lines: &[],
            tools: &[],
        }
    }

    fn key(shelf: &Shelf, text: &str) -> Option<Key> {
        shelf.key(&asked(text, "", Cause::Answer))
    }

    #[test]
    fn the_same_question_of_the_same_version_has_the_same_answer_while_it_is_fresh() {
        let shelf = shelf("1");
        let now = Instant::now();
        let first = key(&shelf, "When do you open?").unwrap();
        shelf.keep(first, "At nine.".into(), now);
        let again = key(&shelf, " when do you OPEN ").unwrap();
        assert_eq!(shelf.find(&again, now).as_deref(), Some("At nine."));
        let stale = now + Duration::from_secs(60);
        assert_eq!(shelf.find(&again, stale), None);
        let other = Shelf {
            version: "2".into(),
            ..shelf.clone()
        };
        assert_eq!(
            other.find(&key(&other, "When do you open?").unwrap(), now),
            None
        );
    }

    #[test]
    fn short_words_keys_and_what_is_no_answer_have_no_place() {
        let shelf = shelf("1");
        assert_eq!(key(&shelf, "Yes, please."), None);
        assert_eq!(key(&shelf, &"why ".repeat(51)), None);
        let keyed = asked("when do you open", "1", Cause::Answer);
        assert_eq!(shelf.key(&keyed), None);
        let silent = asked("when do you open", "", Cause::Silence);
        assert_eq!(shelf.key(&silent), None);
    }

    #[test]
    fn the_oldest_answers_make_room() {
        let shelf = shelf("1");
        let now = Instant::now();
        let at = |number: usize| key(&shelf, &format!("what about number {number}")).unwrap();
        for number in 0..=MOST {
            shelf.keep(at(number), "x".into(), now);
        }
        assert_eq!(shelf.find(&at(0), now), None);
        assert!(shelf.find(&at(1), now).is_some());
        assert_eq!(shelf.answers.lock().answers.len(), MOST);
    }
}
