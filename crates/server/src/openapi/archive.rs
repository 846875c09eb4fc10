//! Files of a zip archive that is part of the program.
//!
//! What zip stores is what gzip sends: only the frame differs. So a file goes out as it lies there, and nothing is compressed while
//! calls go on. Names of fields are those of APPNOTE 6.3.10, 4.3 of PKWARE.

use std::io::Read as _;

use flate2::read::DeflateDecoder;

const END: [u8; 4] = *b"PK\x05\x06";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const DEFLATED: u16 = 8;
/// A gzip header without name and time (RFC 1952, 2.3).
const GZIP: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// A deflated file of an archive.
#[derive(Clone, Copy, Debug)]
pub(super) struct File<'a> {
    crc: u32,
    size: u32,
    deflated: &'a [u8],
}

impl<'a> File<'a> {
    /// The deflated file whose name ends so; `None` where there is none, or the archive is broken.
    pub(super) fn find(archive: &'a [u8], name: &str) -> Option<Self> {
        let end = archive.windows(4).rposition(|window| window == END)?;
        let count = u16_at(archive, end + 10)?;
        let mut at = u32_at(archive, end + 16)? as usize;
        for _ in 0..count {
            let entry = archive.get(at..)?;
            if !entry.starts_with(&ENTRY) {
                return None;
            }
            let [named, extra, comment] = [28, 30, 32].map(|at| u16_at(entry, at).map(usize::from));
            let (named, rest) = (named?, extra? + comment?);
            let own = entry.get(46..46 + named)?;
            if own.ends_with(name.as_bytes()) && u16_at(entry, 10)? == DEFLATED {
                return Self::of(archive, entry);
            }
            at += 46 + named + rest;
        }
        None
    }

    fn of(archive: &'a [u8], entry: &[u8]) -> Option<Self> {
        let local = archive.get(u32_at(entry, 42)? as usize..)?;
        if !local.starts_with(&LOCAL) {
            return None;
        }
        let begin = 30 + usize::from(u16_at(local, 26)?) + usize::from(u16_at(local, 28)?);
        let length = u32_at(entry, 20)? as usize;
        Some(Self {
            crc: u32_at(entry, 16)?,
            size: u32_at(entry, 24)?,
            deflated: local.get(begin..begin + length)?,
        })
    }

    /// It as gzip (RFC 1952).
    pub(super) fn gzip(&self) -> Vec<u8> {
        let end = [self.crc.to_le_bytes(), self.size.to_le_bytes()].concat();
        [&GZIP, self.deflated, &end].concat()
    }

    /// What is in it; empty where it is broken.
    pub(super) fn plain(&self) -> Vec<u8> {
        let mut plain = Vec::with_capacity(self.size as usize);
        match DeflateDecoder::new(self.deflated).read_to_end(&mut plain) {
            Ok(_) => plain,
            Err(_) => Vec::new(),
        }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use flate2::read::GzDecoder;
    use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

    use super::*;

    #[test]
    fn a_file_comes_out_of_its_gzip_as_it_is() {
        for name in ["dist/swagger-ui.css", "dist/swagger-ui-bundle.js"] {
            let file = File::find(SWAGGER_UI_VENDORED, name).unwrap();
            let gzip = file.gzip();
            let mut text = Vec::new();
            // It checks length and sum.
            GzDecoder::new(&*gzip).read_to_end(&mut text).unwrap();
            assert_eq!(text, file.plain());
            assert!(text.len() > 100_000 && gzip.len() < text.len() / 3);
        }
    }

    #[test]
    fn what_is_not_there_or_cut_off_is_not_found() {
        assert!(File::find(SWAGGER_UI_VENDORED, "dist/passwd").is_none());
        let name = "dist/swagger-ui.css";
        for length in [0, 3, 21, 1000, SWAGGER_UI_VENDORED.len() / 2] {
            assert!(File::find(&SWAGGER_UI_VENDORED[..length], name).is_none());
        }
        let broken = File {
            crc: 0,
            size: 3,
            deflated: b"\xff\xff\xff",
        };
        assert!(broken.plain().is_empty());
    }
}
