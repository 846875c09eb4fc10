//! Calls as clients follow them: whose they are, their files, their events.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use futures_util::StreamExt;
use jiff::Timestamp;
use ringback_call::Direction;
use ringback_server::calls::Arrival;
use ringback_server::calls::watch::{KEPT, Next, Watch};
use ringback_session::News;
use ringback_store::{
    CallEnd, CallFile, CallStart, CallStatus, FileKind, Page, Turn, Write, Writer,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;

use crate::accounts::{ADA, BOB, Service, request};
use crate::server::*;

pub const NOW: i64 = 1_795_000_000_000_000;
const SOUND: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

/// A server with an admin, a user, and a folder of recordings.
pub struct Desk {
    pub service: Service,
    pub ada: String,
    pub bob: String,
    pub bobs_id: String,
    pub writer: Writer,
    folder: TempDir,
}

impl Desk {
    async fn open() -> Self {
        Self::at("").await
    }

    /// At the database of this URL, which another one may use too.
    pub async fn at(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir_all(data.join("recordings")).unwrap();
        let data: &'static str = Box::leak(data.display().to_string().into_boxed_str());
        let setup = local().with("REGISTRATION", "open").with("DATA_DIR", data);
        let service = Service::at(setup, url).await;
        if service
            .store
            .user_list(Page::default())
            .await
            .unwrap()
            .total
            == 0
        {
            service.register(ADA).await;
            service.register(BOB).await;
        }
        let journal = folder.path().join("journal of the test");
        let bob = service.log_in(BOB).await.access;
        let bobs_id = service.get("/users/me", &bob).await.json["id"].clone();
        Self {
            ada: service.log_in(ADA).await.access,
            bob,
            bobs_id: bobs_id.as_str().unwrap().to_owned(),
            writer: Writer::start(service.store.clone(), &journal).unwrap(),
            service,
            folder,
        }
    }

    pub fn recording(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("data/recordings").join(name)
    }

    /// A call that is over, with its files and two lines.
    pub async fn call(&self, id: &str, owner: Option<&str>, at: i64) {
        let node = self.service.server.app.rows.node().unwrap().to_owned();
        self.writer.send(Write::Call(CallStart {
            id: id.to_owned(),
            call_sid: Some(format!("CA{id}")),
            direction: ringback_store::Direction::Inbound,
            from: CALLER.to_owned(),
            to: CALLED.to_owned(),
            scenario: "survey".to_owned(),
            scenario_id: None,
            scenario_version: None,
            owner: owner.map(str::to_owned),
            node,
            status: CallStatus::InProgress,
            at,
        }));
        for (number, (who, text)) in [("agent", "Good morning."), ("caller", "hello")]
            .into_iter()
            .enumerate()
        {
            let from = number as i64 * 2000;
            let detail =
                json!({"from_ms": from, "until_ms": from + 1500, "said": text, "digits": ""});
            self.writer.send(Write::Turn(Turn {
                call_id: id.to_owned(),
                number: number as i64,
                at: at + from * 1000,
                who: who.to_owned(),
                text: text.to_owned(),
                latencies: None,
                usage: None,
                cost: None,
                detail: Some(detail.into()),
            }));
        }
        for (kind, ending) in [
            (FileKind::Recording, "wav"),
            (FileKind::Trace, "trace.jsonl"),
        ] {
            let name = format!("{id}.{ending}");
            std::fs::write(self.recording(&name), SOUND).unwrap();
            self.file(id, kind, &name, at);
        }
        self.writer.send(Write::End(Box::new(CallEnd {
            call_id: id.to_owned(),
            status: CallStatus::Completed,
            answered_at: Some(at),
            ended_at: at + 60_000_000,
            reason: "responder".to_owned(),
            engines: None,
            cost: Some(0.5),
            currency: Some("USD".to_owned()),
            summary: Some(json!({"from": CALLER, "turns": [{"audible_ms": 700}], "collected": {"name": "Ann"}}).into()),
        })));
        self.writer.settled().await;
    }

    pub fn file(&self, id: &str, kind: FileKind, path: &str, at: i64) {
        self.writer.send(Write::File(CallFile {
            call_id: id.to_owned(),
            kind,
            path: path.to_owned(),
            bytes: None,
            seconds: None,
            created_at: at,
        }));
    }

    /// A call that goes on.
    pub fn live(&self) -> (Arc<Watch>, Uuid, CancellationToken) {
        let app = &self.service.server.app;
        let arrival = Arrival {
            call_id: Uuid::now_v7(),
            call_sid: CALL.to_owned(),
            from: CALLER.to_owned(),
            to: CALLED.to_owned(),
            direction: Direction::Inbound,
            scenario: Arc::clone(app.scenarios.files.scenario("open-door").unwrap()),
            stored: None,
            foreign: false,
        };
        let finish = CancellationToken::new();
        let (orders, _) = ringback_session::orders();
        let watch = app.desk.watches.begin(&arrival, finish.clone(), orders);
        (watch, arrival.call_id, finish)
    }

    pub async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request =
            request("GET", path).header("authorization", format!("Bearer {}", self.ada));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        self.service.server.ask_from("192.0.2.7", request).await
    }

    pub async fn without_token(&self, path: &str) -> Answer {
        let request = request("GET", path).body(Body::empty()).unwrap();
        self.service.server.ask_from("192.0.2.7", request).await
    }
}

fn header(headers: &HeaderMap, name: &'static str) -> String {
    let value = headers.get(HeaderName::from_static(name));
    value.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_sees_their_own_calls_alone_and_an_admin_sees_all() {
    let desk = Desk::open().await;
    desk.call("1", None, NOW).await;
    desk.call("2", Some(&desk.bobs_id), NOW + 1).await;
    let (_, live, _) = desk.live();
    let service = &desk.service;
    let ids = |told: &Value| -> Vec<String> {
        let calls = told.as_array().unwrap().iter();
        calls
            .map(|call| call["call_id"].as_str().unwrap().to_owned())
            .collect()
    };
    let bobs = service.get("/calls", &desk.bob).await;
    assert_eq!(ids(&bobs.json), ["2"]);
    assert_eq!(header(&bobs.headers, "x-total-count"), "1");
    assert_eq!(
        ids(&service.get("/calls", &desk.ada).await.json),
        ["2", "1"]
    );
    for (number, count) in [
        ("%2B15005550001", 2),
        // Whose `+` nobody escaped.
        ("+15005550001", 2),
        ("+1%20(500)%20555-0001", 2),
        ("15005550001", 0),
        ("anonymous", 0),
    ] {
        let path = format!("/calls?number={number}");
        let found = service.get(&path, &desk.ada).await;
        assert_eq!(ids(&found.json).len(), count, "{number}");
    }
    let own = service.get("/calls/CA2", &desk.bob).await.json;
    assert_eq!(own["from"], CALLER);
    assert_eq!(own["turns"][0]["audible_ms"], 700);
    assert!(!own.to_string().contains("Ann"), "{own}");

    let live = live.to_string();
    for id in ["1", "CA1", &live, CALL, "nothing"] {
        for (method, resource) in [
            ("GET", ""),
            ("GET", "/events"),
            ("GET", "/recording"),
            ("GET", "/trace"),
            ("GET", "/transcript"),
            ("POST", "/links"),
            ("POST", "/hangup"),
        ] {
            let path = format!("/calls/{id}{resource}");
            let bobs = service
                .ask(method, &path, Some(&desk.bob), Value::Null)
                .await;
            assert_eq!(bobs.status, 404, "{path}: {bobs:?}");
            let nobodys = service.ask(method, &path, None, Value::Null).await;
            assert_eq!(nobodys.status, 401, "{path}: {nobodys:?}");
        }
    }
    let body = json!({ "phone_number": CALLER });
    let erased = service
        .ask("POST", "/admin/erase", Some(&desk.bob), body)
        .await;
    assert_eq!(erased.status, 403);
    for resource in ["", "/recording", "/trace", "/transcript"] {
        let all = service.get(&format!("/calls/1{resource}"), &desk.ada).await;
        assert_eq!(all.status, 200, "{resource}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_comes_whole_or_in_part_and_a_part_of_what_it_was_before_does_not() {
    let desk = Desk::open().await;
    desk.call("1", None, NOW).await;
    let path = "/calls/1/recording";
    let whole = desk.ask(path, &[]).await;
    assert_eq!((whole.status, whole.body.as_str()), (StatusCode::OK, SOUND));
    assert_eq!(header(&whole.headers, "content-type"), "audio/wav");
    assert_eq!(header(&whole.headers, "accept-ranges"), "bytes");
    assert_eq!(header(&whole.headers, "content-length"), "36");
    let tag = header(&whole.headers, "etag");
    for (range, status, body, told) in [
        ("bytes=0-3", 206, "0123", "bytes 0-3/36"),
        ("bytes=34-", 206, "yz", "bytes 34-35/36"),
        ("bytes=-2", 206, "yz", "bytes 34-35/36"),
        ("bytes=30-99", 206, "uvwxyz", "bytes 30-35/36"),
        ("bytes=0-3,8-9", 200, SOUND, ""),
    ] {
        let part = desk
            .ask(path, &[("range", range), ("if-range", &tag)])
            .await;
        assert_eq!(
            (part.status.as_u16(), part.body.as_str()),
            (status, body),
            "{range}"
        );
        assert_eq!(header(&part.headers, "content-range"), told, "{range}");
        assert_eq!(
            header(&part.headers, "content-length"),
            body.len().to_string()
        );
    }
    let beyond = desk.ask(path, &[("range", "bytes=36-")]).await;
    assert_eq!(beyond.status.as_u16(), 416);
    assert_eq!(header(&beyond.headers, "content-range"), "bytes */36");
    assert_eq!(
        desk.ask(path, &[("if-none-match", &tag)])
            .await
            .status
            .as_u16(),
        304
    );

    let head = request("HEAD", path)
        .header("authorization", format!("Bearer {}", desk.ada))
        .header("range", "bytes=0-3")
        .body(Body::empty())
        .unwrap();
    let head = desk.service.server.ask_from("192.0.2.7", head).await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
    assert_eq!(header(&head.headers, "content-length"), "36");

    // It is still being written.
    std::fs::write(desk.recording("1.wav"), format!("{SOUND}more")).unwrap();
    let part = desk
        .ask(path, &[("range", "bytes=0-3"), ("if-range", &tag)])
        .await;
    assert_eq!((part.status.as_u16(), part.body.len()), (200, 40));
    let part = desk.ask(path, &[("range", "bytes=36-")]).await;
    assert_eq!((part.status.as_u16(), part.body.as_str()), (206, "more"));
    std::fs::remove_file(desk.recording("1.wav")).unwrap();
    assert_eq!(desk.ask(path, &[]).await.status.as_u16(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_goes_on_has_the_recording_that_is_being_written() {
    let desk = Desk::open().await;
    let (watch, id, _) = desk.live();
    let path = format!("/calls/{id}/recording");
    assert_eq!(desk.ask(&path, &[]).await.status.as_u16(), 404);
    let files = ["now.wav", "now.trace.jsonl"].map(|name| desk.recording(name));
    std::fs::write(&files[0], "RIFF").unwrap();
    watch.take(&News::Files(files));
    assert_eq!(desk.ask(&path, &[]).await.body, "RIFF");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_and_no_path_opens_a_file_beside_the_recordings() {
    let desk = Desk::open().await;
    desk.call("1", None, NOW).await;
    let outside = desk.folder.path().join("data/secret.wav");
    std::fs::write(&outside, "secret").unwrap();
    std::os::unix::fs::symlink(&outside, desk.recording("linked.wav")).unwrap();
    let absolute = outside.display().to_string();
    for path in [
        "../secret.wav",
        "x/../../secret.wav",
        &absolute,
        "linked.wav",
        "..",
        "/",
        "",
        ".",
    ] {
        desk.file("1", FileKind::Recording, path, NOW);
        desk.writer.settled().await;
        let answer = desk.ask("/calls/1/recording", &[]).await;
        assert_eq!(answer.status.as_u16(), 404, "{path}: {answer:?}");
    }
    for id in [
        "..%2f..%2fsecret",
        "%2e%2e",
        "1%00",
        "1'--",
        "..%5csecret.wav",
    ] {
        for resource in ["", "/recording", "/trace", "/transcript", "/events"] {
            let answer = desk.ask(&format!("/calls/{id}{resource}"), &[]).await;
            assert_eq!(answer.status.as_u16(), 404, "{id}{resource}: {answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_is_json_text_or_subtitles() {
    let desk = Desk::open().await;
    desk.call("1", None, NOW).await;
    let path = "/calls/1/transcript";
    let json: Value = serde_json::from_str(&desk.ask(path, &[]).await.body).unwrap();
    assert_eq!(json["call_id"], "1");
    assert_eq!(json["lines"][1]["heard"], "hello");
    assert_eq!(json["lines"][1]["from_ms"], 2000);
    let text = "[00:00] Agent: Good morning.\n[00:02] Caller: hello\n";
    let plain = desk.ask(path, &[("accept", "text/plain")]).await;
    assert_eq!(plain.body, text);
    assert_eq!(
        header(&plain.headers, "content-type"),
        "text/plain; charset=utf-8"
    );
    assert_eq!(header(&plain.headers, "vary"), "accept");
    assert_eq!(
        desk.ask(&format!("{path}?format=text"), &[]).await.body,
        text
    );
    let subtitles = desk
        .ask(&format!("{path}?format=srt"), &[("accept", "text/plain")])
        .await;
    assert_eq!(
        subtitles.body,
        "1\n00:00:00,000 --> 00:00:01,500\nAgent: Good morning.\n\n2\n00:00:02,000 --> 00:00:03,500\nCaller: hello\n\n"
    );
    assert_eq!(
        desk.ask(&format!("{path}?format=pdf"), &[])
            .await
            .status
            .as_u16(),
        422
    );

    // The file has more than the rows.
    let written = json!({"call_id": "1", "lines": [{"speaker": "tool", "name": "clock"}]});
    std::fs::write(desk.recording("1.transcript.json"), written.to_string()).unwrap();
    desk.file("1", FileKind::Transcript, "1.transcript.json", NOW);
    desk.writer.settled().await;
    let json: Value = serde_json::from_str(&desk.ask(path, &[]).await.body).unwrap();
    assert_eq!(json, written);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_opens_what_it_is_for_without_a_token_and_nothing_else() {
    let desk = Desk::open().await;
    desk.call("1", None, NOW).await;
    desk.call("2", Some(&desk.bobs_id), NOW).await;
    let links = desk
        .service
        .ask("POST", "/calls/CA2/links", Some(&desk.bob), Value::Null)
        .await;
    assert_eq!(links.status, 200, "{links:?}");
    let recording = links.json["recording"].as_str().unwrap();
    let expires: Timestamp = links.json["expires_at"].as_str().unwrap().parse().unwrap();
    let left = expires.duration_since(Timestamp::now()).as_secs();
    assert!((290..=300).contains(&left), "{left}");
    assert_eq!(desk.without_token(recording).await.body, SOUND);
    let events = links.json["events"].as_str().unwrap();
    assert_eq!(desk.without_token(events).await.status.as_u16(), 204);

    let token = recording.split_once('=').unwrap().1;
    let signer = &desk.service.server.app.signer;
    let now = Timestamp::now().as_second();
    let maker = signer.opens(token, "recording", "2", now).unwrap();
    let expired = signer.link("recording", "2", &maker, now);
    for (path, status) in [
        (format!("/calls/1/recording?token={token}"), 403),
        (format!("/calls/CA2/recording?token={token}"), 403),
        (format!("/calls/2/events?token={token}"), 403),
        (format!("/calls/2/recording?token={expired}"), 403),
        ("/calls/2/recording?token=".to_owned(), 403),
        (format!("/calls/2/trace?token={token}"), 401),
        (format!("/calls/2?token={token}"), 401),
        ("/calls/2/recording".to_owned(), 401),
    ] {
        let answer = desk.without_token(&path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {answer:?}");
    }
    for at in (0..token.len()).step_by(3) {
        let other = if &token[at..=at] == "A" { "B" } else { "A" };
        let altered = format!("{}{other}{}", &token[..at], &token[at + 1..]);
        let path = format!("/calls/2/recording?token={altered}");
        let answer = desk.without_token(&path).await;
        assert_eq!(answer.status.as_u16(), 403, "character {at}: {answer:?}");
    }
    // A link that somebody else was given for a call of theirs opens no other, whoever brings it.
    let path = format!("/calls/1/recording?token={token}");
    let bobs = desk.service.get(&path, &desk.bob).await;
    assert_eq!(bobs.status, 403, "{bobs:?}");
}

async fn piece(body: &mut BodyDataStream) -> Option<String> {
    let bytes = body.next().await?.unwrap();
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

/// Numbers and kinds of the events of a body.
fn events(body: &str) -> Vec<(u64, String)> {
    let blocks = body.split("\n\n").filter(|block| block.contains("event:"));
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().to_owned()
    };
    let read = blocks.map(|block| (field(block, "id:").parse().unwrap(), field(block, "event:")));
    read.collect()
}

fn pairs(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    let pairs = expected.iter();
    pairs.map(|(id, kind)| (*id, (*kind).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_call_come_as_they_happen_and_go_on_where_a_connection_broke() {
    let desk = Desk::open().await;
    let (watch, id, _) = desk.live();
    let app = &desk.service.server.app;
    let path = format!("/calls/{id}/events");
    watch.take(&News::Hearing("hel".to_owned()));
    watch.take(&News::Hearing("hello".to_owned()));

    let asked = request("GET", &path)
        .header("authorization", format!("Bearer {}", desk.ada))
        .body(Body::empty())
        .unwrap();
    let response = desk
        .service
        .server
        .router
        .clone()
        .oneshot(asked)
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body().into_data_stream();
    let first = piece(&mut body).await.unwrap();
    assert_eq!(events(&first), pairs(&[(2, "hearing")]));
    assert!(first.contains(r#"data: {"text":"hello"}"#), "{first}");

    watch.take(&News::Line {
        number: 0,
        line: json!({"speaker": "caller", "heard": "hello\r\nid: 9"}),
    });
    let next = piece(&mut body).await.unwrap();
    assert_eq!(events(&next), pairs(&[(3, "line")]));
    assert!(next.contains(r#""number":0"#), "{next}");
    watch.take(&News::Lines(0));
    watch.take(&News::Turn(json!({"turn": 1, "audible_ms": 700})));
    app.desk.watches.end(id, "responder");
    let mut rest = String::new();
    while let Some(next) = piece(&mut body).await {
        rest.push_str(&next);
    }
    assert_eq!(
        events(&rest),
        pairs(&[(4, "lines"), (5, "turn"), (6, "end")])
    );

    let again = desk.ask(&path, &[("last-event-id", "4")]).await;
    assert_eq!(events(&again.body), pairs(&[(5, "turn"), (6, "end")]));
    let over = desk.ask(&path, &[("last-event-id", "6")]).await;
    assert_eq!(over.status.as_u16(), 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn how_loud_a_call_is_comes_to_who_follows_it_now_and_to_nobody_later() {
    let desk = Desk::open().await;
    let (watch, id, _) = desk.live();
    let level = |caller| News::Level {
        caller,
        agent: -96.0,
    };
    let followers = watch.followers();
    watch.take(&level(-1.0));
    assert_eq!(followers.load(Ordering::Relaxed), 0);
    let mut follow = watch.follow(None).unwrap();
    assert_eq!(followers.load(Ordering::Relaxed), 1);
    watch.take(&News::Lines(7));
    watch.take(&level(-2.0));
    watch.take(&level(-30.5));
    assert!(matches!(follow.next().await, Some(Next::Event(event)) if event.kind == "lines"));
    // What was not read in time is not loud any more.
    let now = r#"{"agent_dbfs":-96.0,"caller_dbfs":-30.5}"#;
    assert_eq!(follow.next().await, Some(Next::Level(now.into())));
    let sent = watch.clone();
    tokio::spawn(async move { sent.take(&level(-3.0)) });
    assert!(matches!(follow.next().await, Some(Next::Level(level)) if level.contains("-3.0")));
    drop(follow);
    assert_eq!(followers.load(Ordering::Relaxed), 0);

    let response = desk.service.server.router.clone();
    let asked = request("GET", &format!("/calls/{id}/events"))
        .header("authorization", format!("Bearer {}", desk.ada))
        .body(Body::empty())
        .unwrap();
    let response = response.oneshot(asked).await.unwrap();
    let mut body = response.into_body().into_data_stream();
    let first = piece(&mut body).await.unwrap();
    assert_eq!(events(&first), pairs(&[(1, "lines")]));
    watch.take(&level(-4.0));
    let next = piece(&mut body).await.unwrap();
    assert_eq!(
        next,
        "event: level\ndata: {\"agent_dbfs\":-96.0,\"caller_dbfs\":-4.0}\n\n"
    );
    drop(body);
    desk.service.server.app.desk.watches.end(id, "responder");
    let again = desk.ask(&format!("/calls/{id}/events"), &[]).await;
    assert_eq!(events(&again.body), pairs(&[(1, "lines"), (2, "end")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_too_late_for_an_event_is_told_and_who_reads_too_slowly_is_left() {
    let desk = Desk::open().await;
    let (watch, id, _) = desk.live();
    let more = |count: usize| (0..count).for_each(|count| watch.take(&News::Lines(count)));
    more(3);
    let mut slow = watch.follow(None).unwrap();
    assert!(matches!(slow.next().await, Some(Next::Event(event)) if event.id == 1));
    more(KEPT);
    // It has two more at hand.
    for id in [2, 3] {
        assert!(matches!(slow.next().await, Some(Next::Event(event)) if event.id == id));
    }
    let mut after = 3;
    while let Some(Next::Event(event)) = slow.next().await {
        assert_eq!(event.id, after + 1);
        after = event.id;
        if after == 4 {
            more(KEPT + 40);
        }
    }
    assert!(after < KEPT as u64, "{after}");

    let newest = (3 + KEPT + KEPT + 40) as u64;
    desk.service.server.app.desk.watches.end(id, "idle");
    let answer = desk
        .ask(&format!("/calls/{id}/events"), &[("last-event-id", "3")])
        .await;
    let read = events(&answer.body);
    let lost = newest + 1 - KEPT as u64;
    assert_eq!(read[0], (lost, "missed".to_owned()));
    assert_eq!(read[1].0, lost + 1);
    assert_eq!(read.last().unwrap(), &(newest + 1, "end".to_owned()));
    assert_eq!(read.len(), KEPT + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_followed_by_so_many_and_ends_when_it_is_told_to() {
    let desk = Desk::open().await;
    let (watch, id, finish) = desk.live();
    let followers: Vec<_> = (0..16).map(|_| watch.follow(None).unwrap()).collect();
    let path = format!("/calls/{id}/events");
    assert_eq!(desk.ask(&path, &[]).await.status.as_u16(), 429);
    drop(followers);
    assert!(watch.follow(None).is_some());

    let path = format!("/calls/{id}/hangup");
    let told = desk
        .service
        .ask("POST", &path, Some(&desk.ada), Value::Null)
        .await;
    assert_eq!(
        (told.status, told.json["call_sid"].as_str()),
        (202, Some(CALL))
    );
    assert!(finish.is_cancelled());
    desk.service.server.app.desk.watches.end(id, "finish");
    let told = desk
        .service
        .ask("POST", &path, Some(&desk.ada), Value::Null)
        .await;
    assert_eq!(told.status, 409);
}
