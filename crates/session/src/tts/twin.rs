//! For the tests of voices: a provider on a real socket that does what the test says, and the call's side of an adapter.

#![allow(
    clippy::unwrap_used,
    clippy::result_large_err,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking; the size is the library's"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use ringback_call::{FaultKind, PartId, ReplyId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderMap;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::stream::{Command, Inlet, Spoken, TimedWord};
use crate::Secret;
use crate::provider::{Access, Breaker, Failure};

/// Nothing in these tests takes longer.
const LONGEST: Duration = Duration::from_secs(8);

async fn soon<T>(work: impl Future<Output = T>) -> T {
    timeout(LONGEST, work).await.expect("in time")
}

/// Speech, or what a gate takes for it: each byte is as loud as the next. The mark tells one piece from another.
pub(super) fn speech(samples: usize, mark: u8) -> Vec<u8> {
    vec![mark & 0x3F; samples]
}

pub(super) fn silence(samples: usize) -> Vec<u8> {
    vec![0xFF; samples]
}

/// A provider that waits to be connected to.
pub(super) struct Twin {
    listener: TcpListener,
}

impl Twin {
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener }
    }

    pub(super) fn access(&self) -> Access {
        let url = format!("http://{}", self.listener.local_addr().unwrap());
        Access {
            key: Some(Secret::new("a-key")),
            url: url.parse().unwrap(),
        }
    }

    /// The next connection, before anything was said on it.
    pub(super) async fn connected(&self) -> TcpStream {
        soon(self.listener.accept()).await.unwrap().0
    }

    /// Whether nobody connects within a time.
    pub(super) async fn is_left_alone(&self, time: Duration) -> bool {
        timeout(time, self.listener.accept()).await.is_err()
    }

    pub(super) async fn accept(&self) -> Peer {
        let stream = self.connected().await;
        let mut seen = None;
        let note = |request: &Request, response: Response| {
            seen = Some((request.uri().to_string(), request.headers().clone()));
            Ok(response)
        };
        let socket = soon(accept_hdr_async(stream, note)).await.unwrap();
        let (uri, headers) = seen.unwrap();
        Peer {
            socket,
            uri,
            headers,
        }
    }

    /// Answers the next handshake or request with this.
    pub(super) async fn refuse(&self, status: &str, headers: &str, body: &str) {
        let mut stream = self.connected().await;
        let mut request = Vec::new();
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            assert!(stream.read_buf(&mut request).await.unwrap() > 0);
        }
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        let _ = stream.read_to_end(&mut request).await;
    }
}

/// The provider's end of a socket.
pub(super) struct Peer {
    socket: WebSocketStream<TcpStream>,
    pub(super) uri: String,
    pub(super) headers: HeaderMap,
}

impl Peer {
    pub(super) fn query(&self) -> &str {
        self.uri.split_once('?').map_or("", |(_, query)| query)
    }

    /// The next text message.
    pub(super) async fn text(&mut self) -> String {
        match soon(self.socket.next()).await {
            Some(Ok(Message::Text(text))) => text.to_string(),
            other => panic!("no text but {other:?}"),
        }
    }

    /// Whether nothing comes within a time.
    pub(super) async fn hears_nothing(&mut self, time: Duration) -> bool {
        timeout(time, self.socket.next()).await.is_err()
    }

    pub(super) async fn send(&mut self, text: String) {
        self.socket.send(Message::Text(text.into())).await.unwrap();
    }

    pub(super) async fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.socket
            .send(Message::Binary(bytes.into()))
            .await
            .unwrap();
    }

    pub(super) async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame {
            code: code.into(),
            reason: reason.to_owned().into(),
        };
        self.socket.close(Some(frame)).await.unwrap();
        while let Some(Ok(_)) = soon(self.socket.next()).await {}
    }

    /// Waits until the other side closes; what it said before is returned.
    pub(super) async fn closed(mut self) -> Vec<String> {
        let mut texts = Vec::new();
        while let Some(Ok(message)) = soon(self.socket.next()).await {
            if let Message::Text(text) = message {
                texts.push(text.to_string());
            }
        }
        texts
    }
}

/// The call's side.
pub(super) struct Caller {
    commands: UnboundedSender<Command>,
    said: UnboundedReceiver<Spoken>,
    task: JoinHandle<Result<(), Failure>>,
    pub(super) breaker: Arc<Breaker>,
}

impl Caller {
    /// Starts an adapter.
    pub(super) fn of<F>(
        run: impl FnOnce(Inlet, Arc<Breaker>, Box<dyn FnMut(Spoken) + Send>) -> F,
    ) -> Self
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let (commands, inlet) = unbounded_channel();
        let (sayer, said) = unbounded_channel();
        let breaker = Arc::new(Breaker::default());
        let say = Box::new(move |spoken| sayer.send(spoken).unwrap());
        let task = tokio::spawn(run(inlet, Arc::clone(&breaker), say));
        Self {
            commands,
            said,
            task,
            breaker,
        }
    }

    pub(super) fn speak(&self, reply: u32, part: u16, text: &str) {
        let command = Command::Speak {
            reply: ReplyId(reply),
            part: PartId(part),
            text: text.to_owned(),
        };
        self.commands.send(command).unwrap();
    }

    pub(super) fn cancel(&self, reply: u32) {
        let reply = ReplyId(reply);
        self.commands.send(Command::Cancel { reply }).unwrap();
    }

    pub(super) async fn next(&mut self) -> Spoken {
        soon(self.said.recv()).await.expect("the voice speaks")
    }

    /// The next is speech of this part.
    pub(super) async fn audio(&mut self, reply: u32, part: u16) -> Vec<u8> {
        match self.next().await {
            Spoken::Audio {
                reply: of,
                part: id,
                mulaw,
            } if (of.0, id.0) == (reply, part) => mulaw,
            other => panic!("no audio of {reply}/{part} but {other:?}"),
        }
    }

    /// All of a part from here to its end: its speech and its words.
    pub(super) async fn whole(&mut self, reply: u32, part: u16) -> (Vec<u8>, Vec<(String, u32)>) {
        let (mut speech, mut heard) = (Vec::new(), Vec::new());
        let of = (ReplyId(reply), PartId(part));
        loop {
            match self.next().await {
                Spoken::Audio { reply, part, mulaw } if (reply, part) == of => {
                    speech.extend(mulaw);
                }
                Spoken::Words { reply, part, words } if (reply, part) == of => {
                    let pair = |TimedWord { word, until }| (word, until);
                    heard.extend(words.into_iter().map(pair));
                }
                Spoken::Done { reply, part } if (reply, part) == of => return (speech, heard),
                other => panic!("not of {of:?}: {other:?}"),
            }
        }
    }

    /// The call needs the voice no more: it ends well, and all that it said meanwhile is returned.
    pub(super) async fn hangs_up(mut self) -> Vec<Spoken> {
        drop(self.commands);
        soon(self.task).await.unwrap().unwrap();
        std::iter::from_fn(|| self.said.try_recv().ok()).collect()
    }

    /// The voice gives up. How long it took is returned, and what it said meanwhile.
    pub(super) async fn fails(mut self, kind: FaultKind) -> (Failure, Duration, Vec<Spoken>) {
        let start = Instant::now();
        let failure = soon(self.task).await.unwrap().unwrap_err();
        assert_eq!(failure.kind, kind, "{failure:?}");
        assert!(!failure.detail.contains("a-key"), "{failure:?}");
        let said = std::iter::from_fn(|| self.said.try_recv().ok()).collect();
        (failure, start.elapsed(), said)
    }
}
