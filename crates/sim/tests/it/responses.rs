//! OpenAI's Responses and audio, over real sockets.

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use ringback_sim::providers::{Hearing, Options, Rule, Running};
use ringback_wire::openai::audio::{
    PCM_RATE_HZ, SpeechEvent, SpeechRequest, TranscriptEvent, TranscriptionRequest, Voice,
    parse_speech_event, parse_transcript, parse_transcript_event,
};
use ringback_wire::openai::chat::Tool;
use ringback_wire::openai::responses::{
    Event, InputItem, OutputItem, Request, Role, Thread, parse, parse_response,
};
use ringback_wire::openai::{Account, ApiError, Effort};

use crate::deepgram::YES;
use crate::openai::{KEY, events, script};
use crate::twins::{ask, start, start_with};

const PATH: &str = "/v1/responses";

fn request(input: Vec<InputItem>) -> Request {
    Request {
        model: "gpt-6.1-sol".to_owned(),
        input,
        stream: true,
        ..Request::default()
    }
}

fn user(text: &str) -> InputItem {
    InputItem::message(Role::User, text)
}

/// The events of an answer, whose numbers and names are in order.
async fn answer(twins: &Running, request: &Request) -> Vec<Event> {
    let response = ask(twins, PATH, &[KEY], &request.to_text()).await;
    assert_eq!(response.status(), 200);
    let (events, whole) = events(response).await;
    assert!(whole);
    let mut answer = Vec::new();
    for (number, event) in events.iter().enumerate() {
        let value: serde_json::Value = serde_json::from_str(&event.data).unwrap();
        assert_eq!(value["sequence_number"], number);
        assert_eq!(value["type"].as_str(), event.name.as_deref());
        answer.push(parse(&event.data).unwrap());
    }
    answer
}

fn deltas(events: &[Event]) -> String {
    let delta = |event: &Event| {
        if let Event::TextDelta { delta, .. } = event {
            Some(delta.clone())
        } else {
            None
        }
    };
    events.iter().filter_map(delta).collect()
}

#[tokio::test]
async fn an_answer_streams_in_the_documented_order() {
    let twins = start().await;
    let events = answer(&twins, &request(vec![user("Is Friday free?")])).await;
    let kinds: Vec<_> = events.iter().map(Event::kind).collect();
    let mut order = kinds.clone();
    order.dedup();
    assert_eq!(
        order,
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    assert_eq!(deltas(&events), "You said: Is Friday free?");
    let Some(Event::Completed(response)) = events.last() else {
        panic!("{kinds:?}")
    };
    assert_eq!(
        (response.status.as_str(), response.usage.unwrap().output),
        ("completed", 5)
    );
    assert_eq!(response.output[0].spoken(), "You said: Is Friday free?");
}

#[tokio::test]
async fn a_tool_is_called_and_its_result_taken() {
    let twins = start_with(script(
        "[[reply]]\nwhen = \"friday\"\ntool_call = { name = \"slots\", arguments = { day = 5 } }\n",
    ))
    .await;
    let tools = vec![Tool {
        name: "slots".to_owned(),
        ..Tool::default()
    }];
    let mut asked = Request {
        tools,
        ..request(vec![user("Friday?")])
    };
    asked.output.effort = Some(Effort::Low);
    let events = answer(&twins, &asked).await;
    let Some(Event::Completed(response)) = events.last() else {
        panic!("{events:?}")
    };
    let [OutputItem::FunctionCall(call)] = &response.output[..] else {
        panic!("{response:?}")
    };
    assert_eq!(
        (call.name.as_str(), call.arguments.as_str()),
        ("slots", r#"{"day":5}"#)
    );
    asked.input.push(response.output[0].to_input());
    let result = InputItem::FunctionCallOutput {
        call_id: call.call_id.clone(),
        output: "[9]".to_owned(),
    };
    asked.input.push(result);
    assert_eq!(deltas(&answer(&twins, &asked).await), "The result is: [9]");
}

#[tokio::test]
async fn a_kept_response_is_gone_on_from_and_another_is_not_found() {
    let twins = start_with(script("reply = [{ text = \"One.\" }, { text = \"Two.\" }]")).await;
    let first = answer(&twins, &request(vec![user("a")])).await;
    let Some(Event::Completed(kept)) = first.last() else {
        panic!("{first:?}")
    };
    let from = |id: &str| Request {
        thread: Thread {
            previous_response_id: Some(id.to_owned()),
            ..Thread::default()
        },
        ..request(vec![user("b")])
    };
    assert_eq!(deltas(&answer(&twins, &from(&kept.id)).await), "Two.");
    let unkept = Request {
        account: Account {
            store: Some(false),
            ..Account::default()
        },
        ..request(vec![user("a")])
    };
    let unkept = answer(&twins, &unkept).await;
    let Some(Event::Completed(unkept)) = unkept.last() else {
        panic!("{unkept:?}")
    };
    let refused = ask(&twins, PATH, &[KEY], &from(&unkept.id).to_text()).await;
    assert_eq!(refused.status(), 400);
    let error = ApiError::read(&refused.text().await.unwrap());
    assert_eq!(error.param.as_deref(), Some("previous_response_id"));
}

#[tokio::test]
async fn a_limit_of_tokens_leaves_a_response_incomplete_and_a_whole_one_needs_no_stream() {
    let twins = start().await;
    let mut short = request(vec![user("one two three")]);
    short.output.max_output_tokens = Some(16);
    short.input = vec![user(&"word ".repeat(30))];
    let events = answer(&twins, &short).await;
    let Some(Event::Incomplete(response)) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!(
        response.incomplete_reason.as_deref(),
        Some("max_output_tokens")
    );
    let whole = Request {
        stream: false,
        ..request(vec![user("Hi.")])
    };
    let body = ask(&twins, PATH, &[KEY], &whole.to_text())
        .await
        .text()
        .await
        .unwrap();
    let response = parse_response(&body).unwrap().unwrap();
    assert_eq!(response.output[0].spoken(), "You said: Hi.");
    let refused = ask(
        &twins,
        PATH,
        &[KEY],
        &whole.to_text().replace("input", "inputs"),
    )
    .await;
    assert_eq!(refused.status(), 400);
}

#[tokio::test]
async fn speech_is_pcm_or_wav_or_events() {
    let twins = start().await;
    let speech = |format: &str| SpeechRequest {
        model: "gpt-4o-mini-tts".to_owned(),
        input: "Good morning.".to_owned(),
        voice: Voice::Name("marin".to_owned()),
        response_format: Some(format.to_owned()),
        ..SpeechRequest::default()
    };
    let path = "/v1/audio/speech";
    let pcm = ask(&twins, path, &[KEY], &speech("pcm").to_text())
        .await
        .bytes()
        .await
        .unwrap();
    let seconds = pcm.len() as f64 / 2.0 / f64::from(PCM_RATE_HZ);
    assert!((0.5..2.5).contains(&seconds), "{seconds}");
    let wav = ask(&twins, path, &[KEY], &speech("wav").to_text())
        .await
        .bytes()
        .await
        .unwrap();
    assert!(wav.starts_with(b"RIFF"));
    let streamed = SpeechRequest {
        stream_format: Some("sse".to_owned()),
        ..speech("pcm")
    };
    let (events, _) = events(ask(&twins, path, &[KEY], &streamed.to_text()).await).await;
    let mut audio = Vec::new();
    for event in &events {
        parse_speech_event(&event.data)
            .unwrap()
            .decode_into(&mut audio)
            .unwrap();
    }
    assert!((audio.len() as f64 / pcm.len() as f64 - 1.0).abs() < 0.1);
    assert!(matches!(
        parse_speech_event(&events.last().unwrap().data),
        Ok(SpeechEvent::Done(_))
    ));
    let refused = ask(&twins, path, &[KEY], &speech("mp3").to_text()).await;
    assert_eq!(refused.status(), 400);
    twins.set(Rule::parse_flag("openai.speech:silence,next=1").unwrap());
    let silence = ask(&twins, path, &[KEY], &speech("pcm").to_text())
        .await
        .bytes()
        .await
        .unwrap();
    assert!(silence.len() > 20_000 && silence.iter().all(|&byte| byte == 0));
}

/// A mu-law file of 8000 Hz as WAV.
fn wav(mulaw: &[u8]) -> Vec<u8> {
    let length = mulaw.len() as u32;
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + length).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    for number in [16u32, 0x0001_0007, 8000, 8000, 0x0008_0001] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    file.extend_from_slice(b"data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(mulaw);
    file
}

async fn transcribe(
    twins: &Running,
    asked: &TranscriptionRequest,
    (name, file): (&str, &[u8]),
) -> reqwest::Response {
    let mut body = Vec::new();
    for (name, value) in asked.fields() {
        let part =
            format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: audio/wav\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--xyz--\r\n");
    let request = Client::new()
        .post(format!("{}/v1/audio/transcriptions", twins.url()))
        .body(body);
    let request = request
        .header(KEY.0, KEY.1)
        .header(CONTENT_TYPE, "multipart/form-data; boundary=xyz");
    request.send().await.unwrap()
}

#[tokio::test]
async fn the_words_of_a_file_are_heard() {
    let twins = start_with(Options {
        hearing: Hearing::Decoders(1),
        ..Options::default()
    })
    .await;
    let file = wav(&[YES, &[0xFF; 8000], YES].concat());
    let asked = TranscriptionRequest {
        model: "gpt-transcribe".to_owned(),
        ..TranscriptionRequest::default()
    };
    let body = transcribe(&twins, &asked, ("a.wav", &file))
        .await
        .text()
        .await
        .unwrap();
    let transcript = parse_transcript(&body).unwrap();
    assert_eq!(
        (transcript.text.as_str(), &transcript.languages[..]),
        ("Yes please. Yes please.", &["en".to_owned()][..])
    );
    let verbose = TranscriptionRequest {
        model: "whisper-1".to_owned(),
        response_format: Some("verbose_json".to_owned()),
        timestamp_granularities: vec!["word".to_owned()],
        ..TranscriptionRequest::default()
    };
    let body = transcribe(&twins, &verbose, ("a.wav", &file))
        .await
        .text()
        .await
        .unwrap();
    let transcript = parse_transcript(&body).unwrap();
    assert_eq!((transcript.words.len(), transcript.segments.len()), (4, 1));
    assert!(transcript.words[2].start_s > 2.0 && transcript.duration_s.unwrap() > 4.0);
    let streamed = TranscriptionRequest {
        stream: true,
        ..asked.clone()
    };
    let (events, _) = events(transcribe(&twins, &streamed, ("a.wav", &file)).await).await;
    let Ok(TranscriptEvent::Text(done)) = parse_transcript_event(&events.last().unwrap().data)
    else {
        panic!("{events:?}");
    };
    assert_eq!(
        (events.len(), done.text.as_str()),
        (5, "Yes please. Yes please.")
    );
    for (name, file, named) in [
        ("a", &file[..], "format"),
        ("a.wav", b"none", "WAV"),
        ("a.mp3", b"ID3", "WAV"),
    ] {
        let refused = transcribe(&twins, &asked, (name, file)).await;
        assert_eq!(refused.status(), 400);
        let error = ApiError::read(&refused.text().await.unwrap());
        assert!(error.message.contains(named), "{error:?}");
    }
}
