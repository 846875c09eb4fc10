//! Which engines of the list cannot serve a scenario's language.

use ringback_speech::language::Language;

use super::Engines;
use crate::language::language_name;
use crate::scenario::{Scenario, TtsEngine};
use crate::setup::manner;

impl Engines {
    /// What keeps the engines that would be used first from a scenario's language, a sentence each: they are left out of its calls. What stands behind
    /// one that knows the language is not spoken of.
    pub fn language_gaps(&self, scenario: &Scenario) -> Vec<String> {
        let (language, name) = (&scenario.language, language_name(&scenario.language));
        let mut gaps = Vec::new();
        if Language::of(language) == Some(Language::English) {
            return gaps;
        }
        let listed = self.listed_ears(Some(scenario));
        let deaf = listed
            .iter()
            .map_while(|engine| self.hears_language(engine, language).err());
        gaps.extend(deaf.map(|why| format!("{why}: it is left out of calls in {name}")));
        if !listed.is_empty() && !self.hears(scenario) {
            gaps.push(format!(
                "no recogniser hears {name}: callers answer by keypad alone"
            ));
        }
        let manner = manner(scenario);
        let mute = self
            .listed_voices(Some(scenario))
            .iter()
            .map_while(|engine| match self.vendor(engine, &manner) {
                Some(vendor) => vendor.speaks(language).err().map(Some),
                None => (*engine != TtsEngine::Pico).then_some(None),
            })
            .flatten();
        gaps.extend(mute.map(|why| format!("{why}; it is left out of calls in {name}")));
        gaps
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::Secret;
    use crate::engines::EngineConfig;
    use crate::provider::{Access, Account, Accounts, Provider};
    use crate::scenario::{Origin, SttEngine, parse};

    fn engines(folder: &std::path::Path, hears_with: &str) -> Engines {
        let account = |model: &str| {
            Some(Account {
                access: Access {
                    key: Some(Secret::new("a-key")),
                    url: "http://127.0.0.1:9".parse().unwrap(),
                },
                model: model.into(),
                voice: None,
            })
        };
        let voice = |provider| TtsEngine::Provider {
            provider,
            voice: None,
            model: None,
        };
        let config = EngineConfig {
            data_dir: folder.to_owned(),
            recognizers: 0,
            recognizer_library: None,
            voices: 1,
            allow_private_webhooks: false,
            company: "Compass Group".into(),
            accounts: Accounts {
                deepgram: account(hears_with),
                elevenlabs: account("eleven_turbo_v2"),
                ..Accounts::default()
            },
            proxy: None,
            stt: vec![
                SttEngine::Deepgram {
                    model: None,
                    language: None,
                    keyterms: Vec::new(),
                },
                SttEngine::PocketSphinx {
                    keyterms: Vec::new(),
                },
            ],
            responders: Vec::new(),
            tts: vec![voice(Provider::ElevenLabs), voice(Provider::Deepgram)],
            prices: crate::prices::Prices::default(),
            secrets: crate::Secrets::default(),
        };
        Engines::start(config).unwrap()
    }

    fn scenario(text: &str) -> Scenario {
        let text = format!("responder = [{{ provider = \"parrot\" }}]\n{text}");
        parse(&text, &Origin::text("t")).unwrap().0
    }

    #[test]
    fn what_does_not_know_the_language_is_left_out_of_its_calls_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let engines = engines(folder.path(), "flux-general-en");
        let german = scenario("language = \"de-DE\"\n");
        assert!(!engines.hears(&german));
        let voices = engines.speaking_list(Some(&german));
        let names = voices
            .iter()
            .map(|voice| engines.describe_voice(voice).name);
        assert_eq!(names.collect::<Vec<_>>(), ["deepgram", "pico"]);
        let gaps = engines.language_gaps(&german);
        assert_eq!(
            gaps,
            [
                "deepgram's flux-general-en hears English only: it is left out of calls in German (de-DE)",
                "pocketsphinx hears English only: it is left out of calls in German (de-DE)",
                "no recogniser hears German (de-DE): callers answer by keypad alone",
                "eleven_turbo_v2 speaks English only: use eleven_flash_v2_5 or eleven_multilingual_v2; it is left out of calls in German (de-DE)",
            ]
        );
        let english = scenario("language = \"en-GB\"\n");
        assert!(engines.hears(&english));
        assert_eq!(engines.speaking_list(Some(&english)).len(), 3);
        assert_eq!(engines.language_gaps(&english), [""; 0]);
    }

    #[test]
    fn a_recogniser_that_knows_the_language_hears_it_and_aura_speaks_with_a_voice_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let engines = engines(folder.path(), "flux-general-multi");
        let spanish = scenario("language = \"es-MX\"\n");
        assert_eq!(engines.hearing_list(Some(&spanish)).len(), 1);
        let gaps = engines.language_gaps(&spanish).join("\n");
        assert!(
            gaps.starts_with("eleven_turbo_v2 speaks English only"),
            "{gaps}"
        );
        assert_eq!(
            gaps.lines().count(),
            1,
            "pocketsphinx stands behind: {gaps}"
        );
        let voices = engines.speaking_list(Some(&spanish));
        let aura = engines.vendor(&voices[0], &manner(&spanish)).unwrap();
        assert!(aura.key().contains("aura-2-celeste-es"), "{}", aura.key());
        assert!(!engines.hears(&scenario("language = \"fi-FI\"\n")));
    }
}
