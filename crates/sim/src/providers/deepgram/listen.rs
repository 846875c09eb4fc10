//! `/v1/listen`: the socket.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use ringback_wire::deepgram::Closing;
use ringback_wire::deepgram::listen::{
    self as wire, Command, ConfigureFault, Event, MAX_KEYTERM_TOKENS, Query, parse_command,
    parse_query,
};
use tokio::time::{Instant, sleep_until};

use super::super::Twin;
use super::super::ear::Ear;
use super::super::mark::Mark;
use super::super::place::LISTEN;
use super::super::refusal::Fault;
use super::super::socket::{self, Broken, Incoming, Socket, Upgrade};
use super::super::stamps::Point;
use super::super::visit::{Refused, Visit};
use super::session::Session;
use super::{ear, format, request_id, with_request_id};

/// How long what was said last is waited for at the end.
const LAST_WORDS: Duration = Duration::from_secs(30);
/// Models, and what they are trained for where that is named too.
const MODELS: [(&str, &[&str]); 5] = [
    ("nova-3", &["general", "medical"]),
    (
        "nova-2",
        &[
            "general",
            "meeting",
            "finance",
            "conversationalai",
            "voicemail",
            "video",
            "medical",
            "drivethru",
            "automotive",
            "phonecall",
        ],
    ),
    ("nova", &["general", "phonecall", "medical"]),
    ("phonecall", &[]),
    ("whisper", &["tiny", "base", "small", "medium", "large"]),
];
/// Families of which no list is kept here.
const FAMILIES: [&str; 2] = ["enhanced", "base"];

fn is_known(model: &str) -> bool {
    let is_of = |(name, uses): &(&str, &[&str])| match model.strip_prefix(name) {
        Some("") => true,
        Some(rest) => rest
            .strip_prefix('-')
            .is_some_and(|used| uses.contains(&used)),
        None => false,
    };
    let family = model.split('-').next().unwrap_or_default();
    MODELS.iter().any(is_of) || FAMILIES.contains(&family) || uuid::Uuid::try_parse(model).is_ok()
}

pub(super) fn check_model(visit: &Visit, model: &str) -> Result<(), Refused> {
    if visit.any_model || is_known(model) {
        return Ok(());
    }
    let why = "No such model/language/tier combination found.";
    Err(visit.refuse(&Fault::new(400, "Bad Request", why)))
}

pub(super) async fn open_listen(
    State(twin): State<Arc<Twin>>,
    upgrade: Upgrade,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, _) = request.into_parts();
    let visit = Visit::admit(&twin, LISTEN, &parts).await?;
    let query = parse_query(parts.uri.query().unwrap_or_default()).map_err(|why| visit.bad(why))?;
    check_model(&visit, &query.model)?;
    let format = format(query.encoding, query.sample_rate).map_err(|fault| visit.refuse(&fault))?;
    let channels = query.channels.unwrap_or(1) as usize;
    let ear = ear(&twin, &visit, format, channels).await?;
    let request_id = request_id();
    let session = Session::new(query.clone(), &request_id, visit.knobs.clone());
    let response = socket::open(visit, upgrade, async move |socket| {
        let now = Instant::now();
        let idle = twin.options.limits.deepgram_idle;
        let stream = Stream {
            socket,
            ear,
            session,
            query,
            idle,
            opened: now,
            heard: now,
            audio: false,
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
    session: Session,
    query: Query,
    /// How long a client may be silent.
    idle: Duration,
    opened: Instant,
    heard: Instant,
    /// Audio has come.
    audio: bool,
    /// What is held back.
    late: VecDeque<(Instant, Event)>,
}

/// How a stream goes on.
enum Next {
    Listen,
    /// The client has asked for the end.
    Close,
    /// The client has broken a rule.
    Refuse(Closing),
}

impl Stream {
    async fn run(mut self) {
        let mut end = None;
        loop {
            let patience = match (end, self.audio) {
                (Some(end), _) => end,
                (None, true) => self.heard + self.idle,
                // Messages alone do not hold a stream for ever on which no audio ever came.
                (None, false) => (self.heard + self.idle).min(self.opened + 3 * self.idle),
            };
            let due = self.late.front().map(|(due, _)| *due);
            let next = tokio::select! {
                incoming = self.socket.next() => self.take(incoming).await,
                Some(answer) = self.ear.answers.recv() => {
                    let events = self.session.answered(answer, &self.ear);
                    self.give(events).await.map(|()| Next::Listen)
                }
                () = sleep_until(due.unwrap_or(patience)), if due.is_some() => {
                    let event = self.late.pop_front().map(|(_, event)| event);
                    self.send(event).await.map(|()| Next::Listen)
                }
                () = sleep_until(patience), if end.is_none() => Ok(Next::Refuse(self.given_up())),
                () = sleep_until(patience), if end.is_some() => Ok(Next::Listen),
            };
            match next {
                Err(Broken) => return,
                Ok(Next::Refuse(closing)) => {
                    // A client that does not answer the close frame keeps no ear.
                    drop(self.ear);
                    return self.socket.refuse(closing.code, closing.reason).await;
                }
                Ok(Next::Close) => end = Some(Instant::now() + LAST_WORDS),
                Ok(Next::Listen) => {}
            }
            let over = end.is_some_and(|end| Instant::now() >= end);
            if over || end.is_some() && self.session.has_said_all() && self.late.is_empty() {
                let metadata = Event::Metadata(self.session.metadata(self.ear.position()));
                if self.send(Some(metadata)).await.is_ok() {
                    drop(self.ear);
                    self.socket
                        .close(Closing::NORMAL.code, Closing::NORMAL.reason)
                        .await;
                }
                return;
            }
        }
    }

    fn given_up(&self) -> Closing {
        if self.heard + self.idle <= Instant::now() {
            wire::CLIENT_SILENT
        } else {
            wire::SERVER_SILENT
        }
    }

    async fn take(&mut self, incoming: Incoming) -> Result<Next, Broken> {
        match incoming {
            Incoming::Binary(bytes) => {
                self.heard = Instant::now();
                let is_json = bytes.first() == Some(&b'{')
                    && serde_json::from_slice::<serde_json::Value>(&bytes).is_ok();
                if bytes.is_empty() || is_json {
                    return Ok(Next::Refuse(wire::UNDECODABLE));
                }
                self.audio = true;
                self.session.took(&bytes);
                self.ear.take(&bytes);
                while let Some(step) = self.ear.step() {
                    let events = self.session.step(step, &mut self.ear);
                    self.give(events).await?;
                    // Audio that comes faster than it is spoken must not overtake the words.
                    while let Ok(answer) = self.ear.answers.try_recv() {
                        let events = self.session.answered(answer, &self.ear);
                        self.give(events).await?;
                    }
                }
                Ok(Next::Listen)
            }
            Incoming::Text(text) => {
                self.heard = Instant::now();
                self.obey(&text).await
            }
            Incoming::Ping => Ok(Next::Listen),
            Incoming::Gone => Err(Broken),
        }
    }

    async fn obey(&mut self, text: &str) -> Result<Next, Broken> {
        let events = match parse_command(text) {
            Ok(Command::KeepAlive) => Vec::new(),
            Ok(Command::Finalize { .. }) => self.session.finalize(&mut self.ear),
            Ok(Command::CloseStream) => {
                let events = self.session.close(&mut self.ear);
                return self.give(events).await.map(|()| Next::Close);
            }
            Ok(Command::Configure(configure)) => vec![self.configured(configure.keyterms)],
            Err(refusal) => vec![Event::Error {
                variant: wire::SCHEMA_ERROR.to_owned(),
                description: refusal.to_string(),
                message: Some(text.to_owned()),
            }],
        };
        self.give(events).await.map(|()| Next::Listen)
    }

    fn configured(&self, keyterms: Option<Vec<String>>) -> Event {
        let request_id = self.session.request_id().to_owned();
        let tokens: usize = keyterms
            .iter()
            .flatten()
            .map(|term| term.split_whitespace().count())
            .sum();
        let (code, description) = if keyterms.is_some() && !self.query.model.starts_with("nova-3") {
            (
                ConfigureFault::KeytermsNotSupported,
                "the model takes no keyterms",
            )
        } else if tokens > MAX_KEYTERM_TOKENS {
            (
                ConfigureFault::KeytermLimitExceeded,
                "the keyterms have more than 500 tokens",
            )
        } else {
            return Event::ConfigureSuccess {
                request_id,
                keyterms,
            };
        };
        Event::ConfigureFailure {
            request_id,
            code,
            description: description.to_owned(),
        }
    }

    /// Sends events, final transcripts as the knobs want them.
    async fn give(&mut self, events: Vec<Event>) -> Result<(), Broken> {
        let knobs = self.socket.knobs.clone();
        for event in events {
            let is_final = matches!(&event, Event::Results(results) if results.is_final);
            if is_final && knobs.no_final {
                continue;
            }
            let copies = if is_final && knobs.double_final { 2 } else { 1 };
            for _ in 0..copies {
                match knobs.late_ms {
                    Some(ms) if is_final => {
                        self.late
                            .push_back((Instant::now() + Duration::from_millis(ms), event.clone()));
                    }
                    Some(_) | None => self.send(Some(event.clone())).await?,
                }
            }
        }
        Ok(())
    }

    async fn send(&mut self, event: Option<Event>) -> Result<(), Broken> {
        match event {
            Some(event) if !self.socket.knobs.zero_bytes => {
                if let Event::Results(results) = &event
                    && results.is_final
                {
                    let said = results.alternatives.first();
                    let mark = said.and_then(|said| Mark::last_in(&said.transcript));
                    self.socket.stamp(mark, Point::Final);
                }
                self.socket.text(event.to_text()).await
            }
            Some(_) | None => Ok(()),
        }
    }
}
