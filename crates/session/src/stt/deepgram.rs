//! Deepgram's streaming recognition: the whole of the caller's audio goes there as it comes. Its two generations have files of
//! their own, [`nova`] and [`flux`]; how their sockets are kept stands in `listening.rs`.

use std::sync::Arc;
use std::time::Duration;

use ringback_wire::deepgram::http_error::HttpError;
use ringback_wire::deepgram::{API_KEY_SCHEME, AUTHORIZATION, may_reconnect};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue};
use url::Url;

use super::flux::{self, Flux};
use super::listening::Listening;
use super::nova::{self, Nova};
use super::stream::{Heard, Inlet};
use crate::provider::{Access, Breaker, Failure, Provider, Refusal};

/// What is asked of Deepgram for one call.
#[derive(Clone, Debug)]
pub(crate) struct Deepgram {
    pub(crate) access: Access,
    pub(crate) model: String,
    /// As `en-US`; `multi` for several in one call.
    pub(crate) language: String,
    /// Words worth listening for.
    pub(crate) keyterms: Vec<String>,
}

impl Deepgram {
    /// Listens until the call's side is dropped. What it hears goes to `heard`.
    ///
    /// # Errors
    /// A refusal, or what kept it away for too long. All audio since the last final words is lost then.
    pub(crate) async fn listen(
        &self,
        inlet: Inlet,
        breaker: &Arc<Breaker>,
        mut heard: impl FnMut(Heard) + Send,
    ) -> Result<(), Failure> {
        let url = self.url()?;
        let headers = self.headers()?;
        if self.leads() {
            let listening = Listening::new(inlet, Flux::default(), &mut heard);
            return listening.keep_on(&url, &headers, breaker).await;
        }
        let listening = Listening::new(inlet, Nova::default(), &mut heard);
        listening.keep_on(&url, &headers, breaker).await
    }

    /// Whether it finds the ends of turns itself.
    pub(crate) fn leads(&self) -> bool {
        self.model.starts_with("flux")
    }

    /// Where it is asked for a call.
    pub(super) fn url(&self) -> Result<Url, Failure> {
        if self.leads() {
            flux::url(self)
        } else {
            nova::url(self)
        }
    }

    pub(super) fn headers(&self) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &self.access.key {
            let value = HeaderValue::from_str(&format!("{API_KEY_SCHEME}{}", key.expose()))
                .map_err(|_| Failure::refused(Provider::Deepgram, "has a key that is no text"))?;
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }
}

pub(super) fn refusal(body: &str) -> Refusal {
    let error = HttpError::read(body.as_bytes());
    Refusal {
        code: error.code,
        words: error.message,
    }
}

pub(super) fn samples(time: Duration) -> u64 {
    u64::try_from(time.as_micros() * 8 / 1000).unwrap_or(u64::MAX)
}

pub(super) fn closed(code: Option<u16>, reason: &str) -> Failure {
    let reason: String = reason
        .chars()
        .filter(|c| !c.is_control())
        .take(120)
        .collect();
    let what = match code {
        Some(code) => format!("closed its socket with {code} {reason}"),
        None => "ended its socket".to_owned(),
    };
    // A normal end in the middle of a call is no end that we asked for.
    match code {
        Some(code) if code != 1000 && !may_reconnect(code) => {
            Failure::refused(Provider::Deepgram, what.trim_end())
        }
        Some(_) | None => Failure::unreachable(Provider::Deepgram, what.trim_end()),
    }
}
