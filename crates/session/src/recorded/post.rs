//! A file on its way to a provider over HTTP, and the answer.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt};
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use reqwest::{Body, Client, Response};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use crate::provider::{Access, Failure, Provider, unsent};

/// A file leaves in pieces of this size, in bytes.
const PIECE: usize = 64 * 1024;
/// The longest wait for an answer, the upload included.
const PATIENCE: Duration = Duration::from_secs(120);
/// The most that is read of an answer, in bytes.
const MOST: usize = 16 << 20;

/// What is posted: the file, and what stands around it.
pub(super) struct Post<'a> {
    pub(super) provider: Provider,
    pub(super) access: &'a Access,
    /// The path and the query.
    pub(super) target: String,
    /// The word before the key.
    pub(super) scheme: &'static str,
    pub(super) content_type: String,
    /// What stands before the file, and behind it.
    pub(super) around: (Vec<u8>, Vec<u8>),
    pub(super) file: File,
}

impl Post<'_> {
    /// Sends it piece by piece, and gives the answer once its status has come; whatever that is.
    pub(super) async fn send(mut self, client: &Client) -> Result<(u16, Response), Failure> {
        let provider = self.provider;
        let lost = |_| Failure::misbehaved(provider, "cannot be sent the file: it cannot be read");
        let bytes = self.file.seek(SeekFrom::End(0)).map_err(lost)?;
        self.file.seek(SeekFrom::Start(0)).map_err(lost)?;
        let (before, behind) = self.around;
        let length = before.len() as u64 + bytes + behind.len() as u64;
        let body = stream::iter([Ok(before)])
            .chain(pieces(self.file))
            .chain(stream::iter([Ok(behind)]));
        let url = self.access.http_url(provider, &self.target)?;
        let mut request = client
            .post(url)
            .header(CONTENT_TYPE, self.content_type)
            .header(CONTENT_LENGTH, length)
            .body(Body::wrap_stream(body));
        if let Some(key) = &self.access.key {
            let mut value = HeaderValue::from_str(&format!("{}{}", self.scheme, key.expose()))
                .map_err(|_| Failure::refused(provider, "has a key that is no text"))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let answered = request
            .send()
            .await
            .map_err(|error| unsent(provider, &error))?;
        Ok((answered.status().as_u16(), answered))
    }
}

fn pieces(file: File) -> impl Stream<Item = std::io::Result<Vec<u8>>> + Send {
    stream::unfold(tokio::fs::File::from_std(file), async |mut file| {
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(read) => {
                piece.truncate(read);
                Some((Ok(piece), file))
            }
            Err(error) => Some((Err(error), file)),
        }
    })
}

/// What a provider does, within the time that is waited for it.
pub(super) async fn in_time<T>(
    provider: Provider,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    timeout(PATIENCE, work).await.unwrap_or_else(|_| {
        let what = format!("did not answer within {} s", PATIENCE.as_secs());
        Err(Failure::unreachable(provider, what))
    })
}

/// The whole text of an answer.
pub(super) async fn text(provider: Provider, mut response: Response) -> Result<String, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| unsent(provider, &error))?
    {
        body.extend_from_slice(&chunk);
        if body.len() > MOST {
            return Err(Failure::misbehaved(provider, "answers without end"));
        }
    }
    String::from_utf8(body).map_err(|_| Failure::misbehaved(provider, "answers what is no text"))
}
