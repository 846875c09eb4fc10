//! Emoji and signs that are pictures.

use std::borrow::Cow;

/// `text` without pictures. What joins pictures goes with them, but stays where it joins letters.
pub(super) fn dropped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_picture = false;
    for character in text.chars() {
        let joins = character == '\u{200d}';
        let goes = is_picture(character) || (joins && after_picture);
        if goes && !joins && !after_picture && !is_selector(character) {
            out.push(' ');
        }
        if !goes {
            out.push(character);
        }
        after_picture = goes;
    }
    out
}

/// Faces that are made of marks, where they stand by themselves or end a word.
const FACES: [&str; 28] = [
    ":-)",
    ":)",
    ":-]",
    ":]",
    ":-(",
    ":(",
    ":'(",
    ";-)",
    ";)",
    ":-D",
    ":D",
    ":-P",
    ":P",
    ":-p",
    ":p",
    ":-/",
    ":/",
    ":-|",
    ":|",
    ":-*",
    ":*",
    ":-O",
    ":-o",
    ":O",
    ":o",
    "=)",
    "^_^",
    "\u{af}\\_(\u{30c4})_/\u{af}",
];
/// Those that mean nothing else behind a word.
const ENDINGS: [&str; 4] = [":-)", ":)", ";-)", ";)"];

/// The text without faces that are made of marks.
pub(super) fn without_faces(text: &str) -> Cow<'_, str> {
    let is_face = |word: &str| FACES.contains(&word.trim_end_matches(['.', ',', '!', '?']));
    let ends = |word: &str| {
        ENDINGS
            .into_iter()
            .find(|face| !text.contains('(') && word.ends_with(face))
    };
    if !text
        .split(' ')
        .any(|word| is_face(word) || ends(word).is_some())
    {
        return Cow::Borrowed(text);
    }
    let kept = text.split(' ').map(|word| {
        if is_face(word) {
            // The mark behind a face ends the sentence before it.
            return word.trim_start_matches(|c| !matches!(c, '.' | ',' | '!' | '?'));
        }
        ends(word).map_or(word, |face| &word[..word.len() - face.len()])
    });
    Cow::Owned(kept.collect::<Vec<_>>().join(" "))
}

fn is_selector(character: char) -> bool {
    matches!(character, '\u{fe00}'..='\u{fe0f}' | '\u{20e3}' | '\u{e0020}'..='\u{e007f}')
}

fn is_picture(character: char) -> bool {
    is_selector(character)
        || matches!(
            character,
            '\u{a9}' | '\u{ae}' | '\u{2022}' | '\u{2122}' | '\u{2139}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}'
            | '\u{2190}'..='\u{21ff}'
            | '\u{2300}'..='\u{23ff}'
            | '\u{24c2}'
            | '\u{2500}'..='\u{27bf}'
            | '\u{2900}'..='\u{297f}'
            | '\u{2b00}'..='\u{2bff}'
            | '\u{1f000}'..='\u{1faff}'
        )
}
