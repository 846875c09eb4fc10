use std::time::Duration;

use proptest::prelude::*;
use ringback_wire::elevenlabs::{
    ApiError, Audio, Endpoint, MAX_OPEN_CONTEXTS, MultiMessage, Normalization, OUTPUT_FORMATS,
    OpenContexts, Opening, ServerMessage, SingleMessage, SpeechBody, StreamQuery, TimedChar,
    TimedChunk, VoiceSettings, parse_body, parse_multi, parse_opening, parse_server, parse_single,
    parse_timed_chunk, write_audio,
};
use ringback_wire::{Garbled, Refusal};

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!("../fixtures/elevenlabs/", $name, ".json")).trim_end()
    };
}

fn opening() -> Opening {
    Opening {
        voice_settings: Some(VoiceSettings {
            stability: Some(0.5),
            similarity_boost: Some(0.75),
            style: Some(0.0),
            use_speaker_boost: Some(true),
            speed: Some(1.0),
        }),
        chunk_length_schedule: Some(vec![120, 160, 250, 290]),
    }
}

fn turn() -> Option<String> {
    Some("turn-7".to_owned())
}

#[test]
fn the_first_message_is_one_space_and_the_settings() {
    assert_eq!(opening().to_text(), sample!("opening"));
    assert_eq!(parse_opening(sample!("opening")), Ok(opening()));
    assert_eq!(parse_opening(sample!("opening_with_key")), Ok(opening()));
    let sdk = Opening {
        voice_settings: None,
        chunk_length_schedule: Some(vec![50]),
    };
    assert_eq!(parse_opening(sample!("opening_of_the_sdk")), Ok(sdk));
    assert_eq!(Opening::default().to_text(), r#"{"text":" "}"#);
    assert!(Opening::default().is_empty() && !opening().is_empty());
    for (from, to, expected) in [
        (
            r#""text":" ""#,
            r#""text":"Hello ""#,
            "text must be one space in the first message, not another text",
        ),
        (r#""text":" ","#, "", "text is required"),
        (
            "120",
            "49",
            "chunk_length_schedule must be numbers of 50 to 500, not 49",
        ),
        (
            "[120,160,250,290]",
            "120",
            "chunk_length_schedule must be a list of numbers",
        ),
        (
            r#""speed":1.0"#,
            r#""speed":1.3"#,
            "speed must be 0.7 to 1.2, not 1.3",
        ),
        (
            r#""stability":0.5"#,
            r#""stability":"high""#,
            "stability must be a number, not \"high\"",
        ),
        (
            r#""style":0.0"#,
            r#""mood":0.0"#,
            "mood is not a field of this message",
        ),
        (
            r#""text":" ""#,
            r#""text":" ","voice":"x""#,
            "voice is not a field of this message",
        ),
    ] {
        let text = sample!("opening").replacen(from, to, 1);
        assert_eq!(
            parse_opening(&text).unwrap_err().to_string(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn the_messages_of_a_stream_are_written_and_taken() {
    let text = |text: &str, flush| SingleMessage::Text {
        text: text.to_owned(),
        flush,
        try_trigger_generation: false,
    };
    let check = |sent: &str, expected: SingleMessage| {
        assert_eq!(parse_single(sent, &opening()), Ok(expected));
    };
    check(
        sample!("text"),
        text("Your appointment is on Tuesday. ", false),
    );
    check(sample!("text_flush"), text("See you then. ", true));
    check(sample!("end"), SingleMessage::End);
    check(
        sample!("keep_alive"),
        SingleMessage::KeepAlive { flush: false },
    );
    check(
        &opening().to_text(),
        SingleMessage::KeepAlive { flush: false },
    );
    assert_eq!(
        text("See you then. ", true).to_text(),
        sample!("text_flush")
    );
    assert_eq!(SingleMessage::End.to_text(), sample!("end"));
    assert_eq!(
        SingleMessage::KeepAlive { flush: false }.to_text(),
        sample!("keep_alive")
    );
    for (sent, expected) in [
        ("{}", "text is required"),
        (r#"{"text":7}"#, "text must be a string"),
        (r#"{"text":"a ","flush":1}"#, "flush must be true or false"),
        (
            r#"{"text":"a ","context_id":"c"}"#,
            "context_id is not a field of this message",
        ),
        (
            r#"{"text":"a ","voice_settings":{"stability":0.4}}"#,
            "voice_settings differs from the first message of the context",
        ),
        (
            r#"{"text":"a ","generator_config":{"chunk_length_schedule":[50]}}"#,
            "generator_config differs from the first message of the context",
        ),
        ("hello", "not JSON at line 1, column 1"),
    ] {
        assert_eq!(
            parse_single(sent, &opening()).unwrap_err().to_string(),
            expected,
            "{sent}"
        );
    }
}

fn check_multi(sent: &str, expected: &MultiMessage) {
    assert_eq!(parse_multi(sent).as_ref(), Ok(expected));
    assert_eq!(expected.to_text(), sent);
}

#[test]
fn the_messages_of_many_contexts_are_written_and_taken() {
    let text = |text: &str, opening| MultiMessage::Text {
        context_id: turn(),
        text: text.to_owned(),
        flush: false,
        opening,
    };
    let settings = VoiceSettings {
        stability: Some(0.5),
        similarity_boost: Some(0.8),
        ..VoiceSettings::default()
    };
    let first = Opening {
        voice_settings: Some(settings),
        chunk_length_schedule: None,
    };
    check_multi(sample!("multi_opening"), &text(" ", first));
    check_multi(
        sample!("multi_text"),
        &text("One moment please. ", Opening::default()),
    );
    check_multi(
        sample!("multi_flush"),
        &MultiMessage::Flush { context_id: turn() },
    );
    check_multi(
        sample!("multi_keep_alive"),
        &MultiMessage::KeepAlive { context_id: turn() },
    );
    check_multi(
        sample!("multi_close_context"),
        &MultiMessage::CloseContext { context_id: turn() },
    );
    check_multi(sample!("multi_close_socket"), &MultiMessage::CloseSocket);
    assert_eq!(
        parse_multi(r#"{"text":"","flush":true}"#),
        Ok(MultiMessage::Flush { context_id: None })
    );
    for (sent, expected) in [
        ("{}", "text is required"),
        (r#"{"context_id":"a"}"#, "text is required"),
        (
            r#"{"text":"a ","contextId":"a"}"#,
            "contextId is not a field of this message",
        ),
        (
            r#"{"text":"a ","context_id":""}"#,
            "context_id must be not empty, not \"\"",
        ),
        (
            r#"{"context_id":"a","close_context":"yes"}"#,
            "close_context must be true or false",
        ),
        ("[]", "the message must be an object"),
    ] {
        assert_eq!(
            parse_multi(sent).unwrap_err().to_string(),
            expected,
            "{sent}"
        );
    }
}

#[test]
fn a_socket_has_five_open_contexts_and_each_is_set_once() {
    let named = |name: usize| MultiMessage::Text {
        context_id: Some(format!("turn-{name}")),
        text: " ".to_owned(),
        flush: false,
        opening: opening(),
    };
    let mut open = OpenContexts::default();
    assert!(open.is_empty());
    for name in 0..MAX_OPEN_CONTEXTS {
        assert_eq!(open.admit(&named(name)), Ok(true));
    }
    let field = "voice_settings or generation_config";
    assert_eq!(open.admit(&named(0)), Err(Refusal::Changed { field }));
    let refusal = Refusal::TooManyContexts {
        most: MAX_OPEN_CONTEXTS,
    };
    assert_eq!(open.admit(&named(9)), Err(refusal.clone()));
    let error = ApiError::refused(&refusal);
    assert_eq!(
        (error.close_code, error.code.as_deref()),
        (Some(1008), Some("max_active_conversations"))
    );

    let close = |name: &str| MultiMessage::CloseContext {
        context_id: Some(name.to_owned()),
    };
    assert_eq!(open.admit(&close("turn-0")), Ok(false));
    assert_eq!(
        open.len(),
        MAX_OPEN_CONTEXTS,
        "a closed context counts until it has finished"
    );
    assert_eq!(open.admit(&close("nobody")), Ok(false));
    open.finished(Some("turn-0"));
    assert_eq!(
        open.admit(&MultiMessage::Flush { context_id: None }),
        Ok(true),
        "a flush opens its context"
    );
    open.finished(None);
    assert_eq!(open.len(), MAX_OPEN_CONTEXTS - 1);
    assert_eq!(open.admit(&MultiMessage::CloseSocket), Ok(false));
}

fn timed(character: &str, start_ms: u64, duration_ms: u64) -> TimedChar {
    TimedChar {
        character: character.to_owned(),
        start_ms,
        duration_ms,
    }
}

#[test]
fn audio_is_read_with_its_alignment_in_both_spellings() {
    let single = Audio {
        audio: "fn5+fv8=".into(),
        normalized_alignment: Some(vec![timed("S", 0, 70)]),
        ..Audio::default()
    };
    assert_eq!(
        parse_server(sample!("audio")),
        Ok(ServerMessage::Audio(Box::new(single.clone())))
    );
    let multi = Audio {
        context_id: Some("turn-7".into()),
        audio: "fn5+fv8=".into(),
        alignment: Some(vec![timed("O", 0, 60)]),
        ..Audio::default()
    };
    for text in [
        sample!("multi_audio"),
        sample!("multi_audio_other_spelling"),
    ] {
        assert_eq!(
            parse_server(text),
            Ok(ServerMessage::Audio(Box::new(multi.clone())))
        );
    }
    let mut audio = Vec::with_capacity(8);
    let before = audio.as_ptr();
    single.decode_into(&mut audio).unwrap();
    assert_eq!(audio, [0x7e, 0x7e, 0x7e, 0x7e, 0xff]);
    assert_eq!(audio.as_ptr(), before, "the buffer was large enough");
    let mut out = "left over".to_owned();
    write_audio(&mut out, &audio, &single);
    let written: serde_json::Value = serde_json::from_str(&out).unwrap();
    let shown: serde_json::Value = serde_json::from_str(sample!("audio")).unwrap();
    assert_eq!(written, shown);
    let bad = Audio {
        audio: "/w".into(),
        ..Audio::default()
    };
    assert_eq!(
        bad.decode_into(&mut audio),
        Err(Garbled::Payload { length: 2 })
    );
}

#[test]
fn ends_and_errors_are_read_and_written() {
    for (text, context_id) in [(sample!("final"), None), (sample!("multi_final"), turn())] {
        let expected = ServerMessage::Final {
            context_id: context_id.clone(),
        };
        assert_eq!(parse_server(text).as_ref(), Ok(&expected));
        assert_eq!(expected.to_text(), text);
        assert_eq!(expected.context_id(), context_id.as_deref());
    }
    let error = ApiError {
        close_code: Some(1008),
        code: Some("max_active_conversations".to_owned()),
        message: Some(
            "Maximum simultaneous contexts per WebSocket connection exceeded (5).".to_owned(),
        ),
        ..ApiError::default()
    };
    let expected = ServerMessage::Error {
        context_id: None,
        error,
    };
    assert_eq!(parse_server(sample!("multi_error")).as_ref(), Ok(&expected));
    assert_eq!(expected.to_text(), sample!("multi_error"));
    for text in [
        "{}",
        r#"{"pong":1}"#,
        r#"{"audio":null,"isFinal":null}"#,
        r#"{"audio":[1],"error":"","message":7}"#,
    ] {
        assert_eq!(parse_server(text), Ok(ServerMessage::Other), "{text}");
    }
    let last = r#"{"audio":"","isFinal":true,"alignment":{"chars":["a","b"],"charStartTimesMs":[1.6,"x"],"charsDurationsMs":[null]}}"#;
    let Ok(ServerMessage::Audio(last)) = parse_server(last) else {
        panic!()
    };
    assert!(last.is_final);
    assert_eq!(last.alignment, Some(vec![timed("a", 2, 0)]));
    for text in ["", "quota exceeded", "[1]", r#"{"audio":"a","audio":"b"}"#] {
        assert!(parse_server(text).is_err(), "{text}");
    }
}

#[test]
fn errors_over_http_are_read_whatever_their_shape() {
    let today = ApiError {
        status: Some(400),
        code: Some("invalid_parameters".to_owned()),
        kind: Some("validation_error".to_owned()),
        message: Some("No such model.".to_owned()),
        param: Some("model_id".to_owned()),
        request_id: Some("3c80-made-up".to_owned()),
        ..ApiError::default()
    };
    assert_eq!(
        ApiError::from_http(400, sample!("http_error").as_bytes()),
        today
    );
    assert_eq!(today.to_body(), sample!("http_error"));
    let old = ApiError::from_http(429, sample!("http_error_old").as_bytes());
    assert_eq!(
        old.line(),
        "too_many_concurrent_requests: Three requests are running."
    );
    let list = ApiError::from_http(422, sample!("http_error_list").as_bytes());
    assert_eq!(
        (list.param.as_deref(), list.kind.as_deref()),
        (Some("body.text"), Some("missing"))
    );
    assert_eq!(list.line(), "Field required");
    for (body, expected) in [
        (r#"{"detail":"Not Found"}"#, "Not Found"),
        (
            r#"{"error":"quota_exceeded","message":"No credits."}"#,
            "quota_exceeded: No credits.",
        ),
        (r#"{"detail":[]}"#, "status 500"),
        (r#"{"detail":[7]}"#, "status 500"),
        (r#"{"detail":{"message":{"a":1}}}"#, "status 500"),
        (r#"{"detail":3}"#, "status 500"),
        ("", "status 500"),
        ("<html><body>Bad\u{7} gateway</body></html>", "Bad gateway"),
    ] {
        assert_eq!(
            ApiError::from_http(500, body.as_bytes()).line(),
            expected,
            "{body}"
        );
    }
    assert_eq!(ApiError::default().line(), "no reason given");
}

#[test]
fn the_query_is_written_and_taken() {
    let query = StreamQuery {
        model_id: Some("eleven_flash_v2_5".to_owned()),
        output_format: Some("ulaw_8000".to_owned()),
        language_code: Some("de".to_owned()),
        inactivity_timeout_s: Some(180),
        auto_mode: Some(true),
        sync_alignment: Some(true),
        enable_ssml_parsing: Some(false),
        enable_logging: Some(false),
        apply_text_normalization: Some(Normalization::Auto),
        seed: Some(7),
    };
    let text = "model_id=eleven_flash_v2_5&output_format=ulaw_8000&language_code=de&inactivity_timeout=180&auto_mode=true&sync_alignment=true&enable_ssml_parsing=false&enable_logging=false&apply_text_normalization=auto&seed=7";
    assert_eq!(query.to_query(), text);
    assert_eq!(
        StreamQuery::parse(text, Endpoint::MultiStreamInput),
        Ok(query)
    );
    assert_eq!(
        StreamQuery::parse("token=t", Endpoint::StreamInput),
        Ok(StreamQuery::default())
    );
    for format in OUTPUT_FORMATS {
        let query = StreamQuery {
            output_format: Some(format.to_owned()),
            ..StreamQuery::default()
        };
        assert_eq!(
            StreamQuery::parse(&query.to_query(), Endpoint::Stream),
            Ok(query)
        );
    }
    for (query, endpoint, expected) in [
        (
            "output_format=mulaw_8000",
            Endpoint::StreamInput,
            "output_format must be one of the documented formats, such as ulaw_8000, not mulaw_8000",
        ),
        (
            "model_id=eleven_v3",
            Endpoint::StreamInput,
            "model_id must be a model that has a socket, not eleven_v3",
        ),
        (
            "model_id=",
            Endpoint::StreamInput,
            "model_id must be not empty, not \"\"",
        ),
        (
            "inactivity_timeout=181",
            Endpoint::StreamInput,
            "inactivity_timeout must be 0 to 180, not 181",
        ),
        (
            "auto_mode=1",
            Endpoint::StreamInput,
            "auto_mode must be true or false, not 1",
        ),
        (
            "apply_text_normalization=yes",
            Endpoint::StreamInput,
            "apply_text_normalization must be auto, on or off, not yes",
        ),
        (
            "seed=-1",
            Endpoint::StreamInput,
            "seed must be 0 to 4294967295, not -1",
        ),
        (
            "voice=x",
            Endpoint::StreamInput,
            "voice is not a field of this message",
        ),
        (
            "model_id=a",
            Endpoint::Stream,
            "model_id is not a field of this message",
        ),
        (
            "token=a",
            Endpoint::Stream,
            "token is not a field of this message",
        ),
        (
            "seed=1&seed=1",
            Endpoint::StreamInput,
            "seed is given twice",
        ),
    ] {
        assert_eq!(
            StreamQuery::parse(query, endpoint).unwrap_err().to_string(),
            expected
        );
    }
}

#[test]
fn the_voice_is_a_part_of_the_path() {
    for (endpoint, path) in [
        (
            Endpoint::StreamInput,
            "/v1/text-to-speech/v%2F1%20%2B/stream-input",
        ),
        (
            Endpoint::MultiStreamInput,
            "/v1/text-to-speech/v%2F1%20%2B/multi-stream-input",
        ),
        (Endpoint::Stream, "/v1/text-to-speech/v%2F1%20%2B/stream"),
        (
            Endpoint::StreamWithTimestamps,
            "/v1/text-to-speech/v%2F1%20%2B/stream/with-timestamps",
        ),
    ] {
        assert_eq!(endpoint.path("v/1 +"), path);
        assert_eq!(Endpoint::parse(path), Some((endpoint, "v/1 +".to_owned())));
    }
    assert!(Endpoint::StreamInput.is_socket() && !Endpoint::Stream.is_socket());
    for path in [
        "",
        "/v1/text-to-speech/v",
        "/v1/text-to-speech//stream",
        "/v1/text-to-speech/v/stream-output",
        "/v2/text-to-speech/v/stream",
    ] {
        assert_eq!(Endpoint::parse(path), None, "{path}");
    }
}

#[test]
fn a_body_over_http_is_written_and_taken() {
    let body = SpeechBody {
        text: "Hello.".to_owned(),
        model_id: Some("eleven_flash_v2_5".to_owned()),
        voice_settings: opening().voice_settings,
        seed: Some(7),
        previous_text: Some("Before.".to_owned()),
        apply_text_normalization: Some(Normalization::Off),
        ..SpeechBody::default()
    };
    assert_eq!(parse_body(&body.to_text()), Ok(body));
    assert!(parse_body(r#"{"text":"a","previous_request_ids":[]}"#).is_ok());
    for (text, expected) in [
        ("{}", "text is required"),
        (
            r#"{"text":"a","output_format":"ulaw_8000"}"#,
            "output_format is not a field of this message",
        ),
        (
            r#"{"text":"a","seed":1.5}"#,
            "seed must be 0 to 4294967295, not 1.5",
        ),
    ] {
        assert_eq!(parse_body(text).unwrap_err().to_string(), expected);
    }
}

#[test]
fn lines_with_times_are_written_and_read() {
    let ms = Duration::from_millis;
    let rows = vec![
        ("H".to_owned(), ms(0), ms(70)),
        ("i".to_owned(), ms(70), ms(1310)),
    ];
    let line = TimedChunk::line(&[0x7e, 0xff], &rows);
    let read = parse_timed_chunk(&line).unwrap();
    assert_eq!(read.alignment, rows);
    let mut audio = Vec::new();
    read.decode_into(&mut audio).unwrap();
    assert_eq!(audio, [0x7e, 0xff]);
    let bare = parse_timed_chunk(r#"{"audio_base64":"","alignment":null}"#).unwrap();
    assert_eq!(bare.alignment, []);
    for text in ["", "{}", r#"{"audio_base64":null}"#] {
        assert!(parse_timed_chunk(text).is_err(), "{text}");
    }
}

fn some_opening() -> impl Strategy<Value = Opening> {
    let part = || prop::option::of(0.0_f32..=1.0);
    let settings = (
        part(),
        part(),
        part(),
        any::<Option<bool>>(),
        prop::option::of(0.7_f32..=1.2),
    )
        .prop_map(
            |(stability, similarity_boost, style, use_speaker_boost, speed)| VoiceSettings {
                stability,
                similarity_boost,
                style,
                use_speaker_boost,
                speed,
            },
        );
    let schedule = prop::collection::vec(50_u64..=500, 0..5);
    (prop::option::of(settings), prop::option::of(schedule)).prop_map(
        |(voice_settings, chunk_length_schedule)| Opening {
            voice_settings,
            chunk_length_schedule,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_strict_readers_take_whatever_the_client_writes(opening in some_opening(), text in "\\PC{2,20}", context_id in prop::option::of("\\PC{1,9}"), flush: bool, try_trigger_generation: bool) {
        prop_assert_eq!(parse_opening(&opening.to_text()), Ok(opening.clone()));
        let message = SingleMessage::Text { text: text.clone(), flush, try_trigger_generation };
        prop_assert_eq!(parse_single(&message.to_text(), &opening), Ok(message));
        for message in [
            MultiMessage::Text { context_id: context_id.clone(), text: text.clone(), flush, opening },
            MultiMessage::KeepAlive { context_id: context_id.clone() },
            MultiMessage::Flush { context_id: context_id.clone() },
            MultiMessage::CloseContext { context_id: context_id.clone() },
        ] {
            prop_assert_eq!(parse_multi(&message.to_text()), Ok(message));
        }
        let voice = context_id.unwrap_or_else(|| "v".to_owned());
        prop_assert_eq!(Endpoint::parse(&Endpoint::Stream.path(&voice)), Some((Endpoint::Stream, voice)));
    }

    #[test]
    fn the_client_understands_whatever_the_provider_writes(context_id: Option<String>, bytes: Vec<u8>, is_final: bool, rows: Option<Vec<(String, u64, u64)>>) {
        let rows = rows.map(|rows| rows.iter().map(|(text, start, length)| timed(text, *start, *length)).collect::<Vec<_>>());
        let frame = Audio { context_id: context_id.map(Into::into), alignment: rows.clone(), normalized_alignment: rows, is_final, ..Audio::default() };
        let mut out = String::new();
        write_audio(&mut out, &bytes, &frame);
        let message = parse_server(&out).unwrap();
        prop_assert_eq!(message.to_text(), out.clone());
        let ServerMessage::Audio(audio) = message else { panic!("{out}") };
        let mut back = Vec::new();
        audio.decode_into(&mut back).unwrap();
        prop_assert_eq!(back, bytes);
        prop_assert_eq!(Audio { audio: "".into(), ..*audio }, frame);
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,60}") {
        let _ = parse_server(&text);
        let _ = parse_opening(&text);
        let _ = parse_single(&text, &Opening::default());
        let _ = parse_multi(&text);
        let _ = parse_body(&text);
        let _ = parse_timed_chunk(&text);
        let _ = StreamQuery::parse(&text, Endpoint::StreamInput);
        let _ = Endpoint::parse(&text);
        let message = ApiError::from_http(500, text.as_bytes()).line();
        prop_assert!(message.chars().count() <= 200 && !message.contains(char::is_control));
    }
}
