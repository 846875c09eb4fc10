//! The user's own web service as a responder: text in, text out, in any language.
//!
//! Each turn of the caller is one signed POST to the scenario's URL; the answer is a JSON object, or text whose lines are
//! handed on as they come. `docs/webhook-responder.md` describes the wire for those who write such a service.
//!
//! A scenario's URL is written by people who need not be allowed to see the network that the server stands in. So a host that
//! is, or resolves to, a private address is refused unless that is allowed, and the connection goes to exactly the addresses
//! that were checked: the resolver filters, nothing resolves a second time. Redirects are not followed and proxies of the
//! environment are not used, since both would lead elsewhere.

mod address;
mod answer;
mod fault;
mod question;
mod sign;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Request, Response, StatusCode, redirect, retry};
use ringback_call::Fault;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{Secret, Secrets};

pub use address::is_public;
pub use answer::Answered;
pub use question::{HeardLine, Question};

use address::PublicOnly;
use answer::{Reader, Wrong};
use fault::Host;

/// The unix time of a request in seconds, as it was signed.
const TIMESTAMP: HeaderName = HeaderName::from_static("x-ringback-timestamp");
/// `v1=` and the signature in lower-case hexadecimal.
const SIGNATURE: HeaderName = HeaderName::from_static("x-ringback-signature");
/// The same for every attempt at one reply.
const REQUEST: HeaderName = HeaderName::from_static("x-ringback-request");

/// The longest wait for a connection, shared between the addresses of a host: a dead one leaves time for the next.
const CONNECT: Duration = Duration::from_secs(2);
/// How long an unused connection is kept. Load balancers commonly close after 60 s; being first avoids meeting them.
const IDLE: Duration = Duration::from_secs(55);
/// The largest header of an answer over HTTP/2, in bytes.
const MAX_HEADER: u32 = 16 * 1024;

/// A web service that answers, and what is tolerated of it.
#[derive(Clone)]
pub struct WebhookConfig {
    /// Where questions are posted; `http` or `https`, without user name and password.
    pub url: Url,
    /// What signs the requests; without one they are not signed.
    pub secret: Option<Secret>,
    /// The longest wait for a whole answer, connecting included.
    pub timeout: Duration,
    /// The longest wait for the first byte of an answer's body, connecting included.
    pub first_byte: Duration,
    /// The largest body of an answer, in bytes.
    pub max_bytes: usize,
    /// Whether the host may be, or resolve to, an address that is not a public one.
    pub allow_private: bool,
}

impl fmt::Debug for WebhookConfig {
    /// Path and query of the URL may hold a token: only the host is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookConfig")
            .field("host", &self.url.host_str())
            .field("secret", &self.secret)
            .field("timeout", &self.timeout)
            .field("first_byte", &self.first_byte)
            .field("max_bytes", &self.max_bytes)
            .field("allow_private", &self.allow_private)
            .finish()
    }
}

/// The client of all webhooks. Cheap to share, made once.
#[derive(Clone, Debug)]
pub struct Webhook {
    public: Client,
    /// Has a pool of its own: a connection to a private address must never serve a scenario that may not have one.
    any: Client,
    allow_private: bool,
    certified: bool,
    /// Where the secrets are that scenarios name.
    pub(crate) secrets: Secrets,
}

impl Webhook {
    /// A client. `allow_private`: private addresses are allowed whatever a configuration says.
    ///
    /// # Errors
    /// A fault of kind `Misconfigured` if TLS cannot be set up. A machine without certificate authorities is no error yet:
    /// `http` works there, and `https` is refused when asked for.
    pub fn new(allow_private: bool) -> Result<Self, Fault> {
        let (any, certified) = match client().build() {
            Ok(any) => (any, true),
            Err(_) => (
                client().tls_certs_only([]).build().map_err(unusable)?,
                false,
            ),
        };
        let public = if allow_private {
            any.clone()
        } else {
            let filtered = client().dns_resolver(Arc::new(PublicOnly));
            let filtered = if certified {
                filtered
            } else {
                filtered.tls_certs_only([])
            };
            filtered.build().map_err(unusable)?
        };
        Ok(Self {
            public,
            any,
            allow_private,
            certified,
            secrets: Secrets::default(),
        })
    }

    /// Asks one question. `unix_s` is the time now, in seconds since 1970; it is signed. What is answered goes to `on` as it
    /// comes: stretches of text, then one [`Answered::End`] if all went well.
    ///
    /// To stop, drop the future: the request is closed, and the service sees that. Where no connection could be made
    /// at all it is tried once more; nothing is sent twice.
    ///
    /// # Errors
    /// A fault of the responder. Text may have gone to `on` before it. The detail names host, status or bound, never
    /// what was said and never the URL's path. By kind:
    /// - `Misconfigured`: the URL or the secret cannot be used, or the host is private and must not be.
    /// - `Unreachable`: no connection, no answer or no whole answer in time, or the connection broke.
    /// - `Refused`: a status from 400 to 499.
    /// - `Misbehaved`: any other status but success, or an answer that is too large, of the wrong form or broken off.
    pub async fn ask(
        &self,
        config: &WebhookConfig,
        question: &Question,
        unix_s: u64,
        on: &mut (dyn FnMut(Answered) + Send),
    ) -> Result<(), Fault> {
        let host = Host::of(&config.url);
        let client = self.client_for(&config.url, config.allow_private, &host)?;
        let request = signed(config, question, unix_s, &host)?;
        let asked = Instant::now();
        let first = Deadline {
            at: asked + config.first_byte.min(config.timeout),
            bound: config.first_byte.min(config.timeout),
            missing: "begin to answer",
        };
        let whole = Deadline {
            at: asked + config.timeout,
            bound: config.timeout,
            missing: "finish its answer",
        };
        let response = first.keep(&host, send(client, request)).await?;
        let response = response.map_err(|error| host.unsent(&error))?;
        read(response, config.max_bytes, [first, whole], &host, on).await
    }

    /// Sends the request of a tool, to where a webhook may lead too. Where no connection could be made at all it is tried once
    /// more; nothing is sent twice.
    ///
    /// # Errors
    /// As [`Webhook::ask`], without a status.
    pub(crate) async fn send(
        &self,
        request: Request,
        allow_private: bool,
    ) -> Result<Response, Fault> {
        let host = Host::of_tool(request.url());
        let client = self.client_for(request.url(), allow_private, &host)?;
        let response = send(client, request).await;
        response.map_err(|error| host.unsent(&error))
    }

    fn client_for(&self, url: &Url, allow_private: bool, host: &Host) -> Result<&Client, Fault> {
        let private = self.allow_private || allow_private;
        address::check(url, private).map_err(|wrong| host.misconfigured(wrong))?;
        if url.scheme() == "https" && !self.certified {
            return Err(host.misconfigured(
                "cannot be trusted: this machine has no certificate authorities; install ca-certificates",
            ));
        }
        Ok(if private { &self.any } else { &self.public })
    }
}

fn client() -> reqwest::ClientBuilder {
    Client::builder()
        .user_agent(concat!("ringback/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .http2_max_header_list_size(MAX_HEADER)
}

fn unusable(error: reqwest::Error) -> Fault {
    fault::misconfigured(format!(
        "the client of webhooks cannot be made: {}",
        fault::reason(&error)
    ))
}

/// The POST of a question, with its signature.
fn signed(
    config: &WebhookConfig,
    question: &Question,
    unix_s: u64,
    host: &Host,
) -> Result<Request, Fault> {
    let body = question
        .body()
        .map_err(|_| host.misconfigured("cannot be asked: the question does not fit into JSON"))?;
    let mut request = Request::new(reqwest::Method::POST, config.url.clone());
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        ACCEPT,
        HeaderValue::from_static("application/json, text/plain, application/x-ndjson"),
    );
    headers.insert(TIMESTAMP, HeaderValue::from(unix_s));
    let header = |text: &str| {
        HeaderValue::from_str(text).map_err(|_| host.misconfigured("cannot be signed for"))
    };
    headers.insert(REQUEST, header(&question.id())?);
    if let Some(secret) = &config.secret {
        if secret.expose().is_empty() {
            return Err(host.misconfigured("is not asked: its secret is set but empty"));
        }
        headers.insert(SIGNATURE, header(&sign::sign(secret, unix_s, &body))?);
    }
    *request.body_mut() = Some(body.into());
    Ok(request)
}

/// Sends a request; once more if no connection could be made.
async fn send(client: &Client, request: Request) -> Result<Response, reqwest::Error> {
    let again = request.try_clone();
    match client.execute(request).await {
        Err(error) if error.is_connect() && !fault::is_private(&error) => match again {
            Some(request) => client.execute(request).await,
            None => Err(error),
        },
        answered => answered,
    }
}

async fn read(
    mut response: Response,
    max_bytes: usize,
    [first, whole]: [Deadline; 2],
    host: &Host,
    on: &mut (dyn FnMut(Answered) + Send),
) -> Result<(), Fault> {
    let status = response.status();
    if !status.is_success() {
        return Err(host.status(status));
    }
    if status == StatusCode::NO_CONTENT {
        on(Answered::End {
            end: false,
            transfer: None,
        });
        return Ok(());
    }
    let misbehaved = |wrong: Wrong| host.misbehaved(wrong);
    if let Some(length) = response.content_length()
        && length > max_bytes as u64
    {
        return Err(misbehaved(Wrong::TooLarge(max_bytes)));
    }
    let mut reader = Reader::new(form(response.headers()).map_err(misbehaved)?, max_bytes);
    let mut deadline = first;
    loop {
        let chunk = deadline.keep(host, response.chunk()).await?;
        match chunk.map_err(|error| host.broken_off(&error))? {
            Some(chunk) if chunk.is_empty() => {}
            Some(chunk) => {
                deadline = whole;
                reader.feed(&chunk, on).map_err(misbehaved)?;
            }
            None => return reader.finish(on).map_err(misbehaved),
        }
    }
}

/// How an answer has to be read, by its headers.
fn form(headers: &HeaderMap) -> Result<answer::Form, Wrong> {
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get_all(CONTENT_ENCODING).iter().any(|v| !plain(v)) {
        return Err(Wrong::Encoded);
    }
    let named = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    Ok(answer::Form::of(named))
}

#[derive(Clone, Copy)]
struct Deadline {
    at: Instant,
    bound: Duration,
    missing: &'static str,
}

impl Deadline {
    async fn keep<T>(self, host: &Host, work: impl Future<Output = T>) -> Result<T, Fault> {
        timeout_at(self.at, work)
            .await
            .map_err(|_| host.late(self.missing, self.bound))
    }
}
