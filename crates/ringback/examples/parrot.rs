//! A whole phone server: it says what it heard. Telephone it with `ringback call --url http://127.0.0.1:8090`.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::collections::HashMap;

use axum::Router;
use axum::extract::Form;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use axum::routing::{any, post};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;

const ADDRESS: &str = "127.0.0.1:8090";

struct Parrot;

impl ringback::Handler for Parrot {
    fn greeting(&mut self) -> Option<String> {
        Some("Hey! How can I help you?".into())
    }

    async fn answer(&mut self, text: String) -> Option<String> {
        println!("heard: {text}");
        Some(format!("You said: {text}"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ringback::start_engines()?;
    let app = Router::new().route("/", post(voice)).route(
        "/ws",
        any(|upgrade: WebSocketUpgrade| async { upgrade.on_upgrade(media) }),
    );
    let listener = tokio::net::TcpListener::bind(ADDRESS).await?;
    println!(
        "listening on http://{ADDRESS}; this example checks no signature: keep it on this machine"
    );
    Ok(axum::serve(listener, app).await?)
}

async fn voice(Form(fields): Form<HashMap<String, String>>) -> impl IntoResponse {
    let caller = fields.get("From").map_or("unknown", String::as_str);
    let twiml = ringback::create_twilio_voice_response(caller, &format!("ws://{ADDRESS}/ws"));
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/xml"),
    );
    (headers, twiml.unwrap_or_else(|error| error.to_string()))
}

async fn media(socket: WebSocket) {
    let (mut write, mut read) = socket.split();
    let (to_call, from_twilio) = mpsc::channel(64);
    let (to_twilio, mut from_call) = mpsc::channel::<String>(64);
    tokio::spawn(async move {
        while let Some(Ok(message)) = read.next().await {
            if let Message::Text(text) = message
                && to_call.send(text.to_string()).await.is_err()
            {
                break;
            }
        }
    });
    tokio::spawn(async move {
        while let Some(message) = from_call.recv().await {
            if write.send(Message::Text(message.into())).await.is_err() {
                break;
            }
        }
        let _ = write.close().await;
    });
    if let Err(error) = ringback::serve(from_twilio, to_twilio, Parrot).await {
        println!("the call ended: {error}");
    }
}
