//! The engines of a scenario: what hears, answers and speaks.

use std::sync::Arc;

use super::field::{Field, Section, instead};
use super::include::Include;
use super::language::is_tag;
use super::language_model;
use super::model::{Engines, Responder, SttEngine, TtsEngine};
use super::names::Names;
use super::problem::Findings;
use super::webhook;
use crate::provider::Provider;
use crate::responder::script::Script;
use crate::stt::{MULTI, hears};
use crate::tts::speaks;

/// What a list of engines needs to know beside its own fields.
pub(super) struct Around<'a> {
    pub(super) names: &'a Names,
    pub(super) include: &'a Include,
    /// The scenario's language.
    pub(super) language: &'a str,
    /// The script that stands in the scenario itself, if it is sound.
    pub(super) script: Option<Arc<Script>>,
    /// Whether there is a script in the scenario, sound or not.
    pub(super) has_script: bool,
}

/// The fields that engines of providers which are not yet available may have.
const FIELDS_OF_OTHERS: [&str; 8] = [
    "provider",
    "model",
    "language",
    "keyterms",
    "temperature",
    "url",
    "voice",
    "options",
];

pub(super) fn read(
    root: &mut Section<'_>,
    around: &Around<'_>,
    findings: &mut Findings,
) -> Engines {
    let stt = root.take("stt").map(|field| {
        let known = ("pocketsphinx or deepgram", &["openai"][..]);
        let read = |kind: &str, section: &mut Section<'_>, findings: &mut Findings| {
            stt(kind, section, around.language, findings)
        };
        list(&field, findings, known, true, read)
    });
    let tts = root.take("tts").map(|field| {
        let known = "pico, cartesia, elevenlabs, deepgram or openai";
        let read = |kind: &str, section: &mut Section<'_>, findings: &mut Findings| {
            tts(kind, section, around.language, findings)
        };
        list(&field, findings, (known, &[]), false, read)
    });
    let names_responders = root.has("responder");
    let responders = match root.take("responder") {
        Some(field) => {
            let known = "script, webhook, parrot or openai";
            let read = |kind: &str, section: &mut Section<'_>, findings: &mut Findings| {
                responder(kind, section, around, findings)
            };
            list(&field, findings, (known, &[]), false, read)
        }
        None => default_responder(root, around, findings),
    };
    Engines {
        stt,
        responders,
        names_responders,
        tts,
    }
}

/// A language model where there are instructions for one, and the script where there is one: the first that can be used answers.
fn default_responder(
    root: &Section<'_>,
    around: &Around<'_>,
    findings: &mut Findings,
) -> Vec<Responder> {
    let instructed = ["persona", "prompt", "prompts"]
        .into_iter()
        .any(|name| root.has(name));
    if !around.has_script && !instructed {
        root.missing(
            findings,
            "responder",
            "say what answers: add a prompt, or a [script], or responder = [{ provider = \"webhook\", url = ... }], or provider = \"parrot\"",
        );
    }
    let model = instructed.then(|| Responder::Model(Box::default()));
    let script = around.script.clone();
    let script = script.map(|script| Responder::Script { script });
    model.into_iter().chain(script).collect()
}

/// Reads a list of engines. `known` are the local providers, as they are named in remedies, and those that are not yet available.
fn list<T>(
    field: &Field<'_>,
    findings: &mut Findings,
    known: (&str, &[&str]),
    may_be_empty: bool,
    mut read: impl FnMut(&str, &mut Section<'_>, &mut Findings) -> Option<T>,
) -> Vec<T> {
    let (locals, later) = known;
    let before = findings.problems.len();
    let items = field.list(findings);
    let mut engines = Vec::new();
    for item in &items {
        let Some(mut section) = item.section(findings) else {
            continue;
        };
        let Some(provider) = section.take("provider") else {
            section.missing(findings, "provider", "name the provider");
            continue;
        };
        let Some(name) = provider.text(findings) else {
            continue;
        };
        if later.contains(&name.as_str()) {
            FIELDS_OF_OTHERS.iter().for_each(|name| {
                section.take(name);
            });
            section.finish(findings);
            provider.warning(
                findings,
                format!("{name} is not yet available: it is left out"),
            );
        } else if locals.split([',', ' ']).any(|local| local == name) {
            engines.extend(read(&name, &mut section, findings));
            section.finish(findings);
        } else {
            let mut names: Vec<&str> = locals
                .split([',', ' '])
                .filter(|word| !word.is_empty() && *word != "or")
                .collect();
            names.extend(later);
            provider.problem(
                findings,
                format!("\"{name}\" is not known here"),
                instead(&name, &names),
            );
        }
    }
    let empty = items.is_empty() && may_be_empty;
    if engines.is_empty() && !empty && findings.problems.len() == before {
        field.problem(
            findings,
            "none of these is available",
            format!("add {locals}"),
        );
    }
    engines
}

fn stt(
    kind: &str,
    section: &mut Section<'_>,
    language: &str,
    findings: &mut Findings,
) -> Option<SttEngine> {
    let keyterms = section
        .take("keyterms")
        .map_or_else(Vec::new, |field| field.texts(findings));
    if kind == "deepgram" {
        return Some(deepgram(section, keyterms, language, findings));
    }
    for name in ["model", "language"] {
        if let Some(field) = section.take(name) {
            field.warning(
                findings,
                "pocketsphinx has one model, which hears English: this is ignored",
            );
        }
    }
    Some(SttEngine::PocketSphinx { keyterms })
}

fn deepgram(
    section: &mut Section<'_>,
    keyterms: Vec<String>,
    of_scenario: &str,
    findings: &mut Findings,
) -> SttEngine {
    let language = section.take("language").and_then(|field| {
        let language = field.text(findings)?;
        (language == MULTI || is_tag(&language, &field, findings)).then_some(language)
    });
    let model = section.take("model").and_then(|field| {
        let model = field.text(findings)?;
        if let Err(why) = hears(&model, language.as_deref().unwrap_or(of_scenario)) {
            let remedy = "name flux-general-multi where it hears the language, or nova-3";
            field.problem(findings, format!("{model} {why}"), remedy);
        }
        Some(model)
    });
    SttEngine::Deepgram {
        model,
        language,
        keyterms,
    }
}

fn tts(
    kind: &str,
    section: &mut Section<'_>,
    language: &str,
    findings: &mut Findings,
) -> Option<TtsEngine> {
    if let Some(provider) = Provider::of_name(kind) {
        let mut named = |name| {
            let field = section.take(name)?;
            let text = field.text(findings)?;
            if let Err((what, remedy)) = speaks(provider, &text, language) {
                field.problem(findings, format!("{text} {what}"), remedy);
            }
            Some(text)
        };
        return Some(TtsEngine::Provider {
            provider,
            voice: named("voice"),
            model: named("model"),
        });
    }
    for name in ["voice", "model"] {
        if let Some(field) = section.take(name) {
            field.warning(findings, "pico has one voice: this is ignored");
        }
    }
    Some(TtsEngine::Pico)
}

fn responder(
    kind: &str,
    section: &mut Section<'_>,
    around: &Around<'_>,
    findings: &mut Findings,
) -> Option<Responder> {
    match kind {
        "script" => script(section, around, findings),
        "webhook" => webhook::read(section, around.names, findings).map(Responder::Webhook),
        "openai" => Some(Responder::Model(Box::new(language_model::read(
            section, findings,
        )))),
        _ => Some(Responder::Parrot),
    }
}

fn script(
    section: &mut Section<'_>,
    around: &Around<'_>,
    findings: &mut Findings,
) -> Option<Responder> {
    let script = match section.take("script") {
        Some(field) => {
            let file = field.text(findings)?;
            around.include.script(&file, &field, around.names, findings)
        }
        None => {
            if !around.has_script {
                section.missing(
                    findings,
                    "script",
                    "add a [script] to the scenario, or name a file beside it: script = \"file.toml\"",
                );
            }
            around.script.clone()
        }
    };
    script.map(|script| Responder::Script { script })
}
