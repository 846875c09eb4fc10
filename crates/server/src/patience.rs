//! How long a peer may keep us waiting: for its body, or until it reads what we write.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A store of time that waiting uses up and bytes give back. So whoever is stuck is left soon, whoever only drips is left
/// a little later, and time that we take ourselves does not count.
#[derive(Debug)]
pub struct Patience {
    most: Duration,
    bytes_a_second: u32,
    waited: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Patience {
    /// At most `most` of waiting; every `bytes_a_second` that move give back one second of it.
    pub fn new(most: Duration, bytes_a_second: u32) -> Self {
        Self {
            most,
            bytes_a_second: bytes_a_second.max(1),
            waited: Duration::ZERO,
            waiting: None,
        }
    }

    /// To be asked whenever the peer keeps us waiting: ready when the patience is over.
    pub fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let left = self.most.saturating_sub(self.waited);
        let (_, timer) = self.waiting.get_or_insert_with(|| {
            let now = Instant::now();
            (now, Box::pin(sleep_until(now + left)))
        });
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(())
    }

    /// So many bytes came or went.
    pub fn moved(&mut self, bytes: usize) {
        if let Some((since, _)) = self.waiting.take() {
            self.waited += since.elapsed();
        }
        if !self.waited.is_zero() {
            let earned = bytes as f64 / f64::from(self.bytes_a_second);
            self.waited = self.waited.saturating_sub(Duration::from_secs_f64(earned));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const MOST: Duration = Duration::from_secs(10);

    /// After how long a peer is left that moves so many bytes every second; `None` if it is not left within an hour.
    async fn left_after(bytes: usize) -> Option<Duration> {
        let mut patience = Patience::new(MOST, 1000);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(3600) {
            let second = sleep_until(Instant::now() + Duration::from_secs(1));
            tokio::select! {
                biased;
                () = poll_fn(|cx| patience.poll_over(cx)) => return Some(begun.elapsed()),
                () = second => patience.moved(bytes),
            }
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_stuck_is_left_soon_who_drips_a_little_later_who_moves_never() {
        assert_eq!(left_after(0).await, Some(MOST));
        let dripping = left_after(500).await.map(|after| after.as_secs());
        assert!((17..=20).contains(&dripping.unwrap_or(0)), "{dripping:?}");
        assert_eq!(left_after(1000).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_is_not_spent_waiting_does_not_count() {
        let mut patience = Patience::new(MOST, 1000);
        for _ in 0..5 {
            let waited =
                tokio::time::timeout(Duration::from_secs(1), poll_fn(|cx| patience.poll_over(cx)));
            assert!(waited.await.is_err());
            patience.moved(1000);
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    }
}
