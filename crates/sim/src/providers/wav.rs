//! Speech as a WAV file.

use std::io::Cursor;

use ringback_audio::wav::{Coding as WavCoding, WavFormat, WavWriter};

use super::sound::{Coding, Format};

/// The samples as a WAV file.
pub(super) fn file(format: Format, samples: &[i16]) -> anyhow::Result<Vec<u8>> {
    let coding = match format.coding {
        Coding::Mulaw => WavCoding::Mulaw,
        Coding::Pcm16 => WavCoding::Pcm16,
        Coding::Alaw | Coding::Pcm32 | Coding::Float32 => {
            anyhow::bail!("the simulator writes WAV of 16 bits and of mu-law only")
        }
    };
    let pcm = Format {
        coding: Coding::Pcm16,
        rate: format.rate,
    }
    .encode(samples)?;
    let samples: Vec<i16> = pcm
        .chunks_exact(2)
        .map(|two| i16::from_le_bytes([two[0], two[1]]))
        .collect();
    let wav = WavFormat {
        rate_hz: format.rate,
        channels: 1,
        coding,
    };
    let mut writer = WavWriter::create(Cursor::new(Vec::new()), wav)?;
    writer.append(&samples)?;
    Ok(writer.finish()?.into_inner())
}
