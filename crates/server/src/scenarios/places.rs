//! Where secrets stand in a scenario, and what of it is for admins alone.

use ringback_session::scenario::{Position, Problem, is_reference};
use serde_json::Value;

use crate::accounts::User;
use crate::config::variables;

/// Headers that nobody needs to hide.
const PLAIN: [&str; 8] = [
    "accept",
    "accept-charset",
    "accept-language",
    "cache-control",
    "content-language",
    "content-type",
    "prefer",
    "user-agent",
];
/// Fields of parts that are not read yet, in which a secret may stand.
const HIDDEN: [&str; 8] = [
    "api_key",
    "authorization",
    "client_secret",
    "headers",
    "key",
    "password",
    "secret",
    "token",
];

/// Calls `each` with the path and text of every secret of a scenario and of everything that says where one is kept. What it leaves in the
/// text stands there.
pub(super) fn secrets(body: &mut Value, mut each: impl FnMut(&str, &mut String)) {
    for (number, item) in items(body, "responder") {
        for name in ["key", "secret"] {
            let path = format!("responder[{number}].{name}");
            text(item.get_mut(name), &path, &mut each);
        }
    }
    for (number, tool) in items(body, "tools") {
        for way in ["http", "mcp"] {
            let headers = tool.get_mut(way).and_then(|way| way.get_mut("headers"));
            let headers = headers.and_then(Value::as_object_mut);
            for (name, value) in headers.into_iter().flatten() {
                let known = PLAIN.contains(&name.to_ascii_lowercase().as_str());
                if known && !value.as_str().is_some_and(is_reference) {
                    continue;
                }
                let path = format!("tools[{number}].{way}.headers.{name}");
                text(Some(value), &path, &mut each);
            }
        }
    }
    for name in ["calendar", "mcp"] {
        if let Some(value) = body.get_mut(name) {
            hidden(value, name, false, &mut each);
        }
    }
}

fn items<'a>(body: &'a mut Value, name: &str) -> impl Iterator<Item = (usize, &'a mut Value)> {
    let list = body.get_mut(name).and_then(Value::as_array_mut);
    list.into_iter().flatten().enumerate()
}

fn text(value: Option<&mut Value>, path: &str, each: &mut impl FnMut(&str, &mut String)) {
    if let Some(Value::String(text)) = value
        && !text.trim().is_empty()
    {
        each(path, text);
    }
}

fn hidden(value: &mut Value, path: &str, within: bool, each: &mut impl FnMut(&str, &mut String)) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let within = within || HIDDEN.contains(&name.to_ascii_lowercase().as_str());
                hidden(value, &format!("{path}.{name}"), within, each);
            }
        }
        Value::Array(items) => {
            for (number, value) in items.iter_mut().enumerate() {
                hidden(value, &format!("{path}[{number}]"), within, each);
            }
        }
        Value::String(_) if within => text(Some(value), path, each),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A file's scenario without the secrets that stand in it.
#[must_use]
pub fn masked(mut body: Value) -> Value {
    secrets(&mut body, |_, text| {
        if !is_reference(text) {
            "secret:in-the-file".clone_into(text);
        }
    });
    body
}

/// Who asks for a scenario to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A user.
    ByUser,
    /// An admin.
    ByAdmin,
}

impl Asked {
    /// What this user is.
    pub fn by(user: &User) -> Self {
        match user.is_admin() {
            true => Self::ByAdmin,
            false => Self::ByUser,
        }
    }
}

/// What may not stand in a scenario that is kept for this user: what reads the server's own secrets or files, or reaches addresses that
/// only the server can reach.
pub(super) fn forbidden(body: &mut Value, asked: Asked) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut forbid = |path: &str, what: &str, remedy: &str| {
        found.push(Problem {
            origin: String::new(),
            at: Position::START,
            path: path.to_owned(),
            what: what.to_owned(),
            remedy: remedy.to_owned(),
        });
    };
    let instead = "give the secret itself: it is sealed and never shown again";
    secrets(body, |path, text| match text.trim().split_once(':') {
        Some(("file", _)) => forbid(path, "only scenarios in files may name files", instead),
        Some(("env", _)) if asked == Asked::ByUser => {
            forbid(
                path,
                "only an admin may name the server's variables",
                instead,
            );
        }
        Some(("env", name)) if is_own(name) => {
            forbid(
                path,
                "this variable is a setting of the server itself",
                instead,
            );
        }
        Some(_) | None => {}
    });
    if asked == Asked::ByAdmin {
        return found;
    }
    let private = "leave it out, or ask an admin";
    for (number, item) in items(body, "responder") {
        if item["allow_private"] == true {
            let path = format!("responder[{number}].allow_private");
            forbid(&path, "only an admin may allow private addresses", private);
        }
        if item["provider"] == "openai" && !item["url"].is_null() {
            let path = format!("responder[{number}].url");
            forbid(
                &path,
                "only an admin may name another server of models",
                private,
            );
        }
    }
    for (number, tool) in items(body, "tools") {
        for way in ["http", "mcp"] {
            if tool[way]["allow_private"] == true {
                let path = format!("tools[{number}].{way}.allow_private");
                forbid(&path, "only an admin may allow private addresses", private);
            }
        }
    }
    found
}

/// Whether a variable is a setting of this program, or names the file of one.
fn is_own(name: &str) -> bool {
    let plain = name.strip_suffix("_FILE").unwrap_or(name);
    [name, plain]
        .iter()
        .any(|name| variables::find(name).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(body: &Value, asked: Asked) -> Vec<String> {
        let found = forbidden(&mut body.clone(), asked);
        found.into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn the_servers_secrets_and_private_addresses_are_not_for_everybody() {
        let body = json!({
            "responder": [
                {"provider": "webhook", "secret": "env:HOOK", "allow_private": true},
                {"provider": "openai", "key": "env:SECRET_KEY", "url": "https://example.com/v1"},
                {"provider": "webhook", "secret": "file:/etc/passwd", "url": "https://example.com"},
            ],
            "tools": [{"http": {"headers": {"accept": "env:DATABASE_URL_FILE", "x": "plain"}}}, {"mcp": {"allow_private": true}}],
        });
        assert_eq!(
            paths(&body, Asked::ByUser),
            [
                "responder[0].secret",
                "responder[1].key",
                "responder[2].secret",
                "tools[0].http.headers.accept",
                "responder[0].allow_private",
                "responder[1].url",
                "tools[1].mcp.allow_private",
            ]
        );
        assert_eq!(
            paths(&body, Asked::ByAdmin),
            [
                "responder[1].key",
                "responder[2].secret",
                "tools[0].http.headers.accept"
            ]
        );
    }

    #[test]
    fn no_secret_is_left_in_what_is_masked() {
        let body = json!({
            "responder": [{"key": "hidden 1", "secret": "env:KEPT"}],
            "tools": [{"http": {"headers": {"Authorization": "hidden 2", "Accept": "text/plain"}}, "parameters": {"properties": {"key": {}}}}],
            "mcp": [{"url": "https://example.com", "headers": {"x": {"y": ["hidden 3"]}}, "token": "hidden 4"}],
        });
        let masked = masked(body).to_string();
        assert!(!masked.contains("hidden"), "{masked}");
        for kept in ["env:KEPT", "text/plain", "https://example.com"] {
            assert!(masked.contains(kept), "{kept}");
        }
    }
}
