//! Responders: what answers a conversation.

mod asked;
pub mod mailbox;
pub mod parrot;
pub mod script;
pub mod webhook;

use std::sync::Arc;
use std::time::Duration;

use ringback_call::{Fault, FaultKind, Party};

pub(crate) use asked::{Asked, Parties, Responder};

use crate::Secret;
use crate::engines::Engines;
use crate::scenario::{Responder as Wanted, Scenario, SecretRef, Webhook};
use script::ScriptRun;
use webhook::WebhookConfig;

/// The responder that a scenario wants for one call.
pub(crate) fn responder(
    scenario: &Scenario,
    engines: &Engines,
    parties: Parties,
    company: &str,
) -> Responder {
    let vars = scenario.vars(parties.direction, company);
    match scenario.engines.responders.first() {
        Some(Wanted::Script { script }) => {
            let run = ScriptRun::new(Arc::clone(script), vars, engines.hearing(scenario));
            Responder::script(run)
        }
        Some(Wanted::Webhook(wanted)) => {
            let fallback = vars.render(&wanted.fallback);
            let webhook = Arc::clone(&engines.webhook);
            Responder::webhook(webhook, webhook_config(wanted), parties, fallback)
        }
        Some(Wanted::Parrot) | None => Responder::Parrot(vars),
    }
}

/// How a webhook is asked. A secret that cannot be read is a fault: no question leaves unsigned that should be signed.
fn webhook_config(wanted: &Webhook) -> Result<WebhookConfig, Fault> {
    let timeout = Duration::from_millis(u64::from(wanted.timeout_ms));
    Ok(WebhookConfig {
        url: wanted.url.clone(),
        secret: wanted
            .secret
            .as_ref()
            .map(read_secret)
            .transpose()
            .map_err(misconfigured)?,
        timeout,
        first_byte: timeout,
        max_bytes: wanted.max_bytes as usize,
        allow_private: wanted.allow_private,
    })
}

fn misconfigured(detail: String) -> Fault {
    Fault {
        party: Party::Responder,
        kind: FaultKind::Misconfigured,
        detail,
    }
}

fn read_secret(reference: &SecretRef) -> Result<Secret, String> {
    match reference {
        SecretRef::Env(name) => std::env::var(name)
            .map(Secret::new)
            .map_err(|_| format!("the webhook's secret is not there: set {name}")),
        SecretRef::File(path) => std::fs::read_to_string(path)
            .map(|text| Secret::new(text.trim().to_owned()))
            .map_err(|error| format!("the webhook's secret {}: {error}", path.display())),
    }
}
