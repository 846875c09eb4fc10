//! How loud caller and agent are, measured only while somebody wants to know. Nothing in it is allocated.

use ringback_audio::g711;
use ringback_call::At;

/// One level is one of so much time, in µs: five come in a second.
const SPAN: u64 = 200_000;
/// The same in samples at 8000 Hz.
const SAMPLES: u64 = 1600;
/// So many spans ahead of what is heard now can speech be placed: 3.2 s.
const AHEAD: usize = 16;
/// The loudest square of a sample (16 bit).
const FULL: f64 = 32768.0 * 32768.0;
/// Nothing is softer, in dBFS.
const FLOOR: f64 = -96.0;

/// How loud it was, in dBFS: 0 for a square wave at full scale, -96 for silence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Level {
    pub(crate) caller: f64,
    pub(crate) agent: f64,
}

/// The energy of one stretch of time.
#[derive(Clone, Copy, Debug, Default)]
struct Energy {
    span: u64,
    squares: u64,
    samples: u64,
}

/// Measures both sides of a call.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    caller: Energy,
    agent: [Energy; AHEAD],
}

impl Energy {
    fn of(span: u64) -> Self {
        Self {
            span,
            ..Self::default()
        }
    }

    fn add(&mut self, mulaw: &[u8]) {
        let square = |&code: &u8| u64::from(g711::decode(code).unsigned_abs()).pow(2);
        self.squares += mulaw.iter().map(square).sum::<u64>();
        self.samples += mulaw.len() as u64;
    }

    /// Over at least so many samples: what is missing was silent.
    fn level(&self, least: u64) -> f64 {
        if self.squares == 0 {
            return FLOOR;
        }
        let mean = self.squares as f64 / self.samples.max(least) as f64;
        let level = (10.0 * (mean / FULL).log10()).max(FLOOR);
        (level * 10.0).round() / 10.0
    }
}

impl Meter {
    /// The caller is heard. Answers how loud both were in the stretch before, once in each.
    pub(crate) fn hear(&mut self, at: At, mulaw: &[u8]) -> Option<Level> {
        let span = at.0 / SPAN;
        let before = self.caller;
        if before.span != span {
            self.caller = Energy::of(span);
        }
        self.caller.add(mulaw);
        // After a pause in which nobody wanted to know there is nothing to tell.
        let told = before.span + 1 == span && before.samples > 0;
        told.then(|| Level {
            caller: before.level(1),
            agent: self.place(before.span).level(SAMPLES),
        })
    }

    /// The caller hears this from then on.
    pub(crate) fn speak(&mut self, starts: At, mulaw: &[u8]) {
        // A stretch may begin in one span and end in the next.
        for (index, frame) in mulaw.chunks(160).enumerate() {
            let span = starts.plus_ms(index as u64 * 20).0 / SPAN;
            self.place(span).add(frame);
        }
    }

    /// From then on nothing of what was placed is heard.
    pub(crate) fn cut(&mut self, at: At) {
        let last = at.0 / SPAN;
        for energy in self.agent.iter_mut().filter(|energy| energy.span > last) {
            *energy = Energy::of(energy.span);
        }
    }

    fn place(&mut self, span: u64) -> &mut Energy {
        let energy = &mut self.agent[span as usize % AHEAD];
        if energy.span != span {
            *energy = Energy::of(span);
        }
        energy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The loudest code, a soft one, and silence.
    const LOUD: u8 = 0x80;
    const SOFT: u8 = 0xe0;
    const SILENT: u8 = 0xff;

    /// The levels of frames of 20 ms from `from` on.
    fn hear(meter: &mut Meter, from: u64, frames: u64, code: u8) -> Vec<Level> {
        let heard = |n| meter.hear(At::from_ms(from + n * 20), &[code; 160]);
        (0..frames).filter_map(heard).collect()
    }

    #[test]
    fn five_levels_come_in_a_second_and_each_is_of_the_time_before() {
        let mut meter = Meter::default();
        let mut levels = hear(&mut meter, 1000, 50, LOUD);
        levels.extend(hear(&mut meter, 2000, 50, SILENT));
        let callers: Vec<_> = levels.iter().map(|level| level.caller).collect();
        let [loud, silent] = [-0.2, FLOOR];
        assert_eq!(
            callers,
            [loud, loud, loud, loud, loud, silent, silent, silent, silent]
        );
        assert!(levels.iter().all(|level| level.agent == FLOOR));
    }

    #[test]
    fn the_agent_is_as_loud_as_what_the_caller_hears_by_then() {
        let mut meter = Meter::default();
        meter.speak(At::from_ms(1200), &[LOUD; 1600]);
        meter.speak(At::from_ms(1400), &[LOUD; 800]);
        let levels = hear(&mut meter, 1000, 50, SOFT);
        let agents: Vec<_> = levels.iter().map(|level| level.agent).collect();
        // Half of the third was silent: 3 dB less.
        assert_eq!(agents, [FLOOR, -0.2, -3.2, FLOOR]);
        assert_eq!(levels[0].caller, -38.9);
    }

    #[test]
    fn what_was_cut_is_not_heard() {
        let mut meter = Meter::default();
        meter.speak(At::from_ms(1000), &[LOUD; 6400]);
        meter.cut(At::from_ms(1300));
        let levels = hear(&mut meter, 1000, 50, SILENT);
        let agents: Vec<_> = levels.iter().map(|level| level.agent).collect();
        assert_eq!(agents, [-0.2, -0.2, FLOOR, FLOOR]);
    }

    #[test]
    fn a_pause_in_which_nobody_wanted_to_know_leaves_nothing_behind() {
        let mut meter = Meter::default();
        meter.speak(At::from_ms(1000), &[LOUD; 1600]);
        assert_eq!(hear(&mut meter, 1000, 5, LOUD), []);
        // Sixteen spans later their places are those of other times.
        let levels = hear(&mut meter, 4200, 20, SILENT);
        assert_eq!(
            levels,
            [Level {
                caller: FLOOR,
                agent: FLOOR
            }]
        );
    }

    #[test]
    fn any_time_and_any_sound_can_be_measured() {
        let mut meter = Meter::default();
        meter.speak(At(u64::MAX), &[LOUD; 7]);
        meter.cut(At(u64::MAX));
        meter.speak(At(0), &[]);
        assert_eq!(meter.hear(At(u64::MAX), &[]), None);
    }
}
