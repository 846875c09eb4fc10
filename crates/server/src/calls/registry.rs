//! Which calls are expected, which are live, and how the last ones ended.
//!
//! A call is *expected* from the TwiML until its media socket comes or half a minute has passed, *live* until its socket is
//! done, and *ended* for ten minutes more, so that the resume webhook can be answered, again and again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ringback_call::Verdict;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::tokens::TokenId;

/// How long a media token is good.
pub const EXPECTED_FOR: Duration = Duration::from_secs(30);
/// How long, and of how many calls, the outcome is kept.
const ENDED_FOR: Duration = Duration::from_secs(600);
const ENDED_AT_MOST: usize = 2_000;

/// How a call ended, for the resume webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// By intent, or the caller hung up.
    Over,
    /// The caller is to be put through to this number or address.
    Transfer(String),
    /// Something broke on our side.
    Broke,
}

/// Why a call is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// As many calls as there may be.
    #[error("as many calls as MAX_CALLS allows are live or about to connect")]
    Full,
    /// As many foreign streams as there may be.
    #[error("as many foreign streams as MAX_FOREIGN_STREAMS allows are live")]
    ForeignFull,
    /// The token was never given out, or has expired.
    #[error("the token has expired or is not known")]
    Unknown,
    /// The token was used before.
    #[error("the token was used before")]
    Used,
    /// The call has a socket already.
    #[error("the call has a live media socket already")]
    SecondSocket,
}

/// What is known when the resume webhook asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// The call ended like this.
    Ended(Outcome),
    /// The media socket never came; the call is no longer expected.
    NeverConnected,
    /// Nothing is known of the call: it ended long ago, or before this server started.
    Forgotten,
}

/// How many calls there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Whose media socket is expected.
    pub expected: usize,
    /// With a media socket.
    pub live: usize,
    /// Ended by us, and the resume webhook has not asked yet.
    pub unasked: usize,
}

/// The calls of this server. `P` is what is kept for an expected call.
#[derive(Debug)]
pub struct Registry<P> {
    calls: Mutex<Calls<P>>,
    changed: Notify,
    max_calls: usize,
    max_foreign: usize,
}

#[derive(Debug)]
struct Calls<P> {
    by_id: HashMap<TokenId, Call<P>>,
    ended: VecDeque<TokenId>,
}

#[derive(Debug)]
struct Call<P> {
    call_sid: String,
    state: State<P>,
    /// What the carrier says of who answered.
    verdict: watch::Sender<Option<Verdict>>,
}

impl<P> Call<P> {
    fn new(call_sid: &str, state: State<P>) -> Self {
        Self {
            call_sid: call_sid.to_owned(),
            state,
            verdict: watch::Sender::new(None),
        }
    }
}

#[derive(Debug)]
enum State<P> {
    Expected {
        kept: P,
        until: Instant,
    },
    Live {
        foreign: bool,
        stop: CancellationToken,
    },
    Ended {
        outcome: Outcome,
        at: Instant,
        asked: bool,
    },
}

/// A live call's place in the registry. Dropped without [`Live::end`], the call counts as broken.
#[derive(Debug)]
pub struct Live<P> {
    registry: Arc<Registry<P>>,
    id: TokenId,
    stop: CancellationToken,
    verdict: watch::Receiver<Option<Verdict>>,
    ended: bool,
}

impl<P> Registry<P> {
    /// An empty registry with these limits.
    pub fn new(max_calls: usize, max_foreign: usize) -> Arc<Self> {
        let calls = Calls {
            by_id: HashMap::new(),
            ended: VecDeque::new(),
        };
        Arc::new(Self {
            calls: Mutex::new(calls),
            changed: Notify::new(),
            max_calls,
            max_foreign,
        })
    }

    /// Expects the media socket of a call. A call of the same SID that was expected before is not any more.
    ///
    /// # Errors
    /// [`Refusal::Full`].
    pub fn expect(
        &self,
        id: TokenId,
        call_sid: &str,
        kept: P,
        now: Instant,
    ) -> Result<(), Refusal> {
        let mut calls = self.lock();
        let stale = calls.take_expected(|call, until| call.call_sid == call_sid || until <= now);
        let full = calls.count() >= self.max_calls;
        if !full {
            let state = State::Expected {
                kept,
                until: now + EXPECTED_FOR,
            };
            calls.by_id.insert(id, Call::new(call_sid, state));
        }
        // What was kept may give a seat back when it is dropped: not under the lock.
        drop(calls);
        drop(stale);
        if full { Err(Refusal::Full) } else { Ok(()) }
    }

    /// Whether a call is expected of which this is so.
    pub fn expects(&self, is_so: impl Fn(&P) -> bool) -> bool {
        self.lock().by_id.values().any(|call| match &call.state {
            State::Expected { kept, .. } => is_so(kept),
            State::Live { .. } | State::Ended { .. } => false,
        })
    }

    /// Whether another call would be one too many.
    pub fn is_full(&self, now: Instant) -> bool {
        self.sweep(now);
        self.lock().count() >= self.max_calls
    }

    /// Lets in the media socket of an expected call, once. `stop` ends the call when the registry asks for it.
    ///
    /// # Errors
    /// Why not.
    pub fn connect(
        self: &Arc<Self>,
        id: TokenId,
        stop: CancellationToken,
        now: Instant,
    ) -> Result<(P, Live<P>), Refusal> {
        self.sweep(now);
        let mut calls = self.lock();
        let Some(call) = calls.by_id.get(&id) else {
            return Err(Refusal::Unknown);
        };
        match call.state {
            State::Expected { .. } if calls.has_live(&call.call_sid) => {
                return Err(Refusal::SecondSocket);
            }
            State::Expected { .. } => {}
            State::Live { .. } => return Err(Refusal::SecondSocket),
            State::Ended { .. } => return Err(Refusal::Used),
        }
        let live = State::Live {
            foreign: false,
            stop: stop.clone(),
        };
        let Some(call) = calls.by_id.get_mut(&id) else {
            return Err(Refusal::Unknown);
        };
        match std::mem::replace(&mut call.state, live) {
            State::Expected { kept, .. } => {
                let verdict = call.verdict.subscribe();
                Ok((kept, self.live(id, stop, verdict)))
            }
            State::Live { .. } | State::Ended { .. } => Err(Refusal::Used),
        }
    }

    /// Lets in a media socket that nobody announced.
    ///
    /// # Errors
    /// Why not.
    pub fn connect_foreign(
        self: &Arc<Self>,
        id: TokenId,
        call_sid: &str,
        stop: CancellationToken,
        now: Instant,
    ) -> Result<Live<P>, Refusal> {
        self.sweep(now);
        let mut calls = self.lock();
        let foreign = calls
            .by_id
            .values()
            .filter(|call| matches!(call.state, State::Live { foreign: true, .. }))
            .count();
        if calls.has_live(call_sid) {
            return Err(Refusal::SecondSocket);
        }
        if calls.count() >= self.max_calls {
            return Err(Refusal::Full);
        }
        if foreign >= self.max_foreign {
            return Err(Refusal::ForeignFull);
        }
        let state = State::Live {
            foreign: true,
            stop: stop.clone(),
        };
        let call = Call::new(call_sid, state);
        let verdict = call.verdict.subscribe();
        calls.by_id.insert(id, call);
        Ok(self.live(id, stop, verdict))
    }

    /// Tells a call that is expected or live who answered it. Answers whether there is one of this SID.
    pub fn tell(&self, call_sid: &str, verdict: Verdict) -> bool {
        let calls = self.lock();
        let mut told = false;
        for call in calls.by_id.values() {
            let ended = matches!(call.state, State::Ended { .. });
            if call.call_sid == call_sid && !ended {
                call.verdict.send_replace(Some(verdict));
                told = true;
            }
        }
        told
    }

    fn live(
        self: &Arc<Self>,
        id: TokenId,
        stop: CancellationToken,
        verdict: watch::Receiver<Option<Verdict>>,
    ) -> Live<P> {
        Live {
            verdict,
            registry: Arc::clone(self),
            id,
            stop,
            ended: false,
        }
    }

    /// What follows the media stream of a call. Where the call is still live its end is awaited for `patience`: the
    /// carrier asks as soon as the socket is closed, and the call may have files to close. A call that does not end
    /// by then is stopped: its carrier has left it.
    pub async fn resume(&self, id: TokenId, patience: Duration) -> Resumption {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(known) = self.ask(id) {
                return known;
            }
            if tokio::time::timeout_at(deadline, changed).await.is_err() {
                if let Some(Call {
                    state: State::Live { stop, .. },
                    ..
                }) = self.lock().by_id.get(&id)
                {
                    stop.cancel();
                }
                return self.ask(id).unwrap_or(Resumption::Ended(Outcome::Broke));
            }
        }
    }

    /// `None` while the call is live.
    fn ask(&self, id: TokenId) -> Option<Resumption> {
        let mut calls = self.lock();
        match calls.by_id.get_mut(&id).map(|call| &mut call.state) {
            None => Some(Resumption::Forgotten),
            Some(State::Live { .. }) => None,
            Some(State::Ended { outcome, asked, .. }) => {
                *asked = true;
                let outcome = outcome.clone();
                drop(calls);
                self.changed.notify_waiters();
                Some(Resumption::Ended(outcome))
            }
            Some(State::Expected { .. }) => {
                let call = calls.by_id.remove(&id);
                drop(calls);
                drop(call);
                self.changed.notify_waiters();
                Some(Resumption::NeverConnected)
            }
        }
    }

    /// Forgets what has expired.
    pub fn sweep(&self, now: Instant) {
        let mut calls = self.lock();
        let expired = calls.take_expected(|_, until| until <= now);
        calls.forget_ended(now);
        drop(calls);
        if !expired.is_empty() {
            self.changed.notify_waiters();
        }
    }

    /// How many calls there are.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for call in self.lock().by_id.values() {
            match &call.state {
                State::Expected { .. } => counts.expected += 1,
                State::Live { .. } => counts.live += 1,
                State::Ended { asked: false, .. } => counts.unasked += 1,
                State::Ended { .. } => {}
            }
        }
        counts
    }

    /// Waits until `done` says so of the counts.
    pub async fn until(&self, done: impl Fn(Counts) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if done(self.counts()) {
                return;
            }
            changed.await;
        }
    }

    fn end(&self, id: TokenId, outcome: Outcome, expects_resume: bool, now: Instant) {
        let mut calls = self.lock();
        if let Some(call) = calls.by_id.get_mut(&id) {
            call.state = State::Ended {
                outcome,
                at: now,
                asked: !expects_resume,
            };
            calls.ended.push_back(id);
        }
        calls.forget_ended(now);
        drop(calls);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Calls<P>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P> Calls<P> {
    fn count(&self) -> usize {
        self.by_id
            .values()
            .filter(|call| !matches!(call.state, State::Ended { .. }))
            .count()
    }

    fn has_live(&self, call_sid: &str) -> bool {
        self.by_id
            .values()
            .any(|call| call.call_sid == call_sid && matches!(call.state, State::Live { .. }))
    }

    fn take_expected(&mut self, matches: impl Fn(&Call<P>, Instant) -> bool) -> Vec<Call<P>> {
        self.by_id
            .extract_if(|_, call| match call.state {
                State::Expected { until, .. } => matches(call, until),
                State::Live { .. } | State::Ended { .. } => false,
            })
            .map(|(_, call)| call)
            .collect()
    }

    fn forget_ended(&mut self, now: Instant) {
        while let Some(oldest) = self.ended.front() {
            let is_old = match self.by_id.get(oldest).map(|call| &call.state) {
                Some(State::Ended { at, .. }) => now.saturating_duration_since(*at) >= ENDED_FOR,
                _ => true,
            };
            if !is_old && self.ended.len() <= ENDED_AT_MOST {
                break;
            }
            if let Some(id) = self.ended.pop_front() {
                self.by_id.remove(&id);
            }
        }
    }
}

impl<P> Live<P> {
    /// Ends the call. `expects_resume`: the carrier's leg goes on, so the resume webhook will be asked.
    pub fn end(mut self, outcome: Outcome, expects_resume: bool, now: Instant) {
        self.ended = true;
        self.registry.end(self.id, outcome, expects_resume, now);
    }

    /// What the carrier says of who answered; `None` as long as it has not.
    pub fn verdict(&self) -> watch::Receiver<Option<Verdict>> {
        self.verdict.clone()
    }

    /// Is cancelled when the call is to be stopped at once.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }
}

impl<P> Drop for Live<P> {
    fn drop(&mut self) {
        if !self.ended {
            self.registry
                .end(self.id, Outcome::Broke, true, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn id() -> TokenId {
        TokenId::random().unwrap()
    }

    fn registry(max_calls: usize) -> (Arc<Registry<Arc<()>>>, Instant) {
        (Registry::new(max_calls, 1), Instant::now())
    }

    #[test]
    fn a_token_opens_one_socket_once() {
        let (registry, now) = registry(9);
        let one = id();
        registry.expect(one, "CA1", Arc::new(()), now).unwrap();
        let (_, live) = registry
            .connect(one, CancellationToken::new(), now)
            .unwrap();
        let again = |registry: &Arc<Registry<_>>| {
            registry
                .connect(one, CancellationToken::new(), now)
                .unwrap_err()
        };
        assert_eq!(again(&registry), Refusal::SecondSocket);
        live.end(Outcome::Over, true, now);
        assert_eq!(again(&registry), Refusal::Used);
        assert_eq!(
            registry
                .connect(id(), CancellationToken::new(), now)
                .unwrap_err(),
            Refusal::Unknown
        );
    }

    #[test]
    fn a_verdict_reaches_the_call_of_its_sid_before_and_after_its_socket_and_no_other() {
        let (registry, now) = registry(9);
        let (one, two) = (id(), id());
        registry.expect(one, "CA1", Arc::new(()), now).unwrap();
        registry.expect(two, "CA2", Arc::new(()), now).unwrap();
        assert!(registry.tell("CA1", Verdict::MachineStart));
        let connect = |id| {
            registry
                .connect(id, CancellationToken::new(), now)
                .unwrap()
                .1
        };
        let (first, second) = (connect(one), connect(two));
        assert_eq!(*first.verdict().borrow(), Some(Verdict::MachineStart));
        assert!(registry.tell("CA1", Verdict::MachineEnd));
        assert_eq!(*first.verdict().borrow(), Some(Verdict::MachineEnd));
        assert_eq!(*second.verdict().borrow(), None);
        assert!(!registry.tell("CA3", Verdict::Human));
        first.end(Outcome::Over, true, now);
        assert!(!registry.tell("CA1", Verdict::Human));
    }

    #[test]
    fn a_token_expires_after_a_minute_and_gives_its_seat_back() {
        let (registry, now) = registry(1);
        let (one, seat) = (id(), Arc::new(()));
        registry.expect(one, "CA1", Arc::clone(&seat), now).unwrap();
        let late = now + EXPECTED_FOR;
        assert!(registry.is_full(late - Duration::from_millis(1)));
        assert_eq!(
            registry
                .connect(one, CancellationToken::new(), late)
                .unwrap_err(),
            Refusal::Unknown
        );
        assert_eq!(Arc::strong_count(&seat), 1);
        assert!(!registry.is_full(late));
    }

    #[test]
    fn the_limit_counts_expected_and_live_calls_but_a_repeated_webhook_once() {
        let (registry, now) = registry(2);
        let (one, again) = (id(), id());
        registry.expect(one, "CA1", Arc::new(()), now).unwrap();
        registry.expect(again, "CA1", Arc::new(()), now).unwrap();
        assert_eq!(registry.counts().expected, 1);
        assert_eq!(
            registry
                .connect(one, CancellationToken::new(), now)
                .unwrap_err(),
            Refusal::Unknown
        );
        let (_, _live) = registry
            .connect(again, CancellationToken::new(), now)
            .unwrap();
        registry.expect(id(), "CA2", Arc::new(()), now).unwrap();
        assert_eq!(
            registry.expect(id(), "CA3", Arc::new(()), now),
            Err(Refusal::Full)
        );
        assert_eq!(
            registry
                .connect_foreign(id(), "CA3", CancellationToken::new(), now)
                .unwrap_err(),
            Refusal::Full
        );
    }

    #[test]
    fn a_second_socket_for_a_live_call_is_refused_also_with_a_token_of_its_own() {
        let (registry, now) = registry(9);
        let (one, two) = (id(), id());
        registry.expect(one, "CA1", Arc::new(()), now).unwrap();
        let (_, _live) = registry
            .connect(one, CancellationToken::new(), now)
            .unwrap();
        registry.expect(two, "CA1", Arc::new(()), now).unwrap();
        assert_eq!(
            registry
                .connect(two, CancellationToken::new(), now)
                .unwrap_err(),
            Refusal::SecondSocket
        );
        assert_eq!(
            registry
                .connect_foreign(id(), "CA1", CancellationToken::new(), now)
                .unwrap_err(),
            Refusal::SecondSocket
        );
    }

    #[test]
    fn foreign_streams_have_a_limit_of_their_own() {
        let (registry, now) = registry(9);
        let live = registry
            .connect_foreign(id(), "CA1", CancellationToken::new(), now)
            .unwrap();
        assert_eq!(
            registry
                .connect_foreign(id(), "CA2", CancellationToken::new(), now)
                .unwrap_err(),
            Refusal::ForeignFull
        );
        live.end(Outcome::Over, true, now);
        assert!(
            registry
                .connect_foreign(id(), "CA2", CancellationToken::new(), now)
                .is_ok()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn resume_waits_for_the_end_of_a_live_call_and_answers_the_same_again() {
        let (registry, now) = registry(9);
        let one = id();
        registry.expect(one, "CA1", Arc::new(()), now).unwrap();
        let (_, live) = registry
            .connect(one, CancellationToken::new(), now)
            .unwrap();
        let asking = registry.resume(one, Duration::from_secs(5));
        let ending = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            live.end(Outcome::Transfer("+1".into()), true, now);
        };
        let expected = Resumption::Ended(Outcome::Transfer("+1".into()));
        assert_eq!(tokio::join!(asking, ending).0, expected);
        assert_eq!(registry.resume(one, Duration::ZERO).await, expected);
        assert_eq!(registry.counts(), Counts::default());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_its_carrier_left_is_stopped_by_the_resume_webhook() {
        let (registry, now) = registry(9);
        let one = id();
        registry.expect(one, "CA1", Arc::new(()), now).unwrap();
        let (_, live) = registry
            .connect(one, CancellationToken::new(), now)
            .unwrap();
        assert_eq!(
            registry.resume(one, Duration::from_secs(5)).await,
            Resumption::Ended(Outcome::Broke)
        );
        assert!(live.stop().is_cancelled());
    }

    #[tokio::test]
    async fn resume_of_a_call_that_never_connected_ends_the_waiting_for_it() {
        let (registry, now) = registry(9);
        let one = id();
        registry.expect(one, "CA1", Arc::new(()), now).unwrap();
        assert_eq!(
            registry.resume(one, Duration::ZERO).await,
            Resumption::NeverConnected
        );
        assert_eq!(
            registry.resume(one, Duration::ZERO).await,
            Resumption::Forgotten
        );
        assert_eq!(registry.counts().expected, 0);
    }

    #[tokio::test]
    async fn a_call_dropped_without_an_end_counts_as_broken() {
        let (registry, now) = registry(9);
        let one = id();
        registry.expect(one, "CA1", Arc::new(()), now).unwrap();
        drop(
            registry
                .connect(one, CancellationToken::new(), now)
                .unwrap(),
        );
        assert_eq!(registry.counts().unasked, 1);
        assert_eq!(
            registry.resume(one, Duration::ZERO).await,
            Resumption::Ended(Outcome::Broke)
        );
    }

    #[test]
    fn ended_calls_are_forgotten_by_age_and_by_number() {
        let (registry, now) = registry(9);
        for _ in 0..=ENDED_AT_MOST {
            let live = registry
                .connect_foreign(id(), "CA1", CancellationToken::new(), now)
                .unwrap();
            live.end(Outcome::Over, true, now);
        }
        assert_eq!(registry.counts().unasked, ENDED_AT_MOST);
        registry.sweep(now + ENDED_FOR);
        assert_eq!(registry.counts(), Counts::default());
        assert!(registry.lock().by_id.is_empty() && registry.lock().ended.is_empty());
    }
}
