//! Stopping: no new calls, live ones finish, then what is left is ended. A second signal ends everything at once.

use std::io;
use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt as _};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::calls::Registry;

/// The last part of the time calls are given is for the sentence that is being heard, and a goodbye: at most this long, and
/// at most a third of it.
const LAST_SENTENCE: Duration = Duration::from_secs(8);
/// How long calls that were stopped have to close their files.
const CLOSING: Duration = Duration::from_secs(12);
/// How long the resume webhooks of the last calls are waited for.
const LAST_WEBHOOKS: Duration = Duration::from_secs(3);

/// Where the server is in its life.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// No new calls.
    pub draining: CancellationToken,
    /// Calls end after the sentence that is being heard.
    pub finish: CancellationToken,
    /// Calls end at once.
    pub stop: CancellationToken,
    /// The media sockets: the web server does not wait for upgraded connections.
    pub sockets: TaskTracker,
}

/// SIGTERM and Ctrl-C, one item each time.
pub struct Signals(BoxStream<'static, ()>);

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// The system does not let us.
    pub fn listen() -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let signals = futures_util::stream::poll_fn(move |cx| {
            if terminate.poll_recv(cx).is_ready() || interrupt.poll_recv(cx).is_ready() {
                return std::task::Poll::Ready(Some(()));
            }
            std::task::Poll::Pending
        });
        Ok(Self(signals.boxed()))
    }

    /// Signals made up by a test, or by a program that embeds the server.
    pub fn from_stream(signals: impl futures_util::Stream<Item = ()> + Send + 'static) -> Self {
        Self(signals.boxed())
    }

    async fn next(&mut self) {
        if self.0.next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// Waits for a signal, then until the calls are over, at most `drain`: they are asked to end a last sentence before that, and
/// stopped at it. Then for their files and their last webhooks.
pub async fn wind_down<P>(
    lifecycle: &Lifecycle,
    registry: &Registry<P>,
    drain: Duration,
    mut signals: Signals,
) {
    signals.next().await;
    lifecycle.draining.cancel();
    lifecycle.sockets.close();
    let live = registry.counts().live;
    tracing::info!(
        live,
        drain_s = drain.as_secs(),
        "stopping: no new calls, live ones may finish"
    );
    let patient = tokio::select! {
        biased;
        () = signals.next() => {
            tracing::warn!(live = registry.counts().live, "stopping at once");
            false
        }
        () = gently(lifecycle, registry, drain) => true,
    };
    lifecycle.finish.cancel();
    lifecycle.stop.cancel();
    tokio::select! {
        () = close(lifecycle, registry, patient) => {}
        () = signals.next() => tracing::warn!("not waiting for the files of calls"),
    }
}

/// Until the sockets are done, or no longer wanted.
async fn gently<P>(lifecycle: &Lifecycle, registry: &Registry<P>, drain: Duration) {
    let last_sentence = LAST_SENTENCE.min(drain / 3);
    for (while_for, then) in [
        (drain - last_sentence, "end after their sentence"),
        (last_sentence, "are stopped: DRAIN_SECONDS are over"),
    ] {
        let over = tokio::time::timeout(while_for, lifecycle.sockets.wait()).await;
        if over.is_ok() {
            return;
        }
        tracing::info!(live = registry.counts().live, "stopping: live calls {then}");
        lifecycle.finish.cancel();
    }
}

async fn close<P>(lifecycle: &Lifecycle, registry: &Registry<P>, patient: bool) {
    let closed = tokio::time::timeout(CLOSING, lifecycle.sockets.wait()).await;
    if closed.is_err() {
        tracing::error!(
            live = registry.counts().live,
            "Error: calls did not close in time"
        );
    }
    if patient {
        // Calls that had their TwiML just before are on their way here, to be told so.
        let last = registry.until(|counts| counts.unasked + counts.expected == 0);
        let _ = tokio::time::timeout(LAST_WEBHOOKS, last).await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::sync::Arc;
    use std::time::Instant;

    use tokio::time::Instant as Virtual;

    use super::*;
    use crate::calls::{Outcome, Resumption, TokenId};

    const DRAIN: Duration = Duration::from_secs(60);

    /// A call that ends `after` it was told to by `told`, or never by itself; it ends at once when told to stop.
    fn call(
        lifecycle: &Lifecycle,
        registry: &Arc<Registry<()>>,
        ends: impl Future<Output = ()> + Send + 'static,
    ) {
        let id = TokenId::random().unwrap();
        let stop = lifecycle.stop.clone();
        let live = registry
            .connect_foreign(
                id,
                &format!("{id:p}", id = &id),
                stop.clone(),
                Instant::now(),
            )
            .unwrap();
        lifecycle.sockets.spawn(async move {
            tokio::select! { () = ends => {}, () = stop.cancelled() => {} }
            live.end(Outcome::Over, false, Instant::now());
        });
    }

    async fn seconds(
        signals_at: &[u64],
        lifecycle: &Lifecycle,
        registry: &Arc<Registry<()>>,
    ) -> u64 {
        let times: Vec<u64> = signals_at.to_vec();
        let begun = Virtual::now();
        let signals = futures_util::stream::iter(times)
            .then(move |at| tokio::time::sleep_until(begun + Duration::from_secs(at)));
        wind_down(lifecycle, registry, DRAIN, Signals::from_stream(signals)).await;
        begun.elapsed().as_secs()
    }

    fn parts() -> (Lifecycle, Arc<Registry<()>>) {
        (Lifecycle::default(), Registry::new(10, 10))
    }

    #[tokio::test(start_paused = true)]
    async fn without_calls_it_stops_at_the_first_signal() {
        let (lifecycle, registry) = parts();
        assert_eq!(seconds(&[1], &lifecycle, &registry).await, 1);
        assert!(lifecycle.draining.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_on_its_way_is_waited_for_but_not_long() {
        let (lifecycle, registry) = parts();
        let id = TokenId::random().unwrap();
        registry.expect(id, "CA1", (), Instant::now()).unwrap();
        let asking = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            registry.resume(id, Duration::ZERO).await
        };
        let stopping = seconds(&[1], &lifecycle, &registry);
        assert_eq!(
            tokio::join!(stopping, asking),
            (2, Resumption::NeverConnected)
        );
        let (lifecycle, registry) = parts();
        registry.expect(id, "CA1", (), Instant::now()).unwrap();
        assert_eq!(seconds(&[1], &lifecycle, &registry).await, 1 + 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_live_call_may_finish() {
        let (lifecycle, registry) = parts();
        call(
            &lifecycle,
            &registry,
            tokio::time::sleep(Duration::from_secs(20)),
        );
        assert_eq!(seconds(&[1], &lifecycle, &registry).await, 20);
        assert_eq!(registry.counts().live, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn calls_end_after_their_sentence_soon_enough_to_be_over_when_the_drain_is() {
        let (lifecycle, registry) = parts();
        let finish = lifecycle.finish.clone();
        call(&lifecycle, &registry, async move {
            finish.cancelled().await;
            tokio::time::sleep(Duration::from_secs(4)).await;
        });
        assert_eq!(seconds(&[1], &lifecycle, &registry).await, 1 + 60 - 8 + 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_does_not_end_is_stopped() {
        let (lifecycle, registry) = parts();
        call(&lifecycle, &registry, std::future::pending());
        assert_eq!(seconds(&[1], &lifecycle, &registry).await, 1 + 60);
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_short_drain_a_third_is_for_the_last_sentence() {
        for (drain, asked_at) in [(12, 8), (3, 2), (0, 0)] {
            let (lifecycle, registry) = parts();
            call(&lifecycle, &registry, std::future::pending());
            let finish = lifecycle.finish.clone();
            let begun = Virtual::now();
            let asked = async {
                finish.cancelled().await;
                begun.elapsed().as_secs()
            };
            let signals = Signals::from_stream(
                futures_util::stream::iter([()]).chain(futures_util::stream::pending()),
            );
            let drain = Duration::from_secs(drain);
            let (asked, ()) = tokio::join!(asked, wind_down(&lifecycle, &registry, drain, signals));
            assert_eq!((asked, begun.elapsed()), (asked_at, drain));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_resume_webhook_of_a_stopped_call_is_waited_for() {
        let (lifecycle, registry) = parts();
        let id = TokenId::random().unwrap();
        let stop = lifecycle.stop.clone();
        let live = registry
            .connect_foreign(id, "CA1", stop.clone(), Instant::now())
            .unwrap();
        lifecycle.sockets.spawn(async move {
            stop.cancelled().await;
            live.end(Outcome::Broke, true, Instant::now());
        });
        let asking = async {
            tokio::time::sleep(Duration::from_secs(1 + 60 + 2)).await;
            registry.resume(id, Duration::ZERO).await
        };
        let stopping = seconds(&[1], &lifecycle, &registry);
        let ended = Resumption::Ended(Outcome::Broke);
        assert_eq!(tokio::join!(stopping, asking), (1 + 60 + 2, ended));
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_stops_at_once() {
        let (lifecycle, registry) = parts();
        call(&lifecycle, &registry, std::future::pending());
        assert_eq!(seconds(&[1, 3], &lifecycle, &registry).await, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_resume_webhook_is_waited_for_but_not_long() {
        let (lifecycle, registry) = parts();
        let live = registry
            .connect_foreign(
                TokenId::random().unwrap(),
                "CA1",
                CancellationToken::new(),
                Instant::now(),
            )
            .unwrap();
        live.end(Outcome::Over, true, Instant::now());
        assert_eq!(seconds(&[1], &lifecycle, &registry).await, 1 + 3);
    }
}
