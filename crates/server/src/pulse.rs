//! How the providers are, for `/health`: asked seldom, whoever asks us and however often.
//!
//! An answer counts for a while. Once it is stale, whoever asks first has the provider asked in a task of its own, one at a time;
//! all wait for it, but not long.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ringback_session::provider::{Provider, Reach};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// So long a good answer counts.
const GOOD: Duration = Duration::from_secs(60);
/// So long any other counts.
const BAD: Duration = Duration::from_secs(10);
/// The longest wait for an answer.
const WAIT: Duration = Duration::from_secs(2);
/// A provider that answers later is away.
const LONGEST: Duration = Duration::from_secs(5);

/// The pulse of each provider.
#[derive(Debug, Default)]
pub struct Pulses(BTreeMap<Provider, Arc<Pulse>>);

impl Pulses {
    /// Of all providers, none of which was asked.
    pub fn new() -> Self {
        let all = Provider::ALL.map(|provider| (provider, Arc::new(Pulse::of(provider.name()))));
        Self(all.into())
    }

    /// That of a provider.
    pub fn of(&self, provider: Provider) -> &Arc<Pulse> {
        &self.0[&provider]
    }
}

/// What is known of one provider.
#[derive(Debug)]
pub struct Pulse {
    name: &'static str,
    known: watch::Sender<Option<Known>>,
    asking: AtomicBool,
}

#[derive(Clone, Debug)]
struct Known {
    at: Instant,
    reach: Reach,
}

impl Known {
    fn is_fresh(&self) -> bool {
        let counts = match self.reach {
            Reach::Well => GOOD,
            Reach::Strained | Reach::Away(_) => BAD,
        };
        self.at.elapsed() < counts
    }
}

/// Lets the next ask, whatever became of this one.
struct Asking(Arc<Pulse>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.asking.store(false, Ordering::Release);
    }
}

impl Pulse {
    /// Nothing yet, of the provider of this name.
    pub fn of(name: &'static str) -> Self {
        Self {
            name,
            known: watch::Sender::default(),
            asking: AtomicBool::new(false),
        }
    }

    /// How the provider is, by what is known or by `ask`; `None` where it did not answer within two seconds.
    pub async fn feel(
        self: &Arc<Self>,
        ask: impl Future<Output = Reach> + Send + 'static,
    ) -> Option<Reach> {
        let mut known = self.known.subscribe();
        let fresh = |known: &Option<Known>| known.as_ref().is_some_and(Known::is_fresh);
        if !fresh(&known.borrow()) && !self.asking.swap(true, Ordering::AcqRel) {
            let asking = Asking(Arc::clone(self));
            tokio::spawn(async move {
                let reach = timeout(LONGEST, ask).await;
                let late = |_| {
                    let seconds = LONGEST.as_secs();
                    Reach::Away(format!(
                        "{} did not answer within {seconds} s",
                        asking.0.name
                    ))
                };
                let reach = reach.unwrap_or_else(late);
                asking.0.learn(reach);
            });
        }
        let found = timeout(WAIT, known.wait_for(fresh)).await.ok()?.ok()?;
        found.as_ref().map(|known| known.reach.clone())
    }

    fn learn(&self, reach: Reach) {
        let at = Instant::now();
        let now = reach.clone();
        let before = self.known.send_replace(Some(Known { at, reach }));
        let before = before.map(|known| known.reach);
        match now {
            Reach::Away(why) if !matches!(before, Some(Reach::Away(_))) => {
                tracing::warn!(why, "Error: a provider is down");
            }
            Reach::Well if matches!(before, Some(Reach::Away(_))) => {
                tracing::info!(provider = self.name, "the provider is back");
            }
            Reach::Away(_) | Reach::Well | Reach::Strained => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::sync::atomic::AtomicU32;

    use tokio::time::{advance, sleep};

    use super::*;

    /// A provider that counts how often it is asked.
    #[derive(Default)]
    struct Asked(Arc<AtomicU32>);

    impl Asked {
        fn answers(&self, after_ms: u64, reach: Reach) -> impl Future<Output = Reach> + use<> {
            let count = Arc::clone(&self.0);
            async move {
                count.fetch_add(1, Ordering::SeqCst);
                sleep(Duration::from_millis(after_ms)).await;
                reach
            }
        }

        fn count(&self) -> u32 {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn pulse() -> Arc<Pulse> {
        Arc::new(Pulse::of("deepgram"))
    }

    fn away() -> Reach {
        Reach::Away("deepgram answered 401".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_answer_counts_for_a_minute_and_a_bad_one_for_ten_seconds() {
        let (pulse, asked) = (pulse(), Asked::default());
        for (seconds, answer, count) in [
            (0, Reach::Well, 1),
            (59, Reach::Well, 1),
            (1, away(), 2),
            (9, away(), 2),
            (1, Reach::Strained, 3),
            (10, Reach::Well, 4),
        ] {
            advance(Duration::from_secs(seconds)).await;
            let felt = pulse.feel(asked.answers(0, answer.clone())).await;
            assert_eq!((felt, asked.count()), (Some(answer), count));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_ask_at_once_the_provider_is_asked_once() {
        let (pulse, asked) = (pulse(), Asked::default());
        let all = (0..100).map(|_| pulse.feel(asked.answers(500, Reach::Well)));
        let felt = futures_util::future::join_all(all).await;
        assert!(felt.iter().all(|felt| *felt == Some(Reach::Well)));
        assert_eq!(asked.count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_two_seconds_and_the_answer_is_taken_when_it_comes() {
        let (pulse, asked) = (pulse(), Asked::default());
        let begun = Instant::now();
        assert_eq!(pulse.feel(asked.answers(3000, Reach::Well)).await, None);
        assert_eq!(begun.elapsed(), Duration::from_secs(2));
        let felt = pulse.feel(asked.answers(3000, Reach::Well)).await;
        assert_eq!(felt, Some(Reach::Well));
        assert_eq!(
            (begun.elapsed(), asked.count()),
            (Duration::from_secs(3), 1)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_never_answers_is_away_and_asked_again_later() {
        let (pulse, asked) = (pulse(), Asked::default());
        let never = || asked.answers(1_000_000, Reach::Well);
        assert_eq!(pulse.feel(never()).await, None);
        advance(Duration::from_secs(4)).await;
        let felt = pulse.feel(never()).await.unwrap();
        assert_eq!(
            felt,
            Reach::Away("deepgram did not answer within 5 s".to_owned())
        );
        advance(Duration::from_secs(10)).await;
        assert_eq!(
            pulse.feel(asked.answers(0, Reach::Well)).await,
            Some(Reach::Well)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_panics_does_not_end_all_questions() {
        let pulse = pulse();
        let panics = async { panic!("made up") };
        assert_eq!(pulse.feel(panics).await, None);
        let felt = pulse.feel(async { Reach::Well }).await;
        assert_eq!(felt, Some(Reach::Well));
    }
}
