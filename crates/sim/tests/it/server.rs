//! A server of a few lines: answers webhooks from a list, and hands media sockets to a closure.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use ringback_audio::g711;
use ringback_wire::twilio::media::{Inbound, parse, write_mark, write_media};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

pub type Socket = WebSocketStream<TcpStream>;

/// What the server was asked, in order.
#[derive(Debug, Clone, Default)]
pub struct Asked(Arc<Mutex<Vec<Request>>>);

#[derive(Debug, Clone)]
pub struct Request {
    pub target: String,
    pub head: String,
    pub body: String,
}

impl Asked {
    pub fn all(&self) -> Vec<Request> {
        self.0.lock().unwrap().clone()
    }
}

pub struct Server {
    pub address: SocketAddr,
    pub asked: Asked,
}

impl Server {
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A status line's rest and a body for each webhook in order (the last one again and again). `{ws}` in it stands for
/// the media socket's address, `{http}` for the server's.
pub async fn start<F>(
    answers: Vec<(&'static str, String)>,
    media: impl Fn(Socket) -> F + Send + Sync + 'static,
) -> Server
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Asked::default();
    let log = asked.clone();
    tokio::spawn(async move {
        let mut answers = answers.into_iter();
        let mut answer = answers.next();
        let over = Arc::new(AtomicUsize::new(0));
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut peeked = [0; 6];
            tcp.peek(&mut peeked).await.unwrap();
            if &peeked == b"GET /w" {
                let (over, media) = (
                    Arc::clone(&over),
                    media(tokio_tungstenite::accept_async(tcp).await.unwrap()),
                );
                tokio::spawn(async move {
                    media.await;
                    over.fetch_add(1, Ordering::SeqCst);
                });
                continue;
            }
            let request = read_request(&mut tcp).await;
            if &peeked == b"GET /l" {
                tcp.write_all(figures(over.load(Ordering::SeqCst)).as_bytes())
                    .await
                    .unwrap();
                continue;
            }
            log.0.lock().unwrap().push(request);
            let (status, body) = answer.clone().unwrap();
            let body = body
                .replace("{ws}", &format!("ws://{address}/ws"))
                .replace("{http}", &format!("http://{address}"));
            let response = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            tcp.write_all(response.as_bytes()).await.unwrap();
            if let Some(next) = answers.next() {
                answer = Some(next);
            }
        }
    });
    Server { address, asked }
}

/// The figures of the last call that is over, of so many.
fn figures(over: usize) -> String {
    let (status, told) = match over {
        0 => (
            "404 Not Found",
            r#"{"detail":"no call has ended"}"#.to_owned(),
        ),
        _ => (
            "200 OK",
            format!(r#"{{"call_id":"{over}","scenario":"line-{over}"}}"#),
        ),
    };
    let length = told.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{told}")
}

async fn read_request(tcp: &mut TcpStream) -> Request {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        let mut block = [0; 4096];
        let count = tcp.read(&mut block).await.unwrap();
        assert!(count > 0, "the request ended early");
        bytes.extend_from_slice(&block[..count]);
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.trim().parse::<usize>().unwrap());
            break (head, end + 4 + length);
        }
    };
    while bytes.len() < length {
        let mut block = [0; 4096];
        let count = tcp.read(&mut block).await.unwrap();
        bytes.extend_from_slice(&block[..count]);
    }
    let start = head.len() + 4;
    Request {
        target: head.split(' ').nth(1).unwrap().to_owned(),
        body: String::from_utf8(bytes[start..length].to_vec()).unwrap(),
        head,
    }
}

/// The streamSid, once `start` has come.
pub async fn stream_sid(socket: &mut Socket) -> String {
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message
            && let Ok(Inbound::Start(start)) = parse(&text)
        {
            assert!(start.is_mulaw_8k());
            return start.stream_sid;
        }
    }
    panic!("no start came");
}

/// Sends sound of this length at once, and a mark behind it.
pub async fn sound(socket: &mut Socket, sid: &str, ms: usize, mark: &str) {
    let mut text = String::new();
    for _ in 0..ms / 20 {
        write_media(&mut text, sid, &[g711::encode(6000); 160]);
        socket.send(Message::text(text.clone())).await.unwrap();
    }
    write_mark(&mut text, sid, mark);
    socket.send(Message::text(text)).await.unwrap();
}

/// Waits for the echo of a mark; the inbound audio that came meanwhile.
pub async fn echo(socket: &mut Socket, mark: &str) -> Vec<u8> {
    let mut audio = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        let message = parse(&text).unwrap();
        if matches!(&message, Inbound::Mark(echoed) if echoed.name == mark) {
            return audio;
        }
        if let Inbound::Media(media) = message {
            media.decode_into(&mut audio).unwrap();
        }
    }
    panic!("the mark {mark} was not echoed");
}

/// Waits until the caller has spoken and been quiet for so many ms.
pub async fn caller_spoke(socket: &mut Socket, quiet_ms: usize) {
    let (mut spoke, mut quiet) = (false, 0);
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        let Ok(Inbound::Media(media)) = parse(&text) else {
            continue;
        };
        let mut audio = Vec::new();
        media.decode_into(&mut audio).unwrap();
        let loud = audio
            .iter()
            .any(|&byte| g711::decode(byte).unsigned_abs() > 1000);
        spoke |= loud;
        quiet = if loud { 0 } else { quiet + 20 };
        if spoke && quiet >= quiet_ms {
            return;
        }
    }
    panic!("the caller was never heard");
}

pub fn connect() -> (&'static str, String) {
    (
        "200 OK",
        "<Response><Connect><Stream url=\"{ws}\"><Parameter name=\"token\" value=\"t1\"/></Stream></Connect>\
         <Redirect method=\"POST\">{http}/resume/r1?x=1</Redirect></Response>"
            .to_owned(),
    )
}

pub fn twiml(verbs: &str) -> (&'static str, String) {
    ("200 OK", format!("<Response>{verbs}</Response>"))
}
