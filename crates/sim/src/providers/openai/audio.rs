//! Speech and transcriptions.

use std::io::Cursor;
use std::sync::Arc;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::response::Response;
use ringback_audio::wav;
use ringback_wire::openai::audio::{
    AudioUsage, FILE_FIELD, FilePart, MAX_FILE_BYTES, PCM_RATE_HZ, Segment, SpeakerSegment,
    SpeechEvent, Transcript, TranscriptEvent, TranscriptionRequest, Word, parse_speech_request,
    parse_transcription,
};
use ringback_wire::openai::{ApiError, Refusal, Usage};
use ringback_wire::sse;

use super::super::ear::NoEar;
use super::super::place::{SPEECH, TRANSCRIPTIONS};
use super::super::sound::{Coding, Format};
use super::super::visit::{Refused, Visit};
use super::super::{Twin, answer, recording, wav as wav_file};
use super::form::{Part, parts};
use super::{check_model, pause, refuse, signed};
use answer::Piece;

/// Bytes of a piece of audio: no whole number of samples.
const PIECE: usize = 4001;
/// The form around a file, in bytes.
const FORM: usize = 1 << 20;

fn unsupported(what: &str, param: &str) -> Refusal {
    Refusal {
        status: 400,
        error: ApiError::invalid(what, Some(param), Some("unsupported_value")),
    }
}

pub(super) async fn create_speech(
    State(twin): State<Arc<Twin>>,
    request: Request,
) -> Result<Response, Refused> {
    let (visit, body) = Visit::with_body(&twin, SPEECH, request).await?;
    let asked = parse_speech_request(&body).map_err(|refusal| refuse(&visit, &refusal))?;
    check_model(&visit, &asked.model)?;
    let format = Format {
        coding: Coding::Pcm16,
        rate: PCM_RATE_HZ,
    };
    let spoken = twin.voice.speak(&asked.input).await;
    let mut audio = format
        .encode(&spoken.samples)
        .map_err(|error| visit.bad(error))?;
    if visit.knobs.silence {
        audio = format.silence(audio.len());
    }
    let kind = match asked.response_format.as_deref() {
        Some("pcm") => "audio/pcm",
        Some("wav") => {
            audio = wav_file::file(format, &spoken.samples).map_err(|error| visit.bad(error))?;
            "audio/wav"
        }
        Some(_) | None => {
            let why = "the simulator speaks pcm and wav only";
            return Err(refuse(&visit, &unsupported(why, "response_format")));
        }
    };
    if asked.stream_format.as_deref() != Some("sse") {
        return Ok(signed(answer::stream(
            visit,
            kind,
            answer::cut(&audio, PIECE),
        )));
    }
    let words = asked.input.split_whitespace().count() as u64;
    let usage = Usage {
        input: words,
        output: audio.len() as u64 / 2400,
        ..Usage::default()
    };
    let events = audio
        .chunks(PIECE)
        .map(SpeechEvent::audio)
        .chain([SpeechEvent::Done(usage)]);
    let pieces = events.map(|event| event_piece(&event.to_text())).collect();
    Ok(signed(answer::stream(visit, sse::CONTENT_TYPE, pieces)))
}

fn event_piece(data: &str) -> Piece {
    let mut event = String::new();
    sse::write_event(&mut event, None, data);
    Piece::now(event)
}

pub(super) async fn create_transcription(
    State(twin): State<Arc<Twin>>,
    request: Request,
) -> Result<Response, Refused> {
    let (visit, head, body) = Visit::admit_sender(&twin, TRANSCRIPTIONS, request).await?;
    let body = to_bytes(body, MAX_FILE_BYTES + FORM)
        .await
        .map_err(|error| visit.bad(error))?;
    let form = parts(&head.headers, &body).map_err(|why| visit.bad(why))?;
    let file = form.iter().find(|part| part.name == FILE_FIELD);
    let texts: Vec<_> = form
        .iter()
        .filter(|part| part.name != FILE_FIELD)
        .map(Part::pair)
        .collect();
    visit
        .entry
        .received(&serde_json::to_string(&texts).unwrap_or_default());
    visit.entry.heard(file.map_or(0, |file| file.bytes.len()));
    let judged = file.map(|file| FilePart {
        filename: file.filename.unwrap_or_default(),
        bytes: file.bytes.len(),
    });
    let pairs = texts.iter().map(|(name, value)| (*name, value.as_str()));
    let asked = parse_transcription(pairs, judged).map_err(|refusal| refuse(&visit, &refusal))?;
    check_model(&visit, &asked.model)?;
    let wav =
        wav::read(&mut Cursor::new(file.map_or(&[][..], |file| file.bytes))).map_err(|error| {
            let why = format!("the simulator hears WAV files only: {error}");
            refuse(&visit, &unsupported(&why, FILE_FIELD))
        })?;
    let transcript = hear(&twin, &visit, &wav).await?;
    Ok(signed(written(visit, &asked, transcript)))
}

/// Everything that is said in a file.
async fn hear(twin: &Twin, visit: &Visit, wav: &wav::Wav) -> Result<Transcript, Refused> {
    let heard = recording::hear(twin, wav).await.map_err(|why| {
        refuse(
            visit,
            &match why {
                NoEar::Busy => Refusal::rate_limit(),
                NoEar::Deaf(_) => Refusal::server(503),
                NoEar::Format(why) => unsupported(&why, FILE_FIELD),
            },
        )
    })?;
    let silent = visit.knobs.silence;
    let words = heard.words.into_iter().filter(|_| !silent);
    let transcript = Transcript {
        duration_s: Some(heard.duration_s),
        text: if silent { String::new() } else { heard.text },
        words: words
            .map(|word| Word {
                word: word.word,
                start_s: word.start_s,
                end_s: word.end_s,
            })
            .collect(),
        ..Transcript::default()
    };
    Ok(in_one_stretch(transcript))
}

/// The words as one stretch of one speaker.
fn in_one_stretch(mut transcript: Transcript) -> Transcript {
    let (end_s, text) = (
        transcript.duration_s.unwrap_or_default(),
        transcript.text.clone(),
    );
    if !text.is_empty() {
        let segment = Segment {
            end_s,
            text: format!(" {text}"),
            ..Segment::default()
        };
        transcript.segments = vec![segment];
        let (id, speaker) = ("seg_1".to_owned(), "A".to_owned());
        transcript.speakers = vec![SpeakerSegment {
            id,
            speaker,
            start_s: 0.0,
            end_s,
            text,
        }];
    }
    transcript
}

fn written(visit: Visit, asked: &TranscriptionRequest, mut transcript: Transcript) -> Response {
    let seconds = transcript.duration_s.unwrap_or_default();
    transcript.usage = Some(AudioUsage::Seconds(seconds.ceil()));
    if asked.model == "gpt-transcribe" {
        transcript.languages = vec!["en".to_owned()];
    }
    if asked.stream && asked.model != "whisper-1" {
        let pause = pause(&visit);
        let deltas = transcript
            .text
            .split_inclusive(' ')
            .map(|word| TranscriptEvent::Delta(word.to_owned()));
        let deltas = deltas.map(|event| Piece {
            pause,
            ..event_piece(&event.to_text())
        });
        let end = event_piece(&TranscriptEvent::Text(transcript.clone()).to_text());
        let pieces = deltas.chain([end]).collect();
        return answer::stream(visit, sse::CONTENT_TYPE, pieces);
    }
    match asked.response_format.as_deref() {
        Some("text") => answer::stream(
            visit,
            "text/plain; charset=utf-8",
            vec![Piece::now(transcript.text + "\n")],
        ),
        Some("verbose_json") => {
            transcript.language = Some("english".to_owned());
            if !asked
                .timestamp_granularities
                .iter()
                .any(|word| word == "word")
            {
                transcript.words.clear();
            }
            answer::json(visit, transcript.to_verbose_json())
        }
        Some("diarized_json") => answer::json(visit, transcript.to_diarized_json()),
        Some(_) | None => answer::json(visit, transcript.to_json()),
    }
}
