//! Whether a provider is there and knows our key, by a request that costs nothing.

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder, Response};
use ringback_wire::{cartesia, deepgram, elevenlabs, openai};

use super::{Access, Failure, Provider};

/// The most that is read of an answer, in bytes.
const MOST: usize = 1 << 20;
/// The version of Cartesia's API by which it is asked.
const CARTESIA_VERSION: &str = "2026-03-01";

/// What a provider answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It is there and knows the key.
    Well,
    /// It is there and is asked too much.
    Strained,
    /// It cannot be reached, or does not take the key. In one line that begins with its name; no secret.
    Away(String),
}

/// Asks for something that costs nothing.
pub(crate) async fn ask_for_free(client: &Client, provider: Provider, access: &Access) -> Reach {
    match answer(client, provider, access).await {
        Ok(reach) => reach,
        Err(failure) => Reach::Away(failure.detail),
    }
}

async fn answer(client: &Client, provider: Provider, access: &Access) -> Result<Reach, Failure> {
    let request = request(client, provider, access)?;
    let mut response = request.send().await.map_err(|error| {
        let what = if error.is_connect() {
            "could not be connected to"
        } else {
            "did not answer"
        };
        Failure::unreachable(provider, what)
    })?;
    let status = response.status();
    let body = read(&mut response).await;
    if status.is_success() {
        return Ok(Reach::Well);
    }
    // A key that is restricted to what calls need may not read this; that it is valid is known then.
    let restricted = ["permission", "missing scopes"];
    let is_restricted = restricted.iter().any(|word| body.contains(word));
    match status.as_u16() {
        401 | 403 if is_restricted => Ok(Reach::Well),
        429 => Ok(Reach::Strained),
        // A compatible server need not list its models, nor one of one's own describe keys. Whether it serves calls, they show.
        404 | 405 => Ok(Reach::Well),
        status => Err(Failure::status(provider, status, "")),
    }
}

fn request(
    client: &Client,
    provider: Provider,
    access: &Access,
) -> Result<RequestBuilder, Failure> {
    let path = match provider {
        Provider::Deepgram => deepgram::TOKEN_PATH.to_owned(),
        Provider::OpenAi => openai::MODELS_PATH.to_owned(),
        Provider::Cartesia => format!("{}?limit=1", cartesia::VOICES_PATH),
        Provider::ElevenLabs => elevenlabs::USER_PATH.to_owned(),
    };
    let (header, scheme) = match provider {
        Provider::Deepgram => (AUTHORIZATION, deepgram::API_KEY_SCHEME),
        Provider::OpenAi | Provider::Cartesia => (AUTHORIZATION, cartesia::BEARER),
        Provider::ElevenLabs => (HeaderName::from_static(elevenlabs::API_KEY_HEADER), ""),
    };
    let mut request = client.get(access.http_url(provider, &path)?);
    if provider == Provider::Cartesia {
        request = request.header(cartesia::VERSION_HEADER, CARTESIA_VERSION);
    }
    let Some(key) = &access.key else {
        return Ok(request);
    };
    let mut value = HeaderValue::from_str(&format!("{scheme}{}", key.expose()))
        .map_err(|_| Failure::refused(provider, "has a key that is no text"))?;
    value.set_sensitive(true);
    Ok(request.header(header, value))
}

/// The body in lower case, to its end where it is not too long, so that the connection is free again.
async fn read(response: &mut Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > MOST {
            break;
        }
    }
    String::from_utf8_lossy(&body).to_ascii_lowercase()
}
