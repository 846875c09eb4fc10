//! G.711: mu-law both ways, A-law for reading files.
//!
//! ITU-T G.711 with bias 132 and clip 32635, the form every telephone gateway uses.

/// The mu-law byte of digital silence (linear 0).
pub const SILENCE: u8 = 0xFF;

const BIAS: i32 = 132;
const CLIP: i32 = 32635;

static MULAW: [i16; 256] = mulaw_table();
static ALAW: [i16; 256] = alaw_table();

/// The linear sample of a mu-law byte, in -32124..=32124. Both zeros (`0xFF`, `0x7F`) give 0.
#[inline]
#[must_use]
pub fn decode(byte: u8) -> i16 {
    MULAW[usize::from(byte)]
}

/// The mu-law byte of a linear sample. Zero gives [`SILENCE`], never the negative zero.
///
/// Segment and mantissa are read from the exponent and mantissa of an `f32`, which holds the biased magnitude
/// exactly: a slice of samples becomes vector code, and no 64 KiB table drives other data out of the cache.
#[inline]
#[must_use]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the value is masked to 7 bits"
)]
pub fn encode(sample: i16) -> u8 {
    let linear = i32::from(sample);
    let biased = linear.abs().min(CLIP) + BIAS;
    let bits = (biased as f32).to_bits();
    let segment_and_mantissa = ((bits >> 19) - ((127 + 7) << 4)) as u8;
    let sign = ((linear >> 31) as u8) & 0x80;
    !(sign | segment_and_mantissa)
}

/// Appends the linear samples of `mulaw` to `linear`. Does not allocate while the capacity suffices.
pub fn decode_into(mulaw: &[u8], linear: &mut Vec<i16>) {
    linear.extend(mulaw.iter().map(|&byte| decode(byte)));
}

/// Appends the mu-law bytes of `linear` to `mulaw`. Does not allocate while the capacity suffices.
pub fn encode_into(linear: &[i16], mulaw: &mut Vec<u8>) {
    mulaw.extend(linear.iter().map(|&sample| encode(sample)));
}

/// The linear sample of an A-law byte, in -32256..=32256. A-law has no zero: its quietest codes are 8 and -8.
#[inline]
#[must_use]
pub fn decode_alaw(byte: u8) -> i16 {
    ALAW[usize::from(byte)]
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "indices below 256, values below 32768"
)]
const fn mulaw_table() -> [i16; 256] {
    let mut table = [0i16; 256];
    let mut index = 0usize;
    while index < 256 {
        let code = !(index as u8);
        let mantissa = (code & 0x0F) as i32;
        let segment = (code >> 4) & 0x07;
        let magnitude = (((mantissa << 3) + BIAS) << segment) - BIAS;
        table[index] = if code & 0x80 == 0 {
            magnitude as i16
        } else {
            -magnitude as i16
        };
        index += 1;
    }
    table
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "indices below 256, values below 32768"
)]
const fn alaw_table() -> [i16; 256] {
    let mut table = [0i16; 256];
    let mut index = 0usize;
    while index < 256 {
        let code = (index as u8) ^ 0x55;
        let mantissa = (code & 0x0F) as i32;
        let segment = (code >> 4) & 0x07;
        let magnitude = if segment == 0 {
            (mantissa << 4) + 8
        } else {
            ((mantissa << 4) + 0x108) << (segment - 1)
        };
        table[index] = if code & 0x80 == 0 {
            -magnitude as i16
        } else {
            magnitude as i16
        };
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_known_codes_are_exact() {
        // (linear in, mu-law, linear out)
        let known = [
            (0, 0xFF, 0),
            (100, 0xF2, 104),
            (-100, 0x72, -104),
            (1000, 0xCE, 988),
            (-1000, 0x4E, -988),
            (8000, 0xA0, 7932),
            (-8000, 0x20, -7932),
            (20000, 0x8C, 19836),
            (32767, 0x80, 32124),
            (-32768, 0x00, -32124),
        ];
        for (linear, mulaw, back) in known {
            assert_eq!(encode(linear), mulaw, "encode {linear}");
            assert_eq!(decode(mulaw), back, "decode {mulaw:#04x}");
        }
        assert_eq!(decode(0x7F), 0, "negative zero");
        assert_eq!(encode(0), SILENCE);
    }

    #[test]
    fn every_code_but_the_negative_zero_encodes_to_itself() {
        for code in 0..=255u8 {
            let expected = if code == 0x7F { SILENCE } else { code };
            assert_eq!(encode(decode(code)), expected, "code {code:#04x}");
        }
    }

    #[test]
    fn every_sample_meets_a_code_whose_step_contains_it() {
        for sample in i16::MIN..=i16::MAX {
            let clipped = i32::from(sample).clamp(-CLIP, CLIP);
            let error = (clipped - i32::from(decode(encode(sample)))).abs();
            let step = (clipped.abs() + BIAS) / 16;
            assert!(error <= step / 2 + 1, "sample {sample}: error {error}");
        }
    }

    #[test]
    fn alaw_has_its_published_extremes() {
        assert_eq!(decode_alaw(0xD5), 8);
        assert_eq!(decode_alaw(0x55), -8);
        assert_eq!(decode_alaw(0xAA), 32256);
        assert_eq!(decode_alaw(0x2A), -32256);
        assert_eq!(decode_alaw(0x80), 5504);
        assert_eq!(decode_alaw(0x00), -5504);
    }

    proptest! {
        #[test]
        fn slices_agree_with_single_samples_and_append(linear in proptest::collection::vec(any::<i16>(), 0..400)) {
            let mut mulaw = vec![7u8];
            encode_into(&linear, &mut mulaw);
            prop_assert_eq!(mulaw[0], 7);
            prop_assert_eq!(mulaw.len(), linear.len() + 1);
            for (&sample, &byte) in linear.iter().zip(&mulaw[1..]) {
                prop_assert_eq!(encode(sample), byte);
            }
            let mut back = vec![1i16];
            decode_into(&mulaw[1..], &mut back);
            for (&byte, &sample) in mulaw[1..].iter().zip(&back[1..]) {
                prop_assert_eq!(decode(byte), sample);
            }
        }
    }
}
