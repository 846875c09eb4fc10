//! Calls without a word: keys, a transfer, a caller who hangs up.

use crate::server::Server;
use crate::telephone::in_real_time;

const LEAD: &str = r#"
[[script.state]]
name = "lead"
say = "One moment, please. I will put you through."
transfer = "+15005550009"
"#;

#[test]
fn a_survey_is_answered_by_keys_alone() {
    check_survey(&Server::with(&[("STT", "none")]).start());
}

#[test]
fn without_the_library_of_the_recogniser_the_server_says_so_and_callers_answer_by_keys() {
    let server = Server::with(&[("POCKETSPHINX_DIR", "no-such-folder")])
        .degraded()
        .start();
    let line = server.said().lines().find(|line| line.contains("stt:"));
    let line = line.expect("no line about the recogniser");
    for part in [
        "NOT IN USE",
        "no-such-folder/libsphinxbase.so.3",
        "apt install libpocketsphinx3 pocketsphinx-en-us",
        "callers answer by keypad",
    ] {
        assert!(line.contains(part), "{part:?} is not in {line}");
    }
    assert!(server.log().contains("apt install libpocketsphinx3"));
    check_survey(&server);
}

/// Every question says what to press, and the answers are understood.
fn check_survey(server: &Server) {
    in_real_time(server, |server, late| {
        let keys = ["1", "4", "2", "1", "3"];
        let mut steps: Vec<String> = Vec::new();
        for key in keys {
            steps.extend([
                "wait_reply = 20000".to_owned(),
                format!("digits = \"{key}\"\n[[step]]\nexpect_audio = 8000"),
            ]);
        }
        steps.push("expect_end = 20000".to_owned());
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        let made = server.call("survey").script(&steps).made();
        let outcome = made.outcome(late)?;
        let files = server.files(outcome);
        let talk = files.conversation();
        anyhow::ensure!(outcome.ended.by == "server", "{}{talk}", outcome.summary());
        anyhow::ensure!(
            files.said("caller") == keys,
            "the caller pressed {keys:?}: {talk}"
        );
        for (name, answer) in [
            ("food", "4"),
            ("service", "2"),
            ("recommend", "yes"),
            ("improve", "the prices"),
        ] {
            let got = files.collected(name);
            anyhow::ensure!(got == answer, "{name} is {got}, not {answer}: {talk}");
        }
        let asked = files.said("agent");
        let told = asked.iter().filter(|line| line.contains("ress ")).count();
        anyhow::ensure!(
            told >= keys.len(),
            "{told} questions say what to press: {talk}"
        );
        let last = files.said("agent").pop().unwrap_or_default();
        anyhow::ensure!(
            last.contains("I am sorry that we did not do better"),
            "a 2 is low: {talk}"
        );
        anyhow::ensure!(server.replayed()? > 0, "no trace was written");
        Ok(())
    });
}

#[test]
fn a_caller_is_put_through() {
    let server = Server::with(&[]).scenario("lead", LEAD).start();
    in_real_time(&server, |server, late| {
        let made = server
            .call("lead")
            .with(&["--show-numbers"])
            .script(&["expect_end = 15000"])
            .made();
        let outcome = made.outcome(late)?;
        let ended = (outcome.ended.by.as_str(), outcome.ended.to.as_deref());
        anyhow::ensure!(
            ended == ("transfer", Some("+15005550009")),
            "{}",
            outcome.summary()
        );
        let whole = outcome.turns[0].reply_ms;
        anyhow::ensure!(
            whole > 1500,
            "{whole} ms of the last sentence were heard: {}",
            outcome.summary()
        );
        let meta = server.files(outcome).meta;
        anyhow::ensure!(meta["transferred_to"] == "+15•••09", "{meta}");
        Ok(())
    });
}

#[test]
fn a_caller_who_hangs_up_leaves_whole_files() {
    let server = Server::start();
    in_real_time(&server, |server, late| {
        let steps = ["expect_audio = 5000", "pause_ms = 1500", "hang_up = true"];
        let made = server.call("survey").script(&steps).made();
        let outcome = made.outcome(late)?;
        anyhow::ensure!(
            (made.status, outcome.ended.by.as_str()) == (0, "caller"),
            "{}",
            outcome.summary()
        );
        let files = server.files(outcome);
        anyhow::ensure!(files.meta["cause"] == "hung_up", "{}", files.meta);
        let greeting = &files.lines[0];
        let (said, heard) = (
            greeting["said"].as_str().unwrap_or(""),
            greeting["heard"].as_str().unwrap_or(""),
        );
        anyhow::ensure!(
            said.starts_with(heard) && heard.len() < said.len(),
            "the greeting was not heard whole: {}",
            files.conversation()
        );
        let ends = files
            .trace()
            .last()
            .is_some_and(|record| record["e"] == "HungUp");
        anyhow::ensure!(ends, "the trace does not end with the end of the call");
        server.replayed()?;
        Ok(())
    });
}
