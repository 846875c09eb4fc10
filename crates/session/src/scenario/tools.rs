//! The tools of a scenario: what a language model may have done over HTTP, and how that is written.

use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use ringback_call::ToolSpec;
use serde_json::{Map, Value, json};

use super::field::{Field, Section};
use super::lost;
use super::mcp::{self, McpServer};
use super::model::SecretRef;
use super::names::{Names, is_word};
use super::problem::Findings;
use super::template::Template;
use super::webhook;

/// How long a tool may take where the scenario does not say, in milliseconds.
const TIMEOUT_MS: u32 = 5000;
/// The most tools of a scenario.
const MOST_TOOLS: usize = 64;
/// Headers that are not for a scenario to set.
const OURS: [&str; 6] = [
    "host",
    "content-length",
    "connection",
    "transfer-encoding",
    "accept-encoding",
    "idempotency-key",
];

/// The tools that every model has, or can have.
pub const BUILT_IN_TOOLS: [&str; 4] = ["end_call", "transfer_call", "send_dtmf", "collect_digits"];

/// Lines of patience.
const MOST_WAITS: usize = 10;

/// What a language model may do beside speaking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toolkit {
    /// Tools of the scenario's own.
    pub tools: Vec<Tool>,
    /// Servers of tools.
    pub mcp: Vec<McpServer>,
    /// Where callers can be put through, by name: numbers as E.164 or SIP addresses.
    pub destinations: Vec<(String, String)>,
    /// Said in turn while a tool takes long.
    pub wait: Option<Vec<Template>>,
}

impl Toolkit {
    /// What the core needs to know of the tools.
    pub(crate) fn specs(&self) -> Vec<ToolSpec> {
        let spec = |tool: &Tool| ToolSpec {
            name: tool.name.clone(),
            timeout_ms: tool.timeout_ms,
            side_effect: tool.side_effect,
        };
        let own = self.tools.iter().map(spec);
        own.chain(self.mcp.iter().flat_map(McpServer::specs))
            .collect()
    }
}

/// A tool: something that a language model may have done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name, `[a-z0-9_-]`, at most 64.
    pub name: String,
    /// For the model: what it does and when to use it.
    pub description: String,
    /// JSON schema of its arguments: always an object with `type` and `properties`.
    pub parameters: Value,
    /// The request that carries it out.
    pub http: HttpTool,
    /// It changes something, so that it must not be done twice.
    pub side_effect: bool,
    /// The longest wait for its answer, in milliseconds.
    pub timeout_ms: u32,
}

/// A request over HTTP with places for arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpTool {
    /// GET, POST, PUT, PATCH or DELETE.
    pub method: Method,
    /// The address; arguments stand in its path or behind.
    pub url: Slots,
    /// Headers of the scenario's own.
    pub headers: Vec<(HeaderName, HeaderText)>,
    /// The body; `None`: the arguments as JSON, where the method has a body.
    pub body: Option<Slots>,
    /// Whether the address may be a private one.
    pub allow_private: bool,
}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderText {
    /// This.
    Text(HeaderValue),
    /// What is kept elsewhere.
    Secret(SecretRef),
}

/// A text with places for arguments, as `{name}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots(Vec<Slot>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Slot {
    Text(String),
    Argument(String),
}

impl Slots {
    /// Braces around anything but the name of an argument are text.
    fn parse(text: &str, arguments: &Map<String, Value>) -> Self {
        let mut slots = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, inside) = rest.split_at(open);
            plain.push_str(before);
            match inside[1..].split_once('}') {
                Some((name, after)) if arguments.contains_key(name) => {
                    slots.push(Slot::Text(std::mem::take(&mut plain)));
                    slots.push(Slot::Argument(name.to_owned()));
                    rest = after;
                }
                Some(_) | None => {
                    plain.push('{');
                    rest = &inside[1..];
                }
            }
        }
        plain.push_str(rest);
        slots.push(Slot::Text(plain));
        Self(slots)
    }

    /// The text with arguments put in, each as `write` spells it.
    ///
    /// # Errors
    /// The name of an argument that is not there.
    pub(crate) fn fill(
        &self,
        arguments: &Map<String, Value>,
        write: impl Fn(&Value) -> String,
    ) -> Result<String, String> {
        let mut text = String::new();
        for slot in &self.0 {
            match slot {
                Slot::Text(plain) => text.push_str(plain),
                Slot::Argument(name) => {
                    text.push_str(&write(arguments.get(name).ok_or_else(|| name.clone())?));
                }
            }
        }
        Ok(text)
    }

    fn first(&self) -> &str {
        match self.0.first() {
            Some(Slot::Text(text)) => text,
            Some(Slot::Argument(_)) | None => "",
        }
    }
}

pub(super) fn read(root: &mut Section<'_>, names: &Names, findings: &mut Findings) -> Toolkit {
    let mut tools: Vec<Tool> = Vec::new();
    let mut servers: Vec<McpServer> = Vec::new();
    if let Some(field) = root.take("tools") {
        let items = field.list(findings);
        if items.len() > MOST_TOOLS {
            let what = format!("there are more than {MOST_TOOLS} tools");
            field.problem(findings, what, "keep fewer: models choose badly among many");
        }
        for item in items.iter().take(MOST_TOOLS) {
            let Some(mut section) = lost::section(item, findings) else {
                continue;
            };
            let side_effect = section.take("side_effect");
            let side_effect = side_effect.and_then(|field| field.bool(findings));
            let timeout_ms = section
                .take("timeout_ms")
                .and_then(|field| field.whole(findings, 100..=120_000_u32, "milliseconds"))
                .unwrap_or(TIMEOUT_MS);
            if section.has("mcp") {
                servers.extend(mcp::read(&mut section, (side_effect, timeout_ms), findings));
                section.finish(findings);
            } else if let Some(tool) = one(section, (side_effect, timeout_ms), findings) {
                if tools.iter().any(|other| other.name == tool.name) {
                    item.problem(
                        findings,
                        format!("there are two tools {}", tool.name),
                        "name one of them otherwise",
                    );
                }
                tools.push(tool);
            }
        }
    }
    let allowed = servers.iter().flat_map(|server| &server.allow);
    let mut told: Vec<String> = allowed.map(|name| mcp::told_name(name)).collect();
    told.extend(tools.iter().map(|tool| tool.name.clone()));
    told.sort();
    let twice = told.windows(2).find(|pair| pair[0] == pair[1]);
    if let Some(pair) = twice.filter(|_| !servers.is_empty()) {
        let what = format!(
            "a server of tools has one that is here already: {}",
            pair[0]
        );
        root.wrong(findings, "tools", what, "allow it in one place only");
    }
    Toolkit {
        tools,
        mcp: servers,
        // A script reads them too, so they are read before it.
        destinations: Vec::new(),
        wait: root
            .take("tool_wait")
            .map(|field| waits(&field, names, findings)),
    }
}

/// A text or a list of them.
fn waits(field: &Field<'_>, names: &Names, findings: &mut Findings) -> Vec<Template> {
    if !field.is_list() {
        return names.text(field, findings).into_iter().collect();
    }
    let lines = field.list(findings);
    if lines.len() > MOST_WAITS {
        let what = format!("there are more than {MOST_WAITS} lines");
        field.problem(findings, what, format!("keep {MOST_WAITS} at most"));
    }
    let line = |field: &Field<'_>| names.text(field, findings);
    lines.iter().filter_map(line).collect()
}

fn one(
    mut section: Section<'_>,
    (side_effect, timeout_ms): (Option<bool>, u32),
    findings: &mut Findings,
) -> Option<Tool> {
    let (name, description) = named(&mut section, findings);
    let parameters = match section.take("parameters") {
        Some(field) => schema(&field, findings),
        None => Some(json!({ "type": "object", "properties": {} })),
    };
    let none = Map::new();
    let arguments = parameters
        .as_ref()
        .and_then(|schema| schema["properties"].as_object());
    let http = section.take("http");
    if http.is_none() {
        let remedy = "say what it asks: { url = \"https://...\" }";
        section.missing(findings, "http", remedy);
    }
    let http = http.and_then(|field| request(&field, arguments.unwrap_or(&none), findings));
    section.finish(findings);
    Some(Tool {
        name: name?,
        description: description?,
        parameters: parameters?,
        http: http?,
        side_effect: side_effect.unwrap_or(false),
        timeout_ms,
    })
}

fn named(section: &mut Section<'_>, findings: &mut Findings) -> (Option<String>, Option<String>) {
    let mut text = |name| match section.take(name) {
        Some(field) => field.text(findings),
        None => {
            section.missing(findings, name, "a tool has a name and a description");
            None
        }
    };
    let (name, description) = (text("name"), text("description"));
    if let Some(name) = &name
        && (!is_word(name) || BUILT_IN_TOOLS.contains(&name.as_str()))
    {
        let (what, remedy) = if is_word(name) {
            (format!("{name} is built in"), "choose another name")
        } else {
            let remedy = "use lower-case letters, digits, _ and -, 64 at most";
            (format!("\"{name}\" is no name of a tool"), remedy)
        };
        section.wrong(findings, "name", what, remedy);
    }
    (name, description)
}

/// A JSON schema of an object. What an empty table leaves out is put in: models want it.
fn schema(field: &Field<'_>, findings: &mut Findings) -> Option<Value> {
    field.section(findings)?;
    let mut schema = field.json(findings)?;
    let table = schema.as_object_mut()?;
    let kind = table.entry("type").or_insert(json!("object"));
    if kind != "object" {
        let remedy = "arguments have names: write type = \"object\"";
        field.problem(findings, "this is no schema of an object", remedy);
        return None;
    }
    let properties = table.entry("properties").or_insert(json!({})).clone();
    let required = table.get("required").cloned().unwrap_or(json!([]));
    let known = |name: &Value| {
        name.as_str()
            .is_some_and(|name| properties.get(name).is_some())
    };
    let lists = required
        .as_array()
        .is_some_and(|list| list.iter().all(known));
    if !properties.is_object() || !lists {
        field.problem(
            findings,
            "its properties and what is required of them do not fit together",
            "give properties as a table, and required as a list of their names",
        );
        return None;
    }
    Some(schema)
}

fn request(
    field: &Field<'_>,
    arguments: &Map<String, Value>,
    findings: &mut Findings,
) -> Option<HttpTool> {
    let mut section = field.section(findings)?;
    let methods = [
        ("GET", 0),
        ("POST", 1),
        ("PUT", 2),
        ("PATCH", 3),
        ("DELETE", 4),
    ];
    let verbs = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    let method = section
        .take("method")
        .map_or(Some(1), |field| field.word(findings, &methods));
    let allow_private = section
        .take("allow_private")
        .and_then(|field| field.bool(findings))
        .unwrap_or(false);
    let url = match section.take("url") {
        Some(field) => address(&field, arguments, allow_private, findings),
        None => {
            section.missing(findings, "url", "give the address to ask");
            None
        }
    };
    let headers = section
        .take("headers")
        .map(|field| headers(&field, findings))
        .unwrap_or_default();
    let body = section
        .take("body")
        .and_then(|field| field.text(findings))
        .map(|text| Slots::parse(&text, arguments));
    section.finish(findings);
    Some(HttpTool {
        method: verbs.get(method?)?.clone(),
        url: url?,
        headers,
        body,
        allow_private,
    })
}

/// An address with places for arguments, none of them in the name of its host.
fn address(
    field: &Field<'_>,
    arguments: &Map<String, Value>,
    allow_private: bool,
    findings: &mut Findings,
) -> Option<Slots> {
    let text = field.text(findings)?;
    let slots = Slots::parse(&text, arguments);
    let sample = slots.fill(arguments, |_| "x".to_owned()).ok()?;
    if sample.contains(['{', '}']) {
        field.problem(
            findings,
            "a name in braces is no argument of this tool",
            "name one of the properties of its parameters",
        );
        return None;
    }
    let host = slots.first().split_once("://").map_or("", |(_, host)| host);
    if slots.0.len() > 1 && !host.contains(['/', '?']) {
        field.problem(
            findings,
            "an argument stands in the name of the host",
            "write the host out; arguments may stand in the path and behind it",
        );
        return None;
    }
    webhook::guarded(field, &sample, allow_private, findings).map(|_| slots)
}

pub(super) fn headers(field: &Field<'_>, findings: &mut Findings) -> Vec<(HeaderName, HeaderText)> {
    let mut found = Vec::new();
    let Some(section) = field.section(findings) else {
        return found;
    };
    for (name, value) in section.all() {
        let header = HeaderName::from_bytes(name.as_bytes()).ok();
        let Some(header) = header.filter(|header| !OURS.contains(&header.as_str())) else {
            value.problem(
                findings,
                format!("\"{name}\" is no header that can be set"),
                "name another",
            );
            continue;
        };
        let Some(text) = value.text(findings) else {
            continue;
        };
        let says = if webhook::is_reference(&text) {
            let Some(secret) = webhook::secret(&value, findings) else {
                continue;
            };
            fits_header(&secret).then_some(HeaderText::Secret(secret))
        } else {
            HeaderValue::from_str(&text).ok().map(HeaderText::Text)
        };
        match says {
            Some(says) => found.push((header, says)),
            None => value.problem(
                findings,
                "this cannot stand in a header",
                "give a text, \"env:NAME\" or \"file:PATH\"",
            ),
        }
    }
    found
}

/// Whether a secret that is known already can stand in a header.
fn fits_header(secret: &SecretRef) -> bool {
    match secret {
        SecretRef::Env(_) | SecretRef::File(_) => true,
        SecretRef::Kept(kept) => HeaderValue::from_str(kept.secret.expose()).is_ok(),
    }
}
