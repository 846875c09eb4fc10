//! Cartesia's twin over real sockets.

use futures_util::{SinkExt, StreamExt};
use ringback_sim::providers::{Options, Provider, Rule, State, VOICE_ID};
use ringback_wire::cartesia::{
    self as wire, ApiError, Encoding, Input, RawFormat, ServerMessage, Settings, parse_server,
    write_cancel,
};

use crate::twins::{Line, ask, connect, left, start, start_with, text, upgrade};

const VERSION: (&str, &str) = ("Cartesia-Version", "2026-03-01");
const KEY: (&str, &str) = ("X-API-Key", "sk_car_0123456789");

fn settings() -> Settings {
    Settings {
        add_timestamps: Some(true),
        ..Settings::new("sonic-3.5", VOICE_ID, RawFormat::TELEPHONE)
    }
}

/// What a context gave until its end.
#[derive(Debug, Default)]
struct Got {
    audio: Vec<u8>,
    words: Vec<wire::TimedWord>,
    flushes: usize,
    messages: usize,
    done: bool,
    error: Option<ApiError>,
}

/// Reads until the end of the context, or of the socket.
async fn rest(line: &mut Line, context: &str) -> Got {
    let mut got = Got::default();
    while let Some(message) = text(line).await {
        let Ok(message) = parse_server(&message) else {
            got.messages += 1;
            continue;
        };
        if message.context_id() != Some(context) {
            continue;
        }
        got.messages += 1;
        match message {
            ServerMessage::Chunk(chunk) => chunk.decode_into(&mut got.audio).unwrap(),
            ServerMessage::Timestamps(times) => got.words.extend(times.words),
            ServerMessage::FlushDone { .. } => got.flushes += 1,
            ServerMessage::Done { .. } => {
                got.done = true;
                break;
            }
            ServerMessage::Error { error, .. } => {
                got.error = Some(error);
                break;
            }
            ServerMessage::PhonemeTimestamps(_) | ServerMessage::Other(_) => {
                panic!("not asked for")
            }
        }
    }
    got
}

async fn say(line: &mut Line, input: Input<'_>) {
    line.send(settings().to_text(input).into()).await.unwrap();
}

async fn socket(url: &str) -> Line {
    connect(url, wire::SOCKET_PATH, &[KEY, VERSION]).await
}

#[tokio::test]
async fn a_turn_is_spoken_with_the_times_of_its_words() {
    let twins = start().await;
    let mut line = socket(&twins.url()).await;
    say(&mut line, Input::part("t1", "Your table is booked. ")).await;
    say(&mut line, Input::part("t1", "See you on Friday. ")).await;
    say(&mut line, Input::last("t1", "")).await;
    let got = rest(&mut line, "t1").await;
    assert!(got.done && got.error.is_none(), "{got:?}");
    assert!(
        (12_000..60_000).contains(&got.audio.len()),
        "{}",
        got.audio.len()
    );
    assert!(got.audio.iter().any(|&byte| byte != 0xFF));
    assert_eq!(got.flushes, 2, "without buffering each input ends with one");
    let words: Vec<_> = got.words.iter().map(|word| word.word.as_str()).collect();
    assert_eq!(words.join(" "), "Your table is booked. See you on Friday.");
    assert!(
        got.words
            .windows(2)
            .all(|two| two[0].start < two[1].start && two[0].end <= two[1].start)
    );
    let length = std::time::Duration::from_micros(got.audio.len() as u64 * 125);
    assert!(
        got.words[7].end <= length,
        "{:?} after {length:?}",
        got.words[7]
    );
    let record = &twins.requests()[0];
    assert_eq!(
        (record.endpoint, record.received.len(), record.state),
        ("socket", 3, State::Open)
    );
    assert!(!format!("{record:?}").contains("0123456789"));
}

#[tokio::test]
async fn text_in_pieces_waits_for_its_sentence_or_for_the_delay() {
    let twins = start().await;
    let mut line = socket(&twins.url()).await;
    let held = Settings {
        max_buffer_delay_ms: Some(200),
        ..settings()
    };
    for piece in ["We are ", "open. ", "Until ", "nine"] {
        line.send(held.to_text(Input::part("t1", piece)).into())
            .await
            .unwrap();
    }
    let got = rest(&mut line, "t1").await;
    assert!(
        got.done,
        "a second after its last audio the context has expired: {got:?}"
    );
    let words: Vec<_> = got.words.iter().map(|word| word.word.as_str()).collect();
    assert_eq!(words, ["We", "are", "open.", "Until", "nine"]);
    assert_eq!(got.flushes, 0);
}

#[tokio::test]
async fn every_rate_and_encoding_is_spoken_in_the_same_length() {
    let twins = start().await;
    let mut line = socket(&twins.url()).await;
    let mut seconds = Vec::new();
    for (number, encoding) in Encoding::ALL.into_iter().enumerate() {
        let format = RawFormat {
            encoding,
            sample_rate: [8000, 8000, 24_000, 44_100][number],
        };
        let context = format!("t{number}");
        let settings = Settings::new("sonic-3.5", VOICE_ID, format);
        line.send(
            settings
                .to_text(Input::last(&context, "Good morning."))
                .into(),
        )
        .await
        .unwrap();
        let got = rest(&mut line, &context).await;
        assert!(got.words.is_empty(), "not asked for");
        seconds
            .push(got.audio.len() as f64 / encoding.bytes() as f64 / f64::from(format.sample_rate));
    }
    assert!(
        seconds[0] > 0.5 && seconds.iter().all(|one| (one - seconds[0]).abs() < 0.001),
        "{seconds:?}"
    );
}

#[tokio::test]
async fn a_cancelled_context_speaks_what_it_has_begun_and_no_more() {
    let twins = start().await;
    let whole = {
        let mut line = socket(&twins.url()).await;
        say(
            &mut line,
            Input::last("t1", "One two three. Four five six. Seven eight nine. "),
        )
        .await;
        rest(&mut line, "t1").await.audio.len()
    };
    let mut line = socket(&twins.url()).await;
    say(
        &mut line,
        Input::part("t1", "One two three. Four five six. Seven eight nine. "),
    )
    .await;
    let mut cancel = String::new();
    write_cancel(&mut cancel, "t1");
    line.send(cancel.into()).await.unwrap();
    let got = rest(&mut line, "t1").await;
    assert!(
        got.done && got.audio.len() < whole,
        "{} of {whole}",
        got.audio.len()
    );
    // Another context is not touched.
    say(&mut line, Input::last("t2", "Hello. ")).await;
    assert!(rest(&mut line, "t2").await.done);
}

#[tokio::test]
async fn a_manual_flush_marks_a_boundary() {
    let twins = start().await;
    let mut line = socket(&twins.url()).await;
    let held = Settings {
        max_buffer_delay_ms: Some(5000),
        ..settings()
    };
    for input in [
        Input::part("t1", "No end"),
        Input::flush("t1"),
        Input::last("t1", "More. "),
    ] {
        line.send(held.to_text(input).into()).await.unwrap();
    }
    let mut seen = Vec::new();
    loop {
        let message = text(&mut line).await.unwrap();
        match parse_server(&message).unwrap() {
            ServerMessage::Chunk(chunk) => seen.push(format!("chunk {}", chunk.flush_id.unwrap())),
            ServerMessage::FlushDone { flush_id, .. } => {
                seen.push(format!("flush {}", flush_id.unwrap()))
            }
            ServerMessage::Done { .. } => break,
            ServerMessage::Timestamps(_) => {}
            other @ (ServerMessage::PhonemeTimestamps(_)
            | ServerMessage::Error { .. }
            | ServerMessage::Other(_)) => panic!("{other:?}"),
        }
    }
    seen.dedup();
    assert_eq!(seen, ["chunk 1", "flush 1", "chunk 2"]);
}

#[tokio::test]
async fn what_the_provider_does_not_take_is_answered_by_an_error_that_names_it() {
    let twins = start().await;
    let mut line = socket(&twins.url()).await;
    let good = settings().to_text(Input::last("t1", "Hi. "));
    let cases = [
        ("{".to_owned(), "JSON", None),
        (
            good.replace("pcm_mulaw", "pcm_ulaw"),
            "output_format.encoding",
            Some("t1"),
        ),
        (
            good.replace("8000", "8001"),
            "output_format.sample_rate",
            Some("t1"),
        ),
        (good.replace("transcript", "text"), "transcript", Some("t1")),
        (good.replace("sonic-3.5", "sonic-2"), "model", Some("t1")),
        (good.replace(VOICE_ID, "alloy"), "voice", Some("t1")),
        (
            good.replace("\"voice\":", "\"voice_id\":\"x\",\"voice\":"),
            "voice_id",
            Some("t1"),
        ),
    ];
    for (message, named, context) in cases {
        line.send(message.clone().into()).await.unwrap();
        let answer = text(&mut line).await.unwrap();
        let ServerMessage::Error { context_id, error } = parse_server(&answer).unwrap() else {
            panic!("{message}: {answer}");
        };
        assert!(error.line().contains(named), "{message}: {answer}");
        assert_eq!(context_id.as_deref(), context, "{answer}");
    }
    say(&mut line, Input::part("t2", "One. ")).await;
    let other = Settings {
        language: Some("de".into()),
        ..settings()
    };
    line.send(other.to_text(Input::part("t2", "Two. ")).into())
        .await
        .unwrap();
    let got = rest(&mut line, "t2").await;
    assert!(got.error.unwrap().line().contains("language"));
    line.send(tokio_tungstenite::tungstenite::Message::Binary(
        vec![1].into(),
    ))
    .await
    .unwrap();
    loop {
        if let ServerMessage::Error { error, .. } =
            parse_server(&text(&mut line).await.unwrap()).unwrap()
        {
            assert!(error.line().contains("text messages"));
            break;
        }
    }
}

#[tokio::test]
async fn an_ended_context_takes_no_text() {
    let twins = start().await;
    let mut line = socket(&twins.url()).await;
    say(&mut line, Input::last("t1", "Hi. ")).await;
    assert!(rest(&mut line, "t1").await.done);
    say(&mut line, Input::last("t1", "")).await;
    say(&mut line, Input::part("t1", "More. ")).await;
    assert!(
        rest(&mut line, "t1")
            .await
            .error
            .unwrap()
            .line()
            .contains("ended")
    );
}

#[tokio::test]
async fn a_handshake_without_key_or_version_is_refused_in_the_providers_shape() {
    let twins = start_with(Options {
        keys: [(Provider::Cartesia, "right".to_owned())].into(),
        ..Options::default()
    })
    .await;
    for (headers, status, named) in [
        (vec![VERSION], 401, "unauthorized"),
        (vec![VERSION, KEY], 401, "unauthorized"),
        (vec![("Authorization", "Bearer right")], 400, "version"),
    ] {
        let (got, _, body) = upgrade(&twins.url(), wire::SOCKET_PATH, &headers)
            .await
            .unwrap_err();
        assert_eq!(got, status);
        let error = ApiError::from_http(got, &body);
        let text = format!("{error:?}");
        assert!(text.contains(named), "{text}");
    }
    let path = "/tts/websocket?api_key=right&cartesia_version=2026-03-01";
    assert!(upgrade(&twins.url(), path, &[]).await.is_ok());
    assert!(
        !format!("{:?}", twins.requests()).contains("right"),
        "no key is kept"
    );
}

#[tokio::test]
async fn an_idle_socket_closes_as_the_provider_does() {
    let mut options = Options::default();
    options.limits.cartesia_idle = std::time::Duration::from_millis(300);
    let twins = start_with(options).await;
    let mut line = socket(&twins.url()).await;
    let (code, reason) = left(&mut line).await.unwrap();
    assert!(wire::is_idle_close(code, &reason), "{code} {reason}");
}

fn knob(rule: &str) -> Rule {
    Rule::parse_flag(rule).unwrap()
}

#[tokio::test]
async fn knobs_bend_single_contexts() {
    let twins = start().await;
    let mut line = socket(&twins.url()).await;
    let text = "Hello there, how are you today? ";
    say(&mut line, Input::last("ok", text)).await;
    let whole = rest(&mut line, "ok").await;

    twins.set(knob("cartesia.context:silence,next=1"));
    say(&mut line, Input::last("silent", text)).await;
    let silent = rest(&mut line, "silent").await;
    assert_eq!(silent.audio.len(), whole.audio.len());
    assert!(silent.audio.iter().all(|&byte| byte == 0xFF));

    twins.set(knob("cartesia.context:zero_bytes,next=1"));
    say(&mut line, Input::last("empty", text)).await;
    let empty = rest(&mut line, "empty").await;
    assert!(empty.done && empty.audio.is_empty() && empty.words.is_empty());

    twins.set(knob("cartesia.context:status=429,next=1"));
    say(&mut line, Input::last("refused", text)).await;
    let error = rest(&mut line, "refused").await.error.unwrap();
    assert_eq!(
        (error.status, error.code.as_deref()),
        (Some(429), Some(wire::CONCURRENCY_LIMITED))
    );

    twins.set(knob("cartesia.context:garbage,next=1"));
    say(&mut line, Input::last("garbage", text)).await;
    let garbage = rest(&mut line, "garbage").await;
    assert!(
        garbage.done && garbage.audio.is_empty() && garbage.messages > 2,
        "{garbage:?}"
    );

    twins.set(knob("cartesia.context:delay_ms=400,late_ms=300,next=1"));
    let began = std::time::Instant::now();
    say(&mut line, Input::last("late", text)).await;
    assert!(rest(&mut line, "late").await.done);
    assert!(began.elapsed().as_millis() >= 700, "{:?}", began.elapsed());

    twins.set(knob("cartesia.context:half_open,next=1"));
    say(&mut line, Input::last("mute", text)).await;
    say(&mut line, Input::last("after", text)).await;
    let after = rest(&mut line, "after").await;
    assert!(after.done, "the socket lives on");

    twins.set(knob("cartesia.context:disconnect_after=3,next=1"));
    say(&mut line, Input::last("cut", text)).await;
    let cut = rest(&mut line, "cut").await;
    assert!(!cut.done && cut.messages == 3, "{cut:?}");
    assert!(line.next().await.is_none_or(|message| message.is_err()));
    let record = &twins.requests()[0];
    assert_eq!(record.state, State::Dropped);
}

#[tokio::test]
async fn knobs_bend_the_handshake_and_the_socket() {
    let twins = start().await;
    twins.set(knob("cartesia.socket:status=503,retry_after=7,next=1"));
    let refused = upgrade(&twins.url(), wire::SOCKET_PATH, &[KEY, VERSION])
        .await
        .unwrap_err();
    assert_eq!(refused.0, 503);
    assert_eq!(refused.1["retry-after"], "7");
    twins.set(knob("cartesia.socket:disconnect_after=0,next=1"));
    let mut line = socket(&twins.url()).await;
    assert_eq!(left(&mut line).await, None, "no close frame");
    twins.set(knob("cartesia.socket:half_open,next=1"));
    let mut line = socket(&twins.url()).await;
    say(&mut line, Input::last("t1", "Hello. ")).await;
    let silent = tokio::time::timeout(std::time::Duration::from_millis(500), line.next()).await;
    assert!(silent.is_err(), "{silent:?}");
    let mut line = socket(&twins.url()).await;
    say(&mut line, Input::last("t1", "Hello. ")).await;
    assert!(rest(&mut line, "t1").await.done, "the next one is well");
}

#[tokio::test]
async fn speech_over_http_is_audio_or_events() {
    let twins = start().await;
    let body = format!(
        r#"{{"model_id":"sonic-3.5","transcript":"Good morning.","voice":{{"mode":"id","id":"{VOICE_ID}"}},
        "output_format":{{"container":"raw","encoding":"pcm_mulaw","sample_rate":8000}}}}"#
    );
    let answer = ask(&twins, wire::BYTES_PATH, &[KEY, VERSION], &body).await;
    assert_eq!(answer.status(), 200);
    let audio = answer.bytes().await.unwrap();
    assert!((4000..20_000).contains(&audio.len()));
    let wav = body.replace("\"raw\"", "\"wav\"");
    let answer = ask(&twins, wire::BYTES_PATH, &[KEY, VERSION], &wav).await;
    assert!(answer.bytes().await.unwrap().starts_with(b"RIFF"));
    let answer = ask(&twins, wire::SSE_PATH, &[KEY, VERSION], &body).await;
    let events = answer.text().await.unwrap();
    let mut spoken = Vec::new();
    for event in events.split_terminator("\n\n") {
        let data = event.strip_prefix("data: ").unwrap();
        if let ServerMessage::Chunk(chunk) = parse_server(data).unwrap() {
            chunk.decode_into(&mut spoken).unwrap();
        }
    }
    let (events, whole) = (spoken.len() as f64, audio.len() as f64);
    assert!(
        (events / whole - 1.0).abs() < 0.1,
        "{events} and {whole} samples"
    );
    let refused = ask(
        &twins,
        wire::BYTES_PATH,
        &[KEY, VERSION],
        &body.replace("8000", "1"),
    )
    .await;
    assert_eq!(refused.status(), 400);
    let error = ApiError::from_http(400, &refused.bytes().await.unwrap());
    assert!(error.line().contains("sample_rate"), "{error:?}");
    let old = ask(
        &twins,
        wire::BYTES_PATH,
        &[KEY, ("Cartesia-Version", "2025-04-16")],
        "{}",
    )
    .await;
    assert!(old.text().await.unwrap().starts_with("Bad Request: "));
}

#[tokio::test]
async fn its_voice_is_listed() {
    let twins = start().await;
    let url = format!("{}{}?limit=5", twins.url(), wire::VOICES_PATH);
    let request = reqwest::Client::new()
        .get(url)
        .header(KEY.0, KEY.1)
        .header(VERSION.0, VERSION.1);
    let page = request.send().await.unwrap().text().await.unwrap();
    assert_eq!(wire::parse_voices(&page).unwrap()[0].id, VOICE_ID);
}
