//! What a call is made from.

use std::sync::Arc;

use ringback_call::{CallSpec, Direction, Intent, Lines, Verdict};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::carrier::onward::Onward;
use crate::engines::Seats;
use crate::news::Follower;
use crate::orders::OrderBook;
use crate::phrases::Phrases;
use crate::record::Place;
use crate::scenario::{Responder, Scenario};
use crate::tts::Manner;

/// What a call is made from. The seats were taken before it was answered.
pub struct Setup {
    /// Our id of the call (UUID v7).
    pub call_id: Uuid,
    /// Twilio's id of the call.
    pub call_sid: String,
    /// The caller's number.
    pub from: String,
    /// The number called.
    pub to: String,
    /// Who called whom.
    pub direction: Direction,
    /// What answers.
    pub scenario: Arc<Scenario>,
    /// The company's name, for the scenario's texts.
    pub company: String,
    /// Where the recording goes; `None` means that nothing is kept.
    pub record: Option<Place>,
    /// A decoder and a voice.
    pub seats: Seats,
    /// The call is to end after the sentence that is being heard.
    pub finish: CancellationToken,
    /// The call is to end at once.
    pub stop: CancellationToken,
    /// What the carrier says of who answered a call that we placed; `None` as long as it has not.
    pub verdict: watch::Receiver<Option<Verdict>>,
    /// Is told how the call goes on.
    pub follower: Follower,
    /// Where its callers may be put through, and by what way.
    pub onward: Onward,
    /// What others want of it while it goes on.
    pub orders: OrderBook,
}

/// What the core needs to know of a scenario.
pub(crate) fn call_spec(
    scenario: &Scenario,
    responder: Option<&Responder>,
    direction: Direction,
    company: &str,
) -> CallSpec {
    let vars = scenario.vars(direction, company);
    let phrases = Phrases::of(vars.language);
    let scripted = matches!(responder, Some(Responder::Script { .. }));
    let mut spec = CallSpec::new(direction);
    spec.turn = scenario.turn.clone();
    // A script or a webhook that is asked does things that cannot be taken back.
    spec.turn.speculate &= matches!(responder, Some(Responder::Model(_)));
    spec.protect_greeting = scenario.protection(direction);
    spec.max_silence_s = scenario.limits.max_silence_s;
    spec.lines = Lines {
        // A script speaks the greeting as the beginning of its first state.
        greeting: if scripted {
            None
        } else {
            vars.greeting.clone()
        },
        apology: vars.render(&scenario.fallback.apology),
        goodbye: vars.render(&scenario.limits.goodbye),
        idle: match &scenario.idle {
            Some(lines) => lines.iter().map(|line| vars.render(line)).collect(),
            None if scripted => Vec::new(),
            None => phrases.idle.map(str::to_owned).to_vec(),
        },
        tool_wait: match &scenario.persona.toolkit.wait {
            _ if !matches!(responder, Some(Responder::Model(_))) => Vec::new(),
            Some(lines) => lines.iter().map(|line| vars.render(line)).collect(),
            None => phrases.tool_wait.map(str::to_owned).to_vec(),
        },
    };
    if matches!(responder, Some(Responder::Model(_))) {
        spec.tools = scenario.persona.toolkit.specs();
    }
    if direction == Direction::Outbound {
        spec.callee = scenario
            .greeting
            .callee
            .spec(&vars, vars.greeting.as_deref());
    }
    spec.fallback = scenario
        .fallback
        .transfer
        .clone()
        .map_or(Intent::HangUp, Intent::Transfer);
    spec
}

/// How the scenario's callers are spoken to.
pub(crate) fn manner(scenario: &Scenario) -> Manner {
    Manner {
        language: scenario.language.clone(),
        speed_pct: scenario.voice.speed_pct,
        voice: scenario.voice.voice.clone(),
        patience: 1,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use ringback_call::{CalleeSpec, Policy};

    use super::*;
    use crate::scenario::{Origin, parse};

    fn speculates(text: &str) -> bool {
        let (scenario, _) = parse(text, &Origin::text("t")).unwrap();
        let responder = scenario.engines.responders.first();
        let spec = call_spec(&scenario, responder, Direction::Inbound, "Compass Group");
        spec.turn.speculate
    }

    fn callee(text: &str, direction: Direction) -> CalleeSpec {
        let (scenario, warnings) = parse(text, &Origin::text("t")).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        let responder = scenario.engines.responders.first();
        call_spec(&scenario, responder, direction, "Compass Group").callee
    }

    #[test]
    fn machines_are_told_what_the_scenario_says_with_its_variables() {
        let text = r#"
responder = [{ provider = "parrot" }]
[greeting]
outbound = "Hello from {company}."
[callee]
listen_s = 30
message = "This is {company}. Please call us."
introduction = "{company}, about a visit."
menu = { press = "1w2" }
mailbox_full = "ignore"
fax = "ignore"
unreachable = "ignore"
"#;
        let spec = callee(text, Direction::Outbound);
        assert_eq!(
            spec,
            CalleeSpec {
                listen_ms: 30_000,
                voicemail: Policy::Message("This is Compass Group. Please call us.".into()),
                mailbox_full: Policy::Ignore,
                menu: Policy::Say("[keys 1w2]".into()),
                screening: Policy::Say("Compass Group, about a visit.".into()),
                fax: Policy::Ignore,
                unreachable: Policy::Ignore,
            }
        );
        assert_eq!(callee(text, Direction::Inbound), CalleeSpec::default());
    }

    #[test]
    fn without_a_word_of_machines_they_end_the_call_and_one_that_screens_hears_the_greeting() {
        let text = "responder = [{ provider = \"parrot\" }]\n[greeting]\noutbound = \"Hello.\"\n";
        let usual = CalleeSpec {
            screening: Policy::Say("Hello.".into()),
            ..CalleeSpec::usual()
        };
        assert_eq!(callee(text, Direction::Outbound), usual);
        let silent = "responder = [{ provider = \"parrot\" }]\n[callee]\nscreening = \"hangup\"\nvoicemail = \"ignore\"\nmenu = \"hangup\"\n";
        assert_eq!(
            callee(silent, Direction::Outbound),
            CalleeSpec {
                screening: Policy::HangUp,
                voicemail: Policy::Ignore,
                menu: Policy::HangUp,
                ..CalleeSpec::usual()
            }
        );
    }

    #[test]
    fn a_model_alone_is_asked_before_a_turn_is_over_unless_the_scenario_says_no() {
        let model = "prompt = \"p\"\nresponder = [{ provider = \"openai\" }]\n";
        assert!(speculates(model));
        assert!(speculates(&format!("{model}[turn]\nidle_ms = 8000\n")));
        assert!(!speculates(&format!("{model}[turn]\nspeculate = false\n")));
        for other in [
            "{ provider = \"parrot\" }",
            "{ provider = \"webhook\", url = \"https://example.com/turn\" }",
        ] {
            let text = format!("responder = [{other}]\n[turn]\nspeculate = true\n");
            assert!(!speculates(&text), "{other}");
        }
    }
}
