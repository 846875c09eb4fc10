//! The `media` message as Twilio writes it, in any order of keys. Anything else (an escape, a number where a string is
//! usual, an unknown or doubled key) is `None`: left to the reference parser, not judged here.

use std::borrow::Cow;

use memchr::memchr2;

use super::{Media, Track};

pub(super) fn media(text: &str) -> Option<Media<'_>> {
    let mut cursor = Cursor { text, at: 0 };
    let (mut event, mut stream_sid, mut sequence, mut body) = (None, None, None, None);
    cursor.expect(b'{')?;
    loop {
        match cursor.key()? {
            "event" => match cursor.string()? {
                "media" => once(&mut event, ())?,
                _ => return None,
            },
            "streamSid" => once(&mut stream_sid, cursor.string()?)?,
            "sequenceNumber" => once(&mut sequence, cursor.string()?)?,
            "media" => once(&mut body, body_object(&mut cursor)?)?,
            _ => return None,
        }
        if !cursor.another()? {
            break;
        }
    }
    cursor.end()?;
    event?;
    let body = body?;
    Some(Media {
        stream_sid: Cow::Borrowed(stream_sid?),
        track: body.track.map_or(Track::Unknown, Track::from_name),
        chunk: body.chunk.and_then(|text| text.parse().ok()),
        timestamp_ms: body.timestamp.and_then(|text| text.parse().ok()),
        payload: Cow::Borrowed(body.payload?),
    })
}

#[derive(Default)]
struct Body<'a> {
    track: Option<&'a str>,
    chunk: Option<&'a str>,
    timestamp: Option<&'a str>,
    payload: Option<&'a str>,
}

fn body_object<'a>(cursor: &mut Cursor<'a>) -> Option<Body<'a>> {
    let mut body = Body::default();
    cursor.expect(b'{')?;
    loop {
        let slot = match cursor.key()? {
            "track" => &mut body.track,
            "chunk" => &mut body.chunk,
            "timestamp" => &mut body.timestamp,
            "payload" => &mut body.payload,
            _ => return None,
        };
        once(slot, cursor.string()?)?;
        if !cursor.another()? {
            return Some(body);
        }
    }
}

fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    match slot.replace(value) {
        None => Some(()),
        Some(_) => None,
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn next(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            self.at += 1;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn key(&mut self) -> Option<&'a str> {
        let key = self.string()?;
        self.expect(b':')?;
        Some(key)
    }

    fn another(&mut self) -> Option<bool> {
        match self.next()? {
            b',' => Some(true),
            b'}' => Some(false),
            _ => None,
        }
    }

    fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let rest = self.text.get(self.at..)?;
        let length = memchr2(b'"', b'\\', rest.as_bytes())?;
        let string = &rest[..length];
        let control = string
            .bytes()
            .fold(false, |seen, byte| seen | (byte < 0x20));
        if control || rest.as_bytes()[length] == b'\\' {
            return None;
        }
        self.at += length + 1;
        Some(string)
    }

    fn end(&mut self) -> Option<()> {
        self.next().is_none().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::media;

    const MEDIA: &str = include_str!("../../../tests/fixtures/twilio/media_20ms.json");

    #[test]
    fn the_usual_message_does_not_reach_the_reference() {
        assert!(media(MEDIA).is_some_and(|media| media.timestamp_ms == Some(125)));
    }

    #[test]
    fn whatever_is_unusual_is_left_to_the_reference() {
        for (usual, unusual) in [
            ("\"7\"", "7"),
            ("inbound", "in\\u0062ound"),
            ("chunk", "chunks"),
            ("chunk", "track"),
            ("inbound", "in\nbound"),
        ] {
            assert_eq!(
                media(&MEDIA.replacen(usual, unusual, 1)),
                None,
                "{unusual:?}"
            );
        }
    }
}
