//! Deepgram's voices, Aura, over real sockets.

use futures_util::{SinkExt, StreamExt};
use ringback_sim::providers::{Rule, Running, State};
use ringback_wire::deepgram::close_id;
use ringback_wire::deepgram::http_error::HttpError;
use ringback_wire::deepgram::speak::{
    self as wire, Command, Container, Event, MAX_FLUSHES, Query, Text, parse,
};
use tokio_tungstenite::tungstenite::Message;

use crate::deepgram::KEY;
use crate::twins::{Line, ask, connect, start, upgrade};

fn query() -> Query {
    Query::telephone("aura-2-thalia-en")
}

async fn open(twins: &Running) -> Line {
    connect(
        &twins.url(),
        &format!("{}?{}", wire::PATH, query().to_query()),
        &[KEY],
    )
    .await
}

async fn say(line: &mut Line, command: Command) {
    line.send(command.to_text().into()).await.unwrap();
}

fn text(text: &str) -> Command {
    Command::Speak {
        text: text.to_owned(),
    }
}

/// Events and audio, to the close frame.
async fn all(line: &mut Line) -> (Vec<Event>, Vec<u8>, Option<(u16, String)>) {
    let (mut events, mut audio) = (Vec::new(), Vec::new());
    while let Some(Ok(message)) = line.next().await {
        match message {
            Message::Text(text) => events.extend(parse(&text)),
            Message::Binary(bytes) => audio.extend_from_slice(&bytes),
            Message::Close(frame) => {
                let frame = frame.unwrap();
                return (
                    events,
                    audio,
                    Some((frame.code.into(), frame.reason.to_string())),
                );
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
    (events, audio, None)
}

#[tokio::test]
async fn text_is_spoken_when_it_is_flushed_and_thrown_away_when_it_is_cleared() {
    let twins = start().await;
    let mut line = open(&twins).await;
    say(&mut line, text("Sure, let me ")).await;
    say(&mut line, text("check that for you. ")).await;
    say(&mut line, Command::Flush).await;
    say(&mut line, text("This is never heard by anybody at all. ")).await;
    say(&mut line, Command::Clear).await;
    say(&mut line, text("Bye.")).await;
    say(&mut line, Command::Close).await;
    let (events, audio, closed) = all(&mut line).await;
    let [Event::Metadata { model_name, .. }, flushed, cleared] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(model_name, "aura-2-thalia-en");
    assert_eq!(
        (flushed, cleared),
        (
            &Event::Flushed { sequence_id: 0 },
            &Event::Cleared { sequence_id: 1 }
        )
    );
    assert!((12_000..36_000).contains(&audio.len()), "{}", audio.len());
    assert_eq!(closed, Some((1000, String::new())));
    assert_eq!(twins.requests()[0].state, State::Done);
}

#[tokio::test]
async fn messages_that_are_none_close_the_socket() {
    let twins = start().await;
    let long = text(&"a".repeat(2001)).to_text();
    for (message, code, id) in [
        (Message::Binary(vec![1].into()), 1003, "MESSAGE-0000"),
        (
            Message::Text(r#"{"type":"Reset"}"#.into()),
            1008,
            "DATA-0000",
        ),
        (Message::Text(long.into()), 1009, "BIG-0001"),
    ] {
        let mut line = open(&twins).await;
        line.send(message).await.unwrap();
        let (got, reason) = all(&mut line).await.2.unwrap();
        assert_eq!((got, close_id(&reason)), (code, Some(id)));
    }
}

#[tokio::test]
async fn too_many_flushes_are_warned_of_and_not_done() {
    let twins = start().await;
    let mut line = open(&twins).await;
    for _ in 0..MAX_FLUSHES + 2 {
        say(&mut line, Command::Flush).await;
    }
    say(&mut line, Command::Close).await;
    let (events, _, _) = all(&mut line).await;
    let flushed = events
        .iter()
        .filter(|event| matches!(event, Event::Flushed { .. }))
        .count();
    let warned = events
        .iter()
        .filter(|event| matches!(event, Event::Warning { .. }))
        .count();
    assert_eq!((flushed, warned), (MAX_FLUSHES, 2));
}

#[tokio::test]
async fn knobs_bend_the_speech() {
    let twins = start().await;
    let bent = async |knobs: &str| {
        twins.set(Rule::parse_flag(&format!("deepgram.speak:{knobs},next=1")).unwrap());
        let mut line = open(&twins).await;
        say(&mut line, text("Hello there.")).await;
        say(&mut line, Command::Close).await;
        all(&mut line).await
    };
    let (_, silence, _) = bent("silence").await;
    assert!(silence.len() > 4000 && silence.iter().all(|&byte| byte == 0xFF));
    assert!(bent("zero_bytes").await.1.is_empty());
    assert!(bent("garbage").await.0.is_empty());
    let (_, cut, closed) = bent("disconnect_after_bytes=3000").await;
    assert!(closed.is_none() && cut.len() < 6000, "{}", cut.len());
    let began = std::time::Instant::now();
    assert!(!bent("delay_ms=200").await.1.is_empty());
    assert!(
        began.elapsed().as_millis() >= 400,
        "before the handshake and before the audio"
    );
}

#[tokio::test]
async fn a_request_is_answered_by_audio() {
    let twins = start().await;
    let body = Text::Here("Good morning.".to_owned()).to_text();
    let raw = Query {
        container: Some(Container::Raw),
        ..query()
    };
    let answer = ask(
        &twins,
        &format!("{}?{}", wire::PATH, raw.to_query()),
        &[KEY],
        &body,
    )
    .await;
    assert_eq!(answer.headers()[wire::CHARACTER_COUNT_HEADER], "13");
    assert_eq!(answer.headers()["content-type"], "audio/mulaw;rate=8000");
    let audio = answer.bytes().await.unwrap();
    assert!((4000..20_000).contains(&audio.len()));
    let wav = ask(
        &twins,
        &format!("{}?{}", wire::PATH, query().to_query()),
        &[KEY],
        &body,
    )
    .await;
    assert!(wav.bytes().await.unwrap().starts_with(b"RIFF"));
    for (query, body, status) in [
        (raw.to_query(), "{}".to_owned(), 400),
        (raw.to_query(), Text::Here("a".repeat(2001)).to_text(), 413),
        (
            raw.to_query().replace("aura-2-thalia-en", "nova-3"),
            body.clone(),
            400,
        ),
        ("encoding=mp3".to_owned(), body.clone(), 400),
    ] {
        let refused = ask(&twins, &format!("{}?{query}", wire::PATH), &[KEY], &body).await;
        assert_eq!(refused.status(), status, "{query}");
        assert!(
            !HttpError::read(&refused.bytes().await.unwrap())
                .message
                .is_empty()
        );
    }
    let target = format!(
        "{}?{}",
        wire::PATH,
        query().to_query().replace("8000", "11025")
    );
    assert_eq!(
        upgrade(&twins.url(), &target, &[KEY]).await.unwrap_err().0,
        400
    );
}
