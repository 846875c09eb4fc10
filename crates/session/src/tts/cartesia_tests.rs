//! Cartesia's adapter against a scripted Cartesia on a real socket, which takes what the strict side of the grammar takes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use ringback_call::FaultKind;
use ringback_wire::cartesia::{
    ApiError, ApiVersion, ClientMessage, Encoding, ServerMessage, Settings, TimedWord as Word,
    Timestamps, parse_client, version_of, write_chunk,
};

use super::Cartesia;
use super::stream::Spoken;
use super::twin::{Caller, Peer, Twin, silence, speech};

const MS: Duration = Duration::from_millis(1);

fn voice(twin: &Twin) -> Cartesia {
    Cartesia {
        access: twin.access(),
        version: "2026-03-01".into(),
        model: "sonic-3.5".into(),
        voice: "11111111-2222-4333-8444-555555555555".into(),
        language: "en-US".into(),
        speed_pct: 100,
    }
}

fn call(voice: Cartesia) -> Caller {
    Caller::of(|inlet, breaker, said| async move { voice.speak(inlet, &breaker, said).await })
}

async fn start() -> (Twin, Caller) {
    let twin = Twin::new().await;
    let caller = call(voice(&twin));
    (twin, caller)
}

/// A Cartesia that answers as the test says.
struct Sonic {
    peer: Peer,
    first: Option<Settings>,
}

impl Sonic {
    async fn accept(twin: &Twin) -> Self {
        let peer = twin.accept().await;
        Self { peer, first: None }
    }

    async fn message(&mut self) -> ClientMessage {
        parse_client(&self.peer.text().await, &ApiVersion::default()).unwrap()
    }

    /// A part as it must come: its text, then a flush. Its context and its text are returned.
    async fn part(&mut self) -> (String, String) {
        let mut inputs = Vec::new();
        for flush in [false, true] {
            let ClientMessage::Generation(input) = self.message().await else {
                panic!("a cancel");
            };
            let first = self.first.get_or_insert_with(|| input.settings.clone());
            input.must_continue(first).unwrap();
            assert!(input.more && input.flush == flush);
            inputs.push((input.context_id, input.transcript));
        }
        let (flush, text) = (inputs.pop().unwrap(), inputs.pop().unwrap());
        assert_eq!(flush, (text.0.clone(), String::new()));
        text
    }

    async fn chunk(&mut self, context: &str, audio: &[u8], flush: Option<u64>) {
        let mut text = String::new();
        write_chunk(&mut text, Some(context), audio, (9 * MS, flush));
        self.peer.send(text).await;
    }

    async fn flush_done(&mut self, context: &str, flush_id: Option<u64>) {
        let context_id = Some(context.to_owned());
        let done = ServerMessage::FlushDone {
            context_id,
            flush_id,
        };
        self.peer.send(done.to_text()).await;
    }

    /// Words that follow each other, each with its end in ms.
    async fn words(&mut self, context: &str, flush_id: Option<u64>, words: &[(&str, u32)]) {
        let mut start = words.first().map_or(0, |first| first.1 - 100);
        let words = words.iter().map(|&(word, end)| {
            let word = Word {
                word: word.into(),
                start: start * MS,
                end: end * MS,
            };
            start = end;
            word
        });
        let times = ServerMessage::Timestamps(Timestamps {
            context_id: Some(context.into()),
            flush_id,
            words: words.collect(),
        });
        self.peer.send(times.to_text()).await;
    }

    async fn error(&mut self, context: Option<&str>, status: u16, code: &str) {
        let error = ServerMessage::Error {
            context_id: context.map(str::to_owned),
            error: ApiError {
                status: Some(status),
                code: Some(code.to_owned()).filter(|code| !code.is_empty()),
                title: Some("No".into()),
                message: Some("not this time".into()),
                ..ApiError::default()
            },
        };
        self.peer.send(error.to_text()).await;
    }

    /// Speaks a part whole.
    async fn speaks(&mut self, context: &str, audio: &[u8], flush: Option<u64>) {
        self.chunk(context, audio, flush).await;
        self.flush_done(context, flush).await;
    }
}

#[tokio::test]
async fn the_socket_is_open_before_anything_is_said_and_names_key_and_version() {
    let (twin, caller) = start().await;
    let sonic = Sonic::accept(&twin).await;
    assert!(sonic.peer.uri.starts_with("/tts/websocket?"));
    assert_eq!(sonic.peer.headers["authorization"], "Bearer a-key");
    let header = sonic.peer.headers["cartesia-version"].to_str().unwrap();
    let query = sonic.peer.query().strip_prefix("cartesia_version=");
    assert_eq!(version_of(Some(header), query), Ok(ApiVersion::default()));
    let (said, heard) = tokio::join!(caller.hangs_up(), sonic.peer.closed());
    assert_eq!((said.len(), heard.len()), (0, 0));
}

#[tokio::test]
async fn parts_of_a_reply_share_a_context_and_each_has_its_own_speech_and_words() {
    let (twin, mut caller) = start().await;
    let mut sonic = Sonic::accept(&twin).await;
    caller
        .breaker
        .failed(std::time::Instant::now(), FaultKind::Refused, None);
    caller.speak(1, 0, "Good morning.");
    caller.speak(1, 1, "How are you?");
    let (context, text) = sonic.part().await;
    assert_eq!(text, "Good morning. ");
    assert_eq!(
        sonic.part().await,
        (context.clone(), "How are you? ".into())
    );
    let settings = sonic.first.clone().unwrap();
    assert_eq!(settings.output_format.encoding, Encoding::Mulaw);
    assert_eq!(settings.output_format.sample_rate, 8000);
    assert_eq!(settings.language.as_deref(), Some("en"));
    assert_eq!(settings.max_buffer_delay_ms, Some(0));
    assert_eq!(settings.add_timestamps, Some(true));
    assert_eq!(settings.generation_config, None);

    sonic.chunk(&context, &speech(3000, 1), Some(1)).await;
    assert_eq!(caller.audio(1, 0).await, speech(3000, 1));
    assert!(caller.breaker.is_closed(), "it speaks");
    sonic.chunk(&context, &speech(5000, 2), Some(1)).await;
    let words = [("Good", 400), ("<break/>", 500), ("morning.", 980)];
    sonic.words(&context, Some(1), &words).await;
    sonic.flush_done(&context, Some(1)).await;
    let (mulaw, words) = caller.whole(1, 0).await;
    assert_eq!(mulaw, speech(5000, 2));
    assert_eq!(words, [("Good".into(), 3200), ("morning.".into(), 7840)]);

    sonic.chunk(&context, &speech(900, 3), Some(2)).await;
    let words = [("How", 1100), ("are", 1300), ("you?", 1500)];
    sonic.words(&context, Some(2), &words).await;
    sonic.flush_done(&context, Some(2)).await;
    let (mulaw, words) = caller.whole(1, 1).await;
    assert_eq!(mulaw, speech(900, 3));
    let ends: Vec<_> = words.iter().map(|(_, until)| *until).collect();
    assert_eq!(ends, [800, 2400, 4000], "from the part's beginning");
    caller.hangs_up().await;
}

#[tokio::test]
async fn speech_finds_its_part_however_boundaries_are_counted() {
    // One for each part; also one for each text; the same; without numbers; without an end that is told.
    type Step = (Option<u16>, Option<u64>);
    let chunk = |part, flush| (Some(part), flush);
    let done = |flush| (None, flush);
    let scripts: [Vec<Step>; 5] = [
        vec![
            chunk(0, Some(1)),
            done(Some(1)),
            chunk(1, Some(2)),
            done(Some(2)),
            chunk(2, Some(3)),
            done(Some(3)),
        ],
        vec![
            chunk(0, Some(1)),
            done(Some(1)),
            done(Some(2)),
            chunk(1, Some(3)),
            done(Some(3)),
            done(Some(4)),
            chunk(2, Some(5)),
            done(Some(5)),
            done(Some(6)),
        ],
        vec![
            chunk(0, Some(1)),
            done(Some(1)),
            done(Some(1)),
            chunk(1, Some(2)),
            done(Some(2)),
            done(Some(2)),
            chunk(2, Some(3)),
            done(Some(3)),
            done(Some(3)),
        ],
        vec![
            chunk(0, None),
            done(None),
            done(None),
            chunk(1, None),
            done(None),
            done(None),
            chunk(2, None),
            done(None),
            done(None),
        ],
        vec![
            chunk(0, Some(1)),
            chunk(1, Some(2)),
            chunk(1, Some(2)),
            chunk(2, Some(3)),
            done(Some(3)),
        ],
    ];
    for script in scripts {
        let (twin, mut caller) = start().await;
        let mut sonic = Sonic::accept(&twin).await;
        let mut context = String::new();
        for part in 0..3 {
            caller.speak(7, part, "A sentence.");
            context = sonic.part().await.0;
        }
        for &(part, flush) in &script {
            match part {
                Some(part) => sonic.chunk(&context, &speech(800, part as u8), flush).await,
                None => sonic.flush_done(&context, flush).await,
            }
        }
        for part in 0..3 {
            let (mulaw, _) = caller.whole(7, part).await;
            assert!(mulaw.iter().all(|&byte| byte == part as u8), "{script:?}");
            assert!(!mulaw.is_empty());
        }
        assert_eq!(caller.hangs_up().await, [], "{script:?}");
    }
}

#[tokio::test]
async fn another_reply_is_another_context_and_waits_for_the_first() {
    let (twin, mut caller) = start().await;
    let mut sonic = Sonic::accept(&twin).await;
    caller.speak(1, 0, "One.");
    caller.speak(2, 0, "Two.");
    let (first, _) = sonic.part().await;
    assert!(sonic.peer.hears_nothing(100 * MS).await);
    sonic.speaks(&first, &speech(800, 1), Some(1)).await;
    caller.whole(1, 0).await;
    let (second, text) = sonic.part().await;
    assert_eq!(text, "Two. ");
    assert_ne!(first, second);
    sonic.speaks(&second, &speech(800, 2), Some(1)).await;
    assert_eq!(caller.whole(2, 0).await.0, speech(800, 2));
}

#[tokio::test]
async fn a_context_that_has_been_quiet_is_not_continued() {
    let (twin, mut caller) = start().await;
    let mut sonic = Sonic::accept(&twin).await;
    let mut contexts = Vec::new();
    for (part, wait) in [(0, 0), (1, 0), (2, 900)] {
        tokio::time::sleep(wait * MS).await;
        caller.speak(1, part, "More.");
        let (context, _) = sonic.part().await;
        let flush = if part == 1 { 2 } else { 1 };
        sonic.speaks(&context, &speech(800, 1), Some(flush)).await;
        caller.whole(1, part).await;
        contexts.push(context);
    }
    assert_eq!(contexts[0], contexts[1]);
    assert_ne!(contexts[1], contexts[2]);
}

#[tokio::test]
async fn a_context_that_expired_on_the_way_is_begun_anew() {
    let (twin, mut caller) = start().await;
    let mut sonic = Sonic::accept(&twin).await;
    caller.speak(1, 0, "One.");
    let (context, _) = sonic.part().await;
    sonic.speaks(&context, &speech(800, 1), Some(1)).await;
    caller.whole(1, 0).await;
    caller.speak(1, 1, "Two.");
    sonic.part().await;
    sonic.error(Some(&context), 400, "").await;
    let mut sonic = Sonic::accept(&twin).await;
    let (other, text) = sonic.part().await;
    assert_ne!(other, context);
    assert_eq!(text, "Two. ");
    sonic.speaks(&other, &speech(800, 2), Some(1)).await;
    assert_eq!(caller.whole(1, 1).await.0, speech(800, 2));
}

#[tokio::test]
async fn a_cancelled_reply_is_cancelled_there_and_what_still_comes_is_dropped() {
    let (twin, mut caller) = start().await;
    let mut sonic = Sonic::accept(&twin).await;
    caller.speak(1, 0, "A long story.");
    let (first, _) = sonic.part().await;
    sonic.chunk(&first, &speech(800, 1), Some(1)).await;
    caller.audio(1, 0).await;
    caller.cancel(1);
    caller.speak(2, 0, "Of course.");
    let cancel = sonic.message().await;
    let context_id = first.clone();
    assert_eq!(cancel, ClientMessage::Cancel { context_id });
    let (second, _) = sonic.part().await;
    sonic.chunk(&first, &speech(800, 1), Some(1)).await;
    sonic.words(&first, Some(1), &[("A", 200)]).await;
    sonic.speaks(&second, &speech(800, 2), Some(1)).await;
    sonic.flush_done(&first, Some(1)).await;
    sonic.error(Some(&first), 400, "").await;
    assert_eq!(caller.whole(2, 0).await, (speech(800, 2), vec![]));
    // Nothing is owed: there is nothing to tell.
    caller.cancel(2);
    assert!(sonic.peer.hears_nothing(100 * MS).await);
    assert_eq!(caller.hangs_up().await, []);
}

#[tokio::test]
async fn a_socket_closed_for_its_idleness_is_no_fault() {
    let (twin, mut caller) = start().await;
    for round in 0..5 {
        Sonic::accept(&twin)
            .await
            .peer
            .close(1000, "connection idle timeout")
            .await;
        assert!(twin.is_left_alone(150 * MS).await, "it does not spin");
        caller.speak(round, 0, "Hello.");
        let mut sonic = Sonic::accept(&twin).await;
        let (context, _) = sonic.part().await;
        sonic.speaks(&context, &speech(800, 1), Some(1)).await;
        caller.whole(round, 0).await;
        sonic.peer.close(1000, "connection idle timeout").await;
        caller.speak(round, 1, "Again.");
        let mut sonic = Sonic::accept(&twin).await;
        let (context, _) = sonic.part().await;
        sonic.speaks(&context, &speech(800, 1), Some(1)).await;
        caller.whole(round, 1).await;
        // Without a close: opened again at once.
        drop(sonic);
    }
}

#[tokio::test]
async fn what_had_no_speech_when_the_socket_broke_is_sent_again() {
    let (twin, mut caller) = start().await;
    let mut sonic = Sonic::accept(&twin).await;
    caller.speak(1, 0, "One.");
    caller.speak(1, 1, "Two.");
    sonic.part().await;
    sonic.part().await;
    drop(sonic);
    let mut sonic = Sonic::accept(&twin).await;
    let (context, one) = sonic.part().await;
    let (_, two) = sonic.part().await;
    assert_eq!((one.as_str(), two.as_str()), ("One. ", "Two. "));
    sonic.speaks(&context, &speech(800, 1), Some(1)).await;
    sonic.speaks(&context, &speech(800, 2), Some(2)).await;
    assert_eq!(caller.whole(1, 0).await.0, speech(800, 1));
    assert_eq!(caller.whole(1, 1).await.0, speech(800, 2));
}

#[tokio::test]
async fn of_what_had_begun_when_the_socket_broke_the_rest_is_sent() {
    let (twin, mut caller) = start().await;
    let mut sonic = Sonic::accept(&twin).await;
    caller.speak(1, 0, "We are open from nine to five.");
    let (context, _) = sonic.part().await;
    sonic.chunk(&context, &speech(4000, 1), Some(1)).await;
    let words = [("We", 200), ("are", 400), ("open", 510)];
    sonic.words(&context, Some(1), &words).await;
    caller.audio(1, 0).await;
    caller.next().await;
    sonic.peer.close(1011, "restarting").await;

    let mut sonic = Sonic::accept(&twin).await;
    let (context, text) = sonic.part().await;
    assert_eq!(
        text, "open from nine to five. ",
        "the word that broke off too"
    );
    sonic.chunk(&context, &speech(8000, 2), Some(1)).await;
    sonic.words(&context, Some(1), &[("open", 300)]).await;
    assert_eq!(caller.audio(1, 0).await, speech(8000, 2));
    let Spoken::Words { words, .. } = caller.next().await else {
        panic!("no words");
    };
    assert_eq!(words[0].until, 4000 + 2400, "in the whole part");
    drop(sonic);

    // 8000 samples without words behind "open": it goes by its length.
    let mut sonic = Sonic::accept(&twin).await;
    assert_eq!(sonic.part().await.1, "from nine to five. ");
}

#[tokio::test]
async fn without_words_the_rest_is_found_by_its_length() {
    let (twin, mut caller) = start().await;
    let mut sonic = Sonic::accept(&twin).await;
    caller.speak(1, 0, "We are open from nine to five.");
    let (context, _) = sonic.part().await;
    sonic.chunk(&context, &speech(8000, 1), None).await;
    caller.audio(1, 0).await;
    drop(sonic);
    let mut sonic = Sonic::accept(&twin).await;
    let (context, text) = sonic.part().await;
    assert_eq!(text, "from nine to five. ");
    sonic.chunk(&context, &speech(16_000, 2), None).await;
    caller.audio(1, 0).await;
    drop(sonic);
    // By its length nothing is left.
    assert_eq!(caller.whole(1, 0).await, (vec![], vec![]));
    caller.hangs_up().await;
}

#[tokio::test]
async fn a_socket_that_breaks_again_and_again_is_given_up_within_2_s() {
    let (twin, caller) = start().await;
    caller.speak(1, 0, "Hello.");
    let breaking = async {
        loop {
            let mut sonic = Sonic::accept(&twin).await;
            sonic.part().await;
        }
    };
    tokio::select! {
        (failure, took, said) = caller.fails(FaultKind::Unreachable) => {
            assert!(took < 2000 * MS, "{took:?}");
            assert_eq!(said, []);
            assert_eq!(failure.detail, "cartesia ended its socket without a close");
        }
        () = breaking => {}
    }
}

#[tokio::test]
async fn no_speech_in_time_is_a_failure() {
    let (twin, caller) = start().await;
    let mut sonic = Sonic::accept(&twin).await;
    caller.speak(1, 0, "Hello.");
    sonic.part().await;
    let (failure, took, said) = caller.fails(FaultKind::Unreachable).await;
    assert!((1400 * MS..1900 * MS).contains(&took), "{took:?}");
    assert_eq!(
        failure.detail,
        "cartesia did not begin to speak within 1500 ms"
    );
    assert_eq!(said, []);
}

#[tokio::test]
async fn a_server_that_takes_the_connection_and_says_nothing_is_a_failure_in_time() {
    let (twin, caller) = start().await;
    let _mute = twin.connected().await;
    caller.speak(1, 0, "Hello.");
    let (_, took, _) = caller.fails(FaultKind::Unreachable).await;
    assert!(took < 1900 * MS, "{took:?}");
}

#[tokio::test]
async fn the_clock_of_a_part_starts_when_the_part_before_is_done() {
    let (twin, mut caller) = start().await;
    let mut sonic = Sonic::accept(&twin).await;
    caller.speak(1, 0, "One.");
    caller.speak(1, 1, "Two.");
    let (context, _) = sonic.part().await;
    for _ in 0..2 {
        tokio::time::sleep(1000 * MS).await;
        sonic.chunk(&context, &speech(800, 1), Some(1)).await;
    }
    sonic.flush_done(&context, Some(1)).await;
    caller.whole(1, 0).await;
    let (_, took, _) = caller.fails(FaultKind::Unreachable).await;
    assert!((1400 * MS..1900 * MS).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_pause_in_a_sentence_is_a_failure_unless_all_its_words_were_spoken() {
    for (last, end) in [(900, true), (1300, false)] {
        let (twin, mut caller) = start().await;
        let mut sonic = Sonic::accept(&twin).await;
        caller.speak(1, 0, "Good morning.");
        let (context, _) = sonic.part().await;
        sonic.chunk(&context, &speech(8000, 1), Some(1)).await;
        sonic
            .words(&context, Some(1), &[("Good", 300), ("morning.", last)])
            .await;
        if end {
            let start = std::time::Instant::now();
            caller.whole(1, 0).await;
            assert!(start.elapsed() > 1900 * MS);
            caller.hangs_up().await;
        } else {
            caller.audio(1, 0).await;
            let (failure, took, _) = caller.fails(FaultKind::Unreachable).await;
            assert!((1900 * MS..2300 * MS).contains(&took), "{took:?}");
            assert_eq!(failure.detail, "cartesia paused for 2 s in a sentence");
        }
    }
}

#[tokio::test]
async fn nothing_but_silence_is_a_failure_and_is_not_handed_on() {
    let (twin, caller) = start().await;
    let mut sonic = Sonic::accept(&twin).await;
    caller.speak(1, 0, "Hello.");
    let (context, _) = sonic.part().await;
    for _ in 0..6 {
        // The last is at -51 dBFS.
        sonic.chunk(&context, &silence(1500), Some(1)).await;
        sonic
            .chunk(&context, &[ringback_audio::g711::encode(92)], Some(1))
            .await;
    }
    let (failure, took, said) = caller.fails(FaultKind::Misbehaved).await;
    assert!(took < 500 * MS);
    assert_eq!(failure.detail, "cartesia sends nothing but silence");
    assert_eq!(said, []);
}

#[tokio::test]
async fn silence_before_speech_belongs_to_it() {
    let (twin, mut caller) = start().await;
    let mut sonic = Sonic::accept(&twin).await;
    caller.speak(1, 0, "Hello.");
    let (context, _) = sonic.part().await;
    sonic.chunk(&context, &silence(800), Some(1)).await;
    sonic.speaks(&context, &speech(800, 1), Some(1)).await;
    let (mulaw, _) = caller.whole(1, 0).await;
    assert_eq!(mulaw, [silence(800), speech(800, 1)].concat());
}

#[tokio::test]
async fn a_sentence_that_ends_without_speech_is_a_failure() {
    for quiet in [0, 4000] {
        let (twin, caller) = start().await;
        let mut sonic = Sonic::accept(&twin).await;
        caller.speak(1, 0, "Hello.");
        let (context, _) = sonic.part().await;
        sonic.speaks(&context, &silence(quiet), Some(1)).await;
        let (failure, took, said) = caller.fails(FaultKind::Misbehaved).await;
        assert!(took < 500 * MS);
        assert_eq!(failure.detail, "cartesia ended a sentence without speech");
        assert_eq!(said, []);
    }
}

#[tokio::test]
async fn an_empty_sentence_among_others_is_a_failure_of_that_one() {
    let (twin, mut caller) = start().await;
    let mut sonic = Sonic::accept(&twin).await;
    let mut context = String::new();
    for part in 0..3 {
        caller.speak(1, part, "A sentence.");
        context = sonic.part().await.0;
    }
    sonic.speaks(&context, &speech(800, 1), Some(1)).await;
    sonic.speaks(&context, &speech(800, 2), Some(2)).await;
    sonic.flush_done(&context, Some(3)).await;
    caller.whole(1, 0).await;
    caller.whole(1, 1).await;
    let (_, took, _) = caller.fails(FaultKind::Misbehaved).await;
    assert!(took < 500 * MS, "{took:?}");
}

#[tokio::test]
async fn a_context_that_ends_early_owes_what_had_no_speech() {
    let (twin, mut caller) = start().await;
    let mut sonic = Sonic::accept(&twin).await;
    caller.speak(1, 0, "One.");
    caller.speak(1, 1, "Two.");
    let (context, _) = sonic.part().await;
    sonic.chunk(&context, &speech(800, 1), Some(1)).await;
    let context_id = Some(context);
    sonic
        .peer
        .send(ServerMessage::Done { context_id }.to_text())
        .await;
    caller.whole(1, 0).await;
    caller.fails(FaultKind::Misbehaved).await;
}

#[tokio::test]
async fn what_cannot_be_spoken_is_done_without_asking() {
    let (twin, mut caller) = start().await;
    let mut sonic = Sonic::accept(&twin).await;
    caller.speak(1, 0, " \u{2026} ");
    caller.speak(1, 1, "Well.");
    caller.speak(1, 2, "?!");
    caller.speak(1, 3, "4");
    assert_eq!(caller.whole(1, 0).await, (vec![], vec![]));
    let (context, text) = sonic.part().await;
    assert_eq!(text, "Well. ");
    assert_eq!(sonic.part().await.1, "4 ");
    sonic.speaks(&context, &speech(800, 1), Some(1)).await;
    sonic.speaks(&context, &speech(800, 2), Some(2)).await;
    for (part, length) in [(1, 800), (2, 0), (3, 800)] {
        assert_eq!(caller.whole(1, part).await.0.len(), length);
    }
}

#[tokio::test]
async fn a_refused_handshake_says_of_what_kind_it_is() {
    let body = r#"{"error_code":null,"title":"No","message":"not with this key"}"#;
    for status in ["401 Unauthorized", "402 Payment Required", "403 Forbidden"] {
        let (twin, caller) = start().await;
        twin.refuse(status, "", body).await;
        let (failure, took, _) = caller.fails(FaultKind::Refused).await;
        assert!(took < 500 * MS);
        let expected = format!("cartesia answered {}: No: not with this key", &status[..3]);
        assert_eq!(failure.detail, expected);
    }
    let (twin, caller) = start().await;
    twin.refuse("429 Too Many Requests", "retry-after: 7\r\n", body)
        .await;
    let (failure, ..) = caller.fails(FaultKind::Unreachable).await;
    assert_eq!(failure.retry_after, Some(7000 * MS));
}

#[tokio::test]
async fn a_server_in_trouble_is_asked_again() {
    let (twin, mut caller) = start().await;
    caller.speak(1, 0, "Hello.");
    twin.refuse("503 Service Unavailable", "", "").await;
    twin.refuse("429 Too Many Requests", "", "").await;
    let mut sonic = Sonic::accept(&twin).await;
    let (context, _) = sonic.part().await;
    sonic.error(Some(&context), 500, "").await;
    let mut sonic = Sonic::accept(&twin).await;
    let (context, _) = sonic.part().await;
    sonic.speaks(&context, &speech(800, 1), Some(1)).await;
    caller.whole(1, 0).await;
}

#[tokio::test]
async fn an_error_on_the_socket_says_of_what_kind_it_is() {
    let cases = [
        (401, "", FaultKind::Refused),
        (402, "", FaultKind::Refused),
        (403, "", FaultKind::Refused),
        (404, "model_not_found", FaultKind::Refused),
        (400, "voice_not_found", FaultKind::Refused),
        (400, "", FaultKind::Refused),
        (429, "quota_exceeded", FaultKind::Refused),
    ];
    for (status, code, kind) in cases {
        for named in [true, false] {
            let (twin, caller) = start().await;
            let mut sonic = Sonic::accept(&twin).await;
            caller.speak(1, 0, "Hello.");
            let (context, _) = sonic.part().await;
            let context = Some(context.as_str()).filter(|_| named);
            sonic.error(context, status, code).await;
            let (failure, took, _) = caller.fails(kind).await;
            assert!(took < 500 * MS);
            assert_eq!(failure.retry_after, None);
        }
    }
    for (status, code) in [(429, "concurrency_limited"), (429, "")] {
        let (twin, caller) = start().await;
        let mut sonic = Sonic::accept(&twin).await;
        caller.speak(1, 0, "Hello.");
        let (context, _) = sonic.part().await;
        sonic.error(Some(&context), status, code).await;
        let (failure, took, _) = caller.fails(FaultKind::Unreachable).await;
        assert!(took < 500 * MS && failure.retry_after.is_some());
    }
}

#[tokio::test]
async fn garbage_is_a_failure_within_2_s() {
    for garbage in ["<html>", "[]", r#"{"type":"chunk","data":"%%"}"#, "{}"] {
        let (twin, caller) = start().await;
        caller.speak(1, 0, "Hello.");
        let babbling = async {
            loop {
                let mut sonic = Sonic::accept(&twin).await;
                let (context, _) = sonic.part().await;
                let context = format!(r#"{{"context_id":"{context}","#);
                sonic
                    .peer
                    .send(garbage.replacen('{', &context, 1).replace(",}", "}"))
                    .await;
            }
        };
        tokio::select! {
            (_, took, said) = caller.fails(FaultKind::Misbehaved) => {
                assert!(took < 2000 * MS, "{took:?}");
                assert_eq!(said, []);
            }
            () = babbling => {}
        }
    }
}

#[tokio::test]
async fn nobody_there_is_a_failure_that_is_known_before_the_first_word() {
    let twin = Twin::new().await;
    let nobody = voice(&twin);
    drop(twin);
    let (_, took, _) = call(nobody).fails(FaultKind::Unreachable).await;
    assert!((1900 * MS..4500 * MS).contains(&took), "{took:?}");
}

#[tokio::test]
async fn pace_and_version_are_asked_for_or_refused() {
    let twin = Twin::new().await;
    let fast = Cartesia {
        speed_pct: 190,
        language: String::new(),
        ..voice(&twin)
    };
    let caller = call(fast);
    let mut sonic = Sonic::accept(&twin).await;
    caller.speak(1, 0, "Hello.");
    sonic.part().await;
    let settings = sonic.first.unwrap();
    assert_eq!(settings.generation_config.unwrap().speed, Some(1.5));
    assert_eq!(settings.language, None);
    let undated = Cartesia {
        version: "latest".into(),
        ..voice(&twin)
    };
    call(undated).fails(FaultKind::Refused).await;
}

#[tokio::test]
async fn the_language_is_asked_for_without_its_region() {
    let twin = Twin::new().await;
    for (language, code) in [("de-DE", "de"), ("es-MX", "es")] {
        let caller = call(Cartesia {
            language: language.into(),
            ..voice(&twin)
        });
        let mut sonic = Sonic::accept(&twin).await;
        caller.speak(1, 0, "Guten Tag.");
        sonic.part().await;
        assert_eq!(sonic.first.unwrap().language.as_deref(), Some(code));
    }
}

const LONG: &str =
    "Your table for two is booked for Friday at eight, and we look forward to seeing you.";

#[tokio::test]
async fn of_a_sentence_that_ended_before_its_words_the_rest_is_spoken() {
    let (twin, mut caller) = start().await;
    let mut sonic = Sonic::accept(&twin).await;
    caller.speak(1, 0, "It opens at half past nine.");
    let (context, _) = sonic.part().await;
    let words = [
        ("It", 200),
        ("opens", 500),
        ("at", 600),
        ("half", 900),
        ("past", 1200),
        ("nine.", 1700),
    ];
    sonic.words(&context, Some(1), &words).await;
    sonic.speaks(&context, &speech(7300, 1), Some(1)).await;
    let mut sonic = Sonic::accept(&twin).await;
    let (context, text) = sonic.part().await;
    assert_eq!(text, "past nine. ");
    sonic.speaks(&context, &speech(6000, 2), Some(1)).await;
    loop {
        if let Spoken::Done { .. } = caller.next().await {
            break;
        }
    }
    caller.hangs_up().await;
}

#[tokio::test]
async fn words_that_are_told_late_do_not_make_a_sentence_short() {
    let (twin, mut caller) = start().await;
    let mut sonic = Sonic::accept(&twin).await;
    caller.speak(1, 0, LONG);
    let (context, _) = sonic.part().await;
    sonic
        .words(&context, Some(1), &[("Your", 200), ("table", 500)])
        .await;
    sonic.speaks(&context, &speech(36_000, 1), Some(1)).await;
    caller.whole(1, 0).await;
    assert!(twin.is_left_alone(100 * MS).await);
    caller.hangs_up().await;
}
