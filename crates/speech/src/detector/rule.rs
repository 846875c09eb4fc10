//! The edges: from probabilities and energetic frames to [`EarEdge`]s.

use ringback_audio::RATE_HZ;
use ringback_audio::frame::samples_of_ms;

use super::{
    DetectorConfig, EarEdge, Edge, FRAME, QUIET_BELOW, QUIET_WINDOWS, SPEECH_OVER, WINDOW,
};

/// A run of energetic frames lasts over pauses of up to 200 ms.
const RUN_PAUSE: u64 = RATE_HZ as u64 / 5;
/// Runs up to 400 ms apart are one voice if the model hears it in every window between: noise hides the soft parts of speech
/// from the gate.
const VOICED_PAUSE: u64 = RATE_HZ as u64 * 2 / 5;
/// How far before the `Onset` a run may begin. The model is over 0.5 a little after the first sound; noise from long before it is no
/// part of the speech.
const RUN_LEAD: u64 = WINDOW;
const EDGES: usize = 64;

/// Energetic frames with no pause of over 200 ms.
#[derive(Clone, Copy, Debug)]
struct Run {
    start: u64,
    /// From where it counts as sustained: the start, or that of the runs before it with which it is one voice.
    voice_start: u64,
    end: u64,
    sustained: bool,
    prolonged: bool,
}

/// The rule of one call.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    limits: Limits,
    speaking: bool,
    /// Windows over 0.5 in a row, and where the first of them starts.
    over: Stretch,
    /// Windows below 0.35 in a row.
    below: Stretch,
    /// The last windows, newest in the lowest bit: over 0.5?
    over_history: u8,
    run: Option<Run>,
    energetic_end: u64,
    lulled: bool,
    paused: bool,
    edges: Queue,
}

/// The configuration in windows and samples.
#[derive(Clone, Copy, Debug)]
struct Limits {
    onset_windows: u32,
    sustain: u64,
    prolong: u64,
    lull: u64,
    pause: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Stretch {
    windows: u32,
    start: u64,
}

impl Stretch {
    fn take(&mut self, start: u64, belongs: bool) {
        if !belongs {
            self.windows = 0;
        } else {
            if self.windows == 0 {
                self.start = start;
            }
            self.windows = self.windows.saturating_add(1);
        }
    }
}

impl Rule {
    pub(super) fn new(config: DetectorConfig) -> Self {
        let samples = |ms: u32| samples_of_ms(u64::from(ms), RATE_HZ);
        Self {
            limits: Limits {
                onset_windows: samples(config.onset_ms).div_ceil(WINDOW).max(1) as u32,
                sustain: samples(config.sustain_ms),
                prolong: samples(config.yield_ms),
                lull: samples(config.lull_ms),
                pause: samples(config.pause_ms),
            },
            speaking: false,
            over: Stretch::default(),
            below: Stretch::default(),
            over_history: 0,
            run: None,
            energetic_end: 0,
            lulled: false,
            paused: false,
            edges: Queue::new(),
        }
    }

    pub(super) fn speaking(&self) -> bool {
        self.speaking
    }

    pub(super) fn poll(&mut self) -> Option<EarEdge> {
        self.edges.pop()
    }

    /// Takes the probability of the window that starts at `start`.
    pub(super) fn window(&mut self, start: u64, probability: f32) {
        self.over.take(start, probability > SPEECH_OVER);
        self.below.take(start, probability < QUIET_BELOW);
        self.over_history = (self.over_history << 1 | u8::from(probability > SPEECH_OVER)) & 0b1111;
        if !self.speaking && self.over.windows >= self.limits.onset_windows {
            self.begin();
        } else if self.speaking && self.below.windows >= QUIET_WINDOWS {
            self.speaking = false;
            self.edges.push(Edge::Offset, self.below.start);
        }
    }

    /// Takes the frame that ends at `end`. `energetic` holds its energy and that of the two before, newest in the lowest
    /// bit.
    pub(super) fn frame(&mut self, end: u64, energetic: u64) {
        if energetic & 1 == 1 {
            self.extend_run(end);
        }
        if !self.speaking {
            return;
        }
        let two_of_three = energetic.count_ones() >= 2;
        if two_of_three && (self.lulled || self.paused) && self.over_history & 1 == 1 {
            self.lulled = false;
            self.paused = false;
            let oldest = u64::from(energetic.ilog2());
            self.edges
                .push(Edge::Resumed, end.saturating_sub((oldest + 1) * FRAME));
        }
        self.judge_run(end);
        self.judge_silence(end);
    }

    fn begin(&mut self) {
        let onset = self.over.start;
        self.speaking = true;
        self.lulled = false;
        self.paused = false;
        self.energetic_end = self.energetic_end.max(onset);
        if let Some(run) = &mut self.run {
            run.start = run.start.max(onset.saturating_sub(RUN_LEAD));
            run.voice_start = run.voice_start.max(run.start);
            run.sustained = false;
            run.prolonged = false;
        }
        self.edges.push(Edge::Onset, onset);
    }

    fn extend_run(&mut self, end: u64) {
        let start = end - FRAME;
        self.energetic_end = end;
        let over = self.over;
        match &mut self.run {
            Some(run) if start - run.end <= RUN_PAUSE => run.end = end,
            before => {
                let voice = before.filter(|run| {
                    let voiced = over.windows > 0 && over.start <= run.end;
                    voiced && start - run.end <= VOICED_PAUSE
                });
                *before = Some(Run {
                    start,
                    voice_start: voice.map_or(start, |run| run.voice_start),
                    end,
                    sustained: false,
                    prolonged: false,
                });
            }
        }
    }

    fn judge_run(&mut self, now: u64) {
        let Some(run) = &mut self.run else { return };
        // In a pause one loud frame is not yet the voice that goes on: `Resumed` says so first.
        if self.over_history.count_ones() < 3 || self.lulled || self.paused {
            return;
        }
        if !run.sustained && run.end.saturating_sub(run.voice_start) >= self.limits.sustain {
            run.sustained = true;
            self.edges.push(Edge::Sustained, now);
        }
        if !run.prolonged && run.end.saturating_sub(run.start) >= self.limits.prolong {
            run.prolonged = true;
            self.edges.push(Edge::Prolonged, now);
        }
    }

    fn judge_silence(&mut self, now: u64) {
        let silence = now.saturating_sub(self.energetic_end);
        if !self.lulled && silence >= self.limits.lull {
            self.lulled = true;
            self.edges.push(Edge::Lull, self.energetic_end);
        }
        if !self.paused && silence >= self.limits.pause {
            self.paused = true;
            self.edges.push(Edge::Pause, self.energetic_end);
        }
    }
}

/// Edges that wait to be fetched, in a fixed ring.
#[derive(Clone, Debug)]
struct Queue {
    ring: [EarEdge; EDGES],
    first: usize,
    count: usize,
}

impl Queue {
    fn new() -> Self {
        Self {
            ring: [EarEdge {
                edge: Edge::Onset,
                sample: 0,
            }; EDGES],
            first: 0,
            count: 0,
        }
    }

    fn push(&mut self, edge: Edge, sample: u64) {
        if self.count == EDGES {
            self.pop();
        }
        self.ring[(self.first + self.count) % EDGES] = EarEdge { edge, sample };
        self.count += 1;
    }

    fn pop(&mut self) -> Option<EarEdge> {
        if self.count == 0 {
            return None;
        }
        let edge = self.ring[self.first];
        self.first = (self.first + 1) % EDGES;
        self.count -= 1;
        Some(edge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the rule over frames (`#` energetic) and windows (`#` over 0.5, `-` between, anything else below 0.35) in the
    /// order of their ends, and returns edges with their place in ms.
    fn check(frames: &str, windows: &str, expected: &str) {
        let mut rule = Rule::new(DetectorConfig::default());
        let mut windows = windows.bytes().zip(0u64..).peekable();
        let mut energetic = 0;
        let mut found = Vec::new();
        for (frame, end) in frames
            .bytes()
            .zip(1u64..)
            .map(|(frame, n)| (frame, n * FRAME))
        {
            while let Some((window, n)) = windows.next_if(|(_, n)| (n + 1) * WINDOW <= end) {
                rule.window(
                    n * WINDOW,
                    match window {
                        b'#' => 0.9,
                        b'-' => 0.4,
                        _ => 0.1,
                    },
                );
            }
            energetic = (energetic << 1 | u64::from(frame == b'#')) & 0b111;
            rule.frame(end, energetic);
            found.extend(std::iter::from_fn(|| rule.poll()));
        }
        let found: Vec<String> = found
            .iter()
            .map(|edge| format!("{:?} {}", edge.edge, edge.sample / 8))
            .collect();
        assert_eq!(found.join(", "), expected);
    }

    #[test]
    fn one_window_is_no_onset_and_two_are() {
        check("##########", " # # -#", "");
        check("##########", " ##   ", "Onset 32");
    }

    #[test]
    fn a_burst_of_150_ms_lulls_and_ends_without_being_sustained() {
        check(
            "  #######                                     ",
            "  ########                   ",
            "Onset 64, Lull 180, Pause 180, Offset 320",
        );
    }

    #[test]
    fn speech_is_sustained_at_200_ms_and_prolonged_at_700() {
        check(
            "##############################################",
            "############################",
            "Onset 0, Sustained 200, Prolonged 700",
        );
        check(
            "#####    #####    #####    #####    #####    ##",
            "############################",
            "Onset 0, Sustained 200, Prolonged 740",
        );
    }

    #[test]
    fn without_three_windows_of_four_nothing_is_sustained() {
        check(
            "####################",
            "##-##-##-##-##-",
            "Onset 0, Sustained 240",
        );
        check("####################", "##--##--##--##-", "Onset 0");
    }

    #[test]
    fn a_pause_of_over_200_ms_begins_a_new_run_of_the_same_voice_or_of_another() {
        check(
            "############           ############           ",
            "############################",
            "Onset 0, Sustained 200, Lull 240, Pause 240, Resumed 460, Sustained 500, Lull 700, Pause 700",
        );
        check(
            "############           ############           ",
            "############---#############",
            "Onset 0, Sustained 200, Lull 240, Pause 240, Resumed 460, Sustained 660, Lull 700, Pause 700",
        );
        check(
            "############                     #############",
            "################################",
            "Onset 0, Sustained 200, Lull 240, Pause 240, Resumed 660, Sustained 860",
        );
    }

    #[test]
    fn speech_resumed_after_a_lull_may_lull_again() {
        check(
            "############       #####       ##",
            "####################",
            "Onset 0, Sustained 200, Lull 240, Resumed 380, Lull 480, Resumed 620",
        );
    }

    #[test]
    fn energy_without_a_voice_does_not_resume() {
        check(
            "############       #####       ",
            "##########---------",
            "Onset 0, Sustained 200, Lull 240",
        );
    }

    #[test]
    fn noise_long_before_the_onset_is_no_part_of_the_run() {
        check("########################", "          #### ", "Onset 320");
        check(
            "#############################",
            "          ########",
            "Onset 320, Sustained 500",
        );
    }

    #[test]
    fn offset_lies_at_the_first_of_seven_quiet_windows() {
        check(
            "#####                                        ",
            "###-   -      -       -                         ",
            "Onset 0, Lull 100, Pause 100, Offset 480",
        );
    }

    #[test]
    fn edges_nobody_fetches_drop_the_oldest() {
        let mut queue = Queue::new();
        for sample in 0..EDGES as u64 + 3 {
            queue.push(Edge::Lull, sample);
        }
        let kept: Vec<u64> = std::iter::from_fn(|| queue.pop())
            .map(|edge| edge.sample)
            .collect();
        assert_eq!(kept, (3..EDGES as u64 + 3).collect::<Vec<u64>>());
    }
}
