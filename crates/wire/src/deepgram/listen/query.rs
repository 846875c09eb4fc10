//! The query that opens a stream.

use crate::deepgram::parameters::{Parameters, Writer};
use crate::deepgram::{BadQuery, Encoding};

/// What a stream is asked for. The default of each field is Deepgram's, except that there is no model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Such as `nova-3`, or the id of a custom model. Any word; but a `flux` model belongs to [`crate::deepgram::flux`].
    pub model: String,
    /// The encoding of raw audio, any but `mp3` and `aac`; left out for audio in a container.
    pub encoding: Option<Encoding>,
    /// Hz. Raw audio needs it.
    pub sample_rate: Option<u32>,
    /// Channels of raw audio; 1 where it is left out.
    pub channels: Option<u32>,
    /// BCP-47, or `multi`; `en` where it is left out.
    pub language: Option<String>,
    /// Languages to expect, for `nova-3` with `multi`.
    pub language_hints: Vec<String>,
    /// Transcripts that may still change are wanted too.
    pub interim_results: bool,
    /// The silence after which an utterance is over, which is what `speech_final` says.
    pub endpointing: Option<Endpointing>,
    /// The gap between words, in ms, after which `UtteranceEnd` comes. Needs `interim_results`; under 1000 it has no value.
    pub utterance_end_ms: Option<u32>,
    /// `SpeechStarted` is wanted.
    pub vad_events: bool,
    /// How the text is written.
    pub formatting: Formatting,
    /// Terms to listen for, at most [`super::MAX_KEYTERM_TOKENS`] together, `nova-3` only.
    pub keyterms: Vec<String>,
    /// `word:boost`, for models before `nova-3`.
    pub keywords: Vec<String>,
    /// The audio must not be used to improve models.
    pub mip_opt_out: bool,
    /// Every other parameter in order, such as `redact`, `tag`, `multichannel` or `diarize_model`.
    pub further: Vec<(String, String)>,
}

/// How the text is written; everything is off where it is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Formatting {
    /// Numbers, dates, currencies as people write them. Can hold a final transcript back for up to 3 s.
    pub smart_format: bool,
    /// Do not wait, with `smart_format`, for the end of a number.
    pub no_delay: Option<bool>,
    /// Punctuation and capitals.
    pub punctuate: bool,
    /// Digits for number words.
    pub numerals: bool,
    /// Spoken punctuation becomes punctuation.
    pub dictation: bool,
    /// Profanity is masked.
    pub profanity_filter: bool,
    /// "uh" and "um" are kept.
    pub filler_words: bool,
}

/// The silence that ends an utterance; 10 ms where it is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpointing {
    /// None does.
    Off,
    /// This many ms.
    After(u32),
}

const RAW: [Encoding; 11] = [
    Encoding::Linear16,
    Encoding::Linear32,
    Encoding::Flac,
    Encoding::Alaw,
    Encoding::Mulaw,
    Encoding::AmrNb,
    Encoding::AmrWb,
    Encoding::Opus,
    Encoding::OggOpus,
    Encoding::Speex,
    Encoding::G729,
];
const RAW_WORDS: &str =
    "linear16, linear32, flac, alaw, mulaw, amr-nb, amr-wb, opus, ogg-opus, speex or g729";
const FURTHER_FLAGS: [&str; 3] = ["multichannel", "detect_entities", "diarize"];
const MAX_CHANNELS: u32 = 20;

impl Query {
    /// A query for the telephone's audio as it comes: mu-law, 8000 Hz, one channel.
    #[must_use]
    pub fn telephone(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            encoding: Some(Encoding::Mulaw),
            sample_rate: Some(8000),
            channels: Some(1),
            ..Self::default()
        }
    }

    /// The query, without the `?`.
    #[must_use]
    pub fn to_query(&self) -> String {
        let formatting = &self.formatting;
        let endpointing = self.endpointing.map(|endpointing| match endpointing {
            Endpointing::Off => "false".to_owned(),
            Endpointing::After(ms) => ms.to_string(),
        });
        Writer::new()
            .text("model", &self.model)
            .maybe("encoding", self.encoding.map(Encoding::word))
            .maybe("sample_rate", self.sample_rate)
            .maybe("channels", self.channels)
            .maybe("language", self.language.as_deref())
            .each("language_hint", &self.language_hints)
            .flag("interim_results", self.interim_results)
            .maybe("endpointing", endpointing)
            .maybe("utterance_end_ms", self.utterance_end_ms)
            .flag("vad_events", self.vad_events)
            .flag("smart_format", formatting.smart_format)
            .maybe("no_delay", formatting.no_delay)
            .flag("punctuate", formatting.punctuate)
            .flag("numerals", formatting.numerals)
            .flag("dictation", formatting.dictation)
            .flag("profanity_filter", formatting.profanity_filter)
            .flag("filler_words", formatting.filler_words)
            .each("keyterm", &self.keyterms)
            .each("keywords", &self.keywords)
            .flag("mip_opt_out", self.mip_opt_out)
            .further(&self.further)
            .finish()
    }

    fn check(&self) -> Result<(), BadQuery> {
        if self.model.starts_with("flux") {
            return Err(BadQuery::Conflict(
                "flux models are served on /v2/listen only",
            ));
        }
        let bare = |encoding| encoding != Encoding::OggOpus;
        if self.encoding.is_some_and(bare) && self.sample_rate.is_none() {
            return Err(BadQuery::Missing("sample_rate"));
        }
        if self.utterance_end_ms.is_some() && !self.interim_results {
            return Err(BadQuery::Conflict(
                "utterance_end_ms needs interim_results=true",
            ));
        }
        if !self.keyterms.is_empty() && is_before_nova_3(&self.model) {
            return Err(BadQuery::Conflict("keyterm needs a nova-3 model"));
        }
        if !self.keywords.is_empty() && self.model.starts_with("nova-3") {
            return Err(BadQuery::Conflict(
                "keywords are for models before nova-3: use keyterm",
            ));
        }
        self.check_further()
    }

    fn check_further(&self) -> Result<(), BadQuery> {
        for (name, value) in &self.further {
            let known = FURTHER_FLAGS.into_iter().find(|flag| flag == name);
            let flag: Result<bool, _> = value.parse();
            match (known, flag) {
                (Some(name), Err(_)) => return Err(BadQuery::value(name, "true or false")),
                (Some("multichannel"), Ok(true)) if self.channels > Some(MAX_CHANNELS) => {
                    return Err(BadQuery::value(
                        "channels",
                        "at most 20 with multichannel=true",
                    ));
                }
                (Some(_) | None, _) => {}
            }
        }
        Ok(())
    }
}

/// True for the families Deepgram had before `nova-3`; not for the id of a custom model.
fn is_before_nova_3(model: &str) -> bool {
    let family = model.split('-').next().unwrap_or(model);
    let old = matches!(family, "nova" | "enhanced" | "base" | "phonecall");
    old && !model.starts_with("nova-3")
}

/// Reads a query strictly, for the simulator. Parameters that are not known are kept: this endpoint, other than
/// [`crate::deepgram::flux`], is not known to refuse them.
///
/// # Errors
/// [`BadQuery`], for HTTP 400.
pub fn parse_query(query: &str) -> Result<Query, BadQuery> {
    let mut parameters = Parameters::read(query);
    let endpointing = match parameters.one("endpointing")?.as_deref() {
        None => None,
        Some("false") => Some(Endpointing::Off),
        Some(ms) => Some(Endpointing::After(ms.parse().map_err(|_| {
            BadQuery::value("endpointing", "false or a whole number of ms")
        })?)),
    };
    let query = Query {
        model: parameters.required("model")?,
        encoding: parameters.encoding(&RAW, RAW_WORDS)?,
        sample_rate: parameters.number("sample_rate", 1..=u32::MAX, "a number of Hz")?,
        channels: parameters.number("channels", 1..=u32::MAX, "at least 1")?,
        language: parameters.one("language")?,
        language_hints: parameters.all("language_hint"),
        interim_results: parameters.flag("interim_results")?,
        endpointing,
        utterance_end_ms: parameters.count("utterance_end_ms")?,
        vad_events: parameters.flag("vad_events")?,
        formatting: Formatting {
            smart_format: parameters.flag("smart_format")?,
            no_delay: parameters.maybe_flag("no_delay")?,
            punctuate: parameters.flag("punctuate")?,
            numerals: parameters.flag("numerals")?,
            dictation: parameters.flag("dictation")?,
            profanity_filter: parameters.flag("profanity_filter")?,
            filler_words: parameters.flag("filler_words")?,
        },
        keyterms: parameters.all("keyterm"),
        keywords: parameters.all("keywords"),
        mip_opt_out: parameters.flag("mip_opt_out")?,
        further: parameters.rest(),
    };
    query.check()?;
    Ok(query)
}
