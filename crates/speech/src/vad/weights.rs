//! The embedded weights, cut into tensors in the order of `models/silero/extract.py`.

static BYTES: &[u8] = include_bytes!("../../../../models/silero/silero_v6_8k.f32");

/// The tensors one after another.
pub(super) struct Weights(&'static [u8]);

impl Weights {
    pub(super) fn embedded() -> Self {
        Self(BYTES)
    }

    /// The next `count` numbers.
    ///
    /// # Panics
    /// When the file holds fewer, which no build that passed its tests does.
    pub(super) fn take(&mut self, count: usize) -> Vec<f32> {
        let (now, rest) = self.0.split_at(count * 4);
        self.0 = rest;
        now.chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_file_holds_the_numbers_its_readme_promises() {
        assert_eq!(BYTES.len(), 942_596);
        let sum = BYTES.iter().fold(0xCBF2_9CE4_8422_2325u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        });
        assert_eq!(
            sum, 0x6C1E_80D2_92E1_65BE,
            "FNV-1a of the file: take the file from its source again, see models/silero/README.md"
        );
    }
}
