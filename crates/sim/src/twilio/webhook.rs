//! Asks a server for TwiML, signed, as Twilio does.

use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, StatusCode};
use ringback_wire::twilio::signature::{AuthToken, SIGNATURE_HEADER, sign};
use ringback_wire::twilio::twiml::{self, MAX_DOCUMENT_BYTES, Method, Verb};
use ringback_wire::twilio::webhook::{CallStatus, Direction, VoiceRequest};
use url::Url;

/// Twilio gives up after 15 s.
const TIMEOUT: Duration = Duration::from_secs(15);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest part of a path that is shown, in bytes.
const SHOWN_SEGMENT: usize = 40;

/// One call, as its webhooks tell it.
#[derive(Debug, Clone)]
pub struct CallFacts {
    /// `CA` and 32 hex digits.
    pub call_sid: String,
    /// `AC` and 32 hex digits.
    pub account_sid: String,
    /// Caller's number.
    pub from: String,
    /// Called number.
    pub to: String,
    /// Who began the call.
    pub direction: Direction,
}

/// Asks for TwiML.
#[derive(Debug)]
pub struct Webhook {
    client: Client,
    token: Option<AuthToken>,
    call: CallFacts,
}

impl Webhook {
    /// For one call; `token` signs the requests.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(call: CallFacts, token: Option<AuthToken>) -> anyhow::Result<Self> {
        let client = Client::builder()
            .user_agent("TwilioProxy/1.1 (ringback call)")
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            // A proxy of the environment could not reach the server that a caller at this machine means.
            .no_proxy()
            .build()
            .context("the HTTP client")?;
        Ok(Self {
            client,
            token,
            call,
        })
    }

    /// The call.
    #[must_use]
    pub fn call(&self) -> &CallFacts {
        &self.call
    }

    /// Signature of the upgrade of a media socket.
    #[must_use]
    pub fn upgrade_signature(&self, url: &str) -> Option<String> {
        let token = self.token.as_ref()?;
        Some(sign::<&str, &str>(token, url, &[]))
    }

    /// Requests the document at `url` for a call in this state, and reads it strictly.
    ///
    /// # Errors
    /// One line that says what is wrong and what to do: nobody answers, the server refuses, or the answer is no TwiML.
    pub async fn ask(
        &self,
        url: &Url,
        method: Method,
        status: CallStatus,
    ) -> anyhow::Result<Vec<Verb>> {
        let form = VoiceRequest {
            account_sid: Some(&self.call.account_sid),
            from: Some(&self.call.from),
            to: Some(&self.call.to),
            direction: Some(self.call.direction),
            status: Some(status),
            ..VoiceRequest::on(&self.call.call_sid)
        }
        .to_form();
        let (request, signature) = match method {
            Method::Post => {
                let request = self
                    .client
                    .post(url.clone())
                    .header(
                        CONTENT_TYPE,
                        "application/x-www-form-urlencoded; charset=UTF-8",
                    )
                    .body(form.to_urlencoded());
                let signature = self
                    .token
                    .as_ref()
                    .map(|token| sign(token, url.as_str(), form.pairs()));
                (request, signature)
            }
            Method::Get => {
                let mut url = url.clone();
                url.query_pairs_mut().extend_pairs(form.pairs());
                let signature = self.upgrade_signature(url.as_str());
                (self.client.get(url), signature)
            }
        };
        let request = match signature {
            Some(signature) => request.header(SIGNATURE_HEADER, signature),
            None => request,
        };
        let response = request
            .send()
            .await
            .map_err(|error| unreachable(&error, url))?;
        let response = accepted(response, url, self.token.is_some()).await?;
        let text = body(response, url).await?;
        twiml::parse(&text).with_context(|| {
            format!(
                "the answer of {} is no TwiML that Twilio would take",
                shown(url)
            )
        })
    }
}

fn unreachable(error: &reqwest::Error, url: &Url) -> anyhow::Error {
    let base = url.origin().ascii_serialization();
    if error.is_timeout() && !error.is_connect() {
        let seconds = TIMEOUT.as_secs();
        return anyhow!(
            "{base} took the call but did not answer within {seconds} s, where Twilio gives up"
        );
    }
    if error.is_connect() || error.is_timeout() {
        return anyhow!(
            "nothing answers at {base}: start it with `ringback serve`, or name another server with --url ({})",
            cause(error)
        );
    }
    anyhow!("{base} broke off: {}", cause(error))
}

/// The innermost cause: what the system said.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

async fn accepted(response: Response, url: &Url, signed: bool) -> anyhow::Result<Response> {
    let status = response.status();
    let hint = match status {
        StatusCode::OK => {
            let kind = response.headers().get(CONTENT_TYPE);
            let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("");
            let is_twiml = ["text/xml", "application/xml", "text/html"]
                .iter()
                .any(|known| kind.starts_with(known));
            ensure!(
                is_twiml,
                "{} answered with the content type {kind:?}: Twilio reads TwiML as text/xml or application/xml",
                shown(url)
            );
            return Ok(response);
        }
        StatusCode::FORBIDDEN if signed => {
            "it refuses the signature: --auth-token must be its TWILIO_AUTH_TOKEN, and --url the address it knows itself by"
        }
        StatusCode::FORBIDDEN => {
            "it wants signed requests: give its TWILIO_AUTH_TOKEN with --auth-token (without one it answers callers on its own machine alone)"
        }
        StatusCode::NOT_FOUND => "it has no such scenario, or is no Ringback server",
        StatusCode::SERVICE_UNAVAILABLE => "it is shutting down or lacks something it needs",
        status if status.is_redirection() => "it redirects: give the final address with --url",
        status if status.is_server_error() => "the server failed: its log says why",
        _ => "this is not what a voice webhook answers",
    };
    let said = body(response, url).await.unwrap_or_default();
    let said: String = said.chars().filter(|c| !c.is_control()).take(200).collect();
    let said = match said.trim() {
        "" => String::new(),
        said => format!(" It said: {said}"),
    };
    bail!("{} answered {status}: {hint}.{said}", shown(url))
}

async fn body(mut response: Response, url: &Url) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| unreachable(&error, url))?
    {
        bytes.extend_from_slice(&chunk);
        ensure!(
            bytes.len() <= MAX_DOCUMENT_BYTES,
            "the answer of {} is over {MAX_DOCUMENT_BYTES} bytes: Twilio takes no more (11750)",
            shown(url)
        );
    }
    String::from_utf8(bytes).map_err(|_| anyhow!("the answer of {} is not UTF-8", shown(url)))
}

/// An address as it may be shown: without query, and with long parts of its path, which may be one-time tokens, left out.
#[must_use]
pub fn shown(url: &Url) -> String {
    let path = url.path_segments().into_iter().flatten().map(|part| {
        if part.len() > SHOWN_SEGMENT {
            "\u{2026}"
        } else {
            part
        }
    });
    let path: Vec<&str> = path.collect();
    format!("{}/{}", url.origin().ascii_serialization(), path.join("/"))
}

/// The address of the voice webhook of a scenario, or of the default one.
///
/// # Errors
/// An address that is no http or https URL.
pub fn voice_url(base: &str, scenario: Option<&str>) -> anyhow::Result<Url> {
    let mut url = Url::parse(base).with_context(|| {
        format!("--url {base:?} is no address; write it like http://127.0.0.1:8080")
    })?;
    ensure!(
        matches!(url.scheme(), "http" | "https") && url.has_host(),
        "--url {base:?} must begin with http:// or https://"
    );
    let Some(scenario) = scenario else {
        return Ok(url);
    };
    url.path_segments_mut()
        .map_err(|()| anyhow!("--url {base:?} cannot have a path"))?
        .pop_if_empty()
        .extend(["call", "inbound", "receive", scenario]);
    Ok(url)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_webhook_of_a_scenario_lies_under_the_base_address() {
        let check = |base, scenario, expected: &str| {
            assert_eq!(voice_url(base, scenario).unwrap().as_str(), expected);
        };
        check("http://127.0.0.1:8080", None, "http://127.0.0.1:8080/");
        check(
            "https://agent.example.test/",
            Some("survey"),
            "https://agent.example.test/call/inbound/receive/survey",
        );
        check(
            "https://agent.example.test/x",
            Some("a/b c"),
            "https://agent.example.test/x/call/inbound/receive/a%2Fb%20c",
        );
    }

    #[test]
    fn a_token_in_a_path_is_not_shown() {
        let url = Url::parse(
            "https://agent.example.test/resume/0123456789012345678901234567890123456789x?y=z",
        );
        assert_eq!(
            shown(&url.unwrap()),
            "https://agent.example.test/resume/\u{2026}"
        );
    }

    #[test]
    fn an_address_that_is_none_is_explained() {
        for base in ["localhost", "ftp://x", "127.0.0.1:8080", ""] {
            let error = voice_url(base, None).unwrap_err();
            assert!(error.to_string().contains("--url"), "{error}");
        }
    }
}
