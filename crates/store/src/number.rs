//! Telephone numbers in the one form in which they are compared.

/// E.164 where the text is a number with its country: `+1 (500) 555-0001` and `001 500 555 0001` become `+15005550001`.
/// Addresses (`sip:`, `client:`) and words (`anonymous`) become small letters. A number without its country keeps its
/// digits.
#[must_use]
pub fn normal_number(text: &str) -> String {
    let text = text.trim();
    let filling =
        |character: &char| !matches!(character, ' ' | '-' | '(' | ')' | '.' | '/' | '\u{a0}');
    let bare: String = text.chars().filter(filling).collect();
    let digits = bare.strip_prefix('+').unwrap_or(&bare);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.to_lowercase();
    }
    match digits.strip_prefix("00") {
        Some(rest) if !bare.starts_with('+') && rest.len() >= 7 => format!("+{rest}"),
        _ => bare,
    }
}

/// Whether a text in the form of [`normal_number`] is all that is dialled: E.164, a short code, or an address.
pub(crate) fn is_whole(number: &str) -> bool {
    if let Some((kind, name)) = number.split_once(':') {
        return !kind.is_empty() && !name.is_empty();
    }
    let (digits, lengths) = match number.strip_prefix('+') {
        Some(digits) => (digits, 7..=15),
        None => (number, 3..=6),
    };
    let is_e164 = !number.starts_with("+0") && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_e164 && lengths.contains(&digits.len())
}

/// Whether a call can be from or to this, however it is spelled: a number, also one without its country, an address, or the word that
/// stands for one that is withheld. Empty is such a word.
#[must_use]
pub fn may_call(text: &str) -> bool {
    let number = normal_number(text);
    let digits = number.strip_prefix('+').unwrap_or(&number);
    let is_number = digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_word = number.chars().all(char::is_alphabetic);
    is_whole(&number) || is_number && !number.ends_with('+') || is_word
}

#[cfg(test)]
mod tests {
    use super::{is_whole, may_call, normal_number};

    #[test]
    fn a_number_has_one_form_however_it_is_spelled() {
        let cases = [
            ("+1 (500) 555-0001", "+15005550001"),
            ("0015005550001", "+15005550001"),
            ("+15005550001", "+15005550001"),
            ("030 / 123.456", "030123456"),
            ("110", "110"),
            ("sip:Ann@Example.org", "sip:ann@example.org"),
            ("Anonymous", "anonymous"),
            ("", ""),
        ];
        for (spelled, expected) in cases {
            assert_eq!(normal_number(spelled), expected, "{spelled}");
        }
    }

    #[test]
    fn a_number_without_its_country_is_not_whole_and_may_call_all_the_same() {
        for (text, whole, may) in [
            ("+15005550001", true, true),
            ("+2907001", true, true),
            ("12345", true, true),
            ("sip:ann@example.org", true, true),
            ("client:ann", true, true),
            ("15005550001", false, true),
            ("030123456", false, true),
            ("anonymous", false, true),
            ("", false, true),
            ("+05005550001", false, true),
            ("+1500555000100000", false, false),
            ("+", false, false),
            ("ann 5", false, false),
            ("+1500x", false, false),
            (":", false, false),
        ] {
            assert_eq!((is_whole(text), may_call(text)), (whole, may), "{text}");
        }
    }
}
