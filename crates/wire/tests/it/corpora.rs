//! Replays the fuzzers' corpora: what once was hard stays solved, on a stable compiler and in every run.

use std::fs;
use std::path::Path;

#[path = "../../../../fuzz/checks/captcha.rs"]
mod captcha;
#[path = "../../../../fuzz/checks/cartesia.rs"]
mod cartesia;
#[path = "../../../../fuzz/checks/deepgram.rs"]
pub(crate) mod deepgram;
#[path = "../../../../fuzz/checks/elevenlabs.rs"]
mod elevenlabs;
#[path = "../../../../fuzz/checks/openai.rs"]
mod openai;
#[path = "../../../../fuzz/checks/sse.rs"]
mod sse;
#[path = "../../../../fuzz/checks/twilio.rs"]
mod twilio;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut replayed = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let data = fs::read(&path).unwrap();
        let result = std::panic::catch_unwind(|| check(&data));
        assert!(
            result.is_ok(),
            "{} breaks the check of {target}",
            path.display()
        );
        replayed += 1;
    }
    assert!(replayed > 0, "{} is empty", folder.display());
}

#[test]
fn the_corpus_of_twilio_media_holds() {
    replay("twilio_media", twilio::media);
}

#[test]
fn the_corpus_of_twilio_twiml_holds() {
    replay("twilio_twiml", twilio::twiml);
}

#[test]
fn the_corpus_of_twilio_forms_holds() {
    replay("twilio_form", twilio::form);
}

#[test]
fn the_corpus_of_deepgram_messages_holds() {
    replay("deepgram_message", deepgram::message);
}

#[test]
fn the_corpus_of_deepgram_queries_holds() {
    replay("deepgram_query", deepgram::query);
}

#[test]
fn the_corpus_of_deepgram_errors_holds() {
    replay("deepgram_error", deepgram::error);
}

#[test]
fn the_corpus_of_captchas_answers_holds() {
    replay("captcha_server", captcha::server);
}

#[test]
fn the_corpus_of_captchas_questions_holds() {
    replay("captcha_client", captcha::client);
}

#[test]
fn the_corpus_of_cartesias_messages_holds() {
    replay("cartesia_server", cartesia::server);
}

#[test]
fn the_corpus_of_cartesias_clients_holds() {
    replay("cartesia_client", cartesia::client);
}

#[test]
fn the_corpus_of_elevenlabs_messages_holds() {
    replay("elevenlabs_server", elevenlabs::server);
}

#[test]
fn the_corpus_of_elevenlabs_clients_holds() {
    replay("elevenlabs_client", elevenlabs::client);
}

#[test]
fn the_corpus_of_event_streams_holds() {
    replay("sse", sse::stream);
}

#[test]
fn the_corpus_of_openai_servers_holds() {
    replay("openai_server", openai::server);
}

#[test]
fn the_corpus_of_openai_clients_holds() {
    replay("openai_client", openai::client);
}
