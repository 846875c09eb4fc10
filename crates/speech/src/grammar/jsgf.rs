//! The grammar as the text that PocketSphinx compiles.

use std::fmt::Write as _;

use super::edges::Edges;
use super::matcher::Matcher;
use super::{dates, numbers, yes_no};

/// Common words of a sentence that a keyword may stand in. They also give words to what is not expected, so that it
/// is not bent to a keyword.
pub(super) const CARRIERS: &[&str] = &[
    "a",
    "about",
    "and",
    "are",
    "ask",
    "at",
    "be",
    "but",
    "call",
    "can",
    "could",
    "do",
    "does",
    "for",
    "from",
    "get",
    "give",
    "have",
    "hello",
    "help",
    "hi",
    "how",
    "i",
    "i'd",
    "i'm",
    "in",
    "is",
    "it",
    "it's",
    "know",
    "like",
    "me",
    "much",
    "my",
    "need",
    "not",
    "of",
    "on",
    "or",
    "please",
    "question",
    "something",
    "speak",
    "talk",
    "tell",
    "that",
    "the",
    "there",
    "this",
    "to",
    "um",
    "was",
    "we",
    "what",
    "when",
    "where",
    "which",
    "who",
    "with",
    "would",
    "you",
    "your",
];

/// Writes the grammar. Its only public rule is `<said>`.
pub(super) fn write(matchers: &[Matcher]) -> String {
    let mut text = String::from("#JSGF V1.0;\ngrammar answer;\n");
    text.push_str(&Edges::of(matchers).rules());
    if matchers
        .iter()
        .any(|matcher| matches!(matcher, Matcher::Number { .. } | Matcher::Digits { .. }))
    {
        text.push_str(numbers::RULES);
    }
    if matchers.contains(&Matcher::Date) {
        text.push_str(dates::RULES);
    }
    let mut names = Vec::new();
    for (number, matcher) in matchers.iter().enumerate() {
        let expansion = expansion(matcher);
        let _ = writeln!(text, "<form{number}> = {expansion};");
        names.push(format!("<form{number}>"));
    }
    if matchers
        .iter()
        .any(|matcher| matches!(matcher, Matcher::Keywords(_)))
    {
        let _ = writeln!(text, "<carrier> = {};", CARRIERS.join(" | "));
    }
    let _ = writeln!(
        text,
        "public <said> = [<um>] [<lead>] ({}) [<tail>];",
        names.join(" | ")
    );
    text
}

fn expansion(matcher: &Matcher) -> String {
    let list = || {
        let ways: Vec<_> = matcher
            .entries()
            .iter()
            .map(|entry| entry.pattern.expansion())
            .collect();
        ways.join(" | ")
    };
    match matcher {
        Matcher::Open => "<NULL>".to_string(),
        Matcher::YesNo => yes_no::expansion(),
        Matcher::Number { min, max } => numbers::expansion(*min, *max),
        Matcher::Digits { min, max } => numbers::digits_expansion(*min, *max),
        Matcher::Date => "<day>".to_string(),
        Matcher::Phrases(_) | Matcher::Names(_) => list(),
        Matcher::Keywords(_) => format!("<carrier>* ({}) <carrier>*", list()),
    }
}
