#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::body::Body;
use axum::http::{Request, StatusCode};
use ringback_server::routes::{Protection, ROUTES};

use crate::server::*;

#[test]
fn every_route_is_listed_with_its_protection_the_bytes_it_takes_and_its_limit() {
    let lines: Vec<String> = ROUTES
        .iter()
        .map(|route| {
            let protection = format!("{:?}", route.protection);
            let limit = route.limit.map_or_else(String::new, |limit| {
                format!(" {}/min {:?}", limit.a_minute, limit.counted)
            });
            format!(
                "{:<5} {:<32} {protection:<16} {}{limit}",
                route.method, route.path, route.body
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    GET   /                                Public           0
    POST  /                                Carrier          65536
    POST  /call/inbound/receive/{bot_id}   Carrier          65536
    POST  /resume/{token}                  Carrier          65536
    POST  /amd-callback                    Carrier          65536
    GET   /ws                              CarrierAndToken  0
    GET   /ws/{bot_id}/audio/stream        CarrierAndToken  0
    GET   /calls                           User             0
    GET   /calls/{id}                      User             0
    GET   /calls/{id}/events               UserOrLink       0
    GET   /calls/{id}/recording            UserOrLink       0
    GET   /calls/{id}/trace                User             0
    GET   /calls/{id}/transcript           User             0
    POST  /calls/{id}/links                User             0
    POST  /calls/{id}/hangup               User             0 10/min ByNode
    POST  /calls/{id}/transfer             User             16384 10/min ByNode
    POST  /calls/{id}/say                  User             16384 10/min ByNode
    POST  /calls/{id}/whisper              User             16384 10/min ByNode
    GET   /local/calls/{id}                Local            0
    POST  /conversations                   User             65536 20/min ByNode
    GET   /conversations/{id}              User             0
    DELETE /conversations/{id}              User             0
    POST  /conversations/{id}/messages     User             65536 60/min ByNode
    POST  /speech-to-text                  User             134283264 60/min ByNode
    POST  /text-to-speech                  User             65536 60/min ByNode
    POST  /whisper/transcribe              User             26279936 60/min ByNode
    GET   /health                          Public           0
    GET   /metrics                         MetricsToken     0
    GET   /live                            Public           0
    GET   /ready                           Public           0
    GET   /openapi.json                    Public           0
    GET   /docs                            Public           0
    GET   /docs/{file}                     Public           0
    POST  /auth/register                   Public           16384 5/min ByAll
    POST  /auth/login                      Public           16384 5/min ByAll
    POST  /auth/refresh                    Public           16384 10/min ByAll
    POST  /auth/logout                     User             0
    POST  /token                           Public           16384 5/min ByAll
    GET   /users/me                        User             0
    GET   /protected                       User             0 5/min ByAll
    POST  /users/me/password               User             16384 10/min ByAll
    GET   /users/me/api-keys               User             0 10/min ByAll
    POST  /users/me/api-keys               User             16384 10/min ByAll
    DELETE /users/me/api-keys/{id}          User             0 10/min ByAll
    GET   /admin/users                     Admin            0
    POST  /admin/users                     Admin            16384
    PATCH /admin/users/{id}                Admin            16384
    DELETE /admin/users/{id}                Admin            0
    GET   /admin/audit                     Admin            0
    GET   /auth/captcha-key                Public           0
    GET   /admin/ip-blocks                 Admin            0
    POST  /admin/ip-blocks                 Admin            4096
    DELETE /admin/ip-blocks                 Admin            0
    POST  /admin/erase                     Admin            4096
    POST  /incoming-call/{scenario}        Carrier          65536
    GET   /incoming-call/{scenario}        Carrier          0
    POST  /incoming-call-webhook/{scenario} Carrier          65536
    GET   /incoming-call-webhook/{scenario} Carrier          0
    POST  /incoming-custom-call/{scenario_id} Carrier          65536
    GET   /incoming-custom-call/{scenario_id} Carrier          0
    GET   /media-stream/{scenario}         CarrierAndToken  0
    GET   /media-stream-custom/{scenario_id} CarrierAndToken  0
    POST  /realtime/custom-scenario        User             262144 10/min ByNode
    GET   /realtime/custom-scenarios       User             0
    GET   /realtime/custom-scenario/{id}   User             0
    PUT   /realtime/custom-scenario/{id}   User             262144 30/min ByNode
    DELETE /realtime/custom-scenario/{id}   User             0
    GET   /scenarios                       User             0
    POST  /scenarios/import                User             262144 10/min ByNode
    GET   /scenarios/{id}                  User             0
    GET   /scenarios/{id}/versions         User             0
    GET   /scenarios/{id}/export           User             0
    ");
}

#[tokio::test]
async fn a_call_that_ended_is_told_to_a_caller_on_this_machine() {
    let server = local().start();
    let ask = |id: &str| {
        Request::builder()
            .uri(format!("/local/calls/{id}"))
            .header("host", "127.0.0.1")
            .body(Body::empty())
            .unwrap()
    };
    let answer = server.ask_from("127.0.0.1", ask("CA1")).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let summary = serde_json::json!({"call_sid": "CA1", "from": "+15005550001", "turns": []});
    server.app.desk.recent.keep(summary);
    let answer = server.ask_from("127.0.0.1", ask("CA1")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("CA1") && !answer.body.contains("5550001"));
}

#[tokio::test]
async fn no_protected_route_lets_a_stranger_in() {
    let (with_token, without) = (signed().start(), local().start());
    for route in ROUTES
        .iter()
        .filter(|route| route.protection != Protection::Public)
    {
        let path = route
            .path
            .replace("{bot_id}", "parrot")
            .replace("{token}", "x");
        for server in [&with_token, &without] {
            let request = Request::builder()
                .method(route.method)
                .uri(&path)
                .header("host", "agent.example.test");
            let answer = server
                .ask_from("192.0.2.1", request.body(Body::empty()).unwrap())
                .await;
            let expected = match route.protection {
                Protection::User | Protection::UserOrLink | Protection::Admin => {
                    StatusCode::UNAUTHORIZED
                }
                Protection::Public
                | Protection::Carrier
                | Protection::CarrierAndToken
                | Protection::Local
                | Protection::MetricsToken => StatusCode::FORBIDDEN,
            };
            assert_eq!(answer.status, expected, "{} {path}", route.method);
        }
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_taken_is_said_in_json() {
    let server = local().start();
    let answer = server.get("/nothing/here").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (
            StatusCode::NOT_FOUND,
            r#"{"detail":"there is nothing at this path"}"#
        )
    );
    for path in ["/resume/x", "/call/inbound/receive/parrot"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(
            answer.body,
            r#"{"detail":"this path does not take this method"}"#
        );
        assert_eq!(answer.headers["allow"], "POST");
    }
}

#[tokio::test]
async fn a_request_has_an_id_in_and_out() {
    let server = local().start();
    let ask = async |id: &str| {
        let request = Request::get("/live")
            .header("x-request-id", id)
            .body(Body::empty())
            .unwrap();
        server.ask(request).await.headers["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(ask("abc-1.2_3").await, "abc-1.2_3");
    for odd in ["", "a b", "<x>", &"x".repeat(65)] {
        let id = ask(odd).await;
        assert!(id != odd && id.len() == 36, "{id}");
    }
}
