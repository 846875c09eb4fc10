//! Answers that are the same everywhere: errors as `{"detail"}`, TwiML.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ringback_wire::twilio::twiml::{Say, Verb, render};
use serde_json::json;

/// An error: what was wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail(
    /// The status.
    pub StatusCode,
    /// One sentence.
    pub String,
);

impl Detail {
    /// An error with this status and sentence.
    pub fn new(status: StatusCode, what: impl Into<String>) -> Self {
        Self(status, what.into())
    }
}

impl IntoResponse for Detail {
    fn into_response(self) -> Response {
        let mut response = (self.0, Json(json!({ "detail": self.1 }))).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// TwiML.
pub fn twiml(verbs: &[Verb]) -> Response {
    ([(header::CONTENT_TYPE, "application/xml")], render(verbs)).into_response()
}

/// TwiML that says a line and hangs up; `language` is Twilio's, `None` its own English.
pub fn farewell(line: &str, language: Option<&str>) -> Response {
    let say = Say {
        text: line.to_owned(),
        language: language.map(str::to_owned),
        ..Say::default()
    };
    twiml(&[Verb::Say(say), Verb::Hangup])
}
