//! Why a request over HTTP brought no answer, or not all of it.

use super::{Failure, Provider};

/// What became of it, in the words of its innermost cause, which names no address: that might hold a key.
pub(crate) fn unsent(provider: Provider, error: &reqwest::Error) -> Failure {
    let what = if error.is_connect() {
        "could not be connected to"
    } else if error.is_body() || error.is_decode() {
        "broke off its answer"
    } else {
        "did not answer"
    };
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let cause: String = if std::ptr::addr_eq(cause, error) {
        String::new()
    } else {
        cause.to_string().chars().take(120).collect()
    };
    Failure::unreachable(provider, format!("{what}: {cause}").trim_end_matches(": "))
}
