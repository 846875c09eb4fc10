//! A server over a real socket that does what the test says, when it says.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::super::{Api, Model};

const SOON: Duration = Duration::from_secs(5);

pub(super) struct Server {
    listener: TcpListener,
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener }
    }

    pub(super) fn address(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    pub(super) fn model(&self, api: Api) -> Model {
        super::model(&format!("http://{}/v1", self.address()), api)
    }

    pub(super) async fn accept(&self) -> Connection {
        let (stream, _) = timeout(SOON, self.listener.accept())
            .await
            .unwrap()
            .unwrap();
        Connection { stream }
    }

    /// Nobody else wants to be accepted.
    pub(super) async fn is_left_alone(&self) -> bool {
        timeout(Duration::from_millis(100), self.listener.accept())
            .await
            .is_err()
    }
}

pub(super) struct Connection {
    pub(super) stream: TcpStream,
}

pub(super) struct Asked {
    /// The request's lines, in lower case.
    pub(super) head: String,
    pub(super) body: Value,
}

impl Connection {
    /// The next request on this connection.
    pub(super) async fn request(&mut self) -> Asked {
        timeout(SOON, self.read()).await.unwrap()
    }

    async fn read(&mut self) -> Asked {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.stream.read_exact(&mut body).await.unwrap();
        Asked {
            head,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }

    pub(super) async fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// A whole answer.
    pub(super) async fn answer(&mut self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        self.write(&format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}"
        ))
        .await;
    }

    /// Begins a stream.
    pub(super) async fn begin(&mut self) {
        self.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
    }

    /// Words of a stream.
    pub(super) async fn say(&mut self, text: &str) {
        let event = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n");
        self.chunk(&event).await;
    }

    pub(super) async fn chunk(&mut self, event: &str) {
        self.write(&format!("{:x}\r\n{event}\r\n", event.len()))
            .await;
    }

    /// The end of a stream.
    pub(super) async fn end(&mut self) {
        self.chunk("data: [DONE]\n\n").await;
        self.write("0\r\n\r\n").await;
    }

    /// Waits until the other side closes, and fails if it does not.
    pub(super) async fn closed(&mut self) {
        let mut byte = [0];
        let read = timeout(SOON, self.stream.read(&mut byte)).await;
        assert!(matches!(read.unwrap(), Ok(0) | Err(_)), "more was asked");
    }
}
