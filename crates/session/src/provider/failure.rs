//! A provider's failure: whose fault, of what kind, and whether to try again.

use std::fmt::Display;
use std::time::Duration;

use ringback_call::{Fault, FaultKind, Party};

use super::{Blame, Provider};

/// Why a provider did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: FaultKind,
    /// Begins with the provider's name; no secret and no content.
    pub(crate) detail: String,
    /// Another attempt at the same may succeed.
    pub(crate) passing: bool,
    /// When it said it could be asked again.
    pub(crate) retry_after: Option<Duration>,
    /// This request is to blame, by its length or its form; others may well succeed.
    pub(crate) of_request: bool,
    /// What has to be changed, where that is known.
    pub(crate) blame: Option<Blame>,
    /// It answered well, but there is nothing in the answer to be said.
    pub(crate) is_empty: bool,
}

impl Failure {
    fn new(provider: Provider, kind: FaultKind, passing: bool, what: impl Display) -> Self {
        Self {
            kind,
            detail: format!("{} {what}", provider.name()),
            passing,
            retry_after: None,
            of_request: false,
            blame: None,
            is_empty: false,
        }
    }

    /// No answer, or the connection broke.
    pub(crate) fn unreachable(provider: Provider, what: impl Display) -> Self {
        Self::new(provider, FaultKind::Unreachable, true, what)
    }

    /// An answer that is none.
    pub(crate) fn misbehaved(provider: Provider, what: impl Display) -> Self {
        Self::new(provider, FaultKind::Misbehaved, true, what)
    }

    /// What was started for the call is gone; the detail names it.
    pub(crate) fn gone(detail: String) -> Self {
        Self {
            kind: FaultKind::Misbehaved,
            detail,
            passing: false,
            retry_after: None,
            of_request: false,
            blame: None,
            is_empty: false,
        }
    }

    /// It said no, and will again.
    pub(crate) fn refused(provider: Provider, what: impl Display) -> Self {
        Self::new(provider, FaultKind::Refused, false, what)
    }

    /// It said no to this one request.
    pub(crate) fn unfit(provider: Provider, what: impl Display) -> Self {
        Self {
            of_request: true,
            ..Self::refused(provider, what)
        }
    }

    /// It cannot be asked as it was set up.
    pub(crate) fn misconfigured(provider: Provider, what: impl Display) -> Self {
        Self::new(provider, FaultKind::Misconfigured, false, what)
    }

    /// An HTTP status that is no success, with the provider's own words for it.
    pub(crate) fn status(provider: Provider, status: u16, words: &str) -> Self {
        let what = if words.is_empty() {
            format!("answered {status}")
        } else {
            format!("answered {status}: {words}")
        };
        let failure = match status {
            408 | 409 | 425 | 429 => Self::unreachable(provider, what),
            400..500 => Self::refused(provider, what),
            _ => Self::misbehaved(provider, what),
        };
        failure.blamed(Blame::of(Some(status), words))
    }

    /// What has to be changed.
    pub(crate) fn blamed(self, blame: Option<Blame>) -> Self {
        Self { blame, ..self }
    }

    /// The provider said when to come back.
    pub(crate) fn retry_after(self, retry_after: Option<Duration>) -> Self {
        Self {
            retry_after,
            ..self
        }
    }

    /// As the core is told.
    pub(crate) fn fault(&self, party: Party) -> Fault {
        Fault {
            party,
            kind: self.kind,
            detail: self.detail.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_of_what_kind_the_failure_is_and_whether_it_passes() {
        let of = |status| {
            let failure = Failure::status(Provider::OpenAi, status, "words");
            (failure.kind, failure.passing)
        };
        for status in [400, 401, 402, 403, 404, 413, 422] {
            assert_eq!(of(status), (FaultKind::Refused, false), "{status}");
        }
        for status in [408, 409, 429] {
            assert_eq!(of(status), (FaultKind::Unreachable, true), "{status}");
        }
        for status in [301, 500, 502, 503, 529] {
            assert_eq!(of(status), (FaultKind::Misbehaved, true), "{status}");
        }
        let failure = Failure::status(Provider::Deepgram, 401, "");
        assert_eq!(failure.detail, "deepgram answered 401");
    }
}
