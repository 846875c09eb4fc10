//! Keeping scenarios in the database: who may, what is checked, and what every server is told.

use axum::http::StatusCode;
use ringback_session::scenario::Warning;
use ringback_store::{Error, Scenario, ScenarioNew, new_id};
use serde_json::{Map, Value, json};

use super::tag::Basis;
use crate::accounts::{User, Whence};
use crate::app::App;
use crate::database::now;
use crate::refusal::{Misfit, Refusal, soon, store};
use crate::scenarios::{
    Asked, Draft, Entry, Opened, Wish, draft, forget, learn, patched, refresh, secrets_of,
};

/// So many scenarios a user may have.
const MOST: i64 = 200;
/// How often a change is tried again that another one came before.
const TRIES: usize = 4;
/// How much of a name becomes a slug, in bytes.
const SLUG: usize = 48;

/// A scenario that was kept, and what its author should know.
pub(super) type Kept = (Scenario, Vec<Warning>);

/// What a scenario is changed to.
pub(super) enum Change {
    /// Fields in the place of those before.
    Some(Map<String, Value>),
    /// All of it.
    All(Map<String, Value>),
}

/// Takes `shared` out of a body, which is no part of a scenario.
///
/// # Errors
/// 422.
pub(super) fn take_shared(body: &mut Map<String, Value>) -> Result<Option<bool>, Refusal> {
    match body.remove("shared") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(shared)) => Ok(Some(shared)),
        Some(Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
            Err(Refusal::field("shared", "give true or false"))
        }
    }
}

/// The same refusal; where it names the fields that are known, with `shared`, which only bodies have.
pub(super) fn with_shared(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Misfits(mut misfits) => {
            let of_body =
                |misfit: &&mut Misfit| misfit.kind == "extra_forbidden" && misfit.place.len() == 2;
            for misfit in misfits.iter_mut().filter(of_body) {
                if misfit.what.contains("; known are ") {
                    misfit.what.push_str(", shared");
                }
            }
            Refusal::Misfits(misfits)
        }
        other @ (Refusal::Said(_) | Refusal::Later(..)) => other,
    }
}

/// Makes a scenario.
pub(super) async fn create(
    app: &App,
    (user, whence): (&User, &Whence),
    body: Map<String, Value>,
    shared: bool,
) -> Result<Kept, Refusal> {
    let store = store(app)?;
    if !user.is_admin() && soon(store.scenario_count(&user.id)).await? >= MOST {
        let what = format!("you have {MOST} scenarios: delete one that is not used");
        return Err(Refusal::new(StatusCode::CONFLICT, what));
    }
    let at = now();
    let id = new_id(at);
    let body = patched(Value::Null, Value::Object(body));
    let named = body.get("slug").is_some();
    let slug = free_slug(app, user, &body, &id).await?;
    let wish = Wish {
        id: id.clone(),
        slug,
        asked: Asked::by(user),
        owner: Some(user.id.clone()),
        body,
        kept: Opened::default(),
        now: at,
    };
    let draft = draft(app, wish).await?;
    if named {
        may_be_called(app, user, &draft.scenario.slug)?;
    }
    let new = ScenarioNew {
        slug: draft.scenario.slug.clone(),
        name: draft.scenario.name.clone(),
        owner: Some(user.id.clone()),
        shared,
        body: draft.body.to_string(),
    };
    let made = store.scenario_insert(&id, &new, &draft.sealed, at).await;
    let row = made.map_err(|error| taken(error, &new.slug))?;
    kept(app, (user, whence), "scenario.create", row, draft).await
}

/// Changes a scenario that the user may change: a new version, where it says anything new. Where `basis` names versions, the newest must
/// be one of them.
pub(super) async fn change(
    app: &App,
    (user, whence): (&User, &Whence),
    name: &str,
    change: &Change,
    basis: &Basis,
) -> Result<Kept, Refusal> {
    let store = store(app)?;
    for _ in 0..TRIES {
        let row = own(app, user, name).await?;
        basis.check(&row)?;
        let before: Value = serde_json::from_str(&row.body).unwrap_or_default();
        let body = match change {
            Change::Some(fields) => patched(before.clone(), Value::Object(fields.clone())),
            Change::All(fields) => patched(Value::Null, Value::Object(fields.clone())),
        };
        let sealed = soon(store.secret_list(&secrets_of(&row.id))).await?;
        let at = now();
        let wish = Wish {
            id: row.id.clone(),
            slug: row.slug.clone(),
            asked: Asked::by(user),
            owner: row.owner.clone(),
            body,
            kept: Opened::of(&app.scenarios.vault, &sealed),
            now: at,
        };
        let draft = draft(app, wish).await?;
        if draft.body == before {
            return Ok((row, draft.warnings));
        }
        let slug = draft.scenario.slug.clone();
        if slug != row.slug {
            may_be_called(app, user, &slug)?;
        }
        let text = draft.body.to_string();
        let content = (slug.as_str(), draft.scenario.name.as_str(), text.as_str());
        let by = (Some(user.id.as_str()), at);
        let changed = store.scenario_update(&row.id, Some(row.version), content, &draft.sealed, by);
        match changed.await {
            Ok(row) => return kept(app, (user, whence), "scenario.update", row, draft).await,
            Err(Error::Conflict(_)) if slug == row.slug => {}
            Err(error) => {
                let newest = soon(store.scenario_find(&row.id)).await?;
                if newest.is_none_or(|newest| newest.version == row.version) {
                    return Err(taken(error, &slug));
                }
            }
        }
    }
    let what = "the scenario is being changed by others at this moment; try again";
    Err(Refusal::new(StatusCode::CONFLICT, what))
}

/// Shares a scenario with every user, or does not any more.
pub(super) async fn share(
    app: &App,
    (user, whence): (&User, &Whence),
    row: Scenario,
    shared: bool,
) -> Result<Scenario, Refusal> {
    if row.shared == shared {
        return Ok(row);
    }
    let store = store(app)?;
    soon(store.scenario_share(&row.id, shared, None, now())).await?;
    let detail = json!({ "slug": row.slug, "shared": shared });
    whence
        .audit(app, Some(&user.id), "scenario.share", &row.id, detail)
        .await;
    // Otherwise it is known within seconds, as elsewhere.
    let _ = refresh(app).await;
    let row = soon(store.scenario_find(&row.id)).await?;
    row.ok_or_else(nowhere)
}

/// Deletes a scenario. Calls that go on keep it.
pub(super) async fn delete(
    app: &App,
    (user, whence): (&User, &Whence),
    name: &str,
) -> Result<(), Refusal> {
    let row = own(app, user, name).await?;
    let secrets = secrets_of(&row.id);
    soon(store(app)?.scenario_delete(&row.id, &secrets)).await?;
    forget(app, &row.id).await;
    let detail = json!({ "slug": row.slug, "version": row.version });
    whence
        .audit(app, Some(&user.id), "scenario.delete", &row.id, detail)
        .await;
    tracing::info!(scenario = row.slug, id = row.id, "scenario deleted");
    Ok(())
}

/// A scenario of the database that the user may read: their own, one that is shared, any for an admin.
///
/// # Errors
/// 404, 503.
pub(super) async fn visible(app: &App, user: &User, name: &str) -> Result<Scenario, Refusal> {
    let found = soon(store(app)?.scenario_find(name)).await?;
    let found = found.filter(|row| may_read(user, row));
    found.ok_or_else(nowhere)
}

/// Whether the user may use the scenario of this id, as who may read it may.
///
/// # Errors
/// 503.
pub(in crate::api) async fn may_use(app: &App, user: &User, id: &str) -> Result<bool, Refusal> {
    let found = soon(store(app)?.scenario_find(id)).await?;
    Ok(found.is_some_and(|row| may_read(user, &row)))
}

fn may_read(user: &User, row: &Scenario) -> bool {
    row.shared || is_theirs(user, row)
}

pub(super) async fn own(app: &App, user: &User, name: &str) -> Result<Scenario, Refusal> {
    let row = visible(app, user, name).await?;
    if is_theirs(user, &row) {
        return Ok(row);
    }
    let what = "only its owner and admins may change this scenario";
    Err(Refusal::new(StatusCode::FORBIDDEN, what))
}

fn is_theirs(user: &User, row: &Scenario) -> bool {
    user.is_admin() || row.owner.as_ref() == Some(&user.id)
}

/// 404: none that this user sees.
pub(super) fn nowhere() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "there is no scenario of this id")
}

async fn kept(
    app: &App,
    (user, whence): (&User, &Whence),
    action: &str,
    row: Scenario,
    draft: Draft,
) -> Result<Kept, Refusal> {
    let Draft {
        scenario,
        lost,
        warnings,
        ..
    } = draft;
    let read = Ok((scenario, warnings.clone()));
    learn(app, Entry::of(&row, read, &lost)).await;
    let detail = json!({ "slug": row.slug, "version": row.version });
    whence
        .audit(app, Some(&user.id), action, &row.id, detail)
        .await;
    tracing::info!(
        scenario = row.slug,
        id = row.id,
        version = row.version,
        "scenario kept"
    );
    Ok((row, warnings))
}

/// # Errors
/// 409 where a scenario of this slug is built in or a file.
fn may_be_called(app: &App, user: &User, slug: &str) -> Result<(), Refusal> {
    let whose = if app.scenarios.files.has(slug) {
        "is one of a scenario that is built in or a file"
    } else if is_default_of_others(app, user, slug) {
        "is that of DEFAULT_SCENARIO, which an administrator gives away"
    } else {
        return Ok(());
    };
    let what = format!("the slug \"{slug}\" {whose}: choose another");
    Err(Refusal::new(StatusCode::CONFLICT, what))
}

/// Whoever has this slug is called by all who dial the server's number, so that it is not for everybody to take.
fn is_default_of_others(app: &App, user: &User, slug: &str) -> bool {
    !user.is_admin() && app.config.calls.default_scenario == slug
}

fn taken(error: Error, slug: &str) -> Refusal {
    let what = format!("the slug \"{slug}\" is taken: choose another");
    Refusal::from(error).or_conflict(&what)
}

/// A slug made of the name, for a body that gives none.
async fn free_slug(app: &App, user: &User, body: &Value, id: &str) -> Result<String, Refusal> {
    let slug = slug_of(body["name"].as_str().unwrap_or_default());
    let taken = app.scenarios.files.has(&slug)
        || is_default_of_others(app, user, &slug)
        || soon(store(app)?.scenario_find(&slug)).await?.is_some();
    Ok(match taken || slug.is_empty() {
        // The end of an id is random.
        true => format!(
            "{}-{}",
            if slug.is_empty() { "scenario" } else { &slug },
            &id[id.len() - 8..]
        ),
        false => slug,
    })
}

fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() && slug.len() < SLUG {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') && slug.len() < SLUG {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_slug() {
        for (name, slug) in [
            ("Table line", "table-line"),
            ("  Dr. O'Neill -- 2nd!  ", "dr-o-neill-2nd"),
            ("Grüße", "gr-e"),
            ("日本", ""),
            ("", ""),
        ] {
            assert_eq!(slug_of(name), slug, "{name}");
        }
        assert!(slug_of(&"ab ".repeat(100)).len() <= SLUG);
    }
}
