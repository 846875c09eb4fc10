//! WAV files: a reader for whatever a person brings, and a writer whose header is valid at any moment.

mod reader;
mod writer;

pub use reader::{Head, Wav, read};
pub use writer::{Coding, WavFormat, WavWriter};

/// Why a WAV file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    /// The stream below failed.
    #[error("reading or writing the WAV file failed: {0}")]
    Io(#[from] std::io::Error),
    /// The stream is no RIFF/WAVE file.
    #[error(
        "not a WAV file: it does not begin with RIFF....WAVE (convert it, for example with sox)"
    )]
    NotWav,
    /// The file ends inside its header, or lacks its `fmt ` or `data` chunk.
    #[error("the WAV file ends before its {missing}")]
    Truncated {
        /// What should have followed.
        missing: &'static str,
    },
    /// A coding this reader does not know.
    #[error(
        "the WAV file has format tag {tag:#06x} with {bits} bits a sample: \
         PCM of 8, 16, 24 or 32 bits, 32-bit float, mu-law and A-law are understood"
    )]
    UnsupportedCoding {
        /// The format tag, of the extension's subformat where there is one.
        tag: u16,
        /// Bits a sample, as the header says.
        bits: u16,
    },
    /// A format no audio can have.
    #[error(
        "a WAV file of {channels} channels at {rate_hz} Hz makes no sense: both must be positive"
    )]
    BadFormat {
        /// Channels.
        channels: u16,
        /// Frames a second.
        rate_hz: u32,
    },
    /// The samples do not fill whole frames of all channels.
    #[error("{samples} samples do not fill whole frames of {channels} channels")]
    PartialFrame {
        /// Samples given.
        samples: usize,
        /// Channels of the file.
        channels: u16,
    },
    /// The RIFF format cannot hold more than 4 GiB. Nothing was written; the file is whole: begin a new one.
    #[error(
        "the WAV file holds {held} bytes of audio and cannot take {more} more: RIFF ends at 4 GiB, begin a new file"
    )]
    Full {
        /// Bytes of audio in the file.
        held: u64,
        /// Bytes that were to be added.
        more: u64,
    },
    /// An overwrite outside of what was appended. Nothing was written.
    #[error("cannot overwrite frames {from}..{to}: the WAV file has {frames}")]
    BeyondEnd {
        /// First frame to be overwritten.
        from: u64,
        /// One past the last.
        to: u64,
        /// Frames in the file.
        frames: u64,
    },
}

pub(crate) const TAG_PCM: u16 = 1;
pub(crate) const TAG_FLOAT: u16 = 3;
pub(crate) const TAG_ALAW: u16 = 6;
pub(crate) const TAG_MULAW: u16 = 7;
pub(crate) const TAG_EXTENSIBLE: u16 = 0xFFFE;
