//! Parts of the model that this version checks for shape and does not act on.

use super::field::{Field, Section};
use super::problem::Findings;

/// Reads them, and says of each that it is not yet available.
pub(super) fn read(root: &mut Section<'_>, findings: &mut Findings) {
    if let Some(field) = root.take("realtime") {
        realtime(&field, findings);
        not_yet(&field, "the realtime pipeline", findings);
    }
    if let Some(field) = root.take("tools") {
        for tool in field.list(findings) {
            one_tool(&tool, findings);
        }
        not_yet(&field, "tools are", findings);
    }
    for (name, what) in [
        ("calendar", "the calendar"),
        ("callee", "the handling of voicemail and call screening"),
        ("mcp", "tools over MCP"),
    ] {
        if let Some(field) = root.take(name)
            && (field.is_bool() || field.is_list() || field.section(findings).is_some())
        {
            not_yet(&field, what, findings);
        }
    }
}

pub(super) fn not_yet(field: &Field<'_>, what: &str, findings: &mut Findings) {
    let what = match what.strip_suffix(" are") {
        Some(many) => format!("{many} are not yet available: this is ignored"),
        None => format!("{what} is not yet available: this is ignored"),
    };
    field.warning(findings, what);
}

fn realtime(field: &Field<'_>, findings: &mut Findings) {
    let Some(mut section) = field.section(findings) else {
        return;
    };
    match section.take("provider") {
        Some(provider) => {
            provider.word(findings, &[("openai", ())]);
        }
        None => section.missing(findings, "provider", "name the provider: \"openai\""),
    }
    for name in ["model", "voice"] {
        if let Some(field) = section.take(name) {
            field.text(findings);
        }
    }
    section.finish(findings);
}

fn one_tool(field: &Field<'_>, findings: &mut Findings) {
    let Some(mut section) = field.section(findings) else {
        return;
    };
    for name in ["name", "description"] {
        match section.take(name) {
            Some(field) => {
                field.text(findings);
            }
            None => section.missing(findings, name, "a tool has a name and a description"),
        }
    }
    match section.take("parameters") {
        Some(field) => {
            field.section(findings);
        }
        None => section.missing(findings, "parameters", "give a JSON Schema as a table"),
    }
    for name in ["http", "mcp"] {
        if let Some(field) = section.take(name) {
            field.section(findings);
        }
    }
    if let Some(field) = section.take("side_effect") {
        field.bool(findings);
    }
    if let Some(field) = section.take("timeout_ms") {
        field.whole(findings, 100..=120_000_u32, "milliseconds");
    }
    section.finish(findings);
}
