//! The languages whose words are known: for numbers, answers, and the texts of the callers of this crate.

pub mod vocabulary;

/// A language whose words are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
    /// Spanish.
    Spanish,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::English, Self::German, Self::Spanish];

    /// The language of a BCP 47 tag such as `de` or `es-MX`, where its words are known.
    pub fn of(tag: &str) -> Option<Self> {
        let primary = primary(tag);
        let known = |language: &Self| primary.eq_ignore_ascii_case(language.code());
        Self::ALL.into_iter().find(known)
    }

    /// Its code in BCP 47: `en`, `de`, `es`.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::Spanish => "es",
        }
    }
}

/// The part of a BCP 47 tag that names the language: `de` of `de-AT`.
pub fn primary(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_known_by_the_first_part_of_its_tag() {
        assert_eq!(Language::of("de-AT"), Some(Language::German));
        assert_eq!(Language::of("ES_mx"), Some(Language::Spanish));
        assert_eq!(Language::of("en"), Some(Language::English));
        for other in ["fr-FR", "deu", "", "-de"] {
            assert_eq!(Language::of(other), None, "{other}");
        }
    }
}
