//! `/v2/listen`, Flux: the socket.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use ringback_wire::deepgram::flux::{
    Command, Event, MULTILINGUAL_MODEL, TurnEvent, UNPARSABLE_CLIENT_MESSAGE, parse_command,
    parse_query,
};
use tokio::time::{Instant, sleep_until};

use super::super::Twin;
use super::super::ear::Ear;
use super::super::place::FLUX;
use super::super::refusal::Fault;
use super::super::socket::{self, Broken, Incoming, Socket, Upgrade};
use super::super::visit::{Refused, Visit};
use super::turns::Turns;
use super::{ear, format, request_id, with_request_id};

/// How long what was said last is waited for at the end.
const LAST_WORDS: Duration = Duration::from_secs(30);

pub(super) async fn open_flux(
    State(twin): State<Arc<Twin>>,
    upgrade: Upgrade,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, _) = request.into_parts();
    let visit = Visit::admit(&twin, FLUX, &parts).await?;
    let query = parse_query(parts.uri.query().unwrap_or_default()).map_err(|why| visit.bad(why))?;
    if query.model != "flux-general-en" && query.model != MULTILINGUAL_MODEL {
        return Err(visit.refuse(&Fault::new(
            400,
            "Bad Request",
            "No such model/language/tier combination found.",
        )));
    }
    let format = format(query.encoding, query.sample_rate).map_err(|fault| visit.refuse(&fault))?;
    let ear = ear(&twin, &visit, format, 1).await?;
    let request_id = request_id();
    let turns = Turns::new(query, &request_id, visit.knobs.silence);
    let response = socket::open(visit, upgrade, async move |socket| {
        let idle = twin.options.limits.flux_idle;
        let stream = Stream {
            socket,
            ear,
            turns,
            idle,
            heard: Instant::now(),
            late: VecDeque::new(),
        };
        stream.run().await;
    })?;
    Ok(with_request_id(response, &request_id))
}

/// One stream.
struct Stream {
    socket: Socket,
    ear: Ear,
    turns: Turns,
    /// How long a client may be silent.
    idle: Duration,
    heard: Instant,
    /// What is held back.
    late: VecDeque<(Instant, Event)>,
}

/// How a stream goes on.
enum Next {
    Listen,
    /// The client has asked for the end.
    Close,
    /// The client has broken a rule, and was told.
    Refuse,
}

impl Stream {
    async fn run(mut self) {
        let connected = self.turns.connected();
        if self.send(connected).await.is_err() {
            return;
        }
        let mut end = None;
        loop {
            let patience = end.unwrap_or(self.heard + self.idle);
            let due = self.late.front().map(|(due, _)| *due);
            let next = tokio::select! {
                incoming = self.socket.next() => self.take(incoming).await,
                Some(answer) = self.ear.answers.recv() => {
                    let events = self.turns.answered(answer, &mut self.ear);
                    self.give(events).await.map(|()| Next::Listen)
                }
                () = sleep_until(due.unwrap_or(patience)), if due.is_some() => {
                    match self.late.pop_front() {
                        Some((_, event)) => self.send(event).await.map(|()| Next::Listen),
                        None => Ok(Next::Listen),
                    }
                }
                () = sleep_until(patience) => Ok(Next::Close),
            };
            match next {
                Err(Broken) => return,
                Ok(Next::Refuse) => {
                    drop(self.ear);
                    return self.socket.refuse_plainly().await;
                }
                Ok(Next::Close) if end.is_some() || self.heard + self.idle <= Instant::now() => {
                    break;
                }
                Ok(Next::Close) => end = Some(Instant::now() + LAST_WORDS),
                Ok(Next::Listen) => {}
            }
            if end.is_some() && self.turns.has_said_all() && self.late.is_empty() {
                break;
            }
        }
        // A client that does not answer the close frame keeps no ear.
        drop(self.ear);
        self.socket.close_plainly().await;
    }

    async fn take(&mut self, incoming: Incoming) -> Result<Next, Broken> {
        match incoming {
            Incoming::Binary(bytes) => {
                self.heard = Instant::now();
                self.ear.take(&bytes);
                while let Some(step) = self.ear.step() {
                    let events = self.turns.step(step, &mut self.ear);
                    self.give(events).await?;
                    // Audio that comes faster than it is spoken must not overtake the words.
                    while let Ok(answer) = self.ear.answers.try_recv() {
                        let events = self.turns.answered(answer, &mut self.ear);
                        self.give(events).await?;
                    }
                }
                Ok(Next::Listen)
            }
            Incoming::Text(text) => self.obey(&text).await,
            Incoming::Ping => {
                self.heard = Instant::now();
                Ok(Next::Listen)
            }
            Incoming::Gone => Err(Broken),
        }
    }

    async fn obey(&mut self, text: &str) -> Result<Next, Broken> {
        self.heard = Instant::now();
        match parse_command(text) {
            Ok(Command::CloseStream) => {
                self.turns.close(&mut self.ear);
                Ok(Next::Close)
            }
            Ok(Command::ForceEndTurn) => {
                self.turns.force(&mut self.ear);
                Ok(Next::Listen)
            }
            Ok(Command::Configure(configure)) => {
                let event = self.turns.configure(configure);
                self.send(event).await.map(|()| Next::Listen)
            }
            Err(refusal) => {
                let error = self
                    .turns
                    .error(UNPARSABLE_CLIENT_MESSAGE, &refusal.to_string());
                self.send(error).await.map(|()| Next::Refuse)
            }
        }
    }

    /// Sends events, ends of turns as the knobs want them.
    async fn give(&mut self, events: Vec<Event>) -> Result<(), Broken> {
        let knobs = self.socket.knobs.clone();
        for event in events {
            let is_end =
                matches!(&event, Event::TurnInfo(turn) if turn.event == TurnEvent::EndOfTurn);
            if is_end && knobs.no_final {
                continue;
            }
            let copies = if is_end && knobs.double_final { 2 } else { 1 };
            for _ in 0..copies {
                match knobs.late_ms {
                    Some(ms) if is_end => {
                        self.late
                            .push_back((Instant::now() + Duration::from_millis(ms), event.clone()));
                    }
                    Some(_) | None => self.send(event.clone()).await?,
                }
            }
        }
        Ok(())
    }

    async fn send(&mut self, mut event: Event) -> Result<(), Broken> {
        if self.socket.knobs.zero_bytes {
            return Ok(());
        }
        self.turns.number(&mut event);
        self.socket.text(event.to_text()).await
    }
}
