//! What every request goes through: it is recorded, its key is looked at, its knobs are taken.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use ringback_wire::cartesia::{self, ApiVersion};
use ringback_wire::{deepgram, elevenlabs};

use super::Twin;
use super::answer;
use super::knobs::Knobs;
use super::place::{Place, Provider};
use super::refusal::Fault;
use super::requests::{Entry, State};

/// The largest body that is read, in bytes.
const MOST: usize = 4 << 20;

/// The answer to a request that is not let in.
#[derive(Debug)]
pub(super) struct Refused(Box<Response>);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// A request that was let in.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) entry: Entry,
    pub(super) knobs: Knobs,
    /// Any name of a model is taken.
    pub(super) any_model: bool,
    place: Place,
    version: Option<ApiVersion>,
}

impl Visit {
    /// Lets a request in, or answers it: a key that is wrong, a status that a knob asks for. A half-open request of HTTP
    /// stays here until the client goes.
    pub(super) async fn admit(twin: &Twin, place: Place, parts: &Parts) -> Result<Self, Refused> {
        let target = parts
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let key = key(place.provider, parts);
        let entry = twin
            .requests
            .open(place, (parts.method.as_str(), target), key.as_deref());
        let mut visit = Self {
            entry,
            knobs: Knobs::default(),
            any_model: twin.options.any_model,
            place,
            version: version(place, parts),
        };
        let comes_later = match place.provider {
            // A socket may bring its key in the first message.
            Provider::ElevenLabs => key.is_none() && is_upgrade(&parts.headers),
            // The form holds it.
            Provider::Captcha => true,
            Provider::Deepgram | Provider::OpenAi | Provider::Cartesia => false,
        };
        if !comes_later && !twin.accepts(place.provider, key.as_deref()) {
            return Err(visit.refuse(&Fault::key(place.provider)));
        }
        visit.knobs = twin.desk.take(place).unwrap_or_default();
        if visit.knobs.half_open && !is_upgrade(&parts.headers) {
            std::future::pending::<()>().await;
        }
        if let Some(ms) = visit.knobs.delay_ms {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        match visit.knobs.status {
            Some(status) => Err(visit.refuse(&Fault::of_knob(place.provider, status))),
            None => Ok(visit),
        }
    }

    /// Lets a request in that sends a file. A refusal waits until all of it was sent: not every client reads while it writes.
    pub(super) async fn admit_sender(
        twin: &Twin,
        place: Place,
        request: Request,
    ) -> Result<(Self, Parts, Body), Refused> {
        let (parts, body) = request.into_parts();
        match Self::admit(twin, place, &parts).await {
            Ok(visit) => Ok((visit, parts, body)),
            Err(refused) => {
                let mut pieces = body.into_data_stream();
                while let Some(Ok(_)) = pieces.next().await {}
                Err(refused)
            }
        }
    }

    /// Answers a request that only asks whether its key is taken: with an empty object, whatever the provider would describe.
    pub(super) async fn admit_key(
        twin: &Twin,
        place: Place,
        request: Request,
    ) -> Result<Response, Refused> {
        let (parts, _) = request.into_parts();
        let visit = Self::admit(twin, place, &parts).await?;
        Ok(answer::json(visit, "{}".to_owned()))
    }

    /// The version of Cartesia's API the request names, or the refusal of one that names none.
    pub(super) fn version(&self) -> Result<ApiVersion, Refused> {
        let why = cartesia::BadVersion::Missing;
        self.version.clone().ok_or_else(|| self.bad(why))
    }

    /// Refuses the request as the provider would.
    pub(super) fn refuse(&self, fault: &Fault) -> Refused {
        self.entry.status(fault.status);
        self.entry.end(State::Refused);
        Refused(Box::new(fault.answer(
            self.place.provider,
            &self.knobs,
            self.version.as_ref(),
        )))
    }

    /// Lets a request in with its body, which must be text.
    pub(super) async fn with_body(
        twin: &Twin,
        place: Place,
        request: Request,
    ) -> Result<(Self, String), Refused> {
        let (parts, body) = request.into_parts();
        let visit = Self::admit(twin, place, &parts).await?;
        let bytes = to_bytes(body, MOST)
            .await
            .map_err(|error| visit.bad(error))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        visit.entry.received(&text);
        Ok((visit, text))
    }

    /// Refuses the request with a body that is made already.
    pub(super) fn refuse_with(&self, status: u16, body: String) -> Refused {
        self.entry.status(status);
        self.entry.end(State::Refused);
        let knobs = Knobs {
            body: Some(self.knobs.body.clone().unwrap_or(body)),
            ..self.knobs.clone()
        };
        let fault = Fault::new(status, "", "");
        Refused(Box::new(fault.answer(
            self.place.provider,
            &knobs,
            self.version.as_ref(),
        )))
    }

    /// Refuses a request that breaks the rules.
    pub(super) fn bad(&self, why: impl ToString) -> Refused {
        self.refuse(&Fault::bad(self.place.provider, why))
    }
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key("upgrade")
}

fn version(place: Place, parts: &Parts) -> Option<ApiVersion> {
    if place.provider != Provider::Cartesia {
        return None;
    }
    let header = text(&parts.headers, cartesia::VERSION_HEADER);
    let query = query(parts, cartesia::VERSION_QUERY);
    cartesia::version_of(header, query.as_deref()).ok()
}

/// A header's text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A parameter of the query.
pub(super) fn query(parts: &Parts, name: &str) -> Option<String> {
    let pairs = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    pairs
        .into_owned()
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// The key a request brings, in every form the provider takes.
fn key(provider: Provider, parts: &Parts) -> Option<String> {
    let headers = &parts.headers;
    let authorization = text(headers, "authorization");
    let after = |scheme: &str| {
        let (head, key) = authorization?.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| key.to_owned())
    };
    let key = match provider {
        Provider::Deepgram => after(deepgram::API_KEY_SCHEME)
            .or_else(|| after(deepgram::JWT_SCHEME))
            .or_else(|| {
                text(headers, "sec-websocket-protocol")?
                    .strip_prefix("token, ")
                    .map(str::to_owned)
            }),
        Provider::OpenAi => after("Bearer "),
        Provider::Cartesia => after(cartesia::BEARER)
            .or_else(|| text(headers, cartesia::API_KEY_HEADER).map(str::to_owned))
            .or_else(|| query(parts, cartesia::API_KEY_QUERY))
            .or_else(|| query(parts, cartesia::ACCESS_TOKEN_QUERY)),
        Provider::ElevenLabs => text(headers, elevenlabs::API_KEY_HEADER)
            .map(str::to_owned)
            .or_else(|| query(parts, elevenlabs::TOKEN_QUERY)),
        Provider::Captcha => None,
    };
    key.filter(|key| !key.trim().is_empty())
}
