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

/// The languages that have a code of two letters (ISO 639-1).
const TWO_LETTERS: &str = "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et eu fa \
    ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb \
    lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh \
    si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

/// A language tag as BCP 47 has them (`pt-BR`, `zh-Hant-TW`), its first part in lower case; `None` for what is none. Of codes of three
/// letters it is not known which languages they are.
#[must_use]
pub fn language_tag(text: &str) -> Option<String> {
    let mut parts = text.split('-').peekable();
    let primary = parts.next()?.to_ascii_lowercase();
    let known = match primary.len() {
        2 => TWO_LETTERS.split(' ').any(|code| code == primary),
        3 => is_letters(&primary),
        _ => false,
    };
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let is_plain = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric());
    for _ in 0..3 {
        parts.next_if(|part| part.len() == 3 && is_letters(part));
    }
    parts.next_if(|part| part.len() == 4 && is_letters(part));
    parts.next_if(|part| match part.len() {
        2 => is_letters(part),
        3 => is_digits(part),
        _ => false,
    });
    let is_variant = |part: &&str| match part.len() {
        4 => part.starts_with(|c: char| c.is_ascii_digit()) && is_plain(part),
        length => (5..=8).contains(&length) && is_plain(part),
    };
    while parts.next_if(is_variant).is_some() {}
    // Extensions and what is agreed on in private: a letter, and what belongs to it.
    while let Some(letter) = parts.next_if(|part| part.len() == 1 && is_plain(part)) {
        let least = if letter.eq_ignore_ascii_case("x") {
            1
        } else {
            2
        };
        let belongs = |part: &&str| (least..=8).contains(&part.len()) && is_plain(part);
        parts.next_if(belongs)?;
        while parts.next_if(belongs).is_some() {}
    }
    let rest = text.get(primary.len()..)?;
    (known && parts.next().is_none()).then(|| format!("{primary}{rest}"))
}

fn is_letters(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphabetic())
}

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

    #[test]
    fn a_tag_is_one_of_a_language_and_well_formed() {
        for tag in [
            "en",
            "pt-BR",
            "es-419",
            "zh-Hant-TW",
            "zh-cmn-Hans-CN",
            "sl-rozaj-biske",
            "de-1996",
            "en-a-myext-b-another",
            "de-x-a",
            "gsw",
            "yue-HK",
        ] {
            assert_eq!(language_tag(tag).as_deref(), Some(tag));
        }
        assert_eq!(language_tag("DE-at").as_deref(), Some("de-at"));
        for other in [
            "",
            "-",
            "de-",
            "-de",
            "d",
            "klingon",
            "zz",
            "zz-top-12345678901",
            "en-top-12345678901",
            "en_US",
            "d e",
            "de-x",
            "de-a",
            "en-US-GB",
            "e1",
            "en-U$",
            "\u{e9}n",
            "de--AT",
        ] {
            assert_eq!(language_tag(other), None, "{other}");
        }
    }
}
