use ringback_wire::Garbled;
use ringback_wire::deepgram::listen::{
    Alternative, Channel, ModelInfo, Transcript, Word, parse_transcript,
};

use super::ms;

fn transcript() -> Transcript {
    let model = ModelInfo {
        name: "general-nova-3".to_owned(),
        version: "2026-01-15.0".to_owned(),
        arch: "nova-3".to_owned(),
    };
    let hello = Word {
        word: "hello".to_owned(),
        start: ms(480),
        end: ms(800),
        confidence: 0.99,
        punctuated_word: Some("Hello".to_owned()),
        ..Word::default()
    };
    Transcript {
        request_id: "b1c2d3e4-0000-4000-8000-1234567890ab".to_owned(),
        sha256: "9f2c".to_owned(),
        created: "2026-11-20T10:20:00.000Z".to_owned(),
        duration: ms(31_400),
        channels: 2,
        models: vec![("aa0c5f55-1b0b-4f9c-9a52-8e6b7c1f8a11".to_owned(), model)],
        results: vec![Channel {
            alternatives: vec![Alternative {
                transcript: "hello there".to_owned(),
                confidence: 0.98,
                languages: Vec::new(),
                words: vec![hello],
            }],
            detected_language: Some("en".to_owned()),
        }],
    }
}

#[test]
fn the_answer_of_the_reference_is_read_and_written() {
    let text = fixture!("recorded.json");
    assert_eq!(parse_transcript(text), Ok(transcript()));
    assert_eq!(transcript().to_text(), text);
}

#[test]
fn what_may_be_missing_is_done_without_and_what_may_be_more_is_ignored() {
    let sparse = r#"{"results":{"channels":[{"alternatives":[{"transcript":"hi","paragraphs":{}}]},{}],"utterances":[]}}"#;
    let read = parse_transcript(sparse).unwrap();
    assert_eq!(read.results[0].alternatives[0].transcript, "hi");
    assert_eq!(read.results[1], Channel::default());
    assert_eq!(read.duration, ms(0));
    for other in ["{}", r#"{"request_id":"x"}"#, r#"{"results":{}}"#, "7"] {
        let missing = parse_transcript(other);
        assert!(matches!(missing, Err(Garbled::Missing { .. })), "{other}");
    }
    assert!(parse_transcript("<html>").is_err());
}
