//! What admins see and change: users, and who did what.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use ringback_store::{AuditEntry, AuditFilter, Role, UserChange};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::auth::{TAKEN, make_user};
use super::lists::{Paging, Sought, listed};
use super::users::{Account, id, shown};
use crate::accounts::{Admin, Password, Whence, hashed_password};
use crate::app::App;
use crate::body::{JsonBody, Params};
use crate::database::{now, rfc3339};
use crate::openapi::{Message, Problem};
use crate::refusal::{Misfit, Refusal, soon, store};

const LAST_ADMIN: &str = "no admin would be left: make another one first";

/// A user as admins see them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "email": "ada@example.org", "role": "admin", "created_at": "2026-11-20T09:15:02.123456Z",
    "disabled": false, "last_login_at": "2026-11-21T08:01:11.25Z",
}))]
pub struct FullAccount {
    #[serde(flatten)]
    account: Account,
    /// Whether they are shut out.
    disabled: bool,
    /// The last sign-in that succeeded.
    #[schema(format = DateTime)]
    last_login_at: Option<String>,
}

/// An act.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b13", "at": "2026-11-20T09:15:02.123456Z", "actor": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11",
    "actor_email": "ada@example.org", "action": "login",
    "subject": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "address": "203.0.113.9", "request_id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b14", "detail": {},
}))]
pub struct Act {
    /// Its id.
    id: String,
    /// When.
    #[schema(format = DateTime)]
    at: Option<String>,
    /// The user; `null` for who is not known.
    actor: Option<String>,
    /// Their address; `null` where that user is gone: `user.add`, `user.register` and `user.delete` have it in their detail.
    actor_email: Option<String>,
    /// What was done: `login`, `user.change`.
    action: String,
    /// To what: an id, or an address where there is no id.
    subject: String,
    /// From which address of the network.
    address: Option<String>,
    /// The request's id.
    request_id: Option<String>,
    /// More.
    #[schema(value_type = Object)]
    detail: Value,
}

/// List all users.
///
/// # Errors
/// 401, 403, 422, 503.
#[utoipa::path(get, path = "/admin/users", tag = "Accounts", params(Paging), responses(
    (status = 200, description = "A page of them, newest first.", body = [FullAccount], headers(("X-Total-Count" = u64, description = "How many there are on all pages."))),
))]
pub async fn list_users(
    State(app): State<App>,
    _: Admin,
    Params(paging): Params<Paging>,
) -> Result<Response, Refusal> {
    let page = paging.page()?;
    let users = soon(store(&app)?.user_list(page)).await?;
    Ok(listed(users.total, users.rows.iter().map(in_full)))
}

/// A user to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "bob@example.org", "password": "a pass phrase of his own", "role": "user"}))]
pub struct NewUser {
    /// Unique whatever its case.
    email: String,
    /// What they sign in with.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    password: Password,
    /// `user` (the default) or `admin`.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^(user|admin)$")]
    role: Option<Role>,
}

/// Make an account for somebody.
///
/// `REGISTRATION` does not matter.
///
/// # Errors
/// 401, 403, 409 for an address that is taken, 422, 503.
#[utoipa::path(post, path = "/admin/users", tag = "Accounts",
    request_body(content = NewUser),
    responses(
        (status = 201, description = "The account.", body = FullAccount),
        (status = 409, description = "The address is taken.", body = Problem, example = json!({"detail": "there is an account of this address already"})),
    ))]
pub async fn add_user(
    State(app): State<App>,
    whence: Whence,
    Admin(admin): Admin,
    JsonBody(wanted): JsonBody<NewUser>,
) -> Result<(StatusCode, Json<FullAccount>), Refusal> {
    let mut user = make_user(&app, &wanted.email, &wanted.password.0).await?;
    user.role = wanted.role.unwrap_or(Role::User);
    let made = soon(store(&app)?.user_insert(&user, now())).await;
    let made = made.map_err(|refusal| refusal.or_conflict(TAKEN))?;
    let detail = json!({ "email": made.email, "role": made.role });
    whence
        .audit(&app, Some(&admin.id), "user.add", &made.id, detail)
        .await;
    Ok((StatusCode::CREATED, Json(in_full(&made))))
}

/// What is changed of a user.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserChange, example = json!({"role": "admin"}))]
pub struct Change {
    /// `user` or `admin`.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^(user|admin)$")]
    role: Option<Role>,
    /// Whether they are shut out.
    #[serde(default)]
    disabled: Option<bool>,
    /// Another password, for who forgot theirs.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password, min_length = 8, max_length = 128)]
    password: Option<Password>,
}

/// Change a user.
///
/// Another role or password, shut out or let in again. Access tokens given out before are not good any more; nor are refresh tokens, unless the role
/// alone was changed. What is left out stays.
///
/// # Errors
/// 401, 403, 404, 409 where no admin would be left, 422, 503.
#[utoipa::path(patch, path = "/admin/users/{id}", tag = "Accounts",
    params(("id" = String, Path, description = "The id of the user.", example = "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11")),
    request_body(content = Change),
    responses(
        (status = 200, description = "The account as it is now.", body = FullAccount),
        (status = 404, description = "There is no such user.", body = Problem, example = json!({"detail": "the user does not exist"})),
        (status = 409, description = "No admin would be left.", body = Problem, example = json!({"detail": "no admin would be left: make another one first"})),
    ))]
pub async fn change_user(
    State(app): State<App>,
    whence: Whence,
    Admin(admin): Admin,
    Path(path): Path<String>,
    JsonBody(change): JsonBody<Change>,
) -> Result<Json<FullAccount>, Refusal> {
    let (store, id, now) = (store(&app)?, id(&path, "the user")?, now());
    let found = soon(store.user_find(&id)).await?;
    let mut user = found.ok_or(ringback_store::Error::NotFound("the user"))?;
    let hash = match &change.password {
        Some(Password(new)) => Some(hashed_password(&app, "password", new, &user.email).await?),
        None => None,
    };
    let Change { role, disabled, .. } = change;
    if role.is_some() || disabled.is_some() {
        let changed = soon(store.user_change(&id, UserChange { role, disabled }, now)).await;
        user = changed.map_err(|refusal| refusal.or_conflict(LAST_ADMIN))?;
    }
    if let Some(hash) = &hash {
        soon(store.user_password_set(&id, hash, now)).await?;
    }
    app.accounts.forget();
    let detail = json!({ "role": role, "disabled": disabled, "password": hash.is_some() });
    whence
        .audit(&app, Some(&admin.id), "user.change", &id, detail)
        .await;
    Ok(Json(in_full(&user)))
}

/// Delete a user with their keys.
///
/// Their scenarios and calls stay.
///
/// # Errors
/// 401, 403, 404, 409 where no admin would be left, 503.
#[utoipa::path(delete, path = "/admin/users/{id}", tag = "Accounts",
    params(("id" = String, Path, description = "The id of the user.", example = "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11")),
    responses(
        (status = 200, description = "They are gone.", body = Message, example = json!({"message": "User deleted"})),
        (status = 404, description = "There is no such user.", body = Problem, example = json!({"detail": "the user does not exist"})),
        (status = 409, description = "No admin would be left.", body = Problem, example = json!({"detail": "no admin would be left: make another one first"})),
    ))]
pub async fn delete_user(
    State(app): State<App>,
    whence: Whence,
    Admin(admin): Admin,
    Path(path): Path<String>,
) -> Result<Json<Message>, Refusal> {
    let (store, id) = (store(&app)?, id(&path, "the user")?);
    let found = soon(store.user_find(&id)).await?;
    let user = found.ok_or(ringback_store::Error::NotFound("the user"))?;
    let deleted = soon(store.user_delete(&id)).await;
    deleted.map_err(|refusal| refusal.or_conflict(LAST_ADMIN))?;
    app.accounts.forget();
    // Nothing else says whose the id was.
    let detail = json!({ "email": user.email, "role": user.role });
    whence
        .audit(&app, Some(&admin.id), "user.delete", &id, detail)
        .await;
    Ok(Json(Message::new("User deleted")))
}

/// Which acts are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WantedActs {
    /// Those of this user: an id, or the address of one who is not deleted.
    #[param(example = "ada@example.org")]
    actor: Option<String>,
    /// Those of this kind.
    #[param(example = "login.failed")]
    action: Option<String>,
    /// Those to this: an id, or an address.
    subject: Option<String>,
}

/// List who did what, newest first.
///
/// # Errors
/// 401, 403, 422, 503.
#[utoipa::path(get, path = "/admin/audit", tag = "Accounts", params(Paging, WantedActs), responses(
    (status = 200, description = "A page of acts.", body = [Act], headers(("X-Total-Count" = u64, description = "How many there are on all pages."))),
))]
pub async fn list_acts(
    State(app): State<App>,
    _: Admin,
    Sought { page, wanted }: Sought<WantedActs>,
) -> Result<Response, Refusal> {
    let actor = match wanted.actor {
        Some(address) if address.contains('@') => Some(id_of(&app, &address).await?),
        actor => actor,
    };
    let filter = AuditFilter {
        actor,
        action: wanted.action,
        subject: wanted.subject,
    };
    let acts = soon(store(&app)?.audit_list(&filter, page)).await?;
    Ok(listed(acts.total, acts.rows.iter().map(act)))
}

/// The user of an address that a query names.
async fn id_of(app: &App, address: &str) -> Result<String, Refusal> {
    let found = soon(store(app)?.user_find_by_email(address)).await?;
    found.map(|user| user.id).ok_or_else(|| {
        let what = "nobody has this address; who was deleted is asked for by their id, which `action=user.delete` tells";
        let mut misfit = Misfit::of_value("actor", what);
        misfit.place = vec![json!("query"), json!("actor")];
        misfit.into()
    })
}

fn in_full(user: &ringback_store::User) -> FullAccount {
    FullAccount {
        account: shown(user),
        disabled: user.disabled,
        last_login_at: user.last_login_at.and_then(rfc3339),
    }
}

fn act(entry: &AuditEntry) -> Act {
    Act {
        id: entry.id.clone(),
        at: rfc3339(entry.at),
        actor: entry.actor.clone(),
        actor_email: entry.actor_email.clone(),
        action: entry.action.clone(),
        subject: entry.subject.clone(),
        address: entry.address.clone(),
        request_id: entry.request_id.clone(),
        detail: entry.detail.0.clone(),
    }
}
