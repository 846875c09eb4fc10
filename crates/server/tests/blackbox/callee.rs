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
