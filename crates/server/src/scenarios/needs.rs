//! What a scenario needs to run.

use ringback_session::scenario::{Responder, Scenario, SttEngine};
use serde_json::{Value, json};

use crate::config::EnginesConfig;

/// What a scenario needs of this server's settings, and whether it is there: keys without which nothing would answer or hear, and secrets that
/// lead nowhere.
pub fn needs(scenario: &Scenario, config: &EnginesConfig) -> Vec<Value> {
    let engines = &scenario.engines;
    let accounts = &config.accounts;
    let mut needs = Vec::new();
    let mut need = |what: &str, whose: &str, met: bool| {
        needs.push(json!({ "for": whose, "need": what, "met": met }));
    };
    let only_ours = engines.responders.iter().all(|responder| match responder {
        Responder::Model(model) => model.url.is_none() && model.key.is_none(),
        Responder::Script { .. } | Responder::Webhook(_) | Responder::Parrot => false,
    });
    if only_ours {
        need("OPENAI_API_KEY", "responder", accounts.openai.is_some());
    }
    let only_deepgram = engines.stt.as_ref().is_some_and(|list| {
        let local = |engine: &SttEngine| matches!(engine, SttEngine::PocketSphinx { .. });
        !list.is_empty() && !list.iter().any(local)
    });
    if only_deepgram {
        need("DEEPGRAM_API_KEY", "stt", accounts.deepgram.is_some());
    }
    for missing in config.secrets.missing(scenario) {
        need(&missing, "secrets", false);
    }
    needs
}
