//! What must hold for any text that claims to come from a server of OpenAI's languages, or from a client of one.
//! Fuzz targets run these functions on what they invent, the tests of `ringback-wire` on the committed corpora.

use ringback_wire::openai::audio;
use ringback_wire::openai::chat::{self, StreamOptions, Streamed, ToolCalls, WithoutThinking};
use ringback_wire::openai::responses::{self, Echo};
use ringback_wire::openai::retry::duration_ms;
use ringback_wire::openai::{ApiError, models};

/// What a server sends is read without a panic, and a chunk that was read can be written and read again.
pub fn server(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let message = ApiError::read(text).message;
    assert!(message.chars().count() <= 200 && !message.chars().any(char::is_control));
    let _ = (
        models::parse(text),
        duration_ms(text),
        chat::parse_answer(text, "x"),
    );
    if let Ok(Streamed::Chunk(mut chunk)) = chat::parse(text) {
        let mut calls = ToolCalls::default();
        let mut spoken = WithoutThinking::default();
        for choice in &chunk.choices {
            for piece in &choice.delta.tool_calls {
                let _ = calls.push(piece);
            }
            spoken.push(choice.delta.content.as_deref().unwrap_or_default());
        }
        let _ = calls.finish("x");
        let asked = StreamOptions {
            include_usage: Some(true),
            include_obfuscation: None,
        };
        chunk
            .service_tier
            .get_or_insert_with(|| "default".to_owned());
        assert_eq!(
            chat::parse(&chunk.to_text(&asked)),
            Ok(Streamed::Chunk(chunk))
        );
    }
    if let Ok(event) = responses::parse(text) {
        let again = responses::parse(&event.to_text(1, &Echo::default()));
        assert_eq!(
            again.map(|event| event.kind().to_owned()),
            Ok(event.kind().to_owned())
        );
    }
    let _ = responses::parse_response(text);
    let _ = audio::parse_transcript(text);
    let _ = audio::parse_transcript_event(text);
    if let Ok(event) = audio::parse_speech_event(text) {
        let mut out = vec![7];
        let decoded = event.decode_into(&mut out);
        assert!(decoded.is_ok() || out == [7]);
    }
}

/// A request that the simulator takes can be written and is taken again.
pub fn client(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(request) = chat::parse_request(text) {
        assert_eq!(chat::parse_request(&request.to_text()), Ok(request));
    }
    if let Ok(request) = audio::parse_speech_request(text) {
        assert_eq!(audio::parse_speech_request(&request.to_text()), Ok(request));
    }
    if let Ok(request) = responses::parse_request(text) {
        let again = responses::parse_request(&request.to_text());
        assert_eq!(
            again.map(|request| request.to_text()),
            Ok(request.to_text())
        );
    }
}
