//! Errors, on the socket and as bodies of HTTP answers, in the shapes of all versions.

use serde_json::Value;

use super::Refusal;
use crate::short_text::short;

/// What the provider says is wrong. Every part may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status, or what stands for it on the socket.
    pub status: Option<u16>,
    /// Such as `concurrency_limited` or `model_not_found`; an open list.
    pub code: Option<String>,
    /// A few words.
    pub title: Option<String>,
    /// A sentence, one line of at most 200 characters.
    pub message: Option<String>,
    /// What the provider's support asks for.
    pub request_id: Option<String>,
    /// Where it is explained.
    pub doc_url: Option<String>,
}

impl ApiError {
    /// Reads the body of an answer that is no success: JSON since version 2026-03-01, before that a line `Title: text`,
    /// and anything else that stands in the way, such as the page of a gateway. It never fails.
    #[must_use]
    pub fn from_http(status: u16, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let mut error = match serde_json::from_str(&text) {
            Ok(Value::Object(map)) => Self::of(|field| map.get(field)),
            Ok(Value::String(line)) => Self::of_line(&line),
            _ => Self::of_line(&text),
        };
        error.status = Some(status);
        error
    }

    fn of<'a>(field: impl Fn(&str) -> Option<&'a Value>) -> Self {
        let text = |name| field(name).and_then(Value::as_str).map(str::to_owned);
        let error = Self {
            status: None,
            code: text("error_code"),
            title: text("title"),
            message: text("message"),
            request_id: text("request_id"),
            doc_url: text("doc_url"),
        };
        error.or_line(text("error").as_deref())
    }

    /// With the line of older versions where there is no title and no message; all parts shortened.
    pub(super) fn or_line(self, line: Option<&str>) -> Self {
        let older = match line {
            Some(line) if self.title.is_none() && self.message.is_none() => Self::of_line(line),
            Some(_) | None => Self::default(),
        };
        let tidy = |text: Option<String>| {
            text.map(|text| short(&text))
                .filter(|text| !text.is_empty())
        };
        Self {
            status: self.status,
            code: tidy(self.code),
            title: tidy(self.title.or(older.title)),
            message: tidy(self.message.or(older.message)),
            request_id: tidy(self.request_id),
            doc_url: tidy(self.doc_url),
        }
    }

    fn of_line(line: &str) -> Self {
        let line = short(line);
        let (title, message) = match line.split_once(": ") {
            Some((title, message)) if !title.is_empty() && !message.is_empty() => {
                (Some(title.to_owned()), Some(message.to_owned()))
            }
            Some(_) | None => (None, Some(line).filter(|line| !line.is_empty())),
        };
        Self {
            title,
            message,
            ..Self::default()
        }
    }

    /// What a provider answers to a message it does not take.
    #[must_use]
    pub fn refused(refusal: &Refusal) -> Self {
        Self {
            status: Some(400),
            title: Some("Bad request".to_owned()),
            message: Some(short(&refusal.to_string())),
            ..Self::default()
        }
    }

    /// Title and message in one line, for a log; the status where there is neither.
    #[must_use]
    pub fn line(&self) -> String {
        match (&self.title, &self.message) {
            (Some(title), Some(message)) => short(&format!("{title}: {message}")),
            (Some(only), None) | (None, Some(only)) => only.clone(),
            (None, None) => self.status.map_or_else(
                || "no reason given".to_owned(),
                |status| format!("status {status}"),
            ),
        }
    }

    /// The body of an HTTP answer since version 2026-03-01, with all its fields.
    #[must_use]
    pub fn to_body(&self) -> String {
        serde_json::to_string(&Body::of(self)).unwrap_or_default()
    }

    /// The body of an HTTP answer before version 2026-03-01.
    #[must_use]
    pub fn to_old_body(&self) -> String {
        self.line()
    }
}

/// The fields of an error in the provider's order; a missing one is null.
#[derive(serde::Serialize)]
pub(super) struct Body<'a> {
    error_code: &'a Option<String>,
    title: &'a Option<String>,
    message: &'a Option<String>,
    request_id: &'a Option<String>,
    doc_url: &'a Option<String>,
}

impl<'a> Body<'a> {
    pub(super) fn of(error: &'a ApiError) -> Self {
        Self {
            error_code: &error.code,
            title: &error.title,
            message: &error.message,
            request_id: &error.request_id,
            doc_url: &error.doc_url,
        }
    }
}
