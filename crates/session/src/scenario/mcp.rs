//! Servers of MCP tools: where they are, and which of their tools a scenario allows.

use reqwest::header::HeaderName;
use ringback_call::ToolSpec;
use url::Url;

use super::field::Section;
use super::problem::Findings;
use super::tools::{BUILT_IN_TOOLS, HeaderText, headers};
use super::webhook;

/// A server of MCP tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpServer {
    /// Its endpoint.
    pub url: Url,
    /// Headers of the scenario's own.
    pub headers: Vec<(HeaderName, HeaderText)>,
    /// The tools that may be called, by the server's names.
    pub allow: Vec<String>,
    /// Whether the address may be a private one.
    pub allow_private: bool,
    /// Whether they change something; `None`: unless the server says that one does not.
    pub side_effect: Option<bool>,
    /// The longest wait for an answer, in milliseconds.
    pub timeout_ms: u32,
}

impl McpServer {
    /// What the core needs to know of its tools, as long as the server has not said more.
    pub(crate) fn specs(&self) -> impl Iterator<Item = ToolSpec> {
        let spec = |name: &String| ToolSpec {
            name: told_name(name),
            timeout_ms: self.timeout_ms,
            side_effect: self.side_effect.unwrap_or(true),
        };
        self.allow.iter().map(spec)
    }
}

/// The name by which models know a tool: they take letters, digits, `_` and `-`, at most 64.
pub(crate) fn told_name(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    name.chars().map(plain).take(64).collect()
}

/// Reads `mcp` of an entry of `tools`, with what stands beside it.
pub(super) fn read(
    section: &mut Section<'_>,
    (side_effect, timeout_ms): (Option<bool>, u32),
    findings: &mut Findings,
) -> Option<McpServer> {
    let mut server = section.take("mcp")?.section(findings)?;
    let allow_private = server
        .take("allow_private")
        .and_then(|field| field.bool(findings))
        .unwrap_or(false);
    let url = match server.take("url") {
        Some(field) => field
            .text(findings)
            .and_then(|text| webhook::guarded(&field, &text, allow_private, findings)),
        None => {
            server.missing(findings, "url", "give the server's endpoint");
            None
        }
    };
    let own = server.take("headers");
    let own = own
        .map(|field| headers(&field, findings))
        .unwrap_or_default();
    let allow = match server.take("allow") {
        Some(field) => field.texts(findings),
        None => {
            let remedy = "name the tools that may be called: [\"look_up\"]";
            server.missing(findings, "allow", remedy);
            Vec::new()
        }
    };
    for name in &allow {
        let told = told_name(name);
        let twice = allow
            .iter()
            .filter(|other| told_name(other) == told)
            .count()
            > 1;
        if twice || told.is_empty() || BUILT_IN_TOOLS.contains(&told.as_str()) {
            let what = format!("\"{name}\" is built in, empty, or there twice");
            server.wrong(findings, "allow", what, "leave it out");
            break;
        }
    }
    server.finish(findings);
    for name in ["name", "description", "parameters", "http"] {
        if section.has(name) && section.take(name).is_some() {
            let what = format!("{name} has no place beside mcp");
            section.wrong(findings, name, what, "the server says it: leave it out");
        }
    }
    Some(McpServer {
        url: url?,
        headers: own,
        allow,
        allow_private,
        side_effect,
        timeout_ms,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use crate::scenario::{Origin, parse};

    fn problems(tools: &str) -> Vec<String> {
        let text = format!("prompt = \"p\"\nresponder = [{{ provider = \"openai\" }}]\n{tools}");
        let problems = parse(&text, &Origin::text("t")).unwrap_err();
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_server_of_tools_is_read_with_what_it_may_do() {
        let text = "prompt = \"p\"\nresponder = [{ provider = \"openai\" }]\n[[tools]]\ntimeout_ms = 900\n\
                    mcp = { url = \"https://tools.example.com/mcp\", headers = { Authorization = \"env:KEY\" }, allow = [\"a.b\", \"c\"] }\n\
                    [[tools]]\nside_effect = false\nmcp = { url = \"http://10.0.0.7/mcp\", allow = [\"d\"], allow_private = true }\n";
        let (scenario, _) = parse(text, &Origin::text("t")).unwrap();
        let specs: Vec<_> = scenario.persona.toolkit.specs();
        let specs: Vec<_> = specs
            .iter()
            .map(|spec| (spec.name.as_str(), spec.timeout_ms, spec.side_effect))
            .collect();
        assert_eq!(
            specs,
            [("a_b", 900, true), ("c", 900, true), ("d", 5000, false)]
        );
    }

    #[test]
    fn what_is_wrong_with_a_server_is_named() {
        let check = |tools: &str, expected: &str| {
            let found = problems(tools);
            assert!(
                found.iter().any(|one| one.contains(expected)),
                "{tools}: {found:?}"
            );
        };
        let server = |fields: &str| format!("[[tools]]\nmcp = {{ {fields} }}\n");
        check(&server("allow = [\"a\"]"), "url");
        check(&server("url = \"https://a.example\""), "allow");
        check(
            &server("url = \"http://127.0.0.1/mcp\", allow = [\"a\"]"),
            "private",
        );
        check(
            &server("url = \"https://a.example\", allow = [\"a.b\", \"a_b\"]"),
            "twice",
        );
        check(
            &server("url = \"https://a.example\", allow = [\"end_call\"]"),
            "built in",
        );
        check(
            &server("url = \"https://a.example\", allow = [\"a\"], tool = 1"),
            "tool",
        );
        let named =
            "[[tools]]\nname = \"x\"\nmcp = { url = \"https://a.example\", allow = [\"a\"] }\n";
        check(named, "has no place beside mcp");
        let twice = server("url = \"https://a.example\", allow = [\"a\"]").repeat(2);
        check(&twice, "has one that is here already: a");
    }
}
