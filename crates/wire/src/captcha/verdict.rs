//! What a verifier answers, and what that is worth.

use std::fmt;

use serde_json::{Map, Value};

use super::Kind;
use crate::Garbled;
use crate::short_text::short;

/// More codes than that say nothing.
const MOST_CODES: usize = 16;

/// An answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// The token is genuine, new, and of this site.
    pub success: bool,
    /// When the captcha was solved (RFC 3339).
    pub challenge_ts: Option<String>,
    /// The host of the page.
    pub hostname: Option<String>,
    /// reCAPTCHA v3: 0 for a machine, 1 for a person. hCaptcha's is not read: there more is worse.
    pub score: Option<f32>,
    /// reCAPTCHA v3 and Turnstile: what the page said that it is for.
    pub action: Option<String>,
    /// What is wrong; an open list.
    pub error_codes: Vec<String>,
}

/// What an answer must say.
#[derive(Debug, Clone, Copy)]
pub struct Demands<'a> {
    /// Of which captcha.
    pub kind: Kind,
    /// What the page was told that it is for.
    pub action: &'a str,
    /// The least score.
    pub min_score: f32,
    /// Hosts of which the page may be; empty for any.
    pub hostnames: &'a [String],
}

/// Why a token is not taken.
#[derive(Debug, Clone, PartialEq)]
pub enum Objection {
    /// The fault is ours: a secret, a key, the form. The verifier's code.
    Ours(String),
    /// The verifier failed: it may be asked again. Its code.
    Failed(String),
    /// It is too old, or was shown before.
    Spent,
    /// It is not genuine, or of another site. The verifier's code, empty where it gave none.
    Refused(String),
    /// The score is lower than it may be; `None` where there is none.
    Score(Option<f32>),
    /// It was made for something else.
    Action(String),
    /// It was made on a page of another host.
    Hostname(String),
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours(code) => write!(f, "the verifier does not take our request: {code}"),
            Self::Failed(code) => write!(f, "the verifier failed: {code}"),
            Self::Spent => f.write_str("the token is too old or was used before"),
            Self::Refused(code) if code.is_empty() => f.write_str("the token is not good"),
            Self::Refused(code) => write!(f, "the token is not good: {code}"),
            Self::Score(Some(score)) => write!(f, "the score {score} is too low"),
            Self::Score(None) => f.write_str("there is no score: is the key one of reCAPTCHA v3?"),
            Self::Action(action) => write!(f, "the token was made for another action: {action}"),
            Self::Hostname(host) => write!(f, "the token was made on another host: {host}"),
        }
    }
}

impl Verdict {
    /// Reads an answer. What is not known or has an odd type is passed over, except `success`.
    ///
    /// # Errors
    /// It is no JSON, or does not say whether it is a success.
    pub fn parse(body: &[u8]) -> Result<Self, Garbled> {
        const KIND: &str = "captcha";
        let map: Map<String, Value> =
            serde_json::from_slice(body).map_err(|error| Garbled::from_json(KIND, &error))?;
        let success = map.get("success").and_then(Value::as_bool);
        let text = |name| map.get(name).and_then(Value::as_str).map(short);
        let codes = map.get("error-codes").and_then(Value::as_array);
        let codes = codes.into_iter().flatten().filter_map(Value::as_str);
        #[allow(clippy::cast_possible_truncation, reason = "a score has few digits")]
        let score = map
            .get("score")
            .and_then(Value::as_f64)
            .map(|score| score as f32);
        Ok(Self {
            success: success.ok_or(Garbled::Missing {
                kind: KIND,
                field: "success",
            })?,
            challenge_ts: text("challenge_ts"),
            hostname: text("hostname"),
            score: score.filter(|score| (0.0..=1.0).contains(score)),
            action: text("action"),
            error_codes: codes.map(short).take(MOST_CODES).collect(),
        })
    }

    /// The answer as a verifier writes it: without what there is not.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut map = Map::new();
        map.insert("success".to_owned(), self.success.into());
        let texts = [
            ("challenge_ts", &self.challenge_ts),
            ("hostname", &self.hostname),
            ("action", &self.action),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                map.insert(name.to_owned(), text.as_str().into());
            }
        }
        if let Some(score) = self.score {
            // By its shortest text: as a double it would get digits that it never had.
            let shortest = score.to_string().parse::<f64>().unwrap_or_default();
            map.insert("score".to_owned(), shortest.into());
        }
        if !self.error_codes.is_empty() {
            map.insert("error-codes".to_owned(), self.error_codes.clone().into());
        }
        Value::Object(map).to_string()
    }

    /// Whether the token is taken.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, demands: &Demands<'_>) -> Result<(), Objection> {
        if !self.success {
            return Err(self.refusal());
        }
        let host = self.hostname.as_deref().unwrap_or_default();
        let known = |known: &String| known.eq_ignore_ascii_case(host);
        if !demands.hostnames.is_empty() && !demands.hostnames.iter().any(known) {
            return Err(Objection::Hostname(host.to_owned()));
        }
        let action = self.action.as_deref().unwrap_or_default();
        let other = || Err(Objection::Action(action.to_owned()));
        match demands.kind {
            Kind::RecaptchaV3 => match self.score {
                None => Err(Objection::Score(None)),
                Some(_) if action != demands.action => other(),
                Some(score) if score < demands.min_score => Err(Objection::Score(Some(score))),
                Some(_) => Ok(()),
            },
            // A page need not say what its widget is for.
            Kind::Turnstile if !action.is_empty() && action != demands.action => other(),
            Kind::Turnstile | Kind::RecaptchaV2 | Kind::HCaptcha => Ok(()),
        }
    }

    /// Of several codes the one that says most of whose fault it is.
    fn refusal(&self) -> Objection {
        let of = |codes: &[&str]| {
            let found = self
                .error_codes
                .iter()
                .find(|code| codes.contains(&&***code));
            found.cloned()
        };
        let ours = of(&[
            "missing-input-secret",
            "invalid-input-secret",
            "bad-request",
            "sitekey-secret-mismatch",
            "invalid-sitekey",
            "invalid-remoteip",
            "missing-remoteip",
            "not-using-dummy-secret",
        ]);
        let failed = of(&["internal-error"]);
        let spent = of(&[
            "timeout-or-duplicate",
            "invalid-or-already-seen-response",
            "already-seen-response",
            "expired-input-response",
        ]);
        match (ours, failed, spent) {
            (Some(code), _, _) => Objection::Ours(code),
            (None, Some(code), _) => Objection::Failed(code),
            (None, None, Some(_)) => Objection::Spent,
            (None, None, None) => {
                Objection::Refused(self.error_codes.first().cloned().unwrap_or_default())
            }
        }
    }
}
