//! A peer on the media socket that need not behave.

use std::time::Duration;

use base64::Engine as _;
use futures_util::{SinkExt, StreamExt};
use ringback_wire::twilio::twiml::{self, Verb};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::http;
use crate::server::Server;
use crate::telephone::{FROM, TO};

pub const STREAM: &str = "MZ00000000000000000000000000000001";

/// What the TwiML of a call names.
pub struct Announced {
    pub socket: String,
    pub token: String,
    pub resume: String,
}

/// Posts the voice webhook of a call, as Twilio does where nothing is signed.
pub fn announce(
    server: &Server,
    scenario: &str,
    call_sid: &str,
    headers: &[(&str, &str)],
) -> Announced {
    let form = [
        ("CallSid", call_sid),
        ("From", FROM),
        ("To", TO),
        ("Direction", "inbound"),
    ];
    let path = format!("/call/inbound/receive/{scenario}");
    let answer = http::post(server.address(), &path, headers, &form);
    assert_eq!(answer.status, 200, "{answer:?}");
    let verbs = twiml::parse(&answer.body).unwrap();
    let [Verb::Connect(connect), Verb::Redirect { url, .. }] = &verbs[..] else {
        panic!("{verbs:?}")
    };
    let token = connect
        .stream
        .parameters
        .iter()
        .find(|parameter| parameter.name() == "token");
    Announced {
        socket: connect.stream.url.as_str().to_owned(),
        token: token.unwrap().value().to_owned(),
        resume: url.as_str().to_owned(),
    }
}

/// An open media socket.
pub struct Peer(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Peer {
    /// Opens the socket.
    pub async fn open(url: &str) -> Self {
        Self(connect_async(url).await.unwrap().0)
    }

    /// Sends a message.
    pub async fn send(&mut self, message: impl Into<Message>) {
        self.0.send(message.into()).await.unwrap();
    }

    /// Waits until the server speaks.
    pub async fn hears(&mut self) {
        let heard = async {
            while let Some(Ok(message)) = self.0.next().await {
                if message
                    .to_text()
                    .is_ok_and(|text| text.contains("\"media\""))
                {
                    return true;
                }
            }
            false
        };
        let heard = tokio::time::timeout(Duration::from_secs(5), heard).await;
        assert_eq!(heard, Ok(true), "the server does not speak");
    }

    /// The code and reason with which the server closes the socket within so many seconds.
    pub async fn closed(&mut self, seconds: u64) -> (u16, String) {
        let closing = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => {
                        return (u16::from(frame.code), frame.reason.to_string());
                    }
                    Some(Ok(Message::Text(_) | Message::Ping(_))) => {}
                    other => return (0, format!("{other:?}")),
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(seconds), closing)
            .await
            .unwrap_or_else(|_| (0, format!("the socket is still open after {seconds} s")))
    }
}

/// The message that begins a stream.
pub fn start(call_sid: &str, token: &str) -> String {
    let start = json!({
        "streamSid": STREAM,
        "accountSid": "AC00000000000000000000000000000001",
        "callSid": call_sid,
        "tracks": ["inbound"],
        "mediaFormat": { "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1 },
        "customParameters": { "token": token },
    });
    json!({ "event": "start", "sequenceNumber": "1", "start": start, "streamSid": STREAM })
        .to_string()
}

/// 20 ms of silence.
pub fn media(stream: &str) -> String {
    let payload = base64::engine::general_purpose::STANDARD.encode([0xff; 160]);
    let media = json!({ "track": "inbound", "chunk": "1", "timestamp": "0", "payload": payload });
    json!({ "event": "media", "sequenceNumber": "2", "media": media, "streamSid": stream })
        .to_string()
}
