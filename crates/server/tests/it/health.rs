//! What `/health` says of providers, against the twins.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use ringback_server::app::{Server, engine_config};
use ringback_server::calls::{Sessions, Switchboard};
use ringback_server::config::{Config, Layers, Secret};
use ringback_server::pulse::Pulses;
use ringback_server::routes;
use ringback_session::Engines;
use ringback_session::scenario::Catalog;
use ringback_sim::providers::{Hearing, Options, Provider, Rule, Running, Twins};
use serde_json::Value;
use tower::ServiceExt;

fn options() -> Options {
    Options {
        hearing: Hearing::Script(Vec::new()),
        cache: env!("CARGO_TARGET_TMPDIR").into(),
        ..Options::default()
    }
}

async fn twins(rules: &[&str]) -> Running {
    let twins = Twins::start(options()).await.unwrap();
    for rule in rules {
        twins.set(Rule::parse(rule).unwrap());
    }
    twins
}

/// A server whose providers are these twins.
struct Served {
    router: Router,
    engines: Arc<Engines>,
    _folder: tempfile::TempDir,
}

impl Served {
    async fn of(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut environment: Vec<(String, String)> = Vec::new();
        for provider in Provider::ALL {
            let name = provider.name().to_uppercase();
            let (variable, path) = match provider {
                Provider::Captcha => continue,
                Provider::OpenAi => ("OPENAI_BASE_URL".to_owned(), "/v1"),
                Provider::Deepgram | Provider::Cartesia | Provider::ElevenLabs => {
                    (format!("{name}_URL"), "")
                }
            };
            environment.push((variable, format!("{url}{path}")));
            environment.push((format!("{name}_API_KEY"), "a-key".to_owned()));
        }
        environment.push(("STT".to_owned(), "deepgram".to_owned()));
        environment.push(("DATA_DIR".to_owned(), folder.path().display().to_string()));
        let layers = Layers {
            environment: environment.into_iter().collect(),
            ..Layers::default()
        };
        let config = Config::load(&layers).unwrap();
        let wanted = engine_config(&config);
        let engines = tokio::task::spawn_blocking(move || Engines::start(wanted).unwrap());
        let engines = Arc::new(engines.await.unwrap());
        let sessions: Box<dyn Switchboard> = Box::new(Sessions {
            engines: Arc::clone(&engines),
            settings: config.engines.clone(),
            company: String::new(),
            record: None,
            pulses: Pulses::new(),
            rest: None,
        });
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        let key = Secret::new("a key of the test's own, long enough");
        let app = Server::new(
            config,
            "ringback",
            address,
            Catalog::built_in(),
            sessions,
            &key,
        );
        Self {
            router: routes::router(app.unwrap()),
            engines,
            _folder: folder,
        }
    }

    async fn health(&self) -> Value {
        let request = Request::get("/health").body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }
}

fn providers(health: &Value) -> [&str; 4] {
    ["deepgram", "openai", "cartesia", "elevenlabs"]
        .map(|name| health["services"][name].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_are_asked_once_for_many_and_never_for_what_costs_money() {
    let twins = twins(&[]).await;
    let served = Served::of(&twins.url()).await;
    for _ in 0..20 {
        let health = served.health().await;
        assert_eq!(providers(&health), ["connected"; 4], "{health}");
        assert_eq!(health["status"], "healthy", "{health}");
    }
    let mut asked: Vec<&str> = Vec::new();
    let requests = twins.requests();
    asked.extend(requests.iter().map(|request| request.endpoint));
    asked.sort_unstable();
    assert_eq!(asked, ["models", "token", "user", "voices"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_and_a_provider_that_is_not_there_are_down() {
    let keys = Provider::ALL.map(|one| (one, "another".to_owned())).into();
    let strict = Twins::start(Options { keys, ..options() }).await.unwrap();
    let health = Served::of(&strict.url()).await.health().await;
    assert_eq!(providers(&health), ["down"; 4], "{health}");
    assert_eq!(health["status"], "degraded", "{health}");
    let told = health["services"].to_string();
    assert!(!told.contains("a-key") && !told.contains("401"), "{told}");

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let health = Served::of(&url).await.health().await;
    assert_eq!(providers(&health), ["down"; 4], "{health}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_only_speak_is_valid_and_busy_or_slow_is_degraded() {
    let twins = twins(&[
        r#"{"provider":"elevenlabs","endpoint":"user","status":401,"body":"{\"detail\":{\"status\":\"missing_permissions\",\"message\":\"The API key you used is missing the permission user_read to execute this operation.\"}}"}"#,
        r#"{"provider":"openai","endpoint":"models","status":403,"body":"{\"error\":{\"message\":\"You have insufficient permissions for this operation. Missing scopes: api.model.read.\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}"}"#,
        r#"{"provider":"cartesia","endpoint":"voices","status":429}"#,
        r#"{"provider":"deepgram","endpoint":"token","half_open":true}"#,
    ])
    .await;
    let served = Served::of(&twins.url()).await;
    let begun = Instant::now();
    let health = served.health().await;
    let expected = ["degraded", "connected", "degraded", "connected"];
    assert_eq!(providers(&health), expected, "{health}");
    assert_eq!(health["status"], "degraded");
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_calls_leave_alone_is_degraded_though_it_answers() {
    let twins = twins(&[r#"{"provider":"deepgram","endpoint":"listen","status":402}"#]).await;
    let served = Served::of(&twins.url()).await;
    assert_eq!(served.health().await["services"]["deepgram"], "connected");
    let catalog = Catalog::built_in();
    let _seats = served.engines.admit(catalog.scenario("parrot").unwrap());
    let begun = Instant::now();
    while served.health().await["services"]["deepgram"] != "degraded" {
        assert!(begun.elapsed() < Duration::from_secs(10));
        tokio::task::yield_now().await;
    }
    assert_eq!(served.health().await["status"], "degraded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_a_providers_place_need_not_have_these_routes() {
    let rules = [
        r#"{"provider":"deepgram","endpoint":"token","status":404}"#,
        r#"{"provider":"openai","endpoint":"models","status":404}"#,
        r#"{"provider":"elevenlabs","endpoint":"user","status":405}"#,
    ];
    let twins = twins(&rules).await;
    let health = Served::of(&twins.url()).await.health().await;
    assert_eq!(providers(&health), ["connected"; 4], "{health}");
}
