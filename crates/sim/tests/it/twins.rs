//! Twins on a free port, and clients of a few lines.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::{Client, Response};
use ringback_sim::providers::{Options, Running, Twins};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderName};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub type Line = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub async fn start() -> Running {
    start_with(Options::default()).await
}

pub async fn start_with(options: Options) -> Running {
    Twins::start(options).await.unwrap()
}

/// Opens a socket, or gives the refusal.
pub async fn upgrade(
    url: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> Result<(Line, HeaderMap), (u16, HeaderMap, Vec<u8>)> {
    let url = format!("{}{target}", url.replace("http://", "ws://"));
    let mut request = url.into_client_request().unwrap();
    for (name, value) in headers {
        request
            .headers_mut()
            .insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    match connect_async(request).await {
        Ok((line, response)) => Ok((line, response.headers().clone())),
        Err(Error::Http(response)) => {
            let (parts, body) = (*response).into_parts();
            Err((
                parts.status.as_u16(),
                parts.headers,
                body.unwrap_or_default(),
            ))
        }
        Err(other) => panic!("{other}"),
    }
}

pub async fn connect(url: &str, target: &str, headers: &[(&str, &str)]) -> Line {
    match upgrade(url, target, headers).await {
        Ok((line, _)) => line,
        Err((status, _, body)) => panic!("{status}: {}", String::from_utf8_lossy(&body)),
    }
}

/// The next text message; `None` at the end, however it came.
pub async fn text(line: &mut Line) -> Option<String> {
    let patience = Duration::from_secs(60);
    loop {
        match tokio::time::timeout(patience, line.next())
            .await
            .expect("an answer in a minute")?
        {
            Ok(Message::Text(text)) => return Some(text.to_string()),
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// Reads on to the close frame, and gives its code and reason; `None` if the connection ended without one.
pub async fn left(line: &mut Line) -> Option<(u16, String)> {
    while let Some(Ok(message)) = line.next().await {
        if let Message::Close(frame) = message {
            return frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
        }
    }
    None
}

/// Posts a JSON body.
pub async fn ask(twins: &Running, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let mut request = Client::new()
        .post(format!("{}{path}", twins.url()))
        .body(body.to_owned());
    request = request.header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}
