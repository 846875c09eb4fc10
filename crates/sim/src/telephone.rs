//! The sockets of a call: webhooks, the media stream paced in real time, and what follows it.

use std::time::Duration;

use anyhow::Context;
use futures_util::StreamExt;
use ringback_wire::phone_number::masked;
use ringback_wire::twilio::media::{MediaFormat, Start, Track};
use ringback_wire::twilio::media_client::Refusal;
use ringback_wire::twilio::twiml::{Callee, Connect, Dial, Method, Verb};
use ringback_wire::twilio::webhook::CallStatus;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use url::Url;
use uuid::Uuid;

use crate::caller::interactive::Typed;
use crate::conversation::{Conversation, Happening};
use crate::line::{Line, meaning};
use crate::report::{Ended, Lateness};
use crate::screen::Screen;
use crate::speaker::Speaker;
use crate::summary::Enquiry;
use crate::twilio::stream::MediaStream;
use crate::twilio::webhook::{Webhook, shown};

const FRAME: Duration = Duration::from_millis(20);
/// Documents fetched for one call.
const MAX_DOCUMENTS: usize = 50;
/// Documents fetched one after the other without a stream between: Twilio's limit of redirects (11215).
const MAX_REDIRECTS: usize = 10;

/// A call being made.
pub struct Telephone {
    /// The call without its sockets.
    pub conversation: Conversation,
    /// Its webhooks.
    pub webhook: Webhook,
    /// Where the transcript goes.
    pub screen: Screen,
    /// The sound device.
    pub speaker: Option<Speaker>,
    /// Lines from the keyboard.
    pub keyboard: Option<mpsc::Receiver<Typed>>,
    /// The longest time the call may last.
    pub max: Duration,
    /// Numbers are shown in full.
    pub show_numbers: bool,
    /// How punctual we were.
    pub lateness: Lateness,
    /// When the first stream began.
    pub origin: Option<Instant>,
    /// When the call was placed.
    pub placed: Instant,
    /// Asks the server what it says of the call, where that is wanted.
    pub enquiry: Option<Enquiry>,
}

/// How a media stream ended.
enum StreamEnd {
    CallerHungUp,
    TimeUp,
    ServerClosed,
    Broken(String),
}

/// Where the call goes on.
enum Next {
    Document(Url, Method),
    Over(Ended),
}

impl Telephone {
    /// Places the call and makes it to its end.
    ///
    /// # Errors
    /// One line, when the call cannot be placed at all: nobody answers, the webhook is refused or is no TwiML.
    pub async fn call(&mut self, url: Url) -> anyhow::Result<Ended> {
        let (mut url, mut method) = (url, Method::Post);
        let (mut status, mut redirects) = (CallStatus::Ringing, 0);
        for _ in 0..MAX_DOCUMENTS {
            let asked = Instant::now();
            let verbs = match self.webhook.ask(&url, method, status).await {
                Ok(verbs) => verbs,
                Err(error) if self.origin.is_none() => return Err(error),
                Err(error) => return Ok(broken(format!("{error:#}"))),
            };
            let took_ms = asked.elapsed().as_secs_f64() * 1000.0;
            self.note(Happening::Webhook {
                url: shown(&url),
                took_ms,
            });
            let streamed = verbs.iter().any(|verb| matches!(verb, Verb::Connect(_)));
            redirects = if streamed { 0 } else { redirects + 1 };
            if redirects > MAX_REDIRECTS {
                return Ok(broken(format!("over {MAX_REDIRECTS} redirects (11215)")));
            }
            match self.run(verbs).await? {
                Next::Over(ended) => return Ok(ended),
                Next::Document(next, with) => (url, method) = (next, with),
            }
            status = CallStatus::InProgress;
        }
        Ok(broken(format!(
            "over {MAX_DOCUMENTS} documents for one call"
        )))
    }

    /// Runs a document from first to last.
    async fn run(&mut self, verbs: Vec<Verb>) -> anyhow::Result<Next> {
        for verb in verbs {
            match verb {
                Verb::Connect(connect) => match self.stream(&connect).await? {
                    StreamEnd::ServerClosed => {}
                    StreamEnd::CallerHungUp => return Ok(Next::Over(Ended::Caller)),
                    StreamEnd::TimeUp => return Ok(Next::Over(self.time_up())),
                    StreamEnd::Broken(why) => return Ok(Next::Over(broken(why))),
                },
                Verb::Redirect { url, method } => {
                    let next = Url::parse(url.as_str()).context("the address of <Redirect>")?;
                    return Ok(Next::Document(next, method.unwrap_or(Method::Post)));
                }
                Verb::Dial(dial) => return Ok(Next::Over(self.transfer(&dial))),
                Verb::Say(say) => self.note(Happening::TwilioSays { text: say.text }),
                Verb::Pause { length_s } => {
                    let pause = Duration::from_secs(u64::from(length_s.unwrap_or(1)));
                    let left = self.max.saturating_sub(self.placed.elapsed());
                    sleep(pause.min(left)).await;
                    if pause > left {
                        return Ok(Next::Over(self.time_up()));
                    }
                }
                Verb::Hangup => return Ok(Next::Over(Ended::Server)),
                Verb::Reject { .. } => {
                    self.note(Happening::End {
                        how: "the server rejects the call".to_owned(),
                    });
                    return Ok(Next::Over(Ended::Server));
                }
            }
        }
        Ok(Next::Over(Ended::Server))
    }

    fn transfer(&mut self, dial: &Dial) -> Ended {
        let name = |callee: &Callee| {
            let address = match callee {
                Callee::Number(number) => number.as_str(),
                Callee::Sip(sip) => sip.as_str(),
            };
            match self.show_numbers {
                true => address.to_owned(),
                false => masked(address),
            }
        };
        let names: Vec<String> = dial
            .targets
            .iter()
            .map(|target| name(&target.callee))
            .collect();
        let to = names.join(", ");
        self.note(Happening::Transfer { to: to.clone() });
        Ended::Transfer { to }
    }

    /// A media stream from its handshake to its end.
    async fn stream(&mut self, connect: &Connect) -> anyhow::Result<StreamEnd> {
        let url = connect.stream.url.as_str();
        let signature = self.webhook.upgrade_signature(url);
        let stream = MediaStream::new(self.start_message(connect));
        let mut line = match Line::open(url, signature, stream).await {
            Ok(line) => line,
            Err(error) if self.origin.is_none() => return Err(error),
            Err(error) => return Ok(StreamEnd::Broken(format!("{error:#}"))),
        };
        for message in line.stream.opening() {
            line.send(message).await?;
        }
        self.origin.get_or_insert_with(Instant::now);
        self.conversation.stream_begins(self.now());
        self.show();
        let end = self.talk(&mut line).await;
        let now = self.now();
        self.conversation.stream_ends(now);
        line.close(matches!(end, StreamEnd::CallerHungUp | StreamEnd::TimeUp))
            .await;
        self.show();
        if let Some(enquiry) = &mut self.enquiry {
            enquiry.stream_ended();
        }
        Ok(end)
    }

    fn start_message(&self, connect: &Connect) -> Start {
        let parameters = connect.stream.parameters.iter();
        Start {
            stream_sid: format!("MZ{}", Uuid::now_v7().simple()),
            account_sid: Some(self.webhook.call().account_sid.clone()),
            call_sid: self.webhook.call().call_sid.clone(),
            tracks: vec![Track::Inbound],
            custom_parameters: parameters
                .map(|parameter| (parameter.name().to_owned(), parameter.value().to_owned()))
                .collect(),
            media_format: MediaFormat::default(),
        }
    }

    /// Sends and plays until somebody ends it.
    async fn talk(&mut self, line: &mut Line) -> StreamEnd {
        let mut due = Instant::now() + FRAME;
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        loop {
            tokio::select! {
                biased;
                _ = &mut interrupted => return StreamEnd::CallerHungUp,
                () = sleep_until(due) => {
                    self.lateness.add(due.elapsed().as_secs_f64() * 1000.0);
                    due += FRAME;
                    match self.frame(line).await {
                        Ok(true) => {}
                        Ok(false) => return StreamEnd::CallerHungUp,
                        Err(why) => return StreamEnd::Broken(format!("{why:#}")),
                    }
                    if self.placed.elapsed() >= self.max {
                        return StreamEnd::TimeUp;
                    }
                }
                message = line.source.next() => {
                    if let Some(end) = self.message(line, message).await {
                        return end;
                    }
                }
                Some(typed) = typed(&mut self.keyboard) => {
                    let now = self.now();
                    self.conversation.typed(typed, now);
                }
            }
            self.show();
        }
    }

    /// The caller's next 20 ms and what has been played; false when the caller hangs up.
    async fn frame(&mut self, line: &mut Line) -> anyhow::Result<bool> {
        let now = self.now();
        for name in self.conversation.play_to(now) {
            let echo = line.stream.echo(&name);
            line.send(echo).await?;
        }
        if let Some(speaker) = &mut self.speaker {
            speaker.follow(self.conversation.played());
        }
        let tick = self.conversation.tick(now);
        let mut text = String::with_capacity(400);
        line.stream.frame(&tick.mulaw, &mut text);
        line.send(text).await?;
        for digit in tick.digits {
            let text = line.stream.digit(digit);
            line.send(text).await?;
        }
        Ok(!tick.hang_up)
    }

    /// Takes what the socket brought; `Some` when it brought the end.
    async fn message(
        &mut self,
        line: &mut Line,
        message: Option<Result<Message, tungstenite::Error>>,
    ) -> Option<StreamEnd> {
        let now = self.now();
        match message {
            Some(Ok(Message::Text(text))) => {
                for answer in self.conversation.receive(&mut line.stream, &text, now) {
                    if let Err(error) = line.send(answer).await {
                        return Some(StreamEnd::Broken(format!("{error:#}")));
                    }
                }
                None
            }
            Some(Ok(Message::Binary(_))) => {
                self.conversation.refuse(&Refusal::Binary, now);
                None
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => None,
            Some(Ok(Message::Close(frame))) => Some(self.closed(frame)),
            Some(Err(error)) => Some(StreamEnd::Broken(format!(
                "the media socket broke (31903): {error}"
            ))),
            None => Some(self.closed(None)),
        }
    }

    fn closed(&mut self, frame: Option<CloseFrame>) -> StreamEnd {
        let (code, reason) = match frame {
            Some(frame) => (frame.code, frame.reason.to_string()),
            None => (CloseCode::Status, String::new()),
        };
        let number = u16::from(code);
        let how = match reason.is_empty() {
            true => format!(
                "the server closed the media socket: {number} ({})",
                meaning(number)
            ),
            false => format!(
                "the server closed the media socket: {number} ({}): {reason}",
                meaning(number)
            ),
        };
        if matches!(number, 1000 | 1001 | 1005) {
            self.note(Happening::End { how });
            StreamEnd::ServerClosed
        } else {
            StreamEnd::Broken(how)
        }
    }

    fn time_up(&self) -> Ended {
        Ended::TimeUp {
            seconds: self.max.as_secs(),
        }
    }

    /// Samples since the first stream began.
    fn now(&self) -> u64 {
        let since = self
            .origin
            .map_or(Duration::ZERO, |origin| origin.elapsed());
        (since.as_micros() * 8 / 1000) as u64
    }

    fn note(&mut self, happening: Happening) {
        match self.origin {
            Some(_) => self.conversation.note(self.now(), happening),
            None => self.conversation.note_ms(0.0, happening),
        }
        self.show();
    }

    fn show(&mut self) {
        self.screen.show(self.conversation.moments());
    }
}

async fn typed(keyboard: &mut Option<mpsc::Receiver<Typed>>) -> Option<Typed> {
    match keyboard {
        Some(lines) => lines.recv().await,
        None => None,
    }
}

fn broken(why: String) -> Ended {
    Ended::Broken { why }
}
