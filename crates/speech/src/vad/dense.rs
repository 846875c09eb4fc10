//! Matrix products over packed weights.
//!
//! Outputs stand in panels of eight; a panel holds, input by input, the eight weights that input has for its outputs.
//! The inner loop then multiplies one input by eight neighbouring weights, which any compiler turns into vector code, and keeps
//! its sums in registers. Tiles of 4 rows by 1 panel, 2 by 2 and 1 by 4 all have 32 sums: enough to hide the latency
//! of an addition, few enough for the 16 registers of the oldest x86-64.

const LANES: usize = 8;
type Lane = [f32; LANES];

/// A layer `y = W x + b`.
pub(super) struct Dense {
    inputs: usize,
    panels: Vec<Lane>,
    bias: Vec<Lane>,
}

/// Where a row of inputs begins in the input buffer, and where its outputs go in the output buffer.
pub(super) type Row = (usize, usize);

impl Dense {
    /// Packs the matrix whose weight from `input` to `output` is `weight(output, input)`. Missing outputs up to a
    /// multiple of eight are zero.
    pub(super) fn pack(
        outputs: usize,
        inputs: usize,
        bias: impl Fn(usize) -> f32,
        weight: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let count = outputs.div_ceil(LANES);
        let lane = |panel: usize, value: &dyn Fn(usize) -> f32| -> Lane {
            std::array::from_fn(|l| {
                if panel * LANES + l < outputs {
                    value(panel * LANES + l)
                } else {
                    0.0
                }
            })
        };
        let panels = (0..count)
            .flat_map(|panel| (0..inputs).map(move |input| (panel, input)))
            .map(|(panel, input)| lane(panel, &|output| weight(output, input)))
            .collect();
        Self {
            inputs,
            panels,
            bias: (0..count).map(|panel| lane(panel, &bias)).collect(),
        }
    }

    /// Computes every row. The results are those of each row alone, whatever rows are beside it.
    pub(super) fn apply(&self, input: &[f32], rows: &[Row], output: &mut [f32]) {
        let (fours, rest) = rows.as_chunks::<4>();
        for rows in fours {
            self.tiles::<4, 1>(input, rows, output);
        }
        let (twos, rest) = rest.as_chunks::<2>();
        for rows in twos {
            self.tiles::<2, 2>(input, rows, output);
        }
        for row in rest {
            self.tiles::<1, 4>(input, &[*row], output);
        }
    }

    fn tiles<const ROWS: usize, const PANELS: usize>(
        &self,
        input: &[f32],
        rows: &[Row; ROWS],
        output: &mut [f32],
    ) {
        debug_assert!(self.bias.len().is_multiple_of(PANELS));
        let inputs = rows.map(|(from, _)| &input[from..from + self.inputs]);
        for first in (0..self.bias.len()).step_by(PANELS) {
            let panels: [&[Lane]; PANELS] =
                std::array::from_fn(|p| &self.panels[(first + p) * self.inputs..][..self.inputs]);
            let bias: [Lane; PANELS] = std::array::from_fn(|p| self.bias[first + p]);
            let sums = tile(inputs, panels, bias);
            for (row, (_, to)) in sums.iter().zip(rows) {
                output[to + first * LANES..][..PANELS * LANES].copy_from_slice(row.as_flattened());
            }
        }
    }
}

#[inline(always)]
fn tile<const ROWS: usize, const PANELS: usize>(
    rows: [&[f32]; ROWS],
    panels: [&[Lane]; PANELS],
    bias: [Lane; PANELS],
) -> [[Lane; PANELS]; ROWS] {
    let length = panels[0].len();
    let rows = rows.map(|row| &row[..length]);
    let panels = panels.map(|panel| &panel[..length]);
    let mut sums = [bias; ROWS];
    for i in 0..length {
        for r in 0..ROWS {
            let x = rows[r][i];
            for p in 0..PANELS {
                for l in 0..LANES {
                    sums[r][p][l] += x * panels[p][i][l];
                }
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_gives_the_matrix_product_to_the_bit_whatever_rows_stand_beside_it() {
        let weight = |o: usize, i: usize| ((o * 31 + i * 17) % 23) as f32 / 7.0 - 1.0;
        let bias = |o: usize| o as f32 / 11.0;
        let dense = Dense::pack(32, 50, bias, weight);
        let input: Vec<f32> = (0..7 * 50)
            .map(|n| ((n * 13) % 29) as f32 / 5.0 - 2.0)
            .collect();
        for count in 1..=7 {
            let rows: Vec<Row> = (0..count).map(|r| (r * 50, r * 32)).collect();
            let mut output = vec![f32::NAN; count * 32];
            dense.apply(&input, &rows, &mut output);
            for r in 0..count {
                for o in 0..32 {
                    let expected =
                        (0..50).fold(bias(o), |sum, i| sum + input[r * 50 + i] * weight(o, i));
                    assert_eq!(
                        output[r * 32 + o],
                        expected,
                        "{count} rows, row {r}, output {o}"
                    );
                }
            }
        }
    }
}
