//! The captcha that who registers or signs in must have solved.

use axum::http::HeaderValue;
use ringback_wire::captcha::Kind;
use url::Url;

use super::browsers::Origins;
use super::read::{self, Reader};
use super::{ConfigError, HttpConfig, Secret, providers};

/// A captcha that is set up.
#[derive(Clone, Debug)]
pub struct CaptchaConfig {
    /// `CAPTCHA_PROVIDER`: which one.
    pub kind: Kind,
    /// `RECAPTCHA_SITE_KEY`: what pages make the widget with.
    pub site_key: String,
    /// `RECAPTCHA_SECRET`: what the verifier is asked with.
    pub secret: Secret,
    /// `CAPTCHA_MIN_SCORE`: the least score, for reCAPTCHA v3.
    pub min_score: f32,
    /// `CAPTCHA_URL`: where the verifier is.
    pub url: Url,
    /// `CAPTCHA_HOSTNAMES`: hosts of pages on which it may be solved; empty for any.
    pub hostnames: Vec<String>,
}

pub(super) fn captcha(
    reader: &Reader<'_>,
    http: &HttpConfig,
) -> Result<Option<CaptchaConfig>, ConfigError> {
    let kind = reader.value("CAPTCHA_PROVIDER", provider)?;
    let site_key = reader.value("RECAPTCHA_SITE_KEY", |text| match text {
        "" => Ok(None),
        text if text.chars().all(|c| c.is_ascii_graphic()) => Ok(Some(text.to_owned())),
        _ => Err("has spaces or characters that no key has: copy it again".to_owned()),
    })?;
    let secret = reader.key("RECAPTCHA_SECRET")?;
    let min_score = reader.value("CAPTCHA_MIN_SCORE", score)?;
    let url = reader.value("CAPTCHA_URL", |text| match text {
        "" => Ok(None),
        text => providers::origin(text).map(Some),
    })?;
    let hostnames = reader.value("CAPTCHA_HOSTNAMES", |text| hostnames(text, http))?;
    let kind = match kind {
        Provider::Off => return Ok(None),
        Provider::ByKeys if site_key.is_none() && secret.is_none() => return Ok(None),
        Provider::ByKeys => Kind::RecaptchaV3,
        Provider::Named(kind) => kind,
    };
    let wanted = |name: &str| {
        let kind = kind.name();
        ConfigError(format!(
            "{name} is not set: the captcha {kind} wants RECAPTCHA_SITE_KEY and RECAPTCHA_SECRET, whosever it is; or set CAPTCHA_PROVIDER=off"
        ))
    };
    let vendor = Url::parse(kind.url()).map_err(|error| ConfigError(error.to_string()))?;
    Ok(Some(CaptchaConfig {
        kind,
        site_key: site_key.ok_or_else(|| wanted("RECAPTCHA_SITE_KEY"))?,
        secret: secret.ok_or_else(|| wanted("RECAPTCHA_SECRET"))?,
        min_score,
        url: url.unwrap_or(vendor),
        hostnames,
    }))
}

enum Provider {
    ByKeys,
    Off,
    Named(Kind),
}

fn provider(text: &str) -> Result<Provider, String> {
    match text.to_ascii_lowercase().as_str() {
        "auto" => Ok(Provider::ByKeys),
        "off" => Ok(Provider::Off),
        name => Kind::named(name).map(Provider::Named).ok_or_else(|| {
            let known = Kind::ALL.map(Kind::name).join(", ");
            format!("write {known}, off or auto")
        }),
    }
}

fn score(text: &str) -> Result<f32, String> {
    let score = text.trim().parse::<f32>().ok();
    let score = score.filter(|score| (0.0..=1.0).contains(score));
    score.ok_or_else(|| "write a number from 0 to 1".to_owned())
}

/// `auto` is the host of `PUBLIC_URL` and those of `CORS_ORIGINS`, or any where there is no `PUBLIC_URL`.
fn hostnames(text: &str, http: &HttpConfig) -> Result<Vec<String>, String> {
    match text.to_ascii_lowercase().as_str() {
        "any" => return Ok(Vec::new()),
        "auto" => {}
        text => {
            let hosts = read::list(text);
            let odd = hosts.iter().find(|host| {
                let plain =
                    |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
                !host.chars().all(plain)
            });
            return match odd {
                Some(odd) => Err(format!("`{odd}` is no host: write it like app.example.org")),
                None => Ok(hosts),
            };
        }
    }
    let Some(base) = &http.public_url else {
        return Ok(Vec::new());
    };
    let host = |url: &str| Some(Url::parse(url).ok()?.host_str()?.to_owned());
    let others: &[HeaderValue] = match &http.origins {
        Origins::Any => return Ok(Vec::new()),
        Origins::These(origins) => origins,
    };
    let others = others.iter().filter_map(|origin| origin.to_str().ok());
    let own = base.to_string();
    let hosts = [&*own].into_iter().chain(others).filter_map(host);
    Ok(hosts.collect())
}
