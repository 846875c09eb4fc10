//! Links and images become their texts; tags and entities of HTML go.

/// The longest tag, text of a link and address of a link, in bytes.
const LONGEST_PART: usize = 500;
const ENTITIES: [(&str, &str); 6] = [
    ("&amp;", "&"),
    ("&nbsp;", " "),
    ("&lt;", " "),
    ("&gt;", " "),
    ("&quot;", "\""),
    ("&#39;", "'"),
];

/// `text` without links, images, tags and entities.
pub(super) fn followed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['[', '<', '&', '!']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = match rest.as_bytes()[0] {
            b'[' => link(rest),
            b'!' => rest
                .strip_prefix('!')
                .filter(|rest| rest.starts_with('['))
                .and_then(link),
            b'<' => tag(rest),
            _ => ENTITIES.into_iter().find_map(|(entity, character)| {
                rest.strip_prefix(entity).map(|after| (character, after))
            }),
        };
        match found {
            Some((words, after)) => {
                out.push_str(words);
                rest = after;
            }
            None => {
                out.push_str(&rest[..1]);
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// `[words](address)` or `[words][name]`: the words, or the address where there are none.
fn link(text: &str) -> Option<(&str, &str)> {
    let (words, after) = until(text.strip_prefix('[')?, b']')?;
    if words.contains('[') {
        return None;
    }
    if let Some(after) = after.strip_prefix('(') {
        let (address, after) = until(after, b')')?;
        let address = address.split_whitespace().next().unwrap_or_default();
        let words = if words.trim().is_empty() {
            address
        } else {
            words
        };
        return Some((words, after));
    }
    let (_, after) = until(after.strip_prefix('[')?, b']')?;
    Some((words, after))
}

/// A tag, which is not spoken, or an address in angle brackets, which is.
fn tag(text: &str) -> Option<(&str, &str)> {
    let (inner, after) = until(text.strip_prefix('<')?, b'>')?;
    if inner.contains('<') {
        return None;
    }
    if !inner.contains(' ') && (inner.contains("://") || inner.contains('@')) {
        return Some((inner, after));
    }
    let name = inner
        .trim_start_matches('/')
        .trim_end_matches('/')
        .trim_end();
    let (name, attributes) = name.split_once(' ').unwrap_or((name, "="));
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '-');
    (is_name && attributes.contains('=')).then_some((" ", after))
}

/// What stands before and after the next `mark`, an ASCII character, if it is near.
fn until(text: &str, mark: u8) -> Option<(&str, &str)> {
    let near = &text.as_bytes()[..text.len().min(LONGEST_PART)];
    let at = near.iter().position(|byte| *byte == mark)?;
    Some((&text[..at], &text[at + 1..]))
}
