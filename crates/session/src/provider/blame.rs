//! What has to be changed before a provider that said no will say yes.

/// What of the configuration, or of the account, a refusal is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The key: unknown, or not allowed to do this.
    Key,
    /// The account has no money or no allowance left.
    Quota,
    /// It is asked more at a time than the account may, or than it can bear at the moment.
    Rate,
    /// The model, or its language, is not to be had.
    Model,
    /// The voice is not to be had.
    Voice,
    /// There is a server at the address, but not the provider's routes.
    Address,
}

const QUOTA: [&str; 5] = ["quota", "credit", "payment", "billing", "balance"];
const KEY: [&str; 6] = [
    "api key",
    "api_key",
    "auth",
    "credential",
    "permission",
    "scope",
];

impl Blame {
    /// By the status of an answer, where it had one, and the provider's own words: its code, its message or both. Providers' lists
    /// of codes are open, and some use one status for several things (ElevenLabs 401 for an empty account), so words go first.
    pub(crate) fn of(status: Option<u16>, words: &str) -> Option<Self> {
        let words = words.to_ascii_lowercase();
        let has = |word: &&str| words.contains(word);
        let says_no = status.is_none_or(|status| (400..500).contains(&status));
        match status {
            Some(402) => Some(Self::Quota),
            _ if QUOTA.iter().any(&has) => Some(Self::Quota),
            Some(429) => Some(Self::Rate),
            Some(401) => Some(Self::Key),
            _ if says_no && has(&"voice") => Some(Self::Voice),
            _ if says_no && (has(&"model") || has(&"language")) => Some(Self::Model),
            Some(403) => Some(Self::Key),
            _ if says_no && KEY.iter().any(&has) => Some(Self::Key),
            Some(300..=399 | 404 | 405) => Some(Self::Address),
            Some(_) | None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_about_what_its_words_say_or_else_its_status() {
        for (status, words, expected) in [
            (Some(401), "Invalid credentials.", Some(Blame::Key)),
            (
                Some(401),
                "quota_exceeded: You have 0 credits remaining",
                Some(Blame::Quota),
            ),
            (
                Some(401),
                "missing_permissions: the permission voices_read",
                Some(Blame::Key),
            ),
            (Some(402), "ASR_PAYMENT_REQUIRED", Some(Blame::Quota)),
            (
                Some(429),
                "Too many requests for this model",
                Some(Blame::Rate),
            ),
            (
                Some(429),
                "too_many_concurrent_requests: your voices are busy",
                Some(Blame::Rate),
            ),
            (Some(429), "insufficient_quota", Some(Blame::Quota)),
            (
                Some(400),
                "No such model/language/tier combination found.",
                Some(Blame::Model),
            ),
            (Some(403), "no access to the model", Some(Blame::Model)),
            (Some(403), "", Some(Blame::Key)),
            (
                Some(404),
                "A voice with voice_id 'x' was not found.",
                Some(Blame::Voice),
            ),
            (
                Some(404),
                "there is nothing at this path",
                Some(Blame::Address),
            ),
            (Some(301), "", Some(Blame::Address)),
            (Some(503), "the model is overloaded", None),
            (None, "invalid_api_key: Invalid API key", Some(Blame::Key)),
            (None, "the text is too long", None),
        ] {
            assert_eq!(Blame::of(status, words), expected, "{status:?} {words}");
        }
    }
}
