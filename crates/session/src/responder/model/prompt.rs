//! What a model is asked: the instructions, the dialog so far, the tools.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

/// What is asked of a model.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prompt {
    /// The instructions.
    pub(crate) system: String,
    pub(crate) turns: Vec<Turn>,
    pub(crate) tools: Vec<ToolSpec>,
}

/// What was said or done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// What the caller said.
    Caller(String),
    /// What the caller heard.
    Agent(String),
    /// What the model called.
    Call {
        id: String,
        name: String,
        /// JSON, if the model wrote any.
        arguments: String,
    },
    /// What came of a call; it may stand anywhere after it.
    Result { id: String, content: String },
}

/// A function that the model may call.
#[derive(Clone, Debug)]
pub(crate) struct ToolSpec {
    pub(crate) name: String,
    pub(crate) description: String,
    /// JSON schema of its arguments.
    pub(crate) parameters: Value,
}

/// Stands for the result of a call that has none yet: without one the whole dialog is refused.
const RUNNING: &str = r#"{"status":"still running"}"#;
/// A name that every server takes, for a call of nothing.
const UNNAMED: &str = "unnamed";
/// The longest name of a function.
const MOST_NAME: usize = 64;

/// One party's part of the dialog.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Caller(String),
    /// Words, calls with their results, or both: the words came first.
    Agent {
        text: String,
        calls: Vec<Called>,
    },
}

/// A call with its result.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Called {
    pub(super) id: String,
    pub(super) name: String,
    /// A JSON object, whatever the model wrote: servers with templates fail on anything else.
    pub(super) arguments: String,
    pub(super) result: String,
}

impl Prompt {
    /// The dialog as every server takes it: no empty lines, one step for what a party said in a row, and with each call its
    /// result. A result without a call is left out.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut results = self.results();
        let mut steps = Vec::new();
        let mut answered = false;
        for turn in &self.turns {
            match turn {
                Turn::Caller(text) => add_caller(&mut steps, text.trim()),
                Turn::Agent(text) => add_agent(&mut steps, text.trim()),
                Turn::Call {
                    id,
                    name,
                    arguments,
                } => {
                    let result = results.get_mut(id.as_str()).and_then(VecDeque::pop_front);
                    let called = Called {
                        id: id.clone(),
                        name: plain_name(name),
                        arguments: object(arguments),
                        result: result.unwrap_or(RUNNING).to_owned(),
                    };
                    add_call(&mut steps, called, answered);
                }
                Turn::Result { .. } => {}
            }
            answered = matches!(turn, Turn::Result { .. });
        }
        steps
    }

    /// The results by their call's name, in order where a server gave a name twice.
    fn results(&self) -> BTreeMap<&str, VecDeque<&str>> {
        let mut results = BTreeMap::<_, VecDeque<_>>::new();
        for turn in &self.turns {
            if let Turn::Result { id, content } = turn {
                let of_call = results.entry(id.as_str()).or_default();
                of_call.push_back(content.as_str());
            }
        }
        results
    }
}

fn add_caller(steps: &mut Vec<Step>, said: &str) {
    match steps.last_mut() {
        _ if said.is_empty() => {}
        Some(Step::Caller(text)) => join(text, said),
        Some(Step::Agent { .. }) | None => steps.push(Step::Caller(said.to_owned())),
    }
}

fn add_agent(steps: &mut Vec<Step>, said: &str) {
    match steps.last_mut() {
        _ if said.is_empty() => {}
        Some(Step::Agent { text, calls }) if calls.is_empty() => join(text, said),
        Some(Step::Agent { .. } | Step::Caller(_)) | None => steps.push(Step::Agent {
            text: said.to_owned(),
            calls: Vec::new(),
        }),
    }
}

/// `answered`: the calls before it had their results already, so the model made this one later.
fn add_call(steps: &mut Vec<Step>, called: Called, answered: bool) {
    match steps.last_mut() {
        Some(Step::Agent { calls, .. }) if calls.is_empty() || !answered => calls.push(called),
        Some(Step::Agent { .. } | Step::Caller(_)) | None => steps.push(Step::Agent {
            text: String::new(),
            calls: vec![called],
        }),
    }
}

fn join(text: &mut String, more: &str) {
    text.push(' ');
    text.push_str(more);
}

/// A name that every server takes.
fn plain_name(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let name: String = name
        .chars()
        .take(MOST_NAME)
        .map(|letter| if plain(letter) { letter } else { '_' })
        .collect();
    if name.is_empty() {
        UNNAMED.to_owned()
    } else {
        name
    }
}

fn object(arguments: &str) -> String {
    match serde_json::from_str(arguments) {
        Ok(Value::Object(_)) => arguments.to_owned(),
        Ok(_) | Err(_) => "{}".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(text: &str) -> Turn {
        Turn::Caller(text.into())
    }

    fn agent(text: &str) -> Turn {
        Turn::Agent(text.into())
    }

    fn call(id: &str) -> Turn {
        Turn::Call {
            id: id.into(),
            name: "look".into(),
            arguments: r#"{"at":1}"#.into(),
        }
    }

    fn result(id: &str, content: &str) -> Turn {
        Turn::Result {
            id: id.into(),
            content: content.into(),
        }
    }

    /// One line for each step.
    fn check(turns: Vec<Turn>, expected: &[&str]) {
        let prompt = Prompt {
            turns,
            ..Prompt::default()
        };
        let told: Vec<_> = prompt
            .steps()
            .into_iter()
            .map(|step| match step {
                Step::Caller(text) => format!("caller: {text}"),
                Step::Agent { text, calls } => {
                    let calls = calls.iter();
                    let calls = calls.map(|call| format!(" [{} = {}]", call.id, call.result));
                    format!("agent: {text}{}", calls.collect::<String>())
                }
            })
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn lines_of_one_party_in_a_row_become_one_and_empty_ones_none() {
        let turns = vec![
            agent("Hello."),
            agent(" "),
            agent("Who is there?"),
            caller("It is"),
            agent(""),
            caller(" me. "),
            caller(""),
        ];
        check(turns, &["agent: Hello. Who is there?", "caller: It is me."]);
        check(vec![], &[]);
    }

    #[test]
    fn a_call_has_its_result_wherever_that_came_and_a_made_up_one_where_none_did() {
        let turns = vec![
            caller("Is it open?"),
            agent("One moment."),
            call("a"),
            caller("Hurry"),
            result("a", "yes"),
            caller("up."),
            call("b"),
        ];
        let running = r#"agent:  [b = {"status":"still running"}]"#;
        let expected = [
            "caller: Is it open?",
            "agent: One moment. [a = yes]",
            "caller: Hurry up.",
            running,
        ];
        check(turns, &expected);
    }

    #[test]
    fn calls_made_at_once_stay_together_and_calls_made_one_after_the_other_apart() {
        let both = vec![call("a"), call("b"), result("b", "2"), result("a", "1")];
        check(both, &["agent:  [a = 1] [b = 2]"]);
        let one_by_one = vec![call("a"), result("a", "1"), call("b"), result("b", "2")];
        check(one_by_one, &["agent:  [a = 1]", "agent:  [b = 2]"]);
        let spoken = vec![call("a"), agent("Wait."), result("a", "1")];
        check(spoken, &["agent:  [a = 1]", "agent: Wait."]);
    }

    #[test]
    fn a_result_without_a_call_is_left_out_and_a_name_that_comes_twice_has_both_results() {
        check(vec![agent("Hi."), result("x", "?")], &["agent: Hi."]);
        let twice = vec![call("a"), result("a", "1"), call("a"), result("a", "2")];
        check(twice, &["agent:  [a = 1]", "agent:  [a = 2]"]);
    }

    #[test]
    fn what_no_server_would_take_back_from_a_model_is_mended() {
        let turns = [("", "not JSON"), ("send mail!", "[1]"), ("look", "{}")];
        let prompt = Prompt {
            turns: turns
                .map(|(name, arguments)| Turn::Call {
                    id: "a".into(),
                    name: name.into(),
                    arguments: arguments.into(),
                })
                .into(),
            ..Prompt::default()
        };
        let [Step::Agent { calls, .. }] = &prompt.steps()[..] else {
            panic!("one step");
        };
        let names: Vec<_> = calls.iter().map(|call| call.name.as_str()).collect();
        assert_eq!(names, ["unnamed", "send_mail_", "look"]);
        assert!(calls.iter().all(|call| call.arguments == "{}"));
    }
}
