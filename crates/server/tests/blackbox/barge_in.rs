//! Interruptions: the agent falls silent at once for words, not for a noise, and goes on after an "uh-huh".

use serde_json::Value;

use crate::outcome::Lateness;
use crate::server::{Files, Server};
use crate::sound::{self, MS};
use crate::telephone::{Made, in_real_time};

/// A story long enough to be interrupted, and a question after it.
const STORY: &str = "Once upon a time a little station stood between two rivers, and every morning its keeper \
counted the wagons that came over the long bridge, and told their number to the children at the gate.";

/// A scenario that tells the story and asks, again and again.
pub fn story(expect: &str) -> String {
    format!(
        "[[script.state]]\nname = \"story\"\nsay = \"{STORY}\"\nask = \"What do you say?\"\n\
         reprompt = \"{STORY} What do you say?\"\nexpect = {expect}\ngoto = \"story\"\n[script.retry]\nmax = 5\n"
    )
}

/// Answers that the closed question knows.
const CLOSED: &str = r#"{ phrases = ["no thank you", "stop that please", "wait a moment", "that is enough", "tell it again"] }"#;
const INTERRUPTIONS: [&str; 5] = [
    "no thank you",
    "stop that please",
    "wait a moment",
    "that is enough",
    "tell it again",
];

fn interrupted(
    server: &Server,
    scenario: &str,
    voice: &str,
    late: &mut Lateness,
) -> anyhow::Result<Vec<f64>> {
    // The pause lets the reply that was cut count as over, so that each interruption waits for the next one.
    let steps = INTERRUPTIONS.map(|said| {
        format!("barge_in = {{ after_ms = 1500, say = \"{said}\" }}\n[[step]]\npause_ms = 900")
    });
    let mut steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    steps.push("hang_up = true");
    let made = server
        .call(scenario)
        .with(&["--voice", voice])
        .script(&steps)
        .made();
    let outcome = made.outcome(late)?;
    let files = server.files(outcome);
    let spoken = &outcome.turns[1..];
    anyhow::ensure!(spoken.len() == INTERRUPTIONS.len(), "{}", outcome.summary());
    let clears: Vec<f64> = spoken.iter().filter_map(|turn| turn.clear_ms).collect();
    anyhow::ensure!(
        clears.len() == spoken.len() && clears.iter().all(|&ms| ms <= 400.0),
        "{voice}: not every interruption cleared within 400 ms: {}{}{}",
        outcome.summary(),
        files.conversation(),
        files.decisions()
    );
    cut(&files)?;
    eprintln!(
        "{scenario}, {voice}: cleared after {clears:.0?} ms; own {:?}",
        outcome.lateness
    );
    Ok(clears)
}

/// Every story but the last was cut: heard is a proper beginning of what was said.
fn cut(files: &Files) -> anyhow::Result<()> {
    let agent = files.lines.iter().filter(|line| line["speaker"] == "agent");
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let cut = agent.filter(|line| {
        let (said, heard) = (text(line, "said"), text(line, "heard"));
        line["interrupted"] == true
            && !heard.is_empty()
            && said.len() > heard.len()
            && said.starts_with(&heard)
    });
    let cut = cut.count();
    anyhow::ensure!(
        cut >= INTERRUPTIONS.len(),
        "{cut} of {} replies are cut in the dialog:{}",
        INTERRUPTIONS.len(),
        files.conversation()
    );
    Ok(())
}

#[test]
fn a_caller_who_speaks_silences_the_agent_within_300_ms() {
    let server = Server::with(&[])
        .scenario("closed", &story(CLOSED))
        .scenario("open", &story("\"open\""))
        .start();
    in_real_time(&server, |server, late| {
        let mut clears = interrupted(server, "closed", "flite:rms", late)?;
        clears.extend(interrupted(server, "open", "flite:slt", late)?);
        clears.sort_by(f64::total_cmp);
        let quick = clears.iter().filter(|&&ms| ms <= 300.0).count();
        anyhow::ensure!(
            quick * 10 >= clears.len() * 9,
            "{quick} of {} within 300 ms, all of them: {clears:.0?}",
            clears.len()
        );
        server.replayed()?;
        Ok(())
    });
}

/// The story told whole, and with something in its middle, at the same time.
fn disturbed(server: &Server, step: &str) -> [Made; 2] {
    let call = || server.call("closed").with(&["--voice", "flite:rms"]).kept();
    let whole = call()
        .script(&["wait_reply = 30000", "hang_up = true"])
        .place();
    let disturbed = call()
        .script(&[step, "wait_reply = 30000", "hang_up = true"])
        .place();
    [whole.over(), disturbed.over()]
}

#[test]
fn a_burst_of_noise_neither_clears_nor_tears_the_reply() {
    let server = Server::with(&[]).scenario("closed", &story(CLOSED)).start();
    in_real_time(&server, |server, late| {
        let [whole, burst] = disturbed(server, "barge_in = { after_ms = 3000, burst_ms = 150 }");
        let (told, heard) = (whole.outcome(late)?, burst.outcome(late)?);
        anyhow::ensure!(told.turns[0].reply_ms > 8000, "{}", told.summary());
        anyhow::ensure!(heard.media.clears == 0, "{}", heard.summary());
        let breaks = sound::follow(&whole.heard().right, &burst.heard().right)?;
        let torn = breaks
            .iter()
            .any(|found| found.resumed != Some(found.cut) || found.quiet > 60 * MS);
        anyhow::ensure!(
            !torn,
            "the reply is torn: {breaks:?} (in samples of 1/8 ms)"
        );
        eprintln!(
            "burst of 150 ms: breaks {breaks:?}; own {:?}",
            heard.lateness
        );
        Ok(())
    });
}

#[test]
fn an_uh_huh_is_resumed_within_1300_ms_and_nothing_is_skipped() {
    let server = Server::with(&[]).scenario("closed", &story(CLOSED)).start();
    in_real_time(&server, |server, late| {
        let [whole, hummed] = disturbed(server, "barge_in = { after_ms = 3000, say = \"uh-huh\" }");
        let outcome = hummed.outcome(late)?;
        whole.outcome(late)?;
        let talk = server.files(outcome).conversation();
        let onset = outcome
            .moments("caller_begins")
            .next()
            .map_or(0.0, |moment| moment.at_ms);
        let breaks = sound::follow(&whole.heard().right, &hummed.heard().right)?;
        let long: Vec<_> = breaks
            .iter()
            .filter(|found| found.quiet > 60 * MS)
            .collect();
        let [found] = long[..] else {
            anyhow::bail!(
                "one interruption was expected: {breaks:?}, {}{talk}",
                outcome.summary()
            );
        };
        let Some(resumed) = found.resumed else {
            anyhow::bail!(
                "the reply does not go on: {found:?}, {}{talk}",
                outcome.summary()
            );
        };
        let goes_on_ms = (found.at + found.quiet) as f64 / MS as f64 - onset;
        anyhow::ensure!(
            resumed <= found.cut,
            "{} samples are skipped: {found:?}",
            resumed - found.cut
        );
        anyhow::ensure!(
            found.cut - resumed <= 1500 * MS && (0.0..=1300.0).contains(&goes_on_ms),
            "it goes on {goes_on_ms:.0} ms after the onset, {} ms back: {found:?}{talk}",
            (found.cut - resumed) / MS
        );
        eprintln!(
            "uh-huh: it goes on {goes_on_ms:.0} ms after the onset, {} ms before the cut, {} clears",
            (found.cut - resumed) / MS,
            outcome.media.clears
        );
        anyhow::ensure!(server.replayed()? == 2, "two calls, two traces");
        Ok(())
    });
}
