//! The layers and their order. See `models/silero/README.md` for the network this is.

use super::dense::{Dense, Row};
use super::weights::Weights;
use super::{CELLS, CONTEXT, REMEMBERED, VadState, WINDOW_SAMPLES};

/// Calls computed together.
pub(super) const CALLS: usize = 4;

const TRANSFORM: usize = 128;
const HOP: usize = 64;
const MIRRORED: usize = 32;
const SIGNAL: usize = CONTEXT + WINDOW_SAMPLES + MIRRORED;
/// Columns of the short-time Fourier transform.
const COLUMNS: usize = (SIGNAL - TRANSFORM) / HOP + 1;
const BINS: usize = TRANSFORM / 2 + 1;
/// Inputs of a half transform: see [`fold`].
const FOLDED: usize = TRANSFORM / 2;
const COSINES: usize = BINS.next_multiple_of(8);
const SINES: usize = TRANSFORM / 2;
/// The most windows left out that the memory runs through.
const CATCH_UP_WINDOWS: u64 = 48;
const MAX_ROWS: usize = CALLS * COLUMNS;

/// A column of zeros stands before and after the columns of a convolution's input, so that every output reads three
/// neighbouring columns as one row.
const PADDED: usize = COLUMNS + 2;

pub(super) struct Network {
    cosines: Dense,
    sines: Dense,
    convolutions: [Dense; 4],
    gates: Dense,
    output: Vec<f32>,
    output_bias: f32,
}

impl Network {
    pub(super) fn embedded() -> Self {
        let mut weights = Weights::embedded();
        let basis = weights.take(2 * BINS * TRANSFORM);
        let cosines = Dense::pack(
            BINS,
            FOLDED,
            |_| 0.0,
            |bin, n| basis[bin * TRANSFORM + n + 1],
        );
        let sines = Dense::pack(
            SINES,
            FOLDED,
            |_| 0.0,
            |bin, n| match (bin, n) {
                (0..63, 0..63) => basis[(BINS + bin + 1) * TRANSFORM + n + 1],
                _ => 0.0,
            },
        );
        // The second convolution has but two columns left and the third one: the taps that would only ever meet padding
        // are left out.
        let convolutions = [
            convolution(&mut weights, BINS, 128, 0..3),
            convolution(&mut weights, 128, 64, 0..3),
            convolution(&mut weights, 64, 64, 1..3),
            convolution(&mut weights, 64, 128, 1..2),
        ];
        let from_input = weights.take(4 * CELLS * CELLS);
        let from_hidden = weights.take(4 * CELLS * CELLS);
        let (bias_input, bias_hidden) = (weights.take(4 * CELLS), weights.take(4 * CELLS));
        let gates = Dense::pack(
            4 * CELLS,
            2 * CELLS,
            |gate| bias_input[gate] + bias_hidden[gate],
            |gate, n| {
                let tensor = if n < CELLS { &from_input } else { &from_hidden };
                tensor[gate * CELLS + n % CELLS]
            },
        );
        let output = weights.take(CELLS);
        let output_bias = weights.take(1)[0];
        Self {
            cosines,
            sines,
            convolutions,
            gates,
            output,
            output_bias,
        }
    }

    /// One window for each of at most [`CALLS`] calls.
    pub(super) fn run(&self, calls: &mut [(&mut VadState, &[f32; WINDOW_SAMPLES])]) {
        let count = calls.len();
        let mut spectrum = [0.0; CALLS * PADDED * BINS];
        for ((state, window), spectrum) in calls
            .iter_mut()
            .zip(spectrum.chunks_exact_mut(PADDED * BINS))
        {
            self.transform(&state.context, window, &mut spectrum[BINS..]);
            state
                .context
                .copy_from_slice(&window[WINDOW_SAMPLES - CONTEXT..]);
        }

        let mut first = [0.0; CALLS * PADDED * 128];
        let rows = Rows::new(
            count,
            COLUMNS,
            (PADDED * BINS, 0, BINS),
            (PADDED * 128, 128, 128),
        );
        self.convolve(0, &spectrum, &rows, &mut first);
        let mut second = [0.0; CALLS * 2 * 64];
        let rows = Rows::new(count, 2, (PADDED * 128, 0, 2 * 128), (2 * 64, 0, 64));
        self.convolve(1, &first, &rows, &mut second);
        let mut third = [0.0; CALLS * 64];
        self.convolve(
            2,
            &second,
            &Rows::new(count, 1, (2 * 64, 0, 0), (64, 0, 0)),
            &mut third,
        );
        let mut features = [0.0; CALLS * 2 * CELLS];
        self.convolve(
            3,
            &third,
            &Rows::new(count, 1, (64, 0, 0), (2 * CELLS, 0, 0)),
            &mut features,
        );

        for ((state, _), features) in calls.iter_mut().zip(features.chunks_exact_mut(2 * CELLS)) {
            self.catch_up(state, features);
            features[CELLS..].copy_from_slice(&state.hidden);
        }
        let mut gates = [0.0; CALLS * 4 * CELLS];
        let rows = Rows::new(count, 1, (2 * CELLS, 0, 0), (4 * CELLS, 0, 0));
        self.gates.apply(&features, rows.as_slice(), &mut gates);
        for ((state, _), gates) in calls.iter_mut().zip(gates.chunks_exact_mut(4 * CELLS)) {
            advance_cells(state, gates, 1);
            state.probability = self.probability(&state.hidden);
        }
    }

    /// Lets the memory run through windows that were left out: the LSTM alone, two windows at a time, with the features
    /// of the next window and of the last ones by turns. In noise they differ, and one alone would lead the memory astray.
    fn catch_up(&self, state: &mut VadState, features: &mut [f32]) {
        let mut next = [0.0; CELLS];
        next.copy_from_slice(&features[..CELLS]);
        let mut left = std::mem::take(&mut state.skipped).min(CATCH_UP_WINDOWS) as i32;
        let mut turn = 0;
        while left > 0 {
            let windows = left.min(2);
            left -= windows;
            features[..CELLS].copy_from_slice(if turn == 0 {
                &next
            } else {
                &state.remembered[turn - 1]
            });
            features[CELLS..].copy_from_slice(&state.hidden);
            turn = (turn + 1) % (state.known + 1);
            let mut gates = [0.0; 4 * CELLS];
            self.gates.apply(features, &[(0, 0)], &mut gates);
            advance_cells(state, &mut gates, windows);
        }
        features[..CELLS].copy_from_slice(&next);
        state.remembered.rotate_right(1);
        state.remembered[0] = next;
        state.known = (state.known + 1).min(REMEMBERED);
    }

    /// Magnitudes, one column of [`BINS`] after another.
    fn transform(
        &self,
        context: &[f32; CONTEXT],
        window: &[f32; WINDOW_SAMPLES],
        spectrum: &mut [f32],
    ) {
        let mut signal = [0.0; SIGNAL];
        signal[..CONTEXT].copy_from_slice(context);
        signal[CONTEXT..CONTEXT + WINDOW_SAMPLES].copy_from_slice(window);
        let (known, mirrored) = signal.split_at_mut(CONTEXT + WINDOW_SAMPLES);
        for (slot, &sample) in mirrored.iter_mut().zip(known.iter().rev().skip(1)) {
            *slot = sample;
        }
        let mut even = [0.0; COLUMNS * FOLDED];
        let mut odd = [0.0; COLUMNS * FOLDED];
        for column in 0..COLUMNS {
            let at = column * FOLDED;
            fold(
                &signal[column * HOP..][..TRANSFORM],
                &mut even[at..at + FOLDED],
                &mut odd[at..at + FOLDED],
            );
        }
        let mut real = [0.0; COLUMNS * COSINES];
        let mut imaginary = [0.0; COLUMNS * SINES];
        let rows =
            |width: usize| -> [Row; COLUMNS] { std::array::from_fn(|c| (c * FOLDED, c * width)) };
        self.cosines.apply(&even, &rows(COSINES), &mut real);
        self.sines.apply(&odd, &rows(SINES), &mut imaginary);
        for column in 0..COLUMNS {
            let real = &real[column * COSINES..][..BINS];
            let imaginary = &imaginary[column * SINES..][..BINS - 2];
            let magnitudes = &mut spectrum[column * BINS..][..BINS];
            magnitudes[0] = real[0].abs();
            for ((magnitude, re), im) in magnitudes[1..BINS - 1]
                .iter_mut()
                .zip(&real[1..BINS - 1])
                .zip(imaginary)
            {
                *magnitude = (re * re + im * im).sqrt();
            }
            magnitudes[BINS - 1] = real[BINS - 1].abs();
        }
    }

    fn convolve(&self, layer: usize, input: &[f32], rows: &Rows, output: &mut [f32]) {
        self.convolutions[layer].apply(input, rows.as_slice(), output);
        for value in output {
            *value = value.max(0.0);
        }
    }

    fn probability(&self, hidden: &[f32; CELLS]) -> f32 {
        let sum: f32 = hidden
            .iter()
            .zip(&self.output)
            .map(|(h, w)| h.max(0.0) * w)
            .sum();
        sigmoid(sum + self.output_bias)
    }
}

/// A convolution of width 3 as a matrix over the `taps` kept, column after column.
fn convolution(
    weights: &mut Weights,
    inputs: usize,
    outputs: usize,
    taps: std::ops::Range<usize>,
) -> Dense {
    let tensor = weights.take(outputs * inputs * 3);
    let bias = weights.take(outputs);
    Dense::pack(
        outputs,
        inputs * taps.len(),
        |output| bias[output],
        |output, n| tensor[(output * inputs + n % inputs) * 3 + taps.start + n / inputs],
    )
}

/// Folds 128 samples about their middle. The window of the transform is symmetric and zero at its first sample, so a
/// cosine needs only the sums of mirrored samples and a sine only their differences: half the products.
fn fold(samples: &[f32], even: &mut [f32], odd: &mut [f32]) {
    for n in 1..FOLDED {
        even[n - 1] = samples[n] + samples[TRANSFORM - n];
        odd[n - 1] = samples[n] - samples[TRANSFORM - n];
    }
    even[FOLDED - 1] = samples[FOLDED];
    odd[FOLDED - 1] = 0.0;
}

/// Moves the memory on by one window, or by two through which the gates are taken to stay as they are.
fn advance_cells(state: &mut VadState, gates: &mut [f32], windows: i32) {
    let (input_forget, cell_output) = gates.split_at_mut(2 * CELLS);
    let (candidate, output) = cell_output.split_at_mut(CELLS);
    for gate in input_forget.iter_mut().chain(output.iter_mut()) {
        *gate = sigmoid(*gate);
    }
    let (input, forget) = input_forget.split_at(CELLS);
    for n in 0..CELLS {
        let added = input[n] * candidate[n].tanh();
        for _ in 0..windows {
            state.cell[n] = forget[n] * state.cell[n] + added;
        }
        state.hidden[n] = output[n] * state.cell[n].tanh();
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// The rows of a layer for a batch: `per_call` of them in each call's part of the buffers.
struct Rows {
    rows: [Row; MAX_ROWS],
    count: usize,
}

impl Rows {
    /// `input` and `output` are: numbers of a call's part, first row, distance from row to row.
    fn new(
        calls: usize,
        per_call: usize,
        input: (usize, usize, usize),
        output: (usize, usize, usize),
    ) -> Self {
        let place = |(part, first, step): (usize, usize, usize), n: usize| {
            n / per_call * part + first + n % per_call * step
        };
        let rows = std::array::from_fn(|n| (place(input, n), place(output, n)));
        Self {
            rows,
            count: calls * per_call,
        }
    }

    fn as_slice(&self) -> &[Row] {
        &self.rows[..self.count]
    }
}
