//! Files that come slowly: whoever sends them takes nobody else's place.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use futures_util::{StreamExt as _, stream};
use reqwest::{Body, Client, Response};
use serde_json::{Value, json};
use tokio::task::AbortHandle;

use crate::simulated::{Simulated, until, usual_reply};
use crate::speech::{LISTEN, WHISPER, YES, wav};

const BOUNDARY: &str = "a-boundary-of-the-test";

async fn token(server: &Simulated, email: &str) -> String {
    let who = json!({"email": email, "password": "a pass phrase of their own"});
    for path in ["/auth/register", "/auth/login"] {
        let request = Client::new().post(format!("{}{path}", server.url()));
        let request = request.header("content-type", "application/json");
        let answer = request.body(who.to_string()).send().await.unwrap();
        let told: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        if let Some(token) = told["access_token"].as_str() {
            return token.to_owned();
        }
    }
    panic!("{email} cannot sign in");
}

async fn send(url: String, token: String, body: Body) -> Response {
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let request = Client::new().post(url).bearer_auth(token);
    let request = request.header("content-type", kind).body(body);
    request.send().await.unwrap()
}

/// The beginning of a form with a file, to which nothing is added until it is given up.
fn stalled(server: &Simulated, token: &str) -> AbortHandle {
    let body = stream::iter([Ok::<_, std::io::Error>(begun())]).chain(stream::pending());
    let url = format!("{}{LISTEN}", server.url());
    let sending = send(url, token.to_owned(), Body::wrap_stream(body));
    tokio::spawn(sending).abort_handle()
}

fn begun() -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n"
    );
    [head.as_bytes(), &wav(7, 8000, YES)].concat()
}

async fn whole(server: &Simulated, path: &str, token: &str) -> Response {
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    let form = [begun(), end.into_bytes()].concat();
    let url = format!("{}{path}", server.url());
    send(url, token.to_owned(), form.into()).await
}

/// Uploads that the server has begun to keep.
fn kept(server: &Simulated) -> usize {
    let links = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap();
    let links = links.filter_map(|link| std::fs::read_link(link.unwrap().path()).ok());
    let data = server.data_dir();
    let ours =
        links.filter(|to| to.starts_with(&data) && to.to_string_lossy().contains("(deleted)"));
    ours.count()
}

#[tokio::test]
async fn one_user_cannot_take_all_places_for_uploads() {
    let server = Simulated::replying(usual_reply(), &[("REGISTRATION", "open")], &[]).await;
    let ada = token(&server, "ada@example.org").await;
    let bob = token(&server, "bob@example.org").await;
    let slow: Vec<AbortHandle> = (0..4).map(|_| stalled(&server, &ada)).collect();
    until("four uploads have begun", async || {
        (kept(&server) == 4).then_some(())
    })
    .await;
    for path in [LISTEN, WHISPER] {
        let refused = whole(&server, path, &ada).await;
        assert_eq!(refused.status(), 429, "{path}");
        assert_eq!(refused.headers()["retry-after"], "10");
        let told = refused.text().await.unwrap();
        assert!(told.contains("too many of your files"), "{told}");
        assert_eq!(whole(&server, path, &bob).await.status(), 200, "{path}");
    }
    for upload in slow {
        upload.abort();
    }
    until("a place is free", async || {
        (kept(&server) == 0).then_some(())
    })
    .await;
    assert_eq!(whole(&server, LISTEN, &ada).await.status(), 200);
}
