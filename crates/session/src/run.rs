//! The supervisor of one call: sets it up, runs it, catches its panic, writes its files.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use ringback_call::{At, EndCause, FaultKind, Intent, Party, Report, Verdict};
use ringback_wire::twilio::media::Start;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::begin::begin;
use crate::carrier::onward::BARRED;
use crate::carrier::twilio::{BLOCKED, Messages, Socket, Traffic, Violation, binary};
use crate::clock::Clock;
use crate::engines::Engines;
use crate::live::Live;
use crate::orders::{Given, OrderBook};
use crate::prices::Bill;
use crate::provided::{Provided, Receiver};
use crate::quality::Quality;
use crate::record::{Meta, TRANSCRIPT_ENDING, pretty, transcript};
use crate::setup::Setup;
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
    /// The caller was put through already, where that was the intent: the TwiML after the stream will not run.
    pub put_through: bool,
    /// The conversation and its latencies.
    pub report: Report,
    /// What heard, answered and spoke last.
    pub engines: [String; 3],
    /// When the media began.
    pub started: Timestamp,
    /// What it cost; `None` where there are no prices.
    pub bill: Option<Bill>,
    /// How well it went; `None` where nobody said anything.
    pub quality: Option<Quality>,
    /// What went over the media socket.
    pub traffic: Traffic,
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
    let (started, since) = (Timestamp::now(), Instant::now());
    let mut begun = begin(setup, engines, start, started);
    let mut live = begun.live;
    let mut socket = Socket::new(socket);
    let mut told = Told::by(&begun.finish, &begun.stop, begun.verdict, begun.orders);
    let clock = Clock::start();
    let over = AssertUnwindSafe(lead(&mut live, &mut socket, &mut told, &clock))
        .catch_unwind()
        .await;
    // Whoever sets the clock in the meantime changes nothing about how long the call took.
    begun.meta.ended = started.saturating_add(since.elapsed()).unwrap_or(started);
    // Who wants something of it now learns that it is over.
    drop(told);
    let barred = begun.onward.bars(live.call.report().intent.as_ref());
    let by_rest = matches!(over, Ok(Over::Call)) && !barred;
    let put_through = match begun.onward.rest.filter(|_| by_rest) {
        Some(rest) => rest.end(&begun.meta.call_sid, &live.call.report()).await,
        None => false,
    };
    let tools = close(live.responder.take_tools());
    let (failed, results) = tokio::join!(
        farewell(&mut live.messages, &mut socket, over),
        results(&mut live.provided, tools, &clock),
    );
    let failed = failed.or_else(|| barred.then(not_put_through));
    live.close_tools(results);
    begun.meta.answered_by(live.responder.name());
    begun.meta.served(live.ears.served(), live.voices.served());
    begun.meta.late_samples = live.ear.late();
    begun.meta.failed = failed;
    let ended = files(live, begun.meta).await;
    let intent = if barred { Intent::HangUp } else { ended.intent };
    Ended {
        put_through,
        intent,
        ..ended
    }
}

fn not_put_through() -> String {
    tracing::error!("Error: {BARRED}");
    BARRED.to_owned()
}

/// What tools still do ends, or is given up.
async fn close(tools: Option<Tools>) {
    if let Some(tools) = tools {
        tools.close().await;
    }
}

/// What came of tools until they have ended or are given up, and when.
async fn results(
    provided: &mut Receiver,
    closed: impl Future<Output = ()>,
    clock: &Clock,
) -> Vec<(At, Provided)> {
    let mut came = Vec::new();
    let mut take = |one: Provided| {
        if matches!(one, Provided::ToolDone { .. } | Provided::Used { .. }) {
            came.push((clock.at(), one));
        }
    };
    let mut closed = std::pin::pin!(closed);
    loop {
        tokio::select! {
            Some(one) = provided.recv() => take(one),
            () = &mut closed => break,
        }
    }
    while let Ok(one) = provided.try_recv() {
        take(one);
    }
    came
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
    orders: OrderBook,
}

impl<'a> Told<'a> {
    fn by(
        finish: &'a CancellationToken,
        stop: &'a CancellationToken,
        verdict: watch::Receiver<Option<Verdict>>,
        orders: OrderBook,
    ) -> Self {
        Self {
            finish,
            finishing: false,
            stop,
            verdict,
            orders,
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
    Order(Given),
    Deadline,
    Carrier(Option<Result<Received<T>, SocketError>>),
    Provided(Provided),
}

/// Waits in one place for one thing, and lets the call deal with it, until the call is over.
async fn lead<S, T>(
    live: &mut Live,
    socket: &mut Socket<S, T>,
    told: &mut Told<'_>,
    clock: &Clock,
) -> Over
where
    S: CarrierSocket<T>,
    T: AsRef<str> + Send,
{
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
        let due = deadline(live, socket, clock);
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
            Input::Order(given) => live.order(at, given),
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
        Some(given) = told.orders.next() => Input::Order(given),
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
    messages: &mut Messages,
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
    socket.close(messages, code, &reason).await;
    failed
}

async fn files(mut live: Box<Live>, meta: Meta) -> Ended {
    live.close_books();
    let report = live.call.report();
    let failed = meta.failed.clone();
    let prices = live.prices();
    let summary = meta.value(&report, &live.responder.collected(), prices);
    let transcript = transcript(meta.call_id, &report, prices);
    let bill = prices.bill(&report.usage, meta.direction, report.ended.ms());
    let bill = (!prices.is_empty()).then_some(bill);
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
        put_through: false,
        intent: report.intent.clone().unwrap_or(Intent::HangUp),
        cause: report.cause.unwrap_or(EndCause::Fault),
        failed,
        engines: meta.engines,
        started: meta.started,
        bill,
        quality: Quality::of(&report),
        traffic: live.messages.traffic(),
        report,
        summary,
        files,
    }
}
