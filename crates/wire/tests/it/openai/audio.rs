use proptest::prelude::*;
use ringback_wire::Garbled;
use ringback_wire::openai::audio::{
    AudioUsage, Chunking, FilePart, MAX_FILE_BYTES, Segment, SpeakerSegment, SpeechEvent,
    SpeechRequest, Transcript, TranscriptEvent, TranscriptionRequest, Voice, Word,
    parse_speech_event, parse_speech_request, parse_transcript, parse_transcript_event,
    parse_transcription,
};
use ringback_wire::openai::{Refusal, Usage};
use serde_json::{Value, json};

use super::{events, fixture, same};

fn speech() -> SpeechRequest {
    SpeechRequest {
        model: "gpt-4o-mini-tts".to_owned(),
        input: "Your visit is on Friday at nine.".to_owned(),
        voice: Voice::Name("marin".to_owned()),
        instructions: Some("Warm, unhurried.".to_owned()),
        response_format: Some("pcm".to_owned()),
        speed: Some(1.0),
        ..SpeechRequest::default()
    }
}

#[test]
fn the_speech_request_of_the_reference_is_written_and_read() {
    let text = fixture!("speech_request.json");
    same(&speech().to_text(), text);
    assert_eq!(parse_speech_request(text), Ok(speech()));
    let own = SpeechRequest {
        voice: Voice::Id("voice_1".to_owned()),
        stream_format: Some("sse".to_owned()),
        ..speech()
    };
    assert_eq!(parse_speech_request(&own.to_text()), Ok(own));
}

#[test]
fn a_speech_request_is_judged() {
    let changes = [
        (
            "input",
            json!("x".repeat(4097)),
            "input",
            "string_above_max_length",
        ),
        ("voice", json!(7), "voice", "invalid_type"),
        (
            "response_format",
            json!("mulaw"),
            "response_format",
            "invalid_value",
        ),
        ("speed", json!(4.5), "speed", "decimal_above_max_value"),
        ("speed", json!(0.2), "speed", "decimal_below_min_value"),
        (
            "sample_rate",
            json!(8000),
            "sample_rate",
            "unknown_parameter",
        ),
        (
            "stream_format",
            json!("ws"),
            "stream_format",
            "invalid_value",
        ),
    ];
    for (name, change, param, code) in changes {
        let mut value: Value = serde_json::from_str(&speech().to_text()).unwrap();
        value[name] = change;
        let error = parse_speech_request(&value.to_string()).unwrap_err().error;
        assert_eq!(
            (error.param.as_deref(), error.code.as_deref()),
            (Some(param), Some(code))
        );
    }
    let old = SpeechRequest {
        model: "tts-1-hd".to_owned(),
        stream_format: Some("sse".to_owned()),
        ..speech()
    };
    let error = parse_speech_request(&old.to_text()).unwrap_err().error;
    assert_eq!(error.code.as_deref(), Some("unsupported_value"));
    let silent = parse_speech_request(r#"{"model":"m","voice":"v"}"#).unwrap_err();
    assert_eq!(silent.error.param.as_deref(), Some("input"));
}

#[test]
fn speech_events_are_read_decoded_and_written() {
    let usage = Usage {
        input: 9,
        output: 70,
        ..Usage::default()
    };
    let expected = [SpeechEvent::audio(&[1, 2, 3, 4]), SpeechEvent::Done(usage)];
    let sent = events(fixture!("speech_stream.sse"));
    assert_eq!(sent.len(), 2);
    let mut audio = vec![0];
    for (sent, expected) in sent.iter().zip(expected) {
        same(&expected.to_text(), &sent.data);
        assert_eq!(parse_speech_event(&sent.data).as_ref(), Ok(&expected));
        expected.decode_into(&mut audio).unwrap();
    }
    assert_eq!(audio, [0, 1, 2, 3, 4]);
    let bad = parse_speech_event(r#"{"type":"speech.audio.delta","audio":"A"}"#).unwrap();
    assert_eq!(
        bad.decode_into(&mut audio),
        Err(Garbled::Payload { length: 1 })
    );
    assert_eq!(audio.len(), 5);
    assert!(matches!(
        parse_speech_event(r#"{"error":{"message":"m"}}"#),
        Ok(SpeechEvent::Failed(_))
    ));
    assert!(matches!(
        parse_speech_event(r#"{"type":"new"}"#),
        Ok(SpeechEvent::Other(_))
    ));
    assert!(parse_speech_event("{}").is_err());
    assert!(parse_speech_event(r#"{"type":"speech.audio.delta"}"#).is_err());
}

const SAID: &str = "I would like to move my visit.";

fn tokens(input: u64, output: u64) -> Option<AudioUsage> {
    Some(AudioUsage::Tokens(Usage {
        input,
        output,
        ..Usage::default()
    }))
}

fn said(text: &str) -> Transcript {
    Transcript {
        text: text.to_owned(),
        ..Transcript::default()
    }
}

#[test]
fn plain_transcripts_of_the_reference_are_read_and_written() {
    let text = fixture!("transcript.json");
    let expected = Transcript {
        languages: vec!["en".to_owned()],
        usage: Some(AudioUsage::Seconds(4.0)),
        ..said(SAID)
    };
    same(&expected.to_json(), text);
    assert_eq!(parse_transcript(text), Ok(expected));
    let read = parse_transcript(fixture!("transcript_tokens.json")).unwrap();
    assert_eq!((read.text.as_str(), read.usage), (SAID, tokens(40, 9)));
    assert_eq!(
        parse_transcript(r#"{"text":"","languages":null,"usage":7}"#),
        Ok(said(""))
    );
    assert!(parse_transcript("{}").is_err() && parse_transcript("plain text").is_err());
}

#[test]
fn verbose_and_diarized_transcripts_are_read_and_written() {
    let text = fixture!("transcript_verbose.json");
    let expected = Transcript {
        language: Some("english".to_owned()),
        duration_s: Some(4.2),
        words: vec![Word {
            word: "I".to_owned(),
            start_s: 0.1,
            end_s: 0.2,
        }],
        segments: vec![Segment {
            id: 0,
            start_s: 0.0,
            end_s: 4.2,
            text: format!(" {SAID}"),
            avg_logprob: Some(-0.2),
            no_speech_prob: Some(0.02),
        }],
        usage: Some(AudioUsage::Seconds(5.0)),
        ..said(SAID)
    };
    same(&expected.to_verbose_json(), text);
    assert_eq!(parse_transcript(text), Ok(expected));
    let text = fixture!("transcript_diarized.json");
    let expected = Transcript {
        duration_s: Some(9.5),
        speakers: vec![hello()],
        usage: tokens(90, 12),
        ..said("Hello. Hi.")
    };
    same(&expected.to_diarized_json(), text);
    assert_eq!(parse_transcript(text), Ok(expected));
}

fn hello() -> SpeakerSegment {
    SpeakerSegment {
        id: "seg_1".to_owned(),
        speaker: "A".to_owned(),
        start_s: 0.0,
        end_s: 1.1,
        text: "Hello.".to_owned(),
    }
}

#[test]
fn transcripts_that_stream_are_read_and_written() {
    let end = Transcript {
        languages: vec!["en".to_owned()],
        usage: tokens(40, 9),
        ..said(SAID)
    };
    let expected = [
        TranscriptEvent::Delta("I would ".to_owned()),
        TranscriptEvent::Segment(hello()),
        TranscriptEvent::Text(end),
    ];
    let sent = events(fixture!("transcript_stream.sse"));
    assert_eq!(sent.len(), 4);
    for (sent, expected) in sent.iter().zip(expected) {
        same(&expected.to_text(), &sent.data);
        assert_eq!(parse_transcript_event(&sent.data), Ok(expected));
    }
    assert_eq!(
        parse_transcript_event(&sent[3].data),
        Ok(TranscriptEvent::Done)
    );
    let failed = parse_transcript_event(r#"{"type":"error","error":{"message":"m"}}"#);
    assert!(matches!(failed, Ok(TranscriptEvent::Failed(error)) if error.message == "m"));
    assert!(parse_transcript_event(r#"{"type":"transcript.text.done"}"#).is_err());
}

const WAV: FilePart<'static> = FilePart {
    filename: "audio.wav",
    bytes: 1000,
};

fn judged(
    parts: &[(&str, &str)],
    file: Option<FilePart<'_>>,
) -> Result<TranscriptionRequest, Refusal> {
    parse_transcription(parts.iter().copied(), file)
}

fn again(request: &TranscriptionRequest) -> Result<TranscriptionRequest, Refusal> {
    let fields = request.fields();
    parse_transcription(
        fields.iter().map(|(name, value)| (*name, value.as_str())),
        Some(WAV),
    )
}

#[test]
fn the_fields_of_a_form_are_named_as_in_the_reference() {
    let request = TranscriptionRequest {
        model: "gpt-transcribe".to_owned(),
        languages: vec!["en".to_owned(), "de".to_owned()],
        keywords: vec!["Oakhurst".to_owned()],
        stream: true,
        ..TranscriptionRequest::default()
    };
    let expected = [
        ("model", "gpt-transcribe"),
        ("stream", "true"),
        ("languages[]", "en"),
        ("languages[]", "de"),
        ("keywords[]", "Oakhurst"),
    ];
    assert_eq!(
        request.fields(),
        expected.map(|(name, value)| (name, value.to_owned()))
    );
    assert_eq!(again(&request), Ok(request));
    let request = TranscriptionRequest {
        model: "gpt-4o-transcribe-diarize".to_owned(),
        response_format: Some("diarized_json".to_owned()),
        chunking: Some(Chunking::ServerVad {
            prefix_padding_ms: Some(300),
            silence_duration_ms: None,
            threshold: Some(0.5),
        }),
        known_speaker_names: vec!["Ann".to_owned()],
        known_speaker_references: vec!["data:audio/wav;base64,AA==".to_owned()],
        ..TranscriptionRequest::default()
    };
    assert_eq!(
        request.fields()[4],
        ("chunking_strategy[type]", "server_vad".to_owned())
    );
    assert_eq!(again(&request), Ok(request));
    let request = TranscriptionRequest {
        model: "whisper-1".to_owned(),
        language: Some("en".to_owned()),
        prompt: Some("p".to_owned()),
        response_format: Some("verbose_json".to_owned()),
        temperature: Some(0.25),
        timestamp_granularities: vec!["word".to_owned(), "segment".to_owned()],
        chunking: Some(Chunking::Auto),
        ..TranscriptionRequest::default()
    };
    assert_eq!(again(&request), Ok(request));
}

#[test]
fn a_form_is_judged() {
    let table = [
        (&[("model", "")][..], "model"),
        (&[("model", "m"), ("top_k", "1")], "top_k"),
        (&[("model", "m"), ("languages", "en")], "languages"),
        (
            &[("model", "m"), ("response_format", "xml")],
            "response_format",
        ),
        (&[("model", "m"), ("temperature", "NaN")], "temperature"),
        (&[("model", "m"), ("stream", "yes")], "stream"),
        (
            &[("model", "m"), ("chunking_strategy[kind]", "x")],
            "chunking_strategy[kind]",
        ),
        (
            &[("model", "m"), ("timestamp_granularities[]", "word")],
            "timestamp_granularities",
        ),
        (
            &[
                ("model", "gpt-transcribe"),
                ("response_format", "verbose_json"),
            ],
            "response_format",
        ),
        (
            &[("model", "gpt-4o-transcribe"), ("response_format", "srt")],
            "response_format",
        ),
        (
            &[("model", "whisper-1"), ("response_format", "diarized_json")],
            "response_format",
        ),
        (
            &[("model", "gpt-4o-transcribe-diarize"), ("prompt", "p")],
            "prompt",
        ),
    ];
    for (parts, param) in table {
        let refusal = judged(parts, Some(WAV)).unwrap_err();
        assert_eq!(
            (refusal.status, refusal.error.param.as_deref()),
            (400, Some(param))
        );
    }
    let one = &[("model", "m")];
    assert_eq!(
        judged(one, None).unwrap_err().error.param.as_deref(),
        Some("file")
    );
    for filename in ["audio", "audio.aiff", ""] {
        let refusal = judged(one, Some(FilePart { filename, bytes: 1 })).unwrap_err();
        assert!(refusal.error.message.starts_with("Unsupported file format"));
    }
    let of = |bytes| {
        judged(
            one,
            Some(FilePart {
                filename: "a.FLAC",
                bytes,
            }),
        )
    };
    assert!(of(MAX_FILE_BYTES).is_ok());
    assert_eq!(of(MAX_FILE_BYTES + 1).unwrap_err().status, 413);
}

proptest! {
    #[test]
    fn a_speech_request_that_is_written_is_read_again(
        model in "[a-z0-9-]{1,12}", input in ".{0,60}", voice in ".{0,9}", speed in proptest::option::of(1_u8..16),
    ) {
        let speed = speed.map(|quarters| f64::from(quarters) / 4.0);
        let request = SpeechRequest { model, input, voice: Voice::Name(voice), speed, ..SpeechRequest::default() };
        prop_assert_eq!(parse_speech_request(&request.to_text()), Ok(request));
    }

    #[test]
    fn audio_that_is_written_is_read_again(bytes in proptest::collection::vec(any::<u8>(), 0..99)) {
        let event = parse_speech_event(&SpeechEvent::audio(&bytes).to_text()).unwrap();
        let mut out = Vec::new();
        event.decode_into(&mut out).unwrap();
        prop_assert_eq!(out, bytes);
    }

    #[test]
    fn a_form_that_is_written_is_read_again(
        languages in proptest::collection::vec("[a-z]{2}", 0..3), keywords in proptest::collection::vec(".{0,9}", 0..3),
        prompt in proptest::option::of(".{0,9}"), stream in any::<bool>(),
    ) {
        let request = TranscriptionRequest { model: "m".to_owned(), languages, keywords, prompt, stream, ..TranscriptionRequest::default() };
        prop_assert_eq!(again(&request), Ok(request));
    }

    #[test]
    fn no_text_makes_a_panic(text in ".{0,200}", name in ".{0,20}") {
        let _ = parse_speech_request(&text);
        let _ = parse_speech_event(&text);
        let _ = parse_transcript(&text);
        let _ = parse_transcript_event(&text);
        let _ = judged(&[("model", "m"), (&name, &text)], Some(FilePart { filename: &text, bytes: 1 }));
    }
}
