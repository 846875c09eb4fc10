//! Whose fault it is when a webhook does not answer.

use std::error::Error;
use std::fmt::Display;
use std::time::Duration;

use reqwest::StatusCode;
use ringback_call::{Fault, FaultKind, Party};
use url::Url;

use super::address::Blocked;

/// A reason is cut to this many characters.
const LONGEST_REASON: usize = 160;

/// The host of a webhook, as faults name it.
pub(super) struct Host(String, &'static str);

impl Host {
    pub(super) fn of(url: &Url) -> Self {
        let host = url.host_str().unwrap_or("(no host)");
        let name = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Self(name, "webhook")
    }

    /// The host that a tool asks.
    pub(super) fn of_tool(url: &Url) -> Self {
        let Self(name, _) = Self::of(url);
        Self(name, "tool")
    }

    fn fault(&self, kind: FaultKind, what: impl Display) -> Fault {
        Fault {
            party: Party::Responder,
            kind,
            detail: format!("the {} at {} {what}", self.1, self.0),
        }
    }

    pub(super) fn misconfigured(&self, what: impl Display) -> Fault {
        self.fault(FaultKind::Misconfigured, what)
    }

    pub(super) fn misbehaved(&self, what: impl Display) -> Fault {
        self.fault(FaultKind::Misbehaved, what)
    }

    pub(super) fn late(&self, missing: &str, bound: Duration) -> Fault {
        let what = format!("did not {missing} within {} ms", bound.as_millis());
        self.fault(FaultKind::Unreachable, what)
    }

    pub(super) fn status(&self, status: StatusCode) -> Fault {
        let code = status.as_u16();
        if status.is_client_error() {
            self.fault(FaultKind::Refused, format!("answered {code}"))
        } else if status.is_redirection() {
            self.misbehaved(format!(
                "answered {code}: redirects are not followed, give the final address"
            ))
        } else {
            self.misbehaved(format!("answered {code}"))
        }
    }

    /// No status came.
    pub(super) fn unsent(&self, error: &reqwest::Error) -> Fault {
        if let Some(blocked) = blocked(error) {
            return self.misconfigured(blocked);
        }
        let reason = reason(error);
        if error.is_connect() {
            let what = format!("could not be connected to: {reason}");
            self.fault(FaultKind::Unreachable, what)
        } else if error.is_timeout() || chain(error).any(|cause| cause.is::<std::io::Error>()) {
            self.fault(FaultKind::Unreachable, format!("did not answer: {reason}"))
        } else {
            self.misbehaved(format!("gave no answer in HTTP: {reason}"))
        }
    }

    /// A status came, but not the whole body.
    pub(super) fn broken_off(&self, error: &reqwest::Error) -> Fault {
        self.misbehaved(format!("broke off its answer: {}", reason(error)))
    }
}

/// A fault of no host in particular.
pub(super) fn misconfigured(detail: String) -> Fault {
    Fault {
        party: Party::Responder,
        kind: FaultKind::Misconfigured,
        detail,
    }
}

/// Whether the host resolved to private addresses alone.
pub(super) fn is_private(error: &reqwest::Error) -> bool {
    blocked(error).is_some()
}

fn blocked(error: &reqwest::Error) -> Option<&Blocked> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

/// The innermost cause: the outer ones repeat the URL, which may hold a token.
pub(super) fn reason(error: &reqwest::Error) -> String {
    match chain(error).last() {
        Some(cause) => cause.to_string().chars().take(LONGEST_REASON).collect(),
        None => "no reason is known".to_owned(),
    }
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}
