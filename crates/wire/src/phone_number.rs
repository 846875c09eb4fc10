//! Telephone numbers as they may appear in a log.

const HIDDEN: &str = "•••";

/// A caller ID with its middle taken out: `+15•••01`. Of fewer than 10 digits the last two stay, of fewer than 7 none;
/// of `sip:user@host` the host stays, of `client:name` the kind. The words for a withheld number stay as they are.
#[must_use]
pub fn masked(caller_id: &str) -> String {
    if let Some(rest) = caller_id
        .strip_prefix("sip:")
        .or_else(|| caller_id.strip_prefix("sips:"))
    {
        return match rest.rsplit_once('@') {
            Some((_, host)) => format!("sip:{HIDDEN}@{}", host_of(host)),
            None => format!("sip:{HIDDEN}"),
        };
    }
    if caller_id.starts_with("client:") {
        return format!("client:{HIDDEN}");
    }
    let lower = caller_id.to_ascii_lowercase();
    if [
        "anonymous",
        "unknown",
        "restricted",
        "private",
        "unavailable",
        "",
    ]
    .contains(&lower.as_str())
    {
        return lower;
    }
    let digits = caller_id.strip_prefix('+').unwrap_or(caller_id);
    let plus = &caller_id[..caller_id.len() - digits.len()];
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return HIDDEN.to_owned();
    }
    let (head, tail) = match digits.len() {
        10.. => (2, 2),
        7..10 => (0, 2),
        _ => (0, 0),
    };
    format!(
        "{plus}{}{HIDDEN}{}",
        &digits[..head],
        &digits[digits.len() - tail..]
    )
}

/// The host of what follows the `@`: its parameters and headers can carry numbers.
fn host_of(text: &str) -> &str {
    text.split([';', '?']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn the_middle_of_a_number_is_hidden() {
        for (caller_id, expected) in [
            ("+15005550001", "+15•••01"),
            ("15005550001", "15•••01"),
            ("+442079460958", "+44•••58"),
            ("+4930123456", "+49•••56"),
            ("+354123456", "+•••56"),
            ("5550001", "•••01"),
            ("911", "•••"),
            ("+", "+•••"),
        ] {
            assert_eq!(masked(caller_id), expected, "{caller_id}");
        }
    }

    #[test]
    fn what_is_no_number_shows_at_most_its_kind() {
        for (caller_id, expected) in [
            ("", ""),
            ("Anonymous", "anonymous"),
            ("client:agent_7", "client:•••"),
            (
                "sip:+15005550001@pbx.example.test;user=phone",
                "sip:•••@pbx.example.test",
            ),
            (
                "sips:bob@x@pbx.example.test?X-Caller=15005550001",
                "sip:•••@pbx.example.test",
            ),
            ("sip:15005550001", "sip:•••"),
            ("+1 (500) 555-0001", "•••"),
            ("Tom +15005550001", "•••"),
            ("٣٤٥٦٧٨٩٠١٢٣٤", "•••"),
        ] {
            assert_eq!(masked(caller_id), expected, "{caller_id}");
        }
    }
}
