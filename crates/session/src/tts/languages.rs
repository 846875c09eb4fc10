//! Which languages the voices of providers know.

use ringback_speech::language::primary;

use crate::provider::Provider;

/// The voice of Aura that speaks where nothing names one, by language (Deepgram's list of voices).
const AURA: [(&str, &str); 7] = [
    ("en", "aura-2-thalia-en"),
    ("de", "aura-2-viktoria-de"),
    ("es", "aura-2-celeste-es"),
    ("fr", "aura-2-agathe-fr"),
    ("it", "aura-2-livia-it"),
    ("ja", "aura-2-izanami-ja"),
    ("nl", "aura-2-rhea-nl"),
];
/// The models of ElevenLabs that know no other language.
const ENGLISH_ONLY: [&str; 3] = [
    "eleven_flash_v2",
    "eleven_turbo_v2",
    "eleven_monolingual_v1",
];

/// The voice of Aura for a language; the English one where it has none.
pub(super) fn aura_voice(language: &str) -> &'static str {
    let of = |code: &str| AURA.iter().find(|(known, _)| *known == code);
    let (_, voice) = of(primary(language)).unwrap_or(&AURA[0]);
    voice
}

/// Whether a voice or model of a provider speaks a language, by its name.
///
/// # Errors
/// What it speaks instead, to stand behind its name, and what to do.
pub(crate) fn speaks(
    provider: Provider,
    name: &str,
    language: &str,
) -> Result<(), (String, String)> {
    let language = primary(language);
    match provider {
        Provider::Deepgram => {
            let own = name.rsplit('-').next().unwrap_or_default();
            if !name.starts_with("aura") || own.len() != 2 || own == language {
                return Ok(());
            }
            let voice = aura_voice(language);
            let remedy = if voice.ends_with(language) {
                format!("name one that ends in -{language}, as {voice}")
            } else {
                "use the voice of another provider".to_owned()
            };
            Err((format!("speaks {own} only"), remedy))
        }
        Provider::ElevenLabs if language != "en" && ENGLISH_ONLY.contains(&name) => Err((
            "speaks English only".to_owned(),
            "use eleven_flash_v2_5 or eleven_multilingual_v2".to_owned(),
        )),
        Provider::ElevenLabs | Provider::Cartesia | Provider::OpenAi => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn aura_has_a_voice_for_each_of_its_languages() {
        for (language, voice) in AURA {
            assert_eq!(aura_voice(&format!("{language}-XX")), voice);
            assert_eq!(speaks(Provider::Deepgram, voice, language), Ok(()));
        }
    }

    #[test]
    fn a_voice_of_another_language_says_which_it_speaks() {
        let told = |provider, name, language| speaks(provider, name, language).err();
        let (what, remedy) = told(Provider::Deepgram, "aura-2-thalia-en", "de-DE").unwrap();
        assert_eq!(what, "speaks en only");
        assert_eq!(remedy, "name one that ends in -de, as aura-2-viktoria-de");
        let (_, remedy) = told(Provider::Deepgram, "aura-2-thalia-en", "pl").unwrap();
        assert_eq!(remedy, "use the voice of another provider");
        assert!(told(Provider::ElevenLabs, "eleven_flash_v2", "es-ES").is_some());
        for (provider, name) in [
            (Provider::ElevenLabs, "eleven_flash_v2_5"),
            (Provider::Cartesia, "sonic-3"),
            (Provider::OpenAi, "marin"),
        ] {
            assert_eq!(told(provider, name, "es-ES"), None);
        }
        assert_eq!(told(Provider::ElevenLabs, "eleven_flash_v2", "en-GB"), None);
    }
}
