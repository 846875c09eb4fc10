//! A web service of raw bytes, one connection at a time.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub struct Service(TcpListener);

/// A request as it came.
pub struct Seen {
    head: String,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

impl Service {
    pub async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn authority(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    pub fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Its address, with something in it that must not be told.
    pub fn url(&self) -> String {
        format!("http://{}/answer?key=tok3n", self.authority())
    }

    pub async fn accept(&self) -> TcpStream {
        self.0.accept().await.unwrap().0
    }

    /// Whether nobody waits to be accepted: then a connection of our own is the next one.
    pub async fn is_idle(&self) -> bool {
        let own = TcpStream::connect(self.0.local_addr().unwrap())
            .await
            .unwrap();
        let (_, next) = self.0.accept().await.unwrap();
        next == own.local_addr().unwrap()
    }

    /// Takes one request, sends these bytes and closes.
    pub async fn answer(&self, response: impl AsRef<[u8]>) -> Seen {
        let mut socket = self.accept().await;
        let seen = request(&mut socket).await;
        socket.write_all(response.as_ref()).await.unwrap();
        socket.shutdown().await.unwrap();
        seen
    }
}

/// Reads one request.
pub async fn request(socket: &mut TcpStream) -> Seen {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let body = bytes[end + 4..].to_vec();
            let seen = Seen { head, body };
            let length: usize = seen.header("content-length").unwrap().parse().unwrap();
            if seen.body.len() == length {
                return seen;
            }
        }
        assert_ne!(
            socket.read_buf(&mut bytes).await.unwrap(),
            0,
            "the request breaks off"
        );
    }
}

/// Waits until the other side closes. Whether it said no more.
pub async fn closed(mut socket: TcpStream) -> bool {
    matches!(socket.read(&mut [0; 16]).await, Ok(0) | Err(_))
}

/// A response with a body of known length.
pub fn response(status: &str, content_type: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// The head of a response whose body comes in chunks.
pub const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A chunk of such a body.
pub fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}
