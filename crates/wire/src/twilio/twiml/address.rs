//! Addresses and parameters that Twilio would take.

use url::Url;

/// An address Twilio would refuse, and why. The address itself is not shown: its path may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says what it is")]
pub enum BadAddress {
    #[error("is not an absolute URL with a host")]
    NotAbsolute,
    #[error(
        "contains white space, a control character or a letter that must be percent-encoded or punycode"
    )]
    NotAscii,
    #[error("must begin with wss:// (ws:// for local use)")]
    NotWebSocket,
    #[error("must begin with https:// (http:// for local use)")]
    NotWeb,
    #[error("must not have a query string: Twilio drops it; use a path segment or a <Parameter>")]
    Query,
    #[error("must not have a fragment")]
    Fragment,
    #[error("must begin with sip: or sips:, followed by user@host or host")]
    NotSip,
}

fn graphic(text: &str) -> Result<(), BadAddress> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(BadAddress::NotAscii)
    }
}

fn absolute(text: &str) -> Result<Url, BadAddress> {
    graphic(text)?;
    match Url::parse(text) {
        Ok(url) if url.has_host() && text.contains("://") => Ok(url),
        _ => Err(BadAddress::NotAbsolute),
    }
}

/// The absolute address of a media socket, without query string and fragment; kept as it was written, because
/// Twilio signs it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamUrl(String);

impl StreamUrl {
    /// Checks `text`.
    ///
    /// # Errors
    /// [`BadAddress`] says what Twilio would object to.
    pub fn new(text: impl Into<String>) -> Result<Self, BadAddress> {
        let text = text.into();
        let url = absolute(&text)?;
        if !matches!(url.scheme(), "wss" | "ws") {
            return Err(BadAddress::NotWebSocket);
        }
        if text.contains('?') {
            return Err(BadAddress::Query);
        }
        if text.contains('#') {
            return Err(BadAddress::Fragment);
        }
        Ok(Self(text))
    }

    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True for `wss`. Twilio takes nothing else (31922); `ws` is for the simulator on the same machine.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.0
            .get(..4)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("wss:"))
    }
}

/// The absolute address of a document or callback, kept as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebUrl(String);

impl WebUrl {
    /// Checks `text`.
    ///
    /// # Errors
    /// [`BadAddress`] says what Twilio would object to.
    pub fn new(text: impl Into<String>) -> Result<Self, BadAddress> {
        let text = text.into();
        match absolute(&text)?.scheme() {
            "http" | "https" => Ok(Self(text)),
            _ => Err(BadAddress::NotWeb),
        }
    }

    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A SIP address for `<Dial>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipAddress(String);

impl SipAddress {
    /// Checks `text`, `sip:user@host` with whatever parameters follow.
    ///
    /// # Errors
    /// [`BadAddress`] if it is none.
    pub fn new(text: impl Into<String>) -> Result<Self, BadAddress> {
        let text = text.into();
        graphic(&text)?;
        let rest = text
            .strip_prefix("sip:")
            .or_else(|| text.strip_prefix("sips:"));
        match rest {
            Some(rest) if !rest.is_empty() && !rest.ends_with('@') => Ok(Self(text)),
            _ => Err(BadAddress::NotSip),
        }
    }

    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a stream parameter cannot be sent. Its value is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadParameter {
    /// It has no name.
    #[error("a stream parameter needs a name")]
    NoName,
    /// Name and value are too long together.
    #[error(
        "the name and value of the stream parameter {name:?} have {length} characters together; Twilio takes at most 499"
    )]
    TooLong {
        /// The first 40 characters of the name.
        name: String,
        /// Characters of name and value.
        length: usize,
    },
}

/// A `<Parameter>` of a stream: under 500 characters, name and value together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    name: String,
    value: String,
}

impl Parameter {
    /// Checks the two lengths.
    ///
    /// # Errors
    /// [`BadParameter`].
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Result<Self, BadParameter> {
        let (name, value) = (name.into(), value.into());
        let length = name.chars().count() + value.chars().count();
        if name.is_empty() {
            Err(BadParameter::NoName)
        } else if length >= 500 {
            let name = name.chars().take(40).collect();
            Err(BadParameter::TooLong { name, length })
        } else {
            Ok(Self { name, value })
        }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}
