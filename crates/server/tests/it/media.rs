#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request};
use futures_util::{SinkExt, StreamExt};
use ringback_server::calls::Outcome;
use ringback_server::listen::{Limits, serve};
use ringback_wire::twilio::signature::{AuthToken, sign};
use ringback_wire::twilio::twiml::{Callee, Verb, parse};
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async, connect_async};
use tokio_util::sync::CancellationToken;

use crate::server::*;

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A server on a real port.
pub struct Listening {
    pub server: TestServer,
    pub address: SocketAddr,
}

pub async fn listen(setup: Setup) -> Listening {
    listen_within(setup, Limits::of(1024)).await
}

pub async fn listen_within(setup: Setup, limits: Limits) -> Listening {
    listening_within(setup.start(), limits).await
}

/// A server that is there already.
pub async fn listening(server: TestServer) -> Listening {
    listening_within(server, Limits::of(1024)).await
}

async fn listening_within(server: TestServer, limits: Limits) -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let closed = CancellationToken::new();
    tokio::spawn(serve(listener, None, server.router.clone(), limits, closed));
    Listening { server, address }
}

impl Listening {
    fn request(&self, path: &str) -> Request<()> {
        format!("ws://{}{path}", self.address)
            .into_client_request()
            .unwrap()
    }

    pub async fn open(&self, path: &str) -> Socket {
        connect_async(self.request(path)).await.unwrap().0
    }

    async fn refused(&self, request: Request<()>) -> u16 {
        match connect_async(request).await {
            Err(Error::Http(response)) => response.status().as_u16(),
            other => panic!("{other:?}"),
        }
    }

    /// The token of a call that has come, for `path`'s scenario.
    async fn token(&self, call_sid: &str) -> String {
        let twiml = self
            .server
            .post("/call/inbound/receive/parrot", &of_call(call_sid))
            .await
            .body;
        stream(&twiml).parameters["token"].clone()
    }

    /// A call that talks.
    pub async fn connect(&self, call_sid: &str) -> Socket {
        let token = self.token(call_sid).await;
        let mut socket = self.open("/ws").await;
        socket.send(start(call_sid, Some(&token))).await.unwrap();
        talks(&mut socket).await;
        socket
    }
}

pub fn start(call_sid: &str, token: Option<&str>) -> Message {
    let parameters = token.map_or_else(
        || "{}".to_owned(),
        |token| format!(r#"{{"token":"{token}"}}"#),
    );
    format!(
        r#"{{"event":"start","sequenceNumber":"1","start":{{"streamSid":"MZ1","accountSid":"{ACCOUNT}","callSid":"{call_sid}","tracks":["inbound"],"customParameters":{parameters},"mediaFormat":{{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}},"streamSid":"MZ1"}}"#
    )
    .into()
}

pub fn key(digit: char) -> Message {
    format!(r#"{{"event":"dtmf","streamSid":"MZ1","sequenceNumber":"2","dtmf":{{"track":"inbound_track","digit":"{digit}"}}}}"#).into()
}

/// What the seat says that it was told, or asked.
pub async fn echoed(socket: &mut Socket) -> String {
    let told = socket.next().await.unwrap().unwrap();
    told.to_text().unwrap().to_owned()
}

pub async fn talks(socket: &mut Socket) {
    socket.send(key('1')).await.unwrap();
    let answer = socket.next().await.unwrap().unwrap();
    assert!(
        answer.to_text().unwrap().starts_with("{\"echo\":"),
        "{answer:?}"
    );
}

/// The close code and reason that the server gave.
pub async fn closed(socket: &mut Socket) -> (u16, String) {
    let wait = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(Some(frame)))) => {
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(_)) => {}
                other => panic!("no close frame, but {other:?}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(8), wait)
        .await
        .unwrap()
}

async fn live(listening: &Listening, count: usize) {
    let wait = listening
        .server
        .app
        .registry
        .until(|counts| counts.live == count);
    tokio::time::timeout(Duration::from_secs(8), wait)
        .await
        .unwrap();
}

async fn check_refused_start(
    listening: &Listening,
    path: &str,
    message: Message,
    expected: (u16, &str),
) {
    let mut socket = listening.open(path).await;
    socket.send(message).await.unwrap();
    let (code, reason) = closed(&mut socket).await;
    assert_eq!((code, reason.as_str()), expected);
}

/// A call that ended by wanting this, and what its resume webhook says then.
async fn followed_by(to: &str) -> (Listening, String) {
    let outcome = Outcome::Transfer(to.into());
    let listening = listen(Setup { outcome, ..local() }).await;
    let stream = stream(&listening.server.post("/", &of_call(CALL)).await.body);
    let mut socket = listening.open("/ws/guest-relations/audio/stream").await;
    socket
        .send(start(CALL, Some(&stream.parameters["token"])))
        .await
        .unwrap();
    talks(&mut socket).await;
    socket.send(key('9')).await.unwrap();
    closed(&mut socket).await;
    let resume = stream.resume.strip_prefix("http://localhost:8080").unwrap();
    let body = listening.server.post(resume, &of_call(CALL)).await.body;
    (listening, body)
}

#[tokio::test]
async fn a_caller_who_is_put_through_to_another_scenario_talks_to_it_in_a_new_stream() {
    let (listening, twiml) = followed_by("scenario:parrot").await;
    let next = stream(&twiml);
    let mut socket = listening.open("/ws/parrot/audio/stream").await;
    socket
        .send(start(CALL, Some(&next.parameters["token"])))
        .await
        .unwrap();
    talks(&mut socket).await;
}

#[tokio::test]
async fn a_caller_who_is_put_through_to_no_scenario_hears_an_apology() {
    let (_listening, twiml) = followed_by("scenario:nobody").await;
    let said = "I am sorry, something went wrong on our side. Thank you for your time. Goodbye.";
    assert_eq!(spoken(&twiml), said);
}

#[tokio::test]
async fn a_call_talks_and_what_follows_is_what_its_end_said() {
    let outcome = Outcome::Transfer("+15005550009".into());
    let listening = listen(Setup { outcome, ..local() }).await;
    let twiml = listening.server.post("/", &of_call(CALL)).await.body;
    let stream = stream(&twiml);
    let mut socket = listening.open("/ws/guest-relations/audio/stream").await;
    socket
        .send(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#.into())
        .await
        .unwrap();
    socket
        .send(start(CALL, Some(&stream.parameters["token"])))
        .await
        .unwrap();
    talks(&mut socket).await;
    socket.send(Message::Ping("x".into())).await.unwrap();
    assert_eq!(
        socket.next().await.unwrap().unwrap(),
        Message::Pong("x".into())
    );
    socket.send(key('9')).await.unwrap();
    assert_eq!(
        closed(&mut socket).await,
        (1000, "the call is over".to_owned())
    );
    let resume = stream.resume.strip_prefix("http://localhost:8080").unwrap();
    for _ in 0..2 {
        let verbs = parse(&listening.server.post(resume, &of_call(CALL)).await.body).unwrap();
        let [Verb::Dial(dial), Verb::Hangup] = &verbs[..] else {
            panic!("{verbs:?}")
        };
        assert_eq!(
            dial.targets[0].callee,
            Callee::Number("+15005550009".into())
        );
    }
    assert_eq!(
        listening
            .server
            .free
            .load(std::sync::atomic::Ordering::SeqCst),
        9
    );
}

#[tokio::test]
async fn a_call_that_ended_by_itself_has_its_leg_hung_up_and_not_its_socket_closed_alone() {
    let listening = listen(local()).await;
    let announced = stream(&listening.server.post("/", &of_call(CALL)).await.body);
    let mut socket = listening.open("/ws").await;
    let token = &announced.parameters["token"];
    socket.send(start(CALL, Some(token))).await.unwrap();
    talks(&mut socket).await;
    socket.send(key('9')).await.unwrap();
    assert_eq!(closed(&mut socket).await.0, 1000);
    let resume = announced.resume.strip_prefix("http://localhost:8080");
    for _ in 0..3 {
        let answer = listening.server.post(resume.unwrap(), &of_call(CALL)).await;
        assert_eq!(parse(&answer.body).unwrap(), [Verb::Hangup]);
    }
}

#[tokio::test]
async fn a_token_opens_one_socket_of_its_own_call() {
    let listening = listen(local()).await;
    let token = listening.token("CA1").await;
    let policy = |reason| (1008, reason);
    check_refused_start(
        &listening,
        "/ws",
        start("CA2", Some(&token)),
        policy("the token is not one of this call"),
    )
    .await;
    check_refused_start(
        &listening,
        "/ws",
        start("CA1", Some("x")),
        policy("the token is not one of this call"),
    )
    .await;
    check_refused_start(
        &listening,
        "/ws",
        start("CA1", None),
        policy("no token, and the scenario does not allow foreign_streams"),
    )
    .await;
    let mut first = listening.open("/ws").await;
    first.send(start("CA1", Some(&token))).await.unwrap();
    talks(&mut first).await;
    check_refused_start(
        &listening,
        "/ws",
        start("CA1", Some(&token)),
        policy("the call has a live media socket already"),
    )
    .await;
    talks(&mut first).await;
    first.send(key('9')).await.unwrap();
    closed(&mut first).await;
    live(&listening, 0).await;
    check_refused_start(
        &listening,
        "/ws",
        start("CA1", Some(&token)),
        policy("the token was used before"),
    )
    .await;
}

#[tokio::test]
async fn a_token_of_another_scenario_does_not_open_this_one() {
    let listening = listen(local()).await;
    let token = listening.token("CA1").await;
    check_refused_start(
        &listening,
        "/ws/survey/audio/stream",
        start("CA1", Some(&token)),
        (1008, "the token is one of another scenario"),
    )
    .await;
    assert_eq!(
        listening
            .refused(listening.request("/ws/nobody/audio/stream"))
            .await,
        404
    );
}

#[tokio::test]
async fn what_is_no_stream_is_closed_with_a_code_and_other_calls_go_on() {
    let listening = listen(local()).await;
    let mut other = listening.connect("CA9").await;
    let garbage = |text: &str| Message::Text(text.to_owned().into());
    let closed_with = async |message: Message| {
        let mut socket = listening.open("/ws").await;
        socket.send(message).await.unwrap();
        closed(&mut socket).await.0
    };
    assert_eq!(
        closed_with(Message::Binary(vec![1, 2, 3].into())).await,
        1003
    );
    assert_eq!(closed_with(garbage("no json")).await, 1007);
    assert_eq!(closed_with(garbage(&"x".repeat(65_537))).await, 1009);
    talks(&mut other).await;
}

#[tokio::test]
async fn an_oversize_message_ends_its_call_alone() {
    let listening = listen(local()).await;
    let mut other = listening.connect("CA9").await;
    let mut socket = listening.connect("CA1").await;
    socket.send("x".repeat(65_537).into()).await.unwrap();
    assert_eq!(
        closed(&mut socket).await,
        (1009, "a message of more than 65536 bytes".to_owned())
    );
    live(&listening, 1).await;
    talks(&mut other).await;
}

#[tokio::test]
async fn a_breach_of_the_protocol_is_closed_with_1002() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listening = listen(local()).await;
    let mut tcp = TcpStream::connect(listening.address).await.unwrap();
    let upgrade = "GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    tcp.write_all(upgrade.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        seen.push(tcp.read_u8().await.unwrap());
    }
    // A text frame without a mask, which a client must not send (RFC 6455, 5.1).
    tcp.write_all(&[0x81, 0x01, b'x']).await.unwrap();
    let mut frame = [0; 4];
    tcp.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[0], 0x88);
    assert_eq!(u16::from_be_bytes([frame[2], frame[3]]), 1002);
}

/// One connection in memory, so that time can be made up.
struct InMemory(Option<DuplexStream>);

impl axum::serve::Listener for InMemory {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.take() {
            Some(stream) => (stream, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_socket_is_closed_after_five_seconds() {
    let peer: SocketAddr = "127.0.0.1:50000".parse().unwrap();
    let router = local()
        .start()
        .router
        .layer(axum::Extension(ConnectInfo(peer)));
    let (near, far) = tokio::io::duplex(4096);
    tokio::spawn(async move { axum::serve(InMemory(Some(far)), router).await });
    let request = "ws://localhost/ws".into_client_request().unwrap();
    let begun = tokio::time::Instant::now();
    let mut socket = client_async(request, near).await.unwrap().0;
    let Message::Close(Some(frame)) = socket.next().await.unwrap().unwrap() else {
        panic!("no close frame")
    };
    assert_eq!(
        (u16::from(frame.code), frame.reason.as_str()),
        (1008, "no start message within 5 s")
    );
    assert_eq!(begun.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn a_panic_in_one_call_ends_that_call_alone_and_its_caller_hears_an_apology() {
    let listening = listen(local()).await;
    let mut other = listening.connect("CA9").await;
    let twiml = listening.server.post("/", &of_call("CA1")).await.body;
    let announced = stream(&twiml);
    let mut socket = listening.open("/ws").await;
    let token = &announced.parameters["token"];
    socket.send(start("CA1", Some(token))).await.unwrap();
    talks(&mut socket).await;
    socket.send(key('0')).await.unwrap();
    live(&listening, 1).await;
    talks(&mut other).await;
    let resume = announced.resume.strip_prefix("http://localhost:8080");
    let after = listening
        .server
        .post(resume.unwrap(), &of_call("CA1"))
        .await;
    assert!(spoken(&after.body).contains("sorry"), "{after:?}");
    assert_eq!(
        listening
            .server
            .free
            .load(std::sync::atomic::Ordering::SeqCst),
        8
    );
}

#[tokio::test]
async fn foreign_streams_open_only_a_scenario_that_allows_them_and_only_so_many() {
    let listening = listen(local().with("MAX_FOREIGN_STREAMS", "1")).await;
    let path = "/ws/open-door/audio/stream";
    let mut first = listening.open(path).await;
    first.send(start("CA1", None)).await.unwrap();
    talks(&mut first).await;
    check_refused_start(
        &listening,
        path,
        start("CA1", None),
        (1008, "the call has a live media socket already"),
    )
    .await;
    check_refused_start(
        &listening,
        path,
        start("CA2", None),
        (
            1013,
            "as many foreign streams as MAX_FOREIGN_STREAMS allows are live",
        ),
    )
    .await;
}

#[tokio::test]
async fn an_upgrade_must_be_signed_where_there_is_a_token() {
    let listening = listen(signed()).await;
    let path = "/ws/parrot/audio/stream";
    let with_signature_of = |url: &str| {
        let mut request = listening.request(path);
        let nothing: [(&str, &str); 0] = [];
        let signature = sign(&AuthToken::new(TOKEN).unwrap(), url, &nothing);
        request.headers_mut().insert(
            "x-twilio-signature",
            HeaderValue::from_str(&signature).unwrap(),
        );
        request
    };
    assert_eq!(listening.refused(listening.request(path)).await, 403);
    assert_eq!(
        listening
            .refused(with_signature_of(
                "wss://evil.example/ws/parrot/audio/stream"
            ))
            .await,
        403
    );
    assert_eq!(
        listening
            .refused(with_signature_of(&format!(
                "wss://agent.example.test{path}?x=1"
            )))
            .await,
        403
    );
    for url in [
        format!("wss://agent.example.test{path}"),
        format!("wss://agent.example.test{path}/"),
    ] {
        let mut socket = connect_async(with_signature_of(&url)).await.unwrap().0;
        socket.send(start(CALL, None)).await.unwrap();
        assert_eq!(
            closed(&mut socket).await.0,
            1008,
            "a signature alone is not enough"
        );
    }
}

#[tokio::test]
async fn without_a_token_an_upgrade_must_be_local() {
    let listening = listen(local()).await;
    for (name, value) in [
        ("host", "evil.example"),
        ("x-forwarded-for", "192.0.2.1"),
        ("forwarded", "for=192.0.2.1"),
    ] {
        let mut request = listening.request("/ws");
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
        assert_eq!(listening.refused(request).await, 403, "{name}");
    }
}

#[tokio::test]
async fn a_subprotocol_is_answered_only_when_it_was_offered() {
    let listening = listen(local()).await;
    let plain = connect_async(listening.request("/ws")).await.unwrap().1;
    assert!(!plain.headers().contains_key("sec-websocket-protocol"));
    let mut request = listening.request("/ws");
    request.headers_mut().insert(
        "sec-websocket-protocol",
        HeaderValue::from_static("audio.twilio.com"),
    );
    let offered = connect_async(request).await.unwrap().1;
    assert_eq!(
        offered.headers()["sec-websocket-protocol"],
        "audio.twilio.com"
    );
}

#[tokio::test]
async fn what_is_no_upgrade_is_refused_in_json() {
    let server = local().start();
    let answer = server.get("/ws").await;
    assert!(
        answer.status.is_client_error() && answer.body.starts_with("{\"detail\":"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_stopping_server_closes_new_sockets_and_lets_live_ones_finish() {
    let listening = listen(local()).await;
    let mut talking = listening.connect("CA1").await;
    let mut silent = listening.open("/ws").await;
    let lifecycle = &listening.server.app.lifecycle;
    lifecycle.draining.cancel();
    assert_eq!(
        closed(&mut silent).await,
        (1013, "the server stops".to_owned())
    );
    talks(&mut talking).await;
    lifecycle.finish.cancel();
    assert_eq!(closed(&mut talking).await.0, 1000);
    lifecycle.sockets.close();
    tokio::time::timeout(Duration::from_secs(8), lifecycle.sockets.wait())
        .await
        .unwrap();
}
