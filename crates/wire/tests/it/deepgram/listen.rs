use std::collections::BTreeMap;

use proptest::prelude::*;
use ringback_wire::Garbled;
use ringback_wire::deepgram::listen::{
    Alternative, CLIENT_SILENT, Command, Configure, ConfigureFault, Endpointing, Event, Formatting,
    Metadata, ModelInfo, Query, Results, ResultsMetadata, SERVER_SILENT, UNDECODABLE, Word, parse,
    parse_command, parse_query,
};
use ringback_wire::deepgram::{BadQuery, Encoding, close_id};

use super::{ms, ratios, texts, times};

const REQUEST: &str = "3f0f0d3e-8f5c-4b8e-9c1f-0a4b6d8e1c22";

fn metadata() -> ResultsMetadata {
    ResultsMetadata {
        request_id: REQUEST.to_owned(),
        model_info: ModelInfo {
            name: "general-nova-3".to_owned(),
            version: "2026-01-15.0".to_owned(),
            arch: "nova-3".to_owned(),
        },
        model_uuid: "aa0c5f55-1b0b-4f9c-9a52-8e6b7c1f8a11".to_owned(),
    }
}

fn results() -> Results {
    let would = Word {
        word: "would".to_owned(),
        start: ms(12_520),
        end: ms(12_700),
        confidence: 0.98,
        punctuated_word: Some("would".to_owned()),
        speaker: None,
        language: None,
    };
    let i = Word {
        word: "i".to_owned(),
        start: ms(12_400),
        end: ms(12_520),
        confidence: 0.99,
        punctuated_word: Some("I".to_owned()),
        speaker: Some(0),
        language: Some("en".to_owned()),
    };
    Results {
        channel: 0,
        channels: 1,
        start: ms(12_340),
        duration: ms(1620),
        is_final: true,
        speech_final: true,
        from_finalize: false,
        alternatives: vec![Alternative {
            transcript: "I would like to book a table.".to_owned(),
            confidence: 0.987,
            languages: vec!["en".to_owned()],
            words: vec![i, would],
        }],
        metadata: metadata(),
    }
}

/// The text means the event, and the event is written as the text.
fn check(text: &str, event: &Event) {
    assert_eq!(parse(text).as_ref(), Ok(event));
    assert_eq!(event.to_text(), text);
}

#[test]
fn every_answer_of_the_reference_is_read_and_written_field_by_field() {
    assert_eq!(results().transcript(), "I would like to book a table.");
    check(
        fixture!("listen_results.json"),
        &Event::Results(Box::new(results())),
    );
    let empty = Alternative::default();
    let finalized = Results {
        start: ms(14_000),
        duration: ms(0),
        speech_final: false,
        from_finalize: true,
        alternatives: vec![empty.clone()],
        ..results()
    };
    check(
        fixture!("listen_results_finalized.json"),
        &Event::Results(Box::new(finalized)),
    );
    let (channel, channels) = (0, 1);
    let utterance_end = Event::UtteranceEnd {
        channel,
        channels,
        last_word_end: Some(ms(13_960)),
    };
    check(fixture!("listen_utterance_end.json"), &utterance_end);
    let speech_started = Event::SpeechStarted {
        channel,
        channels,
        timestamp: ms(12_210),
    };
    check(fixture!("listen_speech_started.json"), &speech_started);
    let metadata = Event::Metadata(Metadata {
        request_id: REQUEST.to_owned(),
        sha256: "e3b0c442".to_owned(),
        created: "2026-11-20T10:15:30.101Z".to_owned(),
        duration: ms(74_120),
        channels: 1,
    });
    check(fixture!("listen_metadata.json"), &metadata);
    let success = Event::ConfigureSuccess {
        request_id: REQUEST.to_owned(),
        keyterms: Some(vec!["Oakhurst Dental".to_owned()]),
    };
    check(fixture!("listen_configure_success.json"), &success);
    let failure = Event::ConfigureFailure {
        request_id: REQUEST.to_owned(),
        code: ConfigureFault::KeytermLimitExceeded,
        description: "too many keyterms".to_owned(),
    };
    check(fixture!("listen_configure_failure.json"), &failure);
    let error = Event::Error {
        variant: "SchemaError".to_owned(),
        description: "could not parse message".to_owned(),
        message: Some(r#"{"type":"Oops"}"#.to_owned()),
    };
    check(fixture!("listen_error.json"), &error);
}

#[test]
fn what_is_left_out_null_or_new_does_no_harm() {
    let sparse = Results {
        channel: 1,
        channels: 2,
        start: ms(0),
        duration: ms(1000),
        is_final: false,
        speech_final: false,
        from_finalize: false,
        alternatives: vec![Alternative::default()],
        metadata: metadata(),
    };
    assert_eq!(
        parse(fixture!("listen_results_sparse.json")),
        Ok(Event::Results(Box::new(sparse)))
    );
    let bare = Results {
        channels: 1,
        ..Results::default()
    };
    assert_eq!(bare.transcript(), "");
    assert_eq!(
        parse(r#"{"type":"Results","channel":{}}"#),
        Ok(Event::Results(Box::new(bare)))
    );
    for last_word_end in ["-1", "null", "[]", "1000000001", "1e300"] {
        let text = format!(r#"{{"type":"UtteranceEnd","last_word_end":{last_word_end}}}"#);
        let (channel, channels) = (0, 1);
        let event = Event::UtteranceEnd {
            channel,
            channels,
            last_word_end: None,
        };
        assert_eq!(parse(&text), Ok(event));
    }
    assert_eq!(
        parse(r#"{"type":"Weather"}"#),
        Ok(Event::Other("Weather".to_owned()))
    );
    assert_eq!(
        Event::Other("Weather".to_owned()).to_text(),
        r#"{"type":"Weather"}"#
    );
}

#[test]
fn what_makes_no_sense_is_garbled() {
    let missing = |kind, field| Garbled::Missing { kind, field };
    assert_eq!(parse("{}"), Err(missing("Deepgram", "type")));
    assert_eq!(parse("[1]"), Err(missing("Deepgram", "type")));
    assert_eq!(parse(r#"{"type":7}"#), Err(missing("Deepgram", "type")));
    let headless = parse(r#"{"type":"Results","channel":null}"#);
    assert_eq!(headless, Err(missing("Results", "channel")));
    assert_eq!(
        headless.unwrap_err().to_string(),
        "the Results message has no usable channel"
    );
    assert_eq!(parse("{"), Err(Garbled::Json { line: 1, column: 1 }));
    assert!(parse(&"[".repeat(100_000)).is_err());
}

#[test]
fn every_code_of_a_rejected_configuration_has_its_word() {
    for code in [
        ConfigureFault::KeytermsNotSupported,
        ConfigureFault::KeytermLimitExceeded,
        ConfigureFault::AlreadyPending,
        ConfigureFault::InternalError,
        ConfigureFault::Other("CONFIGURE_MOON".to_owned()),
    ] {
        let event = Event::ConfigureFailure {
            request_id: REQUEST.to_owned(),
            code,
            description: String::new(),
        };
        assert_eq!(parse(&event.to_text()), Ok(event));
    }
}

#[test]
fn every_command_of_the_reference_is_written_and_taken() {
    let configure = Configure {
        keyterms: Some(vec!["Oakhurst Dental".to_owned(), "Invisalign".to_owned()]),
        features: BTreeMap::from([("numerals".to_owned(), true)]),
    };
    for (text, command) in [
        (fixture!("to_listen_keep_alive.json"), Command::KeepAlive),
        (
            fixture!("to_listen_finalize.json"),
            Command::Finalize { channel: None },
        ),
        (
            fixture!("to_listen_finalize_channel.json"),
            Command::Finalize { channel: Some(0) },
        ),
        (
            fixture!("to_listen_close_stream.json"),
            Command::CloseStream,
        ),
        (
            fixture!("to_listen_configure.json"),
            Command::Configure(configure),
        ),
    ] {
        assert_eq!(command.to_text(), text);
        assert_eq!(parse_command(text), Ok(command));
    }
    let kept = Command::Configure(Configure::default());
    assert_eq!(
        parse_command(r#"{"type":"Configure","keyterms":null}"#),
        Ok(kept)
    );
}

#[test]
fn every_other_command_is_refused_with_the_culprit() {
    assert_refused!(
        parse_command,
        [
            ("", "not JSON at line 1, column 0"),
            ("[]", "the message must be an object"),
            ("{}", "the message without the field \"type\""),
            (r#"{"type":null}"#, "the message without the field \"type\""),
            (r#"{"type":1}"#, "type must be a string"),
            (
                r#"{"type":"keepalive"}"#,
                "unknown message type \"keepalive\""
            ),
            (
                r#"{"type":"ForceEndTurn"}"#,
                "unknown message type \"ForceEndTurn\""
            ),
            (
                r#"{"type":"KeepAlive","x":1}"#,
                "KeepAlive with the unexpected field \"x\""
            ),
            (
                r#"{"type":"KeepAlive","a":1,"b":2}"#,
                "KeepAlive with the unexpected field \"a\"",
            ),
            (
                r#"{"type":"KeepAlive","type":"KeepAlive"}"#,
                "KeepAlive with the unexpected field \"type\"",
            ),
            (
                r#"{"type":"Finalize","channel":-1}"#,
                "channel must be a whole number that is not negative",
            ),
            (
                r#"{"type":"Finalize","channel":"0"}"#,
                "channel must be a whole number that is not negative",
            ),
            (
                r#"{"type":"Configure","keyterms":"a"}"#,
                "keyterms must be a list of strings",
            ),
            (
                r#"{"type":"Configure","keyterms":[1]}"#,
                "keyterms must be a list of strings",
            ),
            (
                r#"{"type":"Configure","features":{"numerals":"true"}}"#,
                "features must be an object of booleans",
            ),
        ]
    );
}

fn telephone() -> Query {
    Query {
        interim_results: true,
        endpointing: Some(Endpointing::After(300)),
        utterance_end_ms: Some(1000),
        vad_events: true,
        formatting: Formatting {
            punctuate: true,
            ..Formatting::default()
        },
        ..Query::telephone("nova-3")
    }
}

#[test]
fn the_query_of_the_reference_is_written_and_taken() {
    let text = fixture!("listen_telephone.query");
    assert_eq!(telephone().to_query(), text);
    assert_eq!(parse_query(text), Ok(telephone()));
    let odd = Query {
        endpointing: Some(Endpointing::Off),
        keyterms: vec!["Björk & Söhne".to_owned(), "a=b+c".to_owned()],
        further: vec![
            ("redact".to_owned(), "pci".to_owned()),
            ("redact".to_owned(), "ssn".to_owned()),
        ],
        ..Query::telephone("nova-3-general")
    };
    let text = odd.to_query();
    assert!(
        text.ends_with(
            "endpointing=false&keyterm=Bj%C3%B6rk+%26+S%C3%B6hne&keyterm=a%3Db%2Bc&redact=pci&redact=ssn"
        ),
        "{text}"
    );
    assert_eq!(parse_query(&text), Ok(odd));
}

#[test]
fn the_queries_deepgram_refuses_are_refused() {
    assert_refused!(
        parse_query,
        [
            ("", "missing query parameter \"model\""),
            ("model=", "missing query parameter \"model\""),
            (
                "model=nova-3&model=nova-2",
                "repeated query parameter \"model\""
            ),
            (
                "model=nova-3&encoding=mulaw",
                "missing query parameter \"sample_rate\"",
            ),
            (
                "model=nova-3&encoding=ulaw&sample_rate=8000",
                "encoding must be linear16, linear32, flac, alaw, mulaw, amr-nb, amr-wb, opus, ogg-opus, speex or g729",
            ),
            (
                "model=nova-3&encoding=mp3&sample_rate=8000",
                "encoding must be linear16, linear32, flac, alaw, mulaw, amr-nb, amr-wb, opus, ogg-opus, speex or g729",
            ),
            (
                "model=nova-3&encoding=mulaw&sample_rate=8k",
                "sample_rate must be a number of Hz",
            ),
            (
                "model=nova-3&utterance_end_ms=1000",
                "utterance_end_ms needs interim_results=true",
            ),
            (
                "model=nova-3&interim_results=True",
                "interim_results must be true or false",
            ),
            (
                "model=nova-3&multichannel=True",
                "multichannel must be true or false",
            ),
            (
                "model=nova-3&multichannel=true&channels=21",
                "channels must be at most 20 with multichannel=true",
            ),
            (
                "model=nova-3&endpointing=true",
                "endpointing must be false or a whole number of ms",
            ),
            ("model=nova-2&keyterm=a", "keyterm needs a nova-3 model"),
            ("model=nova&keyterm=a", "keyterm needs a nova-3 model"),
            (
                "model=nova-3&keywords=a:2",
                "keywords are for models before nova-3: use keyterm",
            ),
            (
                "model=flux-general-en",
                "flux models are served on /v2/listen only",
            ),
        ]
    );
    assert_eq!(
        parse_query("model=nova-3&encoding=opus"),
        Err(BadQuery::Missing("sample_rate"))
    );
}

#[test]
fn custom_models_containers_and_new_parameters_are_taken() {
    let custom = parse_query("model=5a3e2f10-0000-4000-8000-000000000001&keyterm=a").unwrap();
    assert_eq!(custom.keyterms, ["a"]);
    let contained = parse_query("model=nova-2&encoding=ogg-opus&keywords=a:2&fancy=1").unwrap();
    assert_eq!(contained.encoding, Some(Encoding::OggOpus));
    assert_eq!(contained.further, [("fancy".to_owned(), "1".to_owned())]);
    let wide = parse_query("model=nova-3&multichannel=true&channels=20").unwrap();
    assert_eq!(wide.channels, Some(20));
}

#[test]
fn the_reasons_for_closing_fit_their_frame_and_name_themselves() {
    for closing in [UNDECODABLE, SERVER_SILENT, CLIENT_SILENT] {
        assert!(closing.reason.len() <= 123);
        assert_eq!(close_id(closing.reason), Some(closing.id));
    }
    assert_eq!(
        [UNDECODABLE.code, SERVER_SILENT.code, CLIENT_SILENT.code],
        [1008, 1011, 1011]
    );
}

prop_compose! {
    fn words()(
        word in any::<String>(),
        start in times(),
        end in times(),
        confidence in ratios(),
        punctuated_word in any::<Option<String>>(),
        speaker in any::<Option<u32>>(),
        language in any::<Option<String>>(),
    ) -> Word {
        Word { word, start, end, confidence, punctuated_word, speaker, language }
    }
}

prop_compose! {
    fn alternatives()(
        transcript in any::<String>(),
        confidence in ratios(),
        languages in texts(),
        words in prop::collection::vec(words(), 0..4),
    ) -> Alternative {
        Alternative { transcript, confidence, languages, words }
    }
}

prop_compose! {
    fn any_results()(
        channel in any::<u32>(),
        channels in any::<u32>(),
        start in times(),
        duration in times(),
        (is_final, speech_final, from_finalize) in any::<(bool, bool, bool)>(),
        alternatives in prop::collection::vec(alternatives(), 0..3),
        request_id in any::<String>(),
    ) -> Results {
        let metadata = ResultsMetadata { request_id, ..metadata() };
        Results {
            channel, channels, start, duration, is_final, speech_final, from_finalize, alternatives, metadata,
        }
    }
}

prop_compose! {
    fn queries()(
        model in "nova-3[a-z-]{0,9}|[0-9a-f]{8}",
        rate in prop::option::of(1..200_000u32),
        endpointing in prop::option::of(prop_oneof![
            Just(Endpointing::Off),
            any::<u32>().prop_map(Endpointing::After),
        ]),
        utterance_end_ms in any::<Option<u32>>(),
        (keyterms, language_hints, language) in (texts(), texts(), any::<Option<String>>()),
        (smart_format, no_delay, vad_events) in any::<(bool, Option<bool>, bool)>(),
        tag in any::<String>(),
    ) -> Query {
        Query {
            model,
            encoding: rate.map(|_| Encoding::Linear16),
            sample_rate: rate,
            endpointing,
            interim_results: utterance_end_ms.is_some(),
            utterance_end_ms,
            keyterms,
            language_hints,
            language,
            vad_events,
            formatting: Formatting { smart_format, no_delay, ..Formatting::default() },
            further: vec![("tag".to_owned(), tag)],
            ..Query::default()
        }
    }
}

proptest! {
    #[test]
    fn results_are_read_as_they_were_written(results in any_results()) {
        let event = Event::Results(Box::new(results));
        prop_assert_eq!(parse(&event.to_text()), Ok(event));
    }

    #[test]
    fn a_command_is_read_as_it_was_written(
        keyterms in prop::option::of(texts()),
        features in prop::collection::btree_map(any::<String>(), any::<bool>(), 0..3),
        channel in any::<Option<u32>>(),
    ) {
        let configure = Command::Configure(Configure { keyterms, features });
        for command in [configure, Command::Finalize { channel }] {
            prop_assert_eq!(parse_command(&command.to_text()), Ok(command));
        }
    }

    #[test]
    fn a_query_is_read_as_it_was_written(query in queries()) {
        prop_assert_eq!(parse_query(&query.to_query()), Ok(query));
    }

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        let _ = (parse(&text), parse_command(&text), parse_query(&text));
    }
}
