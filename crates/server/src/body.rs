//! Bodies of requests: how large and how slow they may be, and JSON in them.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt as _;
use hyper::body::{Frame, SizeHint};
use jiff::Timestamp;
use ringback_wire::twilio::webhook::{BadForm, Form};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use serde_path_to_error::Segment;
use tokio::sync::oneshot;
use tokio::time::timeout;
use url::form_urlencoded;

use crate::answers::Detail;
use crate::patience::Patience;
use crate::refusal::{Misfit, Refusal};

/// How long we wait for a body, and how fast one must come to be waited for longer. Twilio's forms fit one packet.
const WAIT: Duration = Duration::from_secs(10);
const BYTES_A_SECOND: u32 = 16 << 10;
/// What is left of a body once its request is answered is read away while it keeps coming, so long and so much of it at most: who
/// finds the connection closed while writing may never read the answer.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 64 << 20;
/// A pause that ends it.
const LULL: Duration = Duration::from_millis(250);

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    /// Larger than its route takes, in bytes.
    #[error("the body has more than {0} bytes")]
    TooLarge(usize),
    /// It kept us waiting.
    #[error("the body did not come in time")]
    TooSlow,
    /// The connection ended before it did.
    #[error("the body broke off")]
    BrokenOff,
}

impl BadBody {
    /// What lies at the ground of an error, if it is that of a body.
    pub fn found_in(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(bad) = error.downcast_ref::<BadBody>() {
                return Some(*bad);
            }
            cause = error.source();
        }
        None
    }
}

impl From<BadBody> for Detail {
    fn from(bad: BadBody) -> Self {
        let status = match bad {
            BadBody::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            BadBody::TooSlow => StatusCode::REQUEST_TIMEOUT,
            BadBody::BrokenOff => StatusCode::BAD_REQUEST,
        };
        Detail::new(status, bad.to_string())
    }
}

/// Bounds the body of a request: at most so many bytes, and neither stuck nor dripping. It is found out while the body is read,
/// so whoever may not use the route is told that first.
pub async fn bound(State(most): State<usize>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return next.run(Request::from_parts(parts, body)).await;
    }
    // Polling a body that waits for leave gives it.
    let waits = parts.headers.contains_key(header::EXPECT);
    let (rest, mut left) = oneshot::channel();
    let body = Body::new(Bounded {
        inner: body,
        most,
        read: 0,
        patience: Patience::new(WAIT, BYTES_A_SECOND),
        rest: (!waits).then_some(rest),
    });
    let answer = next.run(Request::from_parts(parts, body)).await;
    if let Ok(rest) = left.try_recv() {
        let _ = timeout(LINGER, read_away(rest)).await;
    }
    answer
}

async fn read_away(body: Body) {
    let (mut pieces, mut read) = (body.into_data_stream(), 0);
    while let Ok(Some(Ok(piece))) = timeout(LULL, pieces.next()).await {
        read += piece.len();
        if read > LINGER_BYTES {
            return;
        }
    }
}

/// Reads a body that the table of routes bounds.
///
/// # Errors
/// [`BadBody`], as an answer.
pub async fn read(body: Body) -> Result<Bytes, Detail> {
    let read = to_bytes(body, usize::MAX).await;
    read.map_err(|error| {
        let bad = BadBody::found_in(&error);
        bad.unwrap_or(BadBody::BrokenOff).into()
    })
}

struct Bounded {
    inner: Body,
    most: usize,
    read: usize,
    patience: Patience,
    /// Who reads the rest away; `None` where nobody should.
    rest: Option<oneshot::Sender<Body>>,
}

impl Drop for Bounded {
    fn drop(&mut self) {
        if let Some(rest) = self.rest.take()
            && !self.inner.is_end_stream()
        {
            // Nobody waits for it any more where the answer went out before.
            let _ = rest.send(std::mem::take(&mut self.inner));
        }
    }
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let most = self.most;
        let refused = |bad| Poll::Ready(Some(Err(axum::Error::new(bad))));
        let announced = self.inner.size_hint().lower();
        if announced > most.saturating_sub(self.read) as u64 {
            return refused(BadBody::TooLarge(most));
        }
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Pending if self.patience.poll_over(cx).is_ready() => {
                self.rest = None;
                refused(BadBody::TooSlow)
            }
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.read += bytes;
                if self.read > most {
                    return refused(BadBody::TooLarge(most));
                }
                self.patience.moved(bytes);
                Poll::Ready(Some(Ok(frame)))
            }
            other @ (Poll::Pending | Poll::Ready(None | Some(Err(_)))) => other,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A body of JSON. What is wrong with it is told by place: 415 for another type, 422 for what cannot be read or does not fit.
#[derive(Clone, Copy, Debug)]
pub struct JsonBody<T>(
    /// What it says.
    pub T,
);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts) {
            let what = "the body must be application/json";
            let detail = Detail::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, what);
            return Err(detail.into());
        }
        Ok(Self(parse(&read(body).await?)?))
    }
}

/// A form. 415 for another type, 422 for what cannot be read.
#[derive(Clone, Debug)]
pub struct FormBody(
    /// Its fields.
    pub Form,
);

impl<S: Send + Sync> FromRequest<S> for FormBody {
    type Rejection = Detail;

    async fn from_request(request: Request, _: &S) -> Result<Self, Detail> {
        let (parts, body) = request.into_parts();
        form(&parts, body).await.map(Self)
    }
}

/// Reads the body of a request as a form.
///
/// # Errors
/// As [`FormBody`].
pub async fn form(parts: &Parts, body: Body) -> Result<Form, Detail> {
    if kind(parts).as_deref() != Some("application/x-www-form-urlencoded") {
        let what = "the body must be application/x-www-form-urlencoded";
        return Err(Detail::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, what));
    }
    parsed_form(&read(body).await?)
}

/// A form, or what a query says.
///
/// # Errors
/// 413, 422.
pub fn parsed_form(encoded: &[u8]) -> Result<Form, Detail> {
    Form::parse(encoded).map_err(|bad| match bad {
        BadForm::TooLarge { .. } => Detail::new(StatusCode::PAYLOAD_TOO_LARGE, bad.to_string()),
        BadForm::TooManyFields | BadForm::LongName { .. } | BadForm::Missing(_) => {
            Detail::new(StatusCode::UNPROCESSABLE_ENTITY, bad.to_string())
        }
    })
}

fn is_json(parts: &Parts) -> bool {
    kind(parts).is_some_and(|kind| {
        kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json")
    })
}

/// The type of a body, in lower case and without parameters.
fn kind(parts: &Parts) -> Option<String> {
    let kind = parts.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let kind = kind.split(';').next()?;
    Some(kind.trim().to_ascii_lowercase())
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Misfit> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = error.path().iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(json!(index)),
            Segment::Map { key } => Some(json!(key)),
            Segment::Enum { .. } | Segment::Unknown => None,
        });
        wrong(place.collect(), error.inner())
    })?;
    json.end().map_err(|error| wrong(Vec::new(), &error))?;
    Ok(value)
}

fn wrong(mut path: Vec<Value>, error: &serde_json::Error) -> Misfit {
    let text = error.to_string();
    if !error.is_data() {
        return Misfit {
            place: vec![json!("body")],
            what: format!("the body is no JSON: {text}"),
            kind: "json_invalid",
        };
    }
    let what = text
        .rsplit_once(" at line ")
        .map_or(&*text, |(what, _)| what);
    let missing = what.strip_prefix("missing field `");
    let missing = missing.and_then(|rest| rest.strip_suffix('`'));
    path.insert(0, json!("body"));
    path.extend(missing.map(|name| json!(name)));
    let (what, kind) = match missing {
        Some(_) => ("Field required", "missing"),
        None if what.starts_with("unknown field ") => (what, "extra_forbidden"),
        None => (what, "value_error"),
    };
    Misfit {
        place: path,
        what: what.to_owned(),
        kind,
    }
}

/// What stands behind the question mark; 422 where it does not fit.
#[derive(Clone, Copy, Debug)]
pub struct Params<T>(
    /// What it says.
    pub T,
);

impl<T: DeserializeOwned> Params<T> {
    /// What a query says.
    ///
    /// # Errors
    /// It does not fit.
    pub fn of(query: &str) -> Result<T, Misfit> {
        let names: Vec<(String, bool)> = form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| {
                let nul = name.contains('\0') || value.contains('\0');
                (name.into_owned(), nul)
            })
            .collect();
        if let Some((name, _)) = names.iter().find(|(_, nul)| *nul) {
            let what = "write it without the character NUL";
            return Err(param(Some(name), what, "value_error"));
        }
        let uri: Result<Uri, _> = format!("/?{query}").parse();
        let uri = uri.map_err(|error| param(None, &error.to_string(), "value_error"))?;
        let read = Query::try_from_uri(&uri);
        read.map(|Query(params)| params).map_err(|refused| {
            let text = refused.body_text();
            let what = text
                .strip_prefix("Failed to deserialize query string: ")
                .unwrap_or(&text);
            let mut names = names.iter().map(|(name, _)| name.as_str());
            let of_one = what
                .split_once(": ")
                .filter(|(name, _)| names.any(|given| given == *name));
            let (name, what) = of_one.map_or((None, what), |(name, what)| (Some(name), what));
            unfit_param(name, what)
        })
    }
}

fn param(name: Option<&str>, what: &str, kind: &'static str) -> Misfit {
    let place = [Some("query"), name].into_iter().flatten();
    Misfit {
        place: place.map(|step| json!(step)).collect(),
        what: what.to_owned(),
        kind,
    }
}

/// What the reader of queries says, in words for who wrote one.
fn unfit_param(name: Option<&str>, what: &str) -> Misfit {
    let quoted = |before: &str| {
        let (quoted, _) = what.strip_prefix(before)?.split_once('`')?;
        Some(quoted)
    };
    if let Some(missing) = quoted("missing field `") {
        return param(Some(missing), "Field required", "missing");
    }
    if let Some(unknown) = quoted("unknown field `") {
        return param(Some(unknown), what, "extra_forbidden");
    }
    if let Some(twice) = quoted("duplicate field `") {
        return param(Some(twice), "it stands there twice", "value_error");
    }
    let number = ["digit found", "number too ", "integer from empty"];
    if number.iter().any(|words| what.contains(words)) {
        return param(
            name,
            "write a whole number that is not too large",
            "value_error",
        );
    }
    param(name, what, "value_error")
}

/// A time in a query or a body.
///
/// # Errors
/// It is none.
pub fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else {
        return Ok(None);
    };
    let what = "write a time as 2026-11-20T09:15:02Z";
    text.parse().map(Some).map_err(|_| D::Error::custom(what))
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Ok(Self(Self::of(parts.uri.query().unwrap_or_default())?))
    }
}
