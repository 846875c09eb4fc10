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

#[cfg(test)]
mod tests {
    use super::normal_number;

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
}
