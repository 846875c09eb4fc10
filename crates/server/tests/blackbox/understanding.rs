//! Speech is understood, from several voices, on a clean line and a noisy one.

use crate::outcome::{Lateness, Outcome};
use crate::server::Server;
use crate::telephone::{Made, Placed, in_real_time};

const VOICES: [&str; 3] = ["flite:rms", "flite:slt", "pico"];

/// What the caller answers, and what the survey is to make of it.
const ANSWERS: [(&str, &str, &str); 5] = [
    ("yes", "", ""),
    ("four", "food", "4"),
    ("five", "service", "5"),
    ("no", "recommend", "no"),
    ("nothing", "improve", "nothing"),
];

fn survey(server: &Server, voice: &str, noise: &[&str]) -> Placed {
    let mut steps: Vec<String> = Vec::new();
    for (said, _, _) in ANSWERS {
        steps.extend(["wait_reply = 20000".to_owned(), format!("say = \"{said}\"")]);
    }
    steps.push("expect_end = 20000".to_owned());
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let call = server.call("survey").with(&["--voice", voice]).with(noise);
    call.script(&steps).place()
}

/// Everything was understood the first time, and the server ended the call.
fn check(server: &Server, voice: &str, made: &Made, late: &mut Lateness) -> anyhow::Result<()> {
    let outcome = made.outcome(late)?;
    anyhow::ensure!(
        (made.status, outcome.ended.by.as_str()) == (0, "server"),
        "{voice}: {}",
        outcome.summary()
    );
    let files = server.files(outcome);
    let talk = files.conversation();
    for (said, name, answer) in ANSWERS.iter().filter(|(_, name, _)| !name.is_empty()) {
        anyhow::ensure!(
            files.collected(name) == *answer,
            "{voice}: {said} was taken for {name} = {}{talk}{}",
            files.collected(name),
            files.decisions()
        );
    }
    let turns = files.said("caller").len();
    anyhow::ensure!(
        turns == ANSWERS.len(),
        "{voice}: {turns} turns, some were asked again{talk}"
    );
    anyhow::ensure!(files.meta["failed"].is_null(), "{voice}: {}", files.meta);
    anyhow::ensure!(
        files.meta["cause"] == "Responder",
        "{voice}: {}",
        files.meta["cause"]
    );
    greeted(outcome)?;
    report(voice, outcome);
    Ok(())
}

fn greeted(outcome: &Outcome) -> anyhow::Result<()> {
    let greeting = &outcome.turns[0];
    anyhow::ensure!(
        greeting.latency_ms.is_some_and(|ms| ms <= 2000.0) && greeting.reply_ms >= 1000,
        "the greeting was heard after {:?} ms, for {} ms: {}",
        greeting.latency_ms,
        greeting.reply_ms,
        outcome.summary()
    );
    Ok(())
}

fn report(voice: &str, outcome: &Outcome) {
    let ms = |turn: &crate::outcome::Turn| {
        turn.latency_ms
            .map_or("-".to_owned(), |ms| format!("{ms:.0}"))
    };
    let latencies: Vec<String> = outcome.turns.iter().map(ms).collect();
    eprintln!(
        "{voice}: replies after {} ms; own {:?}",
        latencies.join(", "),
        outcome.lateness
    );
}

/// The three voices call at the same time: they do not measure, and it is what a server is for.
fn understood(noise: &[&str]) {
    let server = Server::start();
    in_real_time(&server, |server, late| {
        let calls = VOICES.map(|voice| (voice, survey(server, voice, noise)));
        let calls = calls.map(|(voice, placed)| (voice, placed.over()));
        for (voice, made) in &calls {
            check(server, voice, made, late)?;
        }
        server.replayed()?;
        Ok(())
    });
}

#[test]
fn a_survey_is_understood_from_three_voices() {
    understood(&[]);
}

#[test]
fn a_survey_is_understood_from_three_voices_in_20_db_of_noise() {
    understood(&["--noise", "20"]);
}
