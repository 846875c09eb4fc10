//! What a file is, by its first bytes, and how long.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use ringback_audio::wav::Head;
use ringback_audio::{RATE_HZ, g711};

use super::Unheard;

/// So much of a file tells what it is, in bytes.
const BEGINNING: usize = 48;
/// Audio is read in pieces of about this size, in bytes.
const PIECE: usize = 64 * 1024;

/// A file that somebody brought, and what they call it.
#[derive(Debug)]
pub struct Recording {
    /// The file, which may be anywhere in itself.
    pub file: File,
    /// Its name there; empty if it has none.
    pub name: String,
    /// Its content type; empty if it has none.
    pub kind: String,
}

/// A form of audio files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// WAV, with what stands before its audio.
    Wav(Head),
    /// Bare mu-law at 8000 Hz: nothing in it tells what it is.
    Mulaw,
    /// FLAC.
    Flac,
    /// MPEG audio.
    Mp3,
    /// MP4, as `m4a` too.
    Mp4,
    /// Ogg, with Opus or Vorbis.
    Ogg,
    /// WebM.
    Webm,
}

impl Container {
    /// The usual ending of its files and its content type.
    pub(super) fn names(&self) -> (&'static str, &'static str) {
        match self {
            Self::Wav(_) => ("wav", "audio/wav"),
            Self::Mulaw => ("ulaw", "audio/basic"),
            Self::Flac => ("flac", "audio/flac"),
            Self::Mp3 => ("mp3", "audio/mpeg"),
            Self::Mp4 => ("m4a", "audio/mp4"),
            Self::Ogg => ("ogg", "audio/ogg"),
            Self::Webm => ("webm", "audio/webm"),
        }
    }
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sound {
    /// Its form.
    pub container: Container,
    /// Its size.
    pub bytes: u64,
    /// Where its audio begins, and how many bytes that has. Of a container other than WAV: all of it.
    pub audio: (u64, u64),
    /// Its length, where that stands in it.
    pub ms: Option<u64>,
}

impl Recording {
    /// Finds out what it is.
    ///
    /// # Errors
    /// [`Unheard::Format`] of a file that is no audio, [`Unheard::Broken`] of one without any.
    pub fn look(&self) -> Result<Sound, Unheard> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut beginning = Vec::with_capacity(BEGINNING);
        file.take(BEGINNING as u64).read_to_end(&mut beginning)?;
        let bytes = file.seek(SeekFrom::End(0))?;
        if bytes == 0 {
            return Err(Unheard::Broken("the file is empty".to_owned()));
        }
        let whole = |container, ms| Sound {
            container,
            bytes,
            audio: (0, bytes),
            ms,
        };
        let begins = |magic: &[u8]| beginning.starts_with(magic);
        if begins(b"RIFF") {
            return self.look_at_wav(bytes);
        }
        if begins(b"fLaC") {
            return Ok(whole(Container::Flac, flac_ms(&beginning)));
        }
        if begins(b"OggS") {
            return Ok(whole(Container::Ogg, None));
        }
        if begins(&[0x1A, 0x45, 0xDF, 0xA3]) {
            return Ok(whole(Container::Webm, None));
        }
        if beginning.get(4..8) == Some(b"ftyp") {
            return Ok(whole(Container::Mp4, None));
        }
        // Bare audio may begin with anything, so what its sender says of it comes before what may be chance.
        if self.is_said_to_be_mulaw() {
            return Ok(whole(
                Container::Mulaw,
                Some(bytes * 1000 / u64::from(RATE_HZ)),
            ));
        }
        if begins(b"ID3") || is_mpeg_frame(&beginning) {
            return Ok(whole(Container::Mp3, None));
        }
        Err(Unheard::Format(
            "the file is no audio that is known here: send WAV, mu-law (audio/basic), FLAC, MP3, MP4, Ogg or WebM"
                .to_owned(),
        ))
    }

    fn look_at_wav(&self, bytes: u64) -> Result<Sound, Unheard> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::new(file);
        let head = Head::read(&mut reader)?;
        let from = reader.stream_position()?;
        let there = bytes.saturating_sub(from);
        let promised = head.audio_bytes.unwrap_or(there);
        let frame = head.frame_bytes().max(1) as u64;
        if promised > there {
            let what = format!("the WAV file promises {promised} bytes of audio and has {there}");
            return Err(Unheard::Broken(what));
        }
        if promised < frame {
            return Err(Unheard::Broken("the WAV file has no audio".to_owned()));
        }
        let frames = promised / frame;
        Ok(Sound {
            container: Container::Wav(head),
            bytes,
            audio: (from, frames * frame),
            ms: Some(frames * 1000 / u64::from(head.rate_hz.max(1))),
        })
    }

    /// Goes through the audio of a file of linear or logarithmic samples, one channel.
    pub(super) fn for_each_piece(
        &self,
        sound: &Sound,
        mut take: impl FnMut(&[i16]) -> Result<(), Unheard>,
    ) -> Result<(), Unheard> {
        let mut file = &self.file;
        let (from, bytes) = sound.audio;
        file.seek(SeekFrom::Start(from))?;
        let mut input = file.take(bytes);
        let head = match sound.container {
            Container::Wav(head) => Some(head),
            Container::Mulaw
            | Container::Flac
            | Container::Mp3
            | Container::Mp4
            | Container::Ogg
            | Container::Webm => None,
        };
        let frame = head.map_or(1, |head| head.frame_bytes().max(1));
        let size = (PIECE / frame).max(1) * frame;
        let (mut piece, mut samples) = (Vec::with_capacity(size), Vec::new());
        loop {
            piece.clear();
            samples.clear();
            input.by_ref().take(size as u64).read_to_end(&mut piece)?;
            if piece.is_empty() {
                return Ok(());
            }
            match head {
                Some(head) => head.to_mono(&piece, &mut samples),
                None => g711::decode_into(&piece, &mut samples),
            }
            take(&samples)?;
        }
    }

    fn is_said_to_be_mulaw(&self) -> bool {
        let kind = self.kind.split(';').next().unwrap_or_default().trim();
        let kinds = ["audio/basic", "audio/pcmu", "audio/mulaw", "audio/x-mulaw"];
        let ending = self.name.rsplit_once('.').map_or("", |(_, ending)| ending);
        let is = |word: &str, list: &[&str]| list.iter().any(|one| one.eq_ignore_ascii_case(word));
        is(kind, &kinds) || is(ending, &["ulaw", "mulaw", "ul"])
    }
}

/// Whether a frame of MPEG audio begins here: eleven set bits, a known version, layer, bit rate and rate.
fn is_mpeg_frame(bytes: &[u8]) -> bool {
    let [0xFF, second, third, ..] = bytes else {
        return false;
    };
    let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
    let (bit_rate, rate) = (third >> 4, third >> 2 & 3);
    second >> 5 == 7 && version != 1 && layer != 0 && bit_rate != 15 && rate != 3
}

/// The length that a FLAC file's first block tells, if it tells one.
fn flac_ms(beginning: &[u8]) -> Option<u64> {
    let info = beginning.get(8 + 10..8 + 18)?;
    let packed = u64::from_be_bytes(info.try_into().ok()?);
    let (rate, samples) = (packed >> 44, packed & ((1 << 36) - 1));
    (rate > 0 && samples > 0).then(|| samples * 1000 / rate)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::io::Write;

    use super::*;

    fn look(name: &str, kind: &str, bytes: &[u8]) -> Result<Sound, Unheard> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let (name, kind) = (name.to_owned(), kind.to_owned());
        Recording { file, name, kind }.look()
    }

    fn wav(tag: u16, rate: u32, promised: u32, audio: &[u8]) -> Vec<u8> {
        let bits: u16 = if tag == 1 { 16 } else { 8 };
        let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
        file.extend(tag.to_le_bytes());
        file.extend(1_u16.to_le_bytes());
        file.extend(rate.to_le_bytes());
        file.extend((rate * u32::from(bits / 8)).to_le_bytes());
        file.extend((bits / 8).to_le_bytes());
        file.extend(bits.to_le_bytes());
        file.extend(b"data");
        file.extend(promised.to_le_bytes());
        file.extend(audio);
        file
    }

    #[test]
    fn a_wav_file_tells_its_coding_and_length() {
        for (tag, rate, bytes) in [(1, 16_000, 32_000), (7, 8000, 8000), (6, 8000, 8000)] {
            let sound = look("a", "", &wav(tag, rate, bytes, &vec![1; bytes as usize])).unwrap();
            assert!(matches!(sound.container, Container::Wav(_)));
            assert_eq!((sound.ms, sound.audio), (Some(1000), (44, bytes.into())));
        }
    }

    #[test]
    fn files_are_known_by_their_first_bytes_and_not_by_their_names() {
        let mut flac = b"fLaC\0\0\0\x22".to_vec();
        flac.extend([0; 10]);
        flac.extend(((16_000_u64 << 44) | 40_000).to_be_bytes());
        for (bytes, kind, ms) in [
            (flac.as_slice(), Container::Flac, Some(2500)),
            (b"OggS....", Container::Ogg, None),
            (b"\x1A\x45\xDF\xA3....", Container::Webm, None),
            (b"\0\0\0\x20ftypM4A ", Container::Mp4, None),
            (b"ID3\x04....", Container::Mp3, None),
            (b"\xFF\xFB\x90\x64", Container::Mp3, None),
        ] {
            let sound = look("x.wav", "audio/wav", bytes).unwrap();
            assert_eq!((sound.container, sound.ms), (kind, ms));
        }
    }

    #[test]
    fn bare_mu_law_is_taken_for_what_its_sender_calls_it() {
        for (name, kind) in [("a.ulaw", ""), ("", "audio/basic;rate=8000"), ("A.UL", "x")] {
            let sound = look(name, kind, &[0xFF; 4000]).unwrap();
            assert_eq!((sound.container, sound.ms), (Container::Mulaw, Some(500)));
        }
    }

    #[test]
    fn what_is_no_audio_or_has_none_is_refused() {
        let refused = |bytes: &[u8]| look("a.wav", "audio/wav", bytes).unwrap_err();
        let zip = refused(b"PK\x03\x04........");
        assert!(matches!(zip, Unheard::Format(_)), "{zip}");
        assert!(matches!(refused(&[0xFF; 64]), Unheard::Format(_)));
        assert!(matches!(refused(b"RIFF____AVI LIST"), Unheard::Format(_)));
        assert!(matches!(
            refused(&wav(85, 8000, 4, &[0; 4])),
            Unheard::Format(_)
        ));
        for broken in [
            Vec::new(),
            b"RIFF".to_vec(),
            wav(1, 8000, 0, &[]),
            wav(1, 8000, 4000, &[0; 400]),
            wav(1, 0, 4, &[0; 4]),
        ] {
            let why = refused(&broken);
            assert!(matches!(why, Unheard::Broken(_)), "{why}");
        }
    }
}
