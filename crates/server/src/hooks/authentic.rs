//! Who may post webhooks and open media sockets: Twilio, by its signature, or without an auth token a local caller.

use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::constant_time;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ringback_wire::twilio::signature::{
    self, SETTINGS_HEADER, SIGNATURE_HEADER, UpgradeForm, Validator,
};
use ringback_wire::twilio::webhook::Form;

use super::local::is_local;
use super::public_url::PublicBase;
use crate::answers::Detail;
use crate::app::App;
use crate::body;
use crate::client::{ClientAddress, Peer};

/// Checks Twilio's signatures.
#[derive(Debug)]
pub struct Signatures {
    validator: Validator,
    seen: AtomicBool,
}

impl Signatures {
    /// By this validator.
    pub fn new(validator: Validator) -> Self {
        Self {
            validator,
            seen: AtomicBool::new(false),
        }
    }

    /// Whether a request with a good signature has come.
    pub fn seen(&self) -> bool {
        self.seen.load(Ordering::Relaxed)
    }

    fn saw_one(&self) {
        self.seen.store(true, Ordering::Relaxed);
    }
}

/// A webhook that was checked.
#[derive(Clone, Debug)]
pub struct Posted {
    /// All its fields.
    pub form: Form,
    /// By which address it came.
    pub base: PublicBase,
}

/// Lets a form post through that Twilio signed, or a local caller sent; the handler finds a [`Posted`].
pub async fn webhook(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match check_webhook(&app, &parts, body).await {
        Ok(posted) => {
            parts.extensions.insert(posted);
            next.run(Request::from_parts(parts, Body::empty())).await
        }
        Err(detail) => {
            tracing::warn!(status = detail.0.as_u16(), reason = %detail.1, path = path_pattern(&parts), client.ip = told(&parts), "webhook refused");
            detail.into_response()
        }
    }
}

/// Lets an upgrade through that Twilio signed, or a local caller sent.
pub async fn upgrade(State(app): State<App>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match check_upgrade(&app, &parts) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(detail) => {
            tracing::warn!(status = detail.0.as_u16(), reason = %detail.1, path = path_pattern(&parts), client.ip = told(&parts), "WebSocket refused");
            detail.into_response()
        }
    }
}

/// Lets a caller on this machine through.
pub async fn local(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match peer(&parts) {
        Ok(peer) if is_local(&parts.headers, peer.address) => {
            next.run(Request::from_parts(parts, body)).await
        }
        Ok(_) | Err(_) => {
            let what = "only callers on this machine are accepted";
            Detail::new(StatusCode::FORBIDDEN, what).into_response()
        }
    }
}

/// Lets through who brings `METRICS_TOKEN` as a bearer token, or is a caller on this machine.
pub async fn metrics(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(token) = &app.config.operation.metrics_token else {
        return local(request, next).await;
    };
    let (parts, body) = request.into_parts();
    let brought = parts.headers.get(header::AUTHORIZATION);
    let brought = brought.and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let has_token = brought.is_some_and(|brought| {
        constant_time::verify_slices_are_equal(brought, token.expose().as_bytes()).is_ok()
    });
    if has_token || peer(&parts).is_ok_and(|peer| is_local(&parts.headers, peer.address)) {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let what = "the METRICS_TOKEN is wanted as a bearer token";
    let refused = Detail::new(StatusCode::UNAUTHORIZED, what);
    ([(header::WWW_AUTHENTICATE, "Bearer")], refused).into_response()
}

async fn check_webhook(app: &App, parts: &Parts, body: Body) -> Result<Posted, Detail> {
    let base = check_sender(app, parts)?;
    // What a GET says stands in its address, which is signed as it is.
    let form = match parts.method {
        Method::GET => body::parsed_form(parts.uri.query().unwrap_or_default().as_bytes())?,
        _ => body::form(parts, body).await?,
    };
    let none = Form::default();
    let posted = if parts.method == Method::GET {
        &none
    } else {
        &form
    };
    if let Some(signatures) = &app.signatures {
        let base = base.to_string();
        let request = signed(parts, &base);
        signatures
            .validator
            .check_webhook(&request, signature::Body::Form(posted))
            .map_err(|bad| Detail::new(StatusCode::FORBIDDEN, bad.to_string()))?;
        signatures.saw_one();
    }
    if app.is_other_account(form.filled("AccountSid")) {
        tracing::info!("a webhook names another account than TWILIO_ACCOUNT_SID");
    }
    Ok(Posted { form, base })
}

fn check_upgrade(app: &App, parts: &Parts) -> Result<(), Detail> {
    let base = check_sender(app, parts)?.to_string();
    let Some(signatures) = &app.signatures else {
        return Ok(());
    };
    match signatures.validator.check_upgrade(&signed(parts, &base)) {
        Ok(UpgradeForm::Socket | UpgradeForm::SocketSlash) => {}
        Ok(UpgradeForm::Web) => tracing::info!("WebSocket signed as https, not as wss"),
        Err(bad) => return Err(Detail::new(StatusCode::FORBIDDEN, bad.to_string())),
    }
    signatures.saw_one();
    Ok(())
}

/// What can be said before a body is read: a local caller where there is no token, a signature at all where there is one.
fn check_sender(app: &App, parts: &Parts) -> Result<PublicBase, Detail> {
    let peer = peer(parts)?;
    if app.signatures.is_none() && !is_local(&parts.headers, peer.address) {
        let what =
            "only callers on this machine are accepted as long as TWILIO_AUTH_TOKEN is not set";
        return Err(Detail::new(StatusCode::FORBIDDEN, what));
    }
    if app.signatures.is_some() && !parts.headers.contains_key(SIGNATURE_HEADER) {
        let what = "the request has no X-Twilio-Signature header";
        return Err(Detail::new(StatusCode::FORBIDDEN, what));
    }
    let http = &app.config.http;
    match &http.public_url {
        Some(base) => Ok(base.clone()),
        None => PublicBase::of_request(&parts.headers, peer, &http.trusted_proxies)
            .map_err(|error| Detail::new(StatusCode::BAD_REQUEST, error.to_string())),
    }
}

fn peer(parts: &Parts) -> Result<Peer, Detail> {
    let what = "the peer of the request is not known";
    Peer::of(&parts.extensions).ok_or_else(|| Detail::new(StatusCode::FORBIDDEN, what))
}

/// From whom a request comes, for the log.
fn told(parts: &Parts) -> Option<String> {
    ClientAddress::found(&parts.extensions).map(|client| client.to_string())
}

fn signed<'a>(parts: &'a Parts, base: &'a str) -> signature::Request<'a> {
    let text = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    signature::Request {
        base,
        target: parts
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str()),
        signature: text(SIGNATURE_HEADER),
        settings: text(SETTINGS_HEADER),
    }
}

/// The route's pattern: the path itself may hold a token.
fn path_pattern(parts: &Parts) -> &str {
    parts
        .extensions
        .get::<axum::extract::MatchedPath>()
        .map_or("", axum::extract::MatchedPath::as_str)
}
