//! Accounts through the public face of a server with a database of its own.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod admin;
mod attacks;
mod guesses;
mod keys;
mod slow_down;

use axum::body::Body;
use axum::http::{Request, StatusCode, request};
use ringback_server::accounts::Fresh;
use ringback_store::{AuditEntry, AuditFilter, Location, Page, Store};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::*;

pub const ADA: &str = "ada@example.org";
pub const BOB: &str = "bob@example.org";
pub const SECRET: &str = "a good long sentence";
/// As documentation has them: no caller on this machine.
const AFAR: &str = "192.0.2.7";

/// A server with a database.
pub struct Service {
    pub server: TestServer,
    pub store: Store,
    folder: TempDir,
}

/// An answer with its JSON.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub headers: axum::http::HeaderMap,
    pub json: Value,
}

/// Open to everybody.
pub async fn open() -> Service {
    Service::start(local().with("REGISTRATION", "open")).await
}

impl Service {
    pub async fn start(setup: Setup) -> Self {
        Self::at(setup, "").await
    }

    /// At the database of this URL.
    pub async fn at(mut setup: Setup, url: &str) -> Self {
        // Limits have tests of their own.
        setup.settings.insert(0, ("RATE_LIMITS", "off"));
        let folder = tempfile::tempdir().unwrap();
        let server = setup.start();
        let store = Store::open(Location::parse(url, folder.path()).unwrap()).unwrap();
        let rows = &server.app.rows;
        // A start waits for the tables only so long.
        store.migrate(0).await.unwrap();
        rows.open(store.clone(), folder.path()).await.unwrap();
        Self {
            server,
            store,
            folder,
        }
    }

    /// Its `DATA_DIR`.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// From afar, with a bearer token or none.
    pub async fn ask(&self, method: &str, path: &str, token: Option<&str>, body: Value) -> Told {
        let mut request = request(method, path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        };
        self.send(AFAR, request.body(body).unwrap()).await
    }

    pub async fn send(&self, peer: &str, request: Request<Body>) -> Told {
        let answer = self.server.ask_from(peer, request).await;
        Told {
            status: answer.status.as_u16(),
            headers: answer.headers,
            json: serde_json::from_str(&answer.body).unwrap_or(Value::Null),
        }
    }

    pub async fn get(&self, path: &str, token: &str) -> Told {
        self.ask("GET", path, Some(token), Value::Null).await
    }

    pub async fn register(&self, email: &str) -> Value {
        let body = json!({"email": email, "password": SECRET});
        let told = self.ask("POST", "/auth/register", None, body).await;
        assert_eq!(told.status, 201, "{told:?}");
        told.json
    }

    pub async fn log_in(&self, email: &str) -> Session {
        let told = self.try_log_in(email, SECRET).await;
        assert_eq!(told.status, 200, "{told:?}");
        Session::of(&told.json)
    }

    pub async fn try_log_in(&self, email: &str, password: &str) -> Told {
        let body = json!({"email": email, "password": password});
        self.ask("POST", "/auth/login", None, body).await
    }

    pub async fn refresh(&self, token: &str) -> Told {
        let body = json!({ "refresh_token": token });
        self.ask("POST", "/auth/refresh", None, body).await
    }

    /// The acts of this kind, newest first.
    pub async fn acts(&self, action: &str) -> Vec<AuditEntry> {
        let filter = AuditFilter {
            action: Some(action.to_owned()),
            ..AuditFilter::default()
        };
        let page = Page::default();
        self.store.audit_list(&filter, page).await.unwrap().rows
    }

    /// The same, once there are so many: some are written after the answer.
    pub async fn acts_to_come(&self, action: &str, count: usize) -> Vec<AuditEntry> {
        crate::simulated::until(action, async || {
            let acts = self.acts(action).await;
            (acts.len() >= count).then_some(acts)
        })
        .await
    }
}

/// Registers, signs in, fails, is robbed, makes a key, changes the password; answers all that must be in no log.
pub async fn a_days_work() -> Vec<String> {
    let service = open().await;
    service.register(ADA).await;
    service.try_log_in(ADA, "a wrong sentence").await;
    service.try_log_in("my password as address", SECRET).await;
    service.acts_to_come("login.failed", 2).await;
    let first = service.log_in(ADA).await;
    let second = Session::of(&service.refresh(&first.refresh).await.json);
    assert_unknown(&service.refresh(&first.refresh).await);
    let third = service.log_in(ADA).await;
    let (new, access) = ("another good sentence", Some(&*third.access));
    let path = "/users/me/api-keys";
    let made = service
        .ask("POST", path, access, json!({"name": "script"}))
        .await;
    let key = made.json["key"].as_str().unwrap().to_owned();
    assert_eq!(service.get("/users/me", &key).await.status, 200);
    let body = json!({"current_password": SECRET, "new_password": new});
    let told = service
        .ask("POST", "/users/me/password", access, body)
        .await;
    assert_eq!(told.status, 200, "{told:?}");
    let last = Session::of(&told.json);
    let sessions = [first, second, third, last];
    let tokens = sessions
        .into_iter()
        .flat_map(|session| [session.access, session.refresh]);
    let typed = [
        ADA,
        SECRET,
        "a wrong sentence",
        "my password as address",
        new,
    ];
    let typed = typed.into_iter().map(str::to_owned);
    tokens.chain(typed).chain([key]).collect()
}

/// A request from no machine in particular.
pub fn request(method: &str, path: &str) -> request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "agent.example.test")
}

/// What a sign-in gave.
#[derive(Clone, Debug)]
pub struct Session {
    pub access: String,
    pub refresh: String,
}

impl Session {
    pub fn of(json: &Value) -> Self {
        let text = |name: &str| json[name].as_str().unwrap().to_owned();
        assert_eq!(json["token_type"], "bearer");
        let (access, refresh) = (text("access_token"), text("refresh_token"));
        assert!(Fresh::Refresh.fits(&refresh), "{refresh}");
        Self { access, refresh }
    }
}

/// 401 as it must be.
pub fn assert_unknown(told: &Told) {
    let status = StatusCode::from_u16(told.status).unwrap();
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{told:?}");
    assert_eq!(told.headers["www-authenticate"], "Bearer");
    assert!(told.json["detail"].is_string(), "{told:?}");
}
