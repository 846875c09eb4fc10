//! The library through its public face: a whole call as text, with the real engines.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use ringback::{CallError, StreamEvent, TwilioPhoneCall, create_twilio_voice_response};
use ringback_audio::g711;
use ringback_session::prices::Prices;
use ringback_session::provider::Accounts;
use ringback_session::scenario::{SttEngine, TtsEngine};
use ringback_session::{EngineConfig, Engines};
use ringback_wire::twilio::media_client::{
    InboundMedia, Outbound, parse_outbound, write_inbound_media, write_mark_echo,
};

const START: &str = r#"{"event":"start","sequenceNumber":"1","start":{"streamSid":"MZ1","accountSid":"AC1","callSid":"CA1","tracks":["inbound"],"customParameters":{"caller":"+15005550001"},"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}},"streamSid":"MZ1"}"#;

#[test]
fn the_twiml_connects_the_socket_and_passes_the_number_on() {
    let twiml =
        create_twilio_voice_response("+15005550001", "wss://agent.example.test/ws").unwrap();
    assert!(
        twiml.contains(r#"<Stream url="wss://agent.example.test/ws">"#),
        "{twiml}"
    );
    assert!(
        twiml.contains(r#"<Parameter name="caller" value="+15005550001"/>"#),
        "{twiml}"
    );
    let query = create_twilio_voice_response("+15005550001", "wss://agent.example.test/ws?x=1");
    assert!(matches!(query, Err(CallError::Refused(_))), "{query:?}");
}

#[test]
fn only_a_start_message_begins_a_call() {
    let connected = r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#;
    for message in [connected, "", "{", &START.replace("8000", "16000")] {
        let begun = TwilioPhoneCall::from_start_message(message);
        assert!(matches!(begun, Err(CallError::NoStart(_))), "{message}");
    }
}

/// A caller in real time: what plays and what is heard.
struct Line {
    call: TwilioPhoneCall,
    begun: Instant,
    frames: u64,
    played: Vec<u8>,
    events: Vec<StreamEvent>,
}

impl Line {
    fn new(call: TwilioPhoneCall) -> Self {
        Self {
            call,
            begun: Instant::now(),
            frames: 0,
            played: Vec::new(),
            events: Vec::new(),
        }
    }

    fn take(&mut self, events: Vec<StreamEvent>) {
        for event in events {
            let StreamEvent::Send(message) = &event else {
                self.events.push(event);
                continue;
            };
            match parse_outbound(message).unwrap() {
                media @ Outbound::Media { .. } => media.decode_into(&mut self.played),
                Outbound::Mark { name, .. } => {
                    // Played at once: a carrier without delay.
                    let mut echo = String::new();
                    write_mark_echo(&mut echo, self.frames + 1, "MZ1", &name);
                    let more = self.call.receive_twilio_message(&echo).unwrap();
                    self.take(more);
                }
                Outbound::Clear { .. } => {}
            }
        }
    }

    /// One frame of the caller's, at its time.
    fn frame(&mut self, mulaw: &[u8]) {
        self.frames += 1;
        let due = self.begun + Duration::from_millis(20 * self.frames);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let mut message = String::new();
        let media = InboundMedia {
            stream_sid: "MZ1",
            sequence: self.frames + 1,
            chunk: self.frames,
            timestamp_ms: 20 * self.frames,
            mulaw,
        };
        write_inbound_media(&mut message, &media);
        let events = self.call.receive_twilio_message(&message).unwrap();
        self.take(events);
    }

    fn say(&mut self, text: &str) {
        let events = self.call.text_to_twilio_messages(text);
        self.take(events);
    }

    fn until(&mut self, seconds: u64, mut done: impl FnMut(&mut Self) -> bool) {
        for _ in 0..seconds * 50 {
            self.frame(&[g711::SILENCE; 160]);
            if done(self) {
                return;
            }
        }
        panic!("not within {seconds} s; events: {:?}", self.events);
    }
}

#[test]
fn speech_comes_as_text_and_text_leaves_as_speech() {
    let folder = tempfile::tempdir().unwrap();
    let engines = Engines::start(EngineConfig {
        data_dir: folder.path().to_owned(),
        recognizers: 1,
        recognizer_library: None,
        voices: 1,
        allow_private_webhooks: false,
        company: String::new(),
        accounts: Accounts::default(),
        proxy: None,
        stt: vec![SttEngine::PocketSphinx {
            keyterms: Vec::new(),
        }],
        responders: Vec::new(),
        tts: vec![TtsEngine::Pico],
        prices: Prices::default(),
        secrets: ringback_session::Secrets::default(),
    })
    .unwrap();
    let engines = std::sync::Arc::new(engines);
    let call = TwilioPhoneCall::with_engines(START, std::sync::Arc::clone(&engines)).unwrap();
    assert_eq!(
        (call.call_sid(), call.caller()),
        ("CA1", Some("+15005550001"))
    );
    let busy = TwilioPhoneCall::with_engines(START, engines);
    assert!(matches!(busy, Err(CallError::Busy)));

    let mut line = Line::new(call);
    line.say("Hey! How can I help you?");
    line.until(10, |line| line.events.contains(&StreamEvent::Finished));
    let spoken = line
        .played
        .iter()
        .filter(|&&byte| g711::decode(byte).unsigned_abs() > 1000)
        .count();
    assert!(
        spoken > 4000,
        "{spoken} loud samples of {}",
        line.played.len()
    );

    let answer = include_bytes!("../../../speech/tests/fixtures/answers/rms-bicycle.ulaw");
    for frame in answer.chunks(160) {
        line.frame(frame);
    }
    let mut heard = None;
    line.until(5, |line| {
        heard = line.call.check_mailbox();
        heard.is_some()
    });
    let heard = heard.unwrap();
    assert!(heard.contains("bicycle"), "{heard:?}");
    assert_eq!(line.call.check_mailbox(), None);

    line.say("Thank you.");
    line.until(5, |line| {
        line.events
            .iter()
            .filter(|event| **event == StreamEvent::Finished)
            .count()
            == 2
    });
    let stop = r#"{"event":"stop","sequenceNumber":"9","stop":{"accountSid":"AC1","callSid":"CA1"},"streamSid":"MZ1"}"#;
    let events = line.call.receive_twilio_message(stop).unwrap();
    assert_eq!(events, [StreamEvent::Ended]);
}

#[test]
fn a_message_that_twilio_would_not_send_ends_the_call_with_a_code() {
    let mut call = match TwilioPhoneCall::from_start_message(START) {
        Ok(call) => call,
        Err(error) => panic!("{error}"),
    };
    let garbage = call.receive_twilio_message("{\"event\":");
    assert!(
        matches!(garbage, Err(CallError::Misbehaved { code: 1007, .. })),
        "{garbage:?}"
    );
    assert!(call.is_over());
}
