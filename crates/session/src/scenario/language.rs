//! The language of a scenario, and what of it must be said to its author.

use ringback_speech::language::{Language, primary};

use super::field::{Field, Section};
use super::model::{Engines, SttEngine};
use super::problem::{Findings, Position};
use crate::language::language_name;

/// The language of scenarios that name none.
pub(super) const DEFAULT: &str = "en-US";

/// Reads `language`, and where it stands. Our own lines are in it, where we know it.
pub(super) fn read(root: &mut Section<'_>, findings: &mut Findings) -> (String, Position) {
    let Some(field) = root.take("language") else {
        return (DEFAULT.to_owned(), root.at);
    };
    let language = field.text(findings).unwrap_or_default();
    if !language.is_empty() && is_tag(&language, &field, findings) {
        findings.language = Language::of(&language).unwrap_or_default();
    }
    if Language::of(&language) != Some(Language::English) {
        // No answer in another language is for the local recogniser, whatever it knows of the words.
        findings.dictionary = None;
    }
    (language, field.at)
}

/// Whether this is written as a language tag.
pub(super) fn is_tag(language: &str, field: &Field<'_>, findings: &mut Findings) -> bool {
    let mut parts = language.split('-');
    let primary = parts.next().unwrap_or_default();
    let fits = (2..=3).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_lowercase())
        && parts.all(|part| {
            (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        });
    if !fits {
        field.problem(
            findings,
            format!("\"{language}\" is no language tag"),
            "write it as en-US or de",
        );
    }
    fits
}

/// Says what the engines of this machine do not know of the language.
pub(super) fn warn(language: &str, engines: &Engines, at: Position, findings: &mut Findings) {
    if primary(language) == "en" || language.is_empty() {
        return;
    }
    let name = language_name(language);
    if Language::of(language).is_none() {
        let what = format!(
            "our own lines are in English where the scenario is in {name}: set limits.goodbye, fallback.apology, idle.prompts, and tool_wait for a model, give_up, say and silence of script.retry for a script, fallback for a webhook"
        );
        findings.warning(at, "language", what);
    }
    let is_local = |engine: &SttEngine| matches!(engine, SttEngine::PocketSphinx { .. });
    let heard = match engines.stt.as_deref() {
        None => Some("without another (STT) callers answer by keypad alone"),
        Some(list) if !list.iter().any(is_local) => None,
        Some(list) if list.iter().all(is_local) => {
            Some("callers answer by keypad alone; name another, such as deepgram")
        }
        Some(_) => Some("it does not stand in for the others"),
    };
    if let Some(means) = heard {
        let what = format!("the local recogniser hears English only, not {name}: {means}");
        findings.warning(at, "language", what);
    }
    let what = format!(
        "the local voice speaks English only: where it stands in for another it mispronounces {name}"
    );
    findings.warning(at, "language", what);
}
