//! Sockets that break again and again: when the provider behind them is given up.

use std::time::Duration;

use tokio::time::Instant;

use super::listening::GIVE_UP;

/// A socket that served for so long is opened again as if nothing had been.
const STEADY: Duration = Duration::from_secs(5);
/// The most that sockets which broke sooner may weigh together: three of no use, or six that had words before they broke.
const MOST: u32 = 6;
/// So many sockets that break in one turn are too many where another recogniser stands by.
const MOST_IN_TURN: u32 = 2;

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
    /// Somebody spoke of whom no words are settled.
    pub(super) owes: bool,
}

/// The breaks since a socket last was steady.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    weight: u32,
    /// Since when nothing has helped.
    since: Option<Instant>,
    /// Another recogniser stands by.
    relieved: bool,
    /// Sockets that broke in this turn.
    in_turn: u32,
    /// The socket before broke too soon.
    again: bool,
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
        let relief = self.is_enough_for_relief(broken, steady);
        relief || self.weight >= MOST || now.duration_since(since) >= GIVE_UP
    }

    /// Where another stands by it takes over when the second socket breaks within a turn, or one that was opened in place of a
    /// broken one breaks before it had words.
    fn is_enough_for_relief(&mut self, broken: Broken, steady: bool) -> bool {
        if broken.opened.is_none() || (steady && !broken.owes) {
            self.again = false;
            return false;
        }
        self.in_turn += 1;
        let in_vain = std::mem::replace(&mut self.again, true) && !steady && !broken.helped;
        self.relieved && (self.in_turn >= MOST_IN_TURN || in_vain)
    }

    /// Another turn of the caller's begins.
    pub(super) fn new_turn(&mut self) {
        self.in_turn = 0;
    }

    /// Another recogniser stands by.
    pub(super) fn relieved(&mut self) {
        self.relieved = true;
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
            owes: false,
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
    fn where_another_stands_by_two_breaks_in_a_turn_are_enough_and_so_is_one_in_vain_after_another()
    {
        // Sockets that last for so many ms: whether they had words, and whether another turn begins behind them.
        let given_up = |sockets: &[(u64, bool, bool)], owes: bool| {
            let mut trouble = Trouble::default();
            trouble.relieved();
            let mut now = Instant::now();
            sockets.iter().position(|&(lasted, helped, turn)| {
                let opened = Some(now);
                let asked = now;
                now += Duration::from_millis(lasted);
                let broken = Broken {
                    asked,
                    opened,
                    began: true,
                    helped,
                    owes,
                };
                let enough = trouble.is_too_much(broken, now);
                if turn {
                    trouble.new_turn();
                }
                enough
            })
        };
        for owes in [false, true] {
            assert_eq!(given_up(&[(900, true, false); 3], owes), Some(1));
            assert_eq!(given_up(&[(900, true, true); 5], owes), None);
            assert_eq!(given_up(&[(900, false, true); 3], owes), Some(1));
        }
        let steady = [(60_000, true, false); 9];
        assert_eq!(given_up(&steady, false), None, "nothing is lost");
        assert_eq!(given_up(&steady, true), Some(1));
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
