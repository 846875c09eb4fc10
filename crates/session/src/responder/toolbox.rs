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
/// Where callers go for whom no destination fits, as models name it.
const FALLBACK: &str = "fallback";
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
    /// Where callers can be put through, by name.
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
        let mut destinations = kit.destinations.clone();
        let is_named = |to: &str| {
            let mut named = kit.destinations.iter();
            named.any(|(name, number)| name == FALLBACK || number == to)
        };
        let fallback = transfer_to.filter(|to| !is_named(to));
        destinations.extend(fallback.map(|to| (FALLBACK.to_owned(), to)));
        Self {
            destinations,
            own: kit.tools.iter().map(spec).collect(),
            servers: kit.mcp.clone(),
            catalog: Arc::clone(catalog),
        }
    }

    fn names(&self) -> Vec<&str> {
        let names = self.destinations.iter();
        names.map(|(name, _)| name.as_str()).collect()
    }

    /// What has to be said of where a caller is put through. Where there is one destination, it need not be named.
    fn choice(&self) -> Option<(Value, &'static [&'static str])> {
        match self.destinations.as_slice() {
            [] => None,
            [(only, _)] if only == FALLBACK => Some((json!({}), &[])),
            _ => {
                let mut to = json!({"type": "string", "enum": self.names()});
                if self.names().contains(&FALLBACK) {
                    to["description"] = json!("fallback: where none of the others fits");
                }
                Some((json!({"to": to}), &["to"]))
            }
        }
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
        if let Some((properties, required)) = self.choice() {
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
        // It has no arguments that could be misread.
        if name == END_CALL {
            return Meaning::HangUp;
        }
        let Some(arguments) = read(arguments) else {
            return Meaning::Tool;
        };
        let meant = match name {
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

    /// Where the caller is put through: that is not taken back, so nothing is guessed.
    fn destination(&self, arguments: &Map<String, Value>) -> Option<String> {
        if let [(_, only)] = self.destinations.as_slice()
            && arguments.is_empty()
        {
            return Some(only.clone());
        }
        let to = arguments.get("to")?.as_str()?;
        let mut all = self.destinations.iter();
        all.find(|(name, _)| name == to).map(|(_, to)| to.clone())
    }

    /// What a model hears that calls a built-in tool in a way that means nothing.
    pub(super) fn refusals(&self) -> BTreeMap<String, String> {
        let transfer = match self.destinations.as_slice() {
            [] => "error: there is nobody to put the caller through to".to_owned(),
            [(only, _)] if only == FALLBACK => {
                "error: the caller was not put through: there is one destination, call this without arguments".to_owned()
            }
            _ => format!(
                "error: the caller was not put through: the arguments must be a JSON object whose `to` is one of: {}",
                self.names().join(", ")
            ),
        };
        let said = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        BTreeMap::from([
            (TRANSFER_CALL.to_owned(), transfer),
            said(
                SEND_DTMF,
                "error: nothing was pressed: the arguments must be a JSON object whose `digits` are 1 to 32 of 0 to 9, *, #, A to D",
            ),
            said(
                COLLECT_DIGITS,
                "error: first ask the caller for the digits in words, and call this in the same answer, with a JSON object whose `count` is 1 to 20, or without arguments",
            ),
        ])
    }
}

/// The arguments of a call: an object, or nothing at all. `None` if they cannot be read.
fn read(arguments: &str) -> Option<Map<String, Value>> {
    match arguments.trim() {
        "" | "null" => Some(Map::new()),
        arguments => serde_json::from_str(arguments).ok(),
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
        const MAIN: &str = "+15005550001";
        let to = |to: &str| Meaning::Transfer(to.to_owned());
        let (one, both) = (&[DESK][..], &[DESK, SALES][..]);
        for (main, destinations, arguments, wanted) in [
            (Some(MAIN), &[][..], "{}", to(MAIN)),
            (Some(MAIN), &[], "", to(MAIN)),
            (Some(MAIN), &[], r#"{"to":"+15005550009"}"#, Meaning::Tool),
            (Some(MAIN), both, r#"{"to":"sales"}"#, to(SALES.1)),
            (Some(MAIN), both, r#"{"to":"fallback"}"#, to(MAIN)),
            (Some(MAIN), both, "{}", Meaning::Tool),
            (Some(DESK.1), one, "{}", to(DESK.1)),
            (Some(DESK.1), one, r#"{"to":"fallback"}"#, Meaning::Tool),
            (None, one, " ", to(DESK.1)),
            (None, both, r#"{"to":"sales"}"#, to(SALES.1)),
            (None, both, "{}", Meaning::Tool),
            (None, both, r#"{"to":"+15005550009"}"#, Meaning::Tool),
            (None, &[], "{}", Meaning::Tool),
        ] {
            let toolbox = toolbox(main, destinations);
            assert_eq!(
                toolbox.meaning(TRANSFER_CALL, arguments, true),
                wanted,
                "{main:?} {arguments}"
            );
            let told = toolbox
                .specs()
                .iter()
                .any(|spec| spec.name == TRANSFER_CALL);
            assert_eq!(told, main.is_some() || !destinations.is_empty());
        }
    }

    #[test]
    fn a_caller_is_never_put_through_by_arguments_that_cannot_be_read() {
        const MAIN: Option<&str> = Some("+15005550001");
        for destinations in [&[][..], &[DESK][..], &[DESK, SALES][..]] {
            let toolbox = toolbox(MAIN, destinations);
            for arguments in [
                "sales",
                r#"{"to":"sal"#,
                r#"{"destination":"sales"}"#,
                r#"{"to":["sales"]}"#,
                r#"["sales"]"#,
                r#""sales""#,
                "7",
            ] {
                let meant = toolbox.meaning(TRANSFER_CALL, arguments, true);
                assert_eq!(meant, Meaning::Tool, "{arguments}");
            }
        }
    }

    #[test]
    fn a_model_whose_call_means_nothing_hears_what_would() {
        let refusal = |main, destinations| {
            let mut refusals = toolbox(main, destinations).refusals();
            refusals.remove(TRANSFER_CALL).unwrap_or_default()
        };
        let both = &[DESK, SALES][..];
        for (main, destinations, end) in [
            (None, &[][..], "nobody to put the caller through to"),
            (Some("+15005550001"), &[], "call this without arguments"),
            (None, both, "whose `to` is one of: desk, sales"),
            (Some("+15005550001"), both, "one of: desk, sales, fallback"),
            (Some(DESK.1), both, "one of: desk, sales"),
        ] {
            let refusal = refusal(main, destinations);
            assert!(refusal.ends_with(end), "{refusal}");
        }
    }

    #[test]
    fn a_call_ends_whatever_else_the_model_writes_of_it() {
        let toolbox = toolbox(None, &[]);
        for arguments in ["", "{}", r#"{"reason":"done"}"#, r#"{"reason"#] {
            assert_eq!(toolbox.meaning(END_CALL, arguments, true), Meaning::HangUp);
        }
    }

    #[test]
    fn digits_are_collected_after_words_that_ask_for_them() {
        let digits = |min, max| Expect::Digits { min, max };
        let toolbox = toolbox(None, &[]);
        for (arguments, said, wanted) in [
            (r#"{"count":4}"#, true, Meaning::Collect(digits(4, 4), 4)),
            ("{}", true, Meaning::Collect(digits(1, 20), 0)),
            ("", true, Meaning::Collect(digits(1, 20), 0)),
            (r#"{"count":4"#, true, Meaning::Tool),
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
