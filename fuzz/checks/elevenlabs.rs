//! What must hold for any bytes that claim to come from ElevenLabs, or from a client that claims to speak its language.
//! Fuzz targets run these functions on what they invent, the tests of `ringback-wire` on the committed corpora.

use ringback_wire::elevenlabs::{
    ApiError, Endpoint, Opening, ServerMessage, StreamQuery, TimedChunk, parse_body, parse_multi,
    parse_opening, parse_server, parse_single, parse_timed_chunk,
};

/// What is understood can be written and understood again; an error fits into a line.
pub fn server(data: &[u8]) {
    let line = ApiError::from_http(500, data).line();
    assert!(line.chars().count() <= 200 && !line.contains(char::is_control));
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(message) = parse_server(text) {
        assert_eq!(parse_server(&message.to_text()).as_ref(), Ok(&message));
        if let ServerMessage::Audio(audio) = message {
            let mut bytes = vec![0x55];
            let decoded = audio.decode_into(&mut bytes);
            assert!(decoded.is_ok() || bytes == [0x55]);
        }
    }
    if let Ok(chunk) = parse_timed_chunk(text) {
        let mut bytes = Vec::new();
        if chunk.decode_into(&mut bytes).is_ok() {
            let again = TimedChunk::line(&bytes, &chunk.alignment);
            assert_eq!(parse_timed_chunk(&again), Ok(chunk));
        }
    }
}

/// What the strict readers take can be written and is taken again as the same.
pub fn client(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(opening) = parse_opening(text) {
        assert_eq!(parse_opening(&opening.to_text()), Ok(opening));
    }
    let opening = Opening::default();
    if let Ok(message) = parse_single(text, &opening) {
        assert_eq!(parse_single(&message.to_text(), &opening), Ok(message));
    }
    if let Ok(message) = parse_multi(text) {
        assert_eq!(parse_multi(&message.to_text()), Ok(message));
    }
    if let Ok(body) = parse_body(text) {
        assert_eq!(parse_body(&body.to_text()), Ok(body));
    }
    for endpoint in [Endpoint::StreamInput, Endpoint::Stream] {
        if let Ok(query) = StreamQuery::parse(text, endpoint) {
            assert_eq!(StreamQuery::parse(&query.to_query(), endpoint), Ok(query));
        }
    }
    if let Some((endpoint, voice)) = Endpoint::parse(text) {
        assert_eq!(
            Endpoint::parse(&endpoint.path(&voice)),
            Some((endpoint, voice))
        );
    }
}
