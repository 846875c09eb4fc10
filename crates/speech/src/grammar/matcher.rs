//! One form of an answer: what it sounds like to the parser of text.

use super::edges::{Edges, is_hesitation};
use super::pattern::Pattern;
use super::words::{spelt, words};
use super::{Answers, Expect, GrammarError, Interpretation, Meaning, dates, numbers, yes_no};

/// A pattern, with the place and text of the entry of the list it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) pattern: Pattern,
    index: usize,
    text: String,
}

/// A form of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Matcher {
    Open,
    YesNo,
    Number { min: i64, max: i64 },
    Digits { min: u32, max: u32 },
    Date,
    Phrases(Vec<Entry>),
    Names(Vec<Entry>),
    Keywords(Vec<Entry>),
}

/// Words read of a text; a telephone answer is shorter, and the search below grows with the square.
const MAX_WORDS: usize = 100;

impl Matcher {
    /// The forms of an expectation, those within `Any` side by side.
    pub(super) fn all(expect: &Expect) -> Result<Vec<Self>, GrammarError> {
        let one = match expect {
            Expect::Open => Self::Open,
            Expect::YesNo => Self::YesNo,
            Expect::Date => Self::Date,
            Expect::Number { min, max } if min > max => {
                return Err(GrammarError::Empty(
                    "the least number is greater than the greatest",
                ));
            }
            Expect::Digits { min, max } if min > max || *max == 0 => {
                return Err(GrammarError::Empty(
                    "no count of digits is within the bounds",
                ));
            }
            Expect::Number { min, max } => Self::Number {
                min: *min,
                max: *max,
            },
            Expect::Digits { min, max } => Self::Digits {
                min: *min,
                max: *max,
            },
            Expect::Phrases(list) => Self::Phrases(entries(list)?),
            Expect::Keywords(list) => Self::Keywords(entries(list)?),
            Expect::Name(list) => Self::Names(names(list)?),
            Expect::Any(parts) => {
                let nested: Result<Vec<_>, _> = parts.iter().map(Self::all).collect();
                let all: Vec<_> = nested?.into_iter().flatten().collect();
                return if all.is_empty() {
                    Err(GrammarError::Empty("the list of forms has no entry"))
                } else {
                    Ok(all)
                };
            }
        };
        Ok(vec![one])
    }

    /// What these words mean if they are an answer of this form and nothing else.
    fn whole(&self, words: &[String], spelt: &[String]) -> Option<Meaning> {
        match self {
            Self::Open => None,
            Self::YesNo => yes_no::whole(words).map(Meaning::YesNo),
            Self::Number { min, max } => numbers::number(words)
                .filter(|number| (min..=max).contains(&number))
                .map(Meaning::Number),
            Self::Digits { min, max } => numbers::digits(words)
                .filter(|digits| (*min as usize..=*max as usize).contains(&digits.len()))
                .map(Meaning::Digits),
            Self::Date => dates::day(words).map(Meaning::Date),
            Self::Phrases(list) | Self::Names(list) | Self::Keywords(list) => list
                .iter()
                .find(|entry| entry.pattern.is(spelt))
                .map(|entry| self.meaning(entry)),
        }
    }

    fn meaning(&self, entry: &Entry) -> Meaning {
        let (index, text) = (entry.index, entry.text.clone());
        match self {
            Self::Names(_) => Meaning::Name { index, text },
            Self::Keywords(_) => Meaning::Keyword { index, text },
            Self::Open
            | Self::YesNo
            | Self::Number { .. }
            | Self::Digits { .. }
            | Self::Date
            | Self::Phrases(_) => Meaning::Phrase { index, text },
        }
    }

    /// The kind of its answers.
    pub(super) fn answers(&self) -> Answers {
        match self {
            Self::Phrases(_) | Self::Names(_) | Self::Keywords(_) => Answers::Phrases,
            Self::YesNo => Answers::YesNo,
            Self::Number { max, .. } if *max <= ONE_WORD => Answers::Numbers,
            Self::Open | Self::Number { .. } | Self::Digits { .. } | Self::Date => Answers::Strings,
        }
    }

    /// Every word the recogniser must know.
    pub(super) fn vocabulary(&self) -> Vec<String> {
        match self {
            Self::Phrases(list) | Self::Names(list) | Self::Keywords(list) => list
                .iter()
                .flat_map(|entry| entry.pattern.vocabulary().cloned())
                .collect(),
            Self::Open | Self::YesNo | Self::Number { .. } | Self::Digits { .. } | Self::Date => {
                Vec::new()
            }
        }
    }

    /// The entries, where the form is a list.
    pub(super) fn entries(&self) -> &[Entry] {
        match self {
            Self::Phrases(list) | Self::Names(list) | Self::Keywords(list) => list,
            Self::Open | Self::YesNo | Self::Number { .. } | Self::Digits { .. } | Self::Date => {
                &[]
            }
        }
    }
}

fn entries(list: &[String]) -> Result<Vec<Entry>, GrammarError> {
    if list.is_empty() {
        return Err(GrammarError::Empty("the list has no entry"));
    }
    let entry = |(index, text): (usize, &String)| {
        Ok(Entry {
            pattern: Pattern::parse(text)?,
            index,
            text: text.clone(),
        })
    };
    list.iter().enumerate().map(entry).collect()
}

/// Names in full, and each part that only one of them has.
fn names(list: &[String]) -> Result<Vec<Entry>, GrammarError> {
    let mut all = entries(list)?;
    let parts: Vec<Vec<String>> = list.iter().map(|name| words(name)).collect();
    for (index, name) in parts.iter().enumerate().filter(|(_, name)| name.len() > 1) {
        for part in name {
            let elsewhere = parts
                .iter()
                .enumerate()
                .any(|(other, name)| other != index && name.contains(part));
            let pattern = Pattern::plain(part);
            let known = all.iter().any(|entry| entry.pattern == pattern);
            if part.len() > 2 && !elsewhere && !known {
                all.push(Entry {
                    pattern,
                    index,
                    text: list[index].clone(),
                });
            }
        }
    }
    Ok(all)
}

/// The highest number up to which each is one word.
const ONE_WORD: i64 = 20;

/// What stands around an answer without being of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Around {
    /// An "um" before it.
    pub(crate) hesitation: bool,
    /// An "it is" before it.
    pub(crate) lead: bool,
    /// A "please" after it.
    pub(crate) tail: bool,
}

/// An answer with the places where it begins and ends.
struct Found {
    meaning: Meaning,
    begin: usize,
    end: usize,
}

/// The longest answer that is all of the words but for what may stand around it.
fn find(matchers: &[Matcher], words: &[String]) -> Option<Found> {
    let edges = Edges::of(matchers);
    let (beginnings, mut endings) = (edges.beginnings(words), edges.endings(words));
    endings.sort_unstable_by(|a, b| b.cmp(a));
    beginnings.iter().find_map(|&begin| {
        endings.iter().filter(|end| **end > begin).find_map(|&end| {
            let meaning = any(matchers, &words[begin..end])?;
            Some(Found {
                meaning,
                begin,
                end,
            })
        })
    })
}

/// What stands around the answer in words of the grammar, be they a sentence or the beginning of one.
pub(super) fn around(matchers: &[Matcher], text: &str) -> Around {
    let words = words(text);
    let (begin, end) = find(matchers, &words).map_or_else(
        || {
            let beginnings = Edges::of(matchers).beginnings(&words);
            (beginnings.last().copied().unwrap_or(0), words.len())
        },
        |found| (found.begin, found.end),
    );
    let before = &words[..begin];
    Around {
        hesitation: before.iter().any(|word| is_hesitation(word)),
        lead: before.iter().any(|word| !is_hesitation(word)),
        tail: end < words.len(),
    }
}

/// What the text means to one who expects any of these forms.
pub(super) fn interpret(matchers: &[Matcher], text: &str) -> Interpretation {
    let mut words = words(text);
    words.truncate(MAX_WORDS);
    let open = matchers.contains(&Matcher::Open);
    if let Some(found) = find(matchers, &words) {
        return Interpretation {
            meaning: found.meaning,
            complete: !open,
        };
    }
    let meaning = within(matchers, &words).unwrap_or(Meaning::Nothing);
    let keyword = matches!(meaning, Meaning::Keyword { .. });
    Interpretation {
        meaning,
        complete: keyword && !open,
    }
}

fn any(matchers: &[Matcher], part: &[String]) -> Option<Meaning> {
    let spelt = spelt(part);
    matchers
        .iter()
        .find_map(|matcher| matcher.whole(part, &spelt))
}

/// The longest stretch of a longer sentence that is an answer.
fn within(matchers: &[Matcher], words: &[String]) -> Option<Meaning> {
    let count = words.len();
    let found = (1..=count).rev().find_map(|length| {
        (0..=count - length).find_map(|at| {
            let part = &words[at..at + length];
            let meaning = any(matchers, part)?;
            // "i don't want the manager" holds "the manager" and "one more thing" holds "one".
            let wanted = !matches!(meaning, Meaning::YesNo(_))
                && !accidental(&meaning, words, at, at + length);
            wanted.then_some(meaning)
        })
    });
    found.or_else(|| {
        matchers
            .contains(&Matcher::YesNo)
            .then(|| yes_no::within(words).map(Meaning::YesNo))?
    })
}

/// Whether a number is only a word of the sentence, or a part of a longer number.
fn accidental(meaning: &Meaning, words: &[String], at: usize, end: usize) -> bool {
    if !matches!(meaning, Meaning::Number(_) | Meaning::Digits(_)) {
        return false;
    }
    let part = &words[at..end];
    let before = words[..at].iter().rev().find(|word| *word != "and");
    let after = words[end..].iter().find(|word| *word != "and");
    let longer = before
        .into_iter()
        .chain(after)
        .any(|word| numbers::is_number_word(word));
    longer || matches!(part, [word] if matches!(word.as_str(), "one" | "oh" | "o"))
}
