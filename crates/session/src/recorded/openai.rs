//! OpenAI, or a server that speaks its language, hears a recording: a form with the file in it.

use std::fs::File;
use std::io::Write;

use reqwest::Client;
use ringback_audio::wav::{Coding, WavFormat, WavWriter};
use ringback_call::Usage;
use ringback_speech::language::primary;
use ringback_wire::openai::audio::{
    AudioUsage, FILE_FIELD, MAX_FILE_BYTES, TranscriptionRequest, parse_transcript,
};

use super::post::{Post, in_time, text};
use super::sound::{Container, Recording, Sound};
use super::{Hearer, Transcript, Unheard, Word, seconds, usage};
use crate::language::language_code;
use crate::provider::{Account, Provider, refusal_body};
use crate::responder::model::fault;

const PATH: &str = "/audio/transcriptions";
const PROVIDER: Provider = Provider::OpenAi;
/// The longest recording, but of `whisper` models, in ms: those after them refuse from 1400 s on.
const LONGEST_MS: u64 = 1_390_000;
/// The shortest one, in ms.
const SHORTEST_MS: u64 = 100;

/// What is wanted of OpenAI.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) model: &'a str,
    pub(crate) language: Option<&'a str>,
}

/// Whether the models before `gpt-transcribe` are spoken to, which tell when words were said.
fn is_whisper(model: &str) -> bool {
    model.starts_with("whisper")
}

/// Checks a file before anything of it is sent.
fn check(model: &str, sound: &Sound) -> Result<(), Unheard> {
    let bytes = match sound.container {
        Container::Wav(head) if !head.is_linear16() => {
            2 * sound.audio.1 / head.frame_bytes().max(1) as u64
        }
        Container::Mulaw => 2 * sound.bytes,
        Container::Wav(_)
        | Container::Flac
        | Container::Mp3
        | Container::Mp4
        | Container::Ogg
        | Container::Webm => sound.bytes,
    };
    if bytes > MAX_FILE_BYTES as u64 {
        return Err(Unheard::TooMuch(format!(
            "openai takes files of at most 25 MB, and this one has {bytes} bytes as it would be sent: cut it"
        )));
    }
    match sound.ms {
        Some(ms) if ms < SHORTEST_MS => Err(Unheard::Broken(format!(
            "openai takes recordings of at least {SHORTEST_MS} ms, and this one has {ms} ms"
        ))),
        Some(ms) if ms > LONGEST_MS && !is_whisper(model) => Err(Unheard::TooMuch(format!(
            "openai takes recordings of at most {} s, and this one has {} s: cut it",
            LONGEST_MS / 1000,
            ms / 1000
        ))),
        Some(_) | None => Ok(()),
    }
}

/// The request for a model, without its file.
fn request(asked: Asked<'_>) -> TranscriptionRequest {
    let language = asked
        .language
        .map(|language| primary(language).to_ascii_lowercase());
    let mut request = TranscriptionRequest {
        model: asked.model.to_owned(),
        ..TranscriptionRequest::default()
    };
    if asked.model == "gpt-transcribe" {
        request.languages.extend(language);
    } else {
        request.language = language;
    }
    if is_whisper(asked.model) {
        request.response_format = Some("verbose_json".to_owned());
        request.timestamp_granularities = vec!["word".to_owned()];
    }
    request
}

/// The form before the file and behind it, and its content type.
fn form(request: &TranscriptionRequest, container: &Container) -> (Vec<u8>, Vec<u8>, String) {
    let boundary = format!("ringback-{}", uuid::Uuid::now_v7().simple());
    let (ending, kind) = container.names();
    let mut before = String::new();
    for (name, value) in request.fields() {
        before.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    before.push_str(&format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{FILE_FIELD}\"; filename=\"audio.{ending}\"\r\n\
         Content-Type: {kind}\r\n\r\n"
    ));
    let behind = format!("\r\n--{boundary}--\r\n");
    let content_type = format!("multipart/form-data; boundary={boundary}");
    (before.into_bytes(), behind.into_bytes(), content_type)
}

/// What OpenAI hears in a file. `blank` makes an empty file for what has to be rewritten.
pub(crate) async fn hear(
    (client, account): (&Client, &Account),
    (recording, sound): (Recording, Sound),
    asked: Asked<'_>,
    blank: impl FnOnce() -> std::io::Result<File> + Send + 'static,
) -> Result<Transcript, Unheard> {
    check(asked.model, &sound)?;
    let (file, container) = fit(recording, sound, blank).await?;
    let (before, behind, content_type) = form(&request(asked), &container);
    let post = Post {
        provider: PROVIDER,
        access: &account.access,
        target: PATH.to_owned(),
        scheme: "Bearer ",
        content_type,
        around: (before, behind),
        file,
    };
    let heard = in_time(PROVIDER, async {
        let (status, mut response) = post.send(client).await?;
        if !(200..300).contains(&status) {
            let headers = response.headers().clone();
            let body = refusal_body(&mut response).await;
            return Err(fault::status(
                status,
                &headers,
                &String::from_utf8_lossy(&body),
            ));
        }
        let answer = text(PROVIDER, response).await?;
        parse_transcript(&answer).map_err(fault::garbled)
    });
    let heard = heard.await?;
    let told = heard.languages.into_iter().next();
    let named = heard
        .language
        .map(|name| language_code(&name).map_or(name, str::to_owned));
    let words = heard.words.into_iter().map(|word| Word {
        word: word.word,
        start_s: word.start_s,
        end_s: word.end_s,
        confidence: None,
    });
    let duration_s = sound.ms.map(seconds).or(heard.duration_s);
    Ok(Transcript {
        text: heard.text.trim().to_owned(),
        language: asked.language.map(str::to_owned).or(told).or(named),
        duration_s,
        words: words.collect(),
        used: Some(used(asked.model, duration_s, heard.usage)),
    })
}

/// What a recording took, as OpenAI counts it.
fn used(model: &str, duration_s: Option<f64>, counted: Option<AudioUsage>) -> Usage {
    let by_length = |duration_s| usage(Hearer::OpenAi, model, duration_s);
    match counted {
        Some(AudioUsage::Tokens(tokens)) => Usage {
            input_tokens: tokens.input,
            cached_tokens: tokens.cached,
            output_tokens: tokens.output,
            ..by_length(duration_s)
        },
        Some(AudioUsage::Seconds(billed)) => by_length(duration_s.or(Some(billed))),
        None => by_length(duration_s),
    }
}

/// The file as OpenAI is known to take it: mu-law, A-law and rarer codings become linear, one channel.
async fn fit(
    recording: Recording,
    sound: Sound,
    blank: impl FnOnce() -> std::io::Result<File> + Send + 'static,
) -> Result<(File, Container), Unheard> {
    let rate_hz = match sound.container {
        Container::Wav(head) if !head.is_linear16() => head.rate_hz,
        Container::Mulaw => ringback_audio::RATE_HZ,
        fine @ (Container::Wav(_)
        | Container::Flac
        | Container::Mp3
        | Container::Mp4
        | Container::Ogg
        | Container::Webm) => return Ok((recording.file, fine)),
    };
    let rewriting = tokio::task::spawn_blocking(move || -> Result<_, Unheard> {
        let format = WavFormat {
            rate_hz,
            channels: 1,
            coding: Coding::Pcm16,
        };
        let mut writer = WavWriter::create(blank()?, format)?;
        recording.for_each_piece(&sound, |samples| {
            writer.append(samples).map_err(Unheard::from)
        })?;
        let mut file = writer.finish()?;
        file.flush()?;
        let linear = Recording {
            file,
            name: String::new(),
            kind: String::new(),
        };
        let container = linear.look()?.container;
        Ok((linear.file, container))
    });
    let lost = |_| Unheard::Absent("the recording cannot be rewritten".to_owned());
    rewriting.await.map_err(lost)?
}
