//! Scenarios that users keep, through the public face of a server with a database of its own.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aside;
pub mod calls;
mod changes;
mod lost;
mod refusals;
mod secrets;
mod story;
mod texts;

use std::sync::Arc;

use axum::body::Body;
use ringback_server::app::App;
use ringback_server::scenarios::{follow, refresh};
use serde_json::{Value, json};

use crate::accounts::{Service, Told, request};
use crate::server::*;

/// A server with an admin and two users: the bearer tokens of each.
pub struct House {
    pub service: Service,
    pub admin: String,
    pub ada: String,
    pub bob: String,
}

pub fn setup() -> Setup {
    local().with("REGISTRATION", "open")
}

pub async fn house() -> House {
    house_at("").await
}

/// The same at the database of this URL.
pub async fn house_at(url: &str) -> House {
    House::of(Service::at(setup(), url).await).await
}

impl House {
    pub async fn of(service: Service) -> Self {
        let mut tokens = Vec::new();
        for name in ["root", "ada", "bob"] {
            let email = format!("{name}@example.org");
            let made = service.register(&email).await;
            // Who comes first is an admin.
            let role = if name == "root" { "admin" } else { "user" };
            assert_eq!(made["role"], role);
            tokens.push(service.log_in(&email).await.access);
        }
        let [admin, ada, bob] = tokens.try_into().unwrap();
        Self {
            service,
            admin,
            ada,
            bob,
        }
    }

    pub fn app(&self) -> &App {
        &self.service.server.app
    }

    pub async fn post(&self, token: &str, body: Value) -> Told {
        let path = "/realtime/custom-scenario";
        self.service.ask("POST", path, Some(token), body).await
    }

    pub async fn make(&self, token: &str, body: Value) -> Value {
        let told = self.post(token, body).await;
        assert_eq!(told.status, 201, "{told:?}");
        told.json
    }

    pub async fn put(&self, token: &str, name: &str, body: Value) -> Told {
        let path = format!("/realtime/custom-scenario/{name}");
        self.service.ask("PUT", &path, Some(token), body).await
    }

    pub async fn get(&self, token: &str, path: &str) -> Told {
        self.service.get(path, token).await
    }

    pub async fn delete(&self, token: &str, name: &str) -> Told {
        let path = format!("/realtime/custom-scenario/{name}");
        self.service
            .ask("DELETE", &path, Some(token), Value::Null)
            .await
    }

    /// An answer that is no JSON.
    pub async fn text(&self, token: &str, path: &str) -> Answer {
        let request = request("GET", path).header("authorization", format!("Bearer {token}"));
        let request = request.body(Body::empty()).unwrap();
        self.service.server.ask_from("192.0.2.7", request).await
    }

    pub async fn import(&self, token: &str, query: &str, kind: &str, text: &str) -> Told {
        let request = request("POST", &format!("/scenarios/import{query}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", kind);
        let request = request.body(Body::from(text.to_owned())).unwrap();
        self.service.send("192.0.2.7", request).await
    }

    /// What is known of all scenarios is read from the database again.
    pub async fn refresh(&self) {
        refresh(self.app()).await.unwrap();
    }

    pub fn follow(&self) {
        tokio::spawn(follow(Arc::clone(self.app())));
    }
}

/// What existing clients send.
pub fn classic() -> Value {
    json!({
        "persona": "You answer for a restaurant.",
        "prompt": "Take reservations.",
        "voice_config": {"voice": "alloy", "temperature": 0.8, "speed": 1.1},
    })
}

/// The same with a name in addresses.
pub fn called(slug: &str) -> Value {
    let mut body = classic();
    body["slug"] = json!(slug);
    body
}

pub fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name}: {json}"))
}
