//! Writes WAV files whose header is valid at any moment.

use std::io::{Seek, SeekFrom, Write};

use super::{TAG_MULAW, TAG_PCM, WavError};
use crate::g711;

/// How samples are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// 16-bit linear.
    Pcm16,
    /// 8-bit mu-law.
    Mulaw,
}

impl Coding {
    fn bytes(self) -> u16 {
        match self {
            Self::Pcm16 => 2,
            Self::Mulaw => 1,
        }
    }
}

/// The format of a file to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WavFormat {
    /// Frames a second.
    pub rate_hz: u32,
    /// Channels, at least 1.
    pub channels: u16,
    /// How samples are stored.
    pub coding: Coding,
}

/// Writes a WAV file that can be read at any moment, whenever the process dies.
///
/// Every call writes the audio first and then the header in one piece, so the header never promises audio that is not
/// there. Every call costs two writes and their seeks: append a second at a time, not a frame.
#[derive(Debug)]
pub struct WavWriter<W> {
    sink: W,
    format: WavFormat,
    data_bytes: u64,
    scratch: Vec<u8>,
}

impl<W: Write + Seek> WavWriter<W> {
    /// Begins a file at the sink's position 0 with a header and no audio.
    ///
    /// # Errors
    /// [`WavError::BadFormat`] without channels or rate; [`WavError::Io`].
    pub fn create(sink: W, format: WavFormat) -> Result<Self, WavError> {
        if format.channels == 0 || format.rate_hz == 0 {
            return Err(WavError::BadFormat {
                channels: format.channels,
                rate_hz: format.rate_hz,
            });
        }
        let mut writer = Self {
            sink,
            format,
            data_bytes: 0,
            scratch: Vec::new(),
        };
        writer.write_header()?;
        Ok(writer)
    }

    /// Appends interleaved samples: whole frames of all channels.
    ///
    /// # Errors
    /// [`WavError::PartialFrame`], [`WavError::Full`] (nothing was written), [`WavError::Io`] (the header still tells
    /// the truth about what was there before).
    pub fn append(&mut self, interleaved: &[i16]) -> Result<(), WavError> {
        let added = self.bytes_of(interleaved)?;
        let longest = u64::from(u32::MAX) - header_bytes(self.format.coding) - 1;
        if self.data_bytes + added > longest {
            return Err(WavError::Full {
                held: self.data_bytes,
                more: added,
            });
        }
        self.encode(interleaved);
        if (self.data_bytes + added) % 2 == 1 {
            // RIFF asks for a byte of padding; this one is inaudible to a reader that trusts no size.
            self.scratch.push(g711::SILENCE);
        }
        self.write_scratch_at(self.data_bytes)?;
        self.data_bytes += added;
        self.write_header()
    }

    /// Replaces frames that were appended before, from `frame_index` (counted from 0) on. The header stays as it is.
    ///
    /// # Errors
    /// [`WavError::PartialFrame`], [`WavError::BeyondEnd`] (nothing was written), [`WavError::Io`].
    pub fn overwrite(&mut self, frame_index: u64, interleaved: &[i16]) -> Result<(), WavError> {
        let bytes = self.bytes_of(interleaved)?;
        let frame_bytes = self.frame_bytes();
        let to = frame_index.saturating_add(bytes / frame_bytes);
        if to > self.frames() {
            return Err(WavError::BeyondEnd {
                from: frame_index,
                to,
                frames: self.frames(),
            });
        }
        self.encode(interleaved);
        self.write_scratch_at(frame_index * frame_bytes)
    }

    /// Frames in the file.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.data_bytes / self.frame_bytes()
    }

    /// The format given at creation.
    #[must_use]
    pub fn format(&self) -> WavFormat {
        self.format
    }

    /// Flushes the sink and gives it back.
    ///
    /// # Errors
    /// [`WavError::Io`] when the sink cannot be flushed.
    pub fn finish(mut self) -> Result<W, WavError> {
        self.sink.flush()?;
        Ok(self.sink)
    }

    fn frame_bytes(&self) -> u64 {
        u64::from(self.format.channels) * u64::from(self.format.coding.bytes())
    }

    fn bytes_of(&self, interleaved: &[i16]) -> Result<u64, WavError> {
        if !interleaved
            .len()
            .is_multiple_of(usize::from(self.format.channels))
        {
            return Err(WavError::PartialFrame {
                samples: interleaved.len(),
                channels: self.format.channels,
            });
        }
        Ok(interleaved.len() as u64 * u64::from(self.format.coding.bytes()))
    }

    fn encode(&mut self, interleaved: &[i16]) {
        self.scratch.clear();
        match self.format.coding {
            Coding::Pcm16 => self
                .scratch
                .extend(interleaved.iter().flat_map(|sample| sample.to_le_bytes())),
            Coding::Mulaw => g711::encode_into(interleaved, &mut self.scratch),
        }
    }

    fn write_scratch_at(&mut self, data_offset: u64) -> Result<(), WavError> {
        self.sink.seek(SeekFrom::Start(
            header_bytes(self.format.coding) + data_offset,
        ))?;
        // Kept between writes it would be the largest thing that a quiet recording holds.
        let block = std::mem::take(&mut self.scratch);
        self.sink.write_all(&block)?;
        Ok(())
    }

    fn write_header(&mut self) -> Result<(), WavError> {
        let WavFormat {
            rate_hz,
            channels,
            coding,
        } = self.format;
        let data = self.data_bytes as u32;
        let frame_bytes = channels.saturating_mul(coding.bytes());
        let header = &mut self.scratch;
        header.clear();
        header.extend_from_slice(b"RIFF");
        header
            .extend_from_slice(&(header_bytes(coding) as u32 - 8 + data + data % 2).to_le_bytes());
        header.extend_from_slice(b"WAVEfmt ");
        let (tag, format_bytes) = match coding {
            Coding::Pcm16 => (TAG_PCM, 16u32),
            Coding::Mulaw => (TAG_MULAW, 18),
        };
        header.extend_from_slice(&format_bytes.to_le_bytes());
        header.extend_from_slice(&tag.to_le_bytes());
        header.extend_from_slice(&channels.to_le_bytes());
        header.extend_from_slice(&rate_hz.to_le_bytes());
        header.extend_from_slice(&rate_hz.saturating_mul(u32::from(frame_bytes)).to_le_bytes());
        header.extend_from_slice(&frame_bytes.to_le_bytes());
        header.extend_from_slice(&(coding.bytes() * 8).to_le_bytes());
        if coding == Coding::Mulaw {
            header.extend_from_slice(&[0, 0]);
            header.extend_from_slice(b"fact\x04\0\0\0");
            header.extend_from_slice(&(data / u32::from(frame_bytes)).to_le_bytes());
        }
        header.extend_from_slice(b"data");
        header.extend_from_slice(&data.to_le_bytes());
        self.sink.seek(SeekFrom::Start(0))?;
        self.sink.write_all(&self.scratch)?;
        Ok(())
    }
}

/// Where the audio begins: codings other than PCM carry an extended `fmt ` chunk and a `fact` chunk.
fn header_bytes(coding: Coding) -> u64 {
    match coding {
        Coding::Pcm16 => 44,
        Coding::Mulaw => 58,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_file_at_the_riff_limit_refuses_more_and_stays_whole() {
        let format = WavFormat {
            rate_hz: 8000,
            channels: 2,
            coding: Coding::Pcm16,
        };
        let mut writer = WavWriter::create(Cursor::new(Vec::new()), format).unwrap();
        writer.append(&[1, 2]).unwrap();
        let before = writer.sink.get_ref().clone();
        writer.data_bytes = u64::from(u32::MAX) - 48;
        let refused = writer.append(&[3, 4]).unwrap_err();
        assert!(
            matches!(refused, WavError::Full { more: 4, .. }),
            "{refused}"
        );
        assert_eq!(writer.sink.get_ref(), &before);
    }
}
