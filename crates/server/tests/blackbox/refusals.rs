//! Calls that are not taken, and what the caller hears.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::barge_in::story;
use crate::server::Server;
use crate::sound;
use crate::telephone::{Call, in_real_time};
use crate::until;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn with_an_auth_token_only_signed_calls_are_answered() {
    let server = Server::with(&[("TWILIO_AUTH_TOKEN", TOKEN)]).start();
    for args in [&[][..], &["--auth-token", "another token"]] {
        let made = server
            .call("survey")
            .with(args)
            .script(&["hang_up = true"])
            .made();
        assert_eq!(made.status, 1, "{}", made.complaint);
        assert!(made.complaint.contains("403"), "{}", made.complaint);
        assert_eq!(made.complaint.lines().count(), 1, "{}", made.complaint);
    }
    let steps = ["expect_audio = 5000", "hang_up = true"];
    let made = server
        .call("survey")
        .with(&["--auth-token", TOKEN])
        .script(&steps)
        .made();
    assert_eq!(made.status, 0, "{}{:?}", made.complaint, made.outcome);
}

#[test]
fn an_unknown_scenario_and_a_server_that_is_not_there_are_named_in_one_line() {
    let server = Server::with(&[]).at_once().start();
    let made = server
        .call("no-such-scenario")
        .script(&["hang_up = true"])
        .made();
    assert_eq!(made.status, 1);
    assert!(
        made.complaint.contains("404") && made.complaint.contains("scenario"),
        "{}",
        made.complaint
    );
    assert_eq!(made.complaint.lines().count(), 1, "{}", made.complaint);

    // A port that was free a moment ago.
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let begun = Instant::now();
    let made = Call::to(&format!("http://{nobody}"))
        .script(&["hang_up = true"])
        .made();
    assert_eq!(made.status, 1);
    assert!(
        made.complaint.contains("nothing answers at"),
        "{}",
        made.complaint
    );
    assert!(
        made.complaint.contains("ringback serve"),
        "{}",
        made.complaint
    );
    assert_eq!(made.complaint.lines().count(), 1, "{}", made.complaint);
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn one_call_too_many_hears_a_busy_line_and_the_first_is_untouched() {
    let server = Server::with(&[("MAX_CALLS", "1")])
        .scenario("closed", &story("\"yes_no\""))
        .start();
    in_real_time(&server, |server, late| {
        let connected = || server.log().matches("WebSocket connected").count();
        let before = connected();
        let first = server
            .call("closed")
            .kept()
            .script(&["wait_reply = 30000", "hang_up = true"])
            .place();
        until("the first call", Duration::from_secs(8), || {
            (connected() > before).then_some(())
        });
        let second = server.call("survey").script(&["expect_end = 5000"]).made();
        let refused = second.outcome(late)?;
        anyhow::ensure!(
            refused.twilio_said().contains("all our lines are busy")
                && refused.ended.by == "server",
            "the second caller hears {:?}: {}",
            refused.twilio_said(),
            refused.summary()
        );
        let first = first.over();
        let outcome = first.outcome(late)?;
        anyhow::ensure!(
            (first.status, outcome.ended.by.as_str()) == (0, "caller"),
            "{}",
            outcome.summary()
        );
        let recorded = sound::read(&server.files(outcome).recording())?;
        let breaks = sound::follow(&recorded.right, &first.heard().right)?;
        anyhow::ensure!(breaks.is_empty(), "the first call was torn: {breaks:?}");
        let third = server
            .call("survey")
            .script(&["expect_audio = 5000", "hang_up = true"])
            .made();
        anyhow::ensure!(
            third.status == 0,
            "the line is free again: {}",
            third.outcome(late)?.summary()
        );
        Ok(())
    });
}
