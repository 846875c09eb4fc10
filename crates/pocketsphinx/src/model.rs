//! Where a decoder's models are, and how hard it searches.

use std::ffi::CStr;
use std::path::{Path, PathBuf};

/// Frames kept before speech where silence is dropped.
const KEPT_BEFORE: u32 = 35;
/// Frames kept after speech where silence is dropped.
const KEPT_AFTER: u32 = 50;

/// Files of a language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Directory of the acoustic model.
    pub acoustic: PathBuf,
    /// Pronunciation dictionary, one `word PH ON EM` a line.
    pub dictionary: PathBuf,
    /// General language model in the binary form, for free vocabulary.
    pub language: PathBuf,
}

impl Model {
    /// American English as Debian's package `pocketsphinx-en-us` installs it.
    pub fn debian() -> Self {
        Self::in_directory(Path::new("/usr/share/pocketsphinx/model/en-us"))
    }

    /// American English in a directory laid out like Debian's.
    pub fn in_directory(directory: &Path) -> Self {
        Self {
            acoustic: directory.join("en-us"),
            dictionary: directory.join("cmudict-en-us.dict"),
            language: directory.join("en-us.lm.bin"),
        }
    }

    /// The first file that a decoder would miss, if any.
    pub fn missing(&self) -> Option<PathBuf> {
        [
            "mdef",
            "means",
            "variances",
            "transition_matrices",
            "feat.params",
        ]
        .map(|name| self.acoustic.join(name))
        .into_iter()
        .chain([self.dictionary.clone()])
        .find(|file| !file.is_file())
    }
}

/// How wide a decoder searches: time against accuracy. Values outside the stated range are brought into it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    /// Width of the search as a probability ratio to the best path, over 0 and at most 1; smaller is wider.
    pub beam: f64,
    /// The same for word ends.
    pub word_beam: f64,
    /// `beam` of a grammar, whose search is small: a narrow one loses whole sentences in it, and a wide one costs little.
    pub grammar_beam: f64,
    /// `word_beam` of a grammar.
    pub grammar_word_beam: f64,
    /// Most states kept in a frame, 100 to 100,000. (The library's limit on words, `-maxwpf`, is left alone: with
    /// a limit on states it made the search run without end.)
    pub max_states: u32,
    /// Gaussians that score a state, 1 to 4.
    pub gaussians: u32,
    /// Score the Gaussians in every n-th frame only, 1 to 3.
    pub every: u32,
    /// Frames of phone look-ahead for free vocabulary, 0 to 10.
    pub lookahead: u32,
    /// Search free vocabulary a second time over the words of the first pass.
    pub second_pass: bool,
    /// Find the best path in the lattice of words at the end; without it there is no posterior.
    pub best_path: bool,
    /// Weight of the language model or grammar against sound, 1 to 20.
    pub language_weight: f64,
    /// Score all states in each frame, so that scores are relative to the best sound there is and not only to
    /// the best that the grammar allows.
    pub all_states: bool,
    /// Drop long silence before the search, but for 350 ms before and 500 ms after speech: noise there is
    /// easily taken for short words. Positions of [`Segment`](crate::Segment) then count only what was kept.
    pub drop_silence: bool,
    /// Probability of each further word, over 0 and at most 1: a small one stops words from being put in.
    pub word_probability: f64,
    /// Probability of silence between words, over 0 and at most 1.
    pub silence_probability: f64,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            beam: 1e-48,
            word_beam: 7e-29,
            grammar_beam: 1e-120,
            grammar_word_beam: 1e-100,
            max_states: 30_000,
            gaussians: 4,
            every: 1,
            lookahead: 5,
            second_pass: true,
            best_path: true,
            language_weight: 6.5,
            all_states: false,
            drop_silence: true,
            word_probability: 0.1,
            silence_probability: 0.3,
        }
    }
}

fn beams(beam: f64, word_beam: f64) -> [(&'static CStr, f64); 3] {
    [
        (c"-beam", a_ratio(beam)),
        (c"-pbeam", a_ratio(beam)),
        (c"-wbeam", a_ratio(word_beam)),
    ]
}

/// A probability ratio that the library's logarithms can hold.
fn a_ratio(value: f64) -> f64 {
    value.clamp(1e-200, 1.0)
}

impl Tuning {
    /// The options that say how wide a language model is searched.
    pub(crate) fn language_beams(&self) -> [(&'static CStr, f64); 3] {
        beams(self.beam, self.word_beam)
    }

    /// The options that say how wide a grammar is searched.
    pub(crate) fn grammar_beams(&self) -> [(&'static CStr, f64); 3] {
        beams(self.grammar_beam, self.grammar_word_beam)
    }

    /// The library's options, in its own names.
    pub(crate) fn options(&self) -> Vec<(&'static str, String)> {
        let yes_no = |on: bool| if on { "yes" } else { "no" }.to_string();
        let ratio = |value: f64| format!("{:e}", a_ratio(value));
        [
            ("-beam", ratio(self.beam)),
            ("-pbeam", ratio(self.beam)),
            ("-wbeam", ratio(self.word_beam)),
            ("-maxhmmpf", self.max_states.clamp(100, 100_000).to_string()),
            ("-topn", self.gaussians.clamp(1, 4).to_string()),
            ("-ds", self.every.clamp(1, 3).to_string()),
            ("-pl_window", self.lookahead.min(10).to_string()),
            ("-fwdflat", yes_no(self.second_pass)),
            ("-bestpath", yes_no(self.best_path)),
            ("-lw", self.language_weight.clamp(1.0, 20.0).to_string()),
            ("-compallsen", yes_no(self.all_states)),
            ("-remove_silence", yes_no(self.drop_silence)),
            ("-vad_prespeech", KEPT_BEFORE.to_string()),
            ("-vad_postspeech", KEPT_AFTER.to_string()),
            ("-wip", ratio(self.word_probability)),
            ("-silprob", ratio(self.silence_probability)),
        ]
        .into()
    }
}
