use proptest::prelude::*;
use ringback_wire::twilio::webhook::{
    BadForm, CallStatus, Direction, Form, MAX_FIELDS, MAX_FORM_BYTES, MAX_NAME_BYTES, StreamEvent,
    StreamStatus, VoiceRequest,
};

use crate::fixtures::fixture;

fn parsed(text: &str) -> Form {
    Form::parse(text.as_bytes()).unwrap()
}

fn inbound() -> VoiceRequest<'static> {
    VoiceRequest {
        account_sid: Some("AC00000000000000000000000000000001"),
        from: Some("+15005550001"),
        to: Some("+15005550006"),
        direction: Some(Direction::Inbound),
        status: Some(CallStatus::Ringing),
        ..VoiceRequest::on("CA00000000000000000000000000000001")
    }
}

#[test]
fn the_voice_request_of_the_reference_is_read_and_written() {
    let form = parsed(fixture!("voice_inbound.form"));
    assert_eq!(VoiceRequest::of(&form), Ok(inbound()));
    assert_eq!(inbound().to_form(), form);
    assert_eq!(form.to_urlencoded(), fixture!("voice_inbound.form"));
}

#[test]
fn the_stream_status_of_the_reference_is_read() {
    let form = parsed(fixture!("stream_status.form"));
    let expected = StreamStatus {
        call_sid: "CA00000000000000000000000000000001",
        stream_sid: Some("MZ0000000000000000000000000000a001"),
        stream_name: Some("main"),
        event: Some(StreamEvent::Started),
        error: None,
        timestamp: Some("2026-11-20T09:15:03.120Z"),
    };
    assert_eq!(StreamStatus::of(&form), Ok(expected));
    let form = parsed("CallSid=CA1&StreamEvent=stream-error&StreamError=no+101");
    let status = StreamStatus::of(&form).unwrap();
    assert_eq!(
        (status.event, status.error),
        (Some(StreamEvent::Error), Some("no 101"))
    );
    let form = parsed("CallSid=CA1&StreamEvent=stream-stopped");
    assert_eq!(
        StreamStatus::of(&form).unwrap().event,
        Some(StreamEvent::Stopped)
    );
    assert_eq!(
        StreamStatus::of(&parsed("CallSid=CA1&StreamEvent=new"))
            .unwrap()
            .event,
        None
    );
    assert_eq!(
        StreamStatus::of(&parsed("CallSid=CA1")),
        Err(BadForm::Missing("StreamEvent"))
    );
}

#[test]
fn every_field_is_kept_in_order_blank_and_repeated_ones_too() {
    let form = parsed("b=2&a=&b=1&&c&Sp%C3%A9=%2B1+x%20y&=v&e=%SPACE%&f=%ff");
    let expected = [
        ("b", "2"),
        ("a", ""),
        ("b", "1"),
        ("c", ""),
        ("Spé", "+1 x y"),
        ("", "v"),
        ("e", "%SPACE%"),
        ("f", "\u{fffd}"),
    ];
    assert_eq!(
        form.pairs(),
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(
        form.names().collect::<Vec<_>>(),
        expected.map(|(name, _)| name)
    );
    assert_eq!(form.all("b").collect::<Vec<_>>(), ["2", "1"]);
    assert_eq!(
        (form.first("a"), form.filled("a"), form.first("z")),
        (Some(""), None, None)
    );
}

#[test]
fn the_remote_party_depends_on_the_direction() {
    let party = |direction: &str| {
        let form = parsed(&format!("CallSid=CA1&From=f&To=t&Direction={direction}"));
        let request = VoiceRequest::of(&form).unwrap();
        (
            request.remote_party() == Some("f"),
            request.own_party() == Some("t"),
        )
    };
    assert_eq!(party("inbound"), (true, true));
    assert_eq!(party("sideways"), (true, true));
    assert_eq!(party("outbound-api"), (false, false));
    assert_eq!(party("outbound-dial"), (false, false));
}

#[test]
fn only_the_call_is_required_and_unknown_words_are_none() {
    let form = parsed(
        "CallSid=CA1&CallStatus=dreaming&From=&Direction=&StirVerstat=TN-Validation-Passed-A",
    );
    let expected = VoiceRequest {
        stir_verstat: Some("TN-Validation-Passed-A"),
        ..VoiceRequest::on("CA1")
    };
    assert_eq!(VoiceRequest::of(&form), Ok(expected));
    assert_eq!(
        VoiceRequest::of(&parsed("CallSid=&From=f")),
        Err(BadForm::Missing("CallSid"))
    );
}

#[test]
fn five_of_the_nine_states_of_a_call_are_final() {
    let states = "queued initiated ringing in-progress completed busy failed no-answer canceled";
    let states = states
        .split(' ')
        .map(|word| CallStatus::from_word(word).unwrap());
    assert_eq!(
        states.map(CallStatus::is_final).collect::<Vec<_>>(),
        [false, false, false, false, true, true, true, true, true]
    );
    assert_eq!(CallStatus::from_word("Completed"), None);
}

#[test]
fn the_limits_hold_to_the_last_field_and_byte() {
    let parse = |text: &str| Form::parse(text.as_bytes()).map(|form| form.pairs().len());
    assert_eq!(parse(&"a&".repeat(MAX_FIELDS)), Ok(MAX_FIELDS));
    assert_eq!(
        parse(&"a&".repeat(MAX_FIELDS + 1)),
        Err(BadForm::TooManyFields)
    );
    assert_eq!(parse(&"n".repeat(MAX_NAME_BYTES)), Ok(1));
    let bytes = MAX_NAME_BYTES + 1;
    assert_eq!(parse(&"n".repeat(bytes)), Err(BadForm::LongName { bytes }));
    let value = |length: usize| format!("a={}", "v".repeat(length - 2));
    assert_eq!(parse(&value(MAX_FORM_BYTES)), Ok(1));
    let bytes = MAX_FORM_BYTES + 1;
    assert_eq!(parse(&value(bytes)), Err(BadForm::TooLarge { bytes }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_form_survives_the_wire(pairs in prop::collection::vec((".{0,20}", any::<String>()), 0..8)) {
        let form = pairs.into_iter().fold(Form::default(), |form, (name, value)| form.with(name, value));
        prop_assert_eq!(Form::parse(form.to_urlencoded().as_bytes()), Ok(form));
    }

    #[test]
    fn a_voice_request_survives_the_form(from in "[ -~]{1,20}", name in prop::option::of("\\PC{1,20}")) {
        let request = VoiceRequest { from: Some(&from), caller_name: name.as_deref(), ..inbound() };
        let form = request.to_form();
        prop_assert_eq!(VoiceRequest::of(&form), Ok(request));
    }

    #[test]
    fn any_bytes_are_a_form_or_refused(bytes: Vec<u8>) {
        let _ = Form::parse(&bytes).as_ref().map(VoiceRequest::of);
    }
}
