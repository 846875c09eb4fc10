//! What remains of a call is what was heard.

use std::time::Duration;

use crate::barge_in::story;
use crate::outcome::Lateness;
use crate::server::Server;
use crate::sound::{self, Agreement, MS, Stereo};
use crate::telephone::{Made, in_real_time};
use crate::until;

const STOP: &str = r#"{ phrases = ["stop that please"] }"#;

fn check_recording(server: &Server, made: &Made, late: &mut Lateness) -> anyhow::Result<()> {
    let outcome = made.outcome(late)?;
    let recorded = sound::read(&server.files(outcome).recording())?;
    let heard = made.heard();
    let (length, call) = (recorded.left.len() / MS, outcome.duration_ms as usize);
    anyhow::ensure!(
        length.abs_diff(call) <= 500,
        "{length} ms are recorded of {call}"
    );
    let clears: Vec<usize> = outcome
        .moments("clear")
        .map(|clear| clear.at_ms as usize * MS)
        .collect();
    anyhow::ensure!(
        !clears.is_empty(),
        "the interruption did not clear: {}",
        outcome.summary()
    );
    let near_a_clear = |at: usize| clears.iter().any(|clear| clear.abs_diff(at) < 400 * MS);
    agree("agent", &heard.right, &recorded.right, near_a_clear)?;
    agree("caller", &heard.left, &recorded.left, |_| false)?;
    let (kept, played) = (
        sound::audible_ms(&recorded.right),
        sound::audible_ms(&heard.right),
    );
    anyhow::ensure!(
        kept.abs_diff(played) <= 150,
        "{kept} ms of the agent are recorded, {played} were heard"
    );
    eprintln!("recorded: {length} of {call} ms; audible: {kept} ms recorded, {played} heard");
    Ok(())
}

fn agree(
    side: &str,
    heard: &[i16],
    recorded: &[i16],
    hurt: impl Fn(usize) -> bool,
) -> anyhow::Result<()> {
    let agreement = Agreement::of(heard, recorded, hurt);
    anyhow::ensure!(
        agreement.missing.is_empty() && agreement.lags.len() >= 3 && agreement.spread_ms() <= 100,
        "{side}: {} pieces of 250 ms agree, over {} ms; missing at samples {:?}",
        agreement.lags.len(),
        agreement.spread_ms(),
        agreement.missing
    );
    let first = agreement.lags[0] / MS as isize;
    eprintln!(
        "{side}: {} pieces agree, {first} ms off, spread {} ms",
        agreement.lags.len(),
        agreement.spread_ms()
    );
    Ok(())
}

#[test]
fn the_recording_holds_what_was_heard_and_the_trace_replays() {
    let server = Server::with(&[]).scenario("closed", &story(STOP)).start();
    in_real_time(&server, |server, late| {
        let steps = [
            "barge_in = { after_ms = 3000, say = \"stop that please\" }",
            "pause_ms = 1500",
            "barge_in = { after_ms = 2500, say = \"stop that please\" }",
            "wait_reply = 30000",
            "hang_up = true",
        ];
        let made = server
            .call("closed")
            .with(&["--voice", "flite:rms"])
            .kept()
            .script(&steps)
            .made();
        check_recording(server, &made, late)?;
        anyhow::ensure!(server.replayed()? > 0, "no trace was written");
        Ok(())
    });
}

/// The recording of the one call of this server, by its header.
fn only_recording(server: &Server) -> Option<Stereo> {
    sound::read(server.recordings(".wav").first()?).ok()
}

#[test]
fn a_killed_server_leaves_a_recording_that_lacks_less_than_a_second() {
    let mut server = Server::with(&[]).scenario("closed", &story(STOP)).start();
    let mut call = server
        .call("closed")
        .kept()
        .script(&["wait_reply = 30000", "hang_up = true"])
        .place();
    // The file can be read at any moment while the call goes on.
    for seconds in 1..=5 {
        let grown = || only_recording(&server).filter(|stereo| stereo.left.len() >= seconds * 8000);
        let stereo = until("a growing recording", Duration::from_secs(8), grown);
        assert_eq!(stereo.left.len(), stereo.right.len());
        assert!(!call.is_over());
    }
    server.signal("KILL");
    assert_eq!(server.gone(Duration::from_secs(5)), None);
    let made = call.over();
    let outcome = made.outcome.as_ref().unwrap();
    assert_eq!(
        (made.status, outcome.ended.by.as_str()),
        (3, "broken"),
        "{}",
        outcome.summary()
    );
    let recorded = only_recording(&server).expect("the recording cannot be read");
    let sent_ms = outcome.media.frames_sent as usize * 20;
    let lost_ms = sent_ms.saturating_sub(recorded.left.len() / MS);
    assert!(lost_ms < 1000, "{lost_ms} of {sent_ms} ms are lost");
    let agreement = Agreement::of(&recorded.right, &made.heard().right, |_| false);
    assert!(agreement.lags.len() > 4, "{agreement:?}");
    assert_eq!(
        server.replayed().unwrap(),
        1,
        "the trace of a killed server replays too"
    );
    eprintln!("killed after {sent_ms} ms: {lost_ms} ms are lost");
}
