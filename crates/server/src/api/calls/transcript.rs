//! `GET /calls/{id}/transcript`: what was said, as JSON, as text, or as subtitles.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ringback_store::{FileKind, Turn};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use super::access::{Found, Reader, find};
use super::figures::Transcript;
use super::files;
use crate::app::App;
use crate::body::Params;
use crate::openapi::Problem;
use crate::refusal::{Refusal, soon, store};

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Form {
    Json,
    Text,
    Srt,
}

impl Form {
    fn of_type(kind: &str) -> Option<Self> {
        match kind {
            "application/json" | "application/*" | "*/*" => Some(Self::Json),
            "text/plain" | "text/*" => Some(Self::Text),
            "application/x-subrip" | "text/srt" => Some(Self::Srt),
            _ => None,
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Text => "text/plain; charset=utf-8",
            Self::Srt => "application/x-subrip; charset=utf-8",
        }
    }
}

/// How it is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// `json`, `text` or `srt`.
    #[param(inline)]
    format: Option<Form>,
}

/// Read what was said.
///
/// As JSON, as text or as subtitles, by `format`, else by `Accept`. Of a call that goes on, what was said so far.
#[utoipa::path(get, path = "/calls/{id}/transcript", tag = "Calls", params(("id" = String, Path, description = "Twilio's id of the call, or ours.", example = "CA00000000000000000000000000000001"), Asked),
    responses(
        (status = 200, description = "The transcript.", content(
            (Transcript = "application/json"),
            (String = "text/plain", example = "[00:00] Agent: Good morning.\n"),
            (String = "application/x-subrip", example = "1\n00:00:00,000 --> 00:00:01,500\nAgent: Good morning.\n\n"),
        )),
        (status = 404, description = "There is no such call, or it has no transcript.", body = Problem, example = json!({"detail": "there is no call of this id"})),
    ))]
pub async fn show_transcript(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
    Params(asked): Params<Asked>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found = find(&app, &reader, &id).await?;
    let form = asked.format.unwrap_or_else(|| accepted(&headers));
    let transcript = transcript(&app, &found).await?;
    let lines = transcript["lines"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let text = match form {
        Form::Json => {
            return Ok((vary(), Json(transcript)).into_response());
        }
        Form::Text => text(lines),
        Form::Srt => subtitles(lines),
    };
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(form.kind()))];
    Ok((vary(), kind, text).into_response())
}

fn vary() -> [(header::HeaderName, HeaderValue); 1] {
    [(header::VARY, HeaderValue::from_static("accept"))]
}

/// The form that `Accept` likes best of those there are; JSON where it likes none.
fn accepted(headers: &HeaderMap) -> Form {
    let text = headers.get(header::ACCEPT);
    let text = text.and_then(|text| text.to_str().ok()).unwrap_or_default();
    let mut best = (0.0, Form::Json);
    for entry in text.split(',') {
        let mut pieces = entry.split(';').map(str::trim);
        let form = pieces
            .next()
            .and_then(|kind| Form::of_type(&kind.to_ascii_lowercase()));
        let weight = pieces.find_map(|piece| piece.strip_prefix("q="));
        let weight = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
        if let Some(form) = form.filter(|_| weight > best.0) {
            best = (weight, form);
        }
    }
    best.1
}

/// The file where it is there: it has calls of tools and what was not understood, too. Else what the rows say.
async fn transcript(app: &App, found: &Found) -> Result<Value, Refusal> {
    if let Ok(path) = files::path(app, found, FileKind::Transcript).await
        && let Ok(bytes) = tokio::fs::read(&path).await
        && let Ok(value) = serde_json::from_slice::<Value>(&bytes)
    {
        return Ok(value);
    }
    let call = soon(store(app)?.call_detail(&found.id)).await?;
    let turns = call.map_or_else(Vec::new, |call| call.turns);
    let lines: Vec<Value> = turns.iter().map(line).collect();
    if lines.is_empty() && found.live.as_ref().is_none_or(|live| live.is_over()) {
        let what = "the call has no transcript, or it is kept no more";
        return Err(Refusal::new(StatusCode::NOT_FOUND, what));
    }
    Ok(json!({ "call_id": found.id, "lines": lines, "turns": super::turns(&turns) }))
}

/// A line as a transcript has it.
fn line(turn: &Turn) -> Value {
    let mut fields = Map::new();
    fields.insert("speaker".to_owned(), json!(turn.who));
    let more = turn.detail.as_ref().and_then(|detail| detail.0.as_object());
    fields.extend(
        more.into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    fields.insert("heard".to_owned(), json!(turn.text));
    fields.into()
}

/// Who says what, from when until when in ms; what has no words is left out.
fn spoken(line: &Value) -> Option<(&'static str, String, u64, u64)> {
    let who = match line["speaker"].as_str()? {
        "caller" => "Caller",
        "agent" => "Agent",
        _ => return None,
    };
    let heard = line["heard"].as_str().unwrap_or_default();
    // A blank line would end a subtitle.
    let words: Vec<&str> = heard.split_whitespace().collect();
    let words = match line["digits"].as_str().filter(|digits| !digits.is_empty()) {
        Some(digits) if words.is_empty() => format!("[{digits}]"),
        Some(_) | None if line["unclear"] == true => "[unclear]".to_owned(),
        Some(_) | None => words.join(" "),
    };
    let from = line["from_ms"].as_u64().unwrap_or(0);
    let until = line["until_ms"].as_u64().filter(|until| *until > from);
    (!words.is_empty()).then(|| (who, words, from, until.unwrap_or(from + 1000)))
}

fn text(lines: &[Value]) -> String {
    let mut text = String::new();
    for (who, words, from, _) in lines.iter().filter_map(spoken) {
        let (minutes, seconds) = (from / 60_000, from / 1000 % 60);
        let _ = writeln!(text, "[{minutes:02}:{seconds:02}] {who}: {words}");
    }
    text
}

fn subtitles(lines: &[Value]) -> String {
    let mut text = String::new();
    let time = |ms: u64| {
        let (hours, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
        format!(
            "{hours:02}:{minutes:02}:{:02},{:03}",
            ms / 1000 % 60,
            ms % 1000
        )
    };
    for (index, (who, words, from, until)) in lines.iter().filter_map(spoken).enumerate() {
        let (number, from, until) = (index + 1, time(from), time(until));
        let _ = write!(text, "{number}\n{from} --> {until}\n{who}: {words}\n\n");
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn lines() -> Vec<Value> {
        vec![
            json!({"speaker": "agent", "from_ms": 0, "until_ms": 1500, "heard": "Good morning.", "digits": ""}),
            json!({"speaker": "caller", "from_ms": 2000, "until_ms": 2600, "heard": "hello\n\n2\n00:00", "digits": ""}),
            json!({"speaker": "tool", "from_ms": 2700, "name": "clock"}),
            json!({"speaker": "whisper", "from_ms": 2800, "until_ms": 2800, "said": "Be kind.", "heard": "", "digits": ""}),
            json!({"speaker": "caller", "from_ms": 3000, "until_ms": 3000, "heard": "", "digits": "42#"}),
            json!({"speaker": "caller", "from_ms": 4000, "until_ms": 4500, "heard": "", "digits": "", "unclear": true}),
            json!({"speaker": "agent", "from_ms": 3_661_001, "until_ms": 3_662_000, "heard": "Goodbye.", "digits": ""}),
            json!({"speaker": "agent", "from_ms": 3_663_000, "until_ms": 3_664_000, "heard": " ", "digits": ""}),
        ]
    }

    #[test]
    fn text_has_a_line_for_each_who_spoke() {
        let expected = "[00:00] Agent: Good morning.\n[00:02] Caller: hello 2 00:00\n[00:03] Caller: [42#]\n\
                        [00:04] Caller: [unclear]\n[61:01] Agent: Goodbye.\n";
        assert_eq!(text(&lines()), expected);
    }

    #[test]
    fn subtitles_are_numbered_and_no_words_end_one_early() {
        let text = subtitles(&lines());
        assert!(text.starts_with("1\n00:00:00,000 --> 00:00:01,500\nAgent: Good morning.\n\n2\n"));
        assert!(text.contains("\n3\n00:00:03,000 --> 00:00:04,000\nCaller: [42#]\n"));
        assert!(text.ends_with("5\n01:01:01,001 --> 01:01:02,000\nAgent: Goodbye.\n\n"));
        assert_eq!(text.split("\n\n").count(), 6);
    }

    #[test]
    fn accept_decides_by_weight_and_then_by_order() {
        for (accept, form) in [
            ("", Form::Json),
            ("*/*", Form::Json),
            ("text/plain", Form::Text),
            ("Text/Plain; charset=utf-8", Form::Text),
            ("application/x-subrip", Form::Srt),
            (
                "text/html, text/plain;q=0.5, application/json;q=0.9",
                Form::Json,
            ),
            ("text/plain;q=0, image/png", Form::Json),
            ("text/srt, application/json", Form::Srt),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(accepted(&headers), form, "{accept}");
        }
    }
}
