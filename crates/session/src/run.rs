//! The supervisor of one call: sets it up, runs it, catches its panic, writes its files.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use ringback_audio::wav::Coding;
use ringback_call::{At, Call, EndCause, Fault, FaultKind, Intent, Party, Report, Verdict};
use ringback_wire::twilio::media::Start;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::carrier::twilio::{BLOCKED, Messages, Socket, Violation, binary};
use crate::clock::Clock;
use crate::engines::Engines;
use crate::live::{Live, Parts};
use crate::news::News;
use crate::provided::{Provided, Sender};
use crate::record::{Begin, Meta, Recorder, Stem, TRANSCRIPT_ENDING, pretty, transcript};
use crate::responder::{Parties, responder};
use crate::scenario::RecordingFormat;
use crate::setup::{Setup, call_spec};
use crate::socket::{CarrierSocket, Received, SocketError};
use crate::tools::Tools;

/// The files of a call get this long to reach the disk.
const FILES: Duration = Duration::from_secs(10);
/// Events that are handled before others may run.
const BURST: u64 = 64;

/// How a call ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What the carrier is to do next.
    pub intent: Intent,
    /// Why it ended.
    pub cause: EndCause,
    /// What broke, if the call did not end by intent.
    pub failed: Option<String>,
    /// The conversation and its latencies.
    pub report: Report,
    /// What stands beside the recording, also where none is kept: who, when, latencies, usage, cost, faults.
    pub summary: serde_json::Value,
    /// The files that were written.
    pub files: Vec<PathBuf>,
}

/// Runs a call from its `start` message to its files. Never panics: a panic inside ends this call alone.
pub async fn run<S, T>(setup: Setup, engines: Arc<Engines>, socket: S, start: Start) -> Ended
where
    S: CarrierSocket<T>,
    T: AsRef<str> + Send,
{
    // At the level of errors, so that it names the call in every line that is written at all.
    let span = tracing::error_span!("call", call.id = %setup.call_id, call.sid = %setup.call_sid);
    run_in_span(setup, engines, socket, start)
        .instrument(span)
        .await
}

async fn run_in_span<S, T>(setup: Setup, engines: Arc<Engines>, socket: S, start: Start) -> Ended
where
    S: CarrierSocket<T>,
    T: AsRef<str> + Send,
{
    let (started, begun) = (Timestamp::now(), Instant::now());
    let wanted = engines.responder(&setup.scenario);
    let mut spec = call_spec(&setup.scenario, wanted, setup.direction, &setup.company);
    let servers = &setup.scenario.persona.toolkit.mcp;
    engines.mcp.refine(servers, &mut spec.tools);
    let stem = stem(&setup, started);
    let recording = stem.as_ref().map(|stem| stem.file(".wav"));
    let recorder = stem.map(|stem| recorder(stem, &setup, &engines, &spec));
    let responder = responder(&setup.scenario, &engines, parties(&setup), &setup.company);
    let names = [
        setup.seats.ears.name(),
        responder.name(),
        setup.seats.voices.name(),
    ];
    let events = setup.seats.events;
    let parts = Parts {
        ears: setup.seats.ears,
        voices: setup.seats.voices,
        engines,
        responder,
        recorder,
        events,
        max_cost_millionths: setup.scenario.limits.max_cost_millionths,
        follower: setup.follower.clone(),
    };
    let messages = Messages::new(start.stream_sid);
    let mut live = Box::new(Live::new(Call::new(spec), messages, parts));
    let mut socket = Socket::new(socket);
    setup.follower.tell(News::Began {
        at: started,
        engines: names,
        recording,
    });
    tracing::info!(scenario = %setup.scenario.slug, "WebSocket call began");
    let mut told = Told::by(&setup.finish, &setup.stop, setup.verdict);
    let over = AssertUnwindSafe(lead(&mut live, &mut socket, &mut told))
        .catch_unwind()
        .await;
    let tools = live.responder.take_tools();
    let (failed, ()) = tokio::join!(farewell(&mut live, &mut socket, over), close(tools));
    let meta = Meta {
        call_id: setup.call_id,
        call_sid: setup.call_sid,
        scenario: setup.scenario.slug.clone(),
        direction: setup.direction,
        from: setup.from,
        to: setup.to,
        started,
        // Whoever sets the clock in the meantime changes nothing about how long the call took.
        ended: started.saturating_add(begun.elapsed()).unwrap_or(started),
        engines: names.map(str::to_owned).to_vec(),
        late_samples: live.ear.late(),
        failed,
    };
    files(live, meta).await
}

fn parties(setup: &Setup) -> Parties {
    Parties {
        call_id: setup.call_id,
        call_sid: setup.call_sid.clone(),
        scenario: setup.scenario.slug.clone(),
        direction: setup.direction,
        from: setup.from.clone(),
        to: setup.to.clone(),
    }
}

/// Where the call is recorded, if it is.
fn stem(setup: &Setup, now: Timestamp) -> Option<Stem> {
    let place = setup.record.as_ref()?;
    let wanted = setup.scenario.recording.on != Some(false);
    wanted.then(|| Stem::new(place, setup.direction, now))
}

fn recorder(
    stem: Stem,
    setup: &Setup,
    engines: &Engines,
    spec: &ringback_call::CallSpec,
) -> Recorder {
    let wanted = &setup.scenario.recording;
    let events: Sender = setup.seats.events.0.clone();
    let begin = Begin {
        stem,
        coding: match wanted.format {
            RecordingFormat::Pcm16 => Coding::Pcm16,
            RecordingFormat::Mulaw => Coding::Mulaw,
        },
        channels: wanted.channels,
        failed: Box::new(move |reason| {
            let _ = events.send(Provided::Fault(Fault {
                party: Party::Recorder,
                kind: FaultKind::Unreachable,
                detail: format!("recording and trace stop: {reason}"),
            }));
        }),
    };
    Recorder::new(Arc::clone(&engines.writer), setup.call_id, begin, spec)
}

/// What tools still do ends, or is given up.
async fn close(tools: Option<Tools>) {
    if let Some(tools) = tools {
        tools.close().await;
    }
}

/// Why a call ends at once with the server.
const STOPPED: &str = "the server stops";

/// How the loop ended.
enum Over {
    /// The call ended by intent, or its leg is gone.
    Call,
    /// The peer did what it must not.
    Violation(Violation),
    /// The server stops.
    Stopped,
}

/// What others tell a call.
struct Told<'a> {
    finish: &'a CancellationToken,
    /// It was told to finish.
    finishing: bool,
    stop: &'a CancellationToken,
    verdict: watch::Receiver<Option<Verdict>>,
}

impl<'a> Told<'a> {
    fn by(
        finish: &'a CancellationToken,
        stop: &'a CancellationToken,
        verdict: watch::Receiver<Option<Verdict>>,
    ) -> Self {
        Self {
            finish,
            finishing: false,
            stop,
            verdict,
        }
    }
}

/// The carrier's next verdict on who answered. An error: there comes none any more.
async fn verdict_of(
    told: &mut watch::Receiver<Option<Verdict>>,
) -> Result<Verdict, watch::error::RecvError> {
    loop {
        told.changed().await?;
        if let Some(verdict) = *told.borrow_and_update() {
            return Ok(verdict);
        }
    }
}

/// One event of a closed set.
enum Input<T> {
    Stop,
    Finish,
    Verdict(Verdict),
    Deadline,
    Carrier(Option<Result<Received<T>, SocketError>>),
    Provided(Provided),
}

/// Waits in one place for one thing, and lets the call deal with it, until the call is over.
async fn lead<S, T>(live: &mut Live, socket: &mut Socket<S, T>, told: &mut Told<'_>) -> Over
where
    S: CarrierSocket<T>,
    T: AsRef<str> + Send,
{
    let clock = Clock::start();
    let foretold = *told.verdict.borrow_and_update();
    if let Some(verdict) = foretold {
        live.verdict(clock.at(), verdict);
    }
    live.answered(clock.at());
    let mut armed = Instant::now();
    let mut sleep = Box::pin(tokio::time::sleep_until(armed));
    for turn in 1_u64.. {
        if live.is_over() {
            break;
        }
        let due = deadline(live, socket, &clock);
        if due < armed || sleep.is_elapsed() {
            sleep.as_mut().reset(due);
            armed = due;
        }
        let input = select(live, socket, &mut sleep, told).await;
        let at = clock.at();
        match input {
            Input::Stop => {
                live.stop(at);
                return Over::Stopped;
            }
            Input::Finish => {
                told.finishing = true;
                live.finish(at);
            }
            Input::Verdict(verdict) => live.verdict(at, verdict),
            Input::Deadline => wake(live, socket, at),
            Input::Carrier(received) => {
                if let Err(violation) = carrier(live, at, received) {
                    return Over::Violation(violation);
                }
            }
            Input::Provided(provided) => live.take(at, provided),
        }
        if turn % BURST == 0 {
            tokio::task::yield_now().await;
        }
    }
    Over::Call
}

async fn select<S, T>(
    live: &mut Live,
    socket: &mut Socket<S, T>,
    sleep: &mut Pin<Box<Sleep>>,
    told: &mut Told<'_>,
) -> Input<T>
where
    S: CarrierSocket<T>,
    T: AsRef<str> + Send,
{
    tokio::select! {
        biased;
        () = told.stop.cancelled() => Input::Stop,
        () = told.finish.cancelled(), if !told.finishing => Input::Finish,
        () = sleep.as_mut() => Input::Deadline,
        received = socket.next(&mut live.messages) => Input::Carrier(received),
        Some(provided) = live.provided.recv() => Input::Provided(provided),
        Ok(verdict) = verdict_of(&mut told.verdict) => Input::Verdict(verdict),
    }
}

/// When something must be done though nothing comes.
fn deadline<S, T>(live: &Live, socket: &Socket<S, T>, clock: &Clock) -> Instant
where
    S: CarrierSocket<T>,
    T: AsRef<str> + Send,
{
    let due = clock.instant(live.deadline());
    socket
        .blocked_since()
        .map_or(due, |since| due.min(since + BLOCKED))
}

fn wake<S, T>(live: &mut Live, socket: &Socket<S, T>, at: At)
where
    S: CarrierSocket<T>,
    T: AsRef<str> + Send,
{
    live.wake(at);
    if socket
        .blocked_since()
        .is_some_and(|since| since.elapsed() >= BLOCKED)
    {
        live.fault(
            at,
            Party::Carrier,
            FaultKind::Unreachable,
            "the socket took nothing for 5 s",
        );
    }
}

fn carrier<T: AsRef<str>>(
    live: &mut Live,
    at: At,
    received: Option<Result<Received<T>, SocketError>>,
) -> Result<(), Violation> {
    match received {
        Some(Ok(Received::Text(text))) => return live.message(at, text.as_ref()),
        Some(Ok(Received::Binary(length))) => {
            live.hung_up(at, "the carrier is at fault");
            return Err(binary(length));
        }
        Some(Ok(Received::Closed { code, reason })) => {
            live.hung_up(at, &format!("the peer closed with code {code:?} {reason}"));
        }
        Some(Err(error)) => live.hung_up(at, &error.to_string()),
        None => live.hung_up(at, "the socket ended without a close"),
    }
    Ok(())
}

/// Closes the socket as the call ended. Answers what broke.
async fn farewell<S, T>(
    live: &mut Live,
    socket: &mut Socket<S, T>,
    over: Result<Over, Box<dyn std::any::Any + Send>>,
) -> Option<String>
where
    S: CarrierSocket<T>,
    T: AsRef<str> + Send,
{
    let (code, reason, failed) = match over {
        Ok(Over::Call) => (1000, "the call is over".to_owned(), None),
        Ok(Over::Stopped) => (1001, STOPPED.to_owned(), Some(STOPPED.to_owned())),
        Ok(Over::Violation(Violation { code, reason })) => {
            tracing::warn!(code, %reason, "WebSocket closed: the carrier is at fault");
            (code, reason.clone(), Some(reason))
        }
        Err(panic) => {
            let what = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "a panic".into());
            tracing::error!(%what, "Error: a panic ended this call");
            (1011, "an error in the server".to_owned(), Some(what))
        }
    };
    socket.close(&mut live.messages, code, &reason).await;
    failed
}

async fn files(mut live: Box<Live>, meta: Meta) -> Ended {
    live.close_books();
    let report = live.call.report();
    let failed = meta.failed.clone();
    let prices = live.prices();
    let summary = meta.value(&report, &live.responder.collected(), prices);
    let transcript = transcript(meta.call_id, &report, prices);
    let mut files = Vec::new();
    if let Some(recorder) = live.recorder.take() {
        let beside = vec![(".json", pretty(&summary)), (TRANSCRIPT_ENDING, transcript)];
        let done = recorder.end(live.ear.ring(), beside);
        match tokio::time::timeout(FILES, done).await {
            Ok(Ok(written)) => files = written,
            Ok(Err(_)) | Err(_) => tracing::warn!("the files of a call were not written in time"),
        }
    }
    Ended {
        intent: report.intent.clone().unwrap_or(Intent::HangUp),
        cause: report.cause.unwrap_or(EndCause::Fault),
        failed,
        report,
        summary,
        files,
    }
}
