//! What the model's twin says: a script, or plain answers that follow from what it was told.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use serde::Deserialize;

use super::mark::{Mark, PLACE};

/// The longest text a reply may be repeated to, in bytes.
const LONGEST: usize = 4 << 20;

/// The script of the recognisers and the model.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// Lines that recognisers return, one for each utterance of a stream.
    pub heard: Vec<String>,
    /// What the model says.
    #[serde(rename = "reply")]
    pub replies: Vec<Reply>,
}

/// One reply of the model: a text, a call, or both.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reply {
    /// Given whenever the last message holds these words (capitals do not matter); without it the reply has its turn.
    pub when: Option<String>,
    /// What is said.
    pub text: String,
    /// How many times over; once if left out.
    pub repeat: Option<usize>,
    /// The tool that is called.
    pub tool_call: Option<Call>,
}

/// A call of a tool.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Call {
    /// The tool's name.
    pub name: String,
    /// Its arguments: a table, or a text that goes out as it is, JSON or not.
    pub arguments: Option<toml::Value>,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// A line that names the fault and its place.
    pub fn parse(text: &str) -> Result<Self, String> {
        let script: Self =
            toml::from_str(text).map_err(|error| error.to_string().trim().replace('\n', " "))?;
        for reply in &script.replies {
            if reply
                .tool_call
                .as_ref()
                .is_some_and(|call| call.name.is_empty())
            {
                return Err("a tool_call needs a name".to_owned());
            }
            if reply.text.len() * reply.repeat.unwrap_or(1) > LONGEST {
                return Err("a reply is repeated to more than 4 MiB".to_owned());
            }
        }
        Ok(script)
    }

    /// Reads the script in a file.
    ///
    /// # Errors
    /// A file that cannot be read, or is no script.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("the script {} cannot be read", path.display()))?;
        Self::parse(&text).map_err(|why| anyhow::anyhow!("the script {}: {why}", path.display()))
    }
}

/// A dialog as far as it matters for the next reply.
#[derive(Debug, Default)]
pub(super) struct Dialog {
    /// The last message.
    pub(super) last: String,
    /// It is the result of a tool.
    pub(super) is_result: bool,
    /// How many messages and results of tools the caller's side has sent.
    pub(super) turns: usize,
    /// The tools that may be called.
    pub(super) tools: Vec<String>,
    /// Words of the whole request, which stand for its tokens.
    pub(super) words: usize,
}

impl Dialog {
    /// Something the caller's side said.
    pub(super) fn told(&mut self, text: String, is_result: bool) {
        self.words += words(&text);
        self.turns += 1;
        self.is_result = is_result;
        self.last = text;
    }

    /// Something else that the model reads.
    pub(super) fn read(&mut self, text: &str) {
        self.words += words(text);
    }
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// What the model says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    /// In tokens: words with the space behind them.
    pub(super) tokens: Vec<String>,
    /// Name and arguments.
    pub(super) call: Option<(String, String)>,
    /// It was cut at the limit of tokens.
    pub(super) is_cut: bool,
}

impl Said {
    pub(super) fn text(&self) -> String {
        self.tokens.concat()
    }

    /// Tokens of the answer, for the usage.
    pub(super) fn count(&self) -> u64 {
        let arguments = self
            .call
            .as_ref()
            .map_or(0, |(_, arguments)| 1 + words(arguments));
        (self.tokens.len() + arguments) as u64
    }
}

/// The script of the model.
#[derive(Debug, Clone, Default)]
pub(super) struct Replies(pub(super) Arc<[Reply]>);

impl Replies {
    /// The next reply: the first whose words were said, else the next in turn, else a plain answer. Whose turn it is
    /// follows from the dialog alone: a request that is sent again gets the same reply.
    pub(super) fn answer(&self, dialog: &Dialog, most: Option<u64>) -> Said {
        let last = dialog.last.to_lowercase();
        let fits = |reply: &&Reply| {
            let when = reply.when.as_ref();
            when.is_some_and(|when| last.contains(&when.to_lowercase()))
        };
        let in_turn: Vec<_> = self.0.iter().filter(|reply| reply.when.is_none()).collect();
        let turn = dialog.turns.saturating_sub(1);
        let next = || in_turn.get(turn % in_turn.len().max(1)).copied();
        let (text, call) = match self.0.iter().find(fits).or_else(next) {
            Some(reply) => scripted(reply, dialog),
            None => (plain(dialog), None),
        };
        let mut tokens = tokens(&text);
        let most = most.map_or(usize::MAX, |most| {
            usize::try_from(most).unwrap_or(usize::MAX)
        });
        let is_cut = tokens.len() > most;
        tokens.truncate(most);
        Said {
            tokens,
            call,
            is_cut,
        }
    }
}

fn scripted(reply: &Reply, dialog: &Dialog) -> (String, Option<(String, String)>) {
    let mark = Mark::last_in(&dialog.last).map_or(String::new(), Mark::word);
    let text = reply.text.replace(PLACE, &mark);
    let text = text.repeat(reply.repeat.unwrap_or(1));
    let Some(call) = &reply.tool_call else {
        return (text, None);
    };
    if !dialog.tools.contains(&call.name) {
        let why = format!(
            "The script calls the tool {}, which was not offered.",
            call.name
        );
        return (why, None);
    }
    let arguments = match &call.arguments {
        None => "{}".to_owned(),
        Some(toml::Value::String(text)) => text.clone(),
        Some(other) => serde_json::to_string(other).unwrap_or_default(),
    };
    (text, Some((call.name.clone(), arguments)))
}

fn plain(dialog: &Dialog) -> String {
    let last = dialog.last.trim();
    if last.is_empty() {
        "Hello, how can I help you?".to_owned()
    } else if dialog.is_result {
        format!("The result is: {last}")
    } else {
        format!("You said: {last}")
    }
}

/// Words with the space behind them.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut in_space = false;
    for letter in text.chars() {
        let begins = in_space && !letter.is_whitespace();
        in_space = letter.is_whitespace();
        match tokens.last_mut() {
            Some(token) if !begins => token.push(letter),
            Some(_) | None => tokens.push(letter.to_string()),
        }
    }
    tokens
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dialog(last: &str, turns: usize) -> Dialog {
        Dialog {
            last: last.to_owned(),
            turns,
            tools: vec!["slots".to_owned()],
            ..Dialog::default()
        }
    }

    fn replies(text: &str) -> Replies {
        Replies(Script::parse(text).unwrap().replies.into())
    }

    #[test]
    fn without_a_script_the_answer_follows_from_what_was_said() {
        let none = Replies::default();
        assert_eq!(
            none.answer(&dialog("I'd like a table.", 1), None).text(),
            "You said: I'd like a table."
        );
        assert_eq!(
            none.answer(&dialog("", 0), None).text(),
            "Hello, how can I help you?"
        );
        let result = Dialog {
            is_result: true,
            ..dialog("{\"free\":2}", 2)
        };
        assert_eq!(
            none.answer(&result, None).text(),
            "The result is: {\"free\":2}"
        );
        let cut = none.answer(&dialog("one two three", 1), Some(3));
        assert_eq!(
            (cut.text().as_str(), cut.is_cut, cut.count()),
            ("You said: one ", true, 3)
        );
    }

    #[test]
    fn replies_come_by_their_words_or_in_turn() {
        let script = replies(
            r#"
            reply = [
                { text = "One." },
                { when = "BOOK", tool_call = { name = "slots", arguments = { day = "Friday" } } },
                { text = "Two. ", repeat = 2 },
                { when = "broken", text = "Wait.", tool_call = { name = "slots", arguments = "{day:" } },
                { when = "gone", tool_call = { name = "other" } },
            ]"#,
        );
        let said = |last, turn| script.answer(&dialog(last, turn), None);
        assert_eq!(said("hi", 1).text(), "One.");
        assert_eq!(said("hi", 2).text(), "Two. Two. ");
        assert_eq!(said("hi", 3).text(), "One.");
        assert_eq!(
            said("hi", 3).text(),
            "One.",
            "the same request gets the same reply"
        );
        let call = |name: &str, arguments: &str| Some((name.to_owned(), arguments.to_owned()));
        assert_eq!(
            said("Please book it", 1).call,
            call("slots", r#"{"day":"Friday"}"#)
        );
        let broken = said("broken", 1);
        assert_eq!(
            (broken.text().as_str(), broken.call),
            ("Wait.", call("slots", "{day:"))
        );
        let gone = said("gone", 1);
        assert!(gone.call.is_none() && gone.text().contains("not offered"));
    }

    #[test]
    fn a_faulty_script_is_refused_with_its_fault() {
        for (text, named) in [
            ("[[reply]]\ntxt = 1", "txt"),
            ("[[reply]]\n[reply.tool_call]", "name"),
            ("[[reply]]\ntext = \"12345678\"\nrepeat = 1000000", "4 MiB"),
            ("said = []", "said"),
        ] {
            let error = Script::parse(text).unwrap_err();
            assert!(error.contains(named) && !error.contains('\n'), "{error}");
        }
    }

    proptest! {
        #[test]
        fn tokens_are_the_text(text in "[a-z .\n]{0,60}") {
            prop_assert_eq!(tokens(&text).concat(), text);
        }
    }
}
