use std::collections::BTreeMap;

use proptest::prelude::*;
use ringback_wire::Garbled;
use ringback_wire::twilio::media::{
    Connected, Dtmf, Inbound, Mark, Media, MediaFormat, Start, Stop, Track, parse, parse_reference,
    write_clear, write_mark, write_media,
};

use crate::fixtures::fixture;

const STREAM: &str = "MZ0000000000000000000000000000a001";
const CALL: &str = "CA00000000000000000000000000000001";

fn check(text: &str, expected: &Inbound<'_>) {
    assert_eq!(parse(text).as_ref(), Ok(expected), "{text}");
    assert_eq!(parse_reference(text).as_ref(), Ok(expected), "{text}");
}

fn media(payload: &str, chunk: Option<u64>, timestamp_ms: Option<u64>) -> Inbound<'_> {
    Inbound::Media(Media {
        stream_sid: STREAM.into(),
        track: Track::Inbound,
        chunk,
        timestamp_ms,
        payload: payload.into(),
    })
}

fn start() -> Start {
    Start {
        stream_sid: STREAM.to_owned(),
        account_sid: Some("AC00000000000000000000000000000001".to_owned()),
        call_sid: CALL.to_owned(),
        tracks: vec![Track::Inbound],
        custom_parameters: BTreeMap::from([
            ("agent_id".to_owned(), "42".to_owned()),
            ("caller".to_owned(), "+15005550001".to_owned()),
        ]),
        media_format: MediaFormat::default(),
    }
}

#[test]
fn every_message_of_the_reference_is_understood() {
    check(
        fixture!("connected.json"),
        &Inbound::Connected(Connected {
            protocol: Some("Call".into()),
            version: Some("1.0.0".into()),
        }),
    );
    check(fixture!("start.json"), &Inbound::Start(Box::new(start())));
    check(
        fixture!("media.json"),
        &media("/////////////////////w==", Some(6), Some(105)),
    );
    check(
        fixture!("dtmf.json"),
        &Inbound::Dtmf(Dtmf {
            stream_sid: STREAM.into(),
            track: Track::Inbound,
            digit: "5".into(),
        }),
    );
    check(
        fixture!("mark.json"),
        &Inbound::Mark(Mark {
            stream_sid: STREAM.into(),
            name: "u7.3".into(),
        }),
    );
    check(
        fixture!("stop.json"),
        &Inbound::Stop(Stop {
            stream_sid: STREAM.into(),
            call_sid: Some(CALL.into()),
        }),
    );
}

#[test]
fn twenty_milliseconds_of_silence_are_160_bytes_of_ff() {
    let Ok(Inbound::Media(media)) = parse(fixture!("media_20ms.json")) else {
        panic!("not media")
    };
    let mut mulaw = Vec::with_capacity(160);
    let before = mulaw.as_ptr();
    media.decode_into(&mut mulaw).unwrap();
    assert_eq!(mulaw, [0xff; 160]);
    assert_eq!(
        mulaw.as_ptr(),
        before,
        "the buffer was large enough and must not have moved"
    );
    assert!(matches!(media.payload, std::borrow::Cow::Borrowed(_)));
}

#[test]
fn a_payload_that_is_not_base64_is_garbled_and_leaves_the_buffer_alone() {
    for payload in ["/", "//=", "////=", "//// ", "//-_", "/w=", "/w", "é///"] {
        let text =
            format!(r#"{{"event":"media","streamSid":"MZ","media":{{"payload":"{payload}"}}}}"#);
        let Ok(Inbound::Media(media)) = parse(&text) else {
            panic!("not media: {text}")
        };
        let mut out = vec![1, 2];
        let length = payload.len();
        assert_eq!(
            media.decode_into(&mut out),
            Err(Garbled::Payload { length }),
            "{payload}"
        );
        assert_eq!(out, [1, 2]);
    }
}

#[test]
fn counters_may_be_strings_numbers_or_nonsense() {
    let table = [
        (r#""6""#, Some(6)),
        ("6", Some(6)),
        ("6.5", None),
        ("-6", None),
        (r#""""#, None),
        (r#""six""#, None),
        ("null", None),
        ("true", None),
        ("[1,[2]]", None),
        (r#"{"a":{"b":1}}"#, None),
        ("18446744073709551615", Some(u64::MAX)),
        (r#""18446744073709551616""#, None),
    ];
    for (counter, expected) in table {
        let text = format!(
            r#"{{"event":"media","sequenceNumber":{counter},"media":{{"track":"inbound","chunk":{counter},"timestamp":{counter},"payload":"/w=="}},"streamSid":"{STREAM}"}}"#
        );
        check(&text, &media("/w==", expected, expected));
    }
}

#[test]
fn unknown_fields_any_order_whitespace_and_escapes_are_accepted() {
    for text in [
        r#"{"streamSid":"MZ0000000000000000000000000000a001","media":{"payload":"/w==","timestamp":"105","track":"inbound","chunk":"6"},"event":"media"}"#,
        "\t{ \"event\" : \"media\" ,\r\n\"streamSid\" : \"MZ0000000000000000000000000000a001\" , \"media\" : { \"track\":\"inbound\" , \"chunk\":\"6\",\"timestamp\":\"105\" ,\"payload\" : \"/w==\" } } \n",
        r#"{"event":"m\u0065dia","streamSid":"MZ0000000000000000000000000000a001","media":{"track":"inbound","chunk":"6","timestamp":"105","payload":"\/w=="}}"#,
        r#"{"event":"media","new":{"a":[1,{"b":null}]},"streamSid":"MZ0000000000000000000000000000a001","media":{"track":"inbound","chunk":"6","timestamp":"105","payload":"/w==","new":false}}"#,
        r#"{"event":"media","start":5,"mark":[],"streamSid":"MZ0000000000000000000000000000a001","media":{"track":"inbound","chunk":"6","timestamp":"105","payload":"/w=="}}"#,
    ] {
        check(text, &media("/w==", Some(6), Some(105)));
    }
}

#[test]
fn an_unknown_kind_is_no_error_whatever_it_carries() {
    check(r#"{"event":"weather"}"#, &Inbound::Other("weather".into()));
    check(
        r#"{"media":7,"event":"closed","start":[]}"#,
        &Inbound::Other("closed".into()),
    );
    check(r#"{"event":""}"#, &Inbound::Other("".into()));
}

#[test]
fn left_out_optional_fields_are_tolerated() {
    check(
        r#"{"event":"connected"}"#,
        &Inbound::Connected(Connected {
            protocol: None,
            version: None,
        }),
    );
    check(
        r#"{"event":"start","streamSid":"MZ1","start":{"callSid":"CA1","customParameters":{"n":7,"b":true,"z":null,"s":"x"}}}"#,
        &Inbound::Start(Box::new(Start {
            stream_sid: "MZ1".to_owned(),
            account_sid: None,
            call_sid: "CA1".to_owned(),
            tracks: vec![],
            custom_parameters: [("n", "7"), ("b", "true"), ("z", ""), ("s", "x")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            media_format: MediaFormat::default(),
        })),
    );
    check(
        r#"{"event":"stop","streamSid":"MZ1"}"#,
        &Inbound::Stop(Stop {
            stream_sid: "MZ1".into(),
            call_sid: None,
        }),
    );
}

#[test]
fn another_media_format_is_noticed() {
    let with = |format: &str| {
        let text = format!(
            r#"{{"event":"start","streamSid":"MZ1","start":{{"callSid":"CA1","tracks":["outbound","both"],"mediaFormat":{format}}}}}"#
        );
        match parse(&text) {
            Ok(Inbound::Start(start)) => start,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(with("null").tracks, [Track::Outbound, Track::Unknown]);
    for good in [
        "null",
        "{}",
        r#"{"encoding":"audio/x-mulaw"}"#,
        r#"{"encoding":"audio/x-mulaw","sampleRate":"8000","channels":"1"}"#,
    ] {
        assert!(with(good).is_mulaw_8k(), "{good}");
    }
    for bad in [
        r#"{"encoding":"audio/x-alaw"}"#,
        r#"{"sampleRate":16000}"#,
        r#"{"channels":2}"#,
        r#"{"sampleRate":"fast"}"#,
        r#"{"channels":4294967297}"#,
    ] {
        assert!(!with(bad).is_mulaw_8k(), "{bad}");
    }
}

#[test]
fn garbage_is_garbled_and_the_error_shows_none_of_it() {
    for text in [
        "",
        "null",
        "[]",
        "{}",
        "{",
        "hello secret",
        r#"{"event":7}"#,
        r#"{"event":null,"secret":1}"#,
        r#"{"event":"media"}"#,
        r#"{"event":"media","streamSid":"secret"}"#,
        r#"{"event":"media","streamSid":"MZ1","media":{}}"#,
        r#"{"event":"media","media":{"payload":"secret"}}"#,
        r#"{"event":"media","streamSid":"MZ1","media":"secret"}"#,
        r#"{"event":"media","streamSid":"MZ1","media":{"payload":"secret","payload":"secret"}}"#,
        r#"{"event":"media","event":"media","streamSid":"MZ1","media":{"payload":"secret"}}"#,
        r#"{"event":"media","streamSid":"MZ1","media":{"payload":"secret"}}}"#,
        r#"{"event":"media","streamSid":"MZ1","media":{"payload":"secret"},}"#,
        "{\"event\":\"media\",\"streamSid\":\"MZ1\",\"media\":{\"payload\":\"sec\nret\"}}",
        r#"{"event":"start","streamSid":"MZ1","start":{}}"#,
        r#"{"event":"start","start":{"callSid":"CA1"}}"#,
        r#"{"event":"mark","streamSid":"MZ1","mark":{}}"#,
        r#"{"event":"dtmf","streamSid":"MZ1","dtmf":{"digit":5}}"#,
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(parse_reference(text), Err(error.clone()), "{text}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn an_error_names_the_kind_and_the_place() {
    let error = parse("{\"event\":\"mark\",\n\"streamSid\":\"MZ1\",\"mark\":{}}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the mark message has a missing, doubled or ill-typed field (noticed at line 2, column 27)"
    );
    assert_eq!(
        parse("{,").unwrap_err(),
        Garbled::Json { line: 1, column: 2 }
    );
}

#[test]
fn what_we_send_is_exactly_what_the_reference_shows() {
    let mut out = "left over".to_owned();
    write_media(
        &mut out,
        STREAM,
        &[0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0xfe, 0xfe, 0xfe, 0xfe],
    );
    assert_eq!(out, fixture!("to_twilio_media.json"));
    write_mark(&mut out, STREAM, "u7.3");
    assert_eq!(out, fixture!("to_twilio_mark.json"));
    write_clear(&mut out, STREAM);
    assert_eq!(out, fixture!("to_twilio_clear.json"));
    write_media(&mut out, STREAM, &[]);
    assert_eq!(
        out,
        format!(r#"{{"event":"media","streamSid":"{STREAM}","media":{{"payload":""}}}}"#)
    );
}

#[test]
fn writing_into_a_buffer_that_is_large_enough_does_not_move_it() {
    let mut out = String::with_capacity(512);
    let before = out.as_ptr();
    for _ in 0..3 {
        write_media(&mut out, STREAM, &[0xff; 160]);
        write_mark(&mut out, STREAM, "1.2.3.4");
        write_clear(&mut out, STREAM);
    }
    assert_eq!(out.as_ptr(), before);
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "\"[A-Za-z0-9+/=]{0,12}\"",
        1 => "\"[\\x01-\\x22\\x5c\u{e9}\u{1f600}a-d]{0,6}\"",
        1 => "-?[0-9]{1,21}(\\.[0-9])?",
        1 => prop::sample::select(vec!["null", "true", "{}", "[1]", "\"media\"", "\"\\u00e9\"", "\"\\ud800\"", ""])
            .prop_map(str::to_owned),
    ]
}

fn object(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let field = (
        prop::sample::select(names),
        value(),
        prop::sample::select(vec!["", " ", "\n"]),
    )
        .prop_map(|(name, value, space)| format!("{space}\"{name}\"{space}:{value}{space}"));
    prop::collection::vec(field, 0..5).prop_map(|fields| format!("{{{}}}", fields.join(",")))
}

fn nearly_media() -> impl Strategy<Value = String> {
    let body = object(&["track", "chunk", "timestamp", "payload", "other"]);
    (
        body,
        object(&["streamSid", "sequenceNumber", "extra", "event"]),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(body, rest, first, stream)| {
            let rest = rest.trim_start_matches('{').trim_end_matches('}');
            let stream = if stream { r#""streamSid":"MZ","# } else { "" };
            let comma = if rest.is_empty() { "" } else { "," };
            if first {
                format!(r#"{{"event":"media",{stream}"media":{body}{comma}{rest}}}"#)
            } else {
                format!(r#"{{{rest}{comma}{stream}"media":{body},"event":"media"}}"#)
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_fast_path_and_the_reference_agree_on_nearly_media(text in nearly_media()) {
        prop_assert_eq!(parse(&text), parse_reference(&text));
    }

    #[test]
    fn they_agree_on_a_media_message_with_one_byte_changed(at in 0_usize..170, byte in 0_u8..128) {
        let mut bytes = fixture!("media.json").as_bytes().to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        let text = String::from_utf8(bytes).unwrap();
        prop_assert_eq!(parse(&text), parse_reference(&text));
    }

    #[test]
    fn they_agree_on_any_text(text in "\\PC{0,80}") {
        prop_assert_eq!(parse(&text), parse_reference(&text));
    }

    #[test]
    fn any_audio_survives_the_way_to_twilio(mulaw in prop::collection::vec(any::<u8>(), 0..400), sid in "\\PC{0,20}") {
        let mut out = String::new();
        write_media(&mut out, &sid, &mulaw);
        let value: serde_json::Value = serde_json::from_str(&out).unwrap();
        prop_assert_eq!(&value["streamSid"], &sid);
        let Ok(Inbound::Media(media)) = parse(&out) else { panic!("{out}") };
        let mut back = Vec::new();
        media.decode_into(&mut back).unwrap();
        prop_assert_eq!(back, mulaw);
    }

    #[test]
    fn any_mark_name_survives_the_way_to_twilio(name in any::<String>()) {
        let mut out = String::new();
        write_mark(&mut out, STREAM, &name);
        let value: serde_json::Value = serde_json::from_str(&out).unwrap();
        prop_assert_eq!(&value["mark"]["name"], &name);
    }
}
