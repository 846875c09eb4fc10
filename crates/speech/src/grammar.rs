//! What callers are expected to say: compiled for the recogniser, and understood from its text.
//!
//! A closed expectation becomes a JSGF grammar, in which PocketSphinx is accurate on the telephone; an open one
//! searches the general language model. Understanding is parsing of text alone, so it serves typed answers too.
//!
//! ```
//! use ringback_speech::grammar::{Day, Expect, Meaning, interpret};
//!
//! let rating = Expect::Number { min: 1, max: 10 };
//! assert_eq!(interpret(&rating, "um I would say seven please"), Meaning::Number(7));
//! assert_eq!(interpret(&Expect::YesNo, "no thank you"), Meaning::YesNo(false));
//! let date = interpret(&Expect::Date, "on the third of March");
//! assert_eq!(date, Meaning::Date(Day::MonthDay { month: 3, day: 3 }));
//! ```

mod dates;
mod dictionary;
mod edges;
mod jsgf;
mod matcher;
mod numbers;
mod other;
mod other_days;
mod pattern;
mod words;
mod yes_no;

use std::collections::BTreeMap;

pub use dates::Day;
pub use dictionary::{Dictionary, DictionaryError};
pub(crate) use matcher::Around;
use matcher::Matcher;
pub use other::interpret_in;

/// What a caller may say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Anything, from a general vocabulary: the least accurate.
    Open,
    /// One of these sentences. `[please]` is optional, `[a | the]` and `(red | green)` are alternatives.
    Phrases(Vec<String>),
    /// Yes or no, in the usual ways.
    YesNo,
    /// A whole number in words or figures, -999,999 to 999,999.
    Number {
        /// The least accepted.
        min: i64,
        /// The greatest accepted.
        max: i64,
    },
    /// Digits said one by one, as of a code or a telephone number.
    Digits {
        /// The fewest accepted.
        min: u32,
        /// The most accepted.
        max: u32,
    },
    /// A day: "tomorrow", "next Monday", "the third of March".
    Date,
    /// One of these names, whole or by a part that only one of them has.
    Name(Vec<String>),
    /// One of these words or phrases, within a sentence of common words or alone.
    Keywords(Vec<String>),
    /// Whichever of these fits; with [`Expect::Open`] among them everything is heard by the general vocabulary.
    Any(Vec<Expect>),
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// Yes (`true`) or no.
    YesNo(bool),
    /// A number within the expected range.
    Number(i64),
    /// Digits, as many as expected.
    Digits(String),
    /// A day.
    Date(Day),
    /// One of the phrases.
    Phrase {
        /// Its place in the list.
        index: usize,
        /// The phrase as it stands in the list.
        text: String,
    },
    /// One of the names.
    Name {
        /// Its place in the list.
        index: usize,
        /// The name as it stands in the list.
        text: String,
    },
    /// One of the keywords.
    Keyword {
        /// Its place in the list.
        index: usize,
        /// The keyword as it stands in the list.
        text: String,
    },
    /// Nothing that was expected; the text may still be of use.
    Nothing,
}

/// Why an expectation cannot be listened for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrammarError {
    /// Words that the recogniser cannot pronounce.
    #[error("no pronunciation is known for {}: spell them as common English words that sound like them, or use other words", quoted(.words))]
    UnknownWords {
        /// The words, sorted, each once.
        words: Vec<String>,
    },
    /// A phrase is not well formed.
    #[error("the phrase \"{phrase}\" {why}")]
    Phrase {
        /// The phrase.
        phrase: String,
        /// What is wrong with it, and what to do.
        why: &'static str,
    },
    /// A range that holds nothing, or a list without entries.
    #[error("nothing can be said that fits: {0}")]
    Empty(&'static str),
}

fn quoted(words: &[String]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
    quoted.join(", ")
}

/// Kinds of answers, from those that other speech is least easily taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answers {
    /// Phrases, names, keywords.
    Phrases,
    /// Yes and no.
    YesNo,
    /// Numbers of one word.
    Numbers,
    /// Strings of digits, longer numbers, days: whatever is said, some of them sounds like it.
    Strings,
}

/// How the recogniser searches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Search {
    /// The general language model.
    Open,
    /// A grammar in JSGF, with pronunciations that the dictionary of the decoder lacks.
    Closed {
        jsgf: String,
        pronunciations: BTreeMap<String, String>,
    },
}

/// A compiled expectation.
#[derive(Debug, Clone)]
pub struct Grammar {
    matchers: Vec<Matcher>,
    search: Search,
}

/// What a text means, and whether it is a whole sentence of the grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpretation {
    /// What was said.
    pub meaning: Meaning,
    /// Whether the text is a whole answer, so that there is nothing to wait for.
    pub complete: bool,
}

impl Grammar {
    /// Compiles an expectation.
    ///
    /// # Errors
    /// [`GrammarError::UnknownWords`] names every word without a pronunciation; the others what is malformed.
    pub fn compile(expect: &Expect, dictionary: &Dictionary) -> Result<Self, GrammarError> {
        let matchers = Matcher::all(expect)?;
        let mut unknown = Vec::new();
        let mut pronunciations = BTreeMap::new();
        for word in matchers.iter().flat_map(Matcher::vocabulary) {
            if let Some(phones) = dictionary.added(&word) {
                pronunciations.insert(word, phones.to_string());
            } else if !dictionary.contains(&word) {
                unknown.push(word);
            }
        }
        let search = if matchers
            .iter()
            .any(|matcher| matches!(matcher, Matcher::Open))
        {
            Search::Open
        } else if unknown.is_empty() {
            Search::Closed {
                jsgf: jsgf::write(&matchers),
                pronunciations,
            }
        } else {
            unknown.sort();
            unknown.dedup();
            return Err(GrammarError::UnknownWords { words: unknown });
        };
        Ok(Self { matchers, search })
    }

    /// What the text means. Text of the recogniser and typed text, words and figures, are understood alike.
    pub fn interpret(&self, text: &str) -> Interpretation {
        matcher::interpret(&self.matchers, text)
    }

    /// Whether the general vocabulary is searched.
    pub fn is_open(&self) -> bool {
        self.search == Search::Open
    }

    /// The kind of its answers; of several kinds the one that is taken most easily.
    pub(crate) fn answers(&self) -> Answers {
        let kinds = self.matchers.iter().map(Matcher::answers);
        kinds.max().unwrap_or(Answers::Numbers)
    }

    /// What stands around the answer in a sentence of this grammar.
    pub(crate) fn around(&self, text: &str) -> Around {
        matcher::around(&self.matchers, text)
    }

    pub(crate) fn search(&self) -> &Search {
        &self.search
    }
}

/// What the text means to one who expects this. A malformed expectation means nothing.
pub fn interpret(expect: &Expect, text: &str) -> Meaning {
    match Matcher::all(expect) {
        Ok(matchers) => matcher::interpret(&matchers, text).meaning,
        Err(_) => Meaning::Nothing,
    }
}
