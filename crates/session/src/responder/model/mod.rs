//! Language models as responders: OpenAI's and those of every server that speaks its language.
//!
//! [`Model::answer`] is one streaming request; [`Chain`] asks several models, in order and against the clock. To stop either,
//! drop its future: the request is closed, and the server sees that.

mod answer;
mod chain;
mod chat;
mod client;
pub(crate) mod fault;
mod prompt;
mod responses;
mod tab;

#[cfg(test)]
mod tests;

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Request, Response};
use ringback_call::FaultKind;
use ringback_wire::openai::chat::Streamed;
use ringback_wire::openai::models::Traits;
use ringback_wire::openai::{CHAT_PATH, MODELS_PATH, REQUEST_ID, RESPONSES_PATH};
use ringback_wire::sse;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

pub(crate) use {
    answer::{Finish, Wrote},
    chain::Chain,
    client::client,
    prompt::{Prompt, ToolSpec, Turn},
    tab::Tab,
};

use crate::provider::{Access, Failure};
use answer::{First, PROVIDER, Reading, Writer};

/// The first word is waited for so long unless a setting says otherwise.
pub(crate) const FIRST: Duration = Duration::from_millis(1500);
/// Opening a connection ahead of the first request is over after this time.
const WARM: Duration = Duration::from_secs(5);
/// The host of OpenAI, whose regions are below it.
const OPENAI: &str = "api.openai.com";

/// A model of one server, and how it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) access: Access,
    pub(crate) api: Api,
    /// As the server names it.
    pub(crate) model: String,
    /// In thousandths, 0 to 2000. Not sent to a model that reasons, which would refuse it.
    pub(crate) temperature_pm: Option<u16>,
    /// The longest answer, reasoning included.
    pub(crate) max_tokens: u32,
    /// In the server's word. Without it OpenAI's models that can do without reasoning are told to, others are told nothing.
    pub(crate) reasoning_effort: Option<String>,
    /// Fields of the request that replace ours.
    pub(crate) extra: Map<String, Value>,
    /// How long the first word is waited for, from the request on.
    pub(crate) first: Duration,
}

/// In which language a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    /// Chat Completions.
    Chat,
    /// Responses.
    Responses,
}

impl Model {
    /// Asks once. What the model writes goes to `wrote` as it comes; after [`Wrote::End`] the rest of the stream may be waited for a
    /// moment. What it costs stands on the tab, also where it fails or its future is dropped.
    ///
    /// # Errors
    /// Words may have gone to `wrote` before it. The detail names model and status or bound, with the server's own short
    /// words. Of kind:
    /// - `Misconfigured`: the address or the key cannot be used.
    /// - `Unreachable`: no connection, no word in time, a stall in the middle, or the server is too busy.
    /// - `Refused`: a key, an account, a model or a request that the server does not take.
    /// - `Misbehaved`: any other status but success, an error within the stream, or an answer that is garbled, empty or
    ///   broken off.
    pub(crate) async fn answer(
        &self,
        client: &Client,
        prompt: &Prompt,
        tab: &Tab,
        wrote: &mut (dyn FnMut(Wrote) + Send),
    ) -> Result<(), Failure> {
        let first = First {
            at: Instant::now() + self.first,
            bound: self.first,
        };
        let answered = async {
            let (request, characters) = self.request(prompt)?;
            let writer = Writer::new(wrote, tab.send(&self.model, characters));
            let response = match timeout_at(first.at, client.execute(request)).await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => {
                    writer.sending.refused();
                    return Err(fault::unsent(&error));
                }
                Err(_) => return Err(fault::late("begin", first.bound)),
            };
            self.read(response, writer, first).await
        };
        answered.await.map_err(|failure| self.named(failure))
    }

    /// Opens a connection in the background, while the telephone rings. What becomes of it does not matter.
    pub(crate) fn warm(&self, client: &Client) {
        let (Ok(url), Ok(headers)) = (self.url(MODELS_PATH), self.headers()) else {
            return;
        };
        let request = client.get(url).headers(headers);
        let listed = async {
            let mut response = request.send().await.ok()?;
            // To its end, so that the connection is free again.
            while response.chunk().await.ok()?.is_some() {}
            Some(())
        };
        tokio::spawn(timeout(WARM, listed));
    }

    /// With the characters of its body.
    fn request(&self, prompt: &Prompt) -> Result<(Request, u64), Failure> {
        let (path, body) = match self.api {
            Api::Chat => (CHAT_PATH, chat::body(self, prompt)),
            Api::Responses => (RESPONSES_PATH, responses::body(self, prompt)),
        };
        let mut request = Request::new(Method::POST, self.url(path)?);
        let mut headers = self.headers()?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static(sse::CONTENT_TYPE));
        *request.headers_mut() = headers;
        let characters = body.chars().count() as u64;
        *request.body_mut() = Some(body.into());
        Ok((request, characters))
    }

    async fn read(
        &self,
        response: Response,
        writer: Writer<'_>,
        first: First,
    ) -> Result<(), Failure> {
        let (status, headers) = (response.status(), response.headers().clone());
        if let Some(id) = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()) {
            tracing::debug!(request.id = id, "the model's server took a request");
        }
        if !status.is_success() {
            writer.sending.refused();
            let body = answer::body(response, first.at).await;
            return Err(fault::status(status.as_u16(), &headers, &body));
        }
        if is_json(&headers) {
            let body = answer::body(response, first.at).await;
            return Err(match ringback_wire::openai::chat::parse(&body) {
                Ok(Streamed::Failed(error)) => {
                    writer.sending.refused();
                    fault::within(&error)
                }
                Ok(Streamed::Chunk(_) | Streamed::Done) | Err(_) => {
                    writer.sending.received(body.chars().count());
                    Failure::misbehaved(PROVIDER, "answered without a stream")
                }
            });
        }
        let reading = match self.api {
            Api::Chat => Reading::Chat(chat::Reading::default()),
            Api::Responses => Reading::Responses(responses::Reading::default()),
        };
        answer::read(response, reading, writer, first).await
    }

    /// A route of the server. What stands behind a question mark stays.
    fn url(&self, path: &str) -> Result<Url, Failure> {
        let mut url = self.access.url.clone();
        if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
            let what = "has an address that cannot be used: it must begin with https:// or http://";
            return Err(Failure::misconfigured(PROVIDER, what));
        }
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        Ok(url)
    }

    fn headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &self.access.key {
            let bearer = format!("Bearer {}", key.expose());
            let mut bearer = HeaderValue::from_str(&bearer)
                .map_err(|_| Failure::misconfigured(PROVIDER, "has a key that is no text"))?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        Ok(headers)
    }

    /// Whether the server is OpenAI's own, which takes more than others do.
    fn is_at_openai(&self) -> bool {
        let host = self.access.url.host_str().unwrap_or_default();
        let region = host.strip_suffix(OPENAI);
        region.is_some_and(|region| region.is_empty() || region.ends_with('.'))
    }

    fn effort(&self) -> Option<&str> {
        let quickest = || {
            Traits::of(&self.model)
                .quickest()
                .map(|effort| effort.name())
        };
        self.reasoning_effort.as_deref().or_else(quickest)
    }

    fn temperature(&self) -> Option<f64> {
        let reasons = Traits::of(&self.model).reasons && self.effort() != Some("none");
        let temperature = self.temperature_pm.filter(|_| !reasons)?;
        Some(f64::from(temperature) / 1000.0)
    }

    /// It is not asked for so long, because it failed so.
    pub(crate) fn left_alone(&self, left: Duration, kind: FaultKind) -> Failure {
        let how = match kind {
            FaultKind::Refused => "it refused before",
            FaultKind::Misbehaved => "it misbehaved before",
            FaultKind::Unreachable => "it did not answer before, or said when to come back",
            FaultKind::Misconfigured => "it is set up wrongly",
        };
        let left = left.as_secs_f32().ceil();
        let what = format!("is left alone for {left} s more: {how}");
        self.named(Failure::unreachable(PROVIDER, what))
    }

    /// A failure that says whose it is, where several models are asked.
    fn named(&self, failure: Failure) -> Failure {
        let what = failure.detail.strip_prefix(PROVIDER.name());
        let what = what.unwrap_or(&failure.detail);
        let host = self.access.url.host_str().unwrap_or("no host");
        let detail = format!("{} ({} at {host}){what}", PROVIDER.name(), self.model);
        Failure { detail, ..failure }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let named = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    named.is_some_and(|named| named.to_ascii_lowercase().starts_with(b"application/json"))
}
