//! Marked utterances: each has a word of its own, by which its way from twin to twin is stamped.

use futures_util::SinkExt;
use ringback_sim::providers::{Hearing, Options, Point, Reply, Stamp, Stamped, VOICE_ID};
use ringback_wire::cartesia::{self, Input, RawFormat, ServerMessage, Settings, parse_server};
use ringback_wire::deepgram::listen::{Event, PATH, Query, parse};

use crate::deepgram::{KEY, YES, speak};
use crate::openai::{self, events};
use crate::twins::{ask, connect, start_with, text};

fn options() -> Options {
    Options {
        hearing: Hearing::Script(vec!["The {mark} please.".to_owned()]),
        replies: vec![Reply {
            text: "One {mark} it is. Thank you.".to_owned(),
            ..Reply::default()
        }],
        ..Options::default()
    }
}

/// The final transcript of one utterance on a stream of its own.
async fn heard(url: &str) -> String {
    let query = Query::telephone("nova-3").to_query();
    let mut line = connect(url, &format!("{PATH}?{query}"), &[KEY]).await;
    speak(&mut line, YES, 1000).await;
    while let Some(message) = text(&mut line).await {
        if let Event::Results(results) = parse(&message).unwrap()
            && results.is_final
            && !results.transcript().is_empty()
        {
            return results.transcript().to_owned();
        }
    }
    panic!("nothing was heard");
}

/// What the model answers to this.
async fn answered(twins: &ringback_sim::providers::Running, said: &str) -> String {
    let body = serde_json::json!({
        "model": "gpt-6-luna", "stream": true, "messages": [{"role": "user", "content": said}],
    });
    let path = "/v1/chat/completions";
    let answer = ask(twins, path, &[openai::KEY], &body.to_string()).await;
    let (events, _) = events(answer).await;
    let deltas = events.iter().filter_map(|event| {
        let chunk: serde_json::Value = serde_json::from_str(&event.data).ok()?;
        Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned())
    });
    deltas.collect()
}

/// Samples of the speech of a text, on a socket of its own.
async fn spoken(url: &str, said: &str) -> usize {
    let headers = [("X-API-Key", "key"), ("Cartesia-Version", "2026-03-01")];
    let mut line = connect(url, cartesia::SOCKET_PATH, &headers).await;
    let settings = Settings::new("sonic-3.5", VOICE_ID, RawFormat::TELEPHONE);
    let message = settings.to_text(Input::last("t1", said));
    line.send(message.into()).await.unwrap();
    let mut audio = Vec::new();
    while let Some(message) = text(&mut line).await {
        let message = parse_server(&message).unwrap();
        if let ServerMessage::Chunk(chunk) = &message {
            chunk.decode_into(&mut audio).unwrap();
        }
        if matches!(message, ServerMessage::Done { .. }) {
            break;
        }
    }
    audio.len()
}

#[tokio::test]
async fn an_utterance_is_followed_from_the_recogniser_to_the_voice() {
    let twins = start_with(options()).await;
    let (url, other) = (twins.url(), heard(&twins.url()).await);
    let said = heard(&url).await;
    assert_ne!(said, other, "each utterance has a mark of its own");
    let mark = said.split_whitespace().nth(1).unwrap();
    let answer = answered(&twins, &said).await;
    assert_eq!(answer, format!("One {mark} it is. Thank you."));
    let (sentence, _) = answer.split_at(answer.find(" Thank").unwrap());
    let samples = spoken(&url, sentence).await;
    let plain = spoken(&url, "One it is.").await;
    assert_eq!(samples, plain, "marks are not spoken");

    let of_one = stamps(&url).await;
    let points: Vec<Point> = of_one.iter().map(|stamp| stamp.point).collect();
    let wrote = |words| Point::Wrote { words };
    let expected = [
        Point::Final,
        Point::Asked,
        wrote(1),
        wrote(2),
        wrote(3),
        wrote(4),
        wrote(5),
        wrote(6),
        Point::Speak { words: 4 },
        Point::Audio,
    ];
    assert_eq!(points, expected);
    let in_order = of_one.windows(2).all(|two| two[0].at_us <= two[1].at_us);
    assert!(in_order, "{of_one:?}");
}

/// Those of the utterance that was answered.
async fn stamps(url: &str) -> Vec<Stamp> {
    let answer = reqwest::get(format!("{url}/sim/stamps")).await.unwrap();
    let stamped: Stamped = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let asked = stamped
        .stamps
        .iter()
        .find(|stamp| stamp.point == Point::Asked);
    let mark = asked.unwrap().mark;
    let stamps = stamped.stamps.into_iter();
    stamps.filter(|stamp| stamp.mark == mark).collect()
}
