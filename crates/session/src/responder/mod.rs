//! Responders: what answers a conversation.

mod answers;
mod asked;
mod failed;
pub mod mailbox;
pub(crate) mod model;
mod modelled;
#[cfg(test)]
mod modelled_tests;
pub mod parrot;
pub mod script;
mod toolbox;
pub mod webhook;

use std::sync::Arc;
use std::time::Duration;

use ringback_call::{Fault, FaultKind, Party};

pub(crate) use answers::{Answers, Shelf};
pub(crate) use asked::{Asked, Parties, Responder};

use crate::Secrets;
use crate::engines::Engines;
use crate::phrases::Phrases;
use crate::scenario::template::Template;
use crate::scenario::{Responder as Wanted, Scenario, Vars, Webhook};
use crate::tools::{McpCatalog, Tools};
use modelled::{Instructions, Modelled};
use script::{Hearing, ScriptRun};
use toolbox::Toolbox;
use webhook::WebhookConfig;

/// The responder that a scenario wants for one call, whose caller is heard so.
pub(crate) fn responder(
    (scenario, wanted): (&Scenario, Option<&Wanted>),
    engines: &Engines,
    parties: Parties,
    (company, hearing): (&str, Hearing),
) -> Responder {
    let vars = scenario.vars(parties.direction, company);
    match wanted {
        Some(Wanted::Script { script }) => {
            let run = ScriptRun::new(Arc::clone(script), vars, hearing);
            Responder::script(run)
        }
        Some(Wanted::Webhook(wanted)) => {
            let fallback = vars.render(&wanted.fallback);
            let webhook = Arc::clone(&engines.webhook);
            let lines = (fallback, Phrases::of(vars.language).unclear);
            Responder::webhook(
                webhook,
                webhook_config(wanted, &engines.webhook.secrets),
                parties,
                lines,
            )
        }
        Some(Wanted::Model(wanted)) => {
            let chain = engines.models(scenario);
            let instructions = instructions(scenario, &vars, &engines.mcp);
            let kit = &scenario.persona.toolkit;
            let refusals = instructions.toolbox.refusals();
            let tools = Tools::new(kit, refusals, &engines.webhook, parties.call_id);
            let shelf = engines.shelf((scenario, wanted), &chain, &instructions.system());
            let standby = engines
                .standby(scenario)
                .map(|script| ScriptRun::new(Arc::clone(script), vars, hearing));
            let modelled = Modelled::new(chain, instructions, tools, shelf).stood_by(standby);
            Responder::Model(Box::new(modelled))
        }
        Some(Wanted::Parrot) => Responder::Parrot(vars, hearing == Hearing::Speech),
        None => Responder::Nobody,
    }
}

fn instructions(scenario: &Scenario, vars: &Vars, mcp: &Arc<McpCatalog>) -> Instructions {
    let filled = |text: &str| Template::of_prompt(text).fill(|name| vars.value(name));
    let persona = scenario.persona.persona.as_deref();
    let prompt = scenario.prompt(vars.direction);
    let texts: Vec<String> = [persona, prompt]
        .into_iter()
        .flatten()
        .map(filled)
        .collect();
    Instructions {
        text: texts.join("\n\n"),
        language: scenario.language.clone(),
        toolbox: Toolbox::new(&scenario.persona.toolkit, scenario.fallback.to.clone(), mcp),
        goodbye: vars.render(&scenario.limits.goodbye),
        unclear: Phrases::of(vars.language).unclear,
    }
}

/// How a webhook is asked. A secret that cannot be read is a fault: no question leaves unsigned that should be signed.
fn webhook_config(wanted: &Webhook, secrets: &Secrets) -> Result<WebhookConfig, Fault> {
    let timeout = Duration::from_millis(u64::from(wanted.timeout_ms));
    Ok(WebhookConfig {
        url: wanted.url.clone(),
        secret: wanted
            .secret
            .as_ref()
            .map(|reference| secrets.read(reference))
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
