use proptest::prelude::*;
use ringback_wire::twilio::media::{
    Inbound, Mark, Start, Track, parse, write_clear, write_mark, write_media,
};
use ringback_wire::twilio::media_client::{
    InboundMedia, Outbound, Refusal, parse_outbound, write_connected, write_dtmf,
    write_inbound_media, write_mark_echo, write_start, write_stop,
};

use crate::fixtures::fixture;

const STREAM: &str = "MZ0000000000000000000000000000a001";

fn start() -> Start {
    match parse(fixture!("start.json")) {
        Ok(Inbound::Start(start)) => *start,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_simulator_writes_every_message_as_the_reference_shows_it() {
    let mut out = "left over".to_owned();
    write_connected(&mut out);
    assert_eq!(out, fixture!("connected.json"));
    write_start(&mut out, 1, &start());
    assert_eq!(out, fixture!("start.json"));
    write_inbound_media(
        &mut out,
        &InboundMedia {
            sequence: 8,
            stream_sid: STREAM,
            chunk: 7,
            timestamp_ms: 125,
            mulaw: &[0xff; 160],
        },
    );
    assert_eq!(out, fixture!("media_20ms.json"));
    write_dtmf(&mut out, 51, STREAM, '5');
    assert_eq!(out, fixture!("dtmf.json"));
    write_mark_echo(&mut out, 88, STREAM, "u7.3");
    assert_eq!(out, fixture!("mark.json"));
    write_stop(&mut out, 912, &start());
    assert_eq!(out, fixture!("stop.json"));
}

#[test]
fn a_start_without_account_is_still_understood() {
    let mut start = start();
    start.account_sid = None;
    start.tracks = vec![Track::Unknown, Track::Outbound];
    start
        .custom_parameters
        .insert("no\"te".to_owned(), "a\\b\n".to_owned());
    let mut out = String::new();
    write_start(&mut out, 1, &start);
    start.tracks = vec![Track::Outbound];
    assert_eq!(parse(&out), Ok(Inbound::Start(Box::new(start.clone()))));
    write_stop(&mut out, 2, &start);
    assert!(
        matches!(parse(&out), Ok(Inbound::Stop(stop)) if stop.call_sid.as_deref() == Some(&start.call_sid))
    );
}

#[test]
fn the_three_messages_of_the_reference_are_taken() {
    let stream_sid = || STREAM.into();
    let payload = "fn5+fn7+/v7+".into();
    let media = Outbound::Media {
        stream_sid: stream_sid(),
        payload,
    };
    let mut mulaw = Vec::new();
    media.decode_into(&mut mulaw);
    assert_eq!(
        mulaw,
        [0x7e, 0x7e, 0x7e, 0x7e, 0x7e, 0xfe, 0xfe, 0xfe, 0xfe]
    );
    assert_eq!(parse_outbound(fixture!("to_twilio_media.json")), Ok(media));
    let mark = Outbound::Mark {
        stream_sid: stream_sid(),
        name: "u7.3".into(),
    };
    assert_eq!(parse_outbound(fixture!("to_twilio_mark.json")), Ok(mark));
    let clear = Outbound::Clear {
        stream_sid: stream_sid(),
    };
    assert_eq!(
        parse_outbound(fixture!("to_twilio_clear.json")),
        Ok(clear.clone())
    );
    assert_eq!(clear.clone().on_stream(STREAM), Ok(clear.clone()));
    assert_eq!(clear.on_stream("MZ2"), Err(Refusal::OtherStream));
}

#[test]
fn everything_else_is_refused_with_the_code_and_the_culprit() {
    let table = [
        ("", "31951 invalid message: not JSON at line 1, column 0"),
        (
            "{\"event\":",
            "31951 invalid message: not JSON at line 1, column 9",
        ),
        (
            "[1]",
            "31951 invalid message: the message must be an object",
        ),
        ("7", "31951 invalid message: the message must be an object"),
        (
            "{}",
            "31951 invalid message: message without the field \"event\"",
        ),
        (
            r#"{"event":null}"#,
            "31951 invalid message: event must be a string",
        ),
        (
            r#"{"event":"stop","streamSid":"MZ1"}"#,
            "31951 invalid message: unknown event \"stop\"",
        ),
        (
            r#"{"event":"clear"}"#,
            "31951 invalid message: clear without the field \"streamSid\"",
        ),
        (
            r#"{"event":"clear","streamSid":1}"#,
            "31951 invalid message: streamSid must be a string",
        ),
        (
            r#"{"event":"clear","streamSid":"MZ1","sequenceNumber":"4"}"#,
            "31951 invalid message: clear with the unexpected field \"sequenceNumber\"",
        ),
        (
            r#"{"event":"clear","streamSid":"MZ1","streamSid":"MZ1"}"#,
            "31951 invalid message: clear with the unexpected field \"streamSid\"",
        ),
        (
            r#"{"event":"mark","streamSid":"MZ1"}"#,
            "31951 invalid message: mark without the field \"mark\"",
        ),
        (
            r#"{"event":"mark","streamSid":"MZ1","mark":"a"}"#,
            "31951 invalid message: mark must be an object",
        ),
        (
            r#"{"event":"mark","streamSid":"MZ1","mark":{}}"#,
            "31951 invalid message: mark without the field \"name\"",
        ),
        (
            r#"{"event":"media","streamSid":"MZ1","media":{"payload":"/w==","track":"outbound"}}"#,
            "31951 invalid message: media with the unexpected field \"track\"",
        ),
        (
            r#"{"event":"media","streamSid":"MZ1","media":{"payload":[1.5,true,-1]}}"#,
            "31951 invalid message: payload must be a string",
        ),
        (
            r#"{"event":"media","streamSid":"MZ1","media":{"payload":"/w"}}"#,
            "31950 malformed message: media.payload is not padded base64",
        ),
    ];
    for (text, expected) in table {
        let refusal = parse_outbound(text).unwrap_err();
        assert_eq!(refusal.to_string(), expected, "{text}");
        assert!(expected.starts_with(&refusal.code().to_string()));
    }
    assert_eq!(Refusal::Binary.code(), 31950);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_strict_reader_takes_whatever_our_writers_write(sid in any::<String>(), name in any::<String>(), mulaw: Vec<u8>) {
        let mut out = String::new();
        write_media(&mut out, &sid, &mulaw);
        let media = parse_outbound(&out).unwrap().on_stream(&sid).unwrap();
        let mut back = Vec::new();
        media.decode_into(&mut back);
        prop_assert_eq!(back, mulaw);
        write_mark(&mut out, &sid, &name);
        let mark = Outbound::Mark { stream_sid: sid.as_str().into(), name: name.as_str().into() };
        prop_assert_eq!(parse_outbound(&out), Ok(mark));
        write_clear(&mut out, &sid);
        prop_assert_eq!(parse_outbound(&out), Ok(Outbound::Clear { stream_sid: sid.as_str().into() }));
    }

    #[test]
    fn the_server_understands_whatever_the_simulator_writes(sid in any::<String>(), name in any::<String>(), mulaw: Vec<u8>, count: u64) {
        let mut out = String::new();
        write_inbound_media(&mut out, &InboundMedia { sequence: count, stream_sid: &sid, chunk: count, timestamp_ms: count, mulaw: &mulaw });
        let Ok(Inbound::Media(media)) = parse(&out) else { panic!("{out}") };
        prop_assert_eq!((&*media.stream_sid, media.chunk, media.timestamp_ms), (&*sid, Some(count), Some(count)));
        let mut back = Vec::new();
        media.decode_into(&mut back).unwrap();
        prop_assert_eq!(back, mulaw);
        write_mark_echo(&mut out, count, &sid, &name);
        let mark = Mark { stream_sid: sid.as_str().into(), name: name.as_str().into() };
        prop_assert_eq!(parse(&out), Ok(Inbound::Mark(mark)));
    }

    #[test]
    fn the_strict_reader_never_panics(text in "\\PC{0,60}") {
        let _ = parse_outbound(&text);
    }
}
