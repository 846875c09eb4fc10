//! A provider's WebSocket: opened within a bound, its refusals named.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::{HeaderMap, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

use super::{Blame, Failure, Provider};

/// The handshake, TLS included, must be over in this time.
const CONNECT: Duration = Duration::from_secs(2);
/// A provider that does not read its socket for so long is gone.
const WRITE: Duration = Duration::from_secs(2);
/// The largest message taken, in bytes.
const MAX_MESSAGE: usize = 4 << 20;
/// What is read at once, in bytes: room for a piece of speech. Each socket of each call holds so much; the default is 128 KiB.
const READ_BUFFER: usize = 8 << 10;

/// An open socket to a provider.
pub(crate) struct ProviderSocket {
    provider: Provider,
    inner: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// What came from a provider.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// It closed, with a code where it gave one.
    Closed {
        /// RFC 6455, 7.4.
        code: Option<u16>,
        /// In its own words.
        reason: String,
    },
}

/// What a provider says when it refuses a handshake.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    /// Its word for the reason, for programs.
    pub(crate) code: Option<String>,
    /// For people; empty where it says nothing.
    pub(crate) words: String,
}

/// Opens a socket. `refusal` reads the body of a refused handshake for the provider's own words.
///
/// # Errors
/// No connection in time, or a refused handshake.
pub(crate) async fn open(
    provider: Provider,
    url: &Url,
    headers: &HeaderMap,
    refusal: fn(&str) -> Refusal,
) -> Result<ProviderSocket, Failure> {
    let unusable = |error: &dyn std::fmt::Display| {
        Failure::refused(provider, format!("cannot be asked: {error}"))
    };
    let mut request = url
        .as_str()
        .into_client_request()
        .map_err(|error| unusable(&error))?;
    request.headers_mut().extend(headers.clone());
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let connecting = connect_async_with_config(request, Some(config), true);
    match timeout(CONNECT, connecting).await {
        Ok(Ok((inner, _))) => Ok(ProviderSocket { provider, inner }),
        Ok(Err(Error::Http(response))) if response.status().is_success() => {
            let status = response.status().as_u16();
            Err(somebody_else(
                provider,
                format!("{status} instead of a socket"),
            ))
        }
        Ok(Err(error @ Error::Protocol(_))) if is_no_handshake(&error) => {
            Err(somebody_else(provider, reason(&error)))
        }
        Ok(Err(Error::Http(response))) => Err(refused(provider, &response, refusal)),
        Ok(Err(error)) => Err(Failure::unreachable(
            provider,
            format!("could not be connected to: {}", reason(&error)),
        )),
        Err(_) => Err(Failure::unreachable(
            provider,
            format!("could not be connected to within {} s", CONNECT.as_secs()),
        )),
    }
}

/// Another server than the provider's has the address.
fn somebody_else(provider: Provider, what: String) -> Failure {
    let what = format!("is not what answers at its address: {what}");
    Failure::misbehaved(provider, what).blamed(Some(Blame::Address))
}

/// Whether the answer to a handshake was none, and not just cut off.
fn is_no_handshake(error: &Error) -> bool {
    let cut = [
        ProtocolError::HandshakeIncomplete,
        ProtocolError::ResetWithoutClosingHandshake,
    ];
    let words = error.to_string();
    cut.into_iter()
        .all(|cut| words != Error::Protocol(cut).to_string())
}

fn refused(
    provider: Provider,
    response: &Response<Option<Vec<u8>>>,
    refusal: fn(&str) -> Refusal,
) -> Failure {
    let body = response.body().as_deref().unwrap_or_default();
    let Refusal { code, words } = refusal(&String::from_utf8_lossy(body));
    let after = response
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let status = response.status().as_u16();
    let said = format!("{} {words}", code.unwrap_or_default());
    Failure::status(provider, status, &words)
        .retry_after(after)
        .blamed(Blame::of(Some(status), &said))
}

/// Without the address, which may hold a key.
fn reason(error: &Error) -> String {
    match error {
        Error::Io(error) => error.to_string(),
        Error::Tls(error) => error.to_string(),
        Error::Url(_) => "the address cannot be used".to_owned(),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Capacity(_)
        | Error::Protocol(_)
        | Error::WriteBufferFull(_)
        | Error::Utf8(_)
        | Error::AttackAttempt
        | Error::Http(_)
        | Error::HttpFormat(_) => error.to_string().chars().take(160).collect(),
    }
}

impl ProviderSocket {
    /// Sends a text message.
    ///
    /// # Errors
    /// The socket broke, or takes nothing.
    pub(crate) async fn text(&mut self, text: String) -> Result<(), Failure> {
        self.send(Message::Text(text.into())).await
    }

    /// Sends a binary message.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub(crate) async fn binary(&mut self, bytes: Vec<u8>) -> Result<(), Failure> {
        self.send(Message::Binary(bytes.into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Failure> {
        match timeout(WRITE, self.inner.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.broke(&error)),
            Err(_) => Err(Failure::unreachable(
                self.provider,
                format!("did not read its socket for {} s", WRITE.as_secs()),
            )),
        }
    }

    /// What comes next. Pings are answered by themselves.
    ///
    /// # Errors
    /// The socket broke without a close.
    pub(crate) async fn next(&mut self) -> Result<Answer, Failure> {
        loop {
            match self.inner.next().await {
                Some(Ok(Message::Text(text))) => return Ok(Answer::Text(text.to_string())),
                Some(Ok(Message::Binary(bytes))) => return Ok(Answer::Binary(bytes.to_vec())),
                Some(Ok(Message::Close(frame))) => {
                    return Ok(Answer::Closed {
                        code: frame.as_ref().map(|frame| frame.code.into()),
                        reason: frame
                            .map(|frame| frame.reason.to_string())
                            .unwrap_or_default(),
                    });
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Err(self.broke(&error)),
                None => {
                    return Ok(Answer::Closed {
                        code: None,
                        reason: String::new(),
                    });
                }
            }
        }
    }

    /// Closes the socket; a provider that does not answer is not waited for.
    pub(crate) async fn close(mut self) {
        let _ = timeout(WRITE, self.inner.close(None)).await;
    }

    fn broke(&self, error: &Error) -> Failure {
        let lost = Error::Protocol(ProtocolError::ResetWithoutClosingHandshake);
        if error.to_string() == lost.to_string() {
            return Failure::unreachable(self.provider, "ended its socket without a close");
        }
        Failure::unreachable(
            self.provider,
            format!("broke its socket: {}", reason(error)),
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// What a server is taken for that answers the handshake so.
    async fn answered(answer: &str) -> Failure {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let url = Url::parse(&url).unwrap();
        let answering = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        let headers = HeaderMap::new();
        let opening = open(Provider::Cartesia, &url, &headers, |_| Refusal::default());
        let (opened, ()) = tokio::join!(opening, answering);
        opened.err().unwrap()
    }

    #[tokio::test]
    async fn another_server_at_the_address_is_not_taken_for_the_provider() {
        let failure = answered("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await;
        assert_eq!(
            failure.detail,
            "cartesia is not what answers at its address: 200 instead of a socket"
        );
        assert_eq!(failure.blame, Some(Blame::Address));
        for answer in [
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            "SSH-2.0-OpenSSH_9.9\r\n\r\n",
        ] {
            let failure = answered(answer).await;
            let begin = "cartesia is not what answers at its address: ";
            assert!(failure.detail.starts_with(begin), "{failure:?}");
            assert_eq!(failure.blame, Some(Blame::Address));
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_cut_off_or_a_providers_own_failure_blames_no_address() {
        for answer in [
            "HTTP/1.1 101 Switch",
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
        ] {
            let failure = answered(answer).await;
            assert_eq!(failure.blame, None, "{failure:?}");
        }
    }
}
