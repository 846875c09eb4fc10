use proptest::prelude::*;
use ringback_wire::Garbled;
use ringback_wire::deepgram::Encoding;
use ringback_wire::deepgram::flux::{
    Command, Configure, Event, LANGUAGES, MULTILINGUAL_MODEL, Query, Thresholds, Trigger,
    TurnEvent, TurnInfo, Word, parse, parse_command, parse_query,
};

use super::{ms, ratios, texts, times};

const REQUEST: &str = "6f6c2a7e-1c1b-4a32-8a46-5b9e3d2f1a00";

fn thresholds() -> Thresholds {
    Thresholds {
        eot_threshold: Some(0.8),
        eager_eot_threshold: Some(0.5),
        eot_timeout_ms: Some(6000),
    }
}

fn end_of_turn() -> TurnInfo {
    TurnInfo {
        request_id: REQUEST.to_owned(),
        sequence_id: 17,
        event: TurnEvent::EndOfTurn,
        turn_index: 3,
        audio_window_start: ms(21_600),
        audio_window_end: ms(24_480),
        transcript: "Yes, Tuesday at four works.".to_owned(),
        words: vec![Word {
            word: "Yes,".to_owned(),
            confidence: 0.99,
            start: Some(ms(21_760)),
            end: Some(ms(22_000)),
        }],
        end_of_turn_confidence: 0.83,
        trigger: Some(Trigger::Model),
        languages: vec!["en".to_owned()],
        languages_hinted: vec!["en".to_owned(), "es".to_owned()],
    }
}

/// The text means the event, and the event is written as the text.
fn check(text: &str, event: &Event) {
    assert_eq!(parse(text).as_ref(), Ok(event));
    assert_eq!(event.to_text(), text);
}

#[test]
fn every_answer_of_the_reference_is_read_and_written_field_by_field() {
    let request_id = || REQUEST.to_owned();
    let connected = Event::Connected {
        request_id: request_id(),
        sequence_id: 0,
    };
    check(fixture!("flux_connected.json"), &connected);
    check(
        fixture!("flux_end_of_turn.json"),
        &Event::TurnInfo(Box::new(end_of_turn())),
    );
    let update = TurnInfo {
        request_id: request_id(),
        sequence_id: 4,
        event: TurnEvent::Update,
        turn_index: 0,
        audio_window_start: ms(0),
        audio_window_end: ms(960),
        transcript: String::new(),
        words: vec![],
        end_of_turn_confidence: 0.01,
        trigger: None,
        languages: vec![],
        languages_hinted: vec![],
    };
    check(
        fixture!("flux_update.json"),
        &Event::TurnInfo(Box::new(update)),
    );
    let success = Event::ConfigureSuccess {
        request_id: request_id(),
        sequence_id: 18,
        thresholds: thresholds(),
        keyterms: vec!["Oakhurst".to_owned()],
        language_hints: vec![],
        numerals: Some(true),
    };
    check(fixture!("flux_configure_success.json"), &success);
    let failure = Event::ConfigureFailure {
        request_id: request_id(),
        sequence_id: 19,
        code: "SOME_CODE".to_owned(),
        description: "not so".to_owned(),
    };
    check(fixture!("flux_configure_failure.json"), &failure);
    assert_eq!(
        parse(fixture!("flux_configure_failure_other.json")),
        Ok(failure)
    );
    let warning = Event::Warning {
        request_id: request_id(),
        sequence_id: 20,
        code: "SOME_WARNING".to_owned(),
        description: "odd".to_owned(),
    };
    check(fixture!("flux_warning.json"), &warning);
    let error = Event::Error {
        sequence_id: 21,
        code: "INTERNAL_SERVER_ERROR".to_owned(),
        description: "broken".to_owned(),
    };
    check(fixture!("flux_error.json"), &error);
}

#[test]
fn numbers_may_be_strings_and_lists_may_be_one_word() {
    let loose = Event::ConfigureSuccess {
        request_id: REQUEST.to_owned(),
        sequence_id: 18,
        thresholds: Thresholds {
            eager_eot_threshold: None,
            ..thresholds()
        },
        keyterms: vec!["Oakhurst".to_owned()],
        language_hints: vec![],
        numerals: None,
    };
    assert_eq!(
        parse(fixture!("flux_configure_success_loose.json")),
        Ok(loose)
    );
}

#[test]
fn every_event_and_trigger_has_its_word_and_new_ones_are_kept() {
    let other = || "Pondering".to_owned();
    for event in [
        TurnEvent::StartOfTurn,
        TurnEvent::Update,
        TurnEvent::EagerEndOfTurn,
        TurnEvent::TurnResumed,
        TurnEvent::EndOfTurn,
        TurnEvent::Other(other()),
    ] {
        for trigger in [
            None,
            Some(Trigger::Model),
            Some(Trigger::Manual),
            Some(Trigger::Timeout),
            Some(Trigger::Other(other())),
        ] {
            let turn = TurnInfo {
                event: event.clone(),
                trigger,
                ..end_of_turn()
            };
            let event = Event::TurnInfo(Box::new(turn));
            assert_eq!(parse(&event.to_text()), Ok(event));
        }
    }
    assert_eq!(
        parse(r#"{"type":"Metadata","sequence_id":3}"#),
        Ok(Event::Other("Metadata".to_owned()))
    );
}

#[test]
fn a_turn_without_event_is_garbled() {
    let (kind, field) = ("TurnInfo", "event");
    assert_eq!(
        parse(r#"{"type":"TurnInfo","transcript":"a"}"#),
        Err(Garbled::Missing { kind, field })
    );
}

fn configure() -> Configure {
    Configure {
        thresholds: thresholds(),
        keyterms: Some(vec!["Oakhurst".to_owned()]),
        language_hints: Some(vec!["en".to_owned(), "es".to_owned()]),
        numerals: Some(true),
    }
}

#[test]
fn every_command_of_the_reference_is_written_and_taken() {
    for (text, command) in [
        (fixture!("to_flux_close_stream.json"), Command::CloseStream),
        (
            fixture!("to_flux_force_end_turn.json"),
            Command::ForceEndTurn,
        ),
        (
            fixture!("to_flux_configure.json"),
            Command::Configure(configure()),
        ),
    ] {
        assert_eq!(command.to_text(), text);
        assert_eq!(parse_command(text), Ok(command));
    }
    let one = Configure {
        keyterms: Some(vec!["a".to_owned()]),
        ..Configure::default()
    };
    assert_eq!(
        parse_command(r#"{"type":"Configure","keyterms":"a"}"#),
        Ok(Command::Configure(one))
    );
}

#[test]
fn every_other_command_is_refused_with_the_culprit() {
    assert_refused!(
        parse_command,
        [
            ("KeepAlive", "not JSON at line 1, column 1"),
            (
                r#"{"type":"KeepAlive"}"#,
                "unknown message type \"KeepAlive\""
            ),
            (
                r#"{"type":"Finalize"}"#,
                "unknown message type \"Finalize\""
            ),
            (
                r#"{"type":"ForceEndTurn","turn":1}"#,
                "ForceEndTurn with the unexpected field \"turn\"",
            ),
            (
                r#"{"type":"Configure","eot_threshold":0.8}"#,
                "Configure with the unexpected field \"eot_threshold\"",
            ),
            (
                r#"{"type":"Configure","thresholds":{"eot":0.8}}"#,
                "thresholds with the unexpected field \"eot\"",
            ),
            (
                r#"{"type":"Configure","thresholds":{"eot_threshold":"0.8"}}"#,
                "eot_threshold must be a number",
            ),
            (
                r#"{"type":"Configure","thresholds":[]}"#,
                "thresholds must be an object",
            ),
            (
                r#"{"type":"Configure","numerals":1}"#,
                "numerals must be true or false",
            ),
        ]
    );
}

#[test]
fn the_values_of_a_configuration_are_judged_by_the_model() {
    assert_eq!(configure().check(MULTILINGUAL_MODEL), Ok(()));
    let why = |configure: Configure, model| configure.check(model).unwrap_err().to_string();
    assert_eq!(
        why(configure(), "flux-general-en"),
        "language_hint needs flux-general-multi"
    );
    let with = |thresholds| Configure {
        thresholds,
        ..Configure::default()
    };
    let (eot_threshold, eager_eot_threshold, eot_timeout_ms) = (Some(0.4), Some(0.95), Some(400));
    let table = [
        (
            Thresholds {
                eot_threshold,
                ..Thresholds::default()
            },
            "eot_threshold must be 0.5 to 1.0",
        ),
        (
            Thresholds {
                eager_eot_threshold,
                ..Thresholds::default()
            },
            "eager_eot_threshold must be 0.3 to 0.9",
        ),
        (
            Thresholds {
                eot_timeout_ms,
                ..Thresholds::default()
            },
            "eot_timeout_ms must be 500 to 60000",
        ),
    ];
    for (thresholds, expected) in table {
        assert_eq!(why(with(thresholds), "flux-general-en"), expected);
    }
}

#[test]
fn the_query_of_the_reference_is_written_and_taken() {
    let query = Query {
        eot_threshold: Some(0.7),
        eager_eot_threshold: Some(0.5),
        eot_timeout_ms: Some(4000),
        ..Query::telephone("flux-general-en")
    };
    let text = fixture!("flux_telephone.query");
    assert_eq!(query.to_query(), text);
    assert_eq!(parse_query(text), Ok(query));
}

#[test]
fn a_query_may_go_to_the_bounds() {
    for taken in [
        "eot_threshold=0.5&eager_eot_threshold=0.3&eot_timeout_ms=500",
        "eot_threshold=1.0&eager_eot_threshold=0.9&eot_timeout_ms=60000",
        "encoding=linear16&sample_rate=16000",
        "encoding=linear32&sample_rate=24000",
        "encoding=alaw&sample_rate=44100",
        "encoding=opus&sample_rate=48000",
        "encoding=ogg-opus",
        "redact=numbers&redact=aggressive_numbers",
    ] {
        let query = parse_query(&format!("model=flux-general-en&{taken}"));
        assert!(query.is_ok(), "{taken}: {query:?}");
    }
    for language in LANGUAGES {
        let query = parse_query(&format!(
            "model=flux-general-multi&language_hint={language}"
        ));
        assert!(query.is_ok(), "{language}: {query:?}");
    }
}

#[test]
fn the_queries_deepgram_refuses_are_refused() {
    assert_refused!(
        parse_query,
        [
            ("encoding=mulaw", "missing query parameter \"model\""),
            ("model=nova-3", "model must be a flux model"),
            (
                "model=flux-general-en&interim_results=true",
                "unknown query parameter \"interim_results\"",
            ),
            (
                "model=flux-general-en&language=en",
                "unknown query parameter \"language\"",
            ),
            (
                "model=flux-general-en&encoding=mulaw",
                "missing query parameter \"sample_rate\"",
            ),
            (
                "model=flux-general-en&encoding=flac&sample_rate=8000",
                "encoding must be linear16, linear32, mulaw, alaw, opus or ogg-opus",
            ),
            (
                "model=flux-general-en&encoding=mulaw&sample_rate=11025",
                "sample_rate must be 8000, 16000, 24000, 44100 or 48000",
            ),
            (
                "model=flux-general-en&eot_threshold=0.4",
                "eot_threshold must be 0.5 to 1.0",
            ),
            (
                "model=flux-general-en&eot_threshold=NaN",
                "eot_threshold must be 0.5 to 1.0",
            ),
            (
                "model=flux-general-en&eager_eot_threshold=0.95",
                "eager_eot_threshold must be 0.3 to 0.9",
            ),
            (
                "model=flux-general-en&eot_timeout_ms=499",
                "eot_timeout_ms must be 500 to 60000",
            ),
            (
                "model=flux-general-en&eot_timeout_ms=60001",
                "eot_timeout_ms must be 500 to 60000",
            ),
            (
                "model=flux-general-en&language_hint=en",
                "language_hint needs flux-general-multi",
            ),
            (
                "model=flux-general-multi&language_hint=",
                "language_hint must be de, en, es, fr, hi, it, ja, nl, pt or ru",
            ),
            (
                "model=flux-general-en&redact=pci",
                "redact must be numbers or aggressive_numbers",
            ),
            (
                "model=flux-general-en&numerals=True",
                "numerals must be true or false",
            ),
        ]
    );
}

prop_compose! {
    fn turns()(
        (sequence_id, turn_index) in any::<(u64, u64)>(),
        (audio_window_start, audio_window_end) in (times(), times()),
        transcript in any::<String>(),
        words in prop::collection::vec(
            (any::<String>(), ratios(), prop::option::of(times()), prop::option::of(times())),
            0..4,
        ),
        end_of_turn_confidence in ratios(),
        (languages, languages_hinted) in (texts(), texts()),
    ) -> TurnInfo {
        let word = |(word, confidence, start, end)| Word { word, confidence, start, end };
        TurnInfo {
            sequence_id, turn_index, audio_window_start, audio_window_end, transcript, end_of_turn_confidence,
            languages, languages_hinted, words: words.into_iter().map(word).collect(), ..end_of_turn()
        }
    }
}

prop_compose! {
    fn configurations()(
        eot_threshold in prop::option::of(ratios()),
        eager_eot_threshold in prop::option::of(ratios()),
        eot_timeout_ms in any::<Option<u32>>(),
        keyterms in prop::option::of(texts()),
        language_hints in prop::option::of(texts()),
        numerals in any::<Option<bool>>(),
    ) -> Configure {
        let thresholds = Thresholds { eot_threshold, eager_eot_threshold, eot_timeout_ms };
        Configure { thresholds, keyterms, language_hints, numerals }
    }
}

proptest! {
    #[test]
    fn a_turn_is_read_as_it_was_written(turn in turns()) {
        let event = Event::TurnInfo(Box::new(turn));
        prop_assert_eq!(parse(&event.to_text()), Ok(event));
    }

    #[test]
    fn a_command_is_read_as_it_was_written(configure in configurations()) {
        let command = Command::Configure(configure);
        prop_assert_eq!(parse_command(&command.to_text()), Ok(command));
    }

    #[test]
    fn a_query_is_read_as_it_was_written(
        eot in prop::option::of(500..=1000u32),
        eot_timeout_ms in prop::option::of(500..=60_000u32),
        (keyterms, tags) in (texts(), texts()),
        (numerals, profanity_filter, mip_opt_out) in any::<(bool, bool, bool)>(),
    ) {
        let query = Query {
            encoding: Some(Encoding::OggOpus),
            sample_rate: None,
            eot_threshold: eot.map(|thousandths| f64::from(thousandths) / 1e3),
            eot_timeout_ms, keyterms, tags, numerals, profanity_filter, mip_opt_out,
            language_hints: vec!["ja".to_owned()],
            redact: vec!["numbers".to_owned()],
            ..Query::telephone(MULTILINGUAL_MODEL)
        };
        prop_assert_eq!(parse_query(&query.to_query()), Ok(query));
    }

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        let _ = (parse(&text), parse_command(&text), parse_query(&text));
    }
}
