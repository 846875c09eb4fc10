//! Edges of speech: the energy gate and the detector together.
//!
//! Frames of 20 ms go in, edges come out. Two kinds of evidence are joined. The **energy** of each frame ([`Gate`]) is
//! cheap and quick; the **probability** of each window of 256 samples ([`VadModel`]) is dear and knows a voice from a
//! door. The gate decides which windows are computed at all: a silent frame costs no more than its energy.
//!
//! Frames and windows are judged strictly in the order in which they end, so it does not matter when a window is
//! computed: at once ([`Detector::run`]), or later with the windows of other calls ([`Detector::pending`],
//! [`VadModel::step`], [`Detector::advance`]). What is not yet computed only holds back what comes after it.
//!
//! **Which windows are computed.** A window starts at an ear sample divisible by 256. While the gate is shut none is
//! computed and the model's state is frozen; it is reset by nothing but a new [`Detector`]. The gate opens when 2 of 3
//! frames are 4 dB over the noise floor, and then the 4 windows before are computed too. It shuts after 7 windows in a
//! row that hold no such frames and have a probability below 0.35.
//!
//! **What the silence leaves in the model.** The model remembers for seconds. A state that is merely frozen still lives
//! in the last word when the next one comes, and a quarter of the starts then lie more than a window away from where the
//! model would find them had it heard the pause. So the state is told how many windows were left out
//! ([`VadState::skip`]), and its memory runs through them before it goes on.
//!
//! **What the silence hides from it.** A memory that has run through silence hears some voices late, and a short word that
//! begins with a breath ("hello") not at all. So for 0.5 s behind windows that were left out, each window in which it hears no speech
//! is heard by an empty memory too, and the higher probability counts.

mod fresh;
mod rule;
mod samples;
mod schedule;

use ringback_audio::FRAME_SAMPLES;
use ringback_audio::gate::Gate;

use crate::vad::{VadModel, VadState, WINDOW_SAMPLES};
use fresh::Fresh;
use rule::Rule;
use samples::Samples;
use schedule::Schedule;

const FRAME: u64 = FRAME_SAMPLES as u64;
const WINDOW: u64 = WINDOW_SAMPLES as u64;

/// Frames that may wait for windows to be computed: 0.96 s.
const MAX_WAITING: u64 = 48;

/// Of these, those that may wait before the ring grows.
const FEW_WAITING: u64 = 5;

/// What waits, and the pre-roll with its context, still lies in the ring; the flags of each waiting frame and of the two
/// before it still lie in 64 bits.
const _: () = {
    assert!((FEW_WAITING + 1) * FRAME + (schedule::PRE_ROLL + 2) * WINDOW <= Samples::FEW);
    assert!((MAX_WAITING + 1) * FRAME + (schedule::PRE_ROLL + 2) * WINDOW <= Samples::MANY);
    assert!(MAX_WAITING + 3 <= 64);
};

/// A probability above this speaks for speech.
pub const SPEECH_OVER: f32 = 0.5;
/// A probability below this speaks against it.
pub const QUIET_BELOW: f32 = 0.35;
/// Windows below [`QUIET_BELOW`] in a row that end speech, and that shut the gate: 224 ms.
pub const QUIET_WINDOWS: u32 = 7;

/// What changed in the caller's speech. Between an `Onset` and its `Offset` stand all the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Speech began: `onset_ms` worth of windows in a row, rounded up, are over 0.5. At the start of the first of them.
    Onset,
    /// Speech goes on: a run of energetic frames spans `sustain_ms` and 3 of the last 4 windows are over 0.5. Once a run. At
    /// the end of the frame with which both became true.
    ///
    /// A run begins with an energetic frame, at most one window before the `Onset`, and lasts over pauses of up to 200 ms; its span
    /// reaches to the end of its newest energetic frame.
    Sustained,
    /// As `Sustained`, with `yield_ms`.
    Prolonged,
    /// `lull_ms` have passed without an energetic frame. Once until `Resumed`. At the end of the last energetic frame, but
    /// not before the `Onset`.
    Lull,
    /// As `Lull`, with `pause_ms`.
    Pause,
    /// After a `Lull` or `Pause`, 2 of the last 3 frames are energetic and the newest window is over 0.5. At the start of the
    /// first energetic one of those three.
    Resumed,
    /// Speech ended: 7 windows in a row are below 0.35. At the start of the first of them.
    Offset,
}

/// An edge and where in the caller's audio it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarEdge {
    /// What changed.
    pub edge: Edge,
    /// Where, in ear samples (8000 a second since the stream began); before the moment of the decision, as each
    /// [`Edge`] says.
    pub sample: u64,
}

/// The settings of the edges, in ms of the caller's audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DetectorConfig {
    /// Speech before an [`Edge::Onset`]; counted in whole windows of 32 ms, at least one.
    pub onset_ms: u32,
    /// Span of a run before [`Edge::Sustained`].
    pub sustain_ms: u32,
    /// Span of a run before [`Edge::Prolonged`].
    pub yield_ms: u32,
    /// Time without an energetic frame before [`Edge::Lull`].
    pub lull_ms: u32,
    /// Time without an energetic frame before [`Edge::Pause`].
    pub pause_ms: u32,
}

impl Default for DetectorConfig {
    fn default() -> Self {
        Self {
            onset_ms: 64,
            sustain_ms: 200,
            yield_ms: 700,
            lull_ms: 120,
            pause_ms: 200,
        }
    }
}

/// Finds the edges of one caller's speech.
///
/// After [`Detector::new`] nothing here allocates, with one exception: the first time that more than 5 frames wait for windows, the
/// 5 KB of samples become 20 KB.
#[derive(Clone, Debug)]
pub struct Detector {
    gate: Gate,
    samples: Samples,
    /// Per frame, newest in the lowest bit: was it energetic, were 2 of 3.
    energetic: u64,
    open: u64,
    frames: u64,
    judged: u64,
    schedule: Schedule,
    state: VadState,
    fresh: Fresh,
    window: [f32; WINDOW_SAMPLES],
    rule: Rule,
}

impl Detector {
    /// A detector at ear sample 0 of a call.
    #[must_use]
    pub fn new(config: DetectorConfig) -> Self {
        Self {
            gate: Gate::new(),
            samples: Samples::new(),
            energetic: 0,
            open: 0,
            frames: 0,
            judged: 0,
            schedule: Schedule::new(),
            state: VadState::new(),
            fresh: Fresh::new(),
            window: [0.0; WINDOW_SAMPLES],
            rule: Rule::new(config),
        }
    }

    /// Takes the next 20 ms of the caller's audio.
    ///
    /// At most 48 frames (0.96 s) may wait for windows. A caller who lets more wait loses the oldest window: it is passed over as if
    /// the gate had been shut.
    pub fn push(&mut self, frame: &[i16; FRAME_SAMPLES]) {
        while self.frames - self.judged >= MAX_WAITING && self.schedule.due().is_some() {
            self.schedule.give_up();
            self.fresh.stop();
            self.proceed();
        }
        if self.frames - self.judged >= FEW_WAITING {
            self.samples.grow();
        }
        let level = self.gate.push(frame);
        self.samples.push(frame);
        self.energetic = self.energetic << 1 | u64::from(level.energetic);
        self.open = self.open << 1 | u64::from(level.open);
        self.frames += 1;
        self.proceed();
    }

    /// The window to be computed next, with the state it changes. To be followed by [`Detector::advance`].
    pub fn pending(&mut self) -> Option<(&mut VadState, &[f32; WINDOW_SAMPLES])> {
        let due = self.schedule.due()?;
        self.samples.window(due, &mut self.window);
        let context = self.samples.context(due);
        if self.fresh.due() {
            self.fresh.state.skip(0, &context);
            return Some((&mut self.fresh.state, &self.window));
        }
        let skipped = self.schedule.skipped();
        if skipped > 0 {
            self.fresh.begin();
        }
        self.state.skip(skipped, &context);
        Some((&mut self.state, &self.window))
    }

    /// Uses the result of the pending window, which is now in the state. Does nothing when none is pending.
    pub fn advance(&mut self) {
        let Some(window) = self.schedule.due() else {
            return;
        };
        let remembering = self.state.probability;
        let probability = match self.fresh.take() {
            Some(heard) => heard.max(remembering),
            None if self.fresh.ask(remembering) => return,
            None => remembering,
        };
        self.state.probability = probability;
        self.schedule.done();
        self.schedule.hear(probability);
        self.rule.window(window * WINDOW, probability);
        self.proceed();
    }

    /// Computes every pending window here and now.
    pub fn run(&mut self, model: &VadModel) {
        while let Some(window) = self.pending() {
            model.step(&mut [window]);
            self.advance();
        }
    }

    /// The next edge, in the order of decision. Up to 64 wait to be fetched; of more, the oldest are lost.
    pub fn poll(&mut self) -> Option<EarEdge> {
        self.rule.poll()
    }

    /// Ear samples pushed so far.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.frames * FRAME
    }

    /// Was the newest frame energetic, at least 6 dB over the noise floor?
    #[must_use]
    pub fn energetic(&self) -> bool {
        self.energetic & 1 == 1
    }

    /// Was there an [`Edge::Onset`] whose [`Edge::Offset`] has not come?
    #[must_use]
    pub fn speaking(&self) -> bool {
        self.rule.speaking()
    }

    /// Is the gate open, so that windows are computed?
    #[must_use]
    pub fn gate_open(&self) -> bool {
        self.schedule.open()
    }

    /// Probability of speech in the newest window computed, 0.0 to 1.0.
    #[must_use]
    pub fn probability(&self) -> f32 {
        self.state.probability
    }

    /// Judges frames and the windows that end within them, up to the first window that has to be computed.
    fn proceed(&mut self) {
        while self.judged < self.frames && self.schedule.due().is_none() {
            let age = self.frames - 1 - self.judged;
            let open = self.open >> age & 1 == 1;
            let end = (self.judged + 1) * FRAME;
            if self.schedule.reach(self.judged, end / WINDOW, open) {
                continue;
            }
            self.rule.frame(end, self.energetic >> age & 0b111);
            self.judged += 1;
        }
    }
}
