//! The query of a socket or of a request.

use crate::deepgram::parameters::{Parameters, Writer};
use crate::deepgram::{BadQuery, Encoding};

/// Which voice, in which format. The default of each field is Deepgram's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// Such as `aura-2-thalia-en`; [`super::DEFAULT_MODEL`] where it is left out.
    pub model: Option<String>,
    /// linear16, mulaw or alaw; a request also takes mp3, opus, flac and aac. Where it is left out, a socket speaks
    /// linear16 and a request mp3.
    pub encoding: Option<Encoding>,
    /// What the audio is wrapped in, requests only: a socket speaks raw audio.
    pub container: Option<Container>,
    /// Hz, one that the encoding allows ([`Query::to_query`] does not judge).
    pub sample_rate: Option<u32>,
    /// Bits per second, requests only.
    pub bit_rate: Option<u32>,
    /// 0.7 to 1.5; 1 where it is left out.
    pub speed: Option<f64>,
    /// The text must not be used to improve models.
    pub mip_opt_out: bool,
    /// Every other parameter in order, such as `tag` and `callback` of a request.
    pub further: Vec<(String, String)>,
}

/// What a request's audio is wrapped in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// `none`: raw audio, the one a telephone can play.
    Raw,
    /// `wav`, where nothing else is said for linear16, mulaw and alaw: a header that would be heard as a click.
    Wav,
    /// `ogg`, for opus.
    Ogg,
}

impl Container {
    const ALL: [Self; 3] = [Self::Raw, Self::Wav, Self::Ogg];

    fn word(self) -> &'static str {
        match self {
            Self::Raw => "none",
            Self::Wav => "wav",
            Self::Ogg => "ogg",
        }
    }
}

const PCM: [Encoding; 3] = [Encoding::Linear16, Encoding::Mulaw, Encoding::Alaw];
const ALL: [Encoding; 7] = [
    Encoding::Linear16,
    Encoding::Mulaw,
    Encoding::Alaw,
    Encoding::Mp3,
    Encoding::Opus,
    Encoding::Flac,
    Encoding::Aac,
];

impl Query {
    /// A query for audio a telephone plays as it is: mu-law, 8000 Hz. For a request, add [`Container::Raw`].
    #[must_use]
    pub fn telephone(model: &str) -> Self {
        Self {
            model: Some(model.to_owned()),
            encoding: Some(Encoding::Mulaw),
            sample_rate: Some(8000),
            ..Self::default()
        }
    }

    /// The query, without the `?`.
    #[must_use]
    pub fn to_query(&self) -> String {
        Writer::new()
            .maybe("model", self.model.as_deref())
            .maybe("encoding", self.encoding.map(Encoding::word))
            .maybe("container", self.container.map(Container::word))
            .maybe("sample_rate", self.sample_rate)
            .maybe("bit_rate", self.bit_rate)
            .maybe("speed", self.speed)
            .flag("mip_opt_out", self.mip_opt_out)
            .further(&self.further)
            .finish()
    }
}

/// Reads the query of a socket strictly, for the simulator. Parameters that are not known are kept.
///
/// # Errors
/// [`BadQuery`], for HTTP 400.
pub fn parse_socket_query(query: &str) -> Result<Query, BadQuery> {
    let mut parameters = Parameters::read(query);
    let encoding = parameters.encoding(&PCM, "linear16, mulaw or alaw")?;
    let query = read(parameters, encoding)?;
    check_sample_rate(encoding.unwrap_or(Encoding::Linear16), query.sample_rate)?;
    if query
        .container
        .is_some_and(|container| container != Container::Raw)
    {
        return Err(BadQuery::Conflict(
            "a socket speaks raw audio: container must be left out",
        ));
    }
    Ok(query)
}

/// Reads the query of a request strictly, for the simulator. Parameters that are not known are kept.
///
/// # Errors
/// [`BadQuery`], for HTTP 400.
pub fn parse_request_query(query: &str) -> Result<Query, BadQuery> {
    let mut parameters = Parameters::read(query);
    let encoding = parameters.encoding(&ALL, "linear16, mulaw, alaw, mp3, opus, flac or aac")?;
    let query = read(parameters, encoding)?;
    let spoken = encoding.unwrap_or(Encoding::Mp3);
    check_sample_rate(spoken, query.sample_rate)?;
    match query.container {
        Some(Container::Wav) if !PCM.contains(&spoken) => Err(BadQuery::Conflict(
            "container=wav goes with linear16, mulaw and alaw only",
        )),
        Some(Container::Ogg) if spoken != Encoding::Opus => {
            Err(BadQuery::Conflict("container=ogg goes with opus only"))
        }
        None | Some(Container::Raw | Container::Wav | Container::Ogg) => Ok(query),
    }
}

fn read(mut parameters: Parameters<'_>, encoding: Option<Encoding>) -> Result<Query, BadQuery> {
    let container = match parameters.one("container")? {
        None => None,
        Some(word) => {
            let known = Container::ALL
                .into_iter()
                .find(|container| container.word() == word);
            Some(known.ok_or_else(|| BadQuery::value("container", "none, wav or ogg"))?)
        }
    };
    Ok(Query {
        model: parameters.one("model")?,
        encoding,
        container,
        sample_rate: parameters.count("sample_rate")?,
        bit_rate: parameters.count("bit_rate")?,
        speed: parameters.number("speed", 0.7..=1.5, "0.7 to 1.5")?,
        mip_opt_out: parameters.flag("mip_opt_out")?,
        further: parameters.rest(),
    })
}

fn check_sample_rate(encoding: Encoding, rate: Option<u32>) -> Result<(), BadQuery> {
    let (allowed, expected): (&[u32], _) = match encoding {
        Encoding::Linear16 => (
            &[8000, 16000, 24000, 32000, 48000],
            "8000, 16000, 24000, 32000 or 48000 for linear16",
        ),
        Encoding::Mulaw | Encoding::Alaw => (&[8000, 16000], "8000 or 16000 for mulaw and alaw"),
        Encoding::Flac => (
            &[8000, 16000, 22050, 32000, 48000],
            "8000, 16000, 22050, 32000 or 48000 for flac",
        ),
        Encoding::Opus => (&[48000], "48000 for opus"),
        Encoding::Mp3 | Encoding::Aac => (&[22050], "22050 for mp3 and aac"),
        Encoding::Linear32
        | Encoding::AmrNb
        | Encoding::AmrWb
        | Encoding::OggOpus
        | Encoding::Speex
        | Encoding::G729 => (&[], "left out"),
    };
    match rate {
        Some(rate) if !allowed.contains(&rate) => Err(BadQuery::value("sample_rate", expected)),
        None | Some(_) => Ok(()),
    }
}
