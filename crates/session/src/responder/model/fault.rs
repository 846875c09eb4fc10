//! Why a model did not answer.

use std::error::Error;
use std::fmt::Display;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::HeaderMap;
use ringback_wire::openai::retry::Advice;
use ringback_wire::openai::{ApiError, Fault};

use super::answer::{Finish, PROVIDER};
use crate::provider::{Blame, Failure};

/// A reason is cut to this many characters.
const LONGEST_REASON: usize = 160;

fn of(fault: Fault, error: &ApiError, what: String) -> Failure {
    let code = error.code.as_deref().unwrap_or_default();
    let said = format!("{code} {}", error.message);
    let (failure, status) = match fault {
        Fault::Request => (Failure::unfit(PROVIDER, what), Some(400)),
        Fault::TooLong => (Failure::unfit(PROVIDER, what), None),
        Fault::Key => (Failure::refused(PROVIDER, what), Some(401)),
        Fault::Forbidden => (Failure::refused(PROVIDER, what), Some(403)),
        Fault::NotFound => (Failure::refused(PROVIDER, what), Some(404)),
        Fault::Quota => (Failure::refused(PROVIDER, what), Some(402)),
        Fault::Busy => (Failure::unreachable(PROVIDER, what), Some(429)),
        Fault::Passing => (Failure::unreachable(PROVIDER, what), None),
        Fault::Server => (Failure::misbehaved(PROVIDER, what), None),
    };
    failure.blamed(status.and_then(|status| Blame::of(Some(status), &said)))
}

/// A status that is no success, with the server's words and its advice.
pub(crate) fn status(status: u16, headers: &HeaderMap, body: &str) -> Failure {
    let error = ApiError::read(body);
    let what = match error.message.as_str() {
        "" => format!("answered {status}"),
        words => format!("answered {status}: {words}"),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_secs());
    let advice = Advice::read(|name| headers.get(name)?.to_str().ok(), now);
    let fault = error.fault(Some(status));
    let mut failure = of(fault, &error, what);
    match advice.should_retry {
        Some(true) if !fault.needs_the_operator() => failure.passing = true,
        Some(false) => failure.passing = false,
        Some(true) | None => {}
    }
    let wait = advice.wait_ms.filter(|wait| *wait > 0);
    failure.retry_after(wait.map(Duration::from_millis))
}

/// An error within a stream.
pub(super) fn within(error: &ApiError) -> Failure {
    let what = match error.message.as_str() {
        "" => "broke off its answer".to_owned(),
        words => format!("broke off its answer: {words}"),
    };
    of(error.fault(None), error, what)
}

/// No status came.
pub(super) fn unsent(error: &reqwest::Error) -> Failure {
    let reason = reason(error);
    if error.is_builder() {
        Failure::misconfigured(PROVIDER, format!("cannot be asked: {reason}"))
    } else if error.is_connect() {
        Failure::unreachable(PROVIDER, format!("could not be connected to: {reason}"))
    } else if error.is_timeout() || causes(error).any(|cause| cause.is::<std::io::Error>()) {
        Failure::unreachable(PROVIDER, format!("did not answer: {reason}"))
    } else {
        Failure::misbehaved(PROVIDER, format!("gave no answer in HTTP: {reason}"))
    }
}

/// The body broke.
pub(super) fn broken(error: &reqwest::Error) -> Failure {
    let what = format!("broke off its answer: {}", reason(error));
    Failure::misbehaved(PROVIDER, what)
}

/// The body ended too early.
pub(super) fn broken_off() -> Failure {
    Failure::misbehaved(PROVIDER, "broke off its answer before its end")
}

/// An answer with neither words nor calls.
pub(super) fn wordless(finish: &Finish) -> Failure {
    match finish {
        Finish::Filtered => Failure::unfit(PROVIDER, "held its answer back"),
        Finish::Length => Failure::misbehaved(
            PROVIDER,
            "used up its tokens without a word: allow more, or less reasoning",
        ),
        Finish::Cut => Failure::misbehaved(PROVIDER, "wrote without end and without a word"),
        Finish::Stop | Finish::Calls | Finish::Other(_) => Failure {
            is_empty: true,
            ..Failure::misbehaved(PROVIDER, "ended its answer without a word")
        },
    }
}

/// Bytes that are no answer.
pub(crate) fn garbled(why: impl Display) -> Failure {
    Failure::misbehaved(PROVIDER, format!("wrote what is no answer: {why}"))
}

/// A bound of time passed.
pub(super) fn late(missing: &str, bound: Duration) -> Failure {
    let bound = bound.as_millis();
    Failure::unreachable(
        PROVIDER,
        format!("did not {missing} its answer within {bound} ms"),
    )
}

/// The innermost cause: the outer ones repeat the address.
pub(super) fn reason(error: &reqwest::Error) -> String {
    match causes(error).last() {
        Some(cause) => cause.to_string().chars().take(LONGEST_REASON).collect(),
        None => "no reason is known".to_owned(),
    }
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}
