//! Languages by their tags, as people and models call them.

use ringback_speech::language::primary;

/// Languages by name, for models: they follow a name more surely than a code.
const NAMES: [(&str, &str); 24] = [
    ("ar", "Arabic"),
    ("cs", "Czech"),
    ("da", "Danish"),
    ("de", "German"),
    ("el", "Greek"),
    ("en", "English"),
    ("es", "Spanish"),
    ("fi", "Finnish"),
    ("fr", "French"),
    ("hi", "Hindi"),
    ("hu", "Hungarian"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("ko", "Korean"),
    ("nl", "Dutch"),
    ("no", "Norwegian"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("ro", "Romanian"),
    ("ru", "Russian"),
    ("sv", "Swedish"),
    ("tr", "Turkish"),
    ("uk", "Ukrainian"),
    ("zh", "Chinese"),
];

/// What a language is called in English, with its tag: `German (de-DE)`. The tag alone where no name is known.
pub(crate) fn language_name(tag: &str) -> String {
    let of = |(code, _): &&(&str, &str)| *code == primary(tag);
    match NAMES.iter().find(of) {
        Some((code, name)) if *code == tag => (*name).to_owned(),
        Some((_, name)) => format!("{name} ({tag})"),
        None => tag.to_owned(),
    }
}

/// The tag of a language by its name in English, in any case.
pub(crate) fn language_code(name: &str) -> Option<&'static str> {
    let of = |(_, known): &&(&str, &str)| known.eq_ignore_ascii_case(name);
    NAMES.iter().find(of).map(|(code, _)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_called_by_its_name_where_it_is_known() {
        assert_eq!(language_name("de-DE"), "German (de-DE)");
        assert_eq!(language_name("es"), "Spanish");
        assert_eq!(language_name("sw-KE"), "sw-KE");
        assert_eq!(language_code("english"), Some("en"));
        assert_eq!(language_code("Klingon"), None);
    }
}
