//! Errors, on the sockets and as bodies of HTTP answers, in all their shapes.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Refusal, TOO_MANY_CONTEXTS, VIOLATION_CLOSE_CODE};
use crate::short_text::short;

/// What the provider says is wrong. Every part may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiError {
    /// The status of an HTTP answer.
    pub status: Option<u16>,
    /// The code with which a socket closes next.
    pub close_code: Option<u16>,
    /// Such as `quota_exceeded` or `too_many_concurrent_requests`; an open list. Older answers call it `status`.
    pub code: Option<String>,
    /// Such as `validation_error`; an open list.
    pub kind: Option<String>,
    /// A sentence, one line of at most 200 characters.
    pub message: Option<String>,
    /// The parameter that is wrong.
    pub param: Option<String>,
    /// What the provider's support asks for.
    pub request_id: Option<String>,
}

impl ApiError {
    /// Reads the body of an answer that is no success: an object under `detail`, a list of what is wrong under `detail`,
    /// a text, and anything else that stands in the way, such as the page of a gateway. It never fails.
    #[must_use]
    pub fn from_http(status: u16, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let error = match serde_json::from_str(&text) {
            Ok(Value::Object(mut map)) => match map.remove("detail") {
                Some(Value::Object(detail)) => Self::of_object(&detail),
                Some(Value::Array(list)) => Self::of_list(&list),
                Some(Value::String(line)) => Self::saying(&line),
                _ => Self::of_object(&map),
            },
            Ok(Value::String(line)) => Self::saying(&line),
            _ => Self::saying(&text),
        };
        Self {
            status: Some(status),
            ..error.tidy()
        }
    }

    fn saying(line: &str) -> Self {
        Self {
            message: Some(line.to_owned()),
            ..Self::default()
        }
    }

    fn of_object(map: &Map<String, Value>) -> Self {
        let text = |name| map.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            code: text("code")
                .or_else(|| text("status"))
                .or_else(|| text("error")),
            kind: text("type"),
            message: text("message"),
            param: text("param"),
            request_id: text("request_id"),
            ..Self::default()
        }
    }

    /// The first of what a validator found wrong.
    fn of_list(list: &[Value]) -> Self {
        let first = list.first().and_then(Value::as_object);
        let text = |name| first.and_then(|map| map.get(name)).and_then(Value::as_str);
        let place = first
            .and_then(|map| map.get("loc"))
            .and_then(Value::as_array);
        let part = |part: &Value| {
            part.as_str()
                .map_or_else(|| part.to_string(), str::to_owned)
        };
        Self {
            kind: text("type").map(str::to_owned),
            message: text("msg").map(str::to_owned),
            param: place.map(|place| place.iter().map(part).collect::<Vec<_>>().join(".")),
            ..Self::default()
        }
    }

    /// All parts shortened, empty ones left out.
    pub(super) fn tidy(self) -> Self {
        let tidy = |text: Option<String>| {
            text.map(|text| short(&text))
                .filter(|text| !text.is_empty())
        };
        Self {
            status: self.status,
            close_code: self.close_code,
            code: tidy(self.code),
            kind: tidy(self.kind),
            message: tidy(self.message),
            param: tidy(self.param),
            request_id: tidy(self.request_id),
        }
    }

    /// What the provider says on a socket about a message it does not take, before it closes the socket.
    #[must_use]
    pub fn refused(refusal: &Refusal) -> Self {
        let code = if matches!(refusal, Refusal::TooManyContexts { .. }) {
            TOO_MANY_CONTEXTS
        } else {
            "input_error"
        };
        Self {
            close_code: Some(VIOLATION_CLOSE_CODE),
            code: Some(code.to_owned()),
            message: Some(short(&refusal.to_string())),
            ..Self::default()
        }
    }

    /// Code and message in one line, for a log; the status where there is neither.
    #[must_use]
    pub fn line(&self) -> String {
        match (&self.code, &self.message) {
            (Some(code), Some(message)) => short(&format!("{code}: {message}")),
            (Some(only), None) | (None, Some(only)) => only.clone(),
            (None, None) => self.status.map_or_else(
                || "no reason given".to_owned(),
                |status| format!("status {status}"),
            ),
        }
    }

    /// The body of an HTTP answer as it is written today: with the older `status` beside the code.
    #[must_use]
    pub fn to_body(&self) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            detail: Detail<'a>,
        }
        #[derive(Serialize)]
        struct Detail<'a> {
            #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
            kind: Option<&'a str>,
            code: Option<&'a str>,
            message: Option<&'a str>,
            status: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            request_id: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            param: Option<&'a str>,
        }
        let detail = Detail {
            kind: self.kind.as_deref(),
            code: self.code.as_deref(),
            message: self.message.as_deref(),
            status: self.code.as_deref(),
            request_id: self.request_id.as_deref(),
            param: self.param.as_deref(),
        };
        serde_json::to_string(&Body { detail }).unwrap_or_default()
    }

    /// The message on a socket.
    pub(super) fn to_message(&self) -> String {
        #[derive(Serialize)]
        struct Message<'a> {
            error: Option<&'a str>,
            message: Option<&'a str>,
            code: Option<u16>,
        }
        let message = Message {
            error: self.code.as_deref(),
            message: self.message.as_deref(),
            code: self.close_code,
        };
        serde_json::to_string(&message).unwrap_or_default()
    }
}
