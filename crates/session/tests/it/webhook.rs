#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod answers;
mod faults;
mod requests;
mod service;

use std::time::Duration;

use ringback_call::{Direction, Fault, FaultKind, Party};
use ringback_session::Secret;
use ringback_session::responder::webhook::{Answered, HeardLine, Question, Webhook, WebhookConfig};
use uuid::Uuid;

/// Long enough that no test meets it on a busy machine.
const LONG: Duration = Duration::from_secs(20);
const NOW: u64 = 1_700_000_000;
const SECRET: &str = "correct horse";

fn config(url: &str) -> WebhookConfig {
    WebhookConfig {
        url: url.parse().unwrap(),
        secret: Some(Secret::new(SECRET)),
        timeout: LONG,
        first_byte: LONG,
        max_bytes: 1000,
        allow_private: true,
    }
}

fn question() -> Question {
    Question {
        call_id: Uuid::from_u128(7),
        call_sid: "CA00000000000000000000000000000001".to_owned(),
        scenario: "front-desk".to_owned(),
        direction: Direction::Inbound,
        from: "+15005550006".to_owned(),
        to: "+15005550001".to_owned(),
        turn: 3,
        reply: 5,
        text: "Is the café open?".to_owned(),
        digits: None,
        heard: vec![
            HeardLine {
                speaker: "agent",
                text: "Hello!".to_owned(),
            },
            HeardLine {
                speaker: "caller",
                text: "Good morning.".to_owned(),
            },
        ],
        hints: Vec::new(),
    }
}

async fn ask(config: &WebhookConfig) -> (Vec<Answered>, Result<(), Fault>) {
    let webhook = Webhook::new(false).unwrap();
    let mut answered = Vec::new();
    let mut on = |piece| answered.push(piece);
    let result = webhook.ask(config, &question(), NOW, &mut on).await;
    (answered, result)
}

fn said(text: &str) -> Answered {
    Answered::Text(text.to_owned())
}

fn over() -> Answered {
    Answered::End {
        end: false,
        transfer: None,
    }
}

/// A fault of the responder, of this kind, whose detail names this and betrays nothing.
#[track_caller]
fn check_fault(result: Result<(), Fault>, kind: FaultKind, named: &str) {
    let fault = result.unwrap_err();
    assert_eq!(
        (fault.party, fault.kind),
        (Party::Responder, kind),
        "{fault:?}"
    );
    assert!(fault.detail.contains(named), "{named:?} in {fault:?}");
    for private in [
        SECRET,
        "tok3n",
        "caf",
        "Good morning",
        "+1500",
        "answered words",
    ] {
        assert!(!fault.detail.contains(private), "{private:?} in {fault:?}");
    }
}
