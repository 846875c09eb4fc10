//! Text that was written for the eye, turned into text for the ear.
//!
//! Models write headings, lists, links, emoji and symbols even when they are told that they speak. What is markup goes,
//! what has a spoken form gets it: addresses are read out, telephone numbers become digits in groups, amounts and symbols
//! become words. Words are known for English, German and Spanish; in other languages addresses, numbers and symbols are
//! left to the voice. In German and Spanish, which voices take for English where a figure stands, figures, days, times,
//! units and abbreviations are words too.

mod amounts;
mod counting;
mod digits;
mod emoji;
mod figures;
mod inline;
mod lines;
mod links;
mod shorthand;
mod symbols;
mod web;
mod words;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use figures::Figures;
use words::Words;

/// How many times longer than its source a text for the ear may be.
const MOST_GROWTH: usize = 16;
/// Markup can stand within markup, but not deeper.
const MOST_PASSES: usize = 8;

/// The speakable form of one or more whole sentences in `language`, a tag such as `de` or `de-AT`: one line without
/// space around it, empty if there is nothing to say. What is speakable stays as it is; nothing grows beyond sixteen times its
/// length in bytes.
#[must_use]
pub fn speakable<'a>(text: &'a str, language: &str) -> Cow<'a, str> {
    let (words, figures) = (Words::of(language), Figures::of(language));
    let mut spoken = pass(text, words, figures);
    if spoken == text {
        return Cow::Borrowed(text);
    }
    for _ in 0..MOST_PASSES {
        let again = pass(&spoken, words, figures);
        if again == spoken {
            if spoken.len() <= MOST_GROWTH * text.len() {
                return Cow::Owned(spoken);
            }
            break;
        }
        spoken = again;
    }
    Cow::Owned(letters(text))
}

fn pass(text: &str, words: Option<&Words>, figures: Option<Figures>) -> String {
    let line = lines::joined(text);
    let line = emoji::without_faces(&line);
    let line = links::followed(&line);
    let mut line = inline::plain(&line, words);
    if let Some(words) = words {
        line = digits::telephone_numbers(&line, words);
        line = amounts::spelled(&line, words);
        if let Some(figures) = figures {
            line = shorthand::expanded(&line, figures.language());
        }
        line = symbols::spelled(&line, words);
        if let Some(figures) = figures {
            line = figures.spelled(&line);
        }
    }
    tidy(&emoji::dropped(&line))
}

/// One line, no space before a mark that ends something; nothing if there is no letter and no digit in it.
fn tidy(text: &str) -> String {
    if !text.contains(char::is_alphanumeric) {
        return String::new();
    }
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let mark = word.starts_with(['.', ',', '!', '?']) && !word.contains(char::is_alphanumeric);
        if !line.is_empty() && !mark {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// The last resort for a text that is all markup: its letters.
fn letters(text: &str) -> String {
    let plain = emoji::dropped(text);
    let kept = |character: char| {
        if character.is_alphabetic() {
            character
        } else {
            ' '
        }
    };
    tidy(&plain.chars().map(kept).collect::<String>())
}
