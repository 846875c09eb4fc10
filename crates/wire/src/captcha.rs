//! Captchas: how the verifiers of Google, hCaptcha and Cloudflare are asked, what they answer, and what that is worth.
//!
//! All take a form with a secret and the token that a page got from the widget, and answer 200 with JSON whatever it is worth.
//! A token is good once and for minutes.

mod question;
mod verdict;

pub use question::Question;
pub use verdict::{Demands, Objection, Verdict};

/// The longest token that is sent, in bytes.
pub const MAX_TOKEN: usize = 4096;

/// Which captcha.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Google's with a box to tick.
    RecaptchaV2,
    /// Google's that gives a score.
    RecaptchaV3,
    /// hCaptcha.
    HCaptcha,
    /// Cloudflare's Turnstile.
    Turnstile,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::RecaptchaV2,
        Self::RecaptchaV3,
        Self::HCaptcha,
        Self::Turnstile,
    ];

    /// Its name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RecaptchaV2 => "recaptcha-v2",
            Self::RecaptchaV3 => "recaptcha-v3",
            Self::HCaptcha => "hcaptcha",
            Self::Turnstile => "turnstile",
        }
    }

    /// The captcha of this name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let named = |kind: &Self| kind.name().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(named)
    }

    /// Whose it is.
    #[must_use]
    pub const fn provider(self) -> &'static str {
        match self {
            Self::RecaptchaV2 | Self::RecaptchaV3 => "recaptcha",
            Self::HCaptcha => "hcaptcha",
            Self::Turnstile => "turnstile",
        }
    }

    /// Which of its versions, where there are several.
    #[must_use]
    pub const fn version(self) -> Option<&'static str> {
        match self {
            Self::RecaptchaV2 => Some("v2"),
            Self::RecaptchaV3 => Some("v3"),
            Self::HCaptcha | Self::Turnstile => None,
        }
    }

    /// Scheme and host of the verifier.
    #[must_use]
    pub const fn url(self) -> &'static str {
        match self {
            Self::RecaptchaV2 | Self::RecaptchaV3 => "https://www.google.com",
            Self::HCaptcha => "https://api.hcaptcha.com",
            Self::Turnstile => "https://challenges.cloudflare.com",
        }
    }

    /// The path that is posted to.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::RecaptchaV2 | Self::RecaptchaV3 => "/recaptcha/api/siteverify",
            Self::HCaptcha => "/siteverify",
            Self::Turnstile => "/turnstile/v0/siteverify",
        }
    }
}
