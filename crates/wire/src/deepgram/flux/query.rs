//! The query that opens a session.

use super::{LANGUAGES, MULTILINGUAL_MODEL};
use crate::deepgram::parameters::{Parameters, Writer};
use crate::deepgram::{BadQuery, Encoding};

/// What a session is asked for. The default of each field is Deepgram's, except that there is no model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// `flux-general-en` or `flux-general-multi`.
    pub model: String,
    /// The encoding of raw audio: linear16, linear32, mulaw, alaw, opus or ogg-opus; left out for audio in a container.
    pub encoding: Option<Encoding>,
    /// Hz: 8000, 16000, 24000, 44100 or 48000. Raw audio needs it.
    pub sample_rate: Option<u32>,
    /// How sure an end of turn must be, 0.5 to 1; 0.7 where it is left out. At 1 the model never ends a turn.
    pub eot_threshold: Option<f64>,
    /// How sure an early guess must be, 0.3 to 0.9. Where it is left out there are no `EagerEndOfTurn` and `TurnResumed`.
    pub eager_eot_threshold: Option<f64>,
    /// The silence, in ms, that ends a turn whatever the model thinks, 500 to 60000; 5000 where it is left out.
    pub eot_timeout_ms: Option<u32>,
    /// Terms to listen for.
    pub keyterms: Vec<String>,
    /// Languages to expect, out of [`LANGUAGES`], for [`MULTILINGUAL_MODEL`] only.
    pub language_hints: Vec<String>,
    /// Digits for number words.
    pub numerals: bool,
    /// Profanity is masked.
    pub profanity_filter: bool,
    /// `numbers` or `aggressive_numbers` to blank out.
    pub redact: Vec<String>,
    /// Labels for the usage report.
    pub tags: Vec<String>,
    /// The audio must not be used to improve models.
    pub mip_opt_out: bool,
}

const RAW: [Encoding; 6] = [
    Encoding::Linear16,
    Encoding::Linear32,
    Encoding::Mulaw,
    Encoding::Alaw,
    Encoding::Opus,
    Encoding::OggOpus,
];
const SAMPLE_RATES: [u32; 5] = [8000, 16000, 24000, 44100, 48000];
const REDACTIONS: [&str; 2] = ["numbers", "aggressive_numbers"];

impl Query {
    /// A query for the telephone's audio as it comes: mu-law, 8000 Hz.
    #[must_use]
    pub fn telephone(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            encoding: Some(Encoding::Mulaw),
            sample_rate: Some(8000),
            ..Self::default()
        }
    }

    /// The query, without the `?`.
    #[must_use]
    pub fn to_query(&self) -> String {
        Writer::new()
            .text("model", &self.model)
            .maybe("encoding", self.encoding.map(Encoding::word))
            .maybe("sample_rate", self.sample_rate)
            .maybe("eot_threshold", self.eot_threshold)
            .maybe("eager_eot_threshold", self.eager_eot_threshold)
            .maybe("eot_timeout_ms", self.eot_timeout_ms)
            .each("keyterm", &self.keyterms)
            .each("language_hint", &self.language_hints)
            .flag("numerals", self.numerals)
            .flag("profanity_filter", self.profanity_filter)
            .each("redact", &self.redact)
            .each("tag", &self.tags)
            .flag("mip_opt_out", self.mip_opt_out)
            .finish()
    }

    fn check(&self) -> Result<(), BadQuery> {
        if !self.model.starts_with("flux-") {
            return Err(BadQuery::value("model", "a flux model"));
        }
        let bare = |encoding| encoding != Encoding::OggOpus;
        match self.sample_rate {
            None if self.encoding.is_some_and(bare) => {
                return Err(BadQuery::Missing("sample_rate"));
            }
            Some(rate) if !SAMPLE_RATES.contains(&rate) => {
                return Err(BadQuery::value(
                    "sample_rate",
                    "8000, 16000, 24000, 44100 or 48000",
                ));
            }
            None | Some(_) => {}
        }
        if !self
            .redact
            .iter()
            .all(|word| REDACTIONS.contains(&word.as_str()))
        {
            return Err(BadQuery::value("redact", "numbers or aggressive_numbers"));
        }
        check_language_hints(&self.model, &self.language_hints)
    }
}

pub(super) fn check_language_hints(model: &str, hints: &[String]) -> Result<(), BadQuery> {
    if !hints.is_empty() && model != MULTILINGUAL_MODEL {
        return Err(BadQuery::Conflict("language_hint needs flux-general-multi"));
    }
    if !hints.iter().all(|hint| LANGUAGES.contains(&hint.as_str())) {
        return Err(BadQuery::value(
            "language_hint",
            "de, en, es, fr, hi, it, ja, nl, pt or ru",
        ));
    }
    Ok(())
}

/// Reads a query strictly, for the simulator: a parameter this endpoint does not have is refused.
///
/// # Errors
/// [`BadQuery`], for HTTP 400.
pub fn parse_query(query: &str) -> Result<Query, BadQuery> {
    let mut parameters = Parameters::read(query);
    let query = Query {
        model: parameters.required("model")?,
        encoding: parameters.encoding(&RAW, "linear16, linear32, mulaw, alaw, opus or ogg-opus")?,
        sample_rate: parameters.count("sample_rate")?,
        eot_threshold: parameters.number("eot_threshold", 0.5..=1.0, "0.5 to 1.0")?,
        eager_eot_threshold: parameters.number("eager_eot_threshold", 0.3..=0.9, "0.3 to 0.9")?,
        eot_timeout_ms: parameters.number("eot_timeout_ms", 500..=60_000, "500 to 60000")?,
        keyterms: parameters.all("keyterm"),
        language_hints: parameters.all("language_hint"),
        numerals: parameters.flag("numerals")?,
        profanity_filter: parameters.flag("profanity_filter")?,
        redact: parameters.all("redact"),
        tags: parameters.all("tag"),
        mip_opt_out: parameters.flag("mip_opt_out")?,
    };
    parameters.finish()?;
    query.check()?;
    Ok(query)
}
