//! The base of our own URLs, and the variants in which Twilio may have signed one.

use url::Url;

/// A public base that cannot be signed against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the public URL must be like https://agent.example.test, without query string and fragment"
)]
pub struct BadBase;

/// Scheme, host, port and path prefix of a base URL, as written; user and password are dropped, since Twilio drops
/// them before it signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    secure: bool,
    host: String,
    port: Option<String>,
    prefix: String,
}

impl Origin {
    pub(super) fn new(base: &str) -> Result<Self, BadBase> {
        let (scheme, rest) = base.split_once("://").ok_or(BadBase)?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" | "wss" => true,
            "http" | "ws" => false,
            _ => return Err(BadBase),
        };
        let graphic = base.bytes().all(|byte| byte.is_ascii_graphic());
        if !graphic
            || base.contains(['?', '#'])
            || !Url::parse(base).is_ok_and(|url| url.has_host())
        {
            return Err(BadBase);
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host_and_port = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        // A colon before the bracket belongs to an IPv6 address.
        let (host, port) = match host_and_port.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (host_and_port, None),
        };
        Ok(Self {
            secure,
            host: host.to_owned(),
            port: port.filter(|port| !port.is_empty()).map(str::to_owned),
            prefix: path.trim_end_matches('/').to_owned(),
        })
    }

    /// The forms in which Twilio may have signed a web address: with the port as configured, without any, with the
    /// scheme's own.
    pub(super) fn web_urls(&self, target: &str) -> Vec<String> {
        self.urls(if self.secure { "https" } else { "http" }, target)
    }

    /// The same forms of a media socket's address.
    pub(super) fn socket_urls(&self, target: &str) -> Vec<String> {
        self.urls(if self.secure { "wss" } else { "ws" }, target)
    }

    fn urls(&self, scheme: &str, target: &str) -> Vec<String> {
        let configured = self.port.as_ref().map(|port| format!(":{port}"));
        let default = if self.secure { ":443" } else { ":80" };
        let mut ports = vec![configured.as_deref().unwrap_or(""), "", default];
        ports.dedup();
        let url = |port| format!("{scheme}://{}{port}{}{target}", self.host, self.prefix);
        ports.into_iter().map(url).collect()
    }
}
