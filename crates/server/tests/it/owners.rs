//! Nobody reads, changes or learns of what is another's: on every route of the table.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::body::Body;
use axum::http::Request;
use reqwest::Method;
use ringback_call::Direction;
use ringback_server::routes::{Protection, ROUTES, Route};
use ringback_session::written::Written;
use ringback_store::{Location, Store};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::accounts::{ADA, BOB, SECRET, Told};
use crate::conversations::{PARROT, about, asker, engines, scenario, untold};
use crate::following::{Desk, NOW};
use crate::server::*;
use crate::simulated::{GREETING, Simulated, until};

const EVE: &str = "eve@example.org";
/// Of nothing.
const NOTHING: &str = "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11";

/// A server with an admin (Ada), a user who has one of everything (Bob), and another user (Eve).
struct Town {
    desk: Desk,
    eve: String,
    conversation: String,
    scenario: String,
    key: String,
}

fn written(folder: &std::path::Path) -> Written {
    let written =
        engines(folder).write(Uuid::now_v7(), &scenario(PARROT), Direction::Inbound, "Us");
    written.unwrap()
}

impl Town {
    async fn new() -> Self {
        let desk = Desk::at("").await;
        desk.call("1", None, NOW).await;
        desk.call("2", Some(&desk.bobs_id), NOW).await;
        let service = &desk.service;
        service.register(EVE).await;
        let eve = service.log_in(EVE).await.access;
        let bob = Some(&*desk.bob);
        let body = json!({"slug": "bobs", "persona": "p", "prompt": "p", "voice_config": {"voice": "alloy"}});
        let made = service.ask("POST", "/realtime/custom-scenario", bob, body);
        let made = made.await.json["id"].as_str().unwrap().to_owned();
        let body = json!({"name": "bobs"});
        let key = service.ask("POST", "/users/me/api-keys", bob, body).await;
        let key = key.json["id"].as_str().unwrap().to_owned();
        let about = about(&desk.bobs_id);
        let conversation = about.id.to_string();
        let folder = tempfile::tempdir().unwrap();
        let all = &service.server.app.desk.conversations;
        let mut turn = all.begin(about, written(folder.path()), untold()).unwrap();
        while turn.next().await.is_some() {}
        drop(turn);
        Self {
            eve,
            conversation,
            scenario: made,
            key,
            desk,
        }
    }

    /// The id of what Bob has of this kind.
    fn id(&self, route: &Route) -> &str {
        for (beginning, id) in [
            ("/calls/", "2"),
            ("/conversations/", &self.conversation),
            ("/realtime/custom-scenario/", &self.scenario),
            ("/scenarios/", &self.scenario),
            ("/users/me/api-keys/", &self.key),
        ] {
            if route.path.starts_with(beginning) {
                return id;
            }
        }
        panic!("whose is it at {}? This test has to know", route.path)
    }

    async fn ask(&self, route: &Route, id: &str, token: &str) -> Told {
        let path = route.path.replace("{id}", id);
        let body = body_of(route);
        let service = &self.desk.service;
        service.ask(route.method, &path, Some(token), body).await
    }
}

/// What a route to one thing is asked with.
fn body_of(route: &Route) -> Value {
    match (route.method, route.path) {
        ("PUT", _) => json!({"prompt": "Eve's."}),
        (_, "/conversations/{id}/messages" | "/calls/{id}/say" | "/calls/{id}/whisper") => {
            json!({"text": "Hello"})
        }
        (_, "/calls/{id}/transfer") => json!({"to": "+15005550009"}),
        _ => Value::Null,
    }
}

/// Routes of users to one thing, reading before changing before deleting.
fn of_one_thing() -> Vec<&'static Route> {
    let of_users = |route: &&Route| {
        matches!(route.protection, Protection::User | Protection::UserOrLink)
            && route.path.contains('{')
    };
    let mut routes: Vec<_> = ROUTES.iter().filter(of_users).collect();
    let order = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    routes.sort_by_key(|route| order.iter().position(|method| *method == route.method));
    assert!(routes.len() > 15, "{}", routes.len());
    routes
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_is_answered_like_what_is_not_there_on_every_route() {
    let town = Town::new().await;
    let routes = of_one_thing();
    for route in &routes {
        let what = format!("{} {}", route.method, route.path);
        let bobs = town.ask(route, town.id(route), &town.eve).await;
        assert_eq!(bobs.status, 404, "{what}: {bobs:?}");
        let nothing = town.ask(route, NOTHING, &town.eve).await;
        assert_eq!((nothing.status, nothing.json), (404, bobs.json), "{what}");
    }
    // What Eve tried came to nothing, and Bob may do all of it.
    for route in &routes {
        let told = town.ask(route, town.id(route), &town.desk.bob).await;
        let what = format!("{} {}", route.method, route.path);
        // A call that is over cannot be told what to do.
        let acts = ["hangup", "say", "transfer", "whisper"];
        let act = route.path.strip_prefix("/calls/{id}/");
        let over = act.is_some_and(|act| acts.contains(&act)) && told.status == 409;
        assert!(told.status < 300 || over, "{what}: {told:?}");
        if what == "GET /scenarios/{id}" {
            assert_eq!(told.json["prompt"], "p");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_what_users_have_but_for_their_keys() {
    let town = Town::new().await;
    for route in of_one_thing() {
        let told = town.ask(route, town.id(route), &town.desk.ada).await;
        let what = format!("{} {}", route.method, route.path);
        if route.path.contains("api-keys") {
            assert_eq!(told.status, 404, "{what}: {told:?}");
        } else {
            assert!(told.status < 300 || told.status == 409, "{what}: {told:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_what_is_ones_own_whatever_they_are_asked_for() {
    let town = Town::new().await;
    let service = &town.desk.service;
    for (path, of_bob) in [
        ("/calls", 1),
        ("/realtime/custom-scenarios", 1),
        ("/users/me/api-keys", 1),
    ] {
        let bobs = service.get(path, &town.desk.bob).await;
        assert_eq!(bobs.json.as_array().unwrap().len(), of_bob, "{bobs:?}");
        let eves = service.get(path, &town.eve).await;
        assert_eq!((eves.status, &eves.json), (200, &json!([])), "{path}");
    }
    let scenarios = service.get("/scenarios?limit=200", &town.eve).await.json;
    let all = scenarios.as_array().unwrap();
    assert!(!all.is_empty() && all.iter().all(|one| one["slug"] != "bobs"));
    for value in [
        "x'%20OR%20'1'='1",
        "x'%20OR%20owner%20IS%20NOT%20NULL%20--",
        "%25",
        "%00",
        "_",
        "survey'%20UNION%20SELECT%20*%20FROM%20calls%20--",
    ] {
        for name in [
            "number",
            "scenario",
            "status",
            "direction",
            "since",
            "until",
        ] {
            let path = format!("/calls?{name}={}", value.replace('\'', "%27"));
            let told = service.get(&path, &town.desk.bob).await;
            let found = told.json.as_array().map_or(0, Vec::len);
            assert!(
                found == 0 && [200, 422].contains(&told.status),
                "{path}: {told:?}"
            );
        }
    }
    let owner = format!("/calls?owner={}", town.desk.bobs_id);
    assert_eq!(service.get(&owner, &town.eve).await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_of_admins_is_open_to_a_user_or_to_a_key_of_one() {
    let town = Town::new().await;
    let service = &town.desk.service;
    let bob = Some(&*town.desk.bob);
    let made = service.ask("POST", "/users/me/api-keys", bob, json!({"name": "n"}));
    let key = made.await.json["key"].as_str().unwrap().to_owned();
    let me = &town.desk.bobs_id;
    let admins: Vec<_> = ROUTES
        .iter()
        .filter(|route| route.protection == Protection::Admin)
        .collect();
    assert!(admins.len() > 8 && admins.iter().all(|route| route.path.starts_with("/admin/")));
    assert!(
        ROUTES.iter().all(
            |route| !route.path.starts_with("/admin/") || route.protection == Protection::Admin
        )
    );
    for route in admins {
        let path = route.path.replace("{id}", me);
        let body = match route.method {
            "PATCH" => json!({"role": "admin"}),
            "POST" => json!({"phone_number": CALLER}),
            _ => Value::Null,
        };
        for token in [&town.desk.bob, &key] {
            let told = service.ask(route.method, &path, Some(token), body.clone());
            let told = told.await;
            assert_eq!(told.status, 403, "{} {path}: {told:?}", route.method);
            assert!(told.json["detail"].is_string(), "{told:?}");
        }
    }
    let still = service.get("/users/me", &town.desk.bob).await.json;
    assert_eq!(
        (&still["email"], &still["role"]),
        (&json!(BOB), &json!("user"))
    );
}

/// Bodies that do, by method and path.
fn bodies(town: &Town) -> Vec<(&'static str, String, Value)> {
    let user = format!("/admin/users/{}", town.desk.bobs_id);
    let messages = format!("/conversations/{}/messages", town.conversation);
    let scenario = format!("/realtime/custom-scenario/{}", town.scenario);
    let new = json!({"email": "new@example.org", "password": SECRET});
    let password = json!({"current_password": SECRET, "new_password": "another good sentence"});
    let whole = json!({"persona": "p", "prompt": "p", "voice_config": {"voice": "alloy"}});
    let listed = [
        ("POST", "/auth/register", new.clone()),
        (
            "POST",
            "/auth/login",
            json!({"email": ADA, "password": SECRET}),
        ),
        ("POST", "/auth/refresh", json!({"refresh_token": "x"})),
        ("POST", "/users/me/password", password),
        ("POST", "/users/me/api-keys", json!({"name": "n"})),
        ("POST", "/admin/users", new),
        (
            "POST",
            "/admin/ip-blocks",
            json!({"network": "198.51.100.9"}),
        ),
        ("POST", "/admin/erase", json!({"phone_number": CALLER})),
        ("POST", "/conversations", json!({"scenario": "survey"})),
        ("POST", "/text-to-speech", json!({"text": "Good morning."})),
        ("POST", "/realtime/custom-scenario", whole),
        ("POST", &messages, json!({"text": "Hello"})),
        ("POST", "/calls/2/say", json!({"text": "Hello"})),
        ("POST", "/calls/2/whisper", json!({"text": "Hello"})),
        ("POST", "/calls/2/transfer", json!({"to": CALLER})),
        ("PATCH", &user, json!({"disabled": false})),
        ("PUT", &scenario, json!({"prompt": "q"})),
    ];
    let listed = listed.into_iter();
    listed
        .map(|(method, path, body)| (method, path.to_owned(), body))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_body_takes_a_field_that_it_does_not_name() {
    let town = Town::new().await;
    let bodies = bodies(&town);
    // Forms are read by name; an import is a scenario's text.
    let others = [
        "/token",
        "/speech-to-text",
        "/whisper/transcribe",
        "/scenarios/import",
    ];
    for route in ROUTES.iter().filter(|route| route.body > 0) {
        let pattern = route.path.split('{').next().unwrap();
        let is_listed = bodies.iter().any(|(method, path, _)| {
            *method == route.method
                && path.starts_with(pattern)
                && path.split('/').count() == route.path.split('/').count()
        });
        assert!(
            is_listed || others.contains(&route.path) || route.protection.is_signed(),
            "{} {}: this test has to know its body",
            route.method,
            route.path
        );
    }
    let service = &town.desk.service;
    let before = service.get("/admin/users", &town.desk.ada).await.json;
    for (method, path, body) in &bodies {
        for (name, value) in [
            ("owner", json!(town.desk.bobs_id)),
            ("user_id", json!(town.desk.bobs_id)),
            ("id", json!(NOTHING)),
            ("is_admin", json!(true)),
            ("created_at", json!("2020-01-01T00:00:00Z")),
            ("__proto__", json!({"role": "admin"})),
        ] {
            let mut body = body.clone();
            body[name] = value;
            let told = service.ask(method, path, Some(&town.desk.ada), body).await;
            assert_eq!(told.status, 422, "{method} {path} {name}: {told:?}");
            let first = &told.json["detail"][0];
            assert_eq!(
                (&first["loc"], &first["type"]),
                (&json!(["body", name]), &json!("extra_forbidden")),
                "{method} {path}"
            );
        }
    }
    let after = service.get("/admin/users", &town.desk.ada).await.json;
    assert_eq!(before, after);
    let text = "slug = \"imported\"\nprompt = \"p\"\nresponder = [{ provider = \"parrot\" }]\n";
    for line in [
        "owner = \"me\"",
        "id = \"x\"",
        "version = 9",
        "shared_with = []",
    ] {
        let request = Request::post("/scenarios/import")
            .header("host", "agent.example.test")
            .header("authorization", format!("Bearer {}", town.desk.bob))
            .header("content-type", "application/toml")
            .body(Body::from(format!("{line}\n{text}")))
            .unwrap();
        let told = service.send("192.0.2.7", request).await;
        assert_eq!(told.status, 422, "{line}: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_in_a_path_leads_anywhere_else() {
    let town = Town::new().await;
    let service = &town.desk.service;
    let secret = town.desk.recording("../secret.wav");
    std::fs::write(secret, "a secret beside the recordings").unwrap();
    for route in ROUTES.iter().filter(|route| route.path.contains('{')) {
        let (before, rest) = route.path.split_once('{').unwrap();
        let after = rest.split_once('}').unwrap().1;
        for name in [
            "..",
            "%2e%2e",
            "..%2f..%2fsecret.wav",
            "%2e%2e%2fsecret.wav",
            "..%5c..%5csecret.wav",
            "%2fetc%2fpasswd",
            "%252e%252e%252fsecret.wav",
            "2%00.wav",
            "2%0d%0ax-evil:%201",
            "2'%20OR%20'1'%3D'1",
            "%27%3B%20DROP%20TABLE%20users%3B--",
            "%ff%fe",
            &"x".repeat(3000),
        ] {
            // Of this machine, so that what only callers here may ask is tried too.
            let request = Request::builder()
                .method(route.method)
                .uri(format!("{before}{}{after}", name.replace('\'', "%27")))
                .header("host", "127.0.0.1")
                .header("authorization", format!("Bearer {}", town.desk.ada))
                .body(Body::empty())
                .unwrap();
            let answer = service.server.ask_from("127.0.0.1", request).await;
            let what = format!("{} {} with {name}", route.method, route.path);
            assert!(answer.status.is_client_error(), "{what}: {answer:?}");
            assert!(!answer.headers.contains_key("x-evil"), "{what}");
            assert!(!answer.body.contains("a secret beside"), "{what}");
        }
    }
    let users = service.get("/admin/users", &town.desk.ada).await;
    assert_eq!(users.headers["x-total-count"], "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_to_a_users_scenario_is_theirs_and_one_to_a_built_in_is_the_admins() {
    let settings = [
        ("REGISTRATION", "open"),
        ("RATE_LIMITS", "off"),
        ("API_AUTH", "on"),
    ];
    let server = Simulated::start(&settings, &[]).await;
    let admin = asker(&server, ADA).await;
    let bob = asker(&server, BOB).await;
    let eve = asker(&server, EVE).await;
    let made = json!({
        "slug": "bobs-line", "persona": "A clerk.", "prompt": "You help.", "greeting": {"inbound": GREETING},
    });
    let (status, told) = bob(Method::POST, "/realtime/custom-scenario", made).await;
    assert_eq!(status, 201, "{told}");
    for scenario in ["bobs-line", "desk"] {
        server.call_of(Some(scenario), "hang_up = true").await;
    }
    let all = until("both rows", async || {
        let (_, all) = admin(Method::GET, "/calls?status=completed", Value::Null).await;
        let all = all.as_array().unwrap().clone();
        (all.len() == 2).then_some(all)
    })
    .await;
    let of = |scenario: &str| {
        all.iter()
            .find(|call| call["scenario"] == scenario)
            .unwrap()
    };
    let (bobs, built_in) = (of("bobs-line"), of("desk"));
    let bobs_list = bob(Method::GET, "/calls", Value::Null).await.1;
    assert_eq!(bobs_list, json!([bobs]));
    assert_eq!(eve(Method::GET, "/calls", Value::Null).await.1, json!([]));

    let mut checked = 0;
    for call in [bobs, built_in] {
        for id in [&call["call_id"], &call["call_sid"]] {
            for route in of_one_thing() {
                let Some(rest) = route.path.strip_prefix("/calls/{id}") else {
                    continue;
                };
                let path = format!("/calls/{}{rest}", id.as_str().unwrap());
                let nothing = format!("/calls/{NOTHING}{rest}");
                let method: Method = route.method.parse().unwrap();
                let body = body_of(route);
                let unknown = eve(method.clone(), &nothing, body.clone()).await;
                assert_eq!(unknown.0, 404, "{nothing}");
                let eves = eve(method.clone(), &path, body.clone()).await;
                assert_eq!(eves, unknown, "{path}");
                let own = bob(method.clone(), &path, body.clone()).await;
                let admins = admin(method, &path, body).await;
                let sees = |(status, _): &(u16, Value)| *status < 300 || *status == 409;
                assert!(sees(&admins), "{path}: {admins:?}");
                if call == bobs {
                    assert!(sees(&own), "{path}: {own:?}");
                } else {
                    assert_eq!(own, unknown, "{path}");
                }
                checked += 1;
            }
        }
    }
    assert!(checked >= 28, "{checked}");
    let me = bob(Method::GET, "/users/me", Value::Null).await.1;
    let store = Store::open(Location::parse("", &server.data_dir()).unwrap()).unwrap();
    for (call, owner) in [(bobs, me["id"].as_str()), (built_in, None)] {
        let id = call["call_id"].as_str().unwrap();
        let row = store.call_detail(id).await.unwrap().unwrap();
        assert_eq!(row.call.start.owner.as_deref(), owner);
        assert!(!row.turns.is_empty() && !row.files.is_empty());
    }
    store.close().await;
}
