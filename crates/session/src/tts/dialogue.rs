//! Speaking over a provider's socket: it is opened, told what to speak, and opened again when it breaks.

use std::time::Duration;

use ringback_call::{FaultKind, ReplyId};
use tokio::time::{Instant, sleep, sleep_until};

use super::parts::Parts;
use super::stream::Command;
use crate::provider::{Answer, Backoff, Failure, ProviderSocket};

/// A voice that is away for longer is given up, also when nobody waits for it.
const GIVE_UP: Duration = Duration::from_secs(2);
/// A part whose socket breaks more often is given up.
const MOST_BREAKS: u32 = 3;
/// A socket that was open for so long may be opened again at once when the provider ends it for its idleness.
const STEADY: Duration = Duration::from_secs(5);
/// Sockets that end sooner without a failure are, after a few, not opened again at once.
const SHORT: Duration = Duration::from_secs(1);
const MOST_SHORT: u32 = 3;

/// Whether a socket serves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    GoOn,
    /// It is of no more use: the next is to be opened, now.
    Renew,
}

/// What is a vendor's own in speaking over a socket.
pub(super) trait Vendor: Send {
    /// Opens a socket.
    fn open(&self) -> impl Future<Output = Result<ProviderSocket, Failure>> + Send;

    /// The first to be said on a new socket, which knows nothing of what was said on others.
    fn begin(
        &mut self,
        socket: &mut ProviderSocket,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Whether a part can be sent now. What cannot is asked about again after the next message.
    fn is_ready(&self) -> bool {
        true
    }

    /// Sends a part.
    fn speak(
        &mut self,
        socket: &mut ProviderSocket,
        reply: ReplyId,
        text: &str,
    ) -> impl Future<Output = Result<Use, Failure>> + Send;

    /// What was sent of a reply is not wanted any more. `owed`: not all of its speech has come.
    fn cancel(
        &mut self,
        socket: &mut ProviderSocket,
        reply: ReplyId,
        owed: bool,
    ) -> impl Future<Output = Result<Use, Failure>> + Send;

    /// Takes a message.
    fn take(&mut self, message: Message<'_>, parts: &mut Parts<'_>) -> Result<Use, Failure>;

    /// The failure that a close stands for while something is owed.
    fn closed(&self, code: Option<u16>, reason: &str) -> Failure;

    /// Whether a close is none when nothing is owed.
    fn is_idle_close(&self, code: Option<u16>, reason: &str) -> bool;

    /// When [`Self::wake`] is to be called.
    fn due(&self) -> Option<Instant> {
        None
    }

    /// Does what is due.
    fn wake(
        &mut self,
        _socket: &mut ProviderSocket,
    ) -> impl Future<Output = Result<Use, Failure>> + Send {
        async { Ok(Use::GoOn) }
    }
}

/// What came on a socket.
pub(super) enum Message<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

enum Over {
    /// The voice is needed no more.
    Unwanted,
    Renew,
    Idle,
}

/// Speaks until the voice is needed no more.
///
/// # Errors
/// A refusal, or what keeps the provider from speaking.
pub(super) async fn speak(vendor: &mut impl Vendor, parts: &mut Parts<'_>) -> Result<(), Failure> {
    let mut trouble = Trouble::default();
    let mut renewals = Renewals::default();
    loop {
        let done = parts.done_so_far();
        let opened = Instant::now();
        let failure = match parts.meanwhile(vendor.open()).await {
            Ok(None) => return Ok(()),
            Err(failure) | Ok(Some(Err(failure))) => failure,
            Ok(Some(Ok(mut socket))) => {
                let over = converse(vendor, &mut socket, parts).await;
                if matches!(over, Ok(Over::Unwanted)) {
                    socket.close().await;
                    return Ok(());
                }
                // Nobody waits for it; it ends by itself within a bound.
                tokio::spawn(socket.close());
                match over {
                    Err(failure) => failure,
                    Ok(Over::Idle) if opened.elapsed() < STEADY && !parts.wanted().await => {
                        return Ok(());
                    }
                    Ok(Over::Unwanted | Over::Idle | Over::Renew) => {
                        parts.broke_off();
                        let wait =
                            renewals.pause(parts.done_so_far() > done || opened.elapsed() >= SHORT);
                        if parts.meanwhile(sleep(wait)).await?.is_none() {
                            return Ok(());
                        }
                        continue;
                    }
                }
            }
        };
        parts.broke_off();
        if parts.done_so_far() > done || opened.elapsed() >= STEADY {
            trouble = Trouble::default();
        }
        if trouble.pause(failure, parts).await?.is_none() {
            return Ok(());
        }
    }
}

/// Sockets in a row that were of no use, without a failure.
#[derive(Default)]
struct Renewals {
    short: u32,
    backoff: Backoff,
}

impl Renewals {
    /// How long to wait before the next socket. `useful`: the last one was.
    fn pause(&mut self, useful: bool) -> Duration {
        if useful {
            *self = Self::default();
        }
        self.short += 1;
        if self.short <= MOST_SHORT {
            return Duration::ZERO;
        }
        self.backoff.next()
    }
}

/// Failures in a row.
#[derive(Default)]
pub(super) struct Trouble {
    since: Option<Instant>,
    breaks: u32,
    last: Option<Failure>,
    backoff: Backoff,
}

impl Trouble {
    /// Waits before the next attempt. None: the voice is needed no more.
    ///
    /// # Errors
    /// There is to be none.
    pub(super) async fn pause(
        &mut self,
        failure: Failure,
        parts: &mut Parts<'_>,
    ) -> Result<Option<()>, Failure> {
        let since = *self.since.get_or_insert_with(Instant::now);
        self.breaks += 1;
        let lasting = !failure.passing || failure.retry_after.is_some();
        let often = self.breaks > MOST_BREAKS && !parts.is_empty();
        if lasting || often || since.elapsed() >= GIVE_UP {
            return Err(self.behind(failure));
        }
        tracing::info!(why = failure.detail, "a voice is asked again");
        self.last = Some(failure);
        let paused = parts.meanwhile(sleep(self.backoff.next())).await;
        paused.map_err(|late| self.behind(late))
    }

    /// One who failed before, and is late at the next attempt, is not merely late.
    fn behind(&self, failure: Failure) -> Failure {
        let late = failure.kind == FaultKind::Unreachable && !failure.passing;
        match &self.last {
            Some(last) if late => Failure {
                kind: last.kind,
                detail: format!("{}, and then {}", last.detail, failure.detail),
                ..failure
            },
            Some(_) | None => failure,
        }
    }
}

enum Next {
    Command(Option<Command>),
    Answer(Result<Answer, Failure>),
    Late,
    Wake,
}

async fn converse(
    vendor: &mut impl Vendor,
    socket: &mut ProviderSocket,
    parts: &mut Parts<'_>,
) -> Result<Over, Failure> {
    vendor.begin(socket).await?;
    loop {
        while vendor.is_ready()
            && let Some((reply, text)) = parts.unsent()
        {
            if vendor.speak(socket, reply, &text).await? == Use::Renew {
                return Ok(Over::Renew);
            }
        }
        let now = Instant::now();
        let (late, wake) = (parts.due(), vendor.due());
        let next = tokio::select! {
            biased;
            command = parts.command() => Next::Command(command),
            answer = socket.next() => Next::Answer(answer),
            () = sleep_until(late.unwrap_or(now)), if late.is_some() => Next::Late,
            () = sleep_until(wake.unwrap_or(now)), if wake.is_some() => Next::Wake,
        };
        let usable = match next {
            Next::Command(None) => return Ok(Over::Unwanted),
            Next::Command(Some(command)) => obey(vendor, socket, parts, command).await?,
            Next::Answer(answer) => match answer? {
                Answer::Text(text) => vendor.take(Message::Text(&text), parts)?,
                Answer::Binary(bytes) => vendor.take(Message::Binary(&bytes), parts)?,
                Answer::Closed { code, reason } => {
                    if !parts.are_owed() && vendor.is_idle_close(code, &reason) {
                        return Ok(Over::Idle);
                    }
                    return Err(vendor.closed(code, &reason));
                }
            },
            Next::Late => {
                parts.late()?;
                Use::GoOn
            }
            Next::Wake => vendor.wake(socket).await?,
        };
        if usable == Use::Renew {
            return Ok(Over::Renew);
        }
    }
}

async fn obey(
    vendor: &mut impl Vendor,
    socket: &mut ProviderSocket,
    parts: &mut Parts<'_>,
    command: Command,
) -> Result<Use, Failure> {
    let cancelled = match &command {
        Command::Cancel { reply } => Some(*reply),
        Command::Speak { .. } => None,
    };
    let owed = parts.told(command);
    match cancelled {
        Some(reply) => vendor.cancel(socket, reply, owed).await,
        None => Ok(Use::GoOn),
    }
}
