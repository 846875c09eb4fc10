//! What is said to servers and what is made of their answers, in virtual time where no socket is needed.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

mod bodies;
mod chains;
mod http2;
mod server;
mod sockets;
mod statuses;
mod streams;

use serde_json::{Map, json};

use super::{Api, FIRST, Model, Prompt, ToolSpec, Turn};
use crate::Secret;
use crate::provider::Access;

fn model(url: &str, api: Api) -> Model {
    Model {
        access: Access {
            key: Some(Secret::new("sk-a-secret-key")),
            url: url.parse().unwrap(),
        },
        api,
        model: "gpt-6-luna".into(),
        temperature_pm: Some(700),
        max_tokens: 300,
        reasoning_effort: None,
        extra: Map::new(),
        first: FIRST,
    }
}

fn prompt() -> Prompt {
    Prompt {
        system: "You answer the phone for Oakhurst Dental.".into(),
        turns: vec![
            Turn::Agent("Oakhurst Dental.".into()),
            Turn::Caller("Can I come on Friday?".into()),
        ],
        tools: vec![ToolSpec {
            name: "free_slots".into(),
            description: "Free visits on a day".into(),
            parameters: json!({"type": "object", "properties": {"day": {"type": "string"}}}),
        }],
    }
}
