//! Speech is understood, from several voices, on a clean line and in noise that is 20 dB under it.

use crate::outcome::{Lateness, Outcome};
use crate::server::Server;
use crate::telephone::{Made, Placed, in_real_time};

/// Phrases of the twelve that must be understood from each voice at the first time of asking.
const CLEAN: usize = 12;
const NOISY: usize = 12;

const VOICES: [&str; 3] = ["flite:rms", "flite:slt", "pico"];

/// What the caller answers, and what the survey is to make of it.
const ANSWERS: [(&str, &str, &str); 5] = [
    ("yes", "", ""),
    ("four", "food", "4"),
    ("five", "service", "5"),
    ("no", "recommend", "no"),
    ("nothing", "improve", "nothing"),
];

fn survey(server: &Server, voice: &str) -> Placed {
    let mut steps: Vec<String> = Vec::new();
    for (said, _, _) in ANSWERS {
        steps.extend(["wait_reply = 20000".to_owned(), format!("say = \"{said}\"")]);
    }
    steps.push("expect_end = 20000".to_owned());
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let call = server.call("survey").with(&["--voice", voice]);
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
        files.meta["cause"] == "responder",
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

#[test]
fn a_survey_of_single_words_is_understood_from_three_voices() {
    let server = Server::start();
    // They call at the same time: that does not measure, and it is what a server is for.
    in_real_time(&server, |server, late| {
        let calls = VOICES.map(|voice| (voice, survey(server, voice)));
        let calls = calls.map(|(voice, placed)| (voice, placed.over()));
        for (voice, made) in &calls {
            check(server, voice, made, late)?;
        }
        server.replayed()?;
        Ok(())
    });
}

/// Phrases of a scenario, none of them chosen for how well it is understood.
const PHRASES: [&str; 12] = [
    "i would like a table for tonight",
    "i have a question about my order",
    "i want to speak about the service",
    "early in the morning",
    "in the afternoon",
    "late in the evening",
    "yes please",
    "no thank you",
    "it does not matter",
    "send me a letter",
    "call me back tomorrow",
    "nothing at all",
];

/// How many of the phrases were understood, and what was taken for another one.
#[derive(Default)]
struct Understood {
    right: usize,
    wrong: Vec<String>,
    missed: Vec<String>,
}

fn phrases(server: &Server, voice: &str, noise: &[&str]) -> Placed {
    let steps: Vec<String> = PHRASES
        .iter()
        .flat_map(|said| ["wait_reply = 20000".to_owned(), format!("say = \"{said}\"")])
        .chain(["wait_reply = 20000".to_owned(), "hang_up = true".to_owned()])
        .collect();
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    let call = server.call("phrases").with(&["--voice", voice]).with(noise);
    call.script(&steps).place()
}

fn judge(server: &Server, made: &Made, late: &mut Lateness) -> anyhow::Result<Understood> {
    let outcome = made.outcome(late)?;
    let files = server.files(outcome);
    let begun: Vec<f64> = outcome
        .moments("caller_begins")
        .map(|moment| moment.at_ms)
        .collect();
    anyhow::ensure!(begun.len() == PHRASES.len(), "{}", outcome.summary());
    let mut understood = Understood::default();
    for (index, phrase) in PHRASES.iter().enumerate() {
        // Speech can be found a little before it is loud.
        let from = begun[index] - 300.0;
        let until = begun.get(index + 1).map_or(f64::MAX, |next| next - 300.0);
        let heard: Vec<&str> = files
            .lines
            .iter()
            .filter(|line| line["speaker"] == "caller")
            .filter(|line| {
                line["from_ms"]
                    .as_f64()
                    .is_some_and(|at| (from..until).contains(&at))
            })
            .filter_map(|line| line["said"].as_str())
            .collect();
        let heard = heard.join(" / ");
        let other = |other: &&&str| *other != phrase && heard.contains(**other);
        if PHRASES.iter().find(other).is_some() {
            understood.wrong.push(format!("{phrase:?} as {heard:?}"));
        } else if heard.contains(phrase) {
            understood.right += 1;
        } else {
            understood.missed.push(format!("{phrase:?} ({heard:?})"));
        }
    }
    Ok(understood)
}

#[test]
fn phrases_are_understood_from_three_voices_clean_and_in_20_db_of_noise_and_none_is_mistaken() {
    let list = PHRASES.map(|phrase| format!("\"{phrase}\"")).join(", ");
    let scenario = format!(
        "[[script.state]]\nname = \"ask\"\nask = \"What can I do for you?\"\nexpect = {{ phrases = [{list}] }}\n\
         goto = \"ask\"\n[script.retry]\nmax = 5\nthen = \"ask\"\n"
    );
    let server = Server::with(&[("RECOGNIZERS", "6")])
        .scenario("phrases", &scenario)
        .start();
    in_real_time(&server, |server, late| {
        let lines = [
            ("clean", &[][..], CLEAN),
            ("20 dB of noise", &["--noise", "20"], NOISY),
        ];
        let calls: Vec<_> = lines
            .iter()
            .flat_map(|line| VOICES.map(|voice| (*line, voice, phrases(server, voice, line.1))))
            .collect();
        let mut wanting = Vec::new();
        for ((line, _, least), voice, placed) in calls {
            let found = judge(server, &placed.over(), late)?;
            let told = format!(
                "{line}, {voice}: {} of {} understood, mistaken: {:?}, missed: {:?}",
                found.right,
                PHRASES.len(),
                found.wrong,
                found.missed
            );
            eprintln!("{told}");
            if found.right < least || !found.wrong.is_empty() {
                wanting.push(told);
            }
        }
        anyhow::ensure!(wanting.is_empty(), "{}", wanting.join("\n"));
        Ok(())
    });
}
