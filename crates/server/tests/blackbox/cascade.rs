//! The cascade of providers, over real sockets to the simulator: a conversation, and every way in which one of them fails.

use serde_json::Value;

use crate::outcome::Lateness;
use crate::server::{Files, Server};
use crate::telephone::in_real_time;
use crate::twins::Twins;

const GREETING: &str = "Hello, this is Oakhurst Dental. How can I help you?";
const QUESTION: &str = "I would like to know the price.";
const ANSWER: &str = "A cleaning costs ninety dollars, and the first visit is free.";
const PATIENCE: &str = "One moment, please.";
const ALL: [&str; 4] = ["deepgram", "openai", "cartesia", "elevenlabs"];

fn desk() -> String {
    format!(
        "persona = \"You answer the phone for Oakhurst Dental.\"\nprompt = \"Help callers.\"\n\
         [greeting]\ninbound = \"{GREETING}\"\n[[responder]]\nprovider = \"openai\"\n"
    )
}

fn server(twins: &Twins, providers: &[&str]) -> Server {
    let settings = twins.settings(providers);
    let settings: Vec<(&str, &str)> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    Server::with(&settings).scenario("desk", &desk()).start()
}

/// Asks the question: the files of the call, and how long the answer took, in ms.
fn asked(server: &Server, late: &mut Lateness) -> anyhow::Result<(Files, f64)> {
    asked_by_one_who_stays(0, server, late)
}

/// The same by a caller who stays on the line for so many ms after the reply.
fn asked_by_one_who_stays(
    ms: u32,
    server: &Server,
    late: &mut Lateness,
) -> anyhow::Result<(Files, f64)> {
    let stay = format!("pause_ms = {ms}");
    let steps = [
        "wait_reply = 15000",
        "say = \"I would like to know the price\"",
        "wait_reply = 15000",
        &stay,
        "hang_up = true",
    ];
    let made = server.call("desk").script(&steps).made();
    let outcome = made.outcome(late)?;
    let files = server.files(outcome);
    let latency = outcome.turns.get(1).and_then(|turn| turn.latency_ms);
    let latency = latency.ok_or_else(|| {
        anyhow::anyhow!("no reply: {}{}", outcome.summary(), files.conversation())
    })?;
    Ok((files, latency))
}

fn lines(files: &Files, speaker: &str) -> Vec<String> {
    let of = |line: &&Value| line["speaker"] == speaker;
    let heard = |line: &Value| line["heard"].as_str().unwrap_or_default().to_owned();
    files.lines.iter().filter(of).map(heard).collect()
}

#[test]
fn keys_are_all_that_a_cascade_needs_and_the_model_knows_what_was_heard() {
    let twins = Twins::start(&[QUESTION], &[ANSWER]);
    let server = server(&twins, &ALL);
    let said = server.said();
    for engine in [
        "deepgram: because DEEPGRAM_API_KEY is set",
        "cartesia: because CARTESIA_API_KEY is set",
        "pocketsphinx: local, stands in for deepgram",
    ] {
        assert!(said.contains(engine), "{engine}\n{said}");
    }
    in_real_time(&server, |server, late| {
        twins.reset();
        let (files, latency) = asked(server, late)?;
        assert_eq!(lines(&files, "caller"), [QUESTION]);
        assert_eq!(lines(&files, "agent"), [GREETING, ANSWER]);
        anyhow::ensure!(
            files.meta["engines"] == serde_json::json!(["deepgram", "openai", "cartesia"]),
            "{}",
            files.meta["engines"]
        );
        anyhow::ensure!(latency < 1500.0, "the answer took {latency} ms");
        let chats = twins.asked("chat");
        let request = &chats[0]["received"][0];
        let told = request["messages"].to_string();
        anyhow::ensure!(
            told.contains(GREETING) && told.contains(QUESTION) && told.contains("Oakhurst"),
            "{told}"
        );
        anyhow::ensure!(request["reasoning_effort"] == "none", "{request}");
        anyhow::ensure!(server.replayed()? > 0, "no trace was written");
        for provider in ALL {
            let secret = format!("secret-{provider}");
            let shown = server.log().contains(&secret) || server.log_files().contains(&secret);
            anyhow::ensure!(!shown, "the log shows the key of {provider}");
        }
        eprintln!("the answer took {latency:.0} ms");
        Ok(())
    });
}

/// Has a provider fail and asks: what the caller heard, what faults the call noted, and how long the answer took.
fn failing(knob: &str, replies: &[&str], check: impl Fn(&Files, f64) -> anyhow::Result<()>) {
    failing_for_one_who_stays(0, (knob, replies), check);
}

fn failing_for_one_who_stays(
    ms: u32,
    (knob, replies): (&str, &[&str]),
    check: impl Fn(&Files, f64) -> anyhow::Result<()>,
) {
    let twins = Twins::start(&[QUESTION], replies);
    let server = server(&twins, &ALL);
    in_real_time(&server, |server, late| {
        // The greeting comes from the cache in the second call: the fault is heard in the answer alone.
        twins.reset();
        twins.knob(knob);
        let (files, latency) = asked_by_one_who_stays(ms, server, late)?;
        eprintln!(
            "{knob}: answered after {latency:.0} ms, {}",
            files.meta["faults"]
        );
        check(&files, latency)
            .map_err(|error| anyhow::anyhow!("{knob}: {error}{}", files.conversation()))
    });
}

/// The answer is spoken, at most two seconds later than it would be, though this party failed.
fn answered_though(party: &'static str) -> impl Fn(&Files, f64) -> anyhow::Result<()> {
    move |files, latency| {
        let faults = files.meta["faults"].as_array().cloned().unwrap_or_default();
        anyhow::ensure!(
            faults.iter().any(|fault| fault["party"] == party),
            "no fault of {party}: {faults:?}"
        );
        // Where a recogniser hears again on a busy machine, the caller is asked for patience first.
        let heard = lines(files, "agent").into_iter();
        let heard: Vec<String> = heard
            .filter(|line| party != "stt" || line != PATIENCE)
            .collect();
        anyhow::ensure!(heard == [GREETING, ANSWER], "the caller heard {heard:?}");
        anyhow::ensure!(latency < 3200.0, "the answer took {latency} ms");
        Ok(())
    }
}

#[test]
fn a_voice_that_refuses_is_replaced() {
    let knob = r#"{"provider":"cartesia","status":401}"#;
    failing(knob, &[ANSWER], answered_though("tts"));
}

#[test]
fn a_voice_that_never_answers_is_replaced() {
    let knob = r#"{"provider":"cartesia","half_open":true}"#;
    failing(knob, &[ANSWER], answered_though("tts"));
}

#[test]
fn a_voice_of_silence_is_replaced() {
    let knob = r#"{"provider":"cartesia","silence":true}"#;
    failing(knob, &[ANSWER], answered_though("tts"));
}

#[test]
fn a_voice_of_garbage_is_replaced() {
    let knob = r#"{"provider":"cartesia","garbage":true}"#;
    failing(knob, &[ANSWER], answered_though("tts"));
}

#[test]
fn a_recogniser_that_refuses_is_replaced_by_the_local_one() {
    let knob = r#"{"provider":"deepgram","status":401}"#;
    failing(knob, &[ANSWER], answered_though("stt"));
}

#[test]
fn a_recogniser_that_never_answers_is_replaced_with_what_was_said() {
    let knob = r#"{"provider":"deepgram","half_open":true}"#;
    failing_for_one_who_stays(4500, (knob, &[ANSWER]), |files, latency| {
        answered_though("stt")(files, latency)?;
        let said = lines(files, "caller").join(" ");
        anyhow::ensure!(said.contains("would like"), "the caller said {said:?}");
        Ok(())
    });
}

#[test]
fn a_recogniser_that_breaks_off_is_asked_again_and_no_word_is_lost() {
    let knob = r#"{"provider":"deepgram","disconnect_after":2,"next":1}"#;
    failing(knob, &[ANSWER], |files, latency| {
        anyhow::ensure!(
            lines(files, "caller") == [QUESTION],
            "{:?}",
            lines(files, "caller")
        );
        anyhow::ensure!(latency < 3200.0, "the answer took {latency} ms");
        Ok(())
    });
}

#[test]
fn a_model_that_fails_once_is_asked_again() {
    let knob = r#"{"provider":"openai","endpoint":"chat","status":503,"next":1}"#;
    failing(knob, &[ANSWER], |files, latency| {
        anyhow::ensure!(lines(files, "agent") == [GREETING, ANSWER]);
        anyhow::ensure!(latency < 3200.0, "the answer took {latency} ms");
        Ok(())
    });
}

#[test]
fn a_model_that_never_answers_is_apologised_for_within_two_seconds_and_the_call_goes_on() {
    let knob = r#"{"provider":"openai","endpoint":"chat","half_open":true}"#;
    failing(knob, &[ANSWER], |files, latency| {
        let heard = lines(files, "agent");
        anyhow::ensure!(
            heard.len() == 2 && heard[1].contains("went wrong"),
            "the caller heard {heard:?}"
        );
        anyhow::ensure!(latency < 3200.0, "the apology took {latency} ms");
        Ok(())
    });
}

#[test]
fn without_any_key_the_local_engines_answer() {
    let twins = Twins::start(&[], &[]);
    let server = server(&twins, &[]);
    assert!(server.said().contains("no cloud recogniser is configured"));
    assert!(twins.asked("listen").is_empty());
}
