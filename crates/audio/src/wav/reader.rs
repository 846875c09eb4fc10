//! Reads WAV files: whatever coding, rate and channels a person brings.

use std::io::{ErrorKind, Read};

use super::{TAG_ALAW, TAG_EXTENSIBLE, TAG_FLOAT, TAG_MULAW, TAG_PCM, WavError};
use crate::g711;

/// Size that a writer on a pipe leaves in a header it cannot go back to.
const UNKNOWN_SIZE: u32 = u32::MAX;
const FORMAT_BYTES_READ: u64 = 40;

/// A WAV file in memory, as 16-bit linear samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wav {
    /// Frames a second.
    pub rate_hz: u32,
    /// Channels, at least 1.
    pub channels: u16,
    /// Samples of all channels, interleaved: always whole frames.
    pub samples: Vec<i16>,
}

impl Wav {
    /// Number of frames (one sample of every channel each).
    #[must_use]
    pub fn frames(&self) -> usize {
        self.samples.len() / usize::from(self.channels.max(1))
    }

    /// One channel: the mean of all.
    #[must_use]
    pub fn to_mono(&self) -> Vec<i16> {
        let channels = usize::from(self.channels.max(1));
        self.samples.chunks_exact(channels).map(mean).collect()
    }

    /// The samples of one channel, counted from 0; none when there is no such channel.
    pub fn channel(&self, index: u16) -> impl Iterator<Item = i16> + '_ {
        let within = index < self.channels;
        self.samples
            .chunks_exact(usize::from(self.channels.max(1)))
            .filter(move |_| within)
            .map(move |frame| frame[usize::from(index)])
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stored {
    Unsigned8,
    Signed16,
    Signed24,
    Signed32,
    Float32,
    Mulaw,
    Alaw,
}

impl Stored {
    fn bytes(self) -> usize {
        match self {
            Self::Unsigned8 | Self::Mulaw | Self::Alaw => 1,
            Self::Signed16 => 2,
            Self::Signed24 => 3,
            Self::Signed32 | Self::Float32 => 4,
        }
    }
}

#[derive(Clone, Copy)]
struct Format {
    stored: Stored,
    channels: u16,
    rate_hz: u32,
}

/// What stands before the audio of a WAV file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Frames a second.
    pub rate_hz: u32,
    /// Channels, at least 1.
    pub channels: u16,
    /// Bytes of audio as the file promises; `None`: to its end.
    pub audio_bytes: Option<u64>,
    stored: Stored,
}

impl Head {
    /// Reads up to the audio, so that the first byte of it comes next. Unknown chunks are skipped.
    ///
    /// # Errors
    /// As [`read`].
    pub fn read(input: &mut impl Read) -> Result<Self, WavError> {
        let (format, size) = read_head(input)?;
        let known = size != 0 && size != UNKNOWN_SIZE;
        Ok(Self {
            rate_hz: format.rate_hz,
            channels: format.channels,
            audio_bytes: known.then_some(size.into()),
            stored: format.stored,
        })
    }

    /// Bytes of one sample of every channel.
    #[must_use]
    pub fn frame_bytes(&self) -> usize {
        self.stored.bytes() * usize::from(self.channels)
    }

    /// Whether the audio is 16-bit linear, which every reader of WAV files knows.
    #[must_use]
    pub fn is_linear16(&self) -> bool {
        matches!(self.stored, Stored::Signed16)
    }

    /// Appends the mean of all channels of these whole frames; bytes of a frame that is not whole are left out.
    pub fn to_mono(&self, bytes: &[u8], out: &mut Vec<i16>) {
        let samples = linear(bytes, self.stored);
        let channels = usize::from(self.channels);
        out.extend(samples.chunks_exact(channels).map(mean));
    }
}

fn mean(frame: &[i16]) -> i16 {
    let sum: i64 = frame.iter().map(|&sample| i64::from(sample)).sum();
    (sum / frame.len().max(1) as i64) as i16
}

/// Reads a WAV file: PCM of 8, 16, 24 or 32 bits, 32-bit float, mu-law and A-law, any rate and number of channels.
///
/// Unknown chunks are skipped. A data chunk of size 0 or `0xFFFFFFFF` (a stream that was never finished) lasts until the
/// end, and one that promises more than there is gives what there is. Memory grows with the audio, never with what the
/// header claims.
///
/// # Errors
/// [`WavError`] when the stream fails, is no WAV file or holds a coding not named above.
pub fn read(input: &mut impl Read) -> Result<Wav, WavError> {
    let (format, size) = read_head(input)?;
    read_data(input, format, size)
}

/// Reads up to the audio; with the size that its chunk has.
fn read_head(input: &mut impl Read) -> Result<(Format, u32), WavError> {
    let mut riff = [0u8; 12];
    fill(input, &mut riff, "RIFF header")?;
    if &riff[..4] != b"RIFF" || &riff[8..] != b"WAVE" {
        return Err(WavError::NotWav);
    }
    let mut format = None;
    loop {
        let mut header = [0u8; 8];
        fill(
            input,
            &mut header,
            if format.is_none() {
                "fmt chunk"
            } else {
                "data chunk"
            },
        )?;
        let size = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        match (&header[..4], format) {
            (b"fmt ", _) => format = Some(read_format(input, size)?),
            (b"data", Some(format)) => return Ok((format, size)),
            (b"data", None) => {
                return Err(WavError::Truncated {
                    missing: "fmt chunk (its data comes first)",
                });
            }
            _ => skip(input, padded(size))?,
        }
    }
}

fn read_format(input: &mut impl Read, size: u32) -> Result<Format, WavError> {
    let mut bytes = Vec::with_capacity(FORMAT_BYTES_READ as usize);
    input
        .by_ref()
        .take(u64::from(size).min(FORMAT_BYTES_READ))
        .read_to_end(&mut bytes)?;
    skip(input, padded(size) - (bytes.len() as u64).min(padded(size)))?;
    if bytes.len() < 16 {
        return Err(WavError::Truncated {
            missing: "fmt chunk's end",
        });
    }
    let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let (channels, bits) = (word(2), word(14));
    let rate_hz = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    let tag = match word(0) {
        TAG_EXTENSIBLE if bytes.len() >= 26 => word(24),
        tag => tag,
    };
    let stored = match (tag, bits) {
        (TAG_PCM, 8) => Stored::Unsigned8,
        (TAG_PCM, 16) => Stored::Signed16,
        (TAG_PCM, 24) => Stored::Signed24,
        (TAG_PCM, 32) => Stored::Signed32,
        (TAG_FLOAT, 32) => Stored::Float32,
        (TAG_MULAW, 8) => Stored::Mulaw,
        (TAG_ALAW, 8) => Stored::Alaw,
        _ => return Err(WavError::UnsupportedCoding { tag, bits }),
    };
    if channels == 0 || rate_hz == 0 {
        return Err(WavError::BadFormat { channels, rate_hz });
    }
    Ok(Format {
        stored,
        channels,
        rate_hz,
    })
}

fn read_data(input: &mut impl Read, format: Format, size: u32) -> Result<Wav, WavError> {
    let limit = if size == 0 || size == UNKNOWN_SIZE {
        u64::MAX
    } else {
        u64::from(size)
    };
    let mut bytes = Vec::new();
    input.by_ref().take(limit).read_to_end(&mut bytes)?;
    let mut samples = linear(&bytes, format.stored);
    samples.truncate(samples.len() - samples.len() % usize::from(format.channels));
    Ok(Wav {
        rate_hz: format.rate_hz,
        channels: format.channels,
        samples,
    })
}

fn linear(bytes: &[u8], stored: Stored) -> Vec<i16> {
    match stored {
        Stored::Unsigned8 => bytes.iter().map(|&b| (i16::from(b) - 128) << 8).collect(),
        Stored::Signed16 => bytes
            .chunks_exact(2)
            .map(|b| i16::from_le_bytes([b[0], b[1]]))
            .collect(),
        Stored::Signed24 => bytes
            .chunks_exact(3)
            .map(|b| top_half(i32::from_le_bytes([0, b[0], b[1], b[2]])))
            .collect(),
        Stored::Signed32 => bytes
            .chunks_exact(4)
            .map(|b| top_half(i32::from_le_bytes([b[0], b[1], b[2], b[3]])))
            .collect(),
        Stored::Float32 => bytes
            .chunks_exact(4)
            .map(|b| (f32::from_le_bytes([b[0], b[1], b[2], b[3]]) * 32768.0).round() as i16)
            .collect(),
        Stored::Mulaw => bytes.iter().map(|&b| g711::decode(b)).collect(),
        Stored::Alaw => bytes.iter().map(|&b| g711::decode_alaw(b)).collect(),
    }
}

fn top_half(sample: i32) -> i16 {
    (sample.saturating_add(1 << 15) >> 16) as i16
}

fn padded(size: u32) -> u64 {
    u64::from(size) + u64::from(size % 2)
}

fn fill(input: &mut impl Read, bytes: &mut [u8], missing: &'static str) -> Result<(), WavError> {
    input.read_exact(bytes).map_err(|error| {
        if error.kind() == ErrorKind::UnexpectedEof {
            WavError::Truncated { missing }
        } else {
            WavError::Io(error)
        }
    })
}

/// A chunk cut short ends the file: the next header's absence is then the error.
fn skip(input: &mut impl Read, bytes: u64) -> Result<(), WavError> {
    std::io::copy(&mut input.by_ref().take(bytes), &mut std::io::sink())?;
    Ok(())
}
