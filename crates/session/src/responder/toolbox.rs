//! The tools that a model is told of, and what its calls of those mean that a reply carries out by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use ringback_speech::grammar::Expect;
use serde_json::{Map, Value, json};

use super::model::ToolSpec;
use crate::scenario::{BUILT_IN_TOOLS, McpServer, Tool, Toolkit};
use crate::tools::{McpCatalog, dtmf};

const END_CALL: &str = BUILT_IN_TOOLS[0];
const TRANSFER_CALL: &str = BUILT_IN_TOOLS[1];
const SEND_DTMF: &str = BUILT_IN_TOOLS[2];
const COLLECT_DIGITS: &str = BUILT_IN_TOOLS[3];
/// The most digits that can be asked for at once.
const MOST_DIGITS: u8 = 20;

/// What a call means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The call ends when the reply was heard.
    HangUp,
    /// Then the caller is put through to this.
    Transfer(String),
    /// A part of the reply that presses keys.
    Keys(String),
    /// What the caller answers next is keyed; 0 keys: up to `#` or a pause.
    Collect(Expect, u8),
    /// Something to be carried out, or to be refused.
    Tool,
}

#[derive(Clone, Debug)]
pub(super) struct Toolbox {
    transfer_to: Option<String>,
    destinations: Vec<(String, String)>,
    own: Vec<ToolSpec>,
    servers: Vec<McpServer>,
    catalog: Arc<McpCatalog>,
}

impl Toolbox {
    pub(super) fn new(
        kit: &Toolkit,
        transfer_to: Option<String>,
        catalog: &Arc<McpCatalog>,
    ) -> Self {
        let spec = |tool: &Tool| ToolSpec {
            name: tool.name.clone(),
            description: tool.description.clone(),
            parameters: tool.parameters.clone(),
        };
        Self {
            transfer_to,
            destinations: kit.destinations.clone(),
            own: kit.tools.iter().map(spec).collect(),
            servers: kit.mcp.clone(),
            catalog: Arc::clone(catalog),
        }
    }

    fn transfers(&self) -> bool {
        self.transfer_to.is_some() || !self.destinations.is_empty()
    }

    fn names(&self) -> Vec<&str> {
        let names = self.destinations.iter();
        names.map(|(name, _)| name.as_str()).collect()
    }

    /// What the model is told.
    pub(super) fn specs(&self) -> Vec<ToolSpec> {
        let spec = |name: &str, description: &str, properties: Value, required: &[&str]| ToolSpec {
            name: name.to_owned(),
            description: description.to_owned(),
            parameters: match required {
                [] => json!({"type": "object", "properties": properties}),
                _ => json!({"type": "object", "properties": properties, "required": required}),
            },
        };
        let mut specs = vec![spec(
            END_CALL,
            "End the call when the conversation is over. Say goodbye in the same answer, before you call this.",
            json!({}),
            &[],
        )];
        if self.transfers() {
            let named = !self.destinations.is_empty();
            let properties = if named {
                json!({"to": {"type": "string", "enum": self.names()}})
            } else {
                json!({})
            };
            let required: &[&str] = if named && self.transfer_to.is_none() {
                &["to"]
            } else {
                &[]
            };
            specs.push(spec(
                TRANSFER_CALL,
                "Put the caller through to a person. Say so in the same answer, before you call this.",
                properties,
                required,
            ));
        }
        specs.push(spec(
            SEND_DTMF,
            "Press keys of the telephone, for a machine that asks for them. Never for a person.",
            json!({"digits": {"type": "string", "description": "0 to 9, *, # and A to D; w is a pause of half a second"}}),
            &["digits"],
        ));
        specs.push(spec(
            COLLECT_DIGITS,
            "Have the caller key a number, such as a card number. Ask for it in the same answer, before you call this; what \
             they key is their next answer.",
            json!({"count": {"type": "integer", "description": "how many digits; without it, up to the # key"}}),
            &[],
        ));
        specs.extend(self.own.iter().cloned());
        // What a server offers may become known in the middle of a call.
        for server in &self.servers {
            let offered = self.catalog.allowed(server).into_iter();
            specs.extend(offered.map(|(name, tool)| ToolSpec {
                name,
                description: tool.description,
                parameters: tool.schema,
            }));
        }
        specs
    }

    /// What a call means. `said`: words came before it in the same reply.
    pub(super) fn meaning(&self, name: &str, arguments: &str, said: bool) -> Meaning {
        let arguments: Map<String, Value> = serde_json::from_str(arguments).unwrap_or_default();
        let meant = match name {
            END_CALL => Some(Meaning::HangUp),
            TRANSFER_CALL => self.destination(&arguments).map(Meaning::Transfer),
            SEND_DTMF => {
                let digits = arguments.get("digits").and_then(Value::as_str);
                digits.and_then(dtmf::line).map(Meaning::Keys)
            }
            COLLECT_DIGITS if said => count(&arguments).map(collect),
            _ => None,
        };
        meant.unwrap_or(Meaning::Tool)
    }

    fn destination(&self, arguments: &Map<String, Value>) -> Option<String> {
        let Some(to) = arguments.get("to").filter(|to| !to.is_null()) else {
            let only = match self.destinations.as_slice() {
                [(_, only)] => Some(only.clone()),
                _ => None,
            };
            return self.transfer_to.clone().or(only);
        };
        let wanted = |(name, _): &&(String, String)| to.as_str() == Some(name);
        let found = self.destinations.iter().find(wanted);
        found.map(|(_, to)| to.clone())
    }

    /// What a model hears that calls a built-in tool in a way that means nothing.
    pub(super) fn refusals(&self) -> BTreeMap<String, String> {
        let transfer = if self.destinations.is_empty() && self.transfer_to.is_some() {
            "error: there is one destination, leave out `to`".to_owned()
        } else if self.transfers() {
            format!("error: `to` must be one of: {}", self.names().join(", "))
        } else {
            "error: there is nobody to put the caller through to".to_owned()
        };
        let said = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        BTreeMap::from([
            (TRANSFER_CALL.to_owned(), transfer),
            said(
                SEND_DTMF,
                "error: digits must be 1 to 32 of 0 to 9, *, #, A to D; nothing was pressed",
            ),
            said(
                COLLECT_DIGITS,
                "error: first ask the caller for the digits in words, and call this in the same answer; count is at most 20",
            ),
        ])
    }
}

/// How many digits are wanted, 0 for any number; `None` if that makes no sense.
fn count(arguments: &Map<String, Value>) -> Option<u8> {
    match arguments.get("count") {
        None | Some(Value::Null) => Some(0),
        Some(count) => {
            let count = u8::try_from(count.as_u64()?).ok()?;
            (1..=MOST_DIGITS).contains(&count).then_some(count)
        }
    }
}

fn collect(count: u8) -> Meaning {
    let digits = match count {
        0 => Expect::Digits {
            min: 1,
            max: u32::from(MOST_DIGITS),
        },
        _ => Expect::Digits {
            min: u32::from(count),
            max: u32::from(count),
        },
    };
    Meaning::Collect(digits, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toolbox(transfer_to: Option<&str>, destinations: &[(&str, &str)]) -> Toolbox {
        let kit = Toolkit {
            destinations: destinations
                .iter()
                .map(|(name, to)| ((*name).to_owned(), (*to).to_owned()))
                .collect(),
            ..Toolkit::default()
        };
        Toolbox::new(&kit, transfer_to.map(str::to_owned), &Arc::default())
    }

    const DESK: (&str, &str) = ("desk", "+15005550006");
    const SALES: (&str, &str) = ("sales", "sip:sales@example.com");

    #[test]
    fn a_caller_is_put_through_to_destinations_that_the_scenario_names_and_to_no_other() {
        let to = |to: &str| Meaning::Transfer(to.to_owned());
        let (one, both) = (&[DESK][..], &[DESK, SALES][..]);
        for (main, destinations, arguments, wanted) in [
            (Some("+15005550001"), &[][..], "{}", to("+15005550001")),
            (Some("+15005550001"), both, "", to("+15005550001")),
            (None, one, "{}", to(DESK.1)),
            (None, both, r#"{"to":"sales"}"#, to(SALES.1)),
            (None, both, "{}", Meaning::Tool),
            (None, both, r#"{"to":"+15005550009"}"#, Meaning::Tool),
            (
                Some("+15005550001"),
                &[],
                r#"{"to":"+15005550009"}"#,
                Meaning::Tool,
            ),
            (None, &[], "{}", Meaning::Tool),
        ] {
            let toolbox = toolbox(main, destinations);
            assert_eq!(
                toolbox.meaning(TRANSFER_CALL, arguments, true),
                wanted,
                "{arguments}"
            );
            let told = toolbox
                .specs()
                .iter()
                .any(|spec| spec.name == TRANSFER_CALL);
            assert_eq!(told, main.is_some() || !destinations.is_empty());
        }
        let refusal = &toolbox(None, both).refusals()[TRANSFER_CALL];
        assert_eq!(refusal, "error: `to` must be one of: desk, sales");
    }

    #[test]
    fn digits_are_collected_after_words_that_ask_for_them() {
        let digits = |min, max| Expect::Digits { min, max };
        let toolbox = toolbox(None, &[]);
        for (arguments, said, wanted) in [
            (r#"{"count":4}"#, true, Meaning::Collect(digits(4, 4), 4)),
            ("{}", true, Meaning::Collect(digits(1, 20), 0)),
            (r#"{"count":4}"#, false, Meaning::Tool),
            (r#"{"count":21}"#, true, Meaning::Tool),
            (r#"{"count":"four"}"#, true, Meaning::Tool),
        ] {
            assert_eq!(
                toolbox.meaning(COLLECT_DIGITS, arguments, said),
                wanted,
                "{arguments}"
            );
        }
    }

    #[test]
    fn keys_become_a_part_of_the_reply_and_what_is_no_key_is_refused() {
        let toolbox = toolbox(None, &[]);
        let pressed = toolbox.meaning(SEND_DTMF, r#"{"digits":"12#"}"#, false);
        assert_eq!(pressed, Meaning::Keys("\n[keys 12#]\n".to_owned()));
        for arguments in ["{}", r#"{"digits":"one"}"#, r#"{"digits":12}"#, "no"] {
            assert_eq!(toolbox.meaning(SEND_DTMF, arguments, false), Meaning::Tool);
        }
    }
}
