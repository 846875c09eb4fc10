//! What must hold for any bytes that claim to come from Deepgram, or from a client that claims to speak its language.
//! Fuzz targets run these functions on what they invent, the tests of `ringback-wire` on the committed corpora.

use ringback_wire::deepgram::http_error::{HttpError, MAX_MESSAGE};
use ringback_wire::deepgram::{flux, listen, speak};

/// Whatever is taken, by the lenient readers and by the strict ones, is written and read again as the same.
pub fn message(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(event) = listen::parse(text) {
        assert_eq!(listen::parse(&event.to_text()), Ok(event));
    }
    if let Ok(event) = flux::parse(text) {
        assert_eq!(flux::parse(&event.to_text()), Ok(event));
    }
    if let Ok(event) = speak::parse(text) {
        assert_eq!(speak::parse(&event.to_text()), Ok(event));
    }
    if let Ok(command) = listen::parse_command(text) {
        assert_eq!(listen::parse_command(&command.to_text()), Ok(command));
    }
    if let Ok(command) = flux::parse_command(text) {
        assert_eq!(flux::parse_command(&command.to_text()), Ok(command));
    }
    if let Ok(command) = speak::parse_command(text) {
        assert_eq!(speak::parse_command(&command.to_text()), Ok(command));
    }
    if let Ok(request) = speak::parse_text(text) {
        assert_eq!(speak::parse_text(&request.to_text()), Ok(request));
    }
}

/// A query that is taken is written and read again as the same.
pub fn query(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(query) = listen::parse_query(text) {
        assert_eq!(listen::parse_query(&query.to_query()), Ok(query));
    }
    if let Ok(query) = flux::parse_query(text) {
        assert_eq!(flux::parse_query(&query.to_query()), Ok(query));
    }
    if let Ok(query) = speak::parse_socket_query(text) {
        assert_eq!(speak::parse_socket_query(&query.to_query()), Ok(query));
    }
    if let Ok(query) = speak::parse_request_query(text) {
        assert_eq!(speak::parse_request_query(&query.to_query()), Ok(query));
    }
}

/// A message is short and clean, and is written and read again as the same.
pub fn error(data: &[u8]) {
    let error = HttpError::read(data);
    assert!(error.message.chars().count() <= MAX_MESSAGE);
    assert!(!error.message.chars().any(char::is_control));
    assert_eq!(HttpError::read(error.to_modern_text().as_bytes()), error);
}
