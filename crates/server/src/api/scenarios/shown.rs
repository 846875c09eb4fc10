//! Scenarios as clients see them. No secret is among it: where one stands in a scenario, what is stored there is its name.

use ringback_call::Direction;
use ringback_session::scenario::{Problem, Scenario, Warning};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::database::rfc3339;
use crate::scenarios::{needs, placed};

/// A scenario of the database, with all that it says.
pub(super) fn whole(app: &App, row: &ringback_store::Scenario) -> Value {
    let entry = app.scenarios.entry(&row.id);
    let entry = entry.filter(|entry| entry.stored.version == row.version);
    match entry.as_deref().map(|entry| &entry.read) {
        Some(Ok((_, warnings))) => with_warnings(row, warnings),
        Some(Err(problems)) => {
            let mut shown = with_warnings(row, &[]);
            shown["problems"] = told(
                problems.iter().map(|problem: &Problem| {
                    (
                        &problem.path,
                        format!("{}; {}", problem.what, problem.remedy),
                    )
                }),
                &shown,
            );
            shown
        }
        None => with_warnings(row, &[]),
    }
}

/// The same with these warnings.
pub(super) fn with_warnings(row: &ringback_store::Scenario, warnings: &[Warning]) -> Value {
    let mut shown = said(&row.body);
    shown["warnings"] = told(
        warnings
            .iter()
            .map(|warning| (&warning.path, warning.what.clone())),
        &shown,
    );
    added(shown, about(row))
}

/// Where a scenario of the database stands.
pub(super) fn about(row: &ringback_store::Scenario) -> Value {
    json!({
        "id": row.id,
        "slug": row.slug,
        "name": row.name,
        "owner": row.owner,
        "shared": row.shared,
        "version": row.version,
        "created_at": rfc3339(row.created_at),
        "updated_at": rfc3339(row.updated_at),
    })
}

/// What a body says.
pub(super) fn said(body: &str) -> Value {
    let body: Map<String, Value> = serde_json::from_str(body).unwrap_or_default();
    Value::Object(body)
}

/// One table with the fields of another.
pub(super) fn added(mut table: Value, more: Value) -> Value {
    if let (Value::Object(fields), Value::Object(more)) = (&mut table, more) {
        fields.extend(more);
    }
    table
}

fn told<'a>(what: impl Iterator<Item = (&'a String, String)>, body: &Value) -> Value {
    what.map(|(path, what)| json!({ "loc": placed(path, body), "msg": what }))
        .collect()
}

/// What is known of a scenario that can be used, for lists.
pub(super) fn brief(app: &App, id: &str, source: &str, scenario: &Scenario) -> Value {
    let takes = |direction| scenario.direction.takes(direction);
    let direction = match (takes(Direction::Inbound), takes(Direction::Outbound)) {
        (true, true) => "both",
        (true, false) => "inbound",
        (false, _) => "outbound",
    };
    json!({
        "id": id,
        "slug": scenario.slug,
        "name": scenario.name,
        "source": source,
        "direction": direction,
        "language": scenario.language,
        "needs": needs(scenario, &app.config.engines),
    })
}
