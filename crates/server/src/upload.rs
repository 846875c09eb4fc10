//! Files that are uploaded in forms: on their way to disk and never whole in memory. They have no name there, so that none is left
//! however the server ends.

use std::collections::BTreeMap;
use std::path::Path;

use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use ringback_session::recorded::Recording;
use tokio::io::AsyncWriteExt;

use crate::answers::Detail;
use crate::body::BadBody;
use crate::refusal::{Misfit, Refusal};

/// The field that holds the file.
const FILE: &str = "file";
/// The longest text in a form, in bytes.
const LONGEST_TEXT: usize = 200;
/// What a form has around its file, in bytes.
pub const AROUND: usize = 64 * 1024;

/// A form with a file in it.
#[derive(Debug)]
pub struct Uploaded {
    /// The file.
    pub recording: Recording,
    /// The form's texts, by name.
    pub texts: BTreeMap<String, String>,
}

/// Which forms are taken.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The folder whose disk has room for files.
    pub folder: &'a Path,
    /// How large the file may be, in bytes.
    pub most: usize,
    /// The texts that may stand beside it.
    pub texts: &'a [&'a str],
}

/// A file of nobody's, in this folder, that goes with its last user.
///
/// # Errors
/// The folder cannot be written to.
pub fn nameless(folder: &Path) -> std::io::Result<std::fs::File> {
    tempfile::tempfile_in(folder)
}

/// Reads a form.
///
/// # Errors
/// 415 for another type of body, 400 for a form that breaks off, 408 for one that does not come, 413 for a file that is
/// too large, 422 for fields that are missing, doubled or unknown.
pub async fn read(request: Request, wanted: Wanted<'_>) -> Result<Uploaded, Refusal> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| {
        let what = "the body must be multipart/form-data, with a boundary";
        Detail::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, what)
    })?;
    let (mut recording, mut texts) = (None, BTreeMap::new());
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == FILE {
            if recording.is_some() {
                return Err(Refusal::field(FILE, "one file is taken"));
            }
            recording = Some(keep(field, wanted).await?);
        } else if wanted.texts.contains(&name.as_str()) {
            let text = text(field, &name).await?;
            if texts.insert(name.clone(), text).is_some() {
                return Err(Refusal::field(&name, "it stands there twice"));
            }
        } else {
            let name: String = name.chars().take(40).collect();
            let what = "there is no such field";
            return Err(Misfit::of_field(&name, what, "extra_forbidden").into());
        }
    }
    let missing = || Refusal::missing(FILE);
    Ok(Uploaded {
        recording: recording.ok_or_else(missing)?,
        texts,
    })
}

fn broken(error: MultipartError) -> Detail {
    let what = "the form breaks off, or is none";
    BadBody::found_in(&error)
        .map_or_else(|| Detail::new(StatusCode::BAD_REQUEST, what), Detail::from)
}

async fn keep(mut field: Field<'_>, wanted: Wanted<'_>) -> Result<Recording, Refusal> {
    let (name, kind) = (field.file_name(), field.content_type());
    let name = name.unwrap_or_default().to_owned();
    let kind = kind.unwrap_or_default().to_owned();
    let folder = wanted.folder.to_owned();
    let made = tokio::task::spawn_blocking(move || nameless(&folder)).await;
    let file = made.map_err(std::io::Error::other).and_then(|made| made);
    let mut file = tokio::fs::File::from_std(file.map_err(unkept)?);
    let mut bytes = 0;
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        bytes += piece.len();
        if bytes > wanted.most {
            let what = format!("the file has more than {} bytes", wanted.most);
            return Err(Detail::new(StatusCode::PAYLOAD_TOO_LARGE, what).into());
        }
        file.write_all(&piece).await.map_err(unkept)?;
    }
    file.flush().await.map_err(unkept)?;
    let file = file.into_std().await;
    Ok(Recording { file, name, kind })
}

fn unkept(error: std::io::Error) -> Detail {
    tracing::error!("Error: an upload cannot be kept in DATA_DIR: {error}");
    let what = "uploads cannot be kept on disk: try again later";
    Detail::new(StatusCode::SERVICE_UNAVAILABLE, what)
}

async fn text(mut field: Field<'_>, name: &str) -> Result<String, Refusal> {
    let mut text = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        text.extend_from_slice(&piece);
        if text.len() > LONGEST_TEXT {
            let what = format!("it has more than {LONGEST_TEXT} bytes");
            return Err(Refusal::field(name, what));
        }
    }
    String::from_utf8(text).map_err(|_| Refusal::field(name, "it is no text"))
}
