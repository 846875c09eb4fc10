//! What Prometheus is told.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use jiff::Timestamp;
use ringback_call::{
    AnsweredBy, At, Callee, Direction, EndCause, Fault, FaultKind, Intent, Line, Party, ReplyId,
    Report, Speaker, TurnEnd, TurnId, TurnReport, TurnUsage, Unclear, Usage,
};
use ringback_server::metrics::{Kept, Metrics, Refused, Speech, State};
use ringback_session::prices::Bill;
use ringback_session::quality::Quality;
use ringback_session::{Ended, Traffic};
use serde_json::Value;

use crate::server::{local, signed};
use crate::simulated::{Simulated, until};

/// One family as the text tells it.
#[derive(Debug, Default)]
pub struct Family {
    pub kind: String,
    pub unit: String,
    pub samples: BTreeMap<String, f64>,
}

/// Reads OpenMetrics' text form and holds it to its rules.
pub fn read(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    let body = text.strip_suffix("# EOF\n").expect("# EOF ends it");
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let [word, name, told] = rest.splitn(3, ' ').collect::<Vec<_>>()[..] else {
                panic!("{line}");
            };
            if name != current {
                assert!(!families.contains_key(name), "{name} comes twice");
                name.clone_into(&mut current);
            }
            let family = families.entry(current.clone()).or_default();
            match word {
                "HELP" => assert!(told.ends_with('.') && told.len() > 2, "{line}"),
                "TYPE" => told.clone_into(&mut family.kind),
                "UNIT" => told.clone_into(&mut family.unit),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let family = families.get_mut(&current).unwrap();
        let name = series.split('{').next().unwrap();
        let suffix = name.strip_prefix(&current).expect(line);
        let fits = match family.kind.as_str() {
            "counter" => suffix == "_total",
            "gauge" => suffix.is_empty(),
            "info" => suffix == "_info",
            "histogram" => ["_bucket", "_sum", "_count"].contains(&suffix),
            _ => false,
        };
        assert!(fits, "{line} in a {}", family.kind);
        let value: f64 = value.parse().unwrap();
        assert!(value.is_finite() && value >= 0.0, "{line}");
        let before = family.samples.insert(series.to_owned(), value);
        assert_eq!(before, None, "{series} comes twice");
    }
    for (name, family) in &families {
        let suffix = format!("_{}", family.unit);
        assert!(family.unit.is_empty() || name.ends_with(&suffix), "{name}");
        check_buckets(name, family);
    }
    families
}

/// Buckets never fall, and the last holds all.
fn check_buckets(name: &str, family: &Family) {
    let mut buckets: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for (series, value) in &family.samples {
        // Another label ends with these letters.
        let found = series.split_once(",le=\"");
        let Some((start, rest)) = found.or_else(|| series.split_once("{le=\"")) else {
            continue;
        };
        let (bound, rest) = rest.split_once('"').unwrap();
        let bound = if bound == "+Inf" {
            f64::INFINITY
        } else {
            bound.parse().unwrap()
        };
        let others = format!("{start}{rest}");
        buckets.entry(others).or_default().push((bound, *value));
    }
    for (series, mut values) in buckets {
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(
            values.is_sorted_by(|a, b| a.1 <= b.1),
            "{series}: {values:?}"
        );
        assert_eq!(values.last().unwrap().0, f64::INFINITY, "{series}");
    }
    if family.kind == "histogram" {
        let sum = |ending: &str| -> f64 {
            let of = |series: &&String| series.contains(ending);
            let found = family.samples.keys().filter(of);
            found.map(|series| family.samples[series]).sum()
        };
        assert_eq!(sum("le=\"+Inf\""), sum("_count"), "{name}");
    }
}

fn fault(party: Party, detail: &str) -> Fault {
    Fault {
        party,
        kind: FaultKind::Unreachable,
        detail: detail.to_owned(),
    }
}

/// A call in which everything happened.
fn eventful() -> Ended {
    let at = |ms| Some(At::from_ms(ms));
    let said = Line {
        speaker: Speaker::Agent,
        turn: TurnId(0),
        reply: Some(ReplyId(1)),
        said: "Hello there.".to_owned(),
        heard: "Hello".to_owned(),
        digits: String::new(),
        from: At::from_ms(100),
        until: At::from_ms(900),
        cut: true,
    };
    let mut usage = Usage::of(Party::Responder, "openai", "a-model");
    usage.requests = 2;
    usage.input_tokens = 100;
    usage.cached_tokens = 40;
    usage.output_tokens = 20;
    usage.characters = 12;
    usage.audio_ms = 4500;
    let report = Report {
        lines: vec![said],
        unclear: vec![Unclear {
            from: At::from_ms(900),
            until: At::from_ms(1000),
        }],
        turns: vec![TurnReport {
            turn: TurnId(1),
            cause: TurnEnd::Recogniser,
            last_sound: At::from_ms(2000),
            finalized: at(2100),
            words: at(2200),
            speculated: at(2250),
            ended: At::from_ms(2600),
            text: at(2700),
            clause: at(2800),
            speech: at(3000),
            audible: at(3600),
            answered_by: Some(AnsweredBy::Reply),
            acknowledged: at(3700),
        }],
        usage: vec![TurnUsage {
            turn: TurnId(1),
            usage,
        }],
        faults: vec![
            fault(Party::Tts, "cartesia (a-voice at host) broke off"),
            fault(Party::Recorder, "the disk is full"),
        ],
        yields: 1,
        resumes: 2,
        callee: Some(Callee::Voicemail),
        cause: Some(EndCause::Responder),
        ended: At::from_ms(9000),
        ..Report::default()
    };
    Ended {
        put_through: false,
        intent: Intent::Transfer("+15005550009".to_owned()),
        cause: EndCause::Responder,
        failed: None,
        engines: ["deepgram", "openai", "cartesia"].map(str::to_owned),
        started: Timestamp::UNIX_EPOCH,
        bill: Some(Bill {
            currency: "USD".to_owned(),
            responder: 0.25,
            ..Bill::default()
        }),
        quality: Quality::of(&report),
        traffic: Traffic {
            bytes_in: 1000,
            bytes_out: 2000,
        },
        report,
        summary: Value::Null,
        files: Vec::new(),
    }
}

/// Every family that there can be.
pub fn everything() -> String {
    let metrics = Metrics::default();
    metrics.attempted(Direction::Outbound);
    metrics.attempted(Direction::Inbound);
    metrics.refused(Direction::Inbound, Refused::Full);
    metrics.answered(Direction::Outbound);
    metrics.ended(Direction::Outbound, Some(&eventful()));
    metrics.ended(Direction::Outbound, None);
    metrics.speech(Speech::Hear, true);
    metrics.conversation();
    metrics.message();
    let kept = Kept {
        tls_not_after: Some(1),
        ..Kept::default()
    };
    let state = State {
        kept,
        ..State::default()
    };
    metrics.text(&state).unwrap()
}

#[test]
fn a_call_in_which_everything_happened_is_counted_by_what_happened() {
    let families = read(&everything());
    let value = |name: &str, series: &str| {
        let family = families.get(name).unwrap_or_else(|| panic!("{name}"));
        let found = family.samples.get(&format!("{name}{series}"));
        *found.unwrap_or_else(|| panic!("{series} in {family:#?}"))
    };
    for (name, series, expected) in [
        (
            "ringback_calls_refused",
            "_total{direction=\"inbound\",reason=\"full\"}",
            1.0,
        ),
        (
            "ringback_calls_ended",
            "_total{direction=\"outbound\",end=\"responder\"}",
            1.0,
        ),
        (
            "ringback_calls_ended",
            "_total{direction=\"outbound\",end=\"broken\"}",
            1.0,
        ),
        (
            "ringback_calls_transferred",
            "_total{direction=\"outbound\"}",
            1.0,
        ),
        ("ringback_callees", "_total{callee=\"voicemail\"}", 1.0),
        (
            "ringback_call_duration_seconds",
            "_sum{direction=\"outbound\"}",
            9.0,
        ),
        ("ringback_media_bytes", "_total{way=\"out\"}", 2000.0),
        ("ringback_turns", "_total{cause=\"recogniser\"}", 1.0),
        ("ringback_latency_seconds", "_sum{stage=\"words\"}", 0.2),
        ("ringback_latency_seconds", "_sum{stage=\"turn_end\"}", 0.6),
        ("ringback_latency_seconds", "_sum{stage=\"model\"}", 0.45),
        ("ringback_latency_seconds", "_sum{stage=\"clause\"}", 0.1),
        ("ringback_latency_seconds", "_sum{stage=\"voice\"}", 0.2),
        ("ringback_latency_seconds", "_sum{stage=\"response\"}", 1.6),
        (
            "ringback_latency_seconds",
            "_sum{stage=\"acknowledged\"}",
            1.7,
        ),
        (
            "ringback_provider_requests",
            "_total{role=\"responder\",provider=\"openai\"}",
            2.0,
        ),
        (
            "ringback_provider_tokens",
            "_total{role=\"responder\",provider=\"openai\",kind=\"cached\"}",
            40.0,
        ),
        (
            "ringback_provider_audio_seconds",
            "_total{role=\"responder\",provider=\"openai\"}",
            4.5,
        ),
        (
            "ringback_provider_errors",
            "_total{role=\"tts\",provider=\"cartesia\",kind=\"unreachable\"}",
            1.0,
        ),
        (
            "ringback_faults",
            "_total{party=\"recorder\",kind=\"unreachable\"}",
            1.0,
        ),
        (
            "ringback_cost",
            "_total{role=\"responder\",currency=\"USD\"}",
            0.25,
        ),
        ("ringback_interruptions", "_total", 1.0),
        ("ringback_resumptions", "_total", 2.0),
        ("ringback_said_characters", "_total", 12.0),
        ("ringback_unheard_characters", "_total", 7.0),
        ("ringback_slow_replies", "_total", 1.0),
        ("ringback_dead_air_seconds", "_total", 8.0),
        ("ringback_call_quality", "_count", 1.0),
    ] {
        assert!(
            (value(name, series) - expected).abs() < 1e-9,
            "{name}{series}"
        );
    }
    assert!(value("process_resident_memory_bytes", "") > 1e6);
    assert!(value("process_open_fds", "") > 2.0);
    assert!(value("process_cpu_seconds", "_total") > 0.0);
}

#[test]
fn every_family_is_explained_and_nothing_else_is() {
    let page = include_str!("../../../../docs/metrics.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let explained: BTreeSet<String> = rows
        .filter_map(|row| row.split(['`', '{']).next())
        .map(|name| {
            name.trim_end_matches("_total")
                .trim_end_matches("_info")
                .to_owned()
        })
        .collect();
    let told: BTreeSet<String> = read(&everything()).into_keys().collect();
    assert_eq!(explained, told);
}

#[test]
fn prometheus_own_parser_reads_it_where_it_is_installed() {
    let python = std::env::var("SDK_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = "import sys\n\
        try:\n    from prometheus_client.openmetrics.parser import text_string_to_metric_families\n\
        except ImportError:\n    sys.exit(77)\n\
        print(len(list(text_string_to_metric_families(sys.stdin.read()))))";
    let child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("no Python, so its parser was not asked");
        return;
    };
    let text = everything();
    // Where the package is missing it does not wait for the text.
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    let output = child.wait_with_output().unwrap();
    if output.status.code() == Some(77) {
        eprintln!("prometheus_client is not installed, so its parser was not asked");
        return;
    }
    assert!(output.status.success());
    let read_by_it = String::from_utf8(output.stdout).unwrap();
    assert_eq!(read_by_it.trim(), read(&text).len().to_string());
}

fn scrape(token: Option<&str>, forwarded: bool) -> Request<Body> {
    let mut request = Request::get("/metrics").header("host", "localhost");
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    if forwarded {
        request = request.header("x-forwarded-for", "192.0.2.7");
    }
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn metrics_are_for_callers_on_this_machine_and_for_who_has_the_token() {
    let without = signed().start();
    let with = local()
        .with("METRICS_TOKEN", "tell me your figures")
        .start();
    for (server, from, token, forwarded, expected) in [
        (&without, "127.0.0.1", None, false, StatusCode::OK),
        (&without, "127.0.0.1", None, true, StatusCode::FORBIDDEN),
        (
            &without,
            "192.0.2.1",
            Some("Bearer "),
            false,
            StatusCode::FORBIDDEN,
        ),
        (&with, "127.0.0.1", None, false, StatusCode::OK),
        (&with, "127.0.0.1", None, true, StatusCode::UNAUTHORIZED),
        (
            &with,
            "192.0.2.1",
            Some("Bearer tell me your figures"),
            true,
            StatusCode::OK,
        ),
        (
            &with,
            "192.0.2.1",
            Some("Bearer tell me your figure"),
            false,
            StatusCode::UNAUTHORIZED,
        ),
        (
            &with,
            "192.0.2.1",
            Some("tell me your figures"),
            false,
            StatusCode::UNAUTHORIZED,
        ),
        (&with, "192.0.2.1", None, false, StatusCode::UNAUTHORIZED),
    ] {
        let answer = server.ask_from(from, scrape(token, forwarded)).await;
        assert_eq!(answer.status, expected, "{from} {token:?} {forwarded}");
        match expected {
            StatusCode::OK => {
                let kind = answer.headers["content-type"].to_str().unwrap();
                assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"));
                read(&answer.body);
            }
            StatusCode::UNAUTHORIZED => assert_eq!(answer.headers["www-authenticate"], "Bearer"),
            _ => assert!(answer.body.contains("on this machine"), "{}", answer.body),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_sockets_shows_in_what_is_scraped() {
    let prices = tempfile::NamedTempFile::new().unwrap();
    let table = "currency = \"USD\"\n[[price]]\nof = \"deepgram/*\"\nper_minute = 6.0\n";
    std::fs::write(prices.path(), table).unwrap();
    let settings = [("PRICES", prices.path().to_str().unwrap())];
    let server = Simulated::start(&settings, &[]).await;
    let before = read(&server.get("/metrics").await);
    assert!(before.contains_key("ringback_live_calls"));
    server.call().await;
    let families = until("the end of the call", async || {
        let families = read(&server.get("/metrics").await);
        let mut ended = families["ringback_calls_ended"].samples.values();
        ended.any(|ended| *ended > 0.0).then_some(families)
    });
    let families = families.await;
    let sum = |name: &str, holds: &str| -> f64 {
        let family = families.get(name).unwrap_or_else(|| panic!("{name}"));
        let samples = family.samples.iter();
        let fits =
            samples.filter(|(series, _)| series.contains(holds) && !series.contains("_bucket"));
        fits.map(|(_, value)| *value).sum()
    };
    for name in ["attempted", "answered", "ended"] {
        let name = format!("ringback_calls_{name}");
        assert!(
            (sum(&name, "direction=\"inbound\"") - 1.0).abs() < 1e-9,
            "{name}"
        );
    }
    assert!((sum("ringback_calls_ended", "end=\"hung_up\"") - 1.0).abs() < 1e-9);
    // The caller speaks once and is answered.
    for stage in [
        "words",
        "turn_end",
        "model",
        "voice",
        "response",
        "acknowledged",
    ] {
        let count = sum(
            "ringback_latency_seconds",
            &format!("_count{{stage=\"{stage}\"}}"),
        );
        let took = sum(
            "ringback_latency_seconds",
            &format!("_sum{{stage=\"{stage}\"}}"),
        );
        assert!(
            count >= 1.0 && (0.0..15.0).contains(&took),
            "{stage}: {count} {took}"
        );
    }
    assert!(sum("ringback_provider_requests", "provider=\"openai\"") >= 1.0);
    assert!(sum("ringback_provider_tokens", "kind=\"input\"") > 0.0);
    assert!(sum("ringback_provider_characters", "provider=\"cartesia\"") > 30.0);
    let heard = sum("ringback_provider_audio_seconds", "provider=\"deepgram\"");
    let lasted = sum("ringback_call_duration_seconds", "_sum");
    assert!(
        heard > 2.0 && lasted > heard - 0.5 && lasted < 60.0,
        "{heard} {lasted}"
    );
    let cost = sum("ringback_cost", "role=\"stt\"");
    assert!((cost - heard / 10.0).abs() < 0.01, "{cost} for {heard} s");
    // 50 messages a second, each with 160 bytes in base64 and more around it.
    assert!(sum("ringback_media_bytes", "way=\"in\"") > lasted * 50.0 * 216.0);
    assert!(sum("ringback_media_bytes", "way=\"out\"") > 1e4);
    assert!((sum("ringback_call_quality", "_count") - 1.0).abs() < 1e-9);
    assert!((sum("ringback_live_calls", "")).abs() < 1e-9);
}
