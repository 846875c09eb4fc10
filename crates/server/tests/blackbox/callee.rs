//! Calls that the server placed, answered by a machine.

use crate::server::Server;
use crate::telephone::in_real_time;

#[test]
fn a_voicemail_gets_the_whole_message_after_its_beep_and_the_call_ends() {
    in_real_time(&Server::start(), |server, late| {
        let call = server.call("appointment-reminder");
        let made = call.with(&["--callee", "voicemail"]).made();
        let outcome = made.outcome(late)?;
        let files = server.files(outcome);
        let talk = files.conversation();
        anyhow::ensure!(outcome.ended.by == "server", "{}{talk}", outcome.summary());
        anyhow::ensure!(made.status == 0, "{:?}{talk}", outcome.failures);
        let meta = &files.meta;
        anyhow::ensure!(meta["callee"] == "voicemail", "{meta}");
        anyhow::ensure!(meta["cause"] == "callee", "{meta}");
        anyhow::ensure!(meta["direction"] == "outbound", "{meta}");
        let last = files.lines.last().map(|line| line["heard"].clone());
        let message = "Hello! This is Compass Group with a reminder of your coming appointment. If you cannot come, please call us back. Goodbye.";
        anyhow::ensure!(last == Some(message.into()), "{talk}");
        let Some(message) = &outcome.message else {
            anyhow::bail!("nothing was heard behind the beep: {talk}");
        };
        anyhow::ensure!(
            (200..1500).contains(&message.begins_ms),
            "the message begins {} ms behind the beep",
            message.begins_ms
        );
        anyhow::ensure!(
            (5000..16_000).contains(&message.length_ms),
            "{} ms of a message",
            message.length_ms
        );
        Ok(())
    });
}

/// So short that it would be over before the beep, were it begun while the greeting is still spoken.
const SHORT: &str = r#"
responder = [{ provider = "parrot" }]
[greeting]
outbound = "Hello."
[callee]
message = "Please call back {house}."
[variables]
house = "the house by the lake"
"#;

#[test]
fn a_short_message_waits_for_the_beep_though_the_greeting_has_vowels_like_tones() {
    in_real_time(
        &Server::with(&[]).scenario("short", SHORT).start(),
        |server, late| {
            let call = server.call("short");
            let made = call.with(&["--callee", "voicemail"]).made();
            let outcome = made.outcome(late)?;
            let files = server.files(outcome);
            let talk = files.conversation();
            anyhow::ensure!(made.status == 0, "{:?}{talk}", outcome.failures);
            anyhow::ensure!(outcome.ended.by == "server", "{}{talk}", outcome.summary());
            let said = files.said("agent");
            let message = "Please call back the house by the lake.";
            let begun = said.iter().filter(|line| *line == message).count();
            anyhow::ensure!(begun == 1, "it was begun {begun} times: {talk}");
            let Some(message) = &outcome.message else {
                anyhow::bail!("nothing was heard behind the beep: {talk}");
            };
            anyhow::ensure!(
                (200..1500).contains(&message.begins_ms) && message.length_ms > 1200,
                "{} ms of a message, {} ms behind the beep",
                message.length_ms,
                message.begins_ms
            );
            Ok(())
        },
    );
}
