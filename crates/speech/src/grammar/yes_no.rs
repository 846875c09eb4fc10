//! Yes and no, in the usual ways.

const YES: &[&str] = &[
    "yes",
    "yeah",
    "yep",
    "yup",
    "sure",
    "okay",
    "correct",
    "right",
    "absolutely",
    "definitely",
    "certainly",
    "of course",
    "that is right",
    "that's right",
    "that is correct",
    "that's correct",
    "yes i do",
    "yes i am",
    "yes i would",
    "yes it is",
    "yes it was",
    "i do",
    "i would",
    "please do",
    "go ahead",
    "sounds good",
    "all right",
    "yes yes",
    "yes sure",
    "yes of course",
    "yes that is right",
    "yes that's right",
    "yes that is correct",
];
const NO: &[&str] = &[
    "no",
    "nope",
    "nah",
    "no i don't",
    "no i do not",
    "i don't",
    "i do not",
    "no it isn't",
    "no it is not",
    "no it wasn't",
    "not really",
    "not at all",
    "not now",
    "that is wrong",
    "that's wrong",
    "incorrect",
    "never",
    "no no",
    "no way",
    "i don't think so",
    "that is not right",
    "that's not right",
    "no i wouldn't",
    "no not really",
];
/// Words that turn a sentence round, wherever they stand.
const TURNS: &[&str] = &[
    "not", "don't", "isn't", "wasn't", "wouldn't", "never", "can't", "won't",
];
/// Words that say yes or no within a longer sentence.
const PLAIN_YES: &[&str] = &[
    "yes",
    "yeah",
    "yep",
    "yup",
    "sure",
    "absolutely",
    "definitely",
    "certainly",
];
const PLAIN_NO: &[&str] = &["no", "nope", "nah"];

/// Yes or no, if these words are one of the usual ways.
pub(super) fn whole(words: &[String]) -> Option<bool> {
    let among = |list: &[&str]| {
        list.iter()
            .any(|entry| entry.split(' ').eq(words.iter().map(String::as_str)))
    };
    match (among(YES), among(NO)) {
        (true, _) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    }
}

/// Yes or no within a longer sentence, if nothing in it speaks for the other.
pub(super) fn within(words: &[String]) -> Option<bool> {
    let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    match (any(PLAIN_YES), any(PLAIN_NO), any(TURNS)) {
        (true, false, false) => Some(true),
        (false, true, _) => Some(false),
        _ => None,
    }
}

/// All of the ways, as JSGF alternatives.
pub(super) fn expansion() -> String {
    let ways: Vec<_> = YES.iter().chain(NO).copied().collect();
    ways.join(" | ")
}
