//! Sockets that break again and again: when the provider behind them is given up.

use std::time::Duration;

use tokio::time::Instant;

use super::listening::GIVE_UP;

/// A socket that served for so long is opened again as if nothing had been.
const STEADY: Duration = Duration::from_secs(5);
/// The most that sockets which broke sooner may weigh together: three of no use, or six that had words before they broke.
const MOST: u32 = 6;

/// What became of a socket that is no more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Broken {
    /// When it was asked for.
    pub(super) asked: Instant,
    /// When it was open, if it was.
    pub(super) opened: Option<Instant>,
    /// It listened; what did not even begin was of no use from when it was asked for.
    pub(super) began: bool,
    /// It had words, and they are settled.
    pub(super) helped: bool,
}

/// The breaks since a socket last was steady.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    weight: u32,
    /// Since when nothing has helped.
    since: Option<Instant>,
}

impl Trouble {
    /// Another socket broke, or could not be opened: whether that is too much. What was steady or helped starts the time anew.
    pub(super) fn is_too_much(&mut self, broken: Broken, now: Instant) -> bool {
        let steady = broken.is_steady(now);
        if steady {
            self.weight = 0;
        }
        if steady || broken.helped {
            self.since = None;
        }
        if !steady && broken.opened.is_some() {
            self.weight += if broken.helped { 1 } else { 2 };
        }
        let from = if broken.began { now } else { broken.asked };
        let since = *self.since.get_or_insert(from);
        self.weight >= MOST || now.duration_since(since) >= GIVE_UP
    }
}

impl Broken {
    /// What is asked for now and not open yet.
    pub(super) fn of(asked: Instant) -> Self {
        Self {
            asked,
            opened: None,
            began: false,
            helped: false,
        }
    }

    /// Whether it served so long that its break is an accident.
    pub(super) fn is_steady(&self, now: Instant) -> bool {
        let opened = self.opened.filter(|_| self.began);
        opened.is_some_and(|opened| now.duration_since(opened) >= STEADY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sockets that each break so many ms after they were opened, 50 ms apart: how many there are before it is too much.
    fn sockets(lasted: u64, began: bool, helped: bool) -> Option<usize> {
        let mut trouble = Trouble::default();
        let mut now = Instant::now();
        (1..=50).find(|_| {
            let broken = Broken {
                opened: Some(now),
                began,
                helped,
                ..Broken::of(now)
            };
            now += Duration::from_millis(lasted);
            let enough = trouble.is_too_much(broken, now);
            now += Duration::from_millis(50);
            enough
        })
    }

    #[test]
    fn three_short_sockets_of_no_use_are_too_much_and_so_are_two_seconds_of_it() {
        assert_eq!(sockets(100, true, false), Some(3));
        assert_eq!(sockets(1500, true, false), Some(3));
        assert_eq!(sockets(2500, true, false), Some(2));
        assert_eq!(sockets(2000, false, false), Some(1), "it never began");
    }

    #[test]
    fn a_socket_that_has_words_before_it_breaks_is_borne_longer() {
        assert_eq!(sockets(100, true, true), Some(6));
        assert_eq!(sockets(2500, true, true), Some(6));
    }

    #[test]
    fn a_socket_that_breaks_once_an_hour_is_always_opened_again() {
        for helped in [false, true] {
            assert_eq!(sockets(3_600_000, true, helped), None);
            assert_eq!(sockets(5000, true, helped), None);
        }
    }

    #[test]
    fn what_cannot_be_opened_is_too_much_after_two_seconds() {
        let mut trouble = Trouble::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut fails = |asked, now| trouble.is_too_much(Broken::of(at(asked)), at(now));
        for attempt in 0..19 {
            assert!(!fails(attempt * 100, attempt * 100 + 50), "{attempt}");
        }
        assert!(fails(1900, 2000));
    }
}
