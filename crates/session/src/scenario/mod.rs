//! Scenarios: what answers or places a call.
//!
//! A scenario is written in TOML ([`parse`]) or JSON ([`parse_json`]), checked as a whole, and either usable or refused with every problem named by
//! line and column. The [`Catalog`] holds the built-in ones and those of the data folder.

mod builtin;
mod callee;
mod catalog;
pub mod destination;
pub(crate) mod document;
mod engines;
pub(crate) mod field;
mod include;
mod language;
mod language_model;
mod later;
mod lost;
pub(crate) mod mcp;
mod model;
pub(crate) mod names;
pub(crate) mod problem;
mod read;
pub(crate) mod settings;
mod spelling;
pub mod template;
mod tools;
mod turn;
mod webhook;

#[cfg(test)]
mod catalog_tests;
#[cfg(test)]
mod language_tests;
#[cfg(test)]
mod problem_tests;

pub use builtin::{built_in, built_in_slugs};
pub use catalog::{Catalog, Line, Refused, check_file};
pub use mcp::McpServer;
pub use model::{
    Directions, Engines, Fallback, Greeting, KeptSecret, Limits, Model, ModelApi, Persona,
    Recording, RecordingFormat, Responder, Scenario, SecretRef, SttEngine, TtsEngine, Voice,
    Webhook,
};
pub use problem::{Kind, Position, Problem, Warning};
pub use read::{Origin, parse, parse_json};
pub use spelling::{Step, from_toml, steps, to_toml};
pub use template::Vars;
pub use tools::{BUILT_IN_TOOLS, HeaderText, HttpTool, Slots, Tool, Toolkit};
pub use webhook::is_reference;
