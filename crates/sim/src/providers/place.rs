//! The providers and their endpoints, by the names that knobs and the record of requests use.

/// A provider that is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    /// Deepgram.
    Deepgram,
    /// OpenAI.
    OpenAi,
    /// Cartesia.
    Cartesia,
    /// ElevenLabs.
    ElevenLabs,
    /// The verifiers of captchas.
    Captcha,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Deepgram,
        Self::OpenAi,
        Self::Cartesia,
        Self::ElevenLabs,
        Self::Captcha,
    ];

    /// Its name in knobs, flags and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deepgram => "deepgram",
            Self::OpenAi => "openai",
            Self::Cartesia => "cartesia",
            Self::ElevenLabs => "elevenlabs",
            Self::Captcha => "captcha",
        }
    }

    /// The environment's name of its key.
    #[must_use]
    pub const fn key_variable(self) -> &'static str {
        match self {
            Self::Deepgram => "DEEPGRAM_API_KEY",
            Self::OpenAi => "OPENAI_API_KEY",
            Self::Cartesia => "CARTESIA_API_KEY",
            Self::ElevenLabs => "ELEVENLABS_API_KEY",
            Self::Captcha => "RECAPTCHA_SECRET",
        }
    }

    /// The provider of this name, or of this name of a key.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|one| one.name() == name || one.key_variable() == name)
    }
}

/// An endpoint of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) provider: Provider,
    pub(super) endpoint: &'static str,
}

const fn place(provider: Provider, endpoint: &'static str) -> Place {
    Place { provider, endpoint }
}

pub(super) const CARTESIA_SOCKET: Place = place(Provider::Cartesia, "socket");
pub(super) const CARTESIA_CONTEXT: Place = place(Provider::Cartesia, "context");
pub(super) const CARTESIA_BYTES: Place = place(Provider::Cartesia, "bytes");
pub(super) const CARTESIA_SSE: Place = place(Provider::Cartesia, "sse");
pub(super) const CARTESIA_VOICES: Place = place(Provider::Cartesia, "voices");
pub(super) const LISTEN: Place = place(Provider::Deepgram, "listen");
pub(super) const RECORDED: Place = place(Provider::Deepgram, "recorded");
pub(super) const FLUX: Place = place(Provider::Deepgram, "flux");
pub(super) const AURA: Place = place(Provider::Deepgram, "speak");
pub(super) const DEEPGRAM_TOKEN: Place = place(Provider::Deepgram, "token");
pub(super) const CHAT: Place = place(Provider::OpenAi, "chat");
pub(super) const RESPONSES: Place = place(Provider::OpenAi, "responses");
pub(super) const MODELS: Place = place(Provider::OpenAi, "models");
pub(super) const SPEECH: Place = place(Provider::OpenAi, "speech");
pub(super) const TRANSCRIPTIONS: Place = place(Provider::OpenAi, "transcriptions");
pub(super) const STREAM_INPUT: Place = place(Provider::ElevenLabs, "stream-input");
pub(super) const MULTI_STREAM_INPUT: Place = place(Provider::ElevenLabs, "multi-stream-input");
pub(super) const STREAM: Place = place(Provider::ElevenLabs, "stream");
pub(super) const ELEVENLABS_USER: Place = place(Provider::ElevenLabs, "user");
pub(super) const RECAPTCHA: Place = place(Provider::Captcha, "recaptcha");
pub(super) const HCAPTCHA: Place = place(Provider::Captcha, "hcaptcha");
pub(super) const TURNSTILE: Place = place(Provider::Captcha, "turnstile");

const ALL: [Place; 22] = [
    CARTESIA_SOCKET,
    CARTESIA_CONTEXT,
    CARTESIA_BYTES,
    CARTESIA_SSE,
    CARTESIA_VOICES,
    LISTEN,
    RECORDED,
    FLUX,
    AURA,
    DEEPGRAM_TOKEN,
    CHAT,
    RESPONSES,
    MODELS,
    SPEECH,
    TRANSCRIPTIONS,
    STREAM_INPUT,
    MULTI_STREAM_INPUT,
    STREAM,
    ELEVENLABS_USER,
    RECAPTCHA,
    HCAPTCHA,
    TURNSTILE,
];

impl Place {
    /// Whether there is such a provider, and such an endpoint of it.
    pub(super) fn check(provider: &str, endpoint: Option<&str>) -> Result<(), String> {
        let known = Provider::ALL.into_iter().find(|one| one.name() == provider);
        let Some(known) = known else {
            let names: Vec<_> = Provider::ALL.into_iter().map(Provider::name).collect();
            return Err(format!(
                "no provider {provider:?}: {} are played",
                names.join(", ")
            ));
        };
        let Some(endpoint) = endpoint else {
            return Ok(());
        };
        let mut own = ALL
            .into_iter()
            .filter(|place| place.provider == known)
            .map(|place| place.endpoint);
        if own.clone().any(|name| name == endpoint) {
            return Ok(());
        }
        let first = own.next().unwrap_or_default();
        let names = own.fold(first.to_owned(), |names, name| format!("{names}, {name}"));
        Err(format!("{provider} has no endpoint {endpoint:?}: {names}"))
    }
}
