//! ElevenLabs' adapter against a scripted ElevenLabs on a real socket, which takes what the strict side of the grammar takes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use ringback_call::FaultKind;
use ringback_wire::elevenlabs::{
    ApiError, Audio, Endpoint, Opening, ServerMessage, SingleMessage, StreamQuery, TimedChar,
    parse_opening, parse_single, write_audio,
};

use super::ElevenLabs;
use super::stream::Spoken;
use super::twin::{Caller, Peer, Twin, silence, speech};

const MS: Duration = Duration::from_millis(1);

fn voice(twin: &Twin) -> ElevenLabs {
    ElevenLabs {
        access: twin.access(),
        model: "eleven_flash_v2_5".into(),
        voice: "a voice".into(),
        language: "de-DE".into(),
        speed_pct: 100,
    }
}

fn call(voice: ElevenLabs) -> Caller {
    Caller::of(|inlet, breaker, said| async move { voice.speak(inlet, &breaker, said).await })
}

async fn start() -> (Twin, Caller) {
    let twin = Twin::new().await;
    let caller = call(voice(&twin));
    (twin, caller)
}

/// An ElevenLabs that answers as the test says.
struct Eleven {
    peer: Peer,
    opening: Opening,
}

impl Eleven {
    async fn accept(twin: &Twin) -> Self {
        let mut peer = twin.accept().await;
        let opening = parse_opening(&peer.text().await).unwrap();
        Self { peer, opening }
    }

    async fn message(&mut self) -> SingleMessage {
        parse_single(&self.peer.text().await, &self.opening).unwrap()
    }

    /// The text of a part.
    async fn part(&mut self) -> String {
        match self.message().await {
            SingleMessage::Text { text, flush, .. } => {
                assert!(flush);
                text
            }
            other @ (SingleMessage::KeepAlive { .. } | SingleMessage::End) => panic!("{other:?}"),
        }
    }

    /// A piece of speech with its characters, spread evenly over it.
    async fn piece(&mut self, mulaw: &[u8], chars: Option<&str>) {
        let alignment = chars.map(|chars| {
            let each = mulaw.len() as u64 / 8 / chars.chars().count().max(1) as u64;
            let timed = |(at, character): (usize, char)| TimedChar {
                character: character.into(),
                start_ms: at as u64 * each,
                duration_ms: each,
            };
            chars.chars().enumerate().map(timed).collect()
        });
        let mut text = String::new();
        let frame = Audio {
            alignment,
            ..Audio::default()
        };
        write_audio(&mut text, mulaw, &frame);
        self.peer.send(text).await;
    }

    async fn says(&mut self, message: ServerMessage<'_>) {
        self.peer.send(message.to_text()).await;
    }

    async fn error(&mut self, code: &str) {
        let error = ApiError {
            close_code: Some(1008),
            code: Some(code.into()),
            message: Some("not this time".into()),
            ..ApiError::default()
        };
        let context_id = None;
        self.says(ServerMessage::Error { context_id, error }).await;
    }
}

#[tokio::test]
async fn the_socket_is_open_before_anything_is_said_and_asks_for_telephone_speech() {
    let (twin, caller) = start().await;
    let eleven = Eleven::accept(&twin).await;
    let (path, query) = eleven.peer.uri.split_once('?').unwrap();
    let voice = "a voice".to_owned();
    assert_eq!(Endpoint::parse(path), Some((Endpoint::StreamInput, voice)));
    let query = StreamQuery::parse(query, Endpoint::StreamInput).unwrap();
    assert_eq!(query.output_format.as_deref(), Some("ulaw_8000"));
    assert_eq!(query.model_id.as_deref(), Some("eleven_flash_v2_5"));
    assert_eq!(query.language_code.as_deref(), Some("de"));
    assert_eq!(eleven.peer.headers["xi-api-key"], "a-key");
    assert!(eleven.opening.is_empty());
    let (said, heard) = tokio::join!(caller.hangs_up(), eleven.peer.closed());
    assert_eq!((said.len(), heard.len()), (0, 0));
}

#[tokio::test]
async fn a_part_is_over_when_its_characters_have_come_and_the_next_has_the_same_socket() {
    let (twin, mut caller) = start().await;
    let mut eleven = Eleven::accept(&twin).await;
    caller
        .breaker
        .failed(std::time::Instant::now(), FaultKind::Refused, None);
    caller.speak(1, 0, "Good morning.");
    caller.speak(1, 1, "And you?");
    assert_eq!(eleven.part().await, "Good morning. ");
    eleven.piece(&speech(800, 1), Some("Good morni")).await;
    assert_eq!(caller.audio(1, 0).await, speech(800, 1));
    assert!(caller.breaker.is_closed());
    // Its beginning was in the piece before.
    eleven.piece(&speech(960, 2), Some("morning. ")).await;
    let (mulaw, words) = caller.whole(1, 0).await;
    assert_eq!(mulaw, speech(960, 2));
    assert_eq!(words.len(), 2);
    assert_eq!(words[0], ("Good".into(), 320));
    let each = 960 / 8 / 9 * 8;
    assert_eq!(words[1], ("morning.".into(), 800 + 8 * each));

    assert_eq!(eleven.part().await, "And you? ");
    eleven.piece(&speech(700, 3), None).await;
    eleven.piece(&speech(800, 4), Some("And you?")).await;
    let (mulaw, words) = caller.whole(1, 1).await;
    assert_eq!(mulaw.len(), 1500);
    assert_eq!(words[0], ("And".into(), 700 + 300 - 12));
    caller.hangs_up().await;
}

#[tokio::test]
async fn where_no_characters_come_the_end_of_the_stream_is_the_end_of_the_part() {
    for chars in [None, Some("Guten Morgen")] {
        let (twin, mut caller) = start().await;
        let mut eleven = Eleven::accept(&twin).await;
        caller.speak(1, 0, "Good morning.");
        caller.speak(1, 1, "And you?");
        eleven.part().await;
        eleven.piece(&speech(800, 1), chars).await;
        assert_eq!(eleven.message().await, SingleMessage::End);
        eleven.piece(&speech(800, 2), None).await;
        eleven.says(ServerMessage::Final { context_id: None }).await;
        assert_eq!(caller.whole(1, 0).await.0.len(), 1600);
        let mut eleven = Eleven::accept(&twin).await;
        assert_eq!(eleven.part().await, "And you? ");
        eleven.piece(&speech(800, 3), Some("And you? ")).await;
        caller.whole(1, 1).await;
    }
}

#[tokio::test]
async fn another_reply_finds_another_socket_open() {
    let (twin, mut caller) = start().await;
    let mut eleven = Eleven::accept(&twin).await;
    caller.speak(1, 0, "One.");
    eleven.part().await;
    eleven.piece(&speech(800, 1), Some("One.")).await;
    caller.whole(1, 0).await;
    // Before anything is asked.
    let mut next = Eleven::accept(&twin).await;
    eleven.peer.closed().await;
    caller.speak(2, 0, "Two.");
    assert_eq!(next.part().await, "Two. ");
    next.piece(&speech(800, 1), Some("Two.")).await;
    caller.whole(2, 0).await;
    // At once, with another reply in a hurry.
    caller.speak(3, 0, "Three.");
    let mut next = Eleven::accept(&twin).await;
    assert_eq!(next.part().await, "Three. ");
}

#[tokio::test]
async fn a_cancelled_stream_is_closed() {
    let (twin, mut caller) = start().await;
    let mut eleven = Eleven::accept(&twin).await;
    caller.speak(1, 0, "A long story.");
    eleven.part().await;
    eleven.piece(&speech(800, 1), Some("A lo")).await;
    caller.audio(1, 0).await;
    caller.next().await;
    caller.cancel(1);
    caller.speak(2, 0, "Of course.");
    let (_, mut next) = tokio::join!(eleven.peer.closed(), Eleven::accept(&twin));
    assert_eq!(next.part().await, "Of course. ");
    next.piece(&speech(800, 2), Some("Of course.")).await;
    assert_eq!(caller.whole(2, 0).await.0, speech(800, 2));
}

#[tokio::test]
async fn idleness_is_no_fault() {
    let (twin, mut caller) = start().await;
    let mut eleven = Eleven::accept(&twin).await;
    eleven.error("input_timeout_exceeded").await;
    eleven.peer.closed().await;
    Eleven::accept(&twin).await.peer.close(1000, "").await;
    caller.speak(1, 0, "Hello.");
    let mut eleven = Eleven::accept(&twin).await;
    eleven.part().await;
    eleven.piece(&speech(800, 1), Some("Hello.")).await;
    caller.whole(1, 0).await;
}

#[tokio::test]
async fn streams_that_end_at_once_are_not_opened_without_a_pause() {
    let (twin, caller) = start().await;
    let ending = async {
        let mut streams = 0;
        loop {
            let mut eleven = Eleven::accept(&twin).await;
            eleven.says(ServerMessage::Final { context_id: None }).await;
            streams += 1;
            if streams == 8 {
                return std::time::Instant::now();
            }
        }
    };
    let start = std::time::Instant::now();
    assert!(ending.await - start > 500 * MS);
    caller.hangs_up().await;
}

#[tokio::test]
async fn what_broke_off_goes_on_at_the_word() {
    let (twin, mut caller) = start().await;
    let eleven = Eleven::accept(&twin).await;
    caller.speak(1, 0, "We are open from nine.");
    drop(eleven);
    let mut eleven = Eleven::accept(&twin).await;
    assert_eq!(eleven.part().await, "We are open from nine. ");
    eleven.piece(&speech(8000, 1), Some("We are op")).await;
    caller.audio(1, 0).await;
    caller.next().await;
    drop(eleven);
    let mut eleven = Eleven::accept(&twin).await;
    assert_eq!(eleven.part().await, "open from nine. ");
    eleven
        .piece(&speech(8000, 2), Some("open from nine."))
        .await;
    let (_, words) = caller.whole(1, 0).await;
    assert!(words[0].0 == "open" && words[0].1 > 8000, "{words:?}");
}

#[tokio::test]
async fn no_speech_and_nothing_but_silence_are_failures() {
    let (twin, caller) = start().await;
    let mut eleven = Eleven::accept(&twin).await;
    caller.speak(1, 0, "Hello.");
    eleven.part().await;
    let (_, took, _) = caller.fails(FaultKind::Unreachable).await;
    assert!((1400 * MS..1900 * MS).contains(&took), "{took:?}");

    let (twin, caller) = start().await;
    let mut eleven = Eleven::accept(&twin).await;
    caller.speak(1, 0, "Hello.");
    eleven.part().await;
    eleven.piece(&silence(8001), Some("Hello.")).await;
    let (.., said) = caller.fails(FaultKind::Misbehaved).await;
    assert_eq!(said, []);

    for early in [true, false] {
        let (twin, caller) = start().await;
        let mut eleven = Eleven::accept(&twin).await;
        caller.speak(1, 0, "Hello.");
        eleven.part().await;
        if early {
            eleven.says(ServerMessage::Final { context_id: None }).await;
        } else {
            eleven.piece(&silence(400), Some("Hello.")).await;
        }
        caller.fails(FaultKind::Misbehaved).await;
    }
}

#[tokio::test]
async fn errors_say_of_what_kind_they_are() {
    let cases = [
        ("quota_exceeded", FaultKind::Refused, false),
        ("invalid_api_key", FaultKind::Refused, false),
        ("voice_not_found", FaultKind::Refused, false),
        ("too_many_concurrent_requests", FaultKind::Unreachable, true),
        ("system_busy", FaultKind::Unreachable, true),
    ];
    for (code, kind, later) in cases {
        let (twin, caller) = start().await;
        let mut eleven = Eleven::accept(&twin).await;
        caller.speak(1, 0, "Hello.");
        eleven.part().await;
        eleven.error(code).await;
        let (failure, took, _) = caller.fails(kind).await;
        assert!(took < 500 * MS);
        assert_eq!(failure.retry_after.is_some(), later, "{failure:?}");
    }
    let (twin, caller) = start().await;
    let body = r#"{"detail":{"status":"quota_exceeded","message":"no credits"}}"#;
    twin.refuse("401 Unauthorized", "", body).await;
    let (failure, ..) = caller.fails(FaultKind::Refused).await;
    assert_eq!(
        failure.detail,
        "elevenlabs answered 401: quota_exceeded: no credits"
    );

    let (twin, caller) = start().await;
    let mut eleven = Eleven::accept(&twin).await;
    caller.speak(1, 0, "Hello.");
    eleven.part().await;
    eleven
        .peer
        .close(1008, "A voice with this id does not exist.")
        .await;
    caller.fails(FaultKind::Refused).await;
}

#[tokio::test]
async fn garbage_is_a_failure_within_2_s() {
    for garbage in ["<html>", r#"{"audio":"%%"}"#] {
        let (twin, caller) = start().await;
        caller.speak(1, 0, "Hello.");
        let babbling = async {
            loop {
                let mut eleven = Eleven::accept(&twin).await;
                eleven.part().await;
                eleven.peer.send(garbage.into()).await;
            }
        };
        tokio::select! {
            (_, took, _) = caller.fails(FaultKind::Misbehaved) => assert!(took < 2000 * MS),
            () = babbling => {}
        }
    }
}

#[tokio::test]
async fn the_pace_is_brought_into_its_bounds() {
    let twin = Twin::new().await;
    let _caller = call(ElevenLabs {
        speed_pct: 50,
        model: "eleven_multilingual_v2".into(),
        ..voice(&twin)
    });
    let eleven = Eleven::accept(&twin).await;
    assert_eq!(eleven.opening.voice_settings.unwrap().speed, Some(0.7));
    let query = StreamQuery::parse(eleven.peer.query(), Endpoint::StreamInput).unwrap();
    assert_eq!(query.language_code, None);
}

const LONG: &str =
    "Your table for two is booked for Friday at eight, and we look forward to seeing you.";

#[tokio::test]
async fn of_a_sentence_whose_stream_ended_before_its_end_the_rest_is_spoken() {
    let (twin, mut caller) = start().await;
    let mut eleven = Eleven::accept(&twin).await;
    caller.speak(1, 0, LONG);
    eleven.part().await;
    eleven
        .piece(&speech(8000, 1), Some("Your table for two is "))
        .await;
    eleven.says(ServerMessage::Final { context_id: None }).await;
    caller.audio(1, 0).await;
    let mut eleven = Eleven::accept(&twin).await;
    assert_eq!(eleven.part().await, format!("{} ", &LONG[22..]));
    eleven.piece(&speech(24_000, 2), None).await;
    eleven.says(ServerMessage::Final { context_id: None }).await;
    loop {
        if let Spoken::Done { .. } = caller.next().await {
            break;
        }
    }
    caller.hangs_up().await;
}

#[tokio::test]
async fn characters_that_come_before_their_speech_end_no_part() {
    let (twin, mut caller) = start().await;
    let mut eleven = Eleven::accept(&twin).await;
    caller.speak(1, 0, "It is open.");
    eleven.part().await;
    let alignment = "It is open."
        .chars()
        .enumerate()
        .map(|(at, character)| TimedChar {
            character: character.into(),
            start_ms: at as u64 * 100,
            duration_ms: 100,
        });
    let frame = Audio {
        alignment: Some(alignment.collect()),
        ..Audio::default()
    };
    let mut text = String::new();
    write_audio(&mut text, &speech(2000, 1), &frame);
    eleven.peer.send(text).await;
    caller.audio(1, 0).await;
    eleven.piece(&speech(6800, 2), None).await;
    let (rest, _) = caller.whole(1, 0).await;
    assert_eq!(rest, speech(6800, 2));
    assert!(twin.is_left_alone(100 * MS).await);
    caller.hangs_up().await;
}
