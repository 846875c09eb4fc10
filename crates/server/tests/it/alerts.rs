//! What alert rules and dashboard ask for, and what of it there is before anything has happened.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use ringback_call::{Callee, Direction, EndCause, FaultKind, TurnEnd};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::metrics::{Family, everything, read};
use crate::server::local;
use crate::simulated::{Simulated, until};

const RULES: &str = include_str!("../../../../deploy/prometheus/ringback.rules.yml");
const RULES_TEST: &str = include_str!("../../../../deploy/prometheus/ringback.rules.test.yml");
const DASHBOARD: &str = include_str!("../../../../deploy/grafana/ringback.json");

/// There with TLS of the server's own alone.
const CERTIFICATE: &str = "ringback_tls_not_after_seconds";

/// Words of a text that look like metrics of ours.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words
        .filter(|word| word.starts_with("ringback_") || word.starts_with("process_"))
        .collect()
}

/// The series of a text, without their values.
fn series(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| Some(line.rsplit_once(' ')?.0))
        .collect()
}

/// The names of these.
fn names(text: &str) -> BTreeSet<&str> {
    let names = series(text).into_iter();
    names.filter_map(|name| name.split('{').next()).collect()
}

#[test]
fn alert_rules_and_dashboard_ask_for_metrics_that_there_are_and_the_dashboard_for_all() {
    let told = everything();
    let known = names(&told);
    for text in [RULES, RULES_TEST, DASHBOARD] {
        let unknown: Vec<_> = named(text).difference(&known).copied().collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
    let shown = named(DASHBOARD);
    for family in read(&told).into_keys() {
        let shown = shown.iter().any(|name| name.starts_with(&family));
        assert!(shown, "{family} is not on the dashboard");
    }
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels
        .iter()
        .map(|panel| panel["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids.len(), panels.len());
}

#[test]
fn every_alert_is_tried_by_the_test_file_of_the_rules() {
    let alerts = RULES.lines().filter_map(|line| {
        let (_, alert) = line.split_once("- alert: ")?;
        Some(alert.trim())
    });
    for alert in alerts {
        let tried = format!("alertname: {alert}\n");
        assert!(RULES_TEST.contains(&tried), "{alert}");
    }
}

/// What the rules select by labels: a name, a label, and the values that are asked for.
fn selected(rules: &str) -> Vec<(&str, &str, Vec<&str>)> {
    let parts = rules.split('{').zip(rules.split('{').skip(1));
    let selectors = parts.filter_map(|(before, after)| {
        let name = before.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let name = name.into_iter().next()?;
        let name = name.starts_with("ringback_").then_some(name)?;
        Some((name, after.split_once('}')?.0))
    });
    let matchers = selectors.flat_map(|(name, matchers)| {
        let matchers = matchers.split(',').map(str::trim);
        matchers.filter_map(move |matcher| {
            let (label, values) = matcher.split_once('=')?;
            let values = values.trim_start_matches('~').trim_matches('"');
            let label = label.trim_end_matches('!');
            Some((name, label, values.split('|').collect()))
        })
    });
    matchers.collect()
}

#[tokio::test]
async fn what_alert_rules_ask_for_is_there_before_the_first_call() {
    let told = local().start().get("/metrics").await.body;
    let mut wanted = named(RULES);
    assert!(wanted.remove(CERTIFICATE));
    let absent: Vec<_> = wanted.difference(&names(&told)).copied().collect();
    assert!(absent.is_empty(), "{absent:?}");
    let selected = selected(RULES);
    assert!(selected.len() > 4, "{selected:?}");
    let series = series(&told);
    for (name, label, values) in selected {
        for value in values {
            let wanted = format!("{label}=\"{value}\"");
            let mut series = series.iter();
            let found = series.any(|one| one.starts_with(name) && one.contains(&wanted));
            assert!(found, "{name}{{{wanted}}}");
        }
    }
}

#[tokio::test]
async fn what_can_be_known_is_counted_from_0() {
    let count = |families: &BTreeMap<String, Family>, name: &str, holds: &str| {
        let samples = families[name].samples.iter();
        let samples = samples.filter(|(series, _)| series.contains(holds));
        let values: Vec<f64> = samples.map(|(_, value)| *value).collect();
        assert!(values.iter().all(|value| *value == 0.0), "{name}");
        values.len()
    };
    let server = local().start();
    let families = read(&server.get("/metrics").await.body);
    for (name, holds, expected) in [
        ("ringback_calls_attempted", "", 2),
        ("ringback_calls_refused", "", 2 * 6),
        ("ringback_calls_answered", "", 2),
        ("ringback_calls_ended", "", 2 * 10),
        ("ringback_calls_transferred", "", 2),
        ("ringback_callees", "", 7),
        ("ringback_call_duration_seconds", "_count", 2),
        ("ringback_media_bytes", "", 2),
        ("ringback_turns", "", 6),
        ("ringback_latency_seconds", "_count", 7),
        ("ringback_speech_requests", "", 3 * 2),
        ("ringback_faults", "", 3 * 4),
        ("ringback_faults", "party=\"recorder\"", 4),
        // Two local engines, the webhook, a scenario's own model, and for each role all others.
        ("ringback_provider_errors", "", 7 * 4),
        ("ringback_rows_lost", "", 1),
    ] {
        assert_eq!(count(&families, name, holds), expected, "{name} {holds}");
    }
    assert!(!families.contains_key(CERTIFICATE), "there is none");

    let server = local().with("DEEPGRAM_API_KEY", "a-key").start();
    let families = read(&server.get("/metrics").await.body);
    let errors = |holds| count(&families, "ringback_provider_errors", holds);
    assert_eq!(errors("role=\"stt\",provider=\"deepgram\""), 4);
    assert_eq!(errors("role=\"tts\",provider=\"deepgram\""), 4);
    assert_eq!(errors("cartesia"), 0, "nobody has set it up");
}

/// So many names a type has, by what it says of one that it does not have.
fn variants<T: DeserializeOwned>() -> usize {
    let Err(error) = serde_json::from_str::<T>("\"?\"") else {
        panic!("? is a name");
    };
    let error = error.to_string();
    let (_, known) = error.split_once("expected ").unwrap();
    known.matches('`').count() / 2
}

#[test]
fn no_name_is_left_out_of_what_is_counted_from_0() {
    assert_eq!(variants::<Direction>(), Direction::ALL.len());
    assert_eq!(variants::<EndCause>(), EndCause::ALL.len());
    assert_eq!(variants::<TurnEnd>(), TurnEnd::ALL.len());
    assert_eq!(variants::<FaultKind>(), FaultKind::ALL.len());
    assert_eq!(variants::<Callee>(), Callee::ALL.len());
}

/// The figure of this name, which has no labels.
fn figure(text: &str, name: &str) -> f64 {
    let found = text.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.strip_prefix(' ')?;
        value.parse().ok()
    });
    found.unwrap_or_else(|| panic!("{name} in {text}"))
}

const DATABASE: [&str; 2] = ["ringback_database_up", "ringback_database_writable"];

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_and_comes_back_shows_in_what_is_scraped() {
    let cluster = Cluster::start();
    let url = cluster.create("ringback");
    let server = Simulated::start(&[("DATABASE_URL", &url)], &[]).await;
    let scraped = async || server.get("/metrics").await;
    let stands = async |wanted: [f64; 2]| {
        let text = scraped().await;
        let found = DATABASE.map(|name| figure(&text, name));
        (found == wanted).then_some(text)
    };
    let well = until("a database", async || stands([1.0, 1.0]).await).await;
    assert_eq!(figure(&well, "ringback_rows_lost_total"), 0.0);
    cluster.down();
    // Nobody asks for /health.
    until("that it is down", async || stands([0.0, 1.0]).await).await;
    server.call().await;
    let down = until("rows that wait", async || stands([0.0, 0.0]).await).await;
    assert!(figure(&down, "ringback_journal_bytes") > 100.0);
    cluster.up();
    until("that it is back", async || {
        let text = stands([1.0, 1.0]).await?;
        (figure(&text, "ringback_journal_bytes") == 0.0).then_some(())
    })
    .await;
    let after = figure(&scraped().await, "ringback_rows_lost_total");
    assert_eq!(after, 0.0, "all of them waited");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_lost_are_counted() {
    let server = Simulated::start(&[], &[]).await;
    let torn = server.data_dir().join("journal/00000001.jsonl");
    std::fs::write(torn, "no row\nno row either\n").unwrap();
    let server = server.killed_and_started();
    until("what is lost", async || {
        let lost = figure(&server.get("/metrics").await, "ringback_rows_lost_total");
        (lost == 2.0).then_some(())
    })
    .await;
}
