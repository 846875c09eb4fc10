//! Captchas of others: whether somebody who registers or signs in solved one, by the word of its verifier.
//!
//! Where the verifier cannot be asked nobody gets in: a captcha that is off when it is needed is none.

use std::fmt;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response};
use ringback_session::provider::web_client;
use ringback_store::Quota;
use ringback_wire::captcha::{Demands, Kind, MAX_TOKEN, Objection, Question, Verdict};
use serde::Serialize;
use tokio::time::Instant;
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::client::ClientAddress;
use crate::config::ConfigError;
use crate::config::captcha::CaptchaConfig;
use crate::rates::Gate;

/// What pages say that the captcha is for.
pub const ACTION: &str = "sign_in";

/// How long a verifier may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// The most that is read of an answer, in bytes.
const MOST: usize = 64 << 10;
/// Longer than any token is good: once in that time it is taken.
const ONCE: Quota = Quota {
    uses: 1,
    period: 600_000_000,
};

/// What a page needs for the widget.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CaptchaKey, example = json!({"captcha_key": "6Lx-made-up", "provider": "recaptcha", "version": "v3", "action": "sign_in"}))]
pub struct Shown {
    /// The widget's key.
    pub captcha_key: Option<String>,
    /// `recaptcha`, `hcaptcha` or `turnstile`.
    pub provider: Option<&'static str>,
    /// `v2` or `v3`, of reCAPTCHA.
    pub version: Option<&'static str>,
    /// What it is for, as the widget is to be told.
    pub action: Option<&'static str>,
}

/// Why nobody is let in.
#[derive(Clone, Debug, PartialEq)]
pub enum Unproven {
    /// There is no token.
    Missing,
    /// The token is not taken.
    Refused(Objection),
    /// The verifier cannot be asked, or does not take our request: in one line, without a secret.
    Unchecked(String),
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no token"),
            Self::Refused(objection) => objection.fmt(f),
            Self::Unchecked(why) => f.write_str(why),
        }
    }
}

/// The captcha, or none.
#[derive(Debug, Default)]
pub struct Captcha(Option<Verifier>);

#[derive(Debug)]
struct Verifier {
    settings: CaptchaConfig,
    url: Url,
    client: Client,
    began: Instant,
    taken: Gate,
}

impl Captcha {
    /// By these settings; the verifier is asked through `proxy`, if there is one.
    ///
    /// # Errors
    /// The proxy's address cannot be used, or TLS cannot be set up.
    pub fn new(settings: Option<&CaptchaConfig>, proxy: Option<&str>) -> Result<Self, ConfigError> {
        let Some(settings) = settings else {
            return Ok(Self(None));
        };
        let unusable = |why: String| ConfigError(format!("{} {why}", settings.kind.name()));
        let url = settings.url.join(settings.kind.path());
        Ok(Self(Some(Verifier {
            url: url.map_err(|error| unusable(error.to_string()))?,
            settings: settings.clone(),
            client: web_client(proxy).map_err(unusable)?,
            began: Instant::now(),
            taken: Gate::default(),
        })))
    }

    /// What a page needs to show it; without one there is nothing.
    pub fn shown(&self) -> Shown {
        let settings = self.0.as_ref().map(|verifier| &verifier.settings);
        Shown {
            captcha_key: settings.map(|settings| settings.site_key.clone()),
            provider: settings.map(|settings| settings.kind.provider()),
            version: settings.and_then(|settings| settings.kind.version()),
            action: settings.map(|_| ACTION),
        }
    }

    /// Whether somebody at this address solved the captcha, by the token that their page got for it. Without a captcha everybody did.
    ///
    /// # Errors
    /// Why not.
    pub async fn check(
        &self,
        token: Option<&str>,
        client: Option<ClientAddress>,
    ) -> Result<(), Unproven> {
        let Some(verifier) = &self.0 else {
            return Ok(());
        };
        let checked = verifier.check(token.unwrap_or_default(), client).await;
        let provider = verifier.settings.kind.provider();
        match &checked {
            Ok(()) | Err(Unproven::Missing) => {}
            Err(refused @ Unproven::Refused(_)) => {
                tracing::info!(provider, why = %refused, "a captcha was not passed");
            }
            Err(unchecked @ Unproven::Unchecked(_)) => {
                tracing::error!("Error: captcha: {unchecked}");
            }
        }
        checked
    }

    /// Whether the verifier is there and takes our secret, by a token that cannot be good. `None` without a captcha.
    ///
    /// # Errors
    /// What is wrong, in one line.
    pub async fn prove(&self) -> Option<Result<(), Unproven>> {
        let verifier = self.0.as_ref()?;
        let proven = match verifier.ask("ringback-check", None).await {
            Err(unchecked) => Err(unchecked),
            Ok(verdict) => match verdict.judge(&verifier.demands()) {
                Err(objection) => verifier.blamed(objection).map_or(Ok(()), Err),
                Ok(()) => Ok(()),
            },
        };
        Some(proven)
    }
}

impl Verifier {
    async fn check(&self, token: &str, client: Option<ClientAddress>) -> Result<(), Unproven> {
        if token.is_empty() {
            return Err(Unproven::Missing);
        }
        if token.len() > MAX_TOKEN {
            let why = format!("it has more than {MAX_TOKEN} bytes");
            return Err(Unproven::Refused(Objection::Refused(why)));
        }
        let verdict = self.ask(token, client).await?;
        if let Err(objection) = verdict.judge(&self.demands()) {
            let blamed = self.blamed(objection.clone());
            return Err(blamed.unwrap_or(Unproven::Refused(objection)));
        }
        // A verifier that takes a token twice would let a page be solved once for many.
        let now = i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX);
        match self.taken.take(token, ONCE, now).allowed {
            true => Ok(()),
            false => Err(Unproven::Refused(Objection::Spent)),
        }
    }

    fn demands(&self) -> Demands<'_> {
        Demands {
            kind: self.settings.kind,
            action: ACTION,
            min_score: self.settings.min_score,
            hostnames: &self.settings.hostnames,
        }
    }

    /// What is no fault of who brings the token.
    fn blamed(&self, objection: Objection) -> Option<Unproven> {
        let name = self.settings.kind.provider();
        match objection {
            Objection::Ours(_) | Objection::Failed(_) => {
                Some(Unproven::Unchecked(format!("{name}: {objection}")))
            }
            Objection::Spent
            | Objection::Refused(_)
            | Objection::Score(_)
            | Objection::Action(_)
            | Objection::Hostname(_) => None,
        }
    }

    async fn ask(&self, token: &str, client: Option<ClientAddress>) -> Result<Verdict, Unproven> {
        let settings = &self.settings;
        let may_repeat = settings.kind == Kind::Turnstile;
        let question = Question {
            secret: settings.secret.expose().to_owned(),
            response: token.to_owned(),
            remote_ip: client.map(|client| client.0).filter(|ip| !ip.is_loopback()),
            site_key: (settings.kind == Kind::HCaptcha).then(|| settings.site_key.clone()),
            idempotency_key: may_repeat.then(|| Uuid::now_v7().to_string()),
        };
        let form = question.to_form();
        let until = Instant::now() + PATIENCE;
        let first = self.answer(&form, until).await;
        let failed = match &first {
            Err(_) => true,
            Ok(verdict) => matches!(verdict.judge(&self.demands()), Err(Objection::Failed(_))),
        };
        if failed && may_repeat && Instant::now() < until {
            return self.answer(&form, until).await;
        }
        first
    }

    async fn answer(&self, form: &str, until: Instant) -> Result<Verdict, Unproven> {
        let name = self.settings.kind.provider();
        let told = |what: String| Unproven::Unchecked(format!("{name} {what}"));
        let content = HeaderValue::from_static("application/x-www-form-urlencoded");
        let request = self.client.post(self.url.clone());
        let request = request.header(CONTENT_TYPE, content).body(form.to_owned());
        let asked = tokio::time::timeout_at(until, async {
            let response = request.send().await.map_err(|error| {
                let what = if error.is_connect() {
                    "could not be connected to"
                } else {
                    "did not answer"
                };
                what.to_owned()
            })?;
            let status = response.status();
            let body = read(response).await?;
            match (status.is_success(), Verdict::parse(&body)) {
                (true, Ok(verdict)) => Ok(verdict),
                (true, Err(garbled)) => Err(format!("answered what is no verdict: {garbled}")),
                (false, _) => Err(format!("answered {}", status.as_u16())),
            }
        });
        let late = |_| format!("did not answer within {} s", PATIENCE.as_secs());
        asked.await.map_err(late).flatten().map_err(told)
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= MOST => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err("answered without end".to_owned()),
            Ok(None) => return Ok(body),
            Err(_) => return Err("broke off its answer".to_owned()),
        }
    }
}
