//! Providers in the cloud: how they are reached, how their failures are named, and what is known of their health.
//!
//! Each has one file for each role that it plays, in `stt`, `responder` and `tts`; what they share stands here.

mod backoff;
mod blame;
mod breaker;
mod failure;
mod free;
mod socket;
mod unsent;

use reqwest::{Client, Response};
use url::Url;

use crate::Secret;

pub(crate) use backoff::Backoff;
pub use blame::Blame;
pub use breaker::Breaker;
pub(crate) use breaker::Breakers;
pub(crate) use failure::Failure;
pub use free::Reach;
pub(crate) use free::ask_for_free;
pub(crate) use socket::{Answer, ProviderSocket, Refusal, open};
pub(crate) use unsent::unsent;

/// The most that is read of a refusal, in bytes.
const MAX_REFUSAL: usize = 16 << 10;

/// A client of HTTP as providers are asked with: without redirects and cookies, through `proxy` if there is one.
///
/// # Errors
/// The proxy's address cannot be used, or TLS cannot be set up.
pub fn web_client(proxy: Option<&str>) -> Result<Client, String> {
    crate::responder::model::client(proxy).map_err(|failure| failure.detail)
}

/// The body of a refusal, as far as it comes and is read.
pub(crate) async fn refusal_body(response: &mut Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_REFUSAL {
            break;
        }
    }
    body
}

/// How a provider is reached.
#[derive(Clone, Debug)]
pub struct Access {
    /// The key; a server of one's own may need none.
    pub key: Option<Secret>,
    /// Scheme, host, port, and for OpenAI's language the path before its routes: `/v1`.
    pub url: Url,
}

impl Access {
    /// The address of a provider's WebSocket, whichever scheme its base has.
    pub(crate) fn socket_url(&self, provider: Provider, path: &str) -> Result<Url, Failure> {
        self.address(provider, path, [("https", "wss"), ("http", "ws")])
    }

    /// The address of a provider's route, whichever scheme its base has.
    pub(crate) fn http_url(&self, provider: Provider, path: &str) -> Result<Url, Failure> {
        self.address(provider, path, [("wss", "https"), ("ws", "http")])
    }

    fn address(
        &self,
        provider: Provider,
        path: &str,
        schemes: [(&str, &str); 2],
    ) -> Result<Url, Failure> {
        let base = self.url.as_str().trim_end_matches('/');
        let rest = schemes.into_iter().find_map(|(from, to)| {
            let rest = base.strip_prefix(from)?.strip_prefix("://")?;
            Some(format!("{to}://{rest}"))
        });
        let base = rest.unwrap_or_else(|| base.to_owned());
        Url::parse(&format!("{base}{path}"))
            .map_err(|_| Failure::refused(provider, "has an address that cannot be used"))
    }
}

/// A provider that is set up, and what is asked of it where a scenario names nothing.
#[derive(Clone, Debug)]
pub struct Account {
    /// How it is reached.
    pub access: Access,
    /// The model.
    pub model: String,
    /// The voice, where it speaks and has a choice.
    pub voice: Option<String>,
}

/// The providers that are set up.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    /// Hears, speaks.
    pub deepgram: Option<Account>,
    /// Answers, speaks.
    pub openai: Option<Account>,
    /// Speaks.
    pub cartesia: Option<Account>,
    /// Speaks.
    pub elevenlabs: Option<Account>,
}

impl Accounts {
    /// All that are set up.
    pub fn iter(&self) -> impl Iterator<Item = &Account> {
        [
            &self.deepgram,
            &self.openai,
            &self.cartesia,
            &self.elevenlabs,
        ]
        .into_iter()
        .flatten()
    }
}

/// A provider's name, as scenarios spell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// Deepgram: hears, speaks.
    Deepgram,
    /// OpenAI, or a server that speaks its language: answers, speaks.
    OpenAi,
    /// Cartesia: speaks.
    Cartesia,
    /// ElevenLabs: speaks.
    ElevenLabs,
}

impl Provider {
    /// All there are.
    pub const ALL: [Self; 4] = [
        Self::Deepgram,
        Self::OpenAi,
        Self::Cartesia,
        Self::ElevenLabs,
    ];

    /// The provider of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.name() == name)
    }

    /// As scenarios and logs spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deepgram => "deepgram",
            Self::OpenAi => "openai",
            Self::Cartesia => "cartesia",
            Self::ElevenLabs => "elevenlabs",
        }
    }
}
