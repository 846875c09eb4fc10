use proptest::prelude::*;
use ringback_wire::deepgram::speak::{
    CANNOT_SEND, CLIENT_SILENT, Command, Container, Event, INTERNAL_ERROR, MESSAGE_TOO_LARGE,
    NOT_TEXT, Query, TEXT_TOO_LONG, TOO_LONG_OPEN, TOO_MANY_CHARACTERS, Text, UNKNOWN_COMMAND,
    closing, parse, parse_command, parse_request_query, parse_socket_query, parse_text,
};
use ringback_wire::deepgram::{Encoding, Refusal, close_id};

use super::texts;

#[test]
fn every_answer_of_the_reference_is_read_and_written_field_by_field() {
    let metadata = Event::Metadata {
        request_id: "0d3e8f5c-4b8e-4c1f-8a4b-6d8e1c223f0f".to_owned(),
        model_name: "aura-2-thalia-en".to_owned(),
        model_version: "2025-04-07.0".to_owned(),
        model_uuid: "e4979ab0-0000-4000-8000-000000000002".to_owned(),
        additional_model_uuids: vec![],
    };
    let warning = Event::Warning {
        code: "SOME_CODE".to_owned(),
        description: "too many flushes".to_owned(),
    };
    for (text, event) in [
        (fixture!("speak_metadata.json"), metadata),
        (
            fixture!("speak_flushed.json"),
            Event::Flushed { sequence_id: 0 },
        ),
        (
            fixture!("speak_cleared.json"),
            Event::Cleared { sequence_id: 1 },
        ),
        (fixture!("speak_warning.json"), warning),
    ] {
        assert_eq!(event.to_text(), text);
        assert_eq!(parse(text), Ok(event));
    }
    assert_eq!(
        parse(r#"{"type":"Flushed"}"#),
        Ok(Event::Flushed { sequence_id: 0 })
    );
    assert_eq!(
        parse(r#"{"type":"Error"}"#),
        Ok(Event::Other("Error".to_owned()))
    );
}

#[test]
fn every_command_of_the_reference_is_written_and_taken() {
    let text = "Sure, let me check that for you. ".to_owned();
    for (text, command) in [
        (fixture!("to_speak_speak.json"), Command::Speak { text }),
        (fixture!("to_speak_flush.json"), Command::Flush),
        (fixture!("to_speak_clear.json"), Command::Clear),
        (fixture!("to_speak_close.json"), Command::Close),
    ] {
        assert_eq!(command.to_text(), text);
        assert_eq!(parse_command(text), Ok(command));
    }
}

#[test]
fn every_other_command_is_refused_with_the_culprit() {
    assert_refused!(
        parse_command,
        [
            (r#"{"type":"Reset"}"#, "unknown message type \"Reset\""),
            (
                r#"{"type":"KeepAlive"}"#,
                "unknown message type \"KeepAlive\""
            ),
            (r#"{"type":"Speak"}"#, "Speak without the field \"text\""),
            (r#"{"type":"Speak","text":7}"#, "text must be a string"),
            (
                r#"{"type":"Speak","text":"a","voice":"b"}"#,
                "Speak with the unexpected field \"voice\"",
            ),
            (
                r#"{"type":"Flush","text":"a"}"#,
                "Flush with the unexpected field \"text\""
            ),
        ]
    );
}

#[test]
fn a_text_is_measured_in_characters() {
    let speak = |text: &str| {
        parse_command(
            &Command::Speak {
                text: text.to_owned(),
            }
            .to_text(),
        )
    };
    assert!(speak(&"ö".repeat(2000)).is_ok());
    let refusal = speak(&"ö".repeat(2001)).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the text has 2001 characters, at most 2000 are taken"
    );
    assert_eq!(closing(&refusal), TEXT_TOO_LONG);
    let request = Text::Here("a".repeat(2001)).to_text();
    assert!(matches!(parse_text(&request), Err(Refusal::TooLong { .. })));
    let unknown = Refusal::UnknownType("Reset".to_owned());
    assert_eq!(closing(&unknown), UNKNOWN_COMMAND);
}

#[test]
fn the_reasons_for_closing_fit_their_frame_and_name_themselves() {
    let closings = [
        NOT_TEXT,
        UNKNOWN_COMMAND,
        TOO_MANY_CHARACTERS,
        MESSAGE_TOO_LARGE,
        TEXT_TOO_LONG,
        INTERNAL_ERROR,
        CLIENT_SILENT,
        CANNOT_SEND,
        TOO_LONG_OPEN,
    ];
    for closing in closings {
        assert!(closing.reason.len() <= 123);
        assert!(closing.reason.starts_with(closing.id));
        assert_eq!(close_id(closing.reason), Some(closing.id));
    }
    assert_eq!(
        closings.map(|closing| closing.code),
        [1003, 1008, 1008, 1009, 1009, 1011, 1011, 1011, 1011]
    );
}

#[test]
fn a_request_has_a_text_or_the_url_of_one() {
    let here = Text::Here("Hello there.".to_owned());
    assert_eq!(here.to_text(), fixture!("to_speak_request.json"));
    assert_eq!(parse_text(fixture!("to_speak_request.json")), Ok(here));
    let at = Text::At("https://a.test/x".to_owned());
    assert_eq!(parse_text(&at.to_text()), Ok(at));
    assert_refused!(
        parse_text,
        [
            ("{}", "the request without the field \"text\""),
            (
                r#"{"text":"a","url":"b"}"#,
                "the request with the unexpected field \"url\"",
            ),
            (
                r#"{"text":"a","model":"b"}"#,
                "the message with the unexpected field \"model\"",
            ),
        ]
    );
}

#[test]
fn the_query_of_the_reference_is_written_and_taken() {
    let socket = Query::telephone("aura-2-thalia-en");
    assert_eq!(parse_socket_query(&socket.to_query()), Ok(socket.clone()));
    let request = Query {
        container: Some(Container::Raw),
        ..socket
    };
    let text = fixture!("speak_request.query");
    assert_eq!(request.to_query(), text);
    assert_eq!(parse_request_query(text), Ok(request));
    assert_eq!(parse_socket_query(""), Ok(Query::default()));
}

#[test]
fn every_rate_of_every_encoding_is_taken() {
    let table = [
        ("linear16", &[8000, 16000, 24000, 32000, 48000][..]),
        ("mulaw", &[8000, 16000]),
        ("alaw", &[8000, 16000]),
        ("mp3", &[22050]),
        ("opus", &[48000]),
        ("flac", &[8000, 16000, 22050, 32000, 48000]),
        ("aac", &[22050]),
    ];
    for (encoding, rates) in table {
        for rate in rates {
            let text = format!("encoding={encoding}&sample_rate={rate}");
            assert_eq!(parse_request_query(&text).unwrap().sample_rate, Some(*rate));
            let raw = matches!(encoding, "linear16" | "mulaw" | "alaw");
            assert_eq!(parse_socket_query(&text).is_ok(), raw, "{text}");
        }
    }
}

#[test]
fn the_queries_deepgram_refuses_are_refused() {
    assert_refused!(
        parse_socket_query,
        [
            ("encoding=mp3", "encoding must be linear16, mulaw or alaw",),
            (
                "encoding=mulaw&sample_rate=24000",
                "sample_rate must be 8000 or 16000 for mulaw and alaw",
            ),
            (
                "sample_rate=22050",
                "sample_rate must be 8000, 16000, 24000, 32000 or 48000 for linear16",
            ),
            ("speed=1.6", "speed must be 0.7 to 1.5"),
            (
                "container=wav",
                "a socket speaks raw audio: container must be left out",
            ),
            ("mip_opt_out=1", "mip_opt_out must be true or false",),
        ]
    );
    assert_refused!(
        parse_request_query,
        [
            (
                "encoding=speex",
                "encoding must be linear16, mulaw, alaw, mp3, opus, flac or aac",
            ),
            (
                "sample_rate=8000",
                "sample_rate must be 22050 for mp3 and aac",
            ),
            (
                "encoding=opus&sample_rate=8000",
                "sample_rate must be 48000 for opus",
            ),
            (
                "encoding=flac&sample_rate=24000",
                "sample_rate must be 8000, 16000, 22050, 32000 or 48000 for flac",
            ),
            ("container=raw", "container must be none, wav or ogg",),
            (
                "container=wav",
                "container=wav goes with linear16, mulaw and alaw only",
            ),
            (
                "encoding=mulaw&container=ogg",
                "container=ogg goes with opus only",
            ),
        ]
    );
}

proptest! {
    #[test]
    fn an_event_is_read_as_it_was_written(
        (request_id, model_name, code, description) in any::<(String, String, String, String)>(),
        additional_model_uuids in texts(),
        sequence_id in any::<u64>(),
    ) {
        let metadata = Event::Metadata {
            request_id,
            model_name,
            model_version: String::new(),
            model_uuid: String::new(),
            additional_model_uuids,
        };
        for event in [metadata, Event::Warning { code, description }, Event::Cleared { sequence_id }] {
            prop_assert_eq!(parse(&event.to_text()), Ok(event));
        }
    }

    #[test]
    fn a_text_to_speak_is_read_as_it_was_written(text in any::<String>()) {
        let command = Command::Speak { text: text.clone() };
        prop_assert_eq!(parse_command(&command.to_text()), Ok(command));
        let request = Text::Here(text);
        prop_assert_eq!(parse_text(&request.to_text()), Ok(request));
    }

    #[test]
    fn a_query_is_read_as_it_was_written(
        model in any::<Option<String>>(),
        speed in prop::option::of(700..=1500u32),
        bit_rate in any::<Option<u32>>(),
        tag in any::<String>(),
    ) {
        let query = Query {
            model,
            encoding: Some(Encoding::Opus),
            container: Some(Container::Ogg),
            speed: speed.map(|thousandths| f64::from(thousandths) / 1e3),
            bit_rate,
            further: vec![("tag".to_owned(), tag)],
            ..Query::default()
        };
        prop_assert_eq!(parse_request_query(&query.to_query()), Ok(query));
    }

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        let _ = (parse(&text), parse_command(&text), parse_text(&text));
        let _ = (parse_socket_query(&text), parse_request_query(&text));
    }
}
