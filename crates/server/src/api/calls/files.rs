//! The files of a call: `GET /calls/{id}/recording` and `/calls/{id}/trace`, whole or in part, also while they are written.

use std::io::SeekFrom;
use std::path::{Path as FilePath, PathBuf};
use std::time::UNIX_EPOCH;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use ringback_store::FileKind;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::access::{Found, Reader, find};
use crate::app::App;
use crate::openapi::Problem;
use crate::refusal::{Refusal, soon, store};

/// Read from the disk at once, in bytes.
const CHUNK: usize = 64 << 10;

/// Hear a call's recording.
///
/// WAV, the caller left and the agent right. Of a call that goes on, what is written so far.
#[utoipa::path(get, path = "/calls/{id}/recording", tag = "Calls",
    params(("id" = String, Path, description = "Twilio's id of the call, or ours.", example = "CA00000000000000000000000000000001"),
        ("Range" = Option<String>, Header, description = "One range of bytes: `bytes=0-1023`.", example = "bytes=0-1023"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` that the range is of."),
        ("If-None-Match" = Option<String>, Header, description = "An `ETag` that is there already."),
        ("token" = Option<String>, Query, description = "Of a link, instead of a bearer token."),
    ),
    responses(
        (status = 200, description = "All of it, or what is written so far.", content_type = "audio/wav", body = String, headers(("ETag" = String), ("Accept-Ranges" = String)), example = "RIFF..."),
        (status = 206, description = "A part.", content_type = "audio/wav", body = String, headers(("Content-Range" = String)), example = "RIFF..."),
        (status = 304, description = "It is there already."),
        (status = 403, description = "The link is not good.", body = Problem, example = json!({"detail": "the link is not good, or not any more: ask for another one"})),
        (status = 404, description = "There is no such call, or it has no such file here.", body = Problem, example = json!({"detail": "there is no call of this id"})),
        (status = 416, description = "There is no such part.", body = Problem, example = json!({"detail": "the file has 36 bytes"})),
    ))]
pub async fn show_recording(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found = find(&app, &reader, &id).await?;
    let path = path(&app, &found, FileKind::Recording).await?;
    answer(&path, "audio/wav", &method, &headers).await
}

/// Read a call's trace.
///
/// One JSON value a line, for `ringback replay`. Of a call that goes on, what is written so far.
#[utoipa::path(get, path = "/calls/{id}/trace", tag = "Calls",
    params(("id" = String, Path, description = "Twilio's id of the call, or ours.", example = "CA00000000000000000000000000000001"),
        ("Range" = Option<String>, Header, description = "One range of bytes: `bytes=0-1023`.", example = "bytes=0-1023"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` that the range is of."),
        ("If-None-Match" = Option<String>, Header, description = "An `ETag` that is there already."),
    ),
    responses(
        (status = 200, description = "All of it, or what is written so far.", content_type = "application/x-ndjson", body = String, headers(("ETag" = String), ("Accept-Ranges" = String)), example = "{}\n"),
        (status = 206, description = "A part.", content_type = "application/x-ndjson", body = String, headers(("Content-Range" = String)), example = "{}\n"),
        (status = 304, description = "It is there already."),
        (status = 404, description = "There is no such call, or it has no such file here.", body = Problem, example = json!({"detail": "there is no call of this id"})),
        (status = 416, description = "There is no such part.", body = Problem, example = json!({"detail": "the file has 36 bytes"})),
    ))]
pub async fn show_trace(
    State(app): State<App>,
    reader: Reader,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let found = find(&app, &reader, &id).await?;
    let path = path(&app, &found, FileKind::Trace).await?;
    answer(&path, "application/x-ndjson", &method, &headers).await
}

/// Where a file of a call lies: by the name in its row, in the folder of recordings and nowhere else.
pub(super) async fn path(app: &App, found: &Found, kind: FileKind) -> Result<PathBuf, Refusal> {
    let begun = found.live.as_ref().and_then(|live| live.files());
    let path = match (begun, kind) {
        (Some([recording, _]), FileKind::Recording) => Some(recording.clone()),
        (Some([_, trace]), FileKind::Trace) => Some(trace.clone()),
        (Some(_) | None, _) => {
            let files = soon(store(app)?.call_files(&found.id)).await?;
            let file = files.into_iter().find(|file| file.kind == kind);
            file.map(|file| file.path.into())
        }
    };
    path.and_then(|path| in_folder(&app.config.recordings(), &path))
        .ok_or_else(|| unkept_file(kind))
}

/// The file of this name in the folder, wherever its path says that it lies.
pub fn in_folder(folder: &FilePath, path: &FilePath) -> Option<PathBuf> {
    path.file_name().map(|name| folder.join(name))
}

fn unkept_file(kind: FileKind) -> Refusal {
    let what = format!("the call has no {} here", kind.as_str());
    Refusal::new(StatusCode::NOT_FOUND, what)
}

async fn answer(
    path: &FilePath,
    kind: &'static str,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let (file, length, tag) = open(path).await?;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut dressed = HeaderMap::new();
    dressed.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    dressed.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    for (header, value) in [
        (header::ETAG, tag.clone()),
        (
            header::CONTENT_DISPOSITION,
            format!("inline; filename=\"{name}\""),
        ),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            dressed.insert(header, value);
        }
    }
    if text(header::IF_NONE_MATCH).is_some_and(|tags| tags.contains(&tag) || tags.trim() == "*") {
        return Ok((StatusCode::NOT_MODIFIED, dressed).into_response());
    }
    // Ranges are for GET (RFC 9110, 14.2); one of another state of the file is not the part that is meant.
    let same = text(header::IF_RANGE).is_none_or(|of| of == tag);
    let wanted = text(header::RANGE).filter(|_| same && *method == Method::GET);
    let (status, first, after) = match wanted.map_or(Wanted::Whole, |text| wanted_of(text, length))
    {
        Wanted::Whole => (StatusCode::OK, 0, length),
        Wanted::Part(first, after) => (StatusCode::PARTIAL_CONTENT, first, after),
        Wanted::Nothing => {
            let what = format!("the file has {length} bytes");
            let refused = Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, what);
            let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return Ok((range, refused).into_response());
        }
    };
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{length}", after - 1);
        dressed.extend(HeaderValue::from_str(&range).map(|range| (header::CONTENT_RANGE, range)));
    }
    dressed.insert(header::CONTENT_LENGTH, (after - first).into());
    let body = if *method == Method::HEAD {
        Body::empty()
    } else {
        part(file, first, after - first).await.map_err(unread)?
    };
    Ok((status, dressed, body).into_response())
}

/// The file, its length now, and a tag of this state of it.
async fn open(path: &FilePath) -> Result<(File, u64, String), Refusal> {
    let missing = || {
        let what = "the file is not kept any more, or lies on another server";
        Refusal::new(StatusCode::NOT_FOUND, what)
    };
    let linked = tokio::fs::symlink_metadata(path).await;
    if !linked.is_ok_and(|found| found.is_file()) {
        return Err(missing());
    }
    let file = File::open(path).await.map_err(|_| missing())?;
    let found = file.metadata().await.map_err(unread)?;
    let changed = found.modified().ok();
    let changed = changed.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let changed = changed.unwrap_or_default().as_nanos();
    let length = found.len();
    Ok((file, length, format!("\"{length:x}-{changed:x}\"")))
}

fn unread(error: std::io::Error) -> Refusal {
    tracing::error!("Error: a file of a call cannot be read: {error}");
    let what = "the file cannot be read";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, what)
}

async fn part(mut file: File, first: u64, length: u64) -> std::io::Result<Body> {
    file.seek(SeekFrom::Start(first)).await?;
    let chunks = stream::try_unfold((file, length), async |(mut file, left)| {
        let wanted = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
        if wanted == 0 {
            return Ok(None);
        }
        let mut bytes = vec![0; wanted];
        let read = file.read(&mut bytes).await?;
        if read == 0 {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
        }
        bytes.truncate(read);
        Ok(Some((Bytes::from(bytes), (file, left - read as u64))))
    });
    Ok(Body::from_stream(chunks))
}

/// What of a file is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    /// From this byte on, up to before that one.
    Part(u64, u64),
    /// A part that there is not.
    Nothing,
}

/// What a `Range` asks of so many bytes (RFC 9110, 14.1.2). What is no range of bytes, or more than one, asks for all.
fn wanted_of(range: &str, length: u64) -> Wanted {
    let spec = range.split_once('=');
    let spec = spec.filter(|(unit, _)| unit.trim().eq_ignore_ascii_case("bytes"));
    let Some((first, last)) = spec.and_then(|(_, spec)| spec.trim().split_once('-')) else {
        return Wanted::Whole;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first > last => Wanted::Whole,
        (Some(first), _) if first >= length && (last.is_empty() || number(last).is_some()) => {
            Wanted::Nothing
        }
        (Some(first), Some(last)) => Wanted::Part(first, last.saturating_add(1).min(length)),
        (Some(first), None) if last.is_empty() => Wanted::Part(first, length),
        (None, Some(0)) if first.is_empty() => Wanted::Nothing,
        (None, Some(_)) if first.is_empty() && length == 0 => Wanted::Nothing,
        (None, Some(last)) if first.is_empty() => Wanted::Part(length.saturating_sub(last), length),
        (Some(_) | None, Some(_) | None) => Wanted::Whole,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_asks_for_one_part_and_anything_else_for_all() {
        let part = Wanted::Part;
        for (range, wanted) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=0-", part(0, 100)),
            ("Bytes=10-19", part(10, 20)),
            ("bytes=90-200", part(90, 100)),
            ("bytes=99-99999999999999999999999", part(99, 100)),
            ("bytes=-1", part(99, 100)),
            ("bytes=-500", part(0, 100)),
            ("bytes=100-", Wanted::Nothing),
            ("bytes=100-200", Wanted::Nothing),
            ("bytes=99999999999999999999999-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=9-5", Wanted::Whole),
            ("bytes=0-1,5-6", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
            ("", Wanted::Whole),
        ] {
            assert_eq!(wanted_of(range, 100), wanted, "{range}");
        }
        assert_eq!(wanted_of("bytes=0-", 0), Wanted::Nothing);
        assert_eq!(wanted_of("bytes=-5", 0), Wanted::Nothing);
    }

    #[test]
    fn a_name_never_leaves_the_folder() {
        let folder = FilePath::new("recordings");
        for (path, found) in [
            ("/data/recordings/a.wav", Some("recordings/a.wav")),
            ("../../etc/passwd", Some("recordings/passwd")),
            ("a/..", None),
            ("..", None),
            ("/", None),
            ("", None),
        ] {
            let found = found.map(PathBuf::from);
            assert_eq!(in_folder(folder, FilePath::new(path)), found, "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_part_is_never_empty_nor_outside(range in "bytes=[0-9]{0,21}-[0-9]{0,21}", length in 0_u64..1000) {
            if let Wanted::Part(first, after) = wanted_of(&range, length) {
                prop_assert!(first < after && after <= length);
            }
        }
    }
}
