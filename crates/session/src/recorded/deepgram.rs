//! Deepgram hears a recording: it is posted as it is.

use std::fs::File;

use reqwest::Client;
use ringback_wire::deepgram::API_KEY_SCHEME;
use ringback_wire::deepgram::http_error::HttpError;
use ringback_wire::deepgram::listen::{self, Formatting, Query, parse_transcript};

use super::post::{Post, in_time, text};
use super::sound::{Container, Sound};
use super::{Hearer, Transcript, Word, seconds, usage};
use crate::provider::{Account, Failure, Provider, refusal_body};
use crate::stt::nova_code;

/// What hears recordings where the model of calls is one that follows turns.
const MODEL: &str = "nova-3";

fn query(model: &str, sound: &Sound, language: Option<&str>) -> Query {
    let model = if model.starts_with("flux") {
        MODEL
    } else {
        model
    };
    let mut query = match sound.container {
        Container::Mulaw => Query::telephone(model),
        Container::Wav(_)
        | Container::Flac
        | Container::Mp3
        | Container::Mp4
        | Container::Ogg
        | Container::Webm => Query {
            model: model.to_owned(),
            ..Query::default()
        },
    };
    query.formatting = Formatting {
        smart_format: true,
        ..Formatting::default()
    };
    match language {
        Some(language) => query.language = Some(nova_code(language)),
        None => query.further = vec![("detect_language".to_owned(), "true".to_owned())],
    }
    query
}

/// What Deepgram hears in a file.
pub(crate) async fn hear(
    (client, account): (&Client, &Account),
    (file, sound): (File, &Sound),
    language: Option<&str>,
) -> Result<Transcript, Failure> {
    let provider = Provider::Deepgram;
    let query = query(&account.model, sound, language);
    let model = query.model.clone();
    let post = Post {
        provider,
        access: &account.access,
        target: format!("{}?{}", listen::PATH, query.to_query()),
        scheme: API_KEY_SCHEME,
        content_type: sound.container.names().1.to_owned(),
        around: (Vec::new(), Vec::new()),
        file,
    };
    let heard = in_time(provider, async {
        let (status, mut response) = post.send(client).await?;
        if !(200..300).contains(&status) {
            let error = HttpError::read(&refusal_body(&mut response).await);
            return Err(Failure::status(provider, status, &error.message));
        }
        let answer = text(provider, response).await?;
        let garbled =
            |why| Failure::misbehaved(provider, format!("wrote what is no answer: {why}"));
        parse_transcript(&answer).map_err(garbled)
    });
    let heard = heard.await?;
    let known = sound.ms.map(seconds);
    let duration_s = known.or(Some(heard.duration.as_secs_f64()).filter(|s| *s > 0.0));
    let channel = heard.results.into_iter().next().unwrap_or_default();
    let detected = channel.detected_language;
    let best = channel.alternatives.into_iter().next().unwrap_or_default();
    let words = best.words.into_iter().map(|word| Word {
        word: word.punctuated_word.unwrap_or(word.word),
        start_s: word.start.as_secs_f64(),
        end_s: word.end.as_secs_f64(),
        confidence: Some(word.confidence),
    });
    Ok(Transcript {
        text: best.transcript,
        language: language.map(str::to_owned).or(detected),
        duration_s,
        words: words.collect(),
        used: Some(usage(Hearer::Deepgram, &model, duration_s)),
    })
}
