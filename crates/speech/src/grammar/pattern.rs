//! A phrase with optional words and alternatives: `[the | a] front desk (please | thanks)`.

use super::GrammarError;
use super::words::{spelt, words};

/// A stretch of a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// The alternatives, each a few words.
    ways: Vec<Vec<String>>,
    optional: bool,
}

/// A phrase, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

impl Pattern {
    /// Parses a phrase as a user writes it.
    pub(super) fn parse(phrase: &str) -> Result<Self, GrammarError> {
        let wrong = |why| GrammarError::Phrase {
            phrase: phrase.to_string(),
            why,
        };
        let mut pieces = Vec::new();
        let mut rest = phrase;
        while let Some(at) = rest.find(['[', '(', ']', ')', '|']) {
            pieces.extend(Self::plain(&rest[..at]).0);
            let (close, optional) = match rest.as_bytes()[at] {
                b'[' => (']', true),
                b'(' => (')', false),
                b'|' => return Err(wrong("has | outside brackets: put the alternatives in ( )")),
                _ => return Err(wrong("has a closing bracket too many")),
            };
            let inside = &rest[at + 1..];
            let end = inside
                .find(close)
                .ok_or_else(|| wrong("has a bracket that is not closed"))?;
            let group = &inside[..end];
            if group.contains(['[', '(', ']', ')']) {
                return Err(wrong(
                    "has brackets in brackets: list the alternatives side by side",
                ));
            }
            let ways: Vec<_> = group.split('|').map(|way| spelt(&words(way))).collect();
            if ways.iter().any(Vec::is_empty) {
                return Err(wrong(
                    "has an empty alternative: write [ ] for what may be left out",
                ));
            }
            pieces.push(Piece { ways, optional });
            rest = &inside[end + 1..];
        }
        pieces.extend(Self::plain(rest).0);
        if pieces.iter().all(|piece| piece.optional) {
            return Err(wrong("has no word that must be said"));
        }
        Ok(Self(pieces))
    }

    /// A phrase of fixed words.
    pub(super) fn plain(text: &str) -> Self {
        let fixed = |word| Piece {
            ways: vec![vec![word]],
            optional: false,
        };
        Self(spelt(&words(text)).into_iter().map(fixed).collect())
    }

    /// Whether these words are the phrase.
    pub(super) fn is(&self, words: &[String]) -> bool {
        self.ends(words).contains(&words.len())
    }

    /// All numbers of words of which the phrase can be the beginning of these.
    pub(super) fn ends(&self, words: &[String]) -> Vec<usize> {
        let mut ends = vec![0];
        for piece in &self.0 {
            let mut next = if piece.optional {
                ends.clone()
            } else {
                Vec::new()
            };
            for end in &ends {
                let matching = piece
                    .ways
                    .iter()
                    .filter(|way| words[*end..].starts_with(way));
                next.extend(matching.map(|way| end + way.len()));
            }
            next.sort_unstable();
            next.dedup();
            ends = next;
        }
        ends
    }

    /// Every word of it.
    pub(super) fn vocabulary(&self) -> impl Iterator<Item = &String> {
        self.0.iter().flat_map(|piece| piece.ways.iter().flatten())
    }

    /// Its JSGF expansion.
    pub(super) fn expansion(&self) -> String {
        let piece = |piece: &Piece| {
            let ways: Vec<_> = piece.ways.iter().map(|way| way.join(" ")).collect();
            let ways = ways.join(" | ");
            match (piece.optional, piece.ways.len()) {
                (true, _) => format!("[{ways}]"),
                (false, 1) => ways,
                (false, _) => format!("({ways})"),
            }
        };
        self.0.iter().map(piece).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(phrase: &str, text: &str, expected: bool) {
        let pattern = Pattern::parse(phrase).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            pattern.is(&spelt(&words(text))),
            expected,
            "{phrase} / {text}"
        );
    }

    #[test]
    fn optional_words_and_alternatives_match() {
        check("[the | a] front desk", "front desk", true);
        check("[the | a] front desk", "The front desk!", true);
        check("[the | a] front desk", "that front desk", false);
        check(
            "(talk | speak) to (a manager | someone)",
            "speak to a manager",
            true,
        );
        check(
            "(talk | speak) to (a manager | someone)",
            "speak to manager",
            false,
        );
        check("24 hour service", "twenty four hour service", true);
        check("24 hour service", "24-hour service", true);
        check("[no] no", "no", true);
    }

    #[test]
    fn a_malformed_phrase_says_what_is_wrong() {
        for phrase in [
            "", "[please]", "a | b", "(a", "a)", "([a] b)", "(a|)", "...",
        ] {
            assert!(
                matches!(Pattern::parse(phrase), Err(GrammarError::Phrase { .. })),
                "{phrase}"
            );
        }
    }

    #[test]
    fn a_phrase_is_written_as_jsgf() {
        let expansion = |phrase| Pattern::parse(phrase).map(|pattern| pattern.expansion());
        assert_eq!(
            expansion("[the|a] desk (one | two)"),
            Ok("[the | a] desk (one | two)".into())
        );
    }
}
