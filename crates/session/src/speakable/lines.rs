//! Markdown that fills lines: headings, lists, quotations, fences, rules, tables. The lines become one.

/// All lines as one. Where an item, a heading, a row or a paragraph ends without a mark, it gets a full stop.
pub(super) fn joined(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| Line::of(line.trim())).collect();
    let mut joined = String::with_capacity(text.len());
    let mut ended = false;
    for line in &lines {
        if line.text.is_empty() {
            ended |= line.ends;
            continue;
        }
        if !joined.is_empty() {
            let words = joined.trim_end_matches(['*', '_', '`', '~']);
            if ended && words.ends_with(|last: char| last.is_alphanumeric() || last == ')') {
                joined.push('.');
            }
            joined.push(' ');
        }
        joined.push_str(&line.text);
        ended = line.ends;
    }
    joined
}

struct Line {
    text: String,
    /// True if a sentence ends with the line.
    ends: bool,
}

impl Line {
    fn of(line: &str) -> Self {
        let rule =
            |mark: char| line.len() >= 3 && line.chars().all(|other| other == mark || other == ' ');
        let empty = Self {
            text: String::new(),
            ends: true,
        };
        if line.is_empty() || ['-', '*', '_', '='].into_iter().any(rule) {
            return empty;
        }
        if let Some(rest) = line
            .strip_prefix("```")
            .or_else(|| line.strip_prefix("~~~"))
        {
            let has_text = rest.contains("```") || rest.contains(char::is_whitespace);
            return if has_text {
                Self {
                    text: rest.to_owned(),
                    ends: true,
                }
            } else {
                empty
            };
        }
        if let Some(cells) = cells(line) {
            return Self {
                text: cells,
                ends: true,
            };
        }
        let text = unmarked(line);
        Self {
            ends: text.len() < line.len() || is_numbered(line),
            text: text.to_owned(),
        }
    }
}

/// Without the marks of headings, items and quotations, which may stand within each other.
fn unmarked(line: &str) -> &str {
    let mut text = line;
    loop {
        let heading = text.trim_start_matches('#');
        let hashes = text.len() - heading.len();
        let rest = if (1..=6).contains(&hashes) && heading.starts_with(' ') {
            heading.trim_end_matches('#')
        } else {
            let item = ["- ", "* ", "+ ", "• ", "> ", "– ", "[ ] ", "[x] "];
            let marked = item.into_iter().find_map(|mark| text.strip_prefix(mark));
            match marked {
                Some(rest) => rest,
                None => return text,
            }
        };
        text = rest.trim();
    }
}

/// True for `1. text` and `1) text`.
fn is_numbered(line: &str) -> bool {
    let rest = line.trim_start_matches(|digit: char| digit.is_ascii_digit());
    rest.len() < line.len() && (rest.starts_with(". ") || rest.starts_with(") "))
}

/// The cells of a table's row, separated by commas; nothing of the row under its head.
fn cells(line: &str) -> Option<String> {
    let row = line.strip_prefix('|')?;
    let row = row.strip_suffix('|').unwrap_or(row);
    if !row.contains(char::is_alphanumeric) {
        return Some(String::new());
    }
    let cells: Vec<_> = row
        .split('|')
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect();
    Some(cells.join(", "))
}
