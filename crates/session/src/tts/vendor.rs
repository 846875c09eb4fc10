//! The voices of providers behind one face.

use std::sync::Arc;

use reqwest::Client;

use super::languages::{aura_voice, speaks};
use super::stream::{Inlet, Spoken};
use super::{Aura, Cartesia, ElevenLabs, Manner, OpenAi};
use crate::provider::{Account, Breaker, Failure, Provider};

/// The version of Cartesia's API whose shapes are spoken here.
const CARTESIA_VERSION: &str = "2026-03-01";

/// OpenAI's model and voice, where nothing names one.
const OPENAI_MODEL: &str = "gpt-4o-mini-tts";
const OPENAI_VOICE: &str = "marin";
const OPENAI_VOICES: [&str; 13] = [
    "alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse",
    "marin", "cedar",
];

/// A voice of a provider, as one call wants it.
pub(crate) enum Vendor {
    Aura(Aura),
    Cartesia(Cartesia),
    ElevenLabs(ElevenLabs),
    OpenAi(OpenAi),
}

/// What is wanted of a provider's voice.
pub(crate) struct Wanted<'a> {
    pub(crate) provider: Provider,
    pub(crate) account: &'a Account,
    /// As the list of voices names it.
    pub(crate) voice: Option<&'a str>,
    pub(crate) model: Option<&'a str>,
    pub(crate) manner: &'a Manner,
    /// For providers that are asked over HTTP.
    pub(crate) client: &'a Client,
}

impl Vendor {
    /// The voice and model of the scenario's list, else the scenario's voice where the provider has one of such a name, else the
    /// server's own choice.
    pub(crate) fn of(wanted: &Wanted<'_>) -> Self {
        let Wanted {
            provider,
            account,
            manner,
            ..
        } = *wanted;
        let of_scenario = manner
            .voice
            .as_deref()
            .filter(|name| has_voice(provider, name));
        let named = wanted.voice.or(of_scenario);
        let voice = named
            .or(account.voice.as_deref())
            .unwrap_or_default()
            .to_owned();
        let model = wanted.model.unwrap_or(&account.model).to_owned();
        let access = account.access.clone();
        let (language, speed_pct) = (manner.language.clone(), manner.speed_pct);
        match provider {
            Provider::Cartesia => Self::Cartesia(Cartesia {
                access,
                version: CARTESIA_VERSION.to_owned(),
                model,
                voice,
                language,
                speed_pct,
            }),
            Provider::ElevenLabs => Self::ElevenLabs(ElevenLabs {
                access,
                model,
                voice,
                language,
                speed_pct,
            }),
            // The account's model is the one that hears.
            Provider::Deepgram => Self::Aura(Aura {
                access,
                model: (named.or(wanted.model))
                    .unwrap_or_else(|| aura_voice(&language))
                    .to_owned(),
                speed_pct,
            }),
            // The account's model is the one that answers.
            Provider::OpenAi => Self::OpenAi(OpenAi {
                client: wanted.client.clone(),
                access,
                model: wanted.model.unwrap_or(OPENAI_MODEL).to_owned(),
                voice: named.unwrap_or(OPENAI_VOICE).to_owned(),
                language,
                speed_pct,
            }),
        }
    }

    /// The model, as the provider names it.
    pub(crate) fn model(&self) -> &str {
        match self {
            Self::Aura(own) => &own.model,
            Self::Cartesia(own) => &own.model,
            Self::ElevenLabs(own) => &own.model,
            Self::OpenAi(own) => &own.model,
        }
    }

    /// Whether it speaks a language.
    ///
    /// # Errors
    /// Which voice or model does not, and what to do.
    pub(crate) fn speaks(&self, language: &str) -> Result<(), String> {
        let (provider, name) = match self {
            Self::Aura(own) => (Provider::Deepgram, &own.model),
            Self::Cartesia(own) => (Provider::Cartesia, &own.model),
            Self::ElevenLabs(own) => (Provider::ElevenLabs, &own.model),
            Self::OpenAi(own) => (Provider::OpenAi, &own.model),
        };
        let told = |(what, remedy)| format!("{name} {what}: {remedy}");
        speaks(provider, name, language).map_err(told)
    }

    /// Who speaks and how, for the cache of lines.
    pub(crate) fn key(&self) -> String {
        let (name, model, voice, language, speed_pct) = match self {
            Self::Aura(own) => ("deepgram", &own.model, "", "", own.speed_pct),
            Self::Cartesia(own) => (
                "cartesia",
                &own.model,
                own.voice.as_str(),
                own.language.as_str(),
                own.speed_pct,
            ),
            Self::ElevenLabs(own) => (
                "elevenlabs",
                &own.model,
                own.voice.as_str(),
                own.language.as_str(),
                own.speed_pct,
            ),
            Self::OpenAi(own) => (
                "openai",
                &own.model,
                own.voice.as_str(),
                own.language.as_str(),
                own.speed_pct,
            ),
        };
        format!("{name} {model} {voice} {language} {speed_pct}")
    }

    /// Its model, the voice where that is another name, and the language where the provider is told one.
    pub(crate) fn names(&self) -> (String, Option<String>, String) {
        let (model, voice, language) = match self {
            Self::Aura(own) => (&own.model, None, ""),
            Self::Cartesia(own) => (&own.model, Some(&own.voice), own.language.as_str()),
            Self::ElevenLabs(own) => (&own.model, Some(&own.voice), own.language.as_str()),
            Self::OpenAi(own) => (&own.model, Some(&own.voice), ""),
        };
        (model.clone(), voice.cloned(), language.to_owned())
    }

    /// Speaks until the inlet is closed.
    ///
    /// # Errors
    /// What keeps it from speaking.
    pub(crate) async fn speak(
        &self,
        inlet: Inlet,
        breaker: &Arc<Breaker>,
        said: impl FnMut(Spoken) + Send,
    ) -> Result<(), Failure> {
        match self {
            Self::Aura(own) => own.speak(inlet, breaker, said).await,
            Self::Cartesia(own) => own.speak(inlet, breaker, said).await,
            Self::ElevenLabs(own) => own.speak(inlet, breaker, said).await,
            Self::OpenAi(own) => own.speak(inlet, breaker, said).await,
        }
    }
}

/// The provider that may have a voice of this name.
pub(crate) fn provider_of_voice(name: &str) -> Option<Provider> {
    Provider::ALL
        .into_iter()
        .find(|provider| has_voice(*provider, name))
}

/// Whether a provider may have a voice of this name: existing scenarios name voices of others.
fn has_voice(provider: Provider, name: &str) -> bool {
    match provider {
        Provider::Cartesia => uuid::Uuid::try_parse(name).is_ok(),
        Provider::ElevenLabs => name.len() == 20 && name.chars().all(|c| c.is_ascii_alphanumeric()),
        Provider::Deepgram => name.starts_with("aura-"),
        Provider::OpenAi => OPENAI_VOICES.contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_that_a_scenario_names_goes_to_the_provider_that_has_it() {
        let of = |name| Provider::ALL.map(|provider| has_voice(provider, name));
        assert_eq!(of("alloy"), [false, true, false, false]);
        assert_eq!(of("aura-2-thalia-en"), [true, false, false, false]);
        assert_eq!(of("21m00Tcm4TlvDq8ikWAM"), [false, false, false, true]);
        assert_eq!(
            of("f786b574-daa5-4673-aa0c-cbe3e8534c02"),
            [false, false, true, false]
        );
        assert_eq!(of("pico"), [false; 4]);
    }
}
