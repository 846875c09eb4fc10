#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use ringback_server::config::{LogFormat, Secret};
use ringback_server::telemetry::redact::{Redacting, Redactor};
use ringback_server::telemetry::{lines, visible};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;

use crate::server::*;

#[derive(Clone, Default)]
pub struct Captured(pub Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn no_log_line_of_webhooks_shows_a_number_or_a_token() {
    for format in [LogFormat::Text, LogFormat::Json] {
        let (tokens, log) = logged(format, webhooks());
        assert!(
            log.contains("call arrived") && log.contains("webhook refused"),
            "{log}"
        );
        assert!(log.contains("a number in an error: +15•••01"), "{log}");
        for private in [CALLER, CALLED, &CALLER[1..], &CALLED[1..], TOKEN]
            .into_iter()
            .chain(tokens.iter().map(String::as_str))
        {
            assert!(!log.contains(private), "{private} is in the log:\n{log}");
        }
        if format == LogFormat::Json {
            assert!(
                log.lines()
                    .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()),
                "{log}"
            );
        }
    }
}

#[test]
fn no_log_line_of_accounts_shows_a_password_a_token_or_who_somebody_is() {
    let (private, log) = logged(LogFormat::Text, crate::accounts::a_days_work());
    for action in [
        "login.failed",
        "refresh.reused",
        "api-key.add",
        "user.password",
    ] {
        assert!(log.contains(action), "{action}: {log}");
    }
    for private in &private {
        assert!(!log.contains(private), "{private} is in the log:\n{log}");
    }
}

/// What comes of some work, and all that is logged of it.
fn logged<T>(format: LogFormat, work: impl Future<Output = T>) -> (T, String) {
    let captured = Captured::default();
    let writer = captured.clone();
    let inner = move || writer.clone();
    let redactor = Redactor::new([Secret::new(TOKEN)]);
    let subscriber = tracing_subscriber::registry()
        .with(lines(format, false, Redacting { inner, redactor }))
        .with(visible(LevelFilter::TRACE, false));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let done = tracing::subscriber::with_default(subscriber, || runtime.block_on(work));
    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    (done, log)
}

/// A good call, its resume, a refused call; answers the tokens given out.
async fn webhooks() -> Vec<String> {
    let server = signed().start();
    let stream = stream(&server.post_signed("/", &inbound()).await.body);
    let resume = stream.resume.strip_prefix(BASE).unwrap().to_owned();
    server.post_signed(&resume, &inbound()).await;
    server.post("/", &inbound()).await;
    server.post(&resume, &inbound()).await;
    server
        .post_signed("/call/inbound/receive/nobody", &inbound())
        .await;
    tracing::warn!(target: "ringback_server::test", "a number in an error: {CALLER} at {resume} with {TOKEN}");
    vec![
        stream.parameters["token"].clone(),
        resume
            .replace("/resume/", "")
            .replace("?scenario=guest-relations", ""),
    ]
}
