use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use ringback_audio::wav::{Coding, WavFormat, WavWriter};
use ringback_sim::conversation::Happening;
use ringback_sim::{CallArgs, Ended, Outcome};
use ringback_wire::twilio::media::write_clear;
use ringback_wire::twilio::signature::{AuthToken, sign};
use ringback_wire::twilio::webhook::Form;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::server::{Server, caller_spoke, connect, echo, sound, start, stream_sid, twiml};

#[derive(Debug, Parser)]
struct Program {
    #[command(flatten)]
    call: CallArgs,
}

pub async fn call(server: &Server, arguments: &[&str]) -> anyhow::Result<Outcome> {
    let url = server.url();
    let mut all = vec!["ringback", "--url", &url, "--quiet", "--json"];
    all.extend(arguments);
    ringback_sim::call(Program::parse_from(all).call).await
}

/// A tone with silence around it.
fn tone(dir: &Path, ms: usize) -> PathBuf {
    let path = dir.join("tone.wav");
    let format = WavFormat {
        rate_hz: 8000,
        channels: 1,
        coding: Coding::Pcm16,
    };
    let mut samples = vec![0i16; 800];
    samples.extend((0..ms * 8).map(|n| ((n as f64 * 0.8).sin() * 9000.0) as i16));
    samples.extend([0; 800]);
    let mut writer = WavWriter::create(File::create(&path).unwrap(), format).unwrap();
    writer.append(&samples).unwrap();
    writer.finish().unwrap();
    path
}

fn script(dir: &Path, steps: &[&str]) -> String {
    let path = dir.join("script.toml");
    let text: String = steps
        .iter()
        .map(|step| format!("[[step]]\n{step}\n"))
        .collect();
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_greeting_a_question_and_an_answer_become_turns_with_latencies() {
    let server = start(
        vec![connect(), twiml("<Hangup/>")],
        |mut socket| async move {
            let sid = stream_sid(&mut socket).await;
            sound(&mut socket, &sid, 300, "greeting").await;
            echo(&mut socket, "greeting").await;
            caller_spoke(&mut socket, 200).await;
            sound(&mut socket, &sid, 200, "answer").await;
            echo(&mut socket, "answer").await;
            socket.close(None).await.unwrap();
        },
    )
    .await;
    let dir = tempfile::tempdir().unwrap();
    let tone = tone(dir.path(), 400);
    let out = dir.path().join("call.wav");
    let arguments = [
        "--wav",
        tone.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--auth-token",
        "tok_made_up",
    ];
    let outcome = call(&server, &arguments).await.unwrap();
    assert_eq!(outcome.ended, Ended::Server);
    assert_eq!(outcome.exit_code(), 0);
    assert_eq!(outcome.turns.len(), 2);
    let answer = &outcome.turns[1];
    let latency = answer.latency_ms.unwrap();
    // 200 ms of quiet that the server waits for, 40 ms of jitter buffer, and up to two frames: never less than both.
    assert!((220.0..600.0).contains(&latency), "{latency} ms");
    let media = answer.first_media_ms.unwrap();
    assert!(answer.last_sound_ms < media && media < answer.first_sound_ms.unwrap());
    assert_eq!(outcome.media.marks_played, 2);
    assert_eq!(outcome.media.refusals, 0);

    let wav = ringback_audio::wav::read(&mut File::open(out).unwrap()).unwrap();
    assert_eq!(wav.channels, 2);
    let first = |channel| {
        wav.channel(channel)
            .position(|s| s.unsigned_abs() > 3000)
            .unwrap() as f64
            / 8.0
    };
    assert!((first(1) - outcome.turns[0].first_sound_ms.unwrap()).abs() < 1.0);
    let said = outcome
        .events
        .iter()
        .find(|event| matches!(event.happening, Happening::CallerBegins { .. }));
    assert!((first(0) - said.unwrap().at_ms).abs() < 3.0);

    let asked = server.asked.all();
    let targets: Vec<&str> = asked
        .iter()
        .map(|request| request.target.as_str())
        .collect();
    assert_eq!(targets, ["/", "/resume/r1?x=1"]);
    for (request, status) in asked.iter().zip(["ringing", "in-progress"]) {
        let form = Form::parse(request.body.as_bytes()).unwrap();
        assert_eq!(form.first("CallStatus"), Some(status));
        assert_eq!(form.first("CallSid"), Some(&*outcome.call_sid));
        let url = format!("{}{}", server.url(), request.target);
        let token = AuthToken::new("tok_made_up").unwrap();
        let expected = format!("x-twilio-signature: {}", sign(&token, &url, form.pairs()));
        let head = request.head.to_lowercase();
        assert!(head.contains(&expected.to_lowercase()), "{head}");
    }
}

#[tokio::test]
async fn a_barge_in_is_cleared_and_its_marks_come_back_at_once() {
    let server = start(
        vec![connect(), twiml("<Hangup/>")],
        |mut socket| async move {
            let sid = stream_sid(&mut socket).await;
            sound(&mut socket, &sid, 3000, "1.long").await;
            caller_spoke(&mut socket, 20).await;
            let mut clear = String::new();
            write_clear(&mut clear, &sid);
            socket.send(Message::text(clear)).await.unwrap();
            echo(&mut socket, "1.long").await;
            for _ in 0..10 {
                socket.next().await;
            }
            socket.close(None).await.unwrap();
        },
    )
    .await;
    let dir = tempfile::tempdir().unwrap();
    let script = script(
        dir.path(),
        &[
            "barge_in = { after_ms = 200, burst_ms = 100 }",
            "expect_clear_within_ms = 500",
            "expect_no_clear = 0",
            "expect_end = 2000",
        ],
    );
    let outcome = call(&server, &["--script", &script]).await.unwrap();
    assert_eq!(outcome.failures.len(), 1, "{:?}", outcome.failures);
    assert!(outcome.failures[0].starts_with("line 5 (expect_no_clear): a clear came after"));
    assert_eq!(outcome.exit_code(), 2);
    assert_eq!((outcome.media.clears, outcome.media.marks_cleared), (1, 1));
    let played = outcome.turns[0].reply_ms + outcome.turns[1].reply_ms;
    assert!(played < 1000, "{played} ms were played of 3000");
}

#[tokio::test]
async fn keys_reach_the_server_and_a_transfer_is_reported_masked() {
    let dial = twiml("<Say>One moment.</Say><Dial><Number>+15005550009</Number></Dial>");
    let server = start(vec![connect(), dial], |mut socket| async move {
        let mut digits = String::new();
        while digits != "4#" {
            let Some(Ok(Message::Text(text))) = socket.next().await else {
                panic!("the socket ended after {digits:?}");
            };
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            digits.push_str(value["dtmf"]["digit"].as_str().unwrap_or(""));
        }
        socket.close(None).await.unwrap();
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let script = script(dir.path(), &["digits = \"4#\"", "expect_end = 2000"]);
    let outcome = call(&server, &["--script", &script]).await.unwrap();
    assert_eq!(outcome.exit_code(), 0, "{:?}", outcome.failures);
    let Ended::Transfer { to } = &outcome.ended else {
        panic!("{:?}", outcome.ended);
    };
    assert_eq!(to, "+15•••09");
    let says = |event: &&ringback_sim::conversation::Moment| matches!(&event.happening, Happening::TwilioSays { text } if text == "One moment.");
    assert!(outcome.events.iter().any(|event| says(&event)));
}

#[tokio::test]
async fn a_new_stream_goes_on_with_the_same_call() {
    let server = start(
        vec![connect(), connect(), twiml("<Hangup/>")],
        |mut socket| async move {
            let sid = stream_sid(&mut socket).await;
            sound(&mut socket, &sid, 100, "m").await;
            echo(&mut socket, "m").await;
            socket.close(None).await.unwrap();
        },
    )
    .await;
    let dir = tempfile::tempdir().unwrap();
    let script = script(dir.path(), &["expect_end = 5000"]);
    let outcome = call(&server, &["--script", &script]).await.unwrap();
    assert_eq!(outcome.ended, Ended::Server);
    let streams = outcome
        .events
        .iter()
        .filter(|event| event.happening == Happening::Stream);
    assert_eq!(streams.count(), 2);
    let told = outcome.server.iter().chain(&outcome.put_through);
    let told: Vec<_> = told.map(|call| call.scenario.as_str()).collect();
    assert_eq!(
        told,
        ["line-1", "line-2"],
        "each stream is a call of its own"
    );
    assert_eq!(outcome.media.marks_played, 2);
    assert_eq!(outcome.exit_code(), 0, "{:?}", outcome.failures);
}

#[tokio::test]
async fn the_caller_who_hangs_up_says_stop() {
    let (told, heard) = tokio::sync::oneshot::channel();
    let told = std::sync::Mutex::new(Some(told));
    let server = start(vec![connect()], move |mut socket| {
        let told = told.lock().unwrap().take();
        async move {
            let mut last = String::new();
            while let Some(Ok(Message::Text(text))) = socket.next().await {
                last = text.to_string();
            }
            told.unwrap().send(last).unwrap();
        }
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let script = script(dir.path(), &["pause_ms = 100", "hang_up = true"]);
    let outcome = call(&server, &["--script", &script]).await.unwrap();
    assert_eq!(outcome.ended, Ended::Caller);
    assert_eq!(outcome.exit_code(), 0);
    let last: serde_json::Value = serde_json::from_str(&heard.await.unwrap()).unwrap();
    assert_eq!(last["event"], "stop");
    assert_eq!(last["stop"]["callSid"], outcome.call_sid.as_str());
}

#[tokio::test]
async fn what_twilio_would_not_take_is_counted_and_the_call_goes_on() {
    let server = start(vec![connect(), twiml("")], |mut socket| async move {
        let sid = stream_sid(&mut socket).await;
        let texts = [
            "no json".to_owned(),
            format!(r#"{{"event":"media","streamSid":"{sid}","media":{{"payload":"//8=","chunk":"1"}}}}"#),
            r#"{"event":"clear","streamSid":"MZ00000000000000000000000000000000"}"#.to_owned(),
            format!(r#"{{"event":"mark","streamSid":"{sid}"}}"#),
        ];
        for text in texts {
            socket.send(Message::text(text)).await.unwrap();
        }
        socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
        sound(&mut socket, &sid, 40, "still here").await;
        echo(&mut socket, "still here").await;
        socket.close(None).await.unwrap();
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let script = script(dir.path(), &["expect_end = 3000"]);
    let outcome = call(&server, &["--script", &script]).await.unwrap();
    assert_eq!(outcome.media.refusals, 5);
    assert_eq!(outcome.exit_code(), 3);
    let codes: Vec<u16> = outcome
        .events
        .iter()
        .filter_map(|event| {
            let Happening::Refused { code, .. } = event.happening else {
                return None;
            };
            Some(code)
        })
        .collect();
    assert_eq!(codes, [31951, 31951, 31951, 31951, 31950]);
    assert_eq!(outcome.media.marks_played, 1);
}

#[tokio::test]
async fn a_socket_closed_for_a_reason_names_it() {
    let server = start(vec![connect()], |mut socket| async move {
        stream_sid(&mut socket).await;
        let frame = CloseFrame {
            code: CloseCode::Policy,
            reason: "the token was used before".into(),
        };
        socket.close(Some(frame)).await.unwrap();
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let script = script(dir.path(), &["expect_end = 3000"]);
    let outcome = call(&server, &["--script", &script]).await.unwrap();
    let Ended::Broken { why } = &outcome.ended else {
        panic!("{:?}", outcome.ended);
    };
    assert!(
        why.contains("1008 (policy violation): the token was used before"),
        "{why}"
    );
    assert_eq!(outcome.exit_code(), 3);
}

#[tokio::test]
async fn a_call_that_lasts_too_long_is_hung_up() {
    let server = start(vec![connect()], |mut socket| async move {
        while socket.next().await.is_some() {}
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let script = script(dir.path(), &["pause_ms = 60000"]);
    let outcome = call(&server, &["--script", &script, "--max-seconds", "1"])
        .await
        .unwrap();
    assert_eq!(outcome.ended, Ended::TimeUp { seconds: 1 });
    assert_eq!(outcome.exit_code(), 2);
    assert!(
        (900..1300).contains(&outcome.duration_ms),
        "{}",
        outcome.duration_ms
    );
    // 50 frames a second, whatever the machine does meanwhile: the schedule is absolute.
    assert!(
        (45..=51).contains(&outcome.media.frames_sent),
        "{}",
        outcome.media.frames_sent
    );
}
