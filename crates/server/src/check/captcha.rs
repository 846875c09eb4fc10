//! Whether the captcha's verifier is there and takes our secret.

use std::time::{Duration, Instant};

use super::report::Row;
use crate::captcha::{Captcha, Unproven};
use crate::config::{Config, ConfigError};

/// Asks the verifier about a token that cannot be good: costs nothing. `None` without a captcha.
pub(super) async fn check(config: &Config, patience: Duration) -> Result<Option<Row>, ConfigError> {
    let Some(settings) = &config.captcha else {
        return Ok(None);
    };
    let captcha = Captcha::new(Some(settings), config.engines.proxy.as_deref())?;
    let begun = Instant::now();
    let late = || Unproven::Unchecked(format!("no answer within {} s", patience.as_secs_f64()));
    let proven = match tokio::time::timeout(patience, captcha.prove()).await {
        Ok(None) => return Ok(None),
        Ok(Some(proven)) => proven,
        Err(_) => Err(late()),
    };
    let why = proven.as_ref().err().map(ToString::to_string);
    let refused = why
        .as_ref()
        .is_some_and(|why| why.contains("does not take our request"));
    let advice = match (&why, refused) {
        (None, _) => "",
        (Some(_), true) => "set RECAPTCHA_SITE_KEY and RECAPTCHA_SECRET to those of this captcha",
        (Some(_), false) => "check CAPTCHA_URL and the network, or try again",
    };
    Ok(Some(Row {
        role: "captcha",
        engine: settings.kind.name(),
        model: String::new(),
        voice: None,
        language: String::new(),
        scenarios: Vec::new(),
        works: Some(why.is_none()),
        key: match (&why, refused) {
            (None, _) => Some("ok"),
            (Some(_), true) => Some("refused"),
            (Some(_), false) => None,
        },
        quota: None,
        known: None,
        first_ms: None,
        total_ms: u64::try_from(begun.elapsed().as_millis()).ok(),
        detail: why.unwrap_or_else(|| "works".to_owned()),
        advice: advice.to_owned(),
    }))
}
