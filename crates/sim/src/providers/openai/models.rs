//! The models that there are in November 2026, and which of them may be asked.

/// Those that answer, speak or write down, newest first, and the day on which they are switched off.
pub(super) const LISTED: [(&str, Option<&str>); 29] = [
    ("gpt-6-luna", None),
    ("gpt-6-sol", None),
    ("gpt-6-astra", None),
    ("gpt-6.1-sol", None),
    ("gpt-6.1-terra", None),
    ("gpt-5.6-sol", None),
    ("gpt-5.6-terra", None),
    ("gpt-5.6-luna", None),
    ("gpt-5.5", None),
    ("gpt-5.4", None),
    ("gpt-5.4-mini", None),
    ("gpt-5.4-nano", Some("2027-04-01")),
    ("gpt-5.1", Some("2027-04-01")),
    ("gpt-5", Some("2026-12-11")),
    ("gpt-5-mini", Some("2026-12-11")),
    ("gpt-5-nano", Some("2026-12-11")),
    ("o3", Some("2026-12-11")),
    ("gpt-4.1", Some("2027-01-14")),
    ("gpt-4.1-mini", Some("2027-01-14")),
    ("gpt-4o", Some("2027-01-14")),
    ("gpt-4o-mini", Some("2027-01-14")),
    ("gpt-transcribe", None),
    ("gpt-4o-transcribe", Some("2027-02-26")),
    ("gpt-4o-mini-transcribe", Some("2027-02-26")),
    ("gpt-4o-transcribe-diarize", Some("2027-02-26")),
    ("whisper-1", Some("2027-02-26")),
    ("gpt-4o-mini-tts", Some("2027-01-06")),
    ("tts-1", Some("2027-01-06")),
    ("tts-1-hd", Some("2027-01-06")),
];

/// Whether there is such a model: by its name, or by that with the date of one version of it.
pub(super) fn is_listed(model: &str) -> bool {
    LISTED
        .iter()
        .any(|(name, _)| match model.strip_prefix(name) {
            Some("") => true,
            Some(version) => version.strip_prefix('-').is_some_and(is_date),
            None => false,
        })
}

/// As `2025-12-15`.
fn is_date(text: &str) -> bool {
    let pattern = "dddd-dd-dd";
    let fits = |(c, wanted): (char, char)| match wanted {
        'd' => c.is_ascii_digit(),
        _ => c == wanted,
    };
    text.len() == pattern.len() && text.chars().zip(pattern.chars()).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_known_by_its_name_or_by_that_of_its_version() {
        for known in ["gpt-6-luna", "gpt-4o-mini-tts-2025-12-15", "whisper-1"] {
            assert!(is_listed(known), "{known}");
        }
        for unknown in [
            "",
            "gpt-4-32k",
            "gpt-4",
            "gpt-6",
            "gpt-6-luna-",
            "gpt-6-luna-latest",
            "gpt-4o-mini-tts-2025-12-155",
        ] {
            assert!(!is_listed(unknown), "{unknown}");
        }
    }
}
