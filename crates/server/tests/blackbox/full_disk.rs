//! Where nothing more can be written, recording and trace stop with a fault, and the call goes on.

use crate::outcome::{Lateness, Outcome};
use crate::server::Server;
use crate::sound::{self, MS};
use crate::telephone::in_real_time;

const SCENARIO: &str = r#"
[[script.state]]
name = "question"
say = "The little station stands between two rivers, and its keeper counts the wagons on the long bridge."
ask = "Shall he go on?"
expect = "yes_no"
goto = "end"

[[script.state]]
name = "end"
say = "Then he counts until the evening. Goodbye."
hang_up = true
"#;

/// Bytes that a file may have: 1.5 s of a recording.
const ROOM: u64 = 48_000;

fn whole_call(server: &Server, late: &mut Lateness) -> anyhow::Result<Outcome> {
    let steps = ["wait_reply = 20000", "digits = \"1\"", "expect_end = 15000"];
    let mut made = server.call("station").script(&steps).made();
    made.outcome(late)?;
    let outcome = made.outcome.take();
    let outcome = outcome.ok_or_else(|| anyhow::anyhow!("no outcome"))?;
    anyhow::ensure!(
        (made.status, outcome.ended.by.as_str()) == (0, "server"),
        "{}",
        outcome.summary()
    );
    let files = server.files(&outcome);
    anyhow::ensure!(files.meta["cause"] == "responder", "{}", files.meta);
    let last = files.said("agent").pop().unwrap_or_default();
    anyhow::ensure!(last.contains("until the evening"), "{last}");
    Ok(outcome)
}

fn recorded_ms(server: &Server, outcome: &Outcome) -> anyhow::Result<u64> {
    let stereo = sound::read(&server.files(outcome).recording())?;
    anyhow::ensure!(sound::audible(&stereo.right), "nothing of the agent");
    Ok((stereo.left.len() / MS) as u64)
}

#[test]
fn a_full_disk_ends_recording_and_trace_but_not_the_call() {
    let server = Server::with(&[])
        .scenario("station", SCENARIO)
        .outliving_full_files()
        .start();
    in_real_time(&server, |server, late| {
        let faults = || server.log().matches("recording and trace stop").count();
        let before = faults();
        server.limit_files(Some(ROOM));
        let outcome = whole_call(server, late);
        server.limit_files(None);
        let outcome = outcome?;
        let meta = server.files(&outcome).meta;
        let told = meta["faults"].as_array().cloned().unwrap_or_default();
        anyhow::ensure!(
            told.len() == 1 && told[0]["party"] == "recorder",
            "one fault of the recorder, not {told:?}"
        );
        anyhow::ensure!(faults() == before + 1, "{}", server.log());
        let kept = recorded_ms(server, &outcome)?;
        anyhow::ensure!(
            (1000..=1500).contains(&kept) && outcome.duration_ms > 6000,
            "{kept} ms are kept of {}",
            outcome.duration_ms
        );
        server.replayed()?;

        // With room again the next call is kept whole.
        let outcome = whole_call(server, late)?;
        let kept = recorded_ms(server, &outcome)?;
        anyhow::ensure!(
            kept.abs_diff(outcome.duration_ms) <= 500,
            "{kept} ms are kept of {}",
            outcome.duration_ms
        );
        server.replayed()?;
        Ok(())
    });
}
