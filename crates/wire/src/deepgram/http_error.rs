//! The bodies of refused requests and handshakes, in each of the shapes Deepgram has.

use serde::Serialize;

use super::node::{self, Node};

/// What a body says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpError {
    /// What went wrong, for people: at most [`MAX_MESSAGE`] characters, none of them a control character; empty if the
    /// body says nothing.
    pub message: String,
    /// Deepgram's word for it, such as `INVALID_AUTH` or `TOO_MANY_REQUESTS`.
    pub code: Option<String>,
    /// More about it, in the limits of `message`.
    pub details: Option<String>,
    /// Deepgram's id of the request.
    pub request_id: Option<String>,
}

/// The most characters of a message.
pub const MAX_MESSAGE: usize = 200;

impl HttpError {
    /// Reads a body, whatever it is: `err_code` and `err_msg`; `category`, `message` and `details`; plain text; the page
    /// of a proxy on the way.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        match Node::read(&text) {
            Ok(node @ Node::Object(_)) => Self::of(&node),
            Ok(Node::Text(message)) => Self::said(&message),
            Ok(Node::Null | Node::Flag(_) | Node::Number(_) | Node::List(_)) | Err(_) => {
                Self::said(&without_markup(&text))
            }
        }
    }

    fn said(message: &str) -> Self {
        Self {
            message: cleaned(message),
            ..Self::default()
        }
    }

    fn of(node: &Node<'_>) -> Self {
        let first = |names: &[&str]| {
            let mut filled = names
                .iter()
                .filter_map(|name| node.get(name).text().map(cleaned))
                .filter(|text| !text.is_empty());
            filled.next()
        };
        let nested = node.get("error").get("message").text().map(cleaned);
        let details = first(&["details"]);
        let message = first(&["err_msg", "message", "error", "description", "reason"]);
        Self {
            message: message
                .or(nested)
                .or_else(|| details.clone())
                .unwrap_or_default(),
            code: first(&["err_code", "category", "code"]),
            details,
            request_id: first(&["request_id"]),
        }
    }

    /// The body of the older shape, which has no place for `details`.
    #[must_use]
    pub fn to_legacy_text(&self) -> String {
        node::write(&Legacy {
            err_code: self.code.as_deref(),
            err_msg: &self.message,
            request_id: self.request_id.as_deref(),
        })
    }

    /// The body of the newer shape.
    #[must_use]
    pub fn to_modern_text(&self) -> String {
        node::write(&Modern {
            category: self.code.as_deref(),
            message: &self.message,
            details: self.details.as_deref(),
            request_id: self.request_id.as_deref(),
        })
    }
}

#[derive(Serialize)]
struct Legacy<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    err_code: Option<&'a str>,
    err_msg: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Modern<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

/// Words with single spaces between them, cut to [`MAX_MESSAGE`].
fn cleaned(text: &str) -> String {
    let plain = |character: char| character.is_whitespace() || character.is_control();
    let mut clean = String::new();
    for word in text.split(plain).filter(|word| !word.is_empty()) {
        if !clean.is_empty() {
            clean.push(' ');
        }
        clean.push_str(word);
        if clean.len() > MAX_MESSAGE * 4 {
            break;
        }
    }
    let mut characters = clean.char_indices();
    match characters.nth(MAX_MESSAGE) {
        None => clean,
        Some(_) => {
            let kept = clean.chars().take(MAX_MESSAGE - 1);
            kept.chain(['…']).collect()
        }
    }
}

/// The text of a page without its tags; its title alone, if it has one. Anything else as it is.
fn without_markup(text: &str) -> String {
    let page = text.trim_start();
    if !page.starts_with('<') {
        return page.to_owned();
    }
    let title = page
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"));
    if let Some((title, _)) = title {
        return title.to_owned();
    }
    let mut plain = String::new();
    for piece in page.split('<') {
        if let Some((_, after)) = piece.split_once('>') {
            plain.push(' ');
            plain.push_str(after);
        }
    }
    plain
}
