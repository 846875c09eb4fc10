//! `/v1/speak`, Aura: the socket and the request.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use ringback_wire::deepgram::speak::{
    self as wire, CHARACTER_COUNT_HEADER, Command, Container, DEFAULT_MODEL, Event, FLUSH_WINDOW,
    MAX_FLUSHES, MODEL_NAME_HEADER, MODEL_UUID_HEADER, Query, Text, parse_command,
    parse_request_query, parse_socket_query, parse_text,
};
use ringback_wire::deepgram::{Closing, Encoding, Refusal};
use tokio::time::{Instant, sleep, sleep_until};

use super::super::place::AURA;
use super::super::refusal::Fault;
use super::super::socket::{self, Broken, Incoming, Socket, Upgrade};
use super::super::sound::Format;
use super::super::visit::{Refused, Visit};
use super::super::voice::sentences;
use super::super::{Twin, VOICE_ID, answer, wav};
use super::{format, request_id, with_request_id};

/// Bytes of a binary frame.
const FRAME: usize = 2003;
/// The version of every voice.
const VERSION: &str = "2025-04-07.0";

fn check_model(visit: &Visit, query: &Query) -> Result<String, Refused> {
    let model = query
        .model
        .clone()
        .unwrap_or_else(|| DEFAULT_MODEL.to_owned());
    if model.starts_with("aura-") {
        return Ok(model);
    }
    Err(visit.refuse(&Fault::new(
        400,
        "Bad Request",
        "No such model/version combination found.",
    )))
}

pub(super) async fn open_speak(
    State(twin): State<Arc<Twin>>,
    upgrade: Upgrade,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, _) = request.into_parts();
    let visit = Visit::admit(&twin, AURA, &parts).await?;
    let query =
        parse_socket_query(parts.uri.query().unwrap_or_default()).map_err(|why| visit.bad(why))?;
    let model = check_model(&visit, &query)?;
    let encoding = query.encoding.unwrap_or(Encoding::Linear16);
    let usual = if encoding == Encoding::Linear16 {
        24_000
    } else {
        8000
    };
    let rate = query.sample_rate.unwrap_or(usual);
    let format = format(Some(encoding), Some(rate)).map_err(|fault| visit.refuse(&fault))?;
    let request_id = request_id();
    let metadata = Event::Metadata {
        request_id: request_id.clone(),
        model_name: model,
        model_version: VERSION.to_owned(),
        model_uuid: VOICE_ID.to_owned(),
        additional_model_uuids: Vec::new(),
    };
    let response = socket::open(visit, upgrade, async move |mut socket| {
        if socket.text(metadata.to_text()).await.is_ok() {
            let speech = Speech {
                socket,
                twin,
                format,
                text: String::new(),
                answers: 0,
                flushes: VecDeque::new(),
            };
            speech.run().await;
        }
    })?;
    Ok(with_request_id(response, &request_id))
}

/// One socket.
struct Speech {
    socket: Socket,
    twin: Arc<Twin>,
    format: Format,
    /// What was not spoken yet.
    text: String,
    answers: u64,
    flushes: VecDeque<Instant>,
}

/// How a socket goes on.
enum Next {
    Speak,
    Close(Closing),
    Refuse(Closing),
}

impl Speech {
    async fn run(mut self) {
        let end = Instant::now() + self.twin.options.limits.aura_session;
        loop {
            let incoming = tokio::select! {
                incoming = self.socket.next() => incoming,
                () = sleep_until(end) => {
                    return self.socket.refuse(wire::TOO_LONG_OPEN.code, wire::TOO_LONG_OPEN.reason).await;
                }
            };
            match self.take(incoming).await {
                Err(Broken) => return,
                Ok(Next::Speak) => {}
                Ok(Next::Close(closing)) => {
                    return self.socket.close(closing.code, closing.reason).await;
                }
                Ok(Next::Refuse(closing)) => {
                    return self.socket.refuse(closing.code, closing.reason).await;
                }
            }
        }
    }

    async fn take(&mut self, incoming: Incoming) -> Result<Next, Broken> {
        let text = match incoming {
            Incoming::Text(text) => text,
            Incoming::Binary(_) => return Ok(Next::Refuse(wire::NOT_TEXT)),
            Incoming::Ping => return Ok(Next::Speak),
            Incoming::Gone => return Err(Broken),
        };
        match parse_command(&text) {
            Ok(Command::Speak { text }) => {
                self.text.push_str(&text);
                Ok(Next::Speak)
            }
            Ok(Command::Flush) => self.flush().await.map(|()| Next::Speak),
            Ok(Command::Clear) => {
                self.text.clear();
                let sequence_id = self.answer();
                self.socket
                    .text(Event::Cleared { sequence_id }.to_text())
                    .await?;
                Ok(Next::Speak)
            }
            Ok(Command::Close) => self.speak().await.map(|()| Next::Close(Closing::NORMAL)),
            Err(refusal) => Ok(Next::Refuse(wire::closing(&refusal))),
        }
    }

    fn answer(&mut self) -> u64 {
        self.answers += 1;
        self.answers - 1
    }

    async fn flush(&mut self) -> Result<(), Broken> {
        let now = Instant::now();
        self.flushes
            .retain(|flush| now.duration_since(*flush) < FLUSH_WINDOW);
        if self.flushes.len() >= MAX_FLUSHES {
            let warning = Event::Warning {
                code: "EXCESSIVE_FLUSH".to_owned(),
                description: "too many flushes: this one is not done".to_owned(),
            };
            return self.socket.text(warning.to_text()).await;
        }
        self.flushes.push_back(now);
        self.speak().await?;
        let sequence_id = self.answer();
        sleep(Duration::from_millis(
            self.socket.knobs.late_ms.unwrap_or(0),
        ))
        .await;
        self.socket
            .text(Event::Flushed { sequence_id }.to_text())
            .await
    }

    async fn speak(&mut self) -> Result<(), Broken> {
        let text = std::mem::take(&mut self.text);
        for sentence in sentences(&text) {
            let spoken = self.twin.voice.speak(sentence).await;
            let Ok(mut audio) = self.format.encode(&spoken.samples) else {
                continue;
            };
            if self.socket.knobs.silence {
                audio = self.format.silence(audio.len());
            }
            if self.socket.knobs.zero_bytes {
                continue;
            }
            let delay = self.socket.knobs.delay_ms.take();
            sleep(Duration::from_millis(delay.unwrap_or(0))).await;
            for frame in audio.chunks(FRAME) {
                self.socket.binary(frame.to_vec()).await?;
            }
        }
        Ok(())
    }
}

pub(super) async fn speak_text(
    State(twin): State<Arc<Twin>>,
    request: Request,
) -> Result<Response, Refused> {
    let query = request.uri().query().unwrap_or_default().to_owned();
    let (visit, body) = Visit::with_body(&twin, AURA, request).await?;
    let query = parse_request_query(&query).map_err(|why| visit.bad(why))?;
    let model = check_model(&visit, &query)?;
    let text = match parse_text(&body) {
        Ok(Text::Here(text)) => text,
        Ok(Text::At(_)) => return Err(visit.bad("the simulator fetches no text: send it")),
        Err(refusal) => {
            let status = if matches!(refusal, Refusal::TooLong { .. }) {
                413
            } else {
                400
            };
            return Err(visit.refuse(&Fault::new(status, "Bad Request", refusal)));
        }
    };
    let encoding = query.encoding.unwrap_or(Encoding::Mp3);
    let usual = if encoding == Encoding::Linear16 {
        24_000
    } else {
        8000
    };
    let rate = query.sample_rate.unwrap_or(usual);
    let format = format(Some(encoding), Some(rate))
        .map_err(|_| visit.bad("the simulator speaks linear16, mulaw and alaw only"))?;
    let spoken = twin.voice.speak(&text).await;
    let raw = query.container == Some(Container::Raw);
    let mut audio = format
        .encode(&spoken.samples)
        .map_err(|error| visit.bad(error))?;
    if visit.knobs.silence {
        audio = format.silence(audio.len());
    } else if !raw {
        audio = wav::file(format, &spoken.samples).map_err(|error| visit.bad(error))?;
    }
    let kind = if raw {
        format!("audio/{};rate={rate}", encoding.word())
    } else {
        "audio/wav".to_owned()
    };
    let mut response = answer::stream(visit, &kind, answer::cut(&audio, FRAME));
    for (name, value) in [
        (MODEL_NAME_HEADER, model.as_str()),
        (MODEL_UUID_HEADER, VOICE_ID),
        (CHARACTER_COUNT_HEADER, &text.chars().count().to_string()),
    ] {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(with_request_id(response, &request_id()))
}
