//! A server with scripted seats in place of engines, and requests to it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use ringback_call::Order;
use ringback_server::app::{App, Server};
use ringback_server::calls::{Arrival, Connected, Ending, Outcome, Seat, Switchboard};
use ringback_server::config::{Config, Layers, Secret};
use ringback_server::health::Service;
use ringback_server::routes;
use ringback_session::provider::Provider;
use ringback_session::scenario::{Catalog, Scenario};
use ringback_session::{EngineStatus, Given, Outgoing, Received, Refused};
use ringback_wire::twilio::signature::{AuthToken, sign};
use ringback_wire::twilio::webhook::Form;
use tower::ServiceExt;

use crate::openapi::assert_told;

pub const TOKEN: &str = "tok_made_up_0123456789abcdef";
pub const BASE: &str = "https://agent.example.test";
pub const CALL: &str = "CA00000000000000000000000000000001";
pub const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub const CALLER: &str = "+15005550001";
pub const CALLED: &str = "+15005550006";

/// So many seats; each ends its call with `outcome` at the key 9, panics at the key 0, and says at the key 7 whether it may put a caller
/// through to the lawyer. It takes lines and transfers, and no hints.
pub struct Scripted {
    free: Arc<AtomicUsize>,
    outcome: Outcome,
    mute: bool,
    warmed: Arc<Mutex<Vec<String>>>,
}

struct ScriptedSeat {
    free: Arc<AtomicUsize>,
    outcome: Outcome,
}

impl Drop for ScriptedSeat {
    fn drop(&mut self) {
        self.free.fetch_add(1, Ordering::SeqCst);
    }
}

impl Switchboard for Scripted {
    fn seat(&self, _: &Scenario) -> Option<Box<dyn Seat>> {
        let taken = self
            .free
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |free| {
                free.checked_sub(1)
            });
        let (free, outcome) = (Arc::clone(&self.free), self.outcome.clone());
        taken
            .is_ok()
            .then(|| Box::new(ScriptedSeat { free, outcome }) as Box<dyn Seat>)
    }

    fn warm(&self, scenario: &Scenario) {
        self.warmed.lock().unwrap().push(scenario.slug.clone());
    }

    fn engines(&self) -> Vec<EngineStatus> {
        let status = |role, name, usable| EngineStatus {
            role,
            name,
            usable,
            why: format!("<why {name}>"),
        };
        vec![
            status("stt", "pocketsphinx", false),
            status("tts", "pico", !self.mute),
        ]
    }

    fn providers(&self) -> BoxFuture<'_, Vec<(Provider, Service)>> {
        Box::pin(std::future::ready(Vec::new()))
    }
}

impl Seat for ScriptedSeat {
    fn converse(
        self: Box<Self>,
        arrival: Arrival,
        mut connected: Connected,
    ) -> BoxFuture<'static, Ending> {
        Box::pin(async move {
            let ending = move |outcome, expects_resume| Ending {
                outcome,
                expects_resume,
                cause: "as scripted".into(),
                summary: serde_json::json!({
                    "call_sid": arrival.call_sid, "from": arrival.from, "turns": [],
                }),
                ended: None,
            };
            loop {
                let received = tokio::select! {
                    () = connected.stop.cancelled() => {
                        connected.socket.close(1001, "the server stops").await;
                        return ending(Outcome::Broke, true);
                    }
                    () = connected.finish.cancelled() => None,
                    Some(Given { order, told }) = connected.orders.next() => {
                        let deaf = matches!(order, Order::Whisper(_));
                        told.send(if deaf { Err(Refused::Deaf) } else { Ok(()) }).unwrap();
                        if order != Order::HangUp {
                            if !deaf {
                                let echo = Outgoing::Text(format!("{order:?}"));
                                connected.socket.send(echo).await.unwrap();
                            }
                            continue;
                        }
                        None
                    }
                    received = connected.socket.next() => received,
                };
                match received {
                    Some(Ok(Received::Text(text))) if text.as_ref().contains("\"digit\":\"0\"") => {
                        panic!("key 0")
                    }
                    Some(Ok(Received::Text(text))) if text.as_ref().contains("\"digit\":\"7\"") => {
                        let may_reach = connected.may_reach.as_ref().unwrap();
                        let echo = Outgoing::Text(format!("lawyer: {}", may_reach("lawyer")));
                        connected.socket.send(echo).await.unwrap();
                    }
                    Some(Ok(Received::Text(text)))
                        if !text.as_ref().contains("\"digit\":\"9\"") =>
                    {
                        let echo = Outgoing::Text(format!("{{\"echo\":{}}}", text.as_ref().len()));
                        connected.socket.send(echo).await.unwrap();
                    }
                    Some(Ok(Received::Closed { .. }) | Err(_)) => {
                        return ending(Outcome::Broke, false);
                    }
                    _ => {
                        connected.socket.close(1000, "the call is over").await;
                        return ending(self.outcome.clone(), true);
                    }
                }
            }
        })
    }
}

/// What a test server is made of.
pub struct Setup {
    pub program: &'static str,
    pub settings: Vec<(&'static str, &'static str)>,
    pub seats: usize,
    pub outcome: Outcome,
    pub mute: bool,
}

/// Twilio's own: a token, a public URL.
pub fn signed() -> Setup {
    Setup {
        program: "./here/ringback",
        settings: vec![("TWILIO_AUTH_TOKEN", TOKEN), ("PUBLIC_URL", BASE)],
        seats: 9,
        outcome: Outcome::Over,
        mute: false,
    }
}

/// A server without a token.
pub fn local() -> Setup {
    Setup {
        program: "./here/ringback",
        settings: vec![],
        seats: 9,
        outcome: Outcome::Over,
        mute: false,
    }
}

impl Setup {
    pub fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.settings.push((name, value));
        self
    }

    pub fn start(self) -> TestServer {
        let environment = self
            .settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let config = Config::load(&Layers {
            environment,
            ..Layers::default()
        })
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (slug, extra) in [
            ("open-door", "foreign_streams = true"),
            ("reminders", "direction = \"outbound\""),
            (
                "auskunft",
                "language = \"de-AT\"\nfallback.apology = \"Das war {company}.\"",
            ),
            // It cannot be read.
            ("kaputt", "language = \"de-AT\"\npromt = \"Sei nett.\""),
        ] {
            let text = format!(
                "name = \"{slug}\"\nslug = \"{slug}\"\npersona = \"A parrot.\"\nprompt = \"Repeat.\"\n{extra}\n\
                 voice_config = {{ voice = \"pico\" }}\nresponder = [{{ provider = \"parrot\" }}]\n"
            );
            std::fs::write(folder.path().join(format!("{slug}.toml")), text).unwrap();
        }
        let catalog = Catalog::load(folder.path());
        let refused = catalog.refused().iter().map(|refused| &refused.file);
        assert_eq!(refused.collect::<Vec<_>>(), ["kaputt.toml"]);
        let free = Arc::new(AtomicUsize::new(self.seats));
        let scripted = Scripted {
            free: Arc::clone(&free),
            outcome: self.outcome,
            mute: self.mute,
            warmed: Arc::default(),
        };
        let warmed = Arc::clone(&scripted.warmed);
        let key = Secret::new("a key of the test's own, long enough");
        let address = SocketAddr::new(config.http.host, 8080);
        let app = Server::new(
            config,
            self.program,
            address,
            catalog,
            Box::new(scripted),
            &key,
        )
        .unwrap();
        TestServer {
            router: routes::router(Arc::clone(&app)),
            app,
            free,
            warmed,
        }
    }
}

#[derive(Clone)]
pub struct TestServer {
    pub app: App,
    pub router: Router,
    pub free: Arc<AtomicUsize>,
    /// The scenarios whose lines were to be spoken in advance.
    pub warmed: Arc<Mutex<Vec<String>>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl TestServer {
    pub async fn ask_from(&self, peer: &str, request: Request<Body>) -> Answer {
        let mut request = request;
        let peer: SocketAddr = format!("{peer}:50000").parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let is_json = |kind: &HeaderValue| kind == "application/json";
        let json = parts.headers.get("content-type").is_some_and(is_json);
        if json && parts.status.is_success() && !bytes.is_empty() {
            let answer = serde_json::from_slice(&bytes).unwrap();
            assert_told(method.as_str(), uri.path(), parts.status.as_u16(), &answer);
        }
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// From this machine.
    pub async fn ask(&self, request: Request<Body>) -> Answer {
        self.ask_from("127.0.0.1", request).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(
            Request::get(path)
                .header("host", "localhost")
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    /// A webhook as a local caller sends it.
    pub async fn post(&self, path: &str, form: &Form) -> Answer {
        self.ask(
            posted(path, form)
                .body(Body::from(form.to_urlencoded()))
                .unwrap(),
        )
        .await
    }

    /// A webhook as Twilio sends it, through a proxy.
    pub async fn post_signed(&self, path: &str, form: &Form) -> Answer {
        self.ask_from("192.0.2.1", signed_post(path, form)).await
    }
}

fn posted(path: &str, form: &Form) -> axum::http::request::Builder {
    Request::post(path)
        .header("host", "localhost:8080")
        .header(
            "content-type",
            "application/x-www-form-urlencoded; charset=UTF-8",
        )
        .header("content-length", form.to_urlencoded().len())
}

pub fn signed_post(path: &str, form: &Form) -> Request<Body> {
    let token = AuthToken::new(TOKEN).unwrap();
    let signature = sign(&token, &format!("{BASE}{path}"), form.pairs());
    posted(path, form)
        .header("x-twilio-signature", signature)
        .body(Body::from(form.to_urlencoded()))
        .unwrap()
}

/// The form of twilio.md's vectors: an inbound call.
pub fn inbound() -> Form {
    let fields = [
        ("AccountSid", ACCOUNT),
        ("ApiVersion", "2010-04-01"),
        ("CallSid", CALL),
        ("CallStatus", "ringing"),
        ("Called", CALLED),
        ("Caller", CALLER),
        ("Direction", "inbound"),
        ("From", CALLER),
        ("To", CALLED),
    ];
    fields
        .into_iter()
        .fold(Form::default(), |form, (name, value)| {
            form.with(name, value)
        })
}

/// A form with nothing but a call's SID.
pub fn of_call(call_sid: &str) -> Form {
    Form::default().with("CallSid", call_sid)
}

/// What TwiML told: the media socket's URL, its parameters, the resume URL.
#[derive(Debug)]
pub struct Stream {
    pub url: String,
    pub parameters: BTreeMap<String, String>,
    pub resume: String,
}

pub fn stream(twiml: &str) -> Stream {
    use ringback_wire::twilio::twiml::{Verb, parse};
    let verbs = parse(twiml).unwrap();
    let [Verb::Connect(connect), Verb::Redirect { url, .. }] = &verbs[..] else {
        panic!("{twiml}")
    };
    let parameters = connect
        .stream
        .parameters
        .iter()
        .map(|p| (p.name().to_owned(), p.value().to_owned()))
        .collect();
    Stream {
        url: connect.stream.url.as_str().to_owned(),
        parameters,
        resume: url.as_str().to_owned(),
    }
}

/// The line that TwiML says before it hangs up.
pub fn spoken(twiml: &str) -> String {
    use ringback_wire::twilio::twiml::{Verb, parse};
    match &parse(twiml).unwrap()[..] {
        [Verb::Say(say), Verb::Hangup] => say.text.clone(),
        _ => panic!("{twiml}"),
    }
}
