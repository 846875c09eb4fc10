//! Which words the recogniser can pronounce.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ringback_pocketsphinx::{Model, REMEDY};

/// The words of a pronunciation dictionary, and pronunciations added to it.
pub struct Dictionary {
    /// The words, sorted, each followed by a line break.
    text: String,
    /// Where each word begins in the text.
    starts: Vec<u32>,
    added: BTreeMap<String, String>,
}

/// Why there is no dictionary, or why a pronunciation was refused.
#[derive(Debug, thiserror::Error)]
pub enum DictionaryError {
    /// The file cannot be read.
    #[error("the pronunciation dictionary {} cannot be read ({why}): {REMEDY}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// A word that has a pronunciation already.
    #[error("\"{word}\" has a pronunciation already: leave it out")]
    Known {
        /// The word.
        word: String,
    },
    /// A pronunciation uses a sound that the acoustic model lacks.
    #[error("\"{phone}\" in the pronunciation of \"{word}\" is no sound of American English; they are {}", PHONES.join(" "))]
    Phone {
        /// The word.
        word: String,
        /// What is no sound.
        phone: String,
    },
}

/// The sounds of Debian's American English model, in the alphabet of the CMU dictionary.
const PHONES: [&str; 39] = [
    "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH",
    "IH", "IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH",
    "UW", "V", "W", "Y", "Z", "ZH",
];

impl Dictionary {
    /// Reads the words of a dictionary in the format of CMU's: a word and its sounds on each line.
    ///
    /// # Errors
    /// [`DictionaryError::Unreadable`] names the file and what to install.
    pub fn load(path: &Path) -> Result<Self, DictionaryError> {
        let bytes = std::fs::read(path).map_err(|error| DictionaryError::Unreadable {
            path: path.to_path_buf(),
            why: error.to_string(),
        })?;
        Ok(Self::parse(&String::from_utf8_lossy(&bytes)))
    }

    /// Reads Debian's American English dictionary.
    ///
    /// # Errors
    /// As [`Dictionary::load`].
    pub fn load_default() -> Result<Self, DictionaryError> {
        Self::load(&Model::debian().dictionary)
    }

    fn parse(file: &str) -> Self {
        // A second pronunciation of a word is written `word(2)`.
        let words = file
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        let mut words: Vec<&str> = words.filter(|word| !word.ends_with(')')).collect();
        words.sort_unstable();
        words.dedup();
        let mut text = String::with_capacity(words.iter().map(|word| word.len() + 1).sum());
        let mut starts = Vec::with_capacity(words.len());
        for word in words {
            starts.extend(u32::try_from(text.len()));
            text.push_str(word);
            text.push('\n');
        }
        Self {
            text,
            starts,
            added: BTreeMap::new(),
        }
    }

    /// Whether the recogniser can pronounce the word. Words are lower-case.
    pub fn contains(&self, word: &str) -> bool {
        self.added.contains_key(word)
            || self
                .starts
                .binary_search_by(|start| self.word_at(*start).cmp(word))
                .is_ok()
    }

    fn word_at(&self, start: u32) -> &str {
        let rest = &self.text[start as usize..];
        rest.split_once('\n').map_or(rest, |(word, _)| word)
    }

    /// Adds a word, such as a company's name, with its sounds: `"S AH D EH K S OW"`.
    ///
    /// # Errors
    /// [`DictionaryError::Phone`] names the first sound that does not exist, [`DictionaryError::Known`] a known word.
    pub fn add(&mut self, word: &str, phones: &str) -> Result<(), DictionaryError> {
        let phones: Vec<&str> = phones.split_whitespace().collect();
        let wrong = phones.iter().find(|phone| !PHONES.contains(phone));
        if let Some(phone) = wrong.or(phones.is_empty().then_some(&"")) {
            return Err(DictionaryError::Phone {
                word: word.to_string(),
                phone: (*phone).to_string(),
            });
        }
        let word = word.to_lowercase();
        if self.contains(&word) {
            return Err(DictionaryError::Known { word });
        }
        self.added.insert(word, phones.join(" "));
        Ok(())
    }

    /// The pronunciation that was added for the word.
    pub(super) fn added(&self, word: &str) -> Option<&str> {
        self.added.get(word).map(String::as_str)
    }
}

impl std::fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Dictionary({} words, {} added)",
            self.starts.len(),
            self.added.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_and_second_pronunciations_are_not_words() {
        let mut dictionary = Dictionary::parse("zoo Z UW\na AH\na(2) EY\nan AE N\nthe DH AH\n");
        for (word, known) in [
            ("a", true),
            ("an", true),
            ("zoo", true),
            ("the", true),
            ("a(2)", false),
            ("", false),
            ("zo", false),
        ] {
            assert_eq!(dictionary.contains(word), known, "{word}");
        }
        assert!(dictionary.add("Ringback", "R IH NG B AE K").is_ok());
        assert!(dictionary.contains("ringback"));
        let error = dictionary
            .add("x", "EH K Q")
            .map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.starts_with("\"Q\" in the pronunciation of \"x\"")));
    }
}
