//! Parts of the model that this version checks for shape and does not act on.

use super::field::{Field, Section};
use super::problem::Findings;

/// Reads them, and says of each that it is not yet available.
pub(super) fn read(root: &mut Section<'_>, findings: &mut Findings) {
    if let Some(field) = root.take("realtime") {
        realtime(&field, findings);
        not_yet(&field, "the realtime pipeline", findings);
    }
    for (name, what) in [
        ("calendar", "the calendar"),
        ("mcp", "a server of MCP tools"),
    ] {
        if let Some(field) = root.take(name)
            && (field.is_bool() || field.is_list() || field.section(findings).is_some())
        {
            not_yet(&field, what, findings);
        }
    }
}

pub(super) fn not_yet(field: &Field<'_>, what: &str, findings: &mut Findings) {
    field.warning(
        findings,
        format!("{what} is not yet available: this is ignored"),
    );
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
