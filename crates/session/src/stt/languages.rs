//! Which languages Deepgram's recognisers know, and by which code.

use ringback_speech::language::primary;
use ringback_wire::deepgram::flux::{LANGUAGES, MULTILINGUAL_MODEL};

/// Several languages in one call, which `nova` tells apart itself.
pub(crate) const MULTI: &str = "multi";
/// The codes with a region that `nova-3` takes (Deepgram's changelog, August 2025 to March 2026); all others go by the
/// language alone.
const REGIONAL: [&str; 19] = [
    "en-US", "en-AU", "en-GB", "en-IN", "en-NZ", "es-419", "fr-CA", "pt-BR", "pt-PT", "de-CH",
    "nl-BE", "sv-SE", "da-DK", "ko-KR", "zh-CN", "zh-TW", "zh-Hans", "zh-Hant", "th-TH",
];
/// Where Spanish is spoken as `es-419` has it.
const LATIN_AMERICA: [&str; 20] = [
    "AR", "BO", "CL", "CO", "CR", "CU", "DO", "EC", "GT", "HN", "MX", "NI", "PA", "PE", "PR", "PY",
    "SV", "US", "UY", "VE",
];

/// What the `language` of `/v1/listen` is for a scenario's language.
pub(crate) fn nova_code(language: &str) -> String {
    let same = |code: &&&str| code.eq_ignore_ascii_case(language);
    if let Some(code) = REGIONAL.iter().find(same) {
        return (*code).to_owned();
    }
    let region = language.rsplit('-').next().unwrap_or_default();
    let american = LATIN_AMERICA
        .iter()
        .any(|code| code.eq_ignore_ascii_case(region));
    match primary(language) {
        "es" if american => "es-419".to_owned(),
        primary => primary.to_owned(),
    }
}

/// The `language_hint` of Flux's multilingual model.
pub(super) fn flux_hint(language: &str) -> Option<String> {
    let known = LANGUAGES
        .iter()
        .find(|known| **known == primary(language))?;
    Some((*known).to_owned())
}

/// Whether a model of Deepgram hears a language.
///
/// # Errors
/// Which languages it hears instead, to stand behind its name.
pub(crate) fn hears(model: &str, language: &str) -> Result<(), String> {
    if !model.starts_with("flux") {
        return Ok(());
    }
    let several = model == MULTILINGUAL_MODEL;
    let knows = match language {
        MULTI => several,
        language if several => flux_hint(language).is_some(),
        language => primary(language) == "en",
    };
    if knows {
        Ok(())
    } else if several {
        Err(format!("hears {} only", LANGUAGES.join(", ")))
    } else {
        Err("hears English only".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nova_is_asked_by_the_codes_that_it_takes() {
        for (language, code) in [
            ("en-US", "en-US"),
            ("en-ZA", "en"),
            ("de-DE", "de"),
            ("de-AT", "de"),
            ("de-CH", "de-CH"),
            ("es-ES", "es"),
            ("es", "es"),
            ("es-MX", "es-419"),
            ("es-us", "es-419"),
            ("es-419", "es-419"),
            ("pt-BR", "pt-BR"),
            ("multi", "multi"),
        ] {
            assert_eq!(nova_code(language), code, "{language}");
        }
    }

    #[test]
    fn flux_hears_english_and_its_other_model_ten_languages() {
        let told = |model, language| hears(model, language).err();
        assert_eq!(told("nova-3", "fi-FI"), None);
        assert_eq!(told("flux-general-en", "en-GB"), None);
        assert_eq!(told("flux-general-multi", "de-CH"), None);
        assert_eq!(told("flux-general-multi", MULTI), None);
        let english = told("flux-general-en", "de-DE");
        assert_eq!(english.as_deref(), Some("hears English only"));
        assert_eq!(told("flux-general-en", MULTI), english);
        assert_eq!(
            told("flux-general-multi", "fi-FI").as_deref(),
            Some("hears de, en, es, fr, hi, it, ja, nl, pt, ru only")
        );
    }
}
