//! `ringback check` against the twins: what works, and every way in which a provider says no.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Output};

use ringback_sim::providers::{Hearing, Options, Provider, Rule, Running, Twins};
use serde_json::Value;

const KEYS: [&str; 4] = [
    "DEEPGRAM_API_KEY",
    "OPENAI_API_KEY",
    "CARTESIA_API_KEY",
    "ELEVENLABS_API_KEY",
];
const KEY: &str = "a-key-of-the-test";

async fn twins() -> Running {
    let options = Options {
        hearing: Hearing::Script(Vec::new()),
        cache: env!("CARGO_TARGET_TMPDIR").into(),
        ..Options::default()
    };
    Twins::start(options).await.unwrap()
}

/// What a run said: its status, its standard output, its standard error.
struct Said {
    status: i32,
    out: String,
    complaint: String,
}

impl Said {
    fn checks(&self) -> Vec<Value> {
        let report: Value = serde_json::from_str(&self.out).unwrap_or_else(|_| {
            panic!("{} {}", self.out, self.complaint);
        });
        assert_eq!(report["works"], self.status == 0, "{}", self.out);
        report["checks"].as_array().unwrap().clone()
    }
}

/// Runs the command in a folder, with all keys for these twins and the settings of the test.
async fn check_in(folder: &Path, url: &str, args: &[&str], settings: &[(&str, &str)]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringback"));
    command.arg("check").args(args).current_dir(folder);
    command.env_clear().envs(KEYS.map(|name| (name, KEY)));
    for name in ["DEEPGRAM_URL", "CARTESIA_URL", "ELEVENLABS_URL"] {
        command.env(name, url);
    }
    command.env("OPENAI_BASE_URL", format!("{url}/v1"));
    command.envs(settings.iter().copied());
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output {
        status,
        stdout,
        stderr,
    } = run.await.unwrap();
    let said = Said {
        status: status.code().unwrap(),
        out: String::from_utf8(stdout).unwrap(),
        complaint: String::from_utf8(stderr).unwrap(),
    };
    assert!(
        !said.out.contains(KEY) && !said.complaint.contains(KEY),
        "a key is shown: {} {}",
        said.out,
        said.complaint
    );
    said
}

async fn check(url: &str, args: &[&str], settings: &[(&str, &str)]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    check_in(folder.path(), url, args, settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_works_has_a_line_in_the_order_of_calls_and_status_0() {
    let twins = twins().await;
    let said = check(&twins.url(), &[], &[]).await;
    assert_eq!(said.status, 0, "{}{}", said.out, said.complaint);
    let lines: Vec<Vec<&str>> = said
        .out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let engines: Vec<&str> = lines[1..].iter().map(|words| words[1]).collect();
    let expected = [
        "deepgram",
        "pocketsphinx",
        "openai",
        "cartesia",
        "elevenlabs",
        "deepgram",
        "pico",
        "twilio",
    ];
    assert_eq!(engines, expected, "{}", said.out);
    for words in &lines[1..8] {
        assert_eq!(words.last(), Some(&"works"), "{}", said.out);
    }
    let states: Vec<&&str> = lines[1..8]
        .iter()
        .flatten()
        .filter(|word| **word == "ok")
        .collect();
    assert_eq!(
        states.len(),
        17,
        "key, quota and model of each, and what is local: {}",
        said.out
    );
    assert!(said.out.contains("only local callers are accepted"));

    let listen = |record: &&ringback_sim::providers::Record| record.endpoint == "listen";
    let requests = twins.requests();
    let socket = requests.iter().find(listen).unwrap();
    assert_eq!(
        socket.state,
        ringback_sim::providers::State::Done,
        "closed properly"
    );
}

/// What is checked, with which settings and under which knob, and what the report says of it: the place of the finding, the
/// finding, and a part of the advice.
struct Case {
    only: &'static str,
    knob: &'static str,
    settings: &'static [(&'static str, &'static str)],
    finding: (&'static str, &'static str),
    advice: &'static str,
}

const CASES: [Case; 16] = [
    Case {
        only: "deepgram",
        knob: r#"{"provider":"deepgram","endpoint":"listen","garbage":true,"next":1}"#,
        settings: &[],
        finding: ("known", ""),
        advice: "try again later",
    },
    Case {
        only: "deepgram",
        knob: r#"{"provider":"deepgram","endpoint":"flux","half_open":true,"next":1}"#,
        settings: &[("DEEPGRAM_MODEL", "flux-general-en")],
        finding: ("detail", "deepgram was not done within 0.5 s"),
        advice: "check DEEPGRAM_URL and the network",
    },
    Case {
        only: "deepgram",
        knob: r#"{"provider":"deepgram","endpoint":"listen","status":402,"next":1}"#,
        settings: &[],
        finding: ("quota", "exceeded"),
        advice: "another recogniser first (STT)",
    },
    Case {
        only: "deepgram",
        knob: "",
        settings: &[("DEEPGRAM_MODEL", "nova-99")],
        finding: ("known", "unknown"),
        advice: "change DEEPGRAM_MODEL",
    },
    Case {
        only: "openai",
        knob: r#"{"provider":"openai","status":401,"next":1}"#,
        settings: &[],
        finding: ("key", "refused"),
        advice: "set OPENAI_API_KEY",
    },
    Case {
        only: "openai",
        knob: r#"{"provider":"openai","status":429,"body":"{\"error\":{\"message\":\"You exceeded it.\",\"type\":\"insufficient_quota\",\"param\":null,\"code\":\"insufficient_quota\"}}","next":1}"#,
        settings: &[],
        finding: ("quota", "exceeded"),
        advice: "add credit",
    },
    Case {
        only: "openai",
        knob: "",
        settings: &[("OPENAI_MODEL", "gpt-4-32k")],
        finding: ("known", "unknown"),
        advice: "change OPENAI_MODEL",
    },
    Case {
        only: "cartesia",
        knob: "",
        settings: &[("CARTESIA_MODEL", "sonic-2")],
        finding: ("known", "unknown"),
        advice: "change CARTESIA_MODEL",
    },
    Case {
        only: "cartesia",
        knob: r#"{"provider":"cartesia","silence":true}"#,
        settings: &[],
        finding: ("detail", "cartesia ended a sentence without speech"),
        advice: "try again later",
    },
    Case {
        only: "elevenlabs",
        knob: "",
        settings: &[("ELEVENLABS_VOICE_ID", "nobody")],
        finding: ("known", "voice unknown"),
        advice: "change ELEVENLABS_VOICE_ID",
    },
    Case {
        only: "elevenlabs",
        knob: r#"{"provider":"elevenlabs","status":401,"body":"{\"detail\":{\"status\":\"quota_exceeded\",\"message\":\"You have 0 credits remaining.\"}}","next":1}"#,
        settings: &[],
        finding: ("quota", "exceeded"),
        advice: "another voice first (TTS)",
    },
    Case {
        only: "openai",
        knob: r#"{"provider":"openai","half_open":true,"next":1}"#,
        settings: &[],
        finding: ("detail", "openai was not done within 0.5 s"),
        advice: "check OPENAI_BASE_URL and the network",
    },
    Case {
        only: "elevenlabs",
        knob: r#"{"provider":"elevenlabs","status":429,"body":"{\"detail\":{\"status\":\"too_many_concurrent_requests\",\"message\":\"Too many concurrent requests.\"}}"}"#,
        settings: &[],
        finding: ("quota", "rate exceeded"),
        advice: "ask of elevenlabs at a time",
    },
    Case {
        only: "cartesia",
        knob: r#"{"provider":"cartesia","status":429}"#,
        settings: &[],
        finding: ("quota", "rate exceeded"),
        advice: "ask of cartesia at a time",
    },
    Case {
        only: "deepgram",
        knob: r#"{"provider":"deepgram","endpoint":"listen","status":429,"next":1}"#,
        settings: &[],
        finding: ("quota", "rate exceeded"),
        advice: "ask of deepgram at a time",
    },
    Case {
        only: "openai",
        knob: r#"{"provider":"openai","status":429}"#,
        settings: &[],
        finding: ("quota", "rate exceeded"),
        advice: "ask of openai at a time",
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_say_no_is_named_with_the_setting_that_mends_it() {
    let twins = twins().await;
    for case in &CASES {
        if !case.knob.is_empty() {
            twins.set(Rule::parse(case.knob).unwrap());
        }
        let timeout = if case.knob.contains("half_open") {
            "0.5"
        } else {
            "10"
        };
        let args = ["--json", "--only", case.only, "--timeout", timeout];
        let said = check(&twins.url(), &args, case.settings).await;
        let checks = said.checks();
        let first = &checks[0];
        assert_eq!(said.status, 1, "{}: {first}", case.knob);
        assert_eq!(first["works"], false, "{}: {first}", case.knob);
        let (place, finding) = case.finding;
        let found = first[place].as_str().unwrap_or_default();
        assert_eq!(found, finding, "{}: {first}", case.knob);
        let advice = first["advice"].as_str().unwrap();
        assert!(advice.contains(case.advice), "{}: {first}", case.knob);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_without_a_server_and_a_server_without_the_routes_are_told_apart() {
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let args = ["--json", "--only", "deepgram,openai"];
    let checks = check(&nobody, &args, &[]).await.checks();
    assert_eq!(checks.len(), 3, "Deepgram hears and speaks: {checks:?}");
    for check in &checks {
        let detail = check["detail"].as_str().unwrap();
        assert!(detail.contains("could not be connected to"), "{check}");
        assert_eq!(check["key"], Value::Null, "nothing is known: {check}");
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = format!("http://{}", listener.local_addr().unwrap());
    let server = axum::serve(listener, axum::Router::new());
    let server = tokio::spawn(server.into_future());
    let checks = check(&elsewhere, &args, &[]).await.checks();
    server.abort();
    assert_eq!(checks.len(), 3);
    for check in &checks {
        let advice = check["advice"].as_str().unwrap();
        assert!(advice.contains("URL leads elsewhere"), "{check}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_website_at_the_address_of_a_socket_is_not_taken_for_the_provider() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = format!("http://{}", listener.local_addr().unwrap());
    let website = axum::Router::new().fallback(|| async { "Welcome." });
    let server = tokio::spawn(axum::serve(listener, website).into_future());
    let args = ["--json", "--only", "deepgram,cartesia,elevenlabs"];
    let checks = check(&elsewhere, &args, &[]).await.checks();
    server.abort();
    assert_eq!(checks.len(), 4);
    for check in &checks {
        let engine = check["engine"].as_str().unwrap();
        let told = check.to_string();
        let why = format!("{engine} is not what answers at its address: 200");
        assert!(told.contains(&why), "{check}");
        let advice = check["advice"].as_str().unwrap();
        let variable = format!("{}_URL leads elsewhere", engine.to_uppercase());
        assert!(advice.contains(&variable), "{check}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused_by_each_provider_and_never_shown() {
    let options = Options {
        keys: Provider::ALL.map(|one| (one, "another".to_owned())).into(),
        hearing: Hearing::Script(Vec::new()),
        cache: env!("CARGO_TARGET_TMPDIR").into(),
        ..Options::default()
    };
    let twins = Twins::start(options).await.unwrap();
    let args = ["--json", "--only", "deepgram,openai,cartesia,elevenlabs"];
    let said = check(&twins.url(), &args, &[]).await;
    assert_eq!(said.status, 1);
    let checks = said.checks();
    assert_eq!(checks.len(), 5);
    for check in &checks {
        assert_eq!(check["key"], "refused", "{check}");
        let engine = check["engine"].as_str().unwrap().to_uppercase();
        let variable = format!("set {engine}_API_KEY");
        assert!(
            check["advice"].as_str().unwrap().contains(&variable),
            "{check}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_scenarios_name_themselves_is_checked_once_for_all_that_name_it() {
    let twins = twins().await;
    let folder = tempfile::tempdir().unwrap();
    let scenarios = folder.path().join("data/scenarios");
    std::fs::create_dir_all(&scenarios).unwrap();
    let named = "prompt = \"Help.\"\nstt = [{ provider = \"deepgram\", model = \"flux-general-en\" }]\n\
                 tts = [{ provider = \"openai\", voice = \"coral\" }]\n\
                 responder = [{ provider = \"openai\", model = \"gpt-6-sol\", api = \"responses\" }]\n";
    for slug in ["one", "two"] {
        std::fs::write(scenarios.join(format!("{slug}.toml")), named).unwrap();
    }
    let keyless = "prompt = \"Help.\"\n[[responder]]\nprovider = \"openai\"\nmodel = \"llama\"\n\
                   url = \"http://127.0.0.1:9/v1\"\nkey = \"env:NOT_SET_ANYWHERE\"\n";
    std::fs::write(scenarios.join("three.toml"), keyless).unwrap();
    let args = ["--json", "--only", "deepgram,openai"];
    let said = check_in(folder.path(), &twins.url(), &args, &[]).await;
    let checks = said.checks();
    let of = |model: &str| {
        let mut found = checks.iter().filter(|check| check["model"] == model);
        let check = found
            .next()
            .unwrap_or_else(|| panic!("{model}: {}", said.out));
        assert!(found.next().is_none(), "{model} twice: {}", said.out);
        check
    };
    for model in ["flux-general-en", "gpt-6-sol", "gpt-4o-mini-tts"] {
        let check = of(model);
        assert_eq!(check["works"], true, "{check}");
        assert_eq!(
            check["scenarios"],
            serde_json::json!(["one", "two"]),
            "{check}"
        );
    }
    assert_eq!(of("gpt-4o-mini-tts")["voice"], "coral");
    assert_eq!(of("gpt-6-luna")["scenarios"], serde_json::json!([]));
    let keyless = of("llama");
    assert_eq!((said.status, &keyless["works"]), (1, &Value::Bool(false)));
    assert!(
        keyless["detail"]
            .as_str()
            .unwrap()
            .contains("set NOT_SET_ANYWHERE"),
        "{keyless}"
    );
    let asked = |endpoint: &str| {
        let requests = twins.requests();
        requests
            .iter()
            .filter(|one| one.endpoint == endpoint)
            .count()
    };
    assert_eq!(
        (asked("flux"), asked("responses"), asked("speech")),
        (1, 1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_local_recogniser_counts_only_where_callers_would_not_be_heard() {
    let twins = twins().await;
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().to_str().unwrap();
    let state = async |stt: &str, deepgram: &str| {
        let settings = [
            ("POCKETSPHINX_DIR", empty),
            ("STT", stt),
            ("DEEPGRAM_API_KEY", deepgram),
        ];
        let args = ["--json", "--only", "pocketsphinx"];
        let said = check(&twins.url(), &args, &settings).await;
        (said.status, said.checks()[0]["works"].clone())
    };
    assert_eq!(state("auto", "").await, (1, Value::Bool(false)));
    assert_eq!(state("auto", KEY).await, (0, Value::Null));
    assert_eq!(
        state("deepgram,pocketsphinx", KEY).await,
        (1, Value::Bool(false))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_checked_is_a_wrong_setting() {
    for (only, settings, expected) in [
        (
            "deepgrm",
            &[][..],
            "--only deepgrm: unknown; there is: deepgram, ",
        ),
        (
            "openai",
            &[("OPENAI_API_KEY", "")],
            "--only openai: not in use: set OPENAI_API_KEY",
        ),
        ("pico", &[("TTS", "cartesia")], "--only pico: not in use"),
        ("pico", &[("PORT", "x")], "PORT=x (environment)"),
        (
            "pico",
            &[("DEFAULT_SCENARIO", "nobody")],
            "DEFAULT_SCENARIO=nobody: there is no such scenario",
        ),
    ] {
        let said = check("http://127.0.0.1:9", &["--only", only], settings).await;
        assert_eq!(said.status, 2, "{only}: {}", said.complaint);
        let starts = format!("ringback: {expected}");
        assert!(said.complaint.starts_with(&starts), "{}", said.complaint);
        assert_eq!(said.complaint.lines().count(), 1, "{}", said.complaint);
    }
    let said = check("http://127.0.0.1:9", &["--timeout", "never"], &[]).await;
    assert_eq!(said.status, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captchas_verifier_is_asked_whether_it_takes_our_secret() {
    let keys = [(Provider::Captcha, "right".to_owned())].into();
    let options = Options {
        keys,
        hearing: Hearing::Script(Vec::new()),
        cache: env!("CARGO_TARGET_TMPDIR").into(),
        ..Options::default()
    };
    let twins = Twins::start(options).await.unwrap();
    let url = twins.url();
    let args = ["--json", "--only", "captcha"];
    for (secret, address, key, advice) in [
        ("right", &*url, "ok", ""),
        ("wrong", &*url, "refused", "set RECAPTCHA_SITE_KEY"),
        ("right", "http://127.0.0.1:9", "null", "check CAPTCHA_URL"),
    ] {
        let settings = [
            ("RECAPTCHA_SITE_KEY", "site"),
            ("RECAPTCHA_SECRET", secret),
            ("CAPTCHA_PROVIDER", "turnstile"),
            ("CAPTCHA_URL", address),
        ];
        let said = check(&url, &args, &settings).await;
        assert_eq!(said.status, i32::from(key != "ok"), "{}", said.complaint);
        let checks = said.checks();
        assert_eq!(checks.len(), 1, "{checks:?}");
        let found = checks[0]["key"].as_str().unwrap_or("null");
        assert_eq!((found, &checks[0]["engine"]), (key, &"turnstile".into()));
        let told = checks[0]["advice"].as_str().unwrap();
        assert!(told.starts_with(advice), "{told}");
    }
    let said = check(&url, &args, &[]).await;
    assert_eq!(said.status, 2);
    assert!(
        said.complaint.contains("CAPTCHA_PROVIDER"),
        "{}",
        said.complaint
    );
}
