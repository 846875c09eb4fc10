//! Requests over real sockets.

use std::time::Duration;

use ringback_call::FaultKind::{Misbehaved, Misconfigured, Refused, Unreachable};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::super::{Api, Finish, Model, Tab, Wrote, client};
use super::prompt;
use super::server::{Connection, Server};
use crate::Secret;
use crate::provider::Failure;

struct Asking {
    wrote: UnboundedReceiver<Wrote>,
    over: JoinHandle<Result<(), Failure>>,
}

fn ask_through(client: reqwest::Client, model: Model) -> Asking {
    let (tell, wrote) = mpsc::unbounded_channel();
    let over = tokio::spawn(async move {
        let mut say = |more| tell.send(more).unwrap();
        model
            .answer(&client, &prompt(), &Tab::default(), &mut say)
            .await
    });
    Asking { wrote, over }
}

fn ask(model: Model) -> Asking {
    ask_through(client(None).unwrap(), model)
}

async fn failure(model: Model) -> Failure {
    ask(model).over.await.unwrap().unwrap_err()
}

/// Answers one request whole.
async fn serve(connection: &mut Connection, text: &str) {
    connection.begin().await;
    connection.say(text).await;
    connection.end().await;
}

#[tokio::test]
async fn a_question_is_one_post_with_the_key_in_its_header() {
    let server = Server::start().await;
    for (api, path) in [
        (Api::Chat, "/v1/chat/completions"),
        (Api::Responses, "/v1/responses"),
    ] {
        let mut model = server.model(api);
        model.access.url.set_query(Some("api-version=1"));
        let asking = ask(model);
        let mut connection = server.accept().await;
        let asked = connection.request().await;
        let line = format!("post {path}?api-version=1 http/1.1");
        assert_eq!(asked.head.lines().next(), Some(line.as_str()));
        for line in [
            "authorization: bearer sk-a-secret-key",
            "content-type: application/json",
            "accept: text/event-stream",
        ] {
            assert!(asked.head.lines().any(|told| told == line), "{line}");
        }
        assert_eq!(asked.body["model"], "gpt-6-luna");
        asking.over.abort();
    }
}

#[tokio::test]
async fn a_connection_serves_one_answer_after_another() {
    let server = Server::start().await;
    let client = client(None).unwrap();
    let mut first = ask_through(client.clone(), server.model(Api::Chat));
    let mut connection = server.accept().await;
    connection.request().await;
    connection.begin().await;
    connection.say("One.").await;
    connection.chunk("data: [DONE]\n\n").await;
    sleep(Duration::from_millis(50)).await;
    connection.write("0\r\n\r\n").await;
    assert_eq!(first.over.await.unwrap(), Ok(()));
    assert_eq!(first.wrote.recv().await, Some(Wrote::Began));
    assert_eq!(first.wrote.recv().await, Some(Wrote::Text("One.".into())));
    assert_eq!(first.wrote.recv().await, Some(Wrote::End(Finish::Stop)));

    let second = ask_through(client, server.model(Api::Chat));
    connection.request().await;
    serve(&mut connection, "Two.").await;
    assert_eq!(second.over.await.unwrap(), Ok(()));
    assert!(server.is_left_alone().await);
}

#[tokio::test]
async fn a_connection_is_opened_while_the_telephone_rings_and_the_answer_uses_it() {
    let server = Server::start().await;
    let (client, model) = (client(None).unwrap(), server.model(Api::Chat));
    model.warm(&client);
    let mut connection = server.accept().await;
    let asked = connection.request().await;
    assert!(asked.head.starts_with("get /v1/models http/1.1"));
    assert!(asked.head.contains("authorization: bearer sk-a-secret-key"));
    connection
        .write("HTTP/1.1 200 OK\r\ncontent-length: 100001\r\n\r\n{")
        .await;
    sleep(Duration::from_millis(50)).await;
    connection.write(&" ".repeat(100_000)).await;
    // Nothing tells when the connection is back in its pool.
    sleep(Duration::from_millis(200)).await;
    let asking = ask_through(client, model);
    connection.request().await;
    serve(&mut connection, "Hello.").await;
    assert_eq!(asking.over.await.unwrap(), Ok(()));
    assert!(server.is_left_alone().await);
}

#[tokio::test]
async fn who_stops_before_the_answer_begins_closes_the_request() {
    let server = Server::start().await;
    let asking = ask(server.model(Api::Chat));
    let mut connection = server.accept().await;
    connection.request().await;
    asking.over.abort();
    connection.closed().await;
}

#[tokio::test]
async fn who_stops_in_the_middle_of_an_answer_closes_the_request() {
    let server = Server::start().await;
    let mut asking = ask(server.model(Api::Chat));
    let mut connection = server.accept().await;
    connection.request().await;
    connection.begin().await;
    connection.say("Friday at").await;
    assert_eq!(asking.wrote.recv().await, Some(Wrote::Began));
    asking.over.abort();
    connection.closed().await;
}

#[tokio::test]
async fn an_endless_answer_is_cut_and_its_request_closed() {
    let server = Server::start().await;
    let mut asking = ask(server.model(Api::Chat));
    let mut connection = server.accept().await;
    connection.request().await;
    connection.begin().await;
    for _ in 0..5 {
        connection.say(&"blah ".repeat(1000)).await;
    }
    connection.closed().await;
    assert_eq!(asking.over.await.unwrap(), Ok(()));
    let mut last = None;
    while let Some(more) = asking.wrote.recv().await {
        last = Some(more);
    }
    assert_eq!(last, Some(Wrote::End(Finish::Cut)));
}

#[tokio::test]
async fn a_server_that_does_not_begin_is_left_in_time() {
    let server = Server::start().await;
    for begun in [false, true] {
        let asking = ask(Model {
            first: Duration::from_millis(150),
            ..server.model(Api::Chat)
        });
        let mut connection = server.accept().await;
        connection.request().await;
        if begun {
            connection.begin().await;
        }
        let failure = asking.over.await.unwrap().unwrap_err();
        assert_eq!(failure.kind, Unreachable);
        let late = "openai (gpt-6-luna at 127.0.0.1) did not begin its answer within 150 ms";
        assert_eq!(failure.detail, late);
        connection.closed().await;
    }
}

#[tokio::test]
async fn a_refusal_has_the_servers_words_and_its_wait_and_never_the_key() {
    let server = Server::start().await;
    let asking = ask(server.model(Api::Chat));
    let mut connection = server.accept().await;
    connection.request().await;
    let body = r#"{"error":{"message":"Rate limit reached for sk-a-secret-key.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#;
    let headers = "content-type: application/json\r\nretry-after: 3\r\n";
    connection
        .answer("429 Too Many Requests", headers, body)
        .await;
    let failure = asking.over.await.unwrap().unwrap_err();
    assert_eq!((failure.kind, failure.passing), (Unreachable, true));
    assert_eq!(failure.retry_after, Some(Duration::from_secs(3)));
    let detail = "openai (gpt-6-luna at 127.0.0.1) answered 429: Rate limit reached for sk-…";
    assert_eq!(failure.detail, detail);
    assert!(!format!("{:?}", server.model(Api::Chat)).contains("secret-key"));
}

#[tokio::test]
async fn a_refusal_whose_body_never_ends_is_a_refusal_still() {
    let server = Server::start().await;
    let asking = ask(Model {
        first: Duration::from_millis(300),
        ..server.model(Api::Chat)
    });
    let mut connection = server.accept().await;
    connection.request().await;
    connection
        .write("HTTP/1.1 401 Unauthorized\r\ncontent-length: 100\r\n\r\n")
        .await;
    let failure = asking.over.await.unwrap().unwrap_err();
    assert_eq!(failure.kind, Refused);
    assert!(
        failure.detail.ends_with("answered 401"),
        "{}",
        failure.detail
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (server, other) = (Server::start().await, Server::start().await);
    let asking = ask(server.model(Api::Chat));
    let mut connection = server.accept().await;
    connection.request().await;
    let location = format!("location: http://{}/v1\r\n", other.address());
    connection
        .answer("307 Temporary Redirect", &location, "")
        .await;
    let failure = asking.over.await.unwrap().unwrap_err();
    assert_eq!(failure.kind, Misbehaved);
    assert!(other.is_left_alone().await);
}

#[tokio::test]
async fn a_body_that_breaks_in_the_middle_is_misbehaviour() {
    let server = Server::start().await;
    let asking = ask(server.model(Api::Chat));
    let mut connection = server.accept().await;
    connection.request().await;
    connection.begin().await;
    connection.say("Friday at").await;
    drop(connection);
    let failure = asking.over.await.unwrap().unwrap_err();
    assert_eq!((failure.kind, failure.passing), (Misbehaved, true));
}

#[tokio::test]
async fn nobody_at_the_address_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let failure = failure(super::model(&url, Api::Chat)).await;
    assert_eq!((failure.kind, failure.passing), (Unreachable, true));
    let begins = "openai (gpt-6-luna at 127.0.0.1) could not be connected to: ";
    assert!(failure.detail.starts_with(begins), "{}", failure.detail);
}

#[tokio::test]
async fn an_address_or_a_key_that_cannot_be_used_is_a_matter_of_configuration() {
    for url in ["ftp://models.example/v1", "data:text/plain,hello"] {
        let failure = failure(super::model(url, Api::Chat)).await;
        assert_eq!(failure.kind, Misconfigured, "{url}");
    }
    let mut model = super::model("http://127.0.0.1:9/v1", Api::Chat);
    model.access.key = Some(Secret::new("a\nkey"));
    let failure = failure(model).await;
    assert_eq!(failure.kind, Misconfigured);
    assert!(failure.detail.ends_with("has a key that is no text"));
}

#[tokio::test]
async fn the_operators_proxy_is_for_https_alone() {
    let (proxy, server) = (Server::start().await, Server::start().await);
    let client = client(Some(&format!("http://{}", proxy.address()))).unwrap();
    let plain = ask_through(client.clone(), server.model(Api::Chat));
    server.accept().await.request().await;
    plain.over.abort();
    let hidden = ask_through(client, super::model("https://models.example/v1", Api::Chat));
    let asked = proxy.accept().await.request().await;
    assert!(
        asked.head.starts_with("connect models.example:443"),
        "{}",
        asked.head
    );
    hidden.over.abort();

    let failure = super::super::client(Some("http://")).unwrap_err();
    assert_eq!(failure.kind, Misconfigured);
}
