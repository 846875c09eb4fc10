//! What must hold for any bytes that claim to come from Cartesia, or from a client that claims to speak its language.
//! Fuzz targets run these functions on what they invent, the tests of `ringback-wire` on the committed corpora.

use ringback_wire::cartesia::{
    ApiError, ApiVersion, ClientMessage, ServerMessage, parse_bytes, parse_client, parse_server,
    parse_sse, parse_voices, write_cancel, write_voices,
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
        if let ServerMessage::Chunk(chunk) = message {
            let mut audio = vec![0x55];
            let decoded = chunk.decode_into(&mut audio);
            assert!(decoded.is_ok() || audio == [0x55]);
        }
    }
    if let Ok(voices) = parse_voices(text) {
        assert_eq!(parse_voices(&write_voices(&voices)), Ok(voices));
    }
}

/// What the strict readers take can be written and is taken again as the same.
pub fn client(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for date in ["2026-03-01", "2026-08-14"] {
        let Ok(version) = ApiVersion::parse(date) else {
            return;
        };
        if let Ok(message) = parse_client(text, &version) {
            let again = match &message {
                ClientMessage::Generation(read) => read.settings.to_text(read.input()),
                ClientMessage::Cancel { context_id } => {
                    let mut out = String::new();
                    write_cancel(&mut out, context_id);
                    out
                }
            };
            assert_eq!(parse_client(&again, &version), Ok(message));
        }
        if let Ok(body) = parse_bytes(text, &version) {
            assert_eq!(parse_bytes(&body.to_text(), &version), Ok(body));
        }
        if let Ok(body) = parse_sse(text, &version) {
            assert_eq!(parse_sse(&body.to_text(), &version), Ok(body));
        }
    }
}
