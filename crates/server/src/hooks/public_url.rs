//! How the world reaches this server: from `PUBLIC_URL`, or from the request where that is not set.

use std::fmt;

use axum::http::uri::{Authority, PathAndQuery};
use axum::http::{HeaderMap, header};
use ipnet::IpNet;

use crate::client::Peer;

/// Scheme, host, port and perhaps a path: what comes before a request's target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicBase {
    secure: bool,
    /// Host and port as they were written; IPv6 addresses in brackets.
    authority: String,
    /// Empty, or `/` and more without a slash at the end.
    prefix: String,
}

/// A request whose own address cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request has no valid Host header")]
pub struct NoHost;

impl PublicBase {
    /// Reads `PUBLIC_URL`. Without a scheme it is https, but http for this machine.
    ///
    /// # Errors
    /// What is wrong with it and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let advice = "write it like https://phone.example.org";
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, text),
        };
        if let Some(odd) = rest
            .chars()
            .find(|c| matches!(c, '?' | '#' | '@') || c.is_whitespace())
        {
            return Err(format!("has {odd:?} in it; {advice}"));
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let prefix = path.trim_end_matches('/');
        let valid =
            valid_authority(authority).ok_or_else(|| format!("has no valid host; {advice}"))?;
        if !prefix.is_empty() && prefix.parse::<PathAndQuery>().is_err() {
            return Err(format!("has an invalid path; {advice}"));
        }
        let secure = match scheme.as_deref() {
            Some("https" | "wss") => true,
            Some("http" | "ws") => false,
            Some(_) => return Err(format!("has an unknown scheme; {advice}")),
            None => !names_this_machine(valid.host()),
        };
        Ok(Self {
            secure,
            authority: authority.to_owned(),
            prefix: prefix.to_owned(),
        })
    }

    /// The base of a listening address, for messages: `http://127.0.0.1:8080`.
    pub fn listening(address: std::net::SocketAddr, secure: bool) -> Self {
        Self {
            secure,
            authority: address.to_string(),
            prefix: String::new(),
        }
    }

    /// The base by which a request came: https where the connection is our own TLS. `X-Forwarded-Proto` and `X-Forwarded-Host` count only if `peer` is in one of
    /// the `trusted` networks, and of several values only the last: the one that `peer` itself wrote.
    ///
    /// # Errors
    /// [`NoHost`] for a missing, doubled or malformed `Host`.
    pub fn of_request(headers: &HeaderMap, peer: Peer, trusted: &[IpNet]) -> Result<Self, NoHost> {
        let trusts = peer.is_in(trusted);
        let forwarded = |name: &str| {
            let value = headers
                .get_all(name)
                .iter()
                .next_back()
                .filter(|_| trusts)?;
            value
                .to_str()
                .ok()?
                .rsplit(',')
                .next()
                .map(str::trim)
                .filter(|text| !text.is_empty())
        };
        let authority = match forwarded("x-forwarded-host") {
            Some(host) => host,
            None => host(headers)?,
        };
        valid_authority(authority).ok_or(NoHost)?;
        let secure = forwarded("x-forwarded-proto").map_or(peer.tls, |scheme| {
            scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("wss")
        });
        Ok(Self {
            secure,
            authority: authority.to_owned(),
            prefix: String::new(),
        })
    }

    /// The URL of a path or request target, as http or https. The target is taken byte by byte.
    pub fn url(&self, target: &str) -> String {
        format!(
            "{}://{}{}{target}",
            if self.secure { "https" } else { "http" },
            self.authority,
            self.prefix
        )
    }

    /// The URL of a path or request target, as ws or wss.
    pub fn socket_url(&self, target: &str) -> String {
        format!(
            "{}://{}{}{target}",
            if self.secure { "wss" } else { "ws" },
            self.authority,
            self.prefix
        )
    }

    /// Host and port as they were written.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether nobody but this machine reaches what is at this address.
    pub fn is_this_machine(&self) -> bool {
        let host = self.authority.parse::<Authority>();
        host.is_ok_and(|authority| names_this_machine(authority.host()))
    }

    /// Whether the world uses TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }
}

impl fmt::Display for PublicBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url(""))
    }
}

/// The one `Host` header.
///
/// # Errors
/// [`NoHost`] when there is none, more than one, or it is no text.
pub fn host(headers: &HeaderMap) -> Result<&str, NoHost> {
    let mut values = headers.get_all(header::HOST).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| NoHost),
        _ => Err(NoHost),
    }
}

/// Whether a host (no port; an IPv6 address in brackets) is a name of this machine: localhost, 127.0.0.1 or `[::1]`.
pub fn names_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host == "127.0.0.1" || host == "[::1]"
}

/// Host and perhaps port, without user or other trimmings.
pub fn valid_authority(text: &str) -> Option<Authority> {
    let authority: Authority = text.parse().ok()?;
    let host = authority.host();
    let bracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let is_address = bracketed.is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
    let is_name = !host.is_empty()
        && host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    let rest = &text[text.len().min(host.len())..];
    let port_fits = rest.is_empty()
        || rest
            .strip_prefix(':')
            .is_some_and(|port| port.parse::<u16>().is_ok());
    (text.starts_with(host) && (is_address || is_name) && port_fits).then_some(authority)
}
