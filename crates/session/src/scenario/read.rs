//! From the text of a scenario to the scenario.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringback_call::{Protection, TurnSettings};
use ringback_speech::grammar::Dictionary;

use super::callee;
use super::destination;
use super::document::{self, Node};
use super::engines::{self, Around};
use super::field::{Field, Section};
use super::include::Include;
use super::language;
use super::later;
use super::model::{Directions, Engines, Greeting, Persona, Responder, Scenario};
use super::names::{self, Names};
use super::problem::{Findings, Problem, Warning};
use super::settings::{fallback, flag, idle, limits, recording, voice};
use super::template::destination_variable;
use super::tools;
use super::turn;
use crate::responder::script::{self, Script};
use crate::secret::Secret;

/// So many tables and lists may stand within one another. A state's condition is six deep.
const DEEPEST: usize = 32;
/// The longest name for people, in characters.
const MOST_OF_NAME: usize = 200;

/// Where the text of a scenario comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    name: String,
    stem: String,
    folder: Option<PathBuf>,
    dictionary: Option<Arc<Dictionary>>,
    kept: Arc<BTreeMap<String, Secret>>,
    lost: Arc<BTreeSet<String>>,
}

impl Origin {
    /// A file: problems name it by its file name, its stem is the slug where the text gives none, and it may name scripts
    /// beside it.
    pub fn file(path: &Path) -> Self {
        let part = |part: Option<&std::ffi::OsStr>| {
            part.map_or_else(String::new, |part| part.to_string_lossy().into_owned())
        };
        Self {
            name: part(path.file_name()),
            stem: part(path.file_stem()),
            folder: Some(path.parent().map_or_else(PathBuf::new, Path::to_path_buf)),
            dictionary: None,
            kept: Arc::default(),
            lost: Arc::default(),
        }
    }

    /// A text without a file, by its slug.
    pub fn text(slug: &str) -> Self {
        Self {
            name: slug.to_owned(),
            stem: slug.to_owned(),
            folder: None,
            dictionary: None,
            kept: Arc::default(),
            lost: Arc::default(),
        }
    }

    /// With the local recogniser's dictionary, words that callers are expected to say and that are not in it are warned of.
    pub fn heard_with(self, dictionary: Option<Arc<Dictionary>>) -> Self {
        Self { dictionary, ..self }
    }

    /// With the secrets that are kept for the scenario, by the names that it calls them: `secret:NAME`.
    pub fn with_secrets(self, kept: BTreeMap<String, Secret>) -> Self {
        let kept = Arc::new(kept);
        Self { kept, ..self }
    }

    /// With the names of secrets that are kept for the scenario and do not open: tools that need one are left out, for anything else it
    /// is a problem.
    pub fn without_secrets(self, lost: BTreeSet<String>) -> Self {
        let lost = Arc::new(lost);
        Self { lost, ..self }
    }

    /// The name that problems begin with.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Reads and checks a scenario.
///
/// # Errors
/// Every problem that was found, in the order of the text. A scenario with a problem is not used at all.
pub fn parse(text: &str, origin: &Origin) -> Result<(Scenario, Vec<Warning>), Vec<Problem>> {
    read(origin, |findings| document::from_toml(text, findings))
}

/// Reads and checks a scenario that is written in JSON: the same fields, and the same problems, all of them at the first place.
///
/// # Errors
/// As [`parse`].
pub fn parse_json(
    json: &serde_json::Value,
    origin: &Origin,
) -> Result<(Scenario, Vec<Warning>), Vec<Problem>> {
    read(origin, |_| Some(Node::of_json(json)))
}

fn read(
    origin: &Origin,
    tree: impl FnOnce(&mut Findings) -> Option<Node>,
) -> Result<(Scenario, Vec<Warning>), Vec<Problem>> {
    let mut findings = Findings::of(&origin.name);
    findings.dictionary.clone_from(&origin.dictionary);
    findings.kept = Arc::clone(&origin.kept);
    findings.lost = Arc::clone(&origin.lost);
    let scenario = tree(&mut findings).and_then(|node| {
        if node.depth() > DEEPEST {
            let what = format!("more than {DEEPEST} tables and lists stand within one another");
            findings.problem(node.at, "", what, "make it flatter");
            return None;
        }
        let mut root = Field::root(&node).section(&mut findings)?;
        let scenario = scenario(&mut root, origin, &mut findings);
        root.finish(&mut findings);
        scenario
    });
    let (problems, warnings) = findings.told();
    match scenario {
        Some(scenario) if problems.is_empty() => Ok((scenario, warnings)),
        Some(_) | None => Err(problems),
    }
}

fn scenario(root: &mut Section<'_>, origin: &Origin, findings: &mut Findings) -> Option<Scenario> {
    let (language, at) = language::read(root, findings);
    let slug = slug(root, origin, findings);
    let name = name(root, findings);
    let variables = root
        .take("variables")
        .map(|field| names::variables(&field, findings))
        .unwrap_or_default();
    let mut names = Names::with(&variables);
    let fallback = fallback(root, &names, findings);
    if fallback
        .as_ref()
        .is_some_and(|fallback| fallback.to.is_some())
    {
        names.certain.insert("transfer_to".to_owned());
    }
    let destinations = destination::named(root, findings);
    let of_destinations = destinations
        .iter()
        .map(|(name, _)| destination_variable(name));
    names.certain.extend(of_destinations);
    let engines = engines(root, origin, (&names, &language), findings);
    language::warn(&language, &engines, at, findings);
    let (mut turn, given, protect) = turn_taking(root, findings);
    let idle = idle(root, (&mut turn, &given), &names, findings);
    let limits = limits(root, (&mut turn, &given), &names, findings);
    let greeting = greeting(root, protect, &names, findings);
    warn_of_slow_webhooks(root, &engines, &turn, findings);
    pipeline(root, findings);
    later::read(root, findings);
    let toolkit = tools::Toolkit {
        destinations,
        ..toolkit(root, &engines, &names, findings)
    };
    Some(Scenario {
        name: name.unwrap_or_else(|| slug.clone()),
        slug,
        direction: direction(root, findings),
        persona: persona(root, toolkit, &names, findings),
        greeting,
        variables,
        voice: voice(root, (&engines, &language), findings),
        language,
        engines,
        turn,
        idle,
        limits: limits?,
        recording: recording(root, findings),
        fallback: fallback?,
        foreign_streams: flag(root, "foreign_streams", findings).unwrap_or(false),
    })
}

fn slug(root: &mut Section<'_>, origin: &Origin, findings: &mut Findings) -> String {
    let given = root.take("slug");
    let slug = match &given {
        Some(field) => field.text(findings).unwrap_or_default(),
        None => origin.stem.clone(),
    };
    let fits = (1..=64).contains(&slug.len())
        && slug
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !slug.starts_with('-')
        && !slug.ends_with('-');
    if !fits && (given.is_none() || !slug.is_empty()) {
        let remedy = "use lower-case letters, digits and single dashes between them, 64 at most";
        let at = given.map_or(root.at, |field| field.at);
        let what = format!("\"{slug}\" cannot stand in an address");
        findings.problem(at, "slug", what, remedy);
    }
    slug
}

fn name(root: &mut Section<'_>, findings: &mut Findings) -> Option<String> {
    let field = root.take("name")?;
    let name = field.text(findings)?;
    if name.chars().count() > MOST_OF_NAME || name.chars().any(char::is_control) {
        let remedy = format!("write one line of at most {MOST_OF_NAME} characters");
        field.problem(findings, "this is no name for people", remedy);
        return None;
    }
    Some(name)
}

fn direction(root: &mut Section<'_>, findings: &mut Findings) -> Directions {
    let words = [
        ("inbound", Directions::Inbound),
        ("outbound", Directions::Outbound),
        ("both", Directions::Both),
    ];
    root.take("direction")
        .and_then(|field| field.word(findings, &words))
        .unwrap_or_default()
}

fn toolkit(
    root: &mut Section<'_>,
    engines: &Engines,
    names: &Names,
    findings: &mut Findings,
) -> tools::Toolkit {
    let toolkit = tools::read(root, names, findings);
    let models = engines.responders.iter();
    let models = models.filter(|responder| matches!(responder, Responder::Model(_)));
    if !(toolkit.tools.is_empty() && toolkit.mcp.is_empty()) && models.count() == 0 {
        findings.warning(
            root.place_of("tools", "tools"),
            "tools",
            "no language model answers here: nothing calls these tools",
        );
    }
    toolkit
}

fn persona(
    root: &mut Section<'_>,
    toolkit: tools::Toolkit,
    names: &Names,
    findings: &mut Findings,
) -> Persona {
    let mut told = |section: &mut Section<'_>, name| {
        let field = section.take(name)?;
        names.prompt(&field, findings)
    };
    let mut persona = Persona {
        persona: told(root, "persona"),
        prompt: told(root, "prompt"),
        toolkit,
        ..Persona::default()
    };
    if let Some(mut section) = root.take("prompts").and_then(|f| f.section(findings)) {
        let mut told = |name| section.take(name).and_then(|f| names.prompt(&f, findings));
        persona.inbound = told("inbound");
        persona.outbound = told("outbound");
        section.finish(findings);
    }
    persona
}

fn greeting(
    root: &mut Section<'_>,
    protect: Option<Protection>,
    names: &Names,
    findings: &mut Findings,
) -> Greeting {
    let mut greeting = Greeting {
        protect,
        ..Greeting::default()
    };
    if let Some(mut section) = root.take("greeting").and_then(|f| f.section(findings)) {
        let mut line = |name| section.take(name).and_then(|f| names.text(&f, findings));
        greeting.inbound = line("inbound");
        greeting.outbound = line("outbound");
        section.finish(findings);
    }
    if let Some(mut section) = root.take("consent").and_then(|f| f.section(findings)) {
        let announce = section.take("announce");
        greeting.announce = announce.and_then(|f| names.text(&f, findings));
        if let Some(field) = section.take("ask") {
            names.text(&field, findings);
            later::not_yet(&field, "asking for consent", findings);
        }
        section.finish(findings);
    }
    greeting.callee = callee::read(root, names, findings);
    greeting
}

fn engines(
    root: &mut Section<'_>,
    origin: &Origin,
    (names, language): (&Names, &str),
    findings: &mut Findings,
) -> Engines {
    let own_script = root.take("script");
    let script: Option<Arc<Script>> = own_script
        .as_ref()
        .and_then(|field| script::read(field, names, findings))
        .map(Arc::new);
    let include = Include {
        folder: origin.folder.clone(),
    };
    let around = Around {
        names,
        include: &include,
        language,
        script,
        has_script: own_script.is_some(),
    };
    engines::read(root, &around, findings)
}

fn turn_taking(
    root: &mut Section<'_>,
    findings: &mut Findings,
) -> (TurnSettings, turn::Given, Option<Protection>) {
    let Some(mut section) = root.take("turn").and_then(|f| f.section(findings)) else {
        return (turn::defaults(), turn::Given::default(), None);
    };
    let words = [
        ("first_second", Protection::FirstSecond),
        ("whole", Protection::Whole),
        ("none", Protection::None),
    ];
    let protect = section
        .take("protect_greeting")
        .and_then(|field| field.word(findings, &words));
    let (turn, given) = turn::read(&mut section, findings);
    section.finish(findings);
    (turn, given, protect)
}

fn pipeline(root: &mut Section<'_>, findings: &mut Findings) {
    let Some(field) = root.take("pipeline") else {
        return;
    };
    let words = [("auto", false), ("cascade", false), ("realtime", true)];
    if field.word(findings, &words) == Some(true) {
        field.warning(
            findings,
            "the realtime pipeline is not yet available: the cascade of recogniser, responder and voice is used",
        );
    }
}

fn warn_of_slow_webhooks(
    root: &Section<'_>,
    engines: &Engines,
    turn: &TurnSettings,
    findings: &mut Findings,
) {
    let slow = engines.responders.iter().any(|responder| match responder {
        Responder::Webhook(webhook) => webhook.timeout_ms >= turn.reply_bound_ms,
        Responder::Script { .. } | Responder::Parrot | Responder::Model(_) => false,
    });
    if slow {
        findings.warning(
            root.place_of("responder", "turn"),
            "responder",
            "the webhook's timeout_ms is not below turn.reply_bound_ms: callers hear the apology before its fallback",
        );
    }
}
