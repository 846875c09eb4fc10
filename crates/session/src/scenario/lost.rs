//! Secrets that are kept for a scenario and do not open: what can do without them is left out.

use super::field::{Field, Section};
use super::problem::Findings;
use super::webhook::kept_name;

/// The name of a secret that does not open and that a header of this tool, or server of tools, needs.
fn needed(tool: &Field<'_>, findings: &Findings) -> Option<String> {
    // What is wrong with the tool besides is found by who reads it.
    let mut aside = Findings::default();
    let mut section = tool.section(&mut aside)?;
    for way in ["http", "mcp"] {
        let headers = section
            .take(way)
            .and_then(|field| field.section(&mut aside))
            .and_then(|mut way| way.take("headers"))
            .and_then(|field| field.section(&mut aside));
        for (_, value) in headers.iter().flat_map(|headers| headers.all()) {
            let text = value.text(&mut aside).unwrap_or_default();
            let name = kept_name(&text).filter(|name| findings.lost.contains(*name));
            if let Some(name) = name {
                return Some(name.to_owned());
            }
        }
    }
    None
}

/// A tool to be read; `None` for one that is left out because a secret of it does not open, which is warned of: the model does without
/// it, where the call would not be answered otherwise.
pub(super) fn section<'a>(tool: &Field<'a>, findings: &mut Findings) -> Option<Section<'a>> {
    let Some(name) = needed(tool, findings) else {
        return tool.section(findings);
    };
    let what =
        format!("this tool is left out of calls: the secret {name} does not open under SECRET_KEY");
    tool.warning(findings, what);
    None
}
