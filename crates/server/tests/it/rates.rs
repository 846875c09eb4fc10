//! How often routes may be used, through the public face: by whom, by how many nodes, and what answers say of it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use axum::body::Body;
use axum::extract::Query;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use ringback_server::accounts::{User, Via};
use ringback_server::rates::{
    Counted, Limiter, Now, Rates, Repeat, Use, customer, per_minute, spelled,
};
use ringback_server::routes::{Protection, Route, route, router_of};
use ringback_store::{Location, Role, Store};
use serde::Deserialize;
use serde_json::json;

use crate::accounts::Service;
use crate::cluster::Cluster;
use crate::server::*;

const TABLE: &[Route] = &[
    route("POST", "/auth/login", Protection::Public, || post(answer)).limited(5, Counted::ByAll),
    route("GET", "/protected", Protection::Public, || get(answer)).limited(3, Counted::ByNode),
    route("POST", "/outbound", Protection::Public, || post(answer)).limited(2, Counted::Placing),
    route("GET", "/make-call/{number}", Protection::Public, || {
        get(answer)
    })
    .limited(2, Counted::Placing),
    route("POST", "/make-call/{number}", Protection::Public, || {
        post(answer)
    })
    .limited(2, Counted::Placing),
];

/// What a handler is to answer.
#[derive(Deserialize)]
struct As {
    status: Option<u16>,
    #[serde(default)]
    repeat: bool,
}

async fn answer(Query(wanted): Query<As>) -> impl IntoResponse {
    let status = StatusCode::from_u16(wanted.status.unwrap_or(200)).unwrap();
    let mut response = status.into_response();
    if wanted.repeat {
        response.extensions_mut().insert(Repeat);
    }
    response
}

fn over(server: TestServer) -> TestServer {
    TestServer {
        router: router_of(server.app.clone(), TABLE),
        ..server
    }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

async fn login(server: &TestServer, peer: &str) -> Answer {
    let peer = if peer.contains(':') {
        format!("[{peer}]")
    } else {
        peer.to_owned()
    };
    server
        .ask_from(&peer, request("POST", "/auth/login?status=401", &[]))
        .await
}

fn says(headers: &HeaderMap, name: &str) -> u64 {
    headers[name].to_str().unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn after_a_burst_a_client_waits_for_as_long_as_the_answer_says() {
    let server = over(local().start());
    for left in [4, 3, 2, 1, 0] {
        let answer = login(&server, "192.0.2.1").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(says(&answer.headers, "ratelimit-limit"), 5);
        assert_eq!(says(&answer.headers, "ratelimit-remaining"), left);
        assert_eq!(
            says(&answer.headers, "ratelimit-reset"),
            12 * (5 - left),
            "{left}"
        );
        assert!(!answer.headers.contains_key("retry-after"));
    }
    let answer = login(&server, "192.0.2.1").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        answer.body,
        r#"{"detail":"too many requests: try again in 12 s"}"#
    );
    assert_eq!(says(&answer.headers, "retry-after"), 12);
    assert_eq!(says(&answer.headers, "ratelimit-remaining"), 0);
    assert_eq!(
        login(&server, "192.0.2.2").await.status,
        StatusCode::UNAUTHORIZED,
        "another client"
    );
    tokio::time::advance(Duration::from_millis(11_990)).await;
    assert_eq!(
        login(&server, "192.0.2.1").await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    tokio::time::advance(Duration::from_millis(10)).await;
    assert_eq!(
        login(&server, "192.0.2.1").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_client_of_ipv6_is_its_64_bits_and_one_of_ipv4_is_itself_in_any_spelling() {
    let server = over(local().start());
    for last in 1..=5 {
        let peer = format!("2001:db8:1:2::{last}");
        assert_eq!(login(&server, &peer).await.status, StatusCode::UNAUTHORIZED);
    }
    let refused = StatusCode::TOO_MANY_REQUESTS;
    assert_eq!(login(&server, "2001:db8:1:2:ffff::9").await.status, refused);
    assert_eq!(
        login(&server, "2001:db8:1:3::1").await.status,
        StatusCode::UNAUTHORIZED
    );
    for _ in 0..5 {
        login(&server, "::ffff:192.0.2.9").await;
    }
    assert_eq!(login(&server, "192.0.2.9").await.status, refused);
    let written = |address: &str| spelled(customer(address.parse().unwrap()));
    assert_eq!(written("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
    assert_eq!(written("::ffff:192.0.2.9"), "192.0.2.9");
}

#[tokio::test]
async fn what_a_stranger_says_of_where_it_comes_from_changes_nothing() {
    let server = over(local().with("TRUSTED_PROXIES", "10.0.0.0/8").start());
    let ask = async |peer: &str, told: &str| {
        let headers = [("x-forwarded-for", told)];
        let request = request("POST", "/auth/login", &headers);
        server.ask_from(peer, request).await.status
    };
    for last in 0..5 {
        let told = format!("198.51.100.{last}");
        assert_eq!(ask("192.0.2.1", &told).await, StatusCode::OK);
    }
    assert_eq!(
        ask("192.0.2.1", "198.51.100.99").await,
        StatusCode::TOO_MANY_REQUESTS
    );
    for last in 0..7 {
        let told = format!("203.0.113.{last}");
        assert_eq!(ask("10.0.0.1", &told).await, StatusCode::OK, "a proxy");
    }
}

#[tokio::test]
async fn a_user_is_counted_wherever_they_come_from() {
    let server = over(local().start());
    let ask = async |peer: &str, user: &str| {
        let mut request = request("GET", "/protected", &[]);
        request.extensions_mut().insert(User {
            id: user.to_owned(),
            email: format!("{user}@example.org"),
            role: Role::User,
            via: Via::Local,
        });
        server.ask_from(peer, request).await.status
    };
    for peer in ["192.0.2.1", "192.0.2.2", "2001:db8::1"].map(|peer| match peer.contains(':') {
        true => format!("[{peer}]"),
        false => peer.to_owned(),
    }) {
        assert_eq!(ask(&peer, "ann").await, StatusCode::OK);
    }
    assert_eq!(ask("192.0.2.3", "ann").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ask("192.0.2.1", "bob").await, StatusCode::OK);
}

#[tokio::test]
async fn what_calls_nobody_does_not_count_where_calls_are_placed() {
    let server = over(local().start());
    let ask = async |query: &str| {
        let path = format!("/outbound{query}");
        server
            .ask_from("192.0.2.1", request("POST", &path, &[]))
            .await
    };
    for query in ["?status=401", "?status=403", "?status=422", "?repeat=true"] {
        for _ in 0..3 {
            let answer = ask(query).await;
            assert_ne!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{query}");
            assert_eq!(says(&answer.headers, "ratelimit-remaining"), 2, "{query}");
        }
    }
    assert_eq!(ask("?status=404").await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask("").await.status, StatusCode::OK);
    assert_eq!(ask("").await.status, StatusCode::TOO_MANY_REQUESTS);
    let place = async |method: &str, number: u8| {
        let path = format!("/make-call/{number}");
        server
            .ask_from("192.0.2.1", request(method, &path, &[]))
            .await
            .status
    };
    assert_eq!(place("GET", 1).await, StatusCode::OK);
    assert_eq!(place("POST", 2).await, StatusCode::OK);
    let third = place("GET", 3).await;
    assert_eq!(
        third,
        StatusCode::TOO_MANY_REQUESTS,
        "both methods and all numbers are one route"
    );
}

#[tokio::test]
async fn limits_are_turned_off_and_changed_by_setting() {
    let names = ["auth.login", "protected"].map(str::to_owned);
    let off = over(local().with("RATE_LIMITS", "off").start());
    for _ in 0..50 {
        let answer = login(&off, "192.0.2.1").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(!answer.headers.contains_key("ratelimit-limit"));
    }
    let rates = Rates::parse("auth.login=1/h,protected=off", &names).unwrap();
    let login = rates.quota("auth.login", TABLE[0].limit.unwrap()).unwrap();
    assert_eq!((login.uses, login.period), (1, 3_600_000_000));
    assert_eq!(rates.quota("protected", TABLE[1].limit.unwrap()), None);
}

/// As many servers at one database.
async fn nodes(url: &str, folder: &tempfile::TempDir, count: usize) -> Vec<TestServer> {
    let mut nodes = Vec::new();
    for node in 0..count {
        let server = over(local().start());
        let dir = folder.path().join(node.to_string());
        std::fs::create_dir(&dir).unwrap();
        let store = Store::open(Location::parse(url, folder.path()).unwrap()).unwrap();
        store.migrate(0).await.unwrap();
        server.app.rows.open(store, &dir).await.unwrap();
        nodes.push(server);
    }
    nodes
}

/// Five sign-ins are taken by all of them together; what is not for all, each takes for itself.
async fn check_nodes(url: &str, folder: &tempfile::TempDir) {
    let nodes = nodes(url, folder, 3).await;
    let mut taken = 0;
    for node in nodes.iter().cycle().take(12) {
        match login(node, "192.0.2.1").await.status {
            StatusCode::UNAUTHORIZED => taken += 1,
            status => assert_eq!(status, StatusCode::TOO_MANY_REQUESTS),
        }
    }
    assert_eq!(taken, 5);
    for node in &nodes {
        let answer = login(node, "192.0.2.1").await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert!((1..=12).contains(&says(&answer.headers, "retry-after")));
        for _ in 0..3 {
            let request = request("GET", "/protected", &[]);
            assert_eq!(node.ask_from("192.0.2.1", request).await.status, 200);
        }
    }
    let calls = ["?status=422", "", "?repeat=true", "", ""];
    let mut statuses = Vec::new();
    for (node, query) in nodes.iter().cycle().zip(calls) {
        let request = request("POST", &format!("/outbound{query}"), &[]);
        statuses.push(node.ask_from("192.0.2.1", request).await.status.as_u16());
    }
    assert_eq!(statuses, [422, 200, 200, 200, 429]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_at_one_sqlite_file_count_together() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("all.db").display());
    check_nodes(&url, &folder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_at_one_postgresql_count_together() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    let url = cluster.create("ringback");
    let folder = tempfile::tempdir().unwrap();
    check_nodes(&url, &folder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_database_is_down_counts_by_itself_and_does_not_wait_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://x@{}/x", free.local_addr().unwrap());
    let location = Location::parse(&url, folder.path()).unwrap();
    let store = Store::open(location).unwrap();
    let limiter = Limiter::default();
    let what = Use {
        name: "auth.login 192.0.2.1".to_owned(),
        quota: per_minute(5),
        by_all: true,
    };
    let now = |seconds: i64| Now {
        steady: seconds * 1_000_000,
        of_day: 1_795_000_000_000_000,
    };
    let begun = std::time::Instant::now();
    for _ in 0..5 {
        assert!(limiter.take(Some(&store), &what, now(0)).await.allowed);
    }
    let refused = limiter.take(Some(&store), &what, now(0)).await;
    assert!(!refused.allowed && refused.retry_after == 12_000_000);
    let waited = begun.elapsed();
    assert!(waited < Duration::from_millis(1_500), "{waited:?}");
    assert!(limiter.take(Some(&store), &what, now(12)).await.allowed);
    drop(free);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_that_all_nodes_refuse_is_not_counted_twice_by_the_one_that_asked() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(Location::parse("", folder.path()).unwrap()).unwrap();
    let at = 1_795_000_000_000_000;
    store.migrate(at).await.unwrap();
    let what = Use {
        name: "x".to_owned(),
        quota: per_minute(2),
        by_all: true,
    };
    let now = |seconds: i64| Now {
        steady: seconds * 1_000_000,
        of_day: at + seconds * 1_000_000,
    };
    let (one, other) = (Limiter::default(), Limiter::default());
    for _ in 0..2 {
        assert!(one.take(Some(&store), &what, now(0)).await.allowed);
    }
    for _ in 0..20 {
        assert!(!other.take(Some(&store), &what, now(0)).await.allowed);
    }
    assert!(!other.look(Some(&store), &what, now(29)).await.allowed);
    assert!(other.look(Some(&store), &what, now(30)).await.allowed);
    assert!(other.take(Some(&store), &what, now(30)).await.allowed);
    one.forget(Some(&store), &what, now(30)).await;
    assert_eq!(one.take(Some(&store), &what, now(30)).await.remaining, 1);
}

#[tokio::test]
async fn what_costs_money_is_bounded_for_each_user() {
    let routes = [
        ("POST", "/conversations"),
        ("POST", "/conversations/none/messages"),
        ("POST", "/speech-to-text"),
        ("POST", "/text-to-speech"),
        ("POST", "/whisper/transcribe"),
        ("POST", "/scenarios/import"),
        ("PUT", "/realtime/custom-scenario/none"),
    ];
    // Any limit can be set; those of the table stand in the snapshot of routes.
    let names = routes.map(|(_, path)| {
        path.replace("/none", "")
            .replacen('/', "", 1)
            .replace('/', ".")
    });
    let limits = names.map(|name| format!("{name}=2/day")).join(",");
    let setup = local().with("REGISTRATION", "open");
    let limits = format!("{limits},auth.login=1000/s").leak();
    let service = Service::start(setup.with("RATE_LIMITS", limits)).await;
    let mut tokens = Vec::new();
    for email in ["ada@example.org", "bob@example.org"] {
        service.register(email).await;
        tokens.push(service.log_in(email).await.access);
    }
    for (method, path) in routes {
        let ask = async |who: usize| {
            service
                .ask(method, path, Some(&tokens[who]), json!({}))
                .await
        };
        for _ in 0..2 {
            let told = ask(0).await;
            assert_ne!(told.status, 429, "{path}");
            assert_eq!(told.headers["ratelimit-limit"], "2", "{path}");
        }
        let refused = ask(0).await;
        assert_eq!(refused.status, 429, "{path}");
        assert!(refused.headers.contains_key("retry-after"), "{path}");
        assert_ne!(ask(1).await.status, 429, "{path}: another user's");
    }
}
