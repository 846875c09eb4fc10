//! Which addresses are shut out.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ipnet::IpNet;
use ringback_store::IpBlock;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::lists::{Paging, listed};
use crate::accounts::{Admin, Whence};
use crate::app::App;
use crate::blocks::parse;
use crate::body::{JsonBody, Params};
use crate::database::{now, rfc3339};
use crate::openapi::Problem;
use crate::rates::spelled;
use crate::refusal::{Misfit, Refusal, soon, store};

/// How large the body of a block may be, in bytes.
pub const MAX_BYTES: usize = 4 << 10;

/// The longest reason, in characters.
const LONGEST: usize = 200;
/// The longest block that ends, in seconds: ten years.
const MOST_SECONDS: u64 = 10 * 366 * 24 * 3600;

/// What is to be blocked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"network": "203.0.113.0/24", "reason": "scans", "seconds": 86400}))]
pub struct Blocking {
    /// An address or a network.
    network: String,
    /// Why, for admins.
    #[schema(max_length = 200)]
    reason: Option<String>,
    /// For so long; without it until it is lifted.
    #[schema(minimum = 1, maximum = 316224000)]
    seconds: Option<u64>,
}

/// Which block is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Its network.
    #[param(example = "203.0.113.0/24")]
    network: String,
}

/// A block.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IpBlock, example = json!({
    "network": "203.0.113.0/24", "until": "2026-11-21T09:15:02.123456Z", "reason": "scans",
    "created_by": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "created_at": "2026-11-20T09:15:02.123456Z",
}))]
pub struct Shown {
    /// An address or a network.
    network: String,
    /// Until then; without it until it is lifted.
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Why.
    reason: String,
    /// The admin; nobody where the server did it.
    created_by: Option<String>,
    /// Since when.
    #[schema(format = DateTime)]
    created_at: Option<String>,
}

fn shown(block: &IpBlock) -> Shown {
    Shown {
        network: block.network.clone(),
        until: block.until.and_then(rfc3339),
        reason: block.reason.clone(),
        created_by: block.created_by.clone(),
        created_at: rfc3339(block.created_at),
    }
}

/// List blocked addresses, newest first.
///
/// # Errors
/// 422, 503.
#[utoipa::path(get, path = "/admin/ip-blocks", tag = "Accounts", params(Paging), responses(
    (status = 200, description = "A page of those in force.", body = [Shown], headers(("X-Total-Count" = u64, description = "How many there are on all pages."))),
))]
pub async fn list_blocks(
    State(app): State<App>,
    Params(paging): Params<Paging>,
) -> Result<Response, Refusal> {
    let page = paging.page()?;
    let found = soon(store(&app)?.ip_block_list(now(), page)).await?;
    Ok(listed(found.total, found.rows.iter().map(shown)))
}

/// Block an address or a network.
///
/// For some seconds or until it is lifted, on all nodes within seconds. What is blocked is answered 403 everywhere but where Twilio's signature
/// decides. Addresses of the server's own machine are never blocked.
///
/// # Errors
/// 409 for a network that holds the address that asks, 422, 503.
#[utoipa::path(post, path = "/admin/ip-blocks", tag = "Accounts", request_body(content = Blocking), responses(
    (status = 201, description = "The block.", body = Shown),
    (status = 409, description = "It would shut out who asks.", body = Problem, example = json!({"detail": "you ask from 203.0.113.9: a block of 203.0.113.0/24 would shut you out"})),
))]
pub async fn add_block(
    State(app): State<App>,
    Admin(admin): Admin,
    whence: Whence,
    JsonBody(body): JsonBody<Blocking>,
) -> Result<(StatusCode, Json<Shown>), Refusal> {
    let network = network(&body.network)?;
    let reason = body.reason.unwrap_or_default();
    if reason.chars().count() > LONGEST || reason.contains(char::is_control) {
        let what = format!("write one line of at most {LONGEST} characters");
        return Err(Refusal::field("reason", what));
    }
    if body
        .seconds
        .is_some_and(|s| !(1..=MOST_SECONDS).contains(&s))
    {
        let what =
            format!("write a number from 1 to {MOST_SECONDS}; without it the block has no end");
        return Err(Refusal::field("seconds", what));
    }
    if let Some(own) = whence.address.filter(|own| network.contains(&own.0)) {
        let what = format!("you ask from {own}: a block of {network} would shut you out");
        return Err(Refusal::new(StatusCode::CONFLICT, what));
    }
    let created_at = now();
    let end = |seconds: u64| {
        let us = i64::try_from(seconds)
            .unwrap_or(0)
            .saturating_mul(1_000_000);
        created_at.saturating_add(us)
    };
    let block = IpBlock {
        network: spelled(network),
        until: body.seconds.map(end),
        reason,
        created_by: Some(admin.id.clone()),
        created_at,
    };
    soon(store(&app)?.ip_block_set(&block)).await?;
    app.guards.blocks.forget();
    let detail = json!({ "until": block.until.and_then(rfc3339), "reason": block.reason });
    whence
        .audit(
            &app,
            Some(&admin.id),
            "ip_block.add",
            &block.network,
            detail,
        )
        .await;
    Ok((StatusCode::CREATED, Json(shown(&block))))
}

/// Lift the block of an address or a network.
///
/// # Errors
/// 404, 422, 503.
#[utoipa::path(delete, path = "/admin/ip-blocks", tag = "Accounts", params(Named), responses(
    (status = 204, description = "It is lifted."),
    (status = 404, description = "There is no such block.", body = Problem, example = json!({"detail": "the block does not exist"})),
))]
pub async fn remove_block(
    State(app): State<App>,
    Admin(admin): Admin,
    whence: Whence,
    Params(named): Params<Named>,
) -> Result<StatusCode, Refusal> {
    let network = parse(&named.network).ok_or_else(|| unreadable("query"))?;
    let network = spelled(network);
    soon(store(&app)?.ip_block_delete(&network)).await?;
    app.guards.blocks.forget();
    whence
        .audit(
            &app,
            Some(&admin.id),
            "ip_block.remove",
            &network,
            json!({}),
        )
        .await;
    Ok(StatusCode::NO_CONTENT)
}

fn unreadable(place: &str) -> Refusal {
    Misfit {
        place: vec![place.into(), "network".into()],
        what: "write an address or a network: 203.0.113.7, 203.0.113.0/24, 2001:db8::/32"
            .to_owned(),
        kind: "value_error",
    }
    .into()
}

fn network(text: &str) -> Result<IpNet, Refusal> {
    let network = parse(text).ok_or_else(|| unreadable("body"))?;
    if network.addr().is_loopback() {
        let what = "addresses of this machine are never blocked";
        return Err(Refusal::field("network", what));
    }
    Ok(network)
}
