//! What a provider says about an error, cut down to what may stand in one line of a log.

/// The longest message kept, in characters.
pub const MAX_MESSAGE_CHARS: usize = 200;

const SILENT_ELEMENTS: [&str; 2] = ["script", "style"];

/// `text` as one line of at most [`MAX_MESSAGE_CHARS`] characters, without control characters; of an HTML page only its
/// words.
#[must_use]
pub fn short(text: &str) -> String {
    let line = one_line(text);
    let line = if is_page(&line) {
        one_line(&words_of_page(&line))
    } else {
        line
    };
    let cut: String = line.chars().take(MAX_MESSAGE_CHARS).collect();
    cut.trim_end().to_owned()
}

fn one_line(text: &str) -> String {
    let words = text.split(|character: char| character.is_whitespace() || character.is_control());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn is_page(text: &str) -> bool {
    let head: String = text
        .chars()
        .take(14)
        .collect::<String>()
        .to_ascii_lowercase();
    ["<!doctype html", "<html", "<head", "<body"]
        .iter()
        .any(|start| head.starts_with(start))
}

fn words_of_page(page: &str) -> String {
    let mut words = String::new();
    let mut rest = page;
    while let Some((before, tag_and_more)) = rest.split_once('<') {
        words.push_str(before);
        words.push(' ');
        let Some((tag, after)) = tag_and_more.split_once('>') else {
            return words;
        };
        let name = tag
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        rest = if SILENT_ELEMENTS.contains(&name.as_str()) {
            let end = after.to_ascii_lowercase().find(&format!("</{name}"));
            end.map_or("", |at| &after[at..])
        } else {
            after
        };
    }
    words.push_str(rest);
    words
}

#[cfg(test)]
mod tests {
    use super::{MAX_MESSAGE_CHARS, short};

    #[test]
    fn a_message_becomes_one_short_line() {
        for (text, expected) in [
            ("", ""),
            (
                " Bad request:\r\n\tno\u{0} voice\u{1b}[0m ",
                "Bad request: no voice [0m",
            ),
            ("a < b > c", "a < b > c"),
            (
                "<!DOCTYPE html><html><head><style>p{color:red}</style><title>502 Bad Gateway</title></head>\n<body><h1>Bad</h1></body></html>",
                "502 Bad Gateway Bad",
            ),
            ("<html><script>while(1){}", ""),
            ("<html", ""),
            ("\u{1}<!doctype\n html>gone", "gone"),
        ] {
            assert_eq!(short(text), expected, "{text:?}");
        }
        assert_eq!(short(&"é".repeat(1000)).chars().count(), MAX_MESSAGE_CHARS);
        assert_eq!(
            short(&"ab ".repeat(1000)).chars().count(),
            MAX_MESSAGE_CHARS
        );
    }
}
