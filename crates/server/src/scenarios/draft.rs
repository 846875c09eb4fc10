//! From what a client sends to what is stored: secrets are sealed, and all is checked as files are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::http::StatusCode;
use ringback_session::scenario::{
    Kind, Origin, Position, Problem, Scenario, Step, Warning, destination, is_reference,
    parse_json, steps, to_toml,
};
use ringback_store::SealedSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use super::places::{forbidden, secrets};
use super::{Asked, Opened, aside, secrets_of};
use crate::app::{App, Server};
use crate::config::Secret;
use crate::refusal::{Misfit, Refusal};

/// So many problems are told at once.
const MOST_TOLD: usize = 250;

/// What is to be stored.
#[derive(Debug)]
pub struct Wish {
    /// Id of the scenario.
    pub id: String,
    /// The name in addresses that it gets where the body has none.
    pub slug: String,
    /// Who wants it.
    pub asked: Asked,
    /// Whose it is.
    pub owner: Option<String>,
    /// What it says.
    pub body: Value,
    /// The secrets that are kept for it already.
    pub kept: Opened,
    /// When (µs since 1970).
    pub now: i64,
}

/// What can be stored.
#[derive(Debug)]
pub struct Draft {
    /// What it says, with the names of its secrets in their places.
    pub body: Value,
    /// The secrets that are new.
    pub sealed: Vec<SealedSecret>,
    /// The names of secrets that are kept for it and do not open.
    pub lost: BTreeSet<String>,
    /// It, read.
    pub scenario: Arc<Scenario>,
    /// What its author should know.
    pub warnings: Vec<Warning>,
}

/// Checks what is to be stored, and seals its secrets: on a thread that serves no call, since a large script takes its time.
///
/// # Errors
/// Every problem, with its place in the body.
pub async fn draft(app: &App, wish: Wish) -> Result<Draft, Refusal> {
    let app = Arc::clone(app);
    aside(move || drafted(&app, wish)).await?
}

fn drafted(app: &Server, wish: Wish) -> Result<Draft, Refusal> {
    let Wish {
        id,
        slug,
        asked,
        owner,
        mut body,
        kept: Opened { mut kept, lost },
        now,
    } = wish;
    if let Some(fields) = body.as_object_mut() {
        fields.entry("slug").or_insert_with(|| json!(&slug));
    }
    let mut problems = forbidden(&mut body, asked);
    let fresh = take_secrets(&mut body);
    kept.extend(fresh.clone());
    let origin = Origin::text(&slug).with_secrets(kept);
    let origin = origin.without_secrets(lost.clone());
    let read = parse_json(&body, &origin);
    let slugs = read
        .as_ref()
        .ok()
        .filter(|(read, _)| Uuid::try_parse(&read.slug).is_ok());
    problems.extend(slugs.map(|_| looks_like_an_id()));
    if read.is_ok() && to_toml(&body).is_err() {
        problems.push(not_for_files());
    }
    if let Ok((scenario, _)) = &read {
        problems.extend(closed(app, scenario, owner.as_deref()));
    }
    match read {
        Ok((scenario, mut warnings)) if problems.is_empty() => {
            warnings.extend(absent(app, &scenario));
            Ok(Draft {
                sealed: seal(app, &id, &fresh, now)?,
                scenario: Arc::new(scenario),
                lost,
                warnings,
                body,
            })
        }
        Ok(_) => Err(misfits(&problems, &body).into()),
        Err(found) => {
            problems.extend(found.into_iter().map(|problem| as_told_to(asked, problem)));
            Err(misfits(&problems, &body).into())
        }
    }
}

/// A problem with a remedy that its reader has.
fn as_told_to(asked: Asked, mut problem: Problem) -> Problem {
    if asked == Asked::ByUser && problem.is_private_address() {
        let remedy = "give a public address, or ask an admin: they may allow private ones";
        remedy.clone_into(&mut problem.remedy);
    }
    problem
}

fn looks_like_an_id() -> Problem {
    Problem {
        origin: String::new(),
        at: Position::START,
        path: "slug".to_owned(),
        what: "a slug must not look like an id".to_owned(),
        remedy: "choose a name".to_owned(),
    }
}

/// Parts that are not read yet may hold what the other spelling cannot say: then it could not be exported.
fn not_for_files() -> Problem {
    Problem {
        origin: String::new(),
        at: Position::START,
        path: String::new(),
        what: "a list holds null, or a number is too large".to_owned(),
        remedy: "leave it out".to_owned(),
    }
}

/// Puts names in the place of secrets.
fn take_secrets(body: &mut Value) -> BTreeMap<String, Secret> {
    let mut taken = BTreeMap::new();
    secrets(body, |_, text| {
        if !is_reference(text) {
            let name = Uuid::now_v7().simple().to_string();
            let secret = std::mem::replace(text, format!("secret:{name}"));
            taken.insert(name, Secret::new(secret.trim()));
        }
    });
    taken
}

fn seal(
    app: &Server,
    id: &str,
    fresh: &BTreeMap<String, Secret>,
    now: i64,
) -> Result<Vec<SealedSecret>, Refusal> {
    let begin = secrets_of(id);
    let seal = |(name, secret): (&String, &Secret)| {
        app.scenarios
            .vault
            .seal(&format!("{begin}{name}"), secret, now)
    };
    let sealed: Result<Vec<_>, _> = fresh.iter().map(seal).collect();
    sealed.map_err(|error| {
        tracing::error!("Error: {error}");
        let what = "a secret cannot be sealed";
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, what)
    })
}

/// The scenarios that callers would be put through to and that are not there.
fn absent(app: &Server, scenario: &Scenario) -> Vec<Warning> {
    let named = destination::scenarios(scenario).into_iter();
    let absent =
        named.filter(|(_, slug)| *slug != scenario.slug && app.scenarios.find(slug).is_none());
    let warning = |(path, slug): (String, &str)| Warning {
        origin: scenario.slug.clone(),
        at: Position::START,
        path,
        what: format!("there is no scenario \"{slug}\": no caller can be put through to it"),
    };
    absent.map(warning).collect()
}

/// The scenarios that callers would be put through to and that another user keeps to themselves.
fn closed(app: &Server, scenario: &Scenario, owner: Option<&str>) -> Vec<Problem> {
    let named = destination::scenarios(scenario).into_iter();
    let own = scenario.slug.as_str();
    let closed = named.filter(|(_, slug)| *slug != own && !app.scenarios.is_open_to(owner, slug));
    let problem = |(path, slug): (String, &str)| Problem {
        origin: own.to_owned(),
        at: Position::START,
        path,
        what: format!("the scenario \"{slug}\" is another user's"),
        remedy: "name one that is built in, its owner's own, or shared".to_owned(),
    };
    closed.map(problem).collect()
}

/// The place of a path in the body.
pub fn placed(path: &str, body: &Value) -> Vec<Value> {
    let steps = steps(path, body).into_iter().map(|step| match step {
        Step::Field(name) => json!(name),
        Step::Item(number) => json!(number),
    });
    std::iter::once(json!("body")).chain(steps).collect()
}

/// Problems as an answer says them.
pub fn misfits(problems: &[Problem], body: &Value) -> Vec<Misfit> {
    let misfit = |problem: &Problem| Misfit {
        place: placed(&problem.path, body),
        what: format!("{}; {}", problem.what, problem.remedy),
        kind: match problem.kind() {
            Kind::Missing => "missing",
            Kind::Unknown => "extra_forbidden",
            Kind::Value => "value_error",
        },
    };
    problems.iter().take(MOST_TOLD).map(misfit).collect()
}

/// What comes of a body and a patch (RFC 7396): fields take the place of those before, tables are merged, null removes.
#[must_use]
pub fn patched(body: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else {
        return patch;
    };
    let mut fields = match body {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            serde_json::Map::new()
        }
    };
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(&name);
        } else {
            let before = fields.remove(&name).unwrap_or_default();
            fields.insert(name, patched(before, value));
        }
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        // The examples of RFC 7396, appendix A.
        for (body, patch, expected) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({"a": [{"b": "c"}]}),
                json!({"a": [1]}),
                json!({"a": [1]}),
            ),
            (
                json!({"e": null}),
                json!({"a": 1}),
                json!({"e": null, "a": 1}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
            (
                json!([1, 2]),
                json!({"a": "b", "c": null}),
                json!({"a": "b"}),
            ),
        ] {
            assert_eq!(patched(body, patch), expected);
        }
    }

    #[test]
    fn secrets_are_taken_out_and_references_stay() {
        let mut body = json!({"responder": [{"provider": "openai", "key": " sk-hidden "}, {"secret": "env:KEPT"}]});
        let taken = take_secrets(&mut body);
        assert!(!body.to_string().contains("hidden"));
        assert_eq!(body["responder"][1]["secret"], "env:KEPT");
        let name = body["responder"][0]["key"]
            .as_str()
            .and_then(|text| text.strip_prefix("secret:"));
        let secret = taken.get(name.unwrap_or_default()).map(Secret::expose);
        assert_eq!(secret, Some("sk-hidden"));
        assert!(take_secrets(&mut body).is_empty());
    }
}
