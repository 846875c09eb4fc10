//! A script that goes on where a language model stopped.

use std::sync::Arc;

use super::answer::{Answer, Said};
use super::run::{ScriptRun, Text};
use super::{Always, Next};

impl ScriptRun {
    /// Whether anything was asked or said.
    pub(crate) fn has_begun(&self) -> bool {
        self.state.is_some() || self.end.is_some()
    }

    /// Begins without the greeting, in the place of another who spoke with the caller before. What the caller said last is taken if
    /// it answers the first question, or is what they may say at any. Else it was lost, and that question is asked.
    pub(crate) fn take_over(&mut self, said: &Said<'_>) -> Answer {
        let mut begin = Text::default();
        self.enter(self.script.start(self.vars.direction), &mut begin);
        let script = Arc::clone(&self.script);
        let state = self.state.and_then(|index| script.states.get(index));
        let something = said.digits.is_some() || !said.text.trim().is_empty();
        let question = match state.map(|state| &state.next) {
            Some(Next::Ask(question)) if something && self.end.is_none() => question,
            Some(Next::Ask(_) | Next::Go(_) | Next::Transfer(_) | Next::HangUp) | None => {
                return self.reply(begin);
            }
        };
        if let Some(to) = self.leading_digits(question, said) {
            return self.go(to);
        }
        // An open question takes any words, and these were said to another.
        if !question.expected.is_open()
            && let Some(answer) = self.meaning(question, said)
        {
            return self.take(question, answer, said);
        }
        if let Some(Always::Go(to)) = self.aside(said) {
            return self.go(to);
        }
        let mut text = Text::default();
        text.add(self.render(&question.retry.say));
        text.add(begin.0);
        self.reply(text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::responder::script::{End, Hearing};
    use crate::scenario::{Origin, Responder, built_in, parse};
    use ringback_call::Direction;

    fn run(text: &str) -> ScriptRun {
        let (scenario, _) = parse(text, &Origin::text("t")).unwrap();
        let Some(Responder::Script { script }) = scenario.engines.responders.last() else {
            panic!("no script");
        };
        let vars = scenario.vars(Direction::Inbound, "Compass Group");
        ScriptRun::new(Arc::clone(script), vars, Hearing::Speech)
    }

    fn guest(text: &str) -> ScriptRun {
        let mut run = run(built_in("guest-relations").unwrap());
        assert!(!run.has_begun());
        run.take_over(&Said {
            text,
            ..Said::default()
        });
        run
    }

    #[test]
    fn what_was_said_last_answers_the_first_question_or_is_an_aside_or_was_not_understood() {
        for (said, state) in [
            ("I have some feedback.", "topic"),
            ("call me back", "number"),
            ("can I speak to a person", "number"),
            ("Tuesday.", "welcome"),
            ("say that again", "welcome"),
            ("", "welcome"),
        ] {
            let run = guest(said);
            assert!(run.has_begun());
            assert_eq!(run.snapshot().state.as_deref(), Some(state), "{said}");
        }
        assert_eq!(guest("goodbye").snapshot().end, Some(End::HangUp));
    }

    #[test]
    fn the_first_question_follows_what_was_lost_without_a_greeting() {
        let text = built_in("guest-relations").unwrap();
        let lost = run(text).take_over(&Said {
            text: "Tuesday.",
            ..Said::default()
        });
        let first = "I can take your feedback about our food and services. How can I help you today? You can say feedback, or a call back.";
        assert_eq!(lost.text, format!("Sorry, I did not catch that. {first}"));
        assert_eq!(run(text).take_over(&Said::default()).text, first);
    }

    #[test]
    fn words_for_another_do_not_answer_an_open_question() {
        let mut run = run(
            "[[script.state]]\nname = \"q\"\nask = \"Your name?\"\nexpect = \"open\"\nstore = \"who\"\ngoto = \"end\"\n\
             [[script.state]]\nname = \"end\"\nsay = \"Thanks {who|you}.\"\nhang_up = true\n",
        );
        let answer = run.take_over(&Said {
            text: "What do you cost?",
            ..Said::default()
        });
        assert_eq!(answer.text, "Sorry, I did not catch that. Your name?");
        assert!(run.collected().is_empty());
    }
}
