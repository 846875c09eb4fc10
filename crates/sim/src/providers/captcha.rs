//! Captchas: the verifiers of Google, hCaptcha and Cloudflare. What a page's widget would give, a token, is made by `POST /sim/captcha`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use jiff::Timestamp;
use ringback_wire::Refusal;
use ringback_wire::captcha::{Kind, Question, Verdict};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::place::{HCAPTCHA, Place, Provider, RECAPTCHA, TURNSTILE};
use super::visit::{Refused, Visit, text};
use super::{Twin, answer};

/// The key of the widget whose tokens are made.
pub const SITE_KEY: &str = "sim-site-key";

/// Tokens that are known; of more, the oldest are forgotten.
const MOST: usize = 2000;
/// The largest form that is read, in bytes.
const MOST_BYTES: usize = 64 << 10;
/// How long a token is good: Google's and hCaptcha's, and Turnstile's.
const LIFE: Duration = Duration::from_secs(120);
const LIFE_TURNSTILE: Duration = Duration::from_secs(300);

/// What the vendors' documents name for tests.
const GOOGLE_SECRET: &str = "6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe";
const GOOGLE_HOST: &str = "testkey.google.com";
const HCAPTCHA_SECRET: &str = "0x0000000000000000000000000000000000000000";
const HCAPTCHA_TOKEN: &str = "10000000-aaaa-bbbb-cccc-000000000001";
const TURNSTILE_PASSES: &str = "1x0000000000000000000000000000000AA";
const TURNSTILE_FAILS: &str = "2x0000000000000000000000000000000AA";
const TURNSTILE_SPENT: &str = "3x0000000000000000000000000000000AA";
const TURNSTILE_TOKEN: &str = "XXXX.DUMMY.TOKEN.XXXX";

/// A captcha that somebody has solved.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Solved {
    /// Which one.
    #[serde(deserialize_with = "kind")]
    pub kind: Kind,
    /// The host of the page.
    #[serde(default = "here")]
    pub hostname: String,
    /// What the page said that it is for.
    pub action: Option<String>,
    /// How human it looked, for reCAPTCHA v3.
    #[serde(default = "human")]
    pub score: f32,
    /// How long ago, in seconds.
    #[serde(default)]
    pub age_s: u64,
    /// The key of the widget.
    #[serde(default = "site_key")]
    pub site_key: String,
}

impl Solved {
    /// Just now, on a page of this machine, by a person.
    #[must_use]
    pub fn now(kind: Kind, action: &str) -> Self {
        Self {
            kind,
            hostname: here(),
            action: Some(action.to_owned()),
            score: human(),
            age_s: 0,
            site_key: site_key(),
        }
    }
}

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
    let name = String::deserialize(deserializer)?;
    let known = Kind::ALL.map(Kind::name).join(", ");
    Kind::named(&name).ok_or_else(|| de::Error::custom(format!("kind must be one of {known}")))
}

fn here() -> String {
    "localhost".to_owned()
}

fn human() -> f32 {
    0.9
}

fn site_key() -> String {
    SITE_KEY.to_owned()
}

/// The tokens that were made.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<VecDeque<Token>>);

#[derive(Debug)]
struct Token {
    text: String,
    solved: Solved,
    made: Instant,
    /// It was shown; with this key, if with one.
    shown: Option<Option<String>>,
}

impl Tokens {
    /// What a widget gives its page.
    pub(super) fn make(&self, solved: Solved) -> String {
        let text = format!("sim-{}", Uuid::now_v7().simple());
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() == MOST {
            tokens.pop_front();
        }
        tokens.push_back(Token {
            text: text.clone(),
            solved,
            made: Instant::now(),
            shown: None,
        });
        text
    }

    /// What a verifier of these captchas says to a question.
    fn judge(&self, place: Place, question: &Question) -> Result<Verdict, &'static str> {
        let spent = if place == HCAPTCHA {
            "invalid-or-already-seen-response"
        } else {
            "timeout-or-duplicate"
        };
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let token = tokens
            .iter_mut()
            .find(|token| token.text == question.response && of(token.solved.kind) == place);
        let token = token.ok_or("invalid-input-response")?;
        let (solved, life) = (&token.solved, life(token.solved.kind));
        let other_key = |key: &String| *key != solved.site_key;
        if question.site_key.as_ref().is_some_and(other_key) {
            return Err("sitekey-secret-mismatch");
        }
        let again = token.shown.as_ref();
        let is_retry =
            |shown: &Option<String>| shown.is_some() && *shown == question.idempotency_key;
        if again.is_some_and(|shown| !is_retry(shown)) {
            return Err(spent);
        }
        token.shown = Some(question.idempotency_key.clone());
        let age = token.made.elapsed() + Duration::from_secs(solved.age_s);
        if age > life {
            return Err(spent);
        }
        let action = solved.action.clone();
        Ok(Verdict {
            success: true,
            challenge_ts: Some((Timestamp::now() - age).to_string()),
            hostname: Some(solved.hostname.clone()),
            score: (solved.kind == Kind::RecaptchaV3).then_some(solved.score),
            action: match solved.kind {
                Kind::RecaptchaV3 | Kind::Turnstile => action,
                Kind::RecaptchaV2 | Kind::HCaptcha => None,
            },
            error_codes: Vec::new(),
        })
    }
}

/// The endpoint that knows a captcha's tokens.
const fn of(kind: Kind) -> Place {
    match kind {
        Kind::RecaptchaV2 | Kind::RecaptchaV3 => RECAPTCHA,
        Kind::HCaptcha => HCAPTCHA,
        Kind::Turnstile => TURNSTILE,
    }
}

const fn life(kind: Kind) -> Duration {
    match kind {
        Kind::RecaptchaV2 | Kind::RecaptchaV3 | Kind::HCaptcha => LIFE,
        Kind::Turnstile => LIFE_TURNSTILE,
    }
}

pub(super) fn routes() -> Router<Arc<Twin>> {
    Router::new()
        .route(
            Kind::RecaptchaV3.path(),
            post(async |State(twin), request| verify(twin, Kind::RecaptchaV3, request).await),
        )
        .route(
            Kind::HCaptcha.path(),
            post(async |State(twin), request| verify(twin, Kind::HCaptcha, request).await),
        )
        .route(
            Kind::Turnstile.path(),
            post(async |State(twin), request| verify(twin, Kind::Turnstile, request).await),
        )
}

async fn verify(twin: Arc<Twin>, kind: Kind, request: Request) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    let place = of(kind);
    let visit = Visit::admit(&twin, place, &parts).await?;
    let bytes = to_bytes(body, MOST_BYTES).await;
    let bytes = bytes.map_err(|error| visit.bad(error))?;
    let form = String::from_utf8_lossy(&bytes);
    visit.entry.received(&shown(&form));
    let judged = match question(&parts.headers, &form, kind) {
        Ok(question) => judge(&twin, place, &question),
        Err(code) => Err(code),
    };
    match judged {
        Ok(verdict) => Ok(answer::json(visit, verdict.to_text())),
        Err(code) => Err(visit.refuse_with(200, failure(code))),
    }
}

/// The form, or the code of what is wrong with it. A body of another type is as one without fields.
fn question(headers: &HeaderMap, form: &str, kind: Kind) -> Result<Question, &'static str> {
    let content = text(headers, "content-type").unwrap_or_default();
    if !content.starts_with("application/x-www-form-urlencoded") {
        return Err("missing-input-secret");
    }
    Question::parse(form, kind).map_err(|refusal| match refusal {
        Refusal::Missing { field: "secret" } => "missing-input-secret",
        Refusal::Missing { field: "response" } => "missing-input-response",
        Refusal::Value {
            field: "secret", ..
        } => "invalid-input-secret",
        Refusal::Value {
            field: "response", ..
        } => "invalid-input-response",
        Refusal::Missing { .. }
        | Refusal::Value { .. }
        | Refusal::Json { .. }
        | Refusal::Shape { .. }
        | Refusal::Unknown { .. }
        | Refusal::Doubled { .. }
        | Refusal::Changed { .. }
        | Refusal::Together { .. }
        | Refusal::TooManyContexts { .. } => "bad-request",
    })
}

fn judge(twin: &Twin, place: Place, question: &Question) -> Result<Verdict, &'static str> {
    if let Some(verdict) = of_the_documents(place, question) {
        return verdict;
    }
    if !twin.accepts(Provider::Captcha, Some(&question.secret)) {
        return Err("invalid-input-secret");
    }
    twin.captchas.judge(place, question)
}

/// What the secrets that the vendors print for tests come to.
fn of_the_documents(place: Place, question: &Question) -> Option<Result<Verdict, &'static str>> {
    let passed = |hostname: &str| {
        Ok(Verdict {
            success: true,
            challenge_ts: Some(Timestamp::now().to_string()),
            hostname: Some(hostname.to_owned()),
            ..Verdict::default()
        })
    };
    let verdict = match (place, &*question.secret) {
        (RECAPTCHA, GOOGLE_SECRET) => passed(GOOGLE_HOST),
        (HCAPTCHA, HCAPTCHA_SECRET) if question.response == HCAPTCHA_TOKEN => passed(&here()),
        (HCAPTCHA, HCAPTCHA_SECRET) => Err("not-using-dummy-passcode"),
        (TURNSTILE, TURNSTILE_PASSES | TURNSTILE_FAILS | TURNSTILE_SPENT)
            if question.response != TURNSTILE_TOKEN =>
        {
            Err("invalid-input-response")
        }
        (TURNSTILE, TURNSTILE_PASSES) => passed(&here()),
        (TURNSTILE, TURNSTILE_FAILS) => Err("invalid-input-response"),
        (TURNSTILE, TURNSTILE_SPENT) => Err("timeout-or-duplicate"),
        _ => return None,
    };
    Some(verdict)
}

pub(super) fn failure(code: &str) -> String {
    let verdict = Verdict {
        error_codes: vec![code.to_owned()],
        ..Verdict::default()
    };
    verdict.to_text()
}

/// The form as the record of requests shows it.
fn shown(form: &str) -> String {
    let pairs = url::form_urlencoded::parse(form.as_bytes()).into_owned();
    let fields: Map<String, Value> = pairs.map(|(name, text)| (name, text.into())).collect();
    Value::Object(fields).to_string()
}
