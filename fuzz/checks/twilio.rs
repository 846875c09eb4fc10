//! What must hold for any bytes that claim to come from Twilio, or from a server that claims to speak its language.
//! Fuzz targets run these functions on what they invent, the tests of `ringback-wire` on the committed corpora.

use ringback_wire::twilio::media::{
    Inbound, parse, parse_reference, write_clear, write_mark, write_media,
};
use ringback_wire::twilio::media_client::{Outbound, parse_outbound};
use ringback_wire::twilio::twiml;
use ringback_wire::twilio::webhook::{Form, MAX_FORM_BYTES, StreamStatus, VoiceRequest};

/// The fast path answers as the reference does, and what the strict reader takes is what our writers write.
pub fn media(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let message = parse(text);
    assert_eq!(message, parse_reference(text));
    if let Ok(Inbound::Media(media)) = message {
        let mut mulaw = vec![0x55];
        let decoded = media.decode_into(&mut mulaw);
        assert!(decoded.is_ok() || mulaw == [0x55]);
    }
    if let Ok(message) = parse_outbound(text) {
        let mut again = String::new();
        let mut mulaw = Vec::new();
        message.decode_into(&mut mulaw);
        match &message {
            Outbound::Media { stream_sid, .. } => write_media(&mut again, stream_sid, &mulaw),
            Outbound::Mark { stream_sid, name } => write_mark(&mut again, stream_sid, name),
            Outbound::Clear { stream_sid } => write_clear(&mut again, stream_sid),
        }
        assert_eq!(parse_outbound(&again), Ok(message));
    }
}

/// What the strict reader takes can be written and read again.
pub fn twiml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(verbs) = twiml::parse(text) {
        let again = twiml::render(&verbs);
        if again.len() <= twiml::MAX_DOCUMENT_BYTES {
            assert_eq!(twiml::parse(&again), Ok(verbs));
        }
    }
}

/// A form that is taken can be written and read again; its views never panic.
pub fn form(data: &[u8]) {
    let Ok(form) = Form::parse(data) else { return };
    let again = form.to_urlencoded();
    if again.len() <= MAX_FORM_BYTES {
        assert_eq!(Form::parse(again.as_bytes()).as_ref(), Ok(&form));
    }
    if let Ok(request) = VoiceRequest::of(&form) {
        assert_eq!(VoiceRequest::of(&request.to_form()), Ok(request));
    }
    let _ = StreamStatus::of(&form);
}
