//! The parrot: it says what it heard. For trying a line, a recogniser and a voice.

use ringback_speech::grammar::Expect;
use ringback_speech::language::Language;

use super::script::{Answer, Said};
use crate::phrases::Phrases;
use crate::scenario::Vars;

/// The opening. `hears`: callers can be heard, and not only their keys.
pub fn open(vars: &Vars, hears: bool) -> Answer {
    let parrot = &Phrases::of(vars.language).parrot;
    let opening = vars.greeting.clone();
    let opening = opening.unwrap_or_else(|| parrot.opening.to_owned());
    if hears {
        say(opening)
    } else {
        say(format!("{opening} {}", parrot.keys_only))
    }
}

/// The answer: `You said: "..."`, for keys `You pressed: 1 2.`, and a question where there was nothing.
pub fn answer(said: &Said<'_>, language: Language) -> Answer {
    let phrases = Phrases::of(language);
    let text = said.text.trim();
    if !text.is_empty() {
        return say(format!("{} \"{text}\"", phrases.parrot.said));
    }
    match said
        .digits
        .map(|digits| keys(digits, phrases))
        .filter(|keys| !keys.is_empty())
    {
        Some(keys) => say(format!("{} {keys}.", phrases.parrot.pressed)),
        None => say(phrases.idle[0].to_owned()),
    }
}

fn keys(digits: &str, phrases: &Phrases) -> String {
    let [star, pound] = phrases.keys;
    let names: Vec<String> = digits
        .chars()
        .map(|key| match key {
            '#' => pound.to_owned(),
            '*' => star.to_owned(),
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
            let answer = answer(&said, Language::English);
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
