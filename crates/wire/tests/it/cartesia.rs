use std::time::Duration;

use proptest::prelude::*;
use ringback_wire::Garbled;
use ringback_wire::cartesia::{
    ApiError, ApiVersion, BadVersion, BytesBody, Chunk, ClientMessage, Delivery, Encoding, Extras,
    Generation, Input, Mp3, Pace, RawFormat, Refusal, ServerMessage, Settings, SpeechFormat,
    SseBody, TimedWord, Timestamps, Voice, VoiceLocale, VoicesQuery, is_idle_close, parse_bytes,
    parse_client, parse_server, parse_sse, parse_voices, version_of, write_cancel, write_chunk,
    write_sse, write_voices,
};

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!("../fixtures/cartesia/", $name)).trim_end()
    };
}

const VOICE: &str = "11111111-2222-4333-8444-555555555555";
const STEP: Duration = Duration::from_micros(41_700);
const CONTEXT: &str = "call42-turn7";

fn version() -> ApiVersion {
    ApiVersion::default()
}

fn settings() -> Settings {
    Settings {
        language: Some("en".to_owned()),
        add_timestamps: Some(true),
        generation_config: Some(Delivery {
            speed: Some(1.0),
            volume: Some(1.0),
            emotion: Some("calm".to_owned()),
        }),
        ..Settings::new("sonic-3.5", VOICE, RawFormat::TELEPHONE)
    }
}

fn generation(text: &str) -> Generation {
    match parse_client(text, &version()) {
        Ok(ClientMessage::Generation(generation)) => *generation,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_inputs_of_the_reference_are_written_and_taken() {
    let transcript = "Thanks for calling Oakhurst Dental. ";
    let text = settings().to_text(Input::part(CONTEXT, transcript));
    assert_eq!(text, sample!("generation.json"));
    let read = generation(&text);
    assert_eq!(read.settings, settings());
    assert_eq!(read.input(), Input::part(CONTEXT, transcript));

    let plain = Settings {
        max_buffer_delay_ms: None,
        ..Settings::new("sonic-3.5", VOICE, RawFormat::TELEPHONE)
    };
    let end = plain.to_text(Input::last(CONTEXT, ""));
    assert_eq!(end, sample!("end.json"));
    assert!(generation(&end).is_end());

    let flush = generation(&plain.to_text(Input::flush(CONTEXT)));
    assert_eq!(
        (flush.transcript.as_str(), flush.more, flush.flush),
        ("", true, true)
    );
    assert!(!flush.is_end());

    let mut cancel = "left over".to_owned();
    write_cancel(&mut cancel, CONTEXT);
    assert_eq!(cancel, sample!("cancel.json"));
    let expected = ClientMessage::Cancel {
        context_id: CONTEXT.to_owned(),
    };
    assert_eq!(parse_client(&cancel, &version()), Ok(expected));
}

#[test]
fn an_input_that_changes_the_settings_of_its_context_is_refused_by_field() {
    let first = settings();
    let changed = |field: &str, other: Settings| {
        let read = generation(&other.to_text(Input::part(CONTEXT, "x ")));
        let Err(refusal) = read.must_continue(&first) else {
            panic!("{field} was taken")
        };
        assert_eq!(
            refusal.to_string(),
            format!("{field} differs from the first message of the context")
        );
        let end = generation(&other.to_text(Input::last(CONTEXT, "")));
        assert_eq!(end.must_continue(&first), Ok(()), "an end is always taken");
    };
    let base = settings;
    let linear = RawFormat {
        encoding: Encoding::S16le,
        sample_rate: 8000,
    };
    changed(
        "model_id",
        Settings {
            model_id: "sonic-3".to_owned(),
            ..base()
        },
    );
    changed(
        "voice",
        Settings {
            voice: "another".to_owned(),
            ..base()
        },
    );
    changed(
        "output_format",
        Settings {
            output_format: linear,
            ..base()
        },
    );
    changed(
        "language",
        Settings {
            language: None,
            ..base()
        },
    );
    changed(
        "add_timestamps",
        Settings {
            add_timestamps: None,
            ..base()
        },
    );
    changed(
        "add_phoneme_timestamps",
        Settings {
            add_phoneme_timestamps: Some(true),
            ..base()
        },
    );
    changed(
        "use_normalized_timestamps",
        Settings {
            use_normalized_timestamps: Some(false),
            ..base()
        },
    );
    changed(
        "max_buffer_delay_ms",
        Settings {
            max_buffer_delay_ms: Some(10),
            ..base()
        },
    );
    changed(
        "generation_config",
        Settings {
            generation_config: None,
            ..base()
        },
    );
    changed(
        "speed",
        Settings {
            speed: Some(Pace::Fast),
            ..base()
        },
    );
    changed(
        "pronunciation_dict_id",
        Settings {
            pronunciation_dict_id: Some("d".to_owned()),
            ..base()
        },
    );
    let same = generation(&base().to_text(Input::part(CONTEXT, "y ")));
    assert_eq!(same.must_continue(&first), Ok(()));
}

/// The message of the reference with one of its parts replaced.
fn altered(from: &str, to: &str) -> String {
    let text = sample!("generation.json");
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

#[test]
fn what_the_provider_does_not_take_is_refused_with_the_culprit() {
    let rates = "8000, 16000, 22050, 24000, 44100 or 48000";
    let table = [
        ("{", "{ ,", "not JSON at line 1, column 3".to_owned()),
        (
            r#""model_id":"sonic-3.5","#,
            "",
            "model_id is required".to_owned(),
        ),
        (
            r#""model_id":"sonic-3.5""#,
            r#""model_id":null"#,
            "model_id is required".to_owned(),
        ),
        (
            r#""sonic-3.5""#,
            r#""""#,
            "model_id must be not empty, not \"\"".to_owned(),
        ),
        (
            r#""sonic-3.5""#,
            "3",
            "model_id must be a string".to_owned(),
        ),
        (
            r#""voice":{"mode":"id","id":"11111111-2222-4333-8444-555555555555"},"#,
            "",
            "voice is required".to_owned(),
        ),
        (r#""mode":"id","#, "", "voice.mode is required".to_owned()),
        (
            r#""mode":"id""#,
            r#""mode":"embedding""#,
            "voice.mode must be id, not embedding".to_owned(),
        ),
        (
            r#","id":"11111111-2222-4333-8444-555555555555""#,
            "",
            "voice.id is required".to_owned(),
        ),
        (
            r#""output_format":{"container":"raw","encoding":"pcm_mulaw","sample_rate":8000},"#,
            "",
            "output_format is required".to_owned(),
        ),
        (
            r#""container":"raw","#,
            "",
            "output_format.container is required".to_owned(),
        ),
        (
            r#""raw""#,
            r#""wav""#,
            "output_format.container must be raw, not wav".to_owned(),
        ),
        (
            r#""pcm_mulaw""#,
            r#""mulaw""#,
            "output_format.encoding must be pcm_mulaw, pcm_alaw, pcm_s16le or pcm_f32le, not mulaw"
                .to_owned(),
        ),
        (
            "8000",
            "11025",
            format!("output_format.sample_rate must be {rates}, not 11025"),
        ),
        (
            "8000",
            r#""8000""#,
            format!("output_format.sample_rate must be {rates}, not \"8000\""),
        ),
        (
            "8000",
            r#"8000,"bit_rate":1"#,
            "output_format.bit_rate is not a field of this message".to_owned(),
        ),
        (
            r#","context_id":"call42-turn7""#,
            "",
            "context_id is required".to_owned(),
        ),
        (
            r#""call42-turn7""#,
            "7",
            "context_id must be a string".to_owned(),
        ),
        (
            r#""transcript":"Thanks for calling Oakhurst Dental. ","#,
            "",
            "transcript is required".to_owned(),
        ),
        (
            r#""continue":true"#,
            r#""continue":"yes""#,
            "continue must be true or false".to_owned(),
        ),
        (
            r#""max_buffer_delay_ms":0"#,
            r#""max_buffer_delay_ms":5001"#,
            "max_buffer_delay_ms must be 0 to 5000, not 5001".to_owned(),
        ),
        (
            r#""max_buffer_delay_ms":0"#,
            r#""max_buffer_delay_ms":-1"#,
            "max_buffer_delay_ms must be 0 to 5000, not -1".to_owned(),
        ),
        (
            r#""speed":1.0"#,
            r#""speed":1.6"#,
            "speed must be 0.6 to 1.5, not 1.6".to_owned(),
        ),
        (
            r#""volume":1.0"#,
            r#""volume":0.4"#,
            "volume must be 0.5 to 2.0, not 0.4".to_owned(),
        ),
        (
            r#""emotion":"calm""#,
            r#""mood":"calm""#,
            "mood is not a field of this message".to_owned(),
        ),
        (
            r#""language":"en""#,
            r#""speed":"quick""#,
            "speed must be slow, normal or fast, not quick".to_owned(),
        ),
        (
            r#""language":"en""#,
            r#""locale":"en-GB""#,
            "locale is not a field of this message".to_owned(),
        ),
        (
            r#""continue":true"#,
            r#""cancel":false"#,
            "cancel must be true, not false".to_owned(),
        ),
        (
            r#""continue":true"#,
            r#""cancel":true"#,
            "generation_config is not a field of this message".to_owned(),
        ),
    ];
    for (from, to, expected) in table {
        let text = altered(from, to);
        let refusal = parse_client(&text, &version()).unwrap_err();
        if to.contains("cancel\":true") {
            assert!(matches!(refusal, Refusal::Unknown { .. }), "{refusal}");
        } else {
            assert_eq!(refusal.to_string(), expected, "{text}");
        }
    }
    assert_eq!(
        parse_client("[]", &version()),
        Err(Refusal::Shape {
            field: "the message",
            expected: "an object"
        })
    );
}

#[test]
fn a_bare_voice_is_taken_since_the_version_that_allows_it() {
    let new = ApiVersion::parse("2026-08-14").unwrap();
    let bare = altered(
        r#"{"mode":"id","id":"11111111-2222-4333-8444-555555555555"}"#,
        r#""v1""#,
    );
    let object = altered(r#""mode":"id","#, r#""weight":1,"#);
    for (text, id) in [(bare, "v1"), (object, VOICE)] {
        let Ok(ClientMessage::Generation(read)) = parse_client(&text, &new) else {
            panic!("{text}")
        };
        assert_eq!(read.settings.voice, id);
        assert!(parse_client(&text, &version()).is_err(), "{text}");
    }
}

#[test]
fn a_request_names_a_version_and_the_query_wins() {
    let parse = |text| ApiVersion::parse(text).map(|version| version.to_string());
    assert_eq!(parse("2026-03-01"), Ok("2026-03-01".to_owned()));
    for text in [
        "",
        "2026-3-1",
        "2026-13-01",
        "2026-00-10",
        "2026-01-32",
        "20260301ab",
        "2026/03/01",
        "２026-03-1",
    ] {
        assert_eq!(parse(text), Err(BadVersion::NoDate), "{text}");
    }
    assert_eq!(version_of(None, None), Err(BadVersion::Missing));
    let old = version_of(Some("2026-08-14"), Some("2025-04-16")).unwrap();
    assert!(!old.has_structured_errors() && old < version());
    assert!(version().has_structured_errors() && !version().has_bare_voices());
    assert_eq!(
        version_of(Some("2026-08-14"), Some("now")),
        Err(BadVersion::NoDate)
    );
}

fn word(word: &str, start_ms: u64, end_ms: u64) -> TimedWord {
    TimedWord {
        word: word.to_owned(),
        start: Duration::from_millis(start_ms),
        end: Duration::from_millis(end_ms),
    }
}

fn api_error() -> ApiError {
    ApiError {
        status: Some(429),
        code: Some("concurrency_limited".to_owned()),
        title: Some("Too many concurrent requests".to_owned()),
        message: Some("Three contexts are running.".to_owned()),
        request_id: Some("9c1f-made-up".to_owned()),
        doc_url: Some("https://docs.example.test/limits".to_owned()),
    }
}

fn check_server(text: &str, expected: &ServerMessage<'_>) {
    assert_eq!(parse_server(text).as_ref(), Ok(expected), "{text}");
    assert_eq!(expected.to_text(), text);
}

#[test]
fn every_server_message_of_the_reference_is_read_and_written() {
    let context_id = Some(CONTEXT.to_owned());
    check_server(
        sample!("chunk.json"),
        &ServerMessage::Chunk(Chunk {
            context_id: Some(CONTEXT.into()),
            data: "//79/f7/".into(),
            flush_id: Some(1),
            step_time: STEP,
        }),
    );
    check_server(
        sample!("flush_done.json"),
        &ServerMessage::FlushDone {
            context_id: context_id.clone(),
            flush_id: Some(1),
        },
    );
    check_server(
        sample!("done.json"),
        &ServerMessage::Done {
            context_id: context_id.clone(),
        },
    );
    let words = ServerMessage::Timestamps(Timestamps {
        context_id: context_id.clone(),
        flush_id: None,
        words: vec![word("Thanks", 20, 290), word("for", 310, 440)],
    });
    assert_eq!(
        parse_server(sample!("timestamps.json")).as_ref(),
        Ok(&words)
    );
    assert_eq!(parse_server(&words.to_text()).as_ref(), Ok(&words));
    let phonemes = ServerMessage::PhonemeTimestamps(Timestamps {
        context_id: context_id.clone(),
        flush_id: None,
        words: vec![word("T", 20, 60)],
    });
    assert_eq!(
        parse_server(sample!("phoneme_timestamps.json")).as_ref(),
        Ok(&phonemes)
    );
    let written: serde_json::Value = serde_json::from_str(&phonemes.to_text()).unwrap();
    let shown: serde_json::Value =
        serde_json::from_str(sample!("phoneme_timestamps.json")).unwrap();
    assert_eq!(written, shown);
    check_server(
        sample!("error.json"),
        &ServerMessage::Error {
            context_id,
            error: api_error(),
        },
    );
}

#[test]
fn an_error_of_an_older_version_is_read_and_written() {
    let error = ApiError {
        status: Some(400),
        title: Some("Bad request".to_owned()),
        message: Some("voice not found".to_owned()),
        ..ApiError::default()
    };
    let message = ServerMessage::Error {
        context_id: Some(CONTEXT.to_owned()),
        error,
    };
    let read = parse_server(sample!("error_old.json")).unwrap();
    assert_eq!(read, message);
    assert_eq!(read.context_id(), Some(CONTEXT));
    assert_eq!(parse_server(&message.to_old_text()), Ok(message));
    let done = ServerMessage::Done { context_id: None };
    assert_eq!(done.to_old_text(), done.to_text());
}

#[test]
fn a_server_message_may_lack_all_but_its_kind() {
    let none = || ServerMessage::Error {
        context_id: None,
        error: ApiError::default(),
    };
    assert_eq!(parse_server(r#"{"type":"error","done":true}"#), Ok(none()));
    assert_eq!(
        parse_server(
            r#"{"type":"error","context_id":null,"message":null,"title":null,"status_code":null,"error":null}"#
        ),
        Ok(none())
    );
    assert_eq!(
        parse_server(r#"{"type":"done"}"#),
        Ok(ServerMessage::Done { context_id: None })
    );
    assert_eq!(
        parse_server(r#"{"type":"timestamps","word_timestamps":null}"#),
        Ok(ServerMessage::Timestamps(Timestamps {
            context_id: None,
            flush_id: None,
            words: vec![]
        }))
    );
    assert_eq!(
        parse_server(
            r#"{"type":"timestamps","word_timestamps":{"words":["a","b"],"start":[0],"end":[1,2]}}"#
        ),
        Ok(ServerMessage::Timestamps(Timestamps {
            context_id: None,
            flush_id: None,
            words: vec![word("a", 0, 1000)],
        }))
    );
    assert_eq!(
        parse_server(r#"{"type":"warming","depth":[{"x":1}]}"#),
        Ok(ServerMessage::Other("warming".into()))
    );
    let loose = r#"{"type":"chunk","data":"/w==","step_time":"3.5","flush_id":"2","status_code":"206","done":"false"}"#;
    let Ok(ServerMessage::Chunk(chunk)) = parse_server(loose) else {
        panic!()
    };
    assert_eq!(
        (chunk.step_time, chunk.flush_id, chunk.context_id),
        (Duration::from_micros(3500), Some(2), None)
    );
}

#[test]
fn a_server_message_without_sense_is_garbled() {
    for text in [
        "",
        "Bad request: no",
        "[]",
        "{}",
        r#"{"type":7}"#,
        r#"{"type":"chunk"}"#,
        r#"{"type":"chunk","data":null}"#,
    ] {
        assert!(parse_server(text).is_err(), "{text}");
    }
    let Ok(ServerMessage::Chunk(chunk)) = parse_server(r#"{"type":"chunk","data":"/w"}"#) else {
        panic!()
    };
    let mut out = vec![1];
    assert_eq!(
        chunk.decode_into(&mut out),
        Err(Garbled::Payload { length: 2 })
    );
    assert_eq!(out, [1]);
}

#[test]
fn audio_is_decoded_into_the_buffer_of_the_caller() {
    let Ok(ServerMessage::Chunk(chunk)) = parse_server(sample!("chunk.json")) else {
        panic!()
    };
    assert!(matches!(chunk.data, std::borrow::Cow::Borrowed(_)));
    let mut audio = Vec::with_capacity(16);
    audio.push(0);
    let before = audio.as_ptr();
    chunk.decode_into(&mut audio).unwrap();
    assert_eq!(audio, [0, 0xff, 0xfe, 0xfd, 0xfd, 0xfe, 0xff]);
    assert_eq!(audio.as_ptr(), before, "the buffer was large enough");
    let mut out = String::new();
    write_chunk(&mut out, Some(CONTEXT), &audio[1..], (STEP, Some(1)));
    assert_eq!(out, sample!("chunk.json"));
}

#[test]
fn an_event_over_http_is_the_message_of_the_socket() {
    let mut out = "left over".to_owned();
    write_sse(&mut out, &ServerMessage::Done { context_id: None });
    assert_eq!(
        out,
        "data: {\"type\":\"done\",\"done\":true,\"status_code\":200}\n\n"
    );
}

#[test]
fn errors_over_http_are_read_whatever_their_shape() {
    assert_eq!(
        ApiError::from_http(429, sample!("http_error.json").as_bytes()),
        api_error()
    );
    assert_eq!(api_error().to_body(), sample!("http_error.json"));
    let plain = |status, title: &str, message: &str| ApiError {
        status: Some(status),
        title: Some(title.to_owned()).filter(|title| !title.is_empty()),
        message: Some(message.to_owned()).filter(|message| !message.is_empty()),
        ..ApiError::default()
    };
    for (body, expected) in [
        (
            "Not found: no such voice\n",
            plain(404, "Not found", "no such voice"),
        ),
        (
            "\"Not found: no such voice\"",
            plain(404, "Not found", "no such voice"),
        ),
        ("gone", plain(404, "", "gone")),
        ("", plain(404, "", "")),
        ("[1,2]", plain(404, "", "[1,2]")),
        (
            r#"{"error":"Not found: no such voice"}"#,
            plain(404, "Not found", "no such voice"),
        ),
        (
            r#"{"error":{"message":"x"},"error_code":null,"title":7}"#,
            plain(404, "", ""),
        ),
        (
            "<html><head><title>502</title></head><body>Bad gateway</body></html>",
            plain(404, "", "502 Bad gateway"),
        ),
    ] {
        let read = ApiError::from_http(404, body.as_bytes());
        assert_eq!(read, expected, "{body}");
    }
    assert_eq!(
        plain(404, "Not found", "no such voice").to_old_body(),
        "Not found: no such voice"
    );
    assert_eq!(plain(503, "", "").line(), "status 503");
    assert_eq!(ApiError::default().line(), "no reason given");
    let refusal = Refusal::Missing { field: "voice" };
    assert_eq!(
        ApiError::refused(&refusal).line(),
        "Bad request: voice is required"
    );
}

#[test]
fn an_idle_close_is_told_from_a_fault() {
    assert!(is_idle_close(1000, "connection idle timeout"));
    for (code, reason) in [
        (1000, ""),
        (1006, "connection idle timeout"),
        (1011, "overloaded"),
    ] {
        assert!(!is_idle_close(code, reason), "{code} {reason}");
    }
}

fn bytes_body() -> BytesBody {
    BytesBody {
        model_id: "sonic-3.5".to_owned(),
        transcript: "One moment.".to_owned(),
        voice: VOICE.to_owned(),
        output_format: SpeechFormat::Mp3(Mp3 {
            sample_rate: 44_100,
            bit_rate: 128_000,
        }),
        language: None,
        extras: Extras {
            locale: Some("en-GB".to_owned()),
            normalization: Some("auto".to_owned()),
        },
        generation_config: None,
        speed: None,
        pronunciation_dict_id: None,
        save: Some(false),
    }
}

#[test]
fn bodies_over_http_are_written_and_taken() {
    assert_eq!(bytes_body().to_text(), sample!("bytes.json"));
    let raw = RawFormat {
        encoding: Encoding::Alaw,
        sample_rate: 16_000,
    };
    for output_format in [
        bytes_body().output_format,
        SpeechFormat::Raw(raw),
        SpeechFormat::Wav(raw),
    ] {
        let body = BytesBody {
            output_format,
            ..bytes_body()
        };
        assert_eq!(parse_bytes(&body.to_text(), &version()), Ok(body));
    }
    let sse = SseBody {
        settings: settings(),
        transcript: "Hello. ".to_owned(),
        context_id: Some(CONTEXT.to_owned()),
        extras: Extras::default(),
    };
    let read = parse_sse(&sse.to_text(), &version()).unwrap();
    assert_eq!(read.settings.max_buffer_delay_ms, None);
    let sent = Settings {
        max_buffer_delay_ms: None,
        ..settings()
    };
    assert_eq!(
        read,
        SseBody {
            settings: sent,
            ..sse
        }
    );
}

#[test]
fn bodies_over_http_have_no_fields_of_the_socket() {
    for (from, to, expected) in [
        (
            r#""save":false"#,
            r#""continue":true"#,
            "continue is not a field of this message",
        ),
        (
            r#""save":false"#,
            r#""add_timestamps":true"#,
            "add_timestamps is not a field of this message",
        ),
        (
            r#""save":false"#,
            r#""context_id":"a""#,
            "context_id is not a field of this message",
        ),
        (
            r#""save":false"#,
            r#""language":"en""#,
            "language and locale exclude each other",
        ),
        (
            "128000",
            "64",
            "output_format.bit_rate must be 32000, 64000, 96000, 128000 or 192000, not 64",
        ),
        (
            r#","bit_rate":128000"#,
            "",
            "output_format.bit_rate is required",
        ),
        (
            r#""mp3""#,
            r#""flac""#,
            "output_format.container must be raw, wav or mp3, not flac",
        ),
        (r#""mp3""#, r#""wav""#, "output_format.encoding is required"),
    ] {
        let text = sample!("bytes.json").replacen(from, to, 1);
        assert_eq!(
            parse_bytes(&text, &version()).unwrap_err().to_string(),
            expected
        );
    }
    for (text, expected) in [
        (
            sample!("generation.json"),
            "max_buffer_delay_ms is not a field of this message",
        ),
        (
            sample!("end.json"),
            "continue is not a field of this message",
        ),
        (
            sample!("bytes.json"),
            "output_format.container must be raw, not mp3",
        ),
    ] {
        assert_eq!(
            parse_sse(text, &version()).unwrap_err().to_string(),
            expected
        );
    }
}

fn mara() -> Voice {
    Voice {
        id: VOICE.to_owned(),
        name: "Mara".to_owned(),
        tagline: "Warm host".to_owned(),
        description: "A warm voice for a reception.".to_owned(),
        access: "public".to_owned(),
        visibility: "all".to_owned(),
        is_owner: false,
        language: "en".to_owned(),
        locales: vec![
            VoiceLocale {
                locale: "en-US".to_owned(),
                is_native: true,
            },
            VoiceLocale {
                locale: "de-DE".to_owned(),
                is_native: false,
            },
        ],
        gender: Some("feminine".to_owned()),
        created_at: "2026-03-02T09:30:00Z".to_owned(),
    }
}

#[test]
fn voices_are_listed_page_by_page() {
    assert_eq!(parse_voices(sample!("voices.json")), Ok(vec![mara()]));
    assert_eq!(write_voices(&[mara()]), sample!("voices.json"));
    let bare = Voice {
        id: "v1".to_owned(),
        ..Voice::default()
    };
    for text in [
        r#"[{"id":"v1"},{"name":"none"}]"#,
        r#"{"data":[{"id":"v1","locales":null,"is_owner":3},{"id":""}],"has_more":false}"#,
    ] {
        assert_eq!(parse_voices(text), Ok(vec![bare.clone()]), "{text}");
    }
    for text in ["", "{}", "7", r#"{"data":{}}"#] {
        assert!(parse_voices(text).is_err(), "{text}");
    }
    let query = VoicesQuery {
        limit: Some(100),
        starting_after: Some(VOICE.to_owned()),
        ending_before: None,
        q: Some("warm & kind".to_owned()),
    };
    assert_eq!(
        query.to_query(),
        format!("limit=100&starting_after={VOICE}&q=warm+%26+kind")
    );
    assert_eq!(VoicesQuery::parse(&query.to_query()), Ok(query));
    for query in [
        "",
        "gender=feminine&is_owner=true&expand%5B%5D=preview_file_url",
    ] {
        assert_eq!(VoicesQuery::parse(query), Ok(VoicesQuery::default()));
    }
    for (query, expected) in [
        ("limit=0", "limit must be 1 to 100, not 0"),
        ("limit=many", "limit must be 1 to 100, not many"),
        ("page=2", "page is not a field of this message"),
        ("q=a&q=b", "q is given twice"),
    ] {
        assert_eq!(VoicesQuery::parse(query).unwrap_err().to_string(), expected);
    }
}

fn some_settings() -> impl Strategy<Value = Settings> {
    let delivery =
        (0.6_f32..=1.5, 0.5_f32..=2.0, "[a-z]{1,9}").prop_map(|(speed, volume, emotion)| {
            Delivery {
                speed: Some(speed),
                volume: Some(volume),
                emotion: Some(emotion),
            }
        });
    let format = (
        0_usize..4,
        prop::sample::select(vec![8000_u32, 16_000, 22_050, 24_000, 44_100, 48_000]),
    )
        .prop_map(|(encoding, sample_rate)| RawFormat {
            encoding: Encoding::ALL[encoding],
            sample_rate,
        });
    let flags = (
        any::<Option<bool>>(),
        any::<Option<bool>>(),
        any::<Option<bool>>(),
    );
    let texts = (
        "\\PC{1,9}",
        "\\PC{1,9}",
        prop::option::of("[a-z]{2}"),
        prop::option::of("\\PC{1,9}"),
    );
    let rest = (
        prop::option::of(0_u64..=5000),
        prop::option::of(delivery),
        any::<Option<bool>>(),
    );
    (texts, format, flags, rest).prop_map(
        |((model_id, voice, language, dictionary), output_format, flags, rest)| Settings {
            model_id,
            voice,
            output_format,
            language,
            add_timestamps: flags.0,
            add_phoneme_timestamps: flags.1,
            use_normalized_timestamps: flags.2,
            max_buffer_delay_ms: rest.0,
            generation_config: rest.1,
            speed: rest
                .2
                .map(|fast| if fast { Pace::Fast } else { Pace::Slow }),
            pronunciation_dict_id: dictionary,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_strict_reader_takes_whatever_the_client_writes(settings in some_settings(), transcript: String, context in "\\PC{1,20}", more: bool, flush: bool) {
        let input = Input { transcript: &transcript, context_id: &context, more, flush };
        let text = settings.to_text(input);
        let Ok(ClientMessage::Generation(read)) = parse_client(&text, &version()) else { panic!("{text}") };
        prop_assert_eq!(read.input(), input);
        prop_assert_eq!(&read.settings, &settings);
        prop_assert_eq!(read.must_continue(&settings), Ok(()));
        let mut cancel = String::new();
        write_cancel(&mut cancel, &context);
        prop_assert_eq!(parse_client(&cancel, &version()), Ok(ClientMessage::Cancel { context_id: context }));
    }

    #[test]
    fn the_client_understands_whatever_the_provider_writes(context: Option<String>, audio: Vec<u8>, step_us in 0_u64..10_000_000, flush_id: Option<u64>, words: Vec<(String, u16, u16)>) {
        let mut out = String::new();
        let step_time = Duration::from_micros(step_us);
        write_chunk(&mut out, context.as_deref(), &audio, (step_time, flush_id));
        let message = parse_server(&out).unwrap();
        prop_assert_eq!(message.to_text(), out.clone());
        let ServerMessage::Chunk(chunk) = message else { panic!("{out}") };
        let mut back = Vec::new();
        chunk.decode_into(&mut back).unwrap();
        prop_assert_eq!((back, chunk.context_id.as_deref()), (audio, context.as_deref()));
        prop_assert_eq!((chunk.step_time, chunk.flush_id), (step_time, flush_id));
        let words = words.iter().map(|(text, start, end)| word(text, (*start).into(), (*end).into())).collect();
        let times = Timestamps { context_id: context, flush_id, words };
        for message in [ServerMessage::Timestamps(times.clone()), ServerMessage::PhonemeTimestamps(times)] {
            let text = message.to_text();
            prop_assert_eq!(parse_server(&text), Ok(message));
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,60}") {
        let _ = parse_server(&text);
        let _ = parse_client(&text, &version());
        let _ = parse_bytes(&text, &version());
        let _ = parse_sse(&text, &version());
        let _ = parse_voices(&text);
        let _ = VoicesQuery::parse(&text);
        let _ = ApiVersion::parse(&text);
        let message = ApiError::from_http(500, text.as_bytes()).line();
        prop_assert!(message.chars().count() <= 200 && !message.contains(char::is_control));
    }
}
