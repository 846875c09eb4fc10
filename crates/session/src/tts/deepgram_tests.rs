//! Aura's adapter against a scripted Deepgram on a real socket, which takes what the strict side of the grammar takes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use ringback_call::FaultKind;
use ringback_wire::deepgram::speak::{Command, Event, PATH, parse_command, parse_socket_query};
use ringback_wire::deepgram::{Closing, Encoding, speak};

use super::Aura;
use super::twin::{Caller, Peer, Twin, silence, speech};

const MS: Duration = Duration::from_millis(1);

fn voice(twin: &Twin) -> Aura {
    Aura {
        access: twin.access(),
        model: "aura-2-thalia-en".into(),
        speed_pct: 100,
    }
}

fn call(voice: Aura) -> Caller {
    Caller::of(|inlet, breaker, said| async move { voice.speak(inlet, &breaker, said).await })
}

async fn start() -> (Twin, Caller) {
    let twin = Twin::new().await;
    let caller = call(voice(&twin));
    (twin, caller)
}

/// A Deepgram that answers as the test says.
struct Voice {
    peer: Peer,
}

impl Voice {
    async fn accept(twin: &Twin) -> Self {
        let peer = twin.accept().await;
        Self { peer }
    }

    async fn command(&mut self) -> Command {
        parse_command(&self.peer.text().await).unwrap()
    }

    /// The text of a part: what comes up to a flush.
    async fn part(&mut self) -> String {
        let mut part = String::new();
        loop {
            match self.command().await {
                Command::Speak { text } => part.push_str(&text),
                Command::Flush => return part,
                other @ (Command::Clear | Command::Close) => panic!("{other:?}"),
            }
        }
    }

    async fn says(&mut self, event: Event) {
        self.peer.send(event.to_text()).await;
    }

    async fn speaks(&mut self, mulaw: Vec<u8>) {
        self.peer.send_bytes(mulaw).await;
        self.says(Event::Flushed { sequence_id: 0 }).await;
    }

    async fn closes(self, closing: Closing) {
        self.peer.close(closing.code, closing.reason).await;
    }
}

#[tokio::test]
async fn the_socket_is_open_before_anything_is_said_and_asks_for_telephone_speech() {
    let (twin, caller) = start().await;
    let voice = Voice::accept(&twin).await;
    assert!(voice.peer.uri.starts_with(&format!("{PATH}?")));
    let query = parse_socket_query(voice.peer.query()).unwrap();
    assert_eq!(query.model.as_deref(), Some("aura-2-thalia-en"));
    assert_eq!(
        (query.encoding, query.sample_rate),
        (Some(Encoding::Mulaw), Some(8000))
    );
    assert_eq!(query.speed, None);
    assert_eq!(voice.peer.headers["authorization"], "Token a-key");
    let (said, heard) = tokio::join!(caller.hangs_up(), voice.peer.closed());
    assert_eq!((said.len(), heard.len()), (0, 0));
}

#[tokio::test]
async fn speech_before_a_flush_is_answered_is_of_its_part() {
    let (twin, mut caller) = start().await;
    let mut voice = Voice::accept(&twin).await;
    caller
        .breaker
        .failed(std::time::Instant::now(), FaultKind::Refused, None);
    caller.speak(1, 0, "One.");
    caller.speak(1, 1, "Two.");
    assert_eq!(voice.part().await, "One. ");
    assert_eq!(voice.part().await, "Two. ");
    voice.peer.send_bytes(speech(500, 1)).await;
    assert_eq!(caller.audio(1, 0).await, speech(500, 1));
    assert!(caller.breaker.is_closed());
    voice.speaks(speech(700, 1)).await;
    voice.speaks(speech(800, 2)).await;
    assert_eq!(caller.whole(1, 0).await.0, speech(700, 1));
    assert_eq!(caller.whole(1, 1).await.0, speech(800, 2));
    caller.hangs_up().await;
}

#[tokio::test]
async fn what_comes_before_a_clear_is_answered_is_dropped() {
    let (twin, mut caller) = start().await;
    let mut voice = Voice::accept(&twin).await;
    caller.speak(1, 0, "A long story.");
    voice.part().await;
    voice.peer.send_bytes(speech(500, 1)).await;
    caller.audio(1, 0).await;
    caller.cancel(1);
    caller.speak(2, 0, "Of course.");
    assert_eq!(voice.command().await, Command::Clear);
    assert_eq!(voice.part().await, "Of course. ");
    voice.speaks(speech(500, 1)).await;
    voice.says(Event::Cleared { sequence_id: 1 }).await;
    voice.speaks(speech(600, 2)).await;
    assert_eq!(caller.whole(2, 0).await.0, speech(600, 2));
    caller.cancel(2);
    assert!(voice.peer.hears_nothing(100 * MS).await, "nothing is owed");
}

#[tokio::test]
async fn a_socket_is_flushed_no_more_often_than_it_takes() {
    let (twin, mut caller) = start().await;
    let mut voice = Voice::accept(&twin).await;
    let (mut flushes, mut sockets) = (0, 1);
    caller.speak(1, 0, "A sentence.");
    for part in 0..45 {
        // The next is always on its way: there is no moment at which nothing is owed.
        caller.speak(1, part + 1, "A sentence.");
        if part == 0 {
            voice.part().await;
            flushes += 1;
        }
        if flushes == speak::MAX_FLUSHES {
            voice.peer.closed().await;
            voice = Voice::accept(&twin).await;
            (flushes, sockets) = (1, sockets + 1);
            voice.part().await;
        }
        voice.part().await;
        flushes += 1;
        voice.speaks(speech(160, 1)).await;
        caller.whole(1, part).await;
    }
    assert_eq!(sockets, 3);

    let (twin, mut caller) = start().await;
    let mut voice = Voice::accept(&twin).await;
    for part in 0..15 {
        caller.speak(1, part, "A sentence.");
        voice.part().await;
        voice.speaks(speech(160, 1)).await;
        caller.whole(1, part).await;
    }
    // Early, when nothing is owed.
    let (heard, _) = tokio::join!(voice.peer.closed(), Voice::accept(&twin));
    assert_eq!(heard.len(), 0);
}

#[tokio::test]
async fn a_flush_that_was_not_done_is_done_on_another_socket() {
    let (twin, mut caller) = start().await;
    let mut voice = Voice::accept(&twin).await;
    caller.speak(1, 0, "One.");
    voice.part().await;
    let (code, description) = ("SOME_CODE".into(), "Too many Flush messages".into());
    voice.says(Event::Warning { code, description }).await;
    let mut voice = Voice::accept(&twin).await;
    assert_eq!(voice.part().await, "One. ");
    let (code, description) = ("OTHER".into(), "the voice is old".into());
    voice.says(Event::Warning { code, description }).await;
    voice.speaks(speech(500, 1)).await;
    caller.whole(1, 0).await;
}

#[tokio::test]
async fn a_close_between_replies_is_no_fault_and_one_in_a_reply_costs_no_sentence() {
    let (twin, mut caller) = start().await;
    Voice::accept(&twin)
        .await
        .closes(speak::CLIENT_SILENT)
        .await;
    caller.speak(1, 0, "One.");
    Voice::accept(&twin)
        .await
        .closes(speak::TOO_LONG_OPEN)
        .await;
    for closing in [speak::INTERNAL_ERROR, speak::TOO_MANY_CHARACTERS] {
        let mut voice = Voice::accept(&twin).await;
        assert_eq!(voice.part().await, "One. ");
        voice.closes(closing).await;
    }
    let mut voice = Voice::accept(&twin).await;
    assert_eq!(voice.part().await, "One. ");
    voice.speaks(speech(500, 1)).await;
    caller.whole(1, 0).await;
}

#[tokio::test]
async fn a_long_text_is_sent_in_pieces() {
    let (twin, mut caller) = start().await;
    let mut voice = Voice::accept(&twin).await;
    let long = "Far out in the uncharted backwaters. ".repeat(120);
    caller.speak(1, 0, &long);
    caller.speak(1, 1, &"x".repeat(4500));
    assert_eq!(voice.part().await, long);
    assert_eq!(voice.part().await.replace(' ', "").len(), 4500);
    for _ in 0..10 {
        voice.peer.send_bytes(speech(80_000, 1)).await;
    }
    voice.speaks(speech(500, 1)).await;
    caller.whole(1, 0).await;
}

#[tokio::test]
async fn no_speech_silence_and_empty_sentences_are_failures() {
    let (twin, caller) = start().await;
    let mut voice = Voice::accept(&twin).await;
    caller.speak(1, 0, "Hello.");
    voice.part().await;
    let (_, took, _) = caller.fails(FaultKind::Unreachable).await;
    assert!((1400 * MS..1900 * MS).contains(&took), "{took:?}");

    for quiet in [0, 3000, 9000] {
        let (twin, caller) = start().await;
        let mut voice = Voice::accept(&twin).await;
        caller.speak(1, 0, "Hello.");
        voice.part().await;
        voice.speaks(silence(quiet)).await;
        let (_, took, said) = caller.fails(FaultKind::Misbehaved).await;
        assert!(took < 500 * MS);
        assert_eq!(said, []);
    }
}

#[tokio::test]
async fn refusals_say_of_what_kind_they_are() {
    let body = r#"{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials."}"#;
    let statuses = [
        ("401 Unauthorized", "", FaultKind::Refused, None),
        ("402 Payment Required", "", FaultKind::Refused, None),
        ("400 Bad Request", "", FaultKind::Refused, None),
        (
            "429 Too Many Requests",
            "retry-after: 3\r\n",
            FaultKind::Unreachable,
            Some(3000 * MS),
        ),
    ];
    for (status, headers, kind, after) in statuses {
        let (twin, caller) = start().await;
        twin.refuse(status, headers, body).await;
        let (failure, ..) = caller.fails(kind).await;
        assert_eq!(failure.retry_after, after);
        assert!(failure.detail.ends_with(": Invalid credentials."));
    }
    for closing in [
        speak::UNKNOWN_COMMAND,
        speak::TEXT_TOO_LONG,
        speak::NOT_TEXT,
    ] {
        let (twin, caller) = start().await;
        let mut voice = Voice::accept(&twin).await;
        caller.speak(1, 0, "Hello.");
        voice.part().await;
        voice.closes(closing).await;
        caller.fails(FaultKind::Refused).await;
    }
}

#[tokio::test]
async fn garbage_is_a_failure_within_2_s() {
    let (twin, caller) = start().await;
    caller.speak(1, 0, "Hello.");
    let babbling = async {
        loop {
            let mut voice = Voice::accept(&twin).await;
            voice.part().await;
            voice.peer.send("<html>".into()).await;
        }
    };
    tokio::select! {
        (_, took, _) = caller.fails(FaultKind::Misbehaved) => assert!(took < 2000 * MS),
        () = babbling => {}
    }
}

#[tokio::test]
async fn who_babbles_and_then_says_nothing_is_not_merely_late() {
    let (twin, caller) = start().await;
    caller.speak(1, 0, "Hello.");
    let babbling = async {
        let mut voice = Voice::accept(&twin).await;
        voice.part().await;
        voice.peer.send("<html>".into()).await;
        let mut mute = Voice::accept(&twin).await;
        mute.part().await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        (failure, took, _) = caller.fails(FaultKind::Misbehaved) => {
            assert!(took < 2000 * MS, "{took:?}");
            let late = "and then deepgram did not begin to speak within 1500 ms";
            assert!(failure.detail.ends_with(late), "{failure:?}");
        }
        () = babbling => {}
    }
}

#[tokio::test]
async fn the_pace_is_brought_into_its_bounds() {
    let twin = Twin::new().await;
    let _caller = call(Aura {
        speed_pct: 200,
        ..voice(&twin)
    });
    let voice = Voice::accept(&twin).await;
    let query = parse_socket_query(voice.peer.query()).unwrap();
    assert_eq!(query.speed, Some(1.5));
}

/// Nobody says it in a second.
const LONG: &str =
    "Your table for two is booked for Friday at eight, and we look forward to seeing you.";

#[tokio::test]
async fn of_a_sentence_that_was_flushed_before_its_end_the_rest_is_spoken_and_what_follows_too() {
    let (twin, mut caller) = start().await;
    let mut voice = Voice::accept(&twin).await;
    caller.speak(1, 0, LONG);
    caller.speak(1, 1, "Goodbye.");
    voice.part().await;
    voice.part().await;
    voice.speaks(speech(8000, 1)).await;
    assert_eq!(caller.audio(1, 0).await, speech(8000, 1));
    let mut voice = Voice::accept(&twin).await;
    assert_eq!(voice.part().await, format!("{} ", &LONG[15..]));
    assert_eq!(voice.part().await, "Goodbye. ");
    voice.speaks(speech(30_000, 2)).await;
    assert_eq!(caller.whole(1, 0).await.0, speech(30_000, 2));
    voice.speaks(speech(4000, 3)).await;
    assert_eq!(caller.whole(1, 1).await.0, speech(4000, 3));
    caller.hangs_up().await;
}

#[tokio::test]
async fn a_voice_that_ends_a_sentence_twice_before_its_end_is_given_up() {
    let (twin, mut caller) = start().await;
    caller.speak(1, 0, LONG);
    for _ in 0..2 {
        let mut voice = Voice::accept(&twin).await;
        voice.part().await;
        voice.speaks(speech(2000, 1)).await;
        caller.audio(1, 0).await;
    }
    let (failure, took, _) = caller.fails(FaultKind::Misbehaved).await;
    assert_eq!(failure.detail, "deepgram ended a sentence before its end");
    assert!(took < 500 * MS);
}
