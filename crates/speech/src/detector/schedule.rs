//! Which windows are computed.

use super::{QUIET_BELOW, QUIET_WINDOWS};

/// Windows before the one with which the gate opens that are computed as well.
pub(super) const PRE_ROLL: u64 = 4;

/// Decides for each window in turn whether it is computed. Windows are counted from 0.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    /// The first window not yet decided upon.
    next: u64,
    /// The first window that is neither computed nor due.
    fresh: u64,
    /// The next window to be computed, if below `fresh`.
    due: u64,
    /// The frame last reached, so that its energy counts once.
    reached: Option<u64>,
    /// Energy in the window about to be decided, and in the one decided last.
    loud_now: bool,
    loud: bool,
    open: bool,
    quiet: u32,
    /// Windows passed over just before the due one.
    skipped: u64,
}

impl Schedule {
    pub(super) fn new() -> Self {
        Self {
            next: 0,
            fresh: 0,
            due: 0,
            reached: None,
            loud_now: false,
            loud: false,
            open: false,
            quiet: 0,
            skipped: 0,
        }
    }

    pub(super) fn open(&self) -> bool {
        self.open
    }

    /// How many windows before the due one were never computed, since the last one that was.
    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    pub(super) fn due(&self) -> Option<u64> {
        (self.due < self.fresh).then_some(self.due)
    }

    /// Takes the energy of a frame and decides upon the windows that have ended by its end, of which there are `ended`
    /// since the call began. True if a window is now due.
    pub(super) fn reach(&mut self, frame: u64, ended: u64, loud: bool) -> bool {
        if self.reached != Some(frame) {
            self.reached = Some(frame);
            self.loud_now |= loud;
        }
        while self.next < ended {
            let window = self.next;
            self.next += 1;
            self.loud = std::mem::take(&mut self.loud_now);
            if self.loud && !self.open {
                self.open = true;
                self.quiet = 0;
                self.due = self.fresh.max(window.saturating_sub(PRE_ROLL));
                self.skipped = self.due - self.fresh;
                self.fresh = window + 1;
            } else if self.open {
                self.due = window;
                self.fresh = window + 1;
            }
            if self.due().is_some() {
                return true;
            }
        }
        false
    }

    /// The due window is computed.
    pub(super) fn done(&mut self) {
        self.due += 1;
        self.skipped = 0;
    }

    /// The due window is given up, since it was not computed in time.
    pub(super) fn give_up(&mut self) {
        self.due += 1;
        self.skipped += 1;
    }

    /// Takes the result of a window; the gate may shut.
    pub(super) fn hear(&mut self, probability: f32) {
        let of_pre_roll = self.due < self.fresh;
        let loud = self.loud && !of_pre_roll;
        self.quiet = if probability < QUIET_BELOW && !loud {
            self.quiet + 1
        } else {
            0
        };
        if self.quiet >= QUIET_WINDOWS {
            self.open = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs windows of one frame each, with the energy and probability given, and returns those computed.
    fn computed(windows: &[(bool, f32)]) -> Vec<u64> {
        let mut schedule = Schedule::new();
        let mut computed = Vec::new();
        for (n, &(loud, _)) in windows.iter().enumerate() {
            let n = n as u64;
            while schedule.reach(n, n + 1, loud) {
                while let Some(window) = schedule.due() {
                    computed.push(window);
                    schedule.done();
                    schedule.hear(windows[window as usize].1);
                }
            }
        }
        computed
    }

    #[test]
    fn nothing_is_computed_while_all_is_quiet() {
        assert!(computed(&[(false, 0.0); 50]).is_empty());
    }

    #[test]
    fn energy_opens_with_four_windows_before_and_seven_quiet_ones_shut() {
        let mut windows = [(false, 0.1); 40];
        windows[10] = (true, 0.1);
        assert_eq!(computed(&windows), (6..=17).collect::<Vec<u64>>());
        windows[20].0 = true;
        assert_eq!(
            computed(&windows),
            (6..=27)
                .filter(|n| *n <= 17 || *n >= 18)
                .collect::<Vec<u64>>()
        );
        windows[20].0 = false;
        windows[15].1 = 0.4;
        assert_eq!(computed(&windows), (6..=22).collect::<Vec<u64>>());
        windows[1].0 = true;
        assert_eq!(computed(&windows)[..2], [0, 1], "no window before the call");
    }

    #[test]
    fn energy_without_a_voice_keeps_computing() {
        let mut windows = [(true, 0.1); 40];
        windows[39].0 = false;
        assert_eq!(computed(&windows).len(), 40);
    }
}
