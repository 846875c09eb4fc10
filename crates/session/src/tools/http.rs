//! A tool that is a request over HTTP.
//!
//! It may lead where a webhook may, see there. Arguments cannot leave the place that the scenario gives them: in an address they
//! are percent-encoded, and none may make a step up in its path.

use std::sync::Arc;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request, Response};
use ringback_call::FaultKind;
use serde_json::{Map, Value};
use url::Url;
use url::form_urlencoded::byte_serialize;
use uuid::Uuid;

use crate::Secrets;
use crate::responder::webhook::Webhook;
use crate::scenario::{HeaderText, Tool};

/// The longest answer, in bytes; the rest is not read.
const LONGEST: usize = 16 * 1024;
/// The same for every attempt at one side effect.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

pub(super) struct Http {
    tool: Tool,
    headers: HeaderMap,
    webhook: Arc<Webhook>,
    call_id: Uuid,
}

impl Http {
    /// A tool with its secrets.
    ///
    /// # Errors
    /// Which secret cannot be read.
    pub(super) fn new(tool: &Tool, webhook: Arc<Webhook>, call_id: Uuid) -> Result<Self, String> {
        let headers = header_map(&tool.http.headers, &webhook.secrets)?;
        Ok(Self {
            tool: tool.clone(),
            headers,
            webhook,
            call_id,
        })
    }

    /// The request for these arguments.
    ///
    /// # Errors
    /// What is wrong with them, for the model.
    pub(super) fn request(
        &self,
        arguments: &Map<String, Value>,
        id: &str,
    ) -> Result<Request, String> {
        let required = self.tool.parameters["required"].as_array();
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if arguments.get(name).is_none_or(Value::is_null) {
                return Err(missing(name));
            }
        }
        let mut request = Request::new(self.tool.http.method.clone(), self.url(arguments)?);
        let mut headers = self.headers.clone();
        if self.tool.side_effect {
            headers.insert(IDEMPOTENCY_KEY, self.key(id));
        }
        if let Some(body) = self.body(arguments)? {
            headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static(JSON));
            *request.body_mut() = Some(body.into());
        }
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn url(&self, arguments: &Map<String, Value>) -> Result<Url, String> {
        let text = self
            .tool
            .http
            .url
            .fill(arguments, |value| encoded(&plain(value)));
        let text = text.map_err(|name| missing(&name))?;
        let path = text.split(['?', '#']).next().unwrap_or_default();
        if path.split('/').any(|step| matches!(step, "." | "..")) {
            return Err("error: an argument cannot stand in the address; nothing was done".into());
        }
        Url::parse(&text).map_err(|_| "error: this tool is set up wrongly".to_owned())
    }

    fn body(&self, arguments: &Map<String, Value>) -> Result<Option<String>, String> {
        let method = &self.tool.http.method;
        let Some(body) = &self.tool.http.body else {
            let has_body = [Method::POST, Method::PUT, Method::PATCH].contains(method);
            return Ok(has_body.then(|| Value::Object(arguments.clone()).to_string()));
        };
        let kind = self.headers.get(CONTENT_TYPE);
        let kind = kind.map_or(JSON.as_bytes(), HeaderValue::as_bytes);
        let written = |value: &Value| {
            if kind.starts_with(FORM.as_bytes()) {
                encoded(&plain(value))
            } else if kind.starts_with(JSON.as_bytes()) {
                escaped(value)
            } else {
                plain(value)
            }
        };
        let text = body.fill(arguments, written);
        text.map(Some).map_err(|name| missing(&name))
    }

    /// `<call>.<call of the tool>`. A model's name for its call may hold what no header may.
    fn key(&self, id: &str) -> HeaderValue {
        let plain = |c: char| if c.is_ascii_graphic() { c } else { '_' };
        let id: String = id.chars().map(plain).take(128).collect();
        HeaderValue::from_str(&format!("{}.{id}", self.call_id))
            .unwrap_or(HeaderValue::from_static("unnamed"))
    }

    /// Sends the request, once.
    ///
    /// # Errors
    /// What went wrong, for the model: no address and no secret.
    pub(super) async fn ask(&self, request: Request) -> Result<String, String> {
        let sent = self.webhook.send(request, self.tool.http.allow_private);
        let response = sent.await.map_err(|fault| {
            tracing::warn!(detail = %fault.detail, "Error of a tool");
            let why = match fault.kind {
                FaultKind::Misconfigured => "error: this tool is set up wrongly; nothing was done",
                FaultKind::Unreachable => "error: the service behind this tool cannot be reached",
                FaultKind::Refused | FaultKind::Misbehaved => {
                    "error: the service behind this tool gave no proper answer"
                }
            };
            why.to_owned()
        })?;
        self.read(response).await
    }

    async fn read(&self, mut response: Response) -> Result<String, String> {
        let status = response.status();
        let encoding = response.headers().get(CONTENT_ENCODING);
        if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(format!(
                "error: status {status}, with an answer that cannot be read",
                status = status.as_u16()
            ));
        }
        let mut bytes = Vec::new();
        let mut whole = true;
        while whole && bytes.len() <= LONGEST {
            match response.chunk().await {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk[..chunk.len().min(LONGEST + 1)]),
                Ok(None) => break,
                Err(_) => whole = false,
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text[..text.floor_char_boundary(LONGEST)].trim();
        let status = status.as_u16();
        if !(200..300).contains(&status) {
            tracing::warn!(status, "Error of a tool");
            return Err(format!("error: status {status}\n{text}")
                .trim_end()
                .to_owned());
        }
        if !whole {
            return Err(format!(
                "error: status {status}, but the answer broke off: {text}"
            ));
        }
        Ok(if text.is_empty() {
            format!("done, status {status}")
        } else {
            text.to_owned()
        })
    }
}

/// A scenario's headers with their secrets.
///
/// # Errors
/// Which secret cannot be read.
pub(super) fn header_map(
    wanted: &[(HeaderName, HeaderText)],
    secrets: &Secrets,
) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, text) in wanted {
        let value = match text {
            HeaderText::Text(value) => value.clone(),
            HeaderText::Secret(reference) => {
                let secret = secrets.read(reference)?;
                let mut value = HeaderValue::from_str(secret.expose())
                    .map_err(|_| format!("the secret for {name} cannot stand in a header"))?;
                value.set_sensitive(true);
                value
            }
        };
        headers.insert(name, value);
    }
    Ok(headers)
}

fn missing(name: &str) -> String {
    format!("error: the argument \"{name}\" is missing; nothing was done")
}

/// A value as people write it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// Percent-encoded, so that it stays within its place of an address or a form.
fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

/// As it stands in JSON: a text without its quotes.
fn escaped(value: &Value) -> String {
    let json = value.to_string();
    match value {
        Value::String(_) => json[1..json.len() - 1].to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            json
        }
    }
}
