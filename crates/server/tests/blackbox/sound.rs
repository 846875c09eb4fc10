//! What was heard, compared sample by sample: both sides decode the same mu-law, so equal audio is equal.

use std::path::Path;

/// Samples in a millisecond.
pub const MS: usize = 8;
/// What must be equal to be taken for the same audio: 50 ms that are not silent.
const WINDOW: usize = 50 * MS;

/// A recording of two channels.
#[derive(Debug)]
pub struct Stereo {
    /// The caller.
    pub left: Vec<i16>,
    /// The agent.
    pub right: Vec<i16>,
}

/// Reads a WAV file by its header.
pub fn read(path: &Path) -> anyhow::Result<Stereo> {
    let reader = hound::WavReader::open(path)?;
    let spec = reader.spec();
    anyhow::ensure!(
        (spec.sample_rate, spec.channels, spec.bits_per_sample) == (8000, 2, 16),
        "{}: {spec:?}",
        path.display()
    );
    let samples = reader
        .into_samples::<i16>()
        .collect::<Result<Vec<_>, _>>()?;
    let (left, right) = samples
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .unzip();
    Ok(Stereo { left, right })
}

/// Whether there is sound in it: over -50 dB.
pub fn audible(samples: &[i16]) -> bool {
    let energy: f64 = samples
        .iter()
        .map(|&sample| f64::from(sample).powi(2))
        .sum();
    energy > 1e4 * samples.len() as f64
}

/// How much of it is audible, ms, in steps of 20.
pub fn audible_ms(samples: &[i16]) -> usize {
    samples
        .chunks(20 * MS)
        .filter(|window| audible(window))
        .count()
        * 20
}

/// A place where something heard departs from the line that was spoken. Positions are samples of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// Where the line was left.
    pub cut: usize,
    /// Where it goes on; `None` if nothing of the line comes after.
    pub resumed: Option<usize>,
    /// The silence between, in samples.
    pub quiet: usize,
    /// Where in what was heard the silence begins.
    pub at: usize,
}

/// Finds a line in what was heard and follows it: the breaks, or why it cannot be found.
pub fn follow(line: &[i16], heard: &[i16]) -> anyhow::Result<Vec<Break>> {
    let begin = onset(line, 0).ok_or_else(|| anyhow::anyhow!("the line is silent"))?;
    let line = &line[begin..];
    let first = line.get(..WINDOW).unwrap_or(line);
    let Some(start) = heard
        .windows(first.len())
        .position(|window| window == first)
    else {
        anyhow::bail!("the line is not in the {} ms heard", heard.len() / MS);
    };
    let (mut l, mut h) = (0, start);
    let mut breaks = Vec::new();
    loop {
        let same = line[l..]
            .iter()
            .zip(&heard[h..])
            .take_while(|(a, b)| a == b)
            .count();
        (l, h) = (l + same, h + same);
        if l == line.len() || h == heard.len() {
            return Ok(breaks);
        }
        let Some(next) = onset(heard, h) else {
            let rest = onset(line, l).is_some();
            let last = Break {
                cut: l + begin,
                resumed: None,
                quiet: heard.len() - h,
                at: h,
            };
            breaks.extend(rest.then_some(last));
            return Ok(breaks);
        };
        let resumed = find_near(
            line,
            l,
            heard.get(next..next + WINDOW).unwrap_or(&heard[next..]),
        );
        breaks.push(Break {
            cut: l + begin,
            resumed: resumed.map(|at| at + begin),
            quiet: next - h,
            at: h,
        });
        let Some(at) = resumed else { return Ok(breaks) };
        (l, h) = (at, next);
    }
}

/// The first sample from `from` on that is not silent.
fn onset(samples: &[i16], from: usize) -> Option<usize> {
    samples[from..]
        .iter()
        .position(|&sample| sample != 0)
        .map(|at| from + at)
}

/// Where `wanted` stands in the line: at `near` or before, as near as can be, else behind it.
fn find_near(line: &[i16], near: usize, wanted: &[i16]) -> Option<usize> {
    let is_there = |&at: &usize| line.get(at..at + wanted.len()) == Some(wanted);
    let behind = near + 1..line.len().max(near + 1);
    (0..=near)
        .rev()
        .find(is_there)
        .or_else(|| behind.clone().find(is_there))
}

/// How two recordings of the same audio agree.
#[derive(Debug, Default)]
pub struct Agreement {
    /// Pieces of 250 ms of the one that stand in the other, by how much later, in samples.
    pub lags: Vec<isize>,
    /// Where pieces that do not begin, in samples.
    pub missing: Vec<usize>,
}

impl Agreement {
    /// Looks for every audible piece of `one` in `other`, up to a second off. Pieces for which `hurt` is true of their
    /// first sample are passed over.
    pub fn of(one: &[i16], other: &[i16], hurt: impl Fn(usize) -> bool) -> Self {
        const PIECE: usize = 250 * MS;
        let mut agreement = Self::default();
        for begin in (0..one.len().saturating_sub(PIECE)).step_by(PIECE) {
            let piece = &one[begin..begin + PIECE];
            // At both ends, so that the piece is sound and not a sound's beginning or end.
            if hurt(begin) || !audible(&piece[..PIECE / 4]) || !audible(&piece[PIECE * 3 / 4..]) {
                continue;
            }
            let reach = begin.saturating_sub(1000 * MS)..=begin + 1000 * MS;
            let found = reach
                .into_iter()
                .find(|&at| other.get(at..at + PIECE) == Some(piece));
            match found {
                Some(at) => agreement.lags.push(at as isize - begin as isize),
                None => agreement.missing.push(begin),
            }
        }
        agreement
    }

    /// From the smallest to the largest lag, in ms.
    pub fn spread_ms(&self) -> usize {
        let (least, most) = (self.lags.iter().min(), self.lags.iter().max());
        (most.unwrap_or(&0) - least.unwrap_or(&0)) as usize / MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Audio that nowhere repeats.
    fn line(samples: usize) -> Vec<i16> {
        (0..samples as i64)
            .map(|n| ((n * n * 31 + n * 17 + 5) % 20_011 - 10_000) as i16)
            .collect()
    }

    fn heard(pieces: &[(std::ops::Range<usize>, usize)]) -> Vec<i16> {
        let line = line(16_000);
        pieces
            .iter()
            .flat_map(|(piece, quiet)| [&line[piece.clone()], &vec![0; *quiet]].concat())
            .collect()
    }

    #[test]
    fn what_is_heard_whole_has_no_break() {
        let heard = heard(&[(0..0, 333), (0..16_000, 500)]);
        assert_eq!(follow(&line(16_000), &heard).unwrap(), []);
    }

    #[test]
    fn a_pause_a_repetition_and_a_skip_are_found() {
        let heard = heard(&[
            (0..4000, 160),
            (4000..8000, 800),
            (7000..9000, 80),
            (9500..16_000, 9),
        ]);
        let breaks = follow(&line(16_000), &heard).unwrap();
        let told: Vec<_> = breaks.iter().map(|b| (b.cut, b.resumed, b.quiet)).collect();
        assert_eq!(
            told,
            [
                (4000, Some(4000), 160),
                (8000, Some(7000), 800),
                (9000, Some(9500), 80)
            ]
        );
    }

    #[test]
    fn what_ends_early_is_found() {
        let breaks = follow(&line(16_000), &heard(&[(0..5000, 900)])).unwrap();
        assert_eq!((breaks[0].cut, breaks[0].resumed), (5000, None));
        assert!(follow(&line(16_000), &[0; 5000]).is_err());
    }

    #[test]
    fn recordings_agree_but_for_their_offset_and_what_is_missing() {
        let one = line(16_000);
        let mut other = [vec![0; 320], one.clone()].concat();
        let agreement = Agreement::of(&one, &other, |_| false);
        assert_eq!((agreement.lags.len(), agreement.spread_ms()), (7, 0));
        assert_eq!(agreement.lags[0], 320);
        other[320 + 5000] ^= 1;
        assert_eq!(Agreement::of(&one, &other, |_| false).missing, [4000]);
        assert_eq!(
            Agreement::of(&one, &other, |at| at == 4000).missing,
            [0_usize; 0]
        );
    }
}
