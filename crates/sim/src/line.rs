//! One media socket: the handshake as Twilio makes it, messages out, the end.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use ringback_wire::twilio::signature::SIGNATURE_HEADER;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::twilio::stream::MediaStream;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A server that does not read its socket for so long is broken.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the server may take to close its side after `stop`.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// The largest message taken from a server, bytes; Twilio's own limit is not documented.
const MAX_MESSAGE: usize = 4 << 20;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// An open media socket with the stream on it.
pub(crate) struct Line {
    sink: SplitSink<Socket, Message>,
    pub(crate) source: SplitStream<Socket>,
    pub(crate) stream: MediaStream,
}

impl Line {
    /// Opens the socket at `url`, without a subprotocol, signed if there is a signature.
    pub(crate) async fn open(
        url: &str,
        signature: Option<String>,
        stream: MediaStream,
    ) -> anyhow::Result<Self> {
        let mut request = url
            .into_client_request()
            .with_context(|| format!("the stream address {url}"))?;
        if let Some(signature) = signature {
            let value = HeaderValue::from_str(&signature).context("the signature")?;
            request.headers_mut().insert(SIGNATURE_HEADER, value);
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let connecting = connect_async_with_config(request, Some(config), true);
        let seconds = CONNECT_TIMEOUT.as_secs();
        let Ok(connected) = timeout(CONNECT_TIMEOUT, connecting).await else {
            bail!("{url} did not answer within {seconds} s (31901)");
        };
        let (socket, _) = connected.map_err(|error| handshake(url, &error))?;
        let (sink, source) = socket.split();
        Ok(Self {
            sink,
            source,
            stream,
        })
    }

    /// Sends a text message.
    pub(crate) async fn send(&mut self, text: String) -> anyhow::Result<()> {
        let sending = self.sink.send(Message::Text(text.into()));
        let seconds = WRITE_TIMEOUT.as_secs();
        match timeout(WRITE_TIMEOUT, sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(anyhow!("the media socket broke (31903): {error}")),
            Err(_) => bail!("the server did not read its media socket for {seconds} s (31930)"),
        }
    }

    /// Ends our side as Twilio does: with `stop` when the call is over.
    pub(crate) async fn close(mut self, call_is_over: bool) {
        // A socket that is gone already needs no farewell, and what still comes is of no interest.
        if !call_is_over {
            let _ = timeout(CLOSE_TIMEOUT, self.sink.close()).await;
            return;
        }
        let stop = self.stream.stop();
        let _ = self.send(stop).await;
        let _ = timeout(CLOSE_TIMEOUT, async {
            let _ = self.sink.send(Message::Close(None)).await;
            while let Some(Ok(_)) = self.source.next().await {}
        })
        .await;
    }
}

fn handshake(url: &str, error: &tungstenite::Error) -> anyhow::Error {
    if let tungstenite::Error::Http(response) = error {
        let status = response.status();
        let hint = match status {
            StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => {
                ": the signature of the upgrade or the server's own address is not what it expects"
            }
            StatusCode::NOT_FOUND => ": there is no such media socket",
            _ => "",
        };
        return anyhow!("{url} answered {status} where 101 is needed (31920){hint}");
    }
    if let tungstenite::Error::Io(error) = error {
        return anyhow!(
            "nothing answers at {url} (31902): {error}; the server names its media socket by PUBLIC_URL"
        );
    }
    if let tungstenite::Error::Tls(error) = error {
        return anyhow!("{url} has no certificate Twilio would take (31910): {error}");
    }
    anyhow!("{url}: the WebSocket handshake failed (31920): {error}")
}

/// The names of RFC 6455, section 7.4.1.
pub(crate) fn meaning(code: u16) -> &'static str {
    match code {
        1000 => "normal",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        1005 => "no code",
        1007 => "invalid payload",
        1008 => "policy violation",
        1009 => "message too big",
        1011 => "internal error",
        1012 => "restarting",
        1013 => "try again later",
        _ => "a code of the server's own",
    }
}
