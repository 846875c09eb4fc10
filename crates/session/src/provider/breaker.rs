//! What all calls know of a provider's health: after failures it is left alone for a while, then tried by one call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ringback_call::{FaultKind, Party};

use super::Provider;

/// So many failures in a row open the breaker.
const MOST_FAILURES: u32 = 3;
/// How long it stays open the first time; each failed trial doubles it.
const FIRST_REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_secs(120);
/// After a refusal: keys and quotas do not mend themselves within seconds.
const REFUSED_REST: Duration = Duration::from_secs(60);
/// The longest rest that a provider can ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(60);
/// A trial that was never reported is over after this time.
const TRIAL: Duration = Duration::from_secs(10);

/// A circuit breaker that calls share.
#[derive(Debug, Default)]
pub struct Breaker {
    state: Arc<Mutex<State>>,
    /// 0 is 1.
    patience: u32,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    rest: Option<Duration>,
    /// Nobody is let through before, but for a trial.
    until: Option<Instant>,
    /// Before, not even those ask who have nobody else: it refused, or said when to come back.
    shut: Option<Instant>,
    /// How it failed last.
    kind: Option<FaultKind>,
}

impl Breaker {
    /// One that waits so many times longer than usual.
    fn patient(patience: u32) -> Self {
        Self {
            patience,
            ..Self::default()
        }
    }

    /// How many times longer than usual the provider is waited for.
    pub fn patience(&self) -> u32 {
        self.patience.max(1)
    }

    /// The same breaker for somebody who waits for the provider so many times longer still.
    pub(crate) fn with_more_patience(&self, times: u32) -> Self {
        Self {
            state: Arc::clone(&self.state),
            patience: self.patience().saturating_mul(times.max(1)),
        }
    }

    /// Whether the provider may be asked now. Where it is open and its rest is over, one caller is let through as a trial.
    pub fn admits(&self, now: Instant) -> bool {
        let mut state = self.lock();
        match state.until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                state.until = Some(now + TRIAL);
                true
            }
        }
    }

    /// Whether it is closed: nothing is known against the provider.
    pub fn is_closed(&self) -> bool {
        self.lock().until.is_none()
    }

    /// Whether calls leave the provider alone now.
    pub fn is_open(&self, now: Instant) -> bool {
        self.lock().until.is_some_and(|until| now < until)
    }

    /// How much longer calls leave it alone, and how it had failed.
    pub(crate) fn open_for(&self, now: Instant) -> Option<(Duration, FaultKind)> {
        let state = self.lock();
        let left = state.until?.saturating_duration_since(now);
        (!left.is_zero()).then_some((left, state.kind?))
    }

    /// How much longer nobody asks, not even those who have nobody else: it refused, or said when to come back.
    pub fn shut_for(&self, now: Instant) -> Option<Duration> {
        let left = self.lock().shut?.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// It answered.
    pub fn succeeded(&self) {
        *self.lock() = State::default();
    }

    /// It failed. `retry_after`: it said itself when to come back.
    pub fn failed(&self, now: Instant, kind: FaultKind, retry_after: Option<Duration>) {
        let mut state = self.lock();
        state.failures += 1;
        state.kind = Some(kind);
        let at_once = matches!(kind, FaultKind::Refused | FaultKind::Misconfigured);
        if !at_once && retry_after.is_none() && state.failures < MOST_FAILURES {
            return;
        }
        let usual = match state.rest {
            None if at_once => REFUSED_REST,
            None => FIRST_REST,
            Some(rest) => LONGEST_REST.min(rest * 2),
        };
        let rest = retry_after.map_or(usual, |asked| asked.min(LONGEST_ASKED));
        state.rest = Some(usual);
        if at_once || retry_after.is_some() {
            state.shut = state.shut.max(Some(now + rest));
        }
        state.until = state.shut.max(Some(now + rest));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The breakers of all providers, one for each role.
#[derive(Debug)]
pub(crate) struct Breakers(BTreeMap<(Provider, Party), Arc<Breaker>>);

impl Default for Breakers {
    fn default() -> Self {
        Self::patient(1)
    }
}

impl Breakers {
    /// Those of providers that are waited for so many times longer than usual.
    pub(crate) fn patient(patience: u32) -> Self {
        let made = move || Arc::new(Breaker::patient(patience));
        let roles = [Party::Stt, Party::Responder, Party::Tts];
        let all = Provider::ALL
            .into_iter()
            .flat_map(|provider| roles.map(|role| ((provider, role), made())));
        Self(all.collect())
    }

    /// That of a provider in a role: recogniser, responder or voice.
    pub(crate) fn of(&self, provider: Provider, role: Party) -> &Arc<Breaker> {
        &self.0[&(provider, role)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn three_failures_in_a_row_open_it_and_one_trial_goes_through_after_its_rest() {
        let breaker = Breaker::default();
        let start = Instant::now();
        for _ in 0..2 {
            breaker.failed(start, FaultKind::Unreachable, None);
            assert!(breaker.admits(start) && breaker.is_closed());
        }
        breaker.failed(start, FaultKind::Unreachable, None);
        assert!(!breaker.admits(start) && !breaker.admits(start + 4 * S));
        assert!(breaker.admits(start + 5 * S), "the trial");
        assert!(!breaker.admits(start + 5 * S), "only one");
        breaker.failed(start + 6 * S, FaultKind::Unreachable, None);
        assert!(!breaker.admits(start + 15 * S) && breaker.admits(start + 16 * S));
        breaker.succeeded();
        assert!(breaker.admits(start + 16 * S) && breaker.admits(start + 16 * S));
    }

    #[test]
    fn a_success_between_failures_starts_the_count_anew() {
        let breaker = Breaker::default();
        let now = Instant::now();
        for _ in 0..10 {
            breaker.failed(now, FaultKind::Misbehaved, None);
            breaker.succeeded();
        }
        assert!(breaker.is_closed());
    }

    #[test]
    fn a_refusal_opens_it_at_once_and_what_the_provider_asks_is_kept() {
        let breaker = Breaker::default();
        let now = Instant::now();
        breaker.failed(now, FaultKind::Refused, None);
        assert!(breaker.is_open(now + 59 * S) && !breaker.is_open(now + 60 * S));
        assert!(!breaker.admits(now + 59 * S) && breaker.admits(now + 60 * S));

        let breaker = Breaker::default();
        breaker.failed(now, FaultKind::Unreachable, Some(17 * S));
        assert!(!breaker.admits(now + 16 * S) && breaker.admits(now + 17 * S));
    }

    #[test]
    fn what_refused_or_said_when_to_come_back_is_shut_also_to_those_who_have_nobody_else() {
        let now = Instant::now();
        let after = |kind, asked: Option<Duration>| {
            let breaker = Breaker::default();
            for _ in 0..3 {
                breaker.failed(now, kind, asked);
            }
            breaker.shut_for(now)
        };
        assert_eq!(after(FaultKind::Unreachable, None), None);
        assert_eq!(after(FaultKind::Unreachable, Some(30 * S)), Some(30 * S));
        assert_eq!(
            after(FaultKind::Unreachable, Some(3600 * S)),
            Some(60 * S),
            "no provider closes itself for an hour"
        );

        let breaker = Breaker::default();
        breaker.failed(now, FaultKind::Refused, None);
        assert_eq!(breaker.shut_for(now + 59 * S), Some(S));
        assert_eq!(breaker.shut_for(now + 60 * S), None);
        breaker.failed(now + 60 * S, FaultKind::Refused, None);
        assert_eq!(breaker.shut_for(now + 60 * S), Some(120 * S));
        for _ in 0..3 {
            breaker.failed(now + 61 * S, FaultKind::Unreachable, None);
        }
        assert!(breaker.is_open(now + 179 * S), "it stays shut");
        breaker.succeeded();
        assert_eq!(breaker.shut_for(now), None);
    }

    #[test]
    fn a_trial_that_nobody_reports_does_not_close_the_door_for_ever() {
        let breaker = Breaker::default();
        let now = Instant::now();
        breaker.failed(now, FaultKind::Refused, None);
        assert!(breaker.admits(now + 60 * S));
        assert!(breaker.admits(now + 71 * S));
    }
}
