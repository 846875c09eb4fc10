//! The messages of the media stream through serde: the definition of what they mean.

use serde::Deserialize;

use super::lenient::{Counter, Parameters, Text};
use super::{Connected, Dtmf, Inbound, Mark, Media, MediaFormat, Start, Stop, Track};
use crate::Garbled;

/// Reads one text message through serde, first its kind and then the fields of that kind. It defines what
/// [`super::parse`] answers; a test and a fuzz target hold the two together.
///
/// # Errors
/// As [`super::parse`].
pub fn parse_reference(text: &str) -> Result<Inbound<'_>, Garbled> {
    let Envelope { event: Text(event) } = read("stream", text)?;
    match &*event {
        "connected" => read("connected", text).map(|WireConnected { protocol, version }| {
            Inbound::Connected(Connected {
                protocol: protocol.map(|text| text.0),
                version: version.map(|text| text.0),
            })
        }),
        "start" => {
            read("start", text).map(|message: WireStart| Inbound::Start(Box::new(start(message))))
        }
        "media" => read("media", text).map(|message: WireMedia<'_>| Inbound::Media(media(message))),
        "dtmf" => read("dtmf", text).map(|message: WireDtmf<'_>| {
            Inbound::Dtmf(Dtmf {
                stream_sid: message.stream_sid.0,
                track: track(message.dtmf.track.as_ref()),
                digit: message.dtmf.digit.0,
            })
        }),
        "mark" => read("mark", text).map(|message: WireMark<'_>| {
            Inbound::Mark(Mark {
                stream_sid: message.stream_sid.0,
                name: message.mark.name.0,
            })
        }),
        "stop" => read("stop", text).map(|message: WireStop<'_>| {
            Inbound::Stop(Stop {
                stream_sid: message.stream_sid.0,
                call_sid: message
                    .stop
                    .and_then(|stop| stop.call_sid)
                    .map(|text| text.0),
            })
        }),
        _ => Ok(Inbound::Other(event)),
    }
}

fn read<'a, T: Deserialize<'a>>(kind: &'static str, text: &'a str) -> Result<T, Garbled> {
    serde_json::from_str(text).map_err(|error| Garbled::from_json(kind, &error))
}

fn track(name: Option<&Text<'_>>) -> Track {
    name.map_or(Track::Unknown, |name| Track::from_name(&name.0))
}

fn media(message: WireMedia<'_>) -> Media<'_> {
    Media {
        stream_sid: message.stream_sid.0,
        track: track(message.media.track.as_ref()),
        chunk: message.media.chunk.0,
        timestamp_ms: message.media.timestamp.0,
        payload: message.media.payload.0,
    }
}

fn start(message: WireStart) -> Start {
    let body = message.start;
    let number = |counter: Counter| {
        counter
            .0
            .and_then(|value| u32::try_from(value).ok())
            .unwrap_or(0)
    };
    let default = MediaFormat::default();
    let media_format = match body.media_format {
        None => default,
        Some(format) => MediaFormat {
            encoding: format.encoding.unwrap_or(default.encoding),
            sample_rate: format.sample_rate.map_or(default.sample_rate, number),
            channels: format.channels.map_or(default.channels, number),
        },
    };
    Start {
        stream_sid: body.stream_sid.unwrap_or(message.stream_sid),
        account_sid: body.account_sid,
        call_sid: body.call_sid,
        tracks: body
            .tracks
            .unwrap_or_default()
            .iter()
            .map(|name| Track::from_name(name))
            .collect(),
        custom_parameters: body.custom_parameters.0,
        media_format,
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    event: Text<'a>,
}

#[derive(Deserialize)]
struct WireConnected<'a> {
    #[serde(borrow)]
    protocol: Option<Text<'a>>,
    #[serde(borrow)]
    version: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStart {
    stream_sid: String,
    start: StartBody,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartBody {
    stream_sid: Option<String>,
    account_sid: Option<String>,
    call_sid: String,
    tracks: Option<Vec<String>>,
    #[serde(default)]
    custom_parameters: Parameters,
    media_format: Option<FormatBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FormatBody {
    encoding: Option<String>,
    sample_rate: Option<Counter>,
    channels: Option<Counter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMedia<'a> {
    #[serde(borrow)]
    stream_sid: Text<'a>,
    #[serde(borrow)]
    media: MediaBody<'a>,
}

#[derive(Deserialize)]
struct MediaBody<'a> {
    #[serde(borrow)]
    track: Option<Text<'a>>,
    #[serde(default)]
    chunk: Counter,
    #[serde(default)]
    timestamp: Counter,
    #[serde(borrow)]
    payload: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDtmf<'a> {
    #[serde(borrow)]
    stream_sid: Text<'a>,
    #[serde(borrow)]
    dtmf: DtmfBody<'a>,
}

#[derive(Deserialize)]
struct DtmfBody<'a> {
    #[serde(borrow)]
    track: Option<Text<'a>>,
    #[serde(borrow)]
    digit: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMark<'a> {
    #[serde(borrow)]
    stream_sid: Text<'a>,
    #[serde(borrow)]
    mark: MarkBody<'a>,
}

#[derive(Deserialize)]
struct MarkBody<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStop<'a> {
    #[serde(borrow)]
    stream_sid: Text<'a>,
    #[serde(borrow)]
    stop: Option<StopBody<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StopBody<'a> {
    #[serde(borrow)]
    call_sid: Option<Text<'a>>,
}
