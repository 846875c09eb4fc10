//! A decoder with what it needs for the telephone: the rate, the channel, the search.

use std::collections::BTreeSet;
use std::sync::Arc;

use ringback_audio::g711;
use ringback_audio::resample::Resampler;
use ringback_pocketsphinx::{Decoder, DecoderError, Library, Model, Segment, Tuning};

use crate::grammar::{Grammar, Search};

/// Recorded speech, mu-law 8 kHz: a decoder that was fed it knows roughly what a telephone line sounds like. Without
/// it the first words of a call are often wrong.
const PRIMER: &[u8] = include_bytes!("primer.ul");
/// What the noise that is added to it is divided by.
const PRIMER_NOISE: i32 = 133;
/// A grammar in which to decode the primer at little cost.
const PRIMER_GRAMMAR: &str = "#JSGF V1.0; grammar primer; public <primer> = yes;";

/// Further pronunciations of words whose `s` the telephone cuts off: "six" is hardly ever heard without them.
const ON_THE_TELEPHONE: [(&str, &str); 3] = [
    ("six(2)", "TH IH K S"),
    ("six(3)", "TH IH K TH"),
    ("six(4)", "TH IH K"),
];

/// Names of the decoder's searches.
const OPEN: &str = "open";
const PRIMING: &str = "primer";

/// Grammars a decoder holds, the least recently used of which gives way. The library loses some 40 KB each time it
/// compiles one, so they are not compiled for each turn.
const HELD: usize = 64;

fn slot_name(slot: usize) -> String {
    format!("closed-{slot}")
}

/// Words that were heard.
pub(super) struct Heard {
    /// The words; empty if there were none.
    pub(super) text: String,
    /// Where they are in the sound, and how well it fits them.
    pub(super) segments: Vec<Segment>,
}

/// What an utterance gave.
pub(super) struct Finished {
    /// The best words, whether or not the grammar lets a sentence end with them.
    pub(super) so_far: Heard,
    /// The best whole sentence of the grammar.
    pub(super) sentence: Option<Heard>,
}

fn primer() -> Vec<i16> {
    let mut linear = Vec::with_capacity(PRIMER.len());
    g711::decode_into(PRIMER, &mut linear);
    linear
}

/// Adds noise that falls by 3 dB an octave or so, 20 dB under the speech.
fn add_noise(linear: &mut [i16]) {
    let mut state = 0x2545_f491_u32;
    let (mut low, mut middle) = (0, 0);
    for sample in linear {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let white = (state >> 16).cast_signed() - 0x8000;
        low += (white - low) / 32;
        middle += (white - middle) / 4;
        let noise = (4 * low + middle + white / 4) / PRIMER_NOISE;
        *sample = sample.saturating_add(i16::try_from(noise).unwrap_or(0));
    }
}

/// A decoder.
pub(super) struct Ear {
    decoder: Decoder,
    upsampler: Resampler,
    wide: Vec<i16>,
    language: std::path::PathBuf,
    /// Words given to the decoder beyond its dictionary.
    words: BTreeSet<String>,
    /// The grammars that are held, each with its slot, the last used at the end.
    held: Vec<(usize, String)>,
    has_open: bool,
    listening: bool,
    used: bool,
}

/// The telephone's rate in Hz.
const TELEPHONE_HZ: u32 = 8000;

impl Ear {
    /// Loads the models and primes the decoder: some tenths of a second of work.
    pub(super) fn new(library: &Arc<Library>, model: &Model) -> Result<Self, DecoderError> {
        let tuning = Tuning {
            all_states: true,
            // It finds a few words more in free speech, but takes its time when the caller has stopped.
            second_pass: false,
            ..Tuning::default()
        };
        let decoder = Decoder::new(library, model, &tuning)?;
        let upsampler = Resampler::new(TELEPHONE_HZ, ringback_pocketsphinx::RATE_HZ)
            .map_err(|_| DecoderError::State("resample the telephone's rate"))?;
        let mut ear = Self {
            decoder,
            upsampler,
            wide: Vec::new(),
            language: model.language.clone(),
            words: BTreeSet::new(),
            held: Vec::new(),
            has_open: false,
            listening: false,
            used: false,
        };
        for (word, phones) in ON_THE_TELEPHONE {
            ear.decoder.add_word(word, phones)?;
        }
        ear.decoder.set_grammar(PRIMING, PRIMER_GRAMMAR)?;
        ear.prime()?;
        Ok(ear)
    }

    /// Makes it ready for another caller. The last one's share in the mean of the channel falls to a fifth or so.
    ///
    /// A new decoder would be cleaner, but it would compile its grammars anew, and the library loses memory by that.
    pub(super) fn freshen(&mut self) -> Result<(), DecoderError> {
        self.stop()?;
        if !self.used {
            return Ok(());
        }
        self.decoder.select(PRIMING)?;
        self.prime()?;
        self.prime()
    }

    fn prime(&mut self) -> Result<(), DecoderError> {
        self.decoder.another_line()?;
        self.start()?;
        self.listen(&primer())?;
        self.stop()?;
        self.decoder.another_line()?;
        self.used = false;
        Ok(())
    }

    /// Makes it ready for a line with noise, on which all seems speech to a decoder that knows clean ones only. A
    /// search must be chosen after this.
    pub(super) fn expect_noise(&mut self) -> Result<(), DecoderError> {
        self.stop()?;
        self.decoder.select(PRIMING)?;
        self.start()?;
        let mut linear = primer();
        add_noise(&mut linear);
        self.listen(&linear)?;
        self.stop()
    }

    /// Searches by this grammar from the next utterance on.
    pub(super) fn search(&mut self, grammar: &Grammar) -> Result<(), DecoderError> {
        match grammar.search() {
            Search::Open if self.has_open => self.decoder.select(OPEN),
            Search::Open => {
                self.decoder.set_language(OPEN, &self.language)?;
                self.has_open = true;
                Ok(())
            }
            Search::Closed {
                jsgf,
                pronunciations,
            } => {
                for (word, phones) in pronunciations {
                    if !self.words.contains(word) {
                        self.decoder.add_word(word, phones)?;
                        self.words.insert(word.clone());
                    }
                }
                self.closed(jsgf)
            }
        }
    }

    /// Selects a grammar, compiling it if it is not among those that are held.
    fn closed(&mut self, jsgf: &str) -> Result<(), DecoderError> {
        if let Some(at) = self.held.iter().position(|(_, held)| held == jsgf) {
            let (slot, held) = self.held.remove(at);
            self.held.push((slot, held));
            return self.decoder.select(&slot_name(slot));
        }
        let full = self.held.len() >= HELD;
        let slot = if full {
            self.held[0].0
        } else {
            self.held.len()
        };
        self.decoder.set_grammar(&slot_name(slot), jsgf)?;
        if full {
            self.held.remove(0);
        }
        self.held.push((slot, jsgf.to_string()));
        Ok(())
    }

    /// Begins an utterance.
    pub(super) fn start(&mut self) -> Result<(), DecoderError> {
        self.upsampler.reset();
        self.decoder.begin()?;
        self.listening = true;
        self.used = true;
        Ok(())
    }

    /// Decodes some more sound at the telephone's rate.
    pub(super) fn listen(&mut self, linear: &[i16]) -> Result<(), DecoderError> {
        self.wide.clear();
        self.upsampler.process(linear, &mut self.wide);
        self.decoder.process(&self.wide)
    }

    /// The words so far.
    pub(super) fn partial(&mut self) -> String {
        self.decoder
            .partial()
            .map(|hypothesis| hypothesis.text)
            .unwrap_or_default()
    }

    /// Ends the utterance.
    pub(super) fn finish(&mut self) -> Result<Finished, DecoderError> {
        self.wide.clear();
        self.upsampler.finish(&mut self.wide);
        self.decoder.process(&self.wide)?;
        let so_far = Heard {
            text: self.partial(),
            segments: self.decoder.segments(),
        };
        self.listening = false;
        let sentence = self.decoder.end()?.map(|hypothesis| hypothesis.text);
        let sentence = sentence.map(|text| Heard {
            text,
            segments: self.decoder.segments(),
        });
        Ok(Finished { so_far, sentence })
    }

    /// Ends the utterance, if there is one, and forgets it.
    pub(super) fn stop(&mut self) -> Result<(), DecoderError> {
        if !self.listening {
            return Ok(());
        }
        self.listening = false;
        self.decoder.end().map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_of_the_primer_is_20_db_under_its_speech() {
        let clean = primer();
        let mut noisy = clean.clone();
        add_noise(&mut noisy);
        let db = |samples: Vec<i16>| {
            let count = samples.len() as f64;
            let power: f64 = samples
                .iter()
                .map(|sample| f64::from(*sample).powi(2))
                .sum();
            10.0 * (power / count).log10()
        };
        let noise = noisy.iter().zip(&clean).map(|(noisy, clean)| noisy - clean);
        let speech = clean
            .iter()
            .copied()
            .filter(|sample| sample.unsigned_abs() > 300);
        let below = db(speech.collect()) - db(noise.collect());
        assert!((19.0..21.0).contains(&below), "{below}");
    }
}
