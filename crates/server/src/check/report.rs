//! What came of the checks: a table for people, JSON for programs.

use std::time::Duration;

use ringback_call::FaultKind;
use ringback_session::check::{Check, Checked, Trouble};
use ringback_session::provider::{Blame, Provider};
use serde::Serialize;

use super::advice::advice;
use crate::config::{Config, LOCAL_STT, TwilioConfig};

/// All that was checked.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether all that calls rely on works.
    pub works: bool,
    /// In the order in which calls would try them.
    pub checks: Vec<Row>,
}

/// What came of one check.
#[derive(Debug, Serialize)]
pub struct Row {
    /// `stt`, `responder`, `tts`, `carrier`, `captcha` or `database`.
    pub role: &'static str,
    /// The engine's name.
    pub engine: &'static str,
    /// The model that was asked for.
    pub model: String,
    /// The voice.
    pub voice: Option<String>,
    /// The language.
    pub language: String,
    /// The scenarios that want it so; empty where the server's own settings do.
    pub scenarios: Vec<String>,
    /// Whether it works; `None` where nothing was asked, or nothing depends on it.
    pub works: Option<bool>,
    /// `ok` or `refused`; `None` where it is not known, or there is none.
    pub key: Option<&'static str>,
    /// `ok` or `exceeded`.
    pub quota: Option<&'static str>,
    /// Of the model and the voice: `ok`, `unknown` or `voice unknown`.
    pub known: Option<&'static str>,
    /// To the first word, sound or message, connecting included.
    pub first_ms: Option<u64>,
    /// To the end.
    pub total_ms: Option<u64>,
    /// What went wrong, or what there is to say.
    pub detail: String,
    /// What to do.
    pub advice: String,
}

impl Report {
    pub(super) fn of(checked: Vec<Checked>, config: &Config, twilio: bool) -> Self {
        // Without it a provider hears all the same, and nobody asked for it by name.
        let spare = |check: &Check| {
            let names = &config.engines.stt.names;
            check.engine == LOCAL_STT
                && check.scenarios.is_empty()
                && !config.engines.stt.named
                && names.iter().any(|name| name != LOCAL_STT)
        };
        let proxied = config.engines.proxy.is_some();
        let rows = checked.into_iter().map(|checked| {
            let is_spare = spare(&checked.check);
            let row = Row::of(checked, proxied);
            Row {
                works: row.works.filter(|works| *works || !is_spare),
                ..row
            }
        });
        let mut rows: Vec<Row> = rows.collect();
        if twilio {
            rows.push(Row::of_twilio(&config.twilio));
        }
        Self {
            works: rows.iter().all(|row| row.works != Some(false)),
            checks: rows,
        }
    }

    /// With one more, perhaps.
    pub(super) fn with(mut self, row: Option<Row>) -> Self {
        self.works &= row.as_ref().is_none_or(|row| row.works != Some(false));
        self.checks.extend(row);
        self
    }

    /// A table with a line for each.
    pub fn to_text(&self) -> String {
        let heads = [
            "ROLE",
            "ENGINE",
            "ASKED FOR",
            "KEY",
            "QUOTA",
            "MODEL",
            "FIRST",
            "TOTAL",
            "RESULT",
        ];
        let mut lines = vec![heads.map(str::to_owned)];
        lines.extend(self.checks.iter().map(Row::cells));
        let widths: [usize; 9] = std::array::from_fn(|column| {
            let cells = lines.iter().map(|cells| cells[column].chars().count());
            cells.max().unwrap_or(0)
        });
        let lines = lines.iter().map(|cells| {
            let mut line = String::new();
            for (cell, width) in cells.iter().zip(widths) {
                line.push_str(&format!("{cell:width$}  "));
            }
            line.trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// An object with `works` and the list `checks`.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_else(|error| error.to_string())
    }
}

impl Row {
    fn of(checked: Checked, proxied: bool) -> Self {
        let Checked {
            check,
            result,
            first,
            total,
        } = checked;
        let cloud = Provider::of_name(check.engine).is_some();
        let [key, quota, known] = findings(result.as_ref().err(), cloud);
        let (detail, advice) = match &result {
            Ok(()) => ("works".to_owned(), String::new()),
            Err(trouble) => (trouble.detail.clone(), advice(&check, trouble, proxied)),
        };
        Self {
            role: check.role,
            engine: check.engine,
            model: check.model,
            voice: check.voice,
            language: check.language,
            scenarios: check.scenarios,
            works: Some(result.is_ok()),
            key,
            quota,
            known,
            first_ms: first.map(ms),
            total_ms: Some(ms(total)),
            detail,
            advice,
        }
    }

    /// Twilio is not asked: whether its credentials are there.
    fn of_twilio(twilio: &TwilioConfig) -> Self {
        let set = (twilio.account_sid.is_some(), twilio.auth_token.is_some());
        let (detail, advice) = match set {
            (true, true) => (
                "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are set; not asked",
                "",
            ),
            (false, true) => ("TWILIO_AUTH_TOKEN is set; not asked", ""),
            (true, false) => (
                "TWILIO_ACCOUNT_SID is set, TWILIO_AUTH_TOKEN is not: only local callers are accepted",
                "set TWILIO_AUTH_TOKEN",
            ),
            (false, false) => (
                "not set up: only local callers are accepted",
                "set TWILIO_AUTH_TOKEN for calls by Twilio",
            ),
        };
        Self {
            role: "carrier",
            engine: "twilio",
            model: String::new(),
            voice: None,
            language: String::new(),
            scenarios: Vec::new(),
            works: None,
            key: None,
            quota: None,
            known: None,
            first_ms: None,
            total_ms: None,
            detail: detail.to_owned(),
            advice: advice.to_owned(),
        }
    }

    fn cells(&self) -> [String; 9] {
        let mut asked: Vec<&str> = vec![
            &self.model,
            self.voice.as_deref().unwrap_or_default(),
            &self.language,
        ];
        asked.retain(|part| !part.is_empty());
        let mut asked = asked.join(" ");
        if !self.scenarios.is_empty() {
            asked = format!("{asked} ({})", self.scenarios.join(", "));
        }
        let word = |word: Option<&str>| word.unwrap_or("-").to_owned();
        let time = |ms: Option<u64>| ms.map_or("-".to_owned(), |ms| format!("{ms} ms"));
        let mut result = self.detail.clone();
        if !self.advice.is_empty() {
            result = format!("{}; {}", result.trim_end_matches('.'), self.advice);
        }
        let result = match self.works {
            Some(false) => format!("FAILS: {result}"),
            Some(true) | None => result,
        };
        [
            self.role.to_owned(),
            self.engine.to_owned(),
            word(Some(asked.as_str()).filter(|asked| !asked.is_empty())),
            word(self.key),
            word(self.quota),
            word(self.known),
            time(self.first_ms),
            time(self.total_ms),
            result,
        ]
    }
}

/// What is known of key, quota and model.
fn findings(trouble: Option<&Trouble>, cloud: bool) -> [Option<&'static str>; 3] {
    const OK: Option<&str> = Some("ok");
    let Some(trouble) = trouble else {
        return [OK.filter(|_| cloud), OK.filter(|_| cloud), OK];
    };
    match trouble.blame {
        Some(Blame::Key) => [Some("refused"), None, None],
        Some(Blame::Quota) => [OK, Some("exceeded"), None],
        Some(Blame::Rate) => [OK, Some("rate exceeded"), None],
        Some(Blame::Model) => [OK, None, Some("unknown")],
        Some(Blame::Voice) => [OK, None, Some("voice unknown")],
        Some(Blame::Address) => [None; 3],
        None if trouble.kind == FaultKind::Refused => [OK.filter(|_| cloud), None, None],
        None => [None; 3],
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
