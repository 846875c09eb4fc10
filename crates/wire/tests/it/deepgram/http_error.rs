use proptest::prelude::*;
use ringback_wire::deepgram::http_error::{HttpError, MAX_MESSAGE};

const REQUEST: &str = "3f0f0d3e-8f5c-4b8e-9c1f-0a4b6d8e1c22";

fn said(message: &str) -> HttpError {
    HttpError {
        message: message.to_owned(),
        ..HttpError::default()
    }
}

#[test]
fn both_shapes_of_the_reference_are_read_and_written() {
    let legacy = HttpError {
        code: Some("INVALID_AUTH".to_owned()),
        request_id: Some(REQUEST.to_owned()),
        ..said("Invalid credentials.")
    };
    let text = fixture!("error_legacy.json");
    assert_eq!(HttpError::read(text.as_bytes()), legacy);
    assert_eq!(legacy.to_legacy_text(), text);
    let modern = HttpError {
        code: Some("INVALID_JSON".to_owned()),
        details: Some("missing field `text`".to_owned()),
        request_id: Some(REQUEST.to_owned()),
        ..said("Invalid JSON submitted.")
    };
    let text = fixture!("error_modern.json");
    assert_eq!(HttpError::read(text.as_bytes()), modern);
    assert_eq!(modern.to_modern_text(), text);
}

#[test]
fn whatever_else_comes_gives_a_short_message() {
    let table = [
        ("", ""),
        ("Too Many Requests\r\n", "Too Many Requests"),
        ("\"just text\"", "just text"),
        ("{}", ""),
        (r#"{"err_msg":7,"message":"b"}"#, "b"),
        (r#"{"details":"only this"}"#, "only this"),
        (r#"{"error":{"message":"inside"}}"#, "inside"),
        ("[1,2]", "[1,2]"),
        (
            "<html><head><title>502 Bad Gateway</title></head><body>x</body></html>",
            "502 Bad Gateway",
        ),
        ("<html>\n<h1>Not\u{7} here</h1>\n</html>", "Not here"),
        ("<", ""),
    ];
    for (body, message) in table {
        assert_eq!(HttpError::read(body.as_bytes()).message, message, "{body}");
    }
    assert_eq!(HttpError::read(b"\xff\xfe").message, "\u{fffd}\u{fffd}");
    let long = HttpError::read("word ".repeat(100_000).as_bytes()).message;
    assert_eq!(long.chars().count(), MAX_MESSAGE);
    assert!(long.ends_with('…'));
}

proptest! {
    #[test]
    fn a_message_is_short_and_clean_whatever_came(body in any::<Vec<u8>>(), text in any::<String>()) {
        for error in [HttpError::read(&body), HttpError::read(said(&text).to_legacy_text().as_bytes())] {
            prop_assert!(error.message.chars().count() <= MAX_MESSAGE);
            prop_assert!(!error.message.chars().any(char::is_control));
            let legacy = HttpError::read(error.to_legacy_text().as_bytes());
            prop_assert_eq!(&legacy.message, &error.message);
            let modern = HttpError::read(error.to_modern_text().as_bytes());
            prop_assert_eq!(modern, error);
        }
    }
}
