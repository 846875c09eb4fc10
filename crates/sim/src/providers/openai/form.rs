//! Forms with files, `multipart/form-data` (RFC 7578), of which the whole body is there.

use axum::http::HeaderMap;

use super::super::visit::text;

/// A part of a form.
#[derive(Debug, PartialEq)]
pub(super) struct Part<'a> {
    pub(super) name: &'a str,
    pub(super) filename: Option<&'a str>,
    pub(super) bytes: &'a [u8],
}

impl<'a> Part<'a> {
    /// Its name and its text.
    pub(super) fn pair(&self) -> (&'a str, String) {
        (self.name, String::from_utf8_lossy(self.bytes).into_owned())
    }
}

/// The parts of a body, or what is wrong with it.
pub(super) fn parts<'a>(
    headers: &HeaderMap,
    body: &'a [u8],
) -> Result<Vec<Part<'a>>, &'static str> {
    let boundary = text(headers, "content-type")
        .filter(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data"))
        .and_then(|kind| parameter(kind, "boundary"))
        .ok_or("the body must be multipart/form-data with a boundary")?;
    let delimiter = format!("--{boundary}");
    let mut rest = after(body, delimiter.as_bytes()).ok_or("the form has no part")?;
    let line_end = [b"\r\n", delimiter.as_bytes()].concat();
    let mut parts = Vec::new();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let end = find(part, &line_end).ok_or("the form ends within a part")?;
        parts.push(self::part(&part[..end])?);
        rest = &part[end + line_end.len()..];
    }
    if rest.starts_with(b"--") {
        Ok(parts)
    } else {
        Err("the form has no end")
    }
}

fn part(bytes: &[u8]) -> Result<Part<'_>, &'static str> {
    let end = find(bytes, b"\r\n\r\n").ok_or("a part of the form has no body")?;
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| "a part's head is not UTF-8")?;
    let mut lines = head.split("\r\n");
    let disposition = lines.find(|line| {
        line.to_ascii_lowercase()
            .starts_with("content-disposition:")
    });
    let disposition = disposition.ok_or("a part has no Content-Disposition")?;
    Ok(Part {
        name: parameter(disposition, "name").ok_or("a part has no name")?,
        filename: parameter(disposition, "filename"),
        bytes: &bytes[end + 4..],
    })
}

/// A parameter of a header, with or without quotation marks.
fn parameter<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header.split(';').find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        key.eq_ignore_ascii_case(name)
            .then(|| value.trim_matches('"'))
    })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn after<'a>(bytes: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    Some(&bytes[find(bytes, wanted)? + wanted.len()..])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn headers(kind: &str) -> HeaderMap {
        [("content-type".parse().unwrap(), kind.parse().unwrap())]
            .into_iter()
            .collect()
    }

    #[test]
    fn parts_are_read_and_broken_forms_are_not() {
        let kind = headers("multipart/form-data; boundary=\"xx\"");
        let body = b"--xx\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--xx\r\n\
            content-disposition: form-data; name=file; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n\r\n--x\r\n--xx--\r\n";
        let found = parts(&kind, body).unwrap();
        assert_eq!(found[0].pair(), ("model", "m".to_owned()));
        assert_eq!(
            (found[1].name, found[1].filename, found[1].bytes),
            ("file", Some("a.wav"), &b"\r\n--x"[..])
        );
        for cut in 0..body.len() - 4 {
            assert!(parts(&kind, &body[..cut]).is_err(), "{cut}");
        }
        assert!(parts(&headers("application/json"), body).is_err());
    }
}
