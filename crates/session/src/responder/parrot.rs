//! The parrot: it says what it heard. For trying a line, a recogniser and a voice.

use ringback_speech::grammar::Expect;

use super::script::{Answer, Said};
use crate::scenario::Vars;

/// What the parrot opens with where the scenario has no greeting.
const OPENING: &str = "Hey! How can I help you?";

/// What callers are told who are not heard.
const KEYS_ONLY: &str = "I cannot hear speech here: press keys, and I will say them.";

/// The opening. `hears`: callers can be heard, and not only their keys.
pub fn open(vars: &Vars, hears: bool) -> Answer {
    let opening = vars.greeting.clone();
    let opening = opening.unwrap_or_else(|| OPENING.to_owned());
    if hears {
        say(opening)
    } else {
        say(format!("{opening} {KEYS_ONLY}"))
    }
}

/// The answer: `You said: "..."`, for keys `You pressed: 1 2.`, and a question where there was nothing.
pub fn answer(said: &Said<'_>) -> Answer {
    let text = said.text.trim();
    if !text.is_empty() {
        return say(format!("You said: \"{text}\""));
    }
    match said.digits.map(keys).filter(|keys| !keys.is_empty()) {
        Some(keys) => say(format!("You pressed: {keys}.")),
        None => say("Are you still there?".to_owned()),
    }
}

fn keys(digits: &str) -> String {
    let names: Vec<String> = digits
        .chars()
        .map(|key| match key {
            '#' => "pound".to_owned(),
            '*' => "star".to_owned(),
            other => other.to_string(),
        })
        .collect();
    names.join(" ")
}

fn say(text: String) -> Answer {
    Answer {
        text,
        expect: Expect::Open,
        keys: 0,
        end: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringback_call::Direction;

    #[test]
    fn it_says_what_it_heard() {
        for (said, text) in [
            (
                Said {
                    text: " hello there ",
                    ..Said::default()
                },
                "You said: \"hello there\"",
            ),
            (
                Said {
                    digits: Some("12*#"),
                    ..Said::default()
                },
                "You pressed: 1 2 star pound.",
            ),
            (
                Said {
                    silence: true,
                    ..Said::default()
                },
                "Are you still there?",
            ),
        ] {
            let answer = answer(&said);
            assert_eq!(
                (answer.text.as_str(), answer.expect, answer.end),
                (text, Expect::Open, None)
            );
        }
    }

    #[test]
    fn it_opens_with_the_greeting_or_its_own_words() {
        let mut vars = Vars::new("Compass Group", Direction::Inbound);
        assert_eq!(open(&vars, true).text, "Hey! How can I help you?");
        assert_eq!(
            open(&vars, false).text,
            "Hey! How can I help you? I cannot hear speech here: press keys, and I will say them."
        );
        vars.greeting = Some("Good day.".into());
        assert_eq!(open(&vars, true).text, "Good day.");
    }
}
