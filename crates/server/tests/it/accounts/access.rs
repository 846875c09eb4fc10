//! Registering, signing in, going on, ending; and who is let in.

use std::time::{Duration, Instant};

use axum::body::Body;
use ringback_server::accounts::unclaimed;
use ringback_server::database::now;
use ringback_store::{Location, Role, Store, UserChange};
use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn the_first_who_registers_becomes_admin_and_nobody_after() {
    let service = Service::start(local()).await;
    let ada = service.register(ADA).await;
    assert_eq!(
        (&ada["email"], &ada["role"]),
        (&json!(ADA), &json!("admin"))
    );
    assert!(ada["created_at"].as_str().unwrap().ends_with('Z'), "{ada}");
    assert_eq!(ada.as_object().unwrap().len(), 4, "{ada}");
    for email in [BOB, ADA] {
        let body = json!({"email": email, "password": SECRET});
        let told = service.ask("POST", "/auth/register", None, body).await;
        assert_eq!(told.status, 403, "{told:?}");
    }
    let closed = Service::start(local().with("REGISTRATION", "closed")).await;
    let body = json!({"email": ADA, "password": SECRET});
    let told = closed.ask("POST", "/auth/register", None, body).await;
    assert_eq!(told.status, 403, "{told:?}");
}

#[tokio::test]
async fn a_server_that_others_reach_says_at_its_start_that_nobody_is_its_admin_yet() {
    const KEY: (&str, &str) = ("SECRET_KEY", "41f0c3a7b2d95e86f3a1c4d7e2b5a896");
    let beyond = || local().with("HOST", "0.0.0.0").with(KEY.0, KEY.1);
    let warning = async |setup: Setup| {
        let service = Service::start(setup).await;
        let before = unclaimed(&service.server.app).await;
        if before.is_some() {
            service.register(ADA).await;
            assert_eq!(unclaimed(&service.server.app).await, None);
        }
        before
    };
    for (setup, named) in [
        (beyond(), "(REGISTRATION=first-user, HOST=0.0.0.0)"),
        (
            beyond().with("REGISTRATION", "open"),
            "(REGISTRATION=open, HOST=0.0.0.0)",
        ),
        (local().with("PUBLIC_URL", BASE), BASE),
    ] {
        let told = warning(setup).await.unwrap();
        assert!(
            told.contains(named) && told.contains("ringback user add") && !told.contains('\n'),
            "{told}"
        );
    }
    assert_eq!(warning(local()).await, None);
    let closed = beyond().with("REGISTRATION", "closed");
    assert_eq!(warning(closed).await, None);
    // Without a database nobody knows.
    assert_eq!(unclaimed(&beyond().start().app).await, None);
}

#[tokio::test]
async fn of_many_who_register_at_once_one_is_first() {
    let service = Service::start(local()).await;
    let tries = (0..4).map(|number| {
        let body = json!({"email": format!("user{number}@example.org"), "password": SECRET});
        service.ask("POST", "/auth/register", None, body)
    });
    let mut statuses: Vec<u16> = futures_util::future::join_all(tries)
        .await
        .iter()
        .map(|told| told.status)
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 403, 403, 403]);
}

#[tokio::test]
async fn an_open_server_takes_everybody_once() {
    let service = open().await;
    assert_eq!(service.register(ADA).await["role"], "admin");
    assert_eq!(service.register(BOB).await["role"], "user");
    let body = json!({"email": " BOB@Example.org", "password": SECRET});
    let told = service.ask("POST", "/auth/register", None, body).await;
    assert_eq!(told.status, 409, "{told:?}");
}

#[tokio::test]
async fn what_does_not_do_for_an_account_is_told_by_field() {
    let service = open().await;
    for (body, field, kind) in [
        (
            json!({"email": "x", "password": SECRET}),
            "email",
            "value_error",
        ),
        (
            json!({"email": ADA, "password": "short"}),
            "password",
            "value_error",
        ),
        (
            json!({"email": ADA, "password": "password123"}),
            "password",
            "value_error",
        ),
        (json!({"email": ADA}), "password", "missing"),
        (
            json!({"email": ADA, "password": 12_345_678}),
            "password",
            "value_error",
        ),
    ] {
        let told = service
            .ask("POST", "/auth/register", None, body.clone())
            .await;
        let error = &told.json["detail"][0];
        assert_eq!(told.status, 422, "{body}: {told:?}");
        assert_eq!(error["loc"], json!(["body", field]), "{body}: {told:?}");
        assert_eq!(error["type"], kind, "{body}: {told:?}");
    }
    assert_eq!(
        service
            .store
            .user_list(Page::default())
            .await
            .unwrap()
            .total,
        0
    );
}

#[tokio::test]
async fn who_signed_in_is_known_until_they_log_out() {
    let service = open().await;
    let ada = service.register(ADA).await;
    for email in [ADA, " ADA@example.org "] {
        let session = service.log_in(email).await;
        let me = service.get("/users/me", &session.access).await;
        assert_eq!((me.status, &me.json), (200, &ada));
        let told = service.get("/protected", &session.access).await;
        assert_eq!((told.status, &told.json["user"]), (200, &ada));
        let access = Some(&*session.access);
        let told = service
            .ask("POST", "/auth/logout", access, Value::Null)
            .await;
        assert_eq!(told.status, 200, "{told:?}");
        assert_unknown(&service.get("/users/me", &session.access).await);
        assert_unknown(&service.refresh(&session.refresh).await);
    }
    let acts = service.acts("logout").await;
    assert_eq!(acts.len(), 2);
    assert_eq!(acts[0].address.as_deref(), Some("192.0.2.7"));
    assert!(acts[0].request_id.is_some());
    assert_eq!(acts[0].actor.as_deref(), ada["id"].as_str());
}

#[tokio::test]
async fn failed_and_good_sign_ins_are_written_down_without_what_was_typed() {
    let service = open().await;
    let ada = service.register(ADA).await;
    for email in [ADA, BOB, "my other password"] {
        assert_unknown(&service.try_log_in(email, "not this one").await);
    }
    service.log_in(ADA).await;
    let failed = service.acts_to_come("login.failed", 3).await;
    let mut subjects: Vec<&str> = failed.iter().map(|act| act.subject.as_str()).collect();
    subjects.sort_unstable();
    let mut expected = ["", ada["id"].as_str().unwrap(), BOB];
    expected.sort_unstable();
    assert_eq!(subjects, expected);
    assert!(failed.iter().all(|act| act.actor.is_none()));
    assert_eq!(service.acts("login").await.len(), 1);
    let filter = AuditFilter::default();
    let all = service.store.audit_list(&filter, Page::default()).await;
    let all = format!("{:?}", all.unwrap());
    assert!(
        !all.contains("password") && !all.contains("not this one"),
        "{all}"
    );
}

#[tokio::test]
async fn the_password_form_of_oauth2_signs_in() {
    let service = open().await;
    service.register(ADA).await;
    let post = |form: &str, kind: &str| {
        request("POST", "/token")
            .header("content-type", kind)
            .body(Body::from(form.to_owned()))
            .unwrap()
    };
    let form = "application/x-www-form-urlencoded";
    let filled = "username=ada%40example.org&password=a+good+long+sentence";
    for (body, kind, status) in [
        (filled, form, 200),
        (&*format!("grant_type=password&scope=&{filled}"), form, 200),
        (
            &*format!("grant_type=client_credentials&{filled}"),
            form,
            422,
        ),
        ("username=ada%40example.org", form, 422),
        ("username=ada%40example.org&password=other", form, 401),
        (filled, "application/json", 415),
    ] {
        let told = service.send("192.0.2.7", post(body, kind)).await;
        assert_eq!(told.status, status, "{body} {kind}: {told:?}");
        if status == 200 {
            let session = Session::of(&told.json);
            assert_eq!(service.get("/users/me", &session.access).await.status, 200);
            assert_eq!(told.json["expires_in"], 900);
        }
    }
}

#[tokio::test]
async fn a_refresh_token_gives_the_next_pair_once() {
    let service = open().await;
    service.register(ADA).await;
    let first = service.log_in(ADA).await;
    let told = service.refresh(&first.refresh).await;
    assert_eq!(told.status, 200, "{told:?}");
    let second = Session::of(&told.json);
    assert_ne!(first.refresh, second.refresh);
    assert_eq!(service.get("/users/me", &second.access).await.status, 200);
    let other = service.log_in(ADA).await;

    assert_unknown(&service.refresh(&first.refresh).await);
    for gone in [&first.access, &second.access] {
        assert_unknown(&service.get("/users/me", gone).await);
    }
    assert_unknown(&service.refresh(&second.refresh).await);
    assert_eq!(service.acts("refresh.reused").await.len(), 1);
    assert_eq!(service.get("/users/me", &other.access).await.status, 200);
    assert_eq!(service.refresh(&other.refresh).await.status, 200);
}

#[tokio::test]
async fn of_many_who_bring_one_refresh_token_at_once_one_at_most_goes_on() {
    let service = open().await;
    service.register(ADA).await;
    let session = service.log_in(ADA).await;
    let tries = (0..8).map(|_| service.refresh(&session.refresh));
    let told = futures_util::future::join_all(tries).await;
    let good: Vec<Session> = told
        .iter()
        .filter(|told| told.status == 200)
        .map(|told| Session::of(&told.json))
        .collect();
    assert_eq!(good.len(), 1, "{told:?}");
    assert_unknown(&service.refresh(&good[0].refresh).await);
}

#[tokio::test]
async fn who_is_shut_out_or_demoted_elsewhere_loses_their_power_within_seconds() {
    let service = open().await;
    service.register(BOB).await;
    let id = service.register(ADA).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let session = service.log_in(ADA).await;
    assert_eq!(service.get("/users/me", &session.access).await.status, 200);
    let change = UserChange {
        disabled: Some(true),
        ..UserChange::default()
    };
    let changed = Instant::now();
    service.store.user_change(&id, change, now()).await.unwrap();
    crate::simulated::until("the change", async || {
        let status = service.get("/users/me", &session.access).await.status;
        (status == 401).then_some(())
    })
    .await;
    assert!(changed.elapsed() < Duration::from_secs(8));
    assert_unknown(&service.refresh(&session.refresh).await);
    let told = service.try_log_in(ADA, SECRET).await;
    assert_eq!(told.status, 403, "{told:?}");
    assert_unknown(&service.try_log_in(ADA, "another password").await);
}

#[tokio::test]
async fn a_caller_on_this_machine_is_the_first_user_only_where_api_auth_is_off() {
    let here = |service: &Service, headers: &[(&str, &str)]| {
        let request = Request::get("/users/me").header("host", "localhost:8080");
        let add =
            |request: request::Builder, (name, value): &(&str, &str)| request.header(*name, *value);
        let request = headers.iter().fold(request, add);
        let request = request.body(Body::empty()).unwrap();
        let server = service.server.router.clone();
        async move {
            use axum::extract::ConnectInfo;
            use tower::ServiceExt as _;
            let mut request = request;
            let peer: std::net::SocketAddr = "127.0.0.1:50000".parse().unwrap();
            request.extensions_mut().insert(ConnectInfo(peer));
            server.oneshot(request).await.unwrap().status().as_u16()
        }
    };
    let on = open().await;
    on.register(ADA).await;
    assert_eq!(here(&on, &[]).await, 401);
    let off = Service::start(local().with("API_AUTH", "off")).await;
    assert_eq!(here(&off, &[]).await, 401, "there is no user yet");
    let ada = off.register(ADA).await;
    assert_eq!(here(&off, &[]).await, 200);
    for (name, value) in [
        ("authorization", "Bearer x"),
        ("authorization", "Basic x"),
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        assert_eq!(here(&off, &[(name, value)]).await, 401, "{name}: {value}");
    }
    let told = off.ask("GET", "/users/me", None, Value::Null).await;
    assert_unknown(&told);
    assert_eq!(ada["role"], "admin");
}

#[tokio::test]
async fn a_database_that_is_gone_is_told_quickly_and_with_when_to_come_again() {
    let without = local().start();
    let body = json!({"email": ADA, "password": SECRET}).to_string();
    let post = |path: &str| {
        request("POST", path)
            .header("content-type", "application/json")
            .body(Body::from(body.clone()))
            .unwrap()
    };
    for path in ["/auth/login", "/auth/register"] {
        let answer = without.ask_from("192.0.2.7", post(path)).await;
        assert_eq!(answer.status, 503, "{path}");
        assert!(answer.headers.contains_key("retry-after"), "{path}");
    }
    // Nobody listens at this port.
    let folder = tempfile::tempdir().unwrap();
    let location = Location::parse("postgres://nobody@127.0.0.1:1/none", folder.path()).unwrap();
    let server = local().start();
    let store = Store::open(location).unwrap();
    server.app.rows.open(store, folder.path()).await.unwrap();
    for path in ["/auth/login", "/auth/register"] {
        let begun = Instant::now();
        let answer = server.ask_from("192.0.2.7", post(path)).await;
        assert_eq!(answer.status, 503, "{path}: {}", answer.body);
        assert!(answer.headers.contains_key("retry-after"), "{path}");
        assert!(!answer.body.contains("postgres"), "{}", answer.body);
        assert!(begun.elapsed() < Duration::from_secs(4), "{path}");
    }
}

#[tokio::test]
async fn roles_are_read_from_the_database_and_not_from_the_token() {
    let service = open().await;
    service.register(ADA).await;
    let bob = service.register(BOB).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let change = UserChange {
        role: Some(Role::Admin),
        ..UserChange::default()
    };
    let before = service.log_in(BOB).await;
    service
        .store
        .user_change(&bob, change, now())
        .await
        .unwrap();
    service.server.app.accounts.forget();
    assert_unknown(&service.get("/users/me", &before.access).await);
    let told = service.refresh(&before.refresh).await;
    let session = Session::of(&told.json);
    let me = service.get("/users/me", &session.access).await;
    assert_eq!(me.json["role"], "admin");
}
