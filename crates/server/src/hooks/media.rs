//! The media socket: whom it lets talk.
//!
//! The upgrade was checked by [`super::authentic`]. Then the `start` message must bring the token of a call that is expected.
//! A stream without a token opens only a scenario that allows foreign streams.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Path, State, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use ringback_call::Direction;
use ringback_session::{Follower, MayReach, Orders, Violation, await_start, orders};
use ringback_wire::twilio::media::Start;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use super::socket::{
    MAX_MESSAGE_BYTES, MAX_WRITE_BUFFER_BYTES, MediaSocket, READ_BUFFER_BYTES, WRITE_BUFFER_BYTES,
};
use crate::answers::Detail;
use crate::app::{App, Expected};
use crate::calls::{Arrival, Connected, Ending, Live, Outcome, Purpose, Refusal, Seat, TokenId};
use crate::client::ClientAddress;
use crate::openapi::Problem;
use crate::requests::panic_text;
use crate::scenarios::{Chosen, Unfit};
use crate::traces::Facts;

/// The `start` message must have come within this time.
const START_WITHIN: Duration = Duration::from_secs(5);
/// Close codes (RFC 6455, 7.4.1).
const POLICY: u16 = 1008;
const TRY_AGAIN_LATER: u16 = 1013;

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// Open the media socket of a call.
///
/// A WebSocket that speaks Twilio's Media Streams. The scenario is that of the call's token.
#[utoipa::path(get, path = "/ws", tag = "Media sockets", responses(
        (status = 101, description = "The socket is open."),
        (status = 426, description = "The connection cannot be upgraded.", body = Problem, example = json!({"detail": "WebSocket request couldn't be upgraded since no upgrade state was present"})),
    ))]
pub async fn open_media(
    State(app): State<App>,
    client: ClientAddress,
    upgrade: Upgrade,
) -> Response {
    accept(app, None, client, upgrade)
}

/// Open the media socket of a call to a scenario.
///
/// A WebSocket that speaks Twilio's Media Streams. A scenario with `foreign_streams` takes calls without a token.
#[utoipa::path(get, path = "/ws/{bot_id}/audio/stream", tag = "Media sockets",
    params(("bot_id" = String, Path, description = "Slug or id of the scenario.", example = "front-desk")),
    responses(
        (status = 101, description = "The socket is open."),
        (status = 404, description = "There is no such scenario.", body = Problem, example = json!({"detail": "there is no scenario of this name"})),
        (status = 426, description = "The connection cannot be upgraded.", body = Problem, example = json!({"detail": "WebSocket request couldn't be upgraded since no upgrade state was present"})),
        (status = 503, description = "The scenario is kept here and cannot be used.", body = Problem, example = json!({"detail": "this scenario cannot be used at present"})),
    ))]
pub async fn open_scenario_media(
    State(app): State<App>,
    Path(bot_id): Path<String>,
    client: ClientAddress,
    upgrade: Upgrade,
) -> Response {
    // A scenario may have been renamed or deleted since its call was told to come here.
    if let Err(why) = app.scenarios.look_up(&bot_id)
        && !(app.registry).expects(|expected| expected.arrival.is_for(&bot_id))
    {
        let status = match why {
            Unfit::Unusable(_) | Unfit::Unread => StatusCode::SERVICE_UNAVAILABLE,
            Unfit::Absent | Unfit::Direction(..) => StatusCode::NOT_FOUND,
        };
        tracing::warn!(reason = %why, "WebSocket refused");
        return Detail::new(status, why.outside()).into_response();
    }
    accept(app, Some(bot_id), client, upgrade)
}

fn accept(app: App, name: Option<String>, client: ClientAddress, upgrade: Upgrade) -> Response {
    let mut upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(refused) => return Detail::new(refused.status(), refused.body_text()).into_response(),
    };
    // Only what was offered may be answered; Twilio offers nothing.
    let offered = upgrade.requested_protocols().next().cloned();
    if let Some(offered) = offered {
        upgrade.set_selected_protocol(offered);
    }
    let tracked = app.lifecycle.sockets.token();
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
        .on_failed_upgrade(move |error| {
            tracing::warn!(%error, client.ip = %client, "WebSocket upgrade failed");
        })
        .on_upgrade(move |socket| async move {
            let span = tracing::error_span!("socket", client.ip = %client);
            serve(&app, name, MediaSocket::new(socket), span).await;
            drop(tracked);
        })
}

/// A call that may talk.
struct Admitted {
    expected: Expected,
    live: Live<Expected>,
    start: Start,
}

/// Until the call is known by its SID, the `span` says from whom a line comes.
async fn serve(app: &App, name: Option<String>, mut socket: MediaSocket, span: Span) {
    let admitted = admit_or_close(app, name.as_deref(), &mut socket)
        .instrument(span)
        .await;
    if let Some(admitted) = admitted {
        converse(app, admitted, socket).await;
    }
}

async fn admit_or_close(
    app: &App,
    name: Option<&str>,
    socket: &mut MediaSocket,
) -> Option<Admitted> {
    tracing::debug!("WebSocket opened");
    match admit(app, name, socket).await {
        Ok(admitted) => Some(admitted),
        Err(Refused {
            call_sid,
            violation: Violation { code, reason },
        }) => {
            tracing::warn!(
                code,
                reason,
                call.sid = call_sid,
                "WebSocket refused and closed"
            );
            socket.close(code, &reason).await;
            None
        }
    }
}

struct Refused {
    /// `None` before the start message.
    call_sid: Option<String>,
    violation: Violation,
}

async fn admit(
    app: &App,
    name: Option<&str>,
    socket: &mut MediaSocket,
) -> Result<Admitted, Refused> {
    let stopping = || Violation {
        code: TRY_AGAIN_LATER,
        reason: "the server stops".to_owned(),
    };
    let start = tokio::select! {
        biased;
        () = app.lifecycle.draining.cancelled() => Err(stopping()),
        start = await_start(socket, START_WITHIN) => start,
    }
    .map_err(|violation| Refused {
        call_sid: None,
        violation,
    })?;
    let stop = app.lifecycle.stop.child_token();
    let let_in = match start.custom_parameters.get("token") {
        Some(token) => by_token(app, name, &start, token, stop),
        None => foreign(app, name, &start, stop),
    };
    match let_in {
        Ok((expected, live)) => Ok(Admitted {
            expected,
            live,
            start,
        }),
        Err(violation) => Err(Refused {
            call_sid: Some(start.call_sid),
            violation,
        }),
    }
}

fn by_token(
    app: &App,
    name: Option<&str>,
    start: &Start,
    token: &str,
    stop: CancellationToken,
) -> Result<(Expected, Live<Expected>), Violation> {
    let id = app
        .signer
        .verify(token, Purpose::Media, &start.call_sid)
        .ok_or_else(|| policy("the token is not one of this call"))?;
    let (expected, live) = app
        .registry
        .connect(id, stop, Instant::now())
        .map_err(policy)?;
    if name.is_some_and(|name| !expected.arrival.is_for(name)) {
        return Err(policy("the token is one of another scenario"));
    }
    Ok((expected, live))
}

fn foreign(
    app: &App,
    name: Option<&str>,
    start: &Start,
    stop: CancellationToken,
) -> Result<(Expected, Live<Expected>), Violation> {
    let Chosen { scenario, stored } = match name {
        Some(name) => (app.scenarios)
            .look_up(name)
            .map_err(|why| policy(why.outside()))?,
        None => app
            .scenario(&app.config.calls.default_scenario, Direction::Inbound)
            .map_err(|why| policy(why.outside()))?,
    };
    if !scenario.foreign_streams {
        return Err(policy(
            "no token, and the scenario does not allow foreign_streams",
        ));
    }
    let none_free = || Violation {
        code: TRY_AGAIN_LATER,
        reason: "no recogniser or voice is free".to_owned(),
    };
    let seat: Box<dyn Seat> = app.switchboard.seat(&scenario).ok_or_else(none_free)?;
    let id = TokenId::random().map_err(policy)?;
    let live = app
        .registry
        .connect_foreign(id, &start.call_sid, stop, Instant::now())
        .map_err(|refusal| match refusal {
            Refusal::Full | Refusal::ForeignFull => Violation {
                code: TRY_AGAIN_LATER,
                reason: refusal.to_string(),
            },
            Refusal::SecondSocket | Refusal::Unknown | Refusal::Used => policy(refusal),
        })?;
    tracing::info!(call.sid = start.call_sid, scenario = %scenario.slug, "WebSocket opened by foreign TwiML");
    let told = |name: &str| {
        start
            .custom_parameters
            .get(name)
            .cloned()
            .unwrap_or_default()
    };
    let arrival = Arrival {
        call_id: Uuid::now_v7(),
        call_sid: start.call_sid.clone(),
        from: told("from"),
        to: told("to"),
        direction: if told("direction").starts_with("outbound") {
            Direction::Outbound
        } else {
            Direction::Inbound
        },
        scenario,
        stored,
        foreign: true,
    };
    Ok((Expected { arrival, seat }, live))
}

async fn converse(app: &App, admitted: Admitted, socket: MediaSocket) {
    let Admitted {
        expected: Expected { arrival, seat },
        live,
        start,
    } = admitted;
    let (call_id, call_sid) = (arrival.call_id, arrival.call_sid.clone());
    let (direction, scenario) = (arrival.direction, Arc::clone(&arrival.scenario));
    app.metrics.answered(direction);
    tracing::info!(call.id = %call_id, call.sid = call_sid, scenario = %arrival.scenario.slug, "WebSocket connected");
    let finish = app.lifecycle.finish.child_token();
    let (orders, book) = orders();
    let connected = Connected {
        socket,
        start,
        follower: follower(app, &arrival, finish.clone(), orders),
        orders: book,
        may_reach: may_reach(app, &arrival),
        finish,
        stop: live.stop().clone(),
        verdict: live.verdict(),
    };
    let talked = AssertUnwindSafe(seat.converse(arrival, connected)).catch_unwind();
    let ending = talked.await.unwrap_or_else(|panic| {
        let what = panic_text(panic.as_ref());
        tracing::error!(call.id = %call_id, call.sid = call_sid, what, "Error: a panic ended this call");
        Ending {
            outcome: Outcome::Broke,
            expects_resume: true,
            cause: "a panic".to_owned(),
            summary: serde_json::Value::Null,
            ended: None,
        }
    });
    tracing::info!(call.id = %call_id, call.sid = call_sid, cause = ending.cause, "WebSocket closed");
    app.metrics.ended(direction, ending.ended.as_deref());
    app.rows.end(call_id, &ending).await;
    app.desk.watches.end(call_id, &ending.cause);
    if let Some(ended) = ending.ended.as_deref() {
        app.traces.call(&Facts {
            call_id,
            call_sid: &call_sid,
            scenario: &scenario.slug,
            direction,
            ended,
        });
    }
    app.desk.recent.keep(ending.summary);
    live.end(ending.outcome, ending.expects_resume, Instant::now());
}

/// Who follows a call: the database, and whoever asks for its events.
fn follower(app: &App, arrival: &Arrival, finish: CancellationToken, orders: Orders) -> Follower {
    let watch = app.desk.watches.begin(arrival, finish, orders);
    let rows = app.rows.begin(arrival);
    let followers = watch.followers();
    let follower = Follower::new(move |news| {
        watch.take(&news);
        if let Some(rows) = &rows {
            rows.take(news);
        }
    });
    follower.metering(followers)
}

/// A user's scenario does not lead to what another user keeps to themselves.
fn may_reach(app: &App, arrival: &Arrival) -> Option<MayReach> {
    let (app, stored) = (Arc::clone(app), arrival.stored.clone()?);
    let leads = move |slug: &str| app.scenarios.leads_to(Some(&stored), slug);
    Some(Arc::new(leads))
}

fn policy(reason: impl ToString) -> Violation {
    Violation {
        code: POLICY,
        reason: reason.to_string(),
    }
}
