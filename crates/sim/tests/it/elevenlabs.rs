//! ElevenLabs' twin over real sockets.

use futures_util::{SinkExt, StreamExt};
use ringback_sim::providers::{Options, Provider, Rule, Running, State};
use ringback_wire::elevenlabs::{
    ApiError, Endpoint, MultiMessage, Opening, ServerMessage, SingleMessage, StreamQuery,
    TOO_MANY_CONTEXTS, TimedChar, VoiceSettings, parse_server, parse_timed_chunk,
};
use tokio_tungstenite::tungstenite::Message;

use crate::twins::{Line, ask, connect, start, start_with, upgrade};

const KEY: (&str, &str) = ("xi-api-key", "0123456789abcdef");
const VOICE: &str = "21m00Tcm4TlvDq8ikWAM";

fn query() -> StreamQuery {
    StreamQuery {
        model_id: Some("eleven_flash_v2_5".to_owned()),
        output_format: Some("ulaw_8000".to_owned()),
        ..StreamQuery::default()
    }
}

fn target(endpoint: Endpoint, query: &StreamQuery) -> String {
    format!("{}?{}", endpoint.path(VOICE), query.to_query())
}

async fn open(twins: &Running, endpoint: Endpoint, query: &StreamQuery) -> Line {
    connect(&twins.url(), &target(endpoint, query), &[KEY]).await
}

async fn say(line: &mut Line, text: String) {
    line.send(text.into()).await.unwrap();
}

fn words(text: &str, flush: bool) -> String {
    SingleMessage::Text {
        text: text.to_owned(),
        flush,
        try_trigger_generation: false,
    }
    .to_text()
}

#[derive(Debug, Default)]
struct Got {
    audio: Vec<(Option<String>, Vec<u8>)>,
    times: Vec<TimedChar>,
    finals: Vec<Option<String>>,
    errors: Vec<ApiError>,
    closed: Option<u16>,
}

impl Got {
    fn bytes(&self) -> usize {
        self.audio.iter().map(|(_, audio)| audio.len()).sum()
    }
}

/// Everything until `finals` final messages, or the end.
async fn got(line: &mut Line, finals: usize) -> Got {
    let mut got = Got::default();
    while got.finals.len() < finals {
        let text = match line.next().await {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(frame))) => {
                got.closed = frame.map(|frame| frame.code.into());
                break;
            }
            Some(Ok(_)) => continue,
            Some(Err(_)) | None => break,
        };
        match parse_server(&text) {
            Ok(ServerMessage::Audio(audio)) => {
                let mut bytes = Vec::new();
                audio.decode_into(&mut bytes).unwrap();
                got.audio.push((audio.context_id.map(Into::into), bytes));
                got.times.extend(audio.alignment.unwrap_or_default());
            }
            Ok(ServerMessage::Final { context_id }) => got.finals.push(context_id),
            Ok(ServerMessage::Error { error, .. }) => got.errors.push(error),
            Ok(ServerMessage::Other) | Err(_) => {}
        }
    }
    got
}

#[tokio::test]
async fn one_text_is_spoken_as_its_schedule_says() {
    let twins = start().await;
    let timed = StreamQuery {
        sync_alignment: Some(true),
        ..query()
    };
    let mut line = open(&twins, Endpoint::StreamInput, &timed).await;
    say(&mut line, Opening::default().to_text()).await;
    say(&mut line, words("Your visit is on Tuesday. ", false)).await;
    say(
        &mut line,
        SingleMessage::KeepAlive { flush: false }.to_text(),
    )
    .await;
    say(&mut line, words("See you then. ", true)).await;
    say(&mut line, words("Bye. ", false)).await;
    say(&mut line, SingleMessage::End.to_text()).await;
    let got = got(&mut line, 2).await;
    assert_eq!(
        (got.audio.len(), got.finals.len(), got.closed),
        (3, 1, Some(1000))
    );
    assert!((12_000..40_000).contains(&got.bytes()), "{}", got.bytes());
    let spoken: String = got.times.iter().map(|one| one.character.as_str()).collect();
    assert_eq!(spoken, "Your visit is on Tuesday. See you then. Bye. ");
    let first = &got.times[..25];
    assert!(
        first
            .windows(2)
            .all(|two| two[0].start_ms <= two[1].start_ms)
    );
    assert!(first[24].start_ms < got.audio[0].1.len() as u64 / 8);
    assert_eq!(twins.requests()[0].state, State::Done);
}

#[tokio::test]
async fn long_text_needs_no_flush_and_auto_mode_speaks_at_once() {
    let twins = start().await;
    for (query, text) in [
        (
            query(),
            "This is a text of more than one hundred and twenty characters, so it need not wait for any more of them to come at all. ",
        ),
        (
            StreamQuery {
                auto_mode: Some(true),
                ..query()
            },
            "Short. ",
        ),
    ] {
        let mut line = open(&twins, Endpoint::StreamInput, &query).await;
        say(&mut line, Opening::default().to_text()).await;
        say(&mut line, words(text, false)).await;
        let message = line.next().await.unwrap().unwrap();
        assert!(matches!(
            parse_server(message.to_text().unwrap()),
            Ok(ServerMessage::Audio(_))
        ));
    }
}

/// What a first, and perhaps a second message lead to.
async fn ending(twins: &Running, endpoint: Endpoint, messages: &[String]) -> Got {
    let mut line = open(twins, endpoint, &query()).await;
    for message in messages {
        say(&mut line, message.clone()).await;
    }
    got(&mut line, 100).await
}

#[tokio::test]
async fn messages_that_break_a_rule_close_the_socket() {
    let twins = start().await;
    let opening = Opening::default().to_text();
    let fast = Opening {
        voice_settings: Some(VoiceSettings {
            speed: Some(1.1),
            ..VoiceSettings::default()
        }),
        ..Opening::default()
    };
    for (messages, named) in [
        (vec![words("Hello. ", false)], "space"),
        (vec!["{".to_owned()], "JSON"),
        (vec![opening.clone(), r#"{"txt":"a"}"#.to_owned()], "text"),
        (vec![opening.clone(), fast.to_text()], "voice_settings"),
    ] {
        let got = ending(&twins, Endpoint::StreamInput, &messages).await;
        assert_eq!(got.closed, Some(1008), "{messages:?}");
        assert!(got.errors[0].line().contains(named), "{:?}", got.errors);
    }
    let contexts: Vec<_> = (0..6)
        .map(|number| multi(&format!("c{number}"), "Hi. ", false))
        .collect();
    let got = ending(&twins, Endpoint::MultiStreamInput, &contexts).await;
    assert_eq!(
        (got.closed, got.errors[0].code.as_deref()),
        (Some(1008), Some(TOO_MANY_CONTEXTS))
    );
    assert!(
        twins
            .requests()
            .iter()
            .all(|record| record.state == State::Refused)
    );
}

fn multi(context: &str, text: &str, flush: bool) -> String {
    let message = MultiMessage::Text {
        context_id: Some(context.to_owned()),
        text: text.to_owned(),
        flush,
        opening: Opening::default(),
    };
    message.to_text()
}

#[tokio::test]
async fn contexts_are_spoken_and_closed_apart() {
    let twins = start().await;
    let mut line = open(&twins, Endpoint::MultiStreamInput, &query()).await;
    let one = || Some("one".to_owned());
    say(&mut line, multi("one", "Good morning. ", true)).await;
    say(&mut line, multi("two", "Never spoken. ", false)).await;
    say(
        &mut line,
        MultiMessage::KeepAlive { context_id: one() }.to_text(),
    )
    .await;
    say(&mut line, multi("one", "How are you? ", false)).await;
    say(
        &mut line,
        MultiMessage::Flush { context_id: one() }.to_text(),
    )
    .await;
    say(&mut line, MultiMessage::CloseSocket.to_text()).await;
    for context_id in [Some("two".to_owned()), one()] {
        say(
            &mut line,
            MultiMessage::CloseContext { context_id }.to_text(),
        )
        .await;
    }
    say(&mut line, MultiMessage::CloseSocket.to_text()).await;
    let got = got(&mut line, 3).await;
    assert!(
        got.audio.len() == 2 && got.audio.iter().all(|(context, _)| *context == one()),
        "{got:?}"
    );
    assert_eq!(got.finals, [Some("two".to_owned()), one()]);
    assert_eq!(got.closed, Some(1000));
}

#[tokio::test]
async fn the_key_may_come_in_the_first_message_and_must_be_right() {
    let keys = [(Provider::ElevenLabs, "right-key".to_owned())].into();
    let twins = start_with(Options {
        keys,
        ..Options::default()
    })
    .await;
    let target = target(Endpoint::StreamInput, &query());
    let wrong = upgrade(&twins.url(), &target, &[KEY]).await.unwrap_err();
    assert_eq!(
        (wrong.0, ApiError::from_http(401, &wrong.2).code.as_deref()),
        (401, Some("invalid_api_key"))
    );
    for (first, closed) in [
        (r#"{"text":" ","xi-api-key":"right-key"}"#, Some(1000)),
        (r#"{"text":" ","xi-api-key":"wrong-key"}"#, Some(1008)),
        (r#"{"text":" "}"#, Some(1008)),
    ] {
        let mut line = connect(&twins.url(), &target, &[]).await;
        say(&mut line, first.to_owned()).await;
        // The other end may have closed.
        let _ = line.send(SingleMessage::End.to_text().into()).await;
        assert_eq!(got(&mut line, 100).await.closed, closed, "{first}");
    }
    let kept = format!("{:?}", twins.requests());
    assert!(
        !kept.contains("right-key") && !kept.contains("wrong-key"),
        "{kept}"
    );
}

#[tokio::test]
async fn a_handshake_for_what_there_is_not_is_refused() {
    let twins = start().await;
    for (target, status, named) in [
        (
            target(Endpoint::StreamInput, &query()).replace(VOICE, "alloy"),
            404,
            "alloy",
        ),
        (
            target(Endpoint::StreamInput, &query()).replace("ulaw_8000", "ulaw_9000"),
            400,
            "output_format",
        ),
        (
            target(Endpoint::StreamInput, &query()).replace("ulaw_8000", "mp3_44100_128"),
            400,
            "pcm",
        ),
        (
            target(Endpoint::MultiStreamInput, &query()) + "&stability=1",
            400,
            "stability",
        ),
    ] {
        let (got, _, body) = upgrade(&twins.url(), &target, &[KEY]).await.unwrap_err();
        let error = ApiError::from_http(got, &body);
        assert!(
            got == status && error.line().contains(named),
            "{target}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_silent_client_is_left() {
    let twins = start().await;
    let short = StreamQuery {
        inactivity_timeout_s: Some(1),
        ..query()
    };
    for endpoint in [Endpoint::StreamInput, Endpoint::MultiStreamInput] {
        let mut line = open(&twins, endpoint, &short).await;
        let got = got(&mut line, 1).await;
        assert_eq!(
            (got.closed, got.errors[0].code.as_deref()),
            (Some(1008), Some("input_timeout_exceeded"))
        );
    }
}

#[tokio::test]
async fn knobs_bend_the_speech() {
    let twins = start().await;
    let bent = async |knobs: &str| {
        twins.set(Rule::parse_flag(&format!("elevenlabs.stream-input:{knobs},next=1")).unwrap());
        let messages = [
            Opening::default().to_text(),
            words("Hello there. ", true),
            SingleMessage::End.to_text(),
        ];
        ending(&twins, Endpoint::StreamInput, &messages).await
    };
    let silent = bent("silence").await;
    assert!(silent.bytes() > 4000 && silent.audio[0].1.iter().all(|&byte| byte == 0xFF));
    let empty = bent("zero_bytes").await;
    assert!(empty.audio.is_empty() && empty.finals.len() == 1);
    let garbage = bent("garbage").await;
    assert!(garbage.audio.is_empty() && garbage.finals.is_empty() && garbage.closed == Some(1000));
    let cut = bent("disconnect_after=1").await;
    assert!(cut.audio.len() == 1 && cut.finals.is_empty() && cut.closed.is_none());
    let began = std::time::Instant::now();
    assert_eq!(bent("delay_ms=150,late_ms=300").await.finals.len(), 1);
    assert!(began.elapsed().as_millis() >= 600);
}

#[tokio::test]
async fn speech_over_http_is_audio_or_lines_with_times() {
    let twins = start().await;
    let body = r#"{"text":"Good morning. How are you?","model_id":"eleven_flash_v2_5"}"#;
    let path = |endpoint: Endpoint| format!("{}?output_format=pcm_16000", endpoint.path(VOICE));
    let answer = ask(&twins, &path(Endpoint::Stream), &[KEY], body).await;
    assert!(answer.headers().contains_key("x-trace-id"));
    let audio = answer.bytes().await.unwrap();
    let lines = ask(&twins, &path(Endpoint::StreamWithTimestamps), &[KEY], body)
        .await
        .text()
        .await
        .unwrap();
    let (mut spoken, mut starts) = (Vec::new(), Vec::new());
    for line in lines.lines() {
        let chunk = parse_timed_chunk(line).unwrap();
        chunk.decode_into(&mut spoken).unwrap();
        starts.extend(chunk.alignment.iter().map(|row| row.1));
    }
    assert_eq!(lines.lines().count(), 2);
    assert!(starts.is_sorted() && starts.len() > 20, "{starts:?}");
    assert!(
        (spoken.len() as f64 / audio.len() as f64 - 1.0).abs() < 0.2,
        "{} and {}",
        spoken.len(),
        audio.len()
    );
    let refused = ask(&twins, &path(Endpoint::Stream), &[KEY], r#"{"txt":"a"}"#).await;
    assert_eq!(refused.status(), 400);
    twins.set(Rule::parse_flag("elevenlabs.stream:status=429,next=1").unwrap());
    let refused = ask(&twins, &path(Endpoint::Stream), &[KEY], body).await;
    let error = ApiError::from_http(429, &refused.bytes().await.unwrap());
    assert_eq!(error.code.as_deref(), Some("too_many_concurrent_requests"));
}
