//! Refusals, each in the shape of its provider.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use ringback_wire::cartesia::{self, ApiVersion};
use ringback_wire::deepgram::{self, http_error::HttpError};
use ringback_wire::{elevenlabs, openai};
use uuid::Uuid;

use super::knobs::Knobs;
use super::place::Provider;

/// Why a request is refused.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) status: u16,
    /// The provider's word for it.
    pub(super) code: String,
    pub(super) message: String,
    /// The parameter that is wrong, where the provider says it.
    pub(super) param: Option<String>,
}

impl Fault {
    pub(super) fn new(status: u16, code: &str, message: impl ToString) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.to_string(),
            param: None,
        }
    }

    /// A request that breaks the rules.
    pub(super) fn bad(provider: Provider, message: impl ToString) -> Self {
        let code = match provider {
            Provider::Deepgram => "Bad Request",
            Provider::OpenAi => "invalid_value",
            Provider::Cartesia => "bad_request",
            Provider::ElevenLabs => "invalid_parameters",
            Provider::Captcha => "bad-request",
        };
        Self::new(400, code, message)
    }

    /// A key that is missing or wrong.
    pub(super) fn key(provider: Provider) -> Self {
        let (code, message) = match provider {
            Provider::Deepgram => ("INVALID_AUTH", "Invalid credentials."),
            Provider::OpenAi => ("invalid_api_key", "Incorrect API key provided."),
            Provider::Cartesia => ("unauthorized", "The API key is missing or invalid."),
            Provider::ElevenLabs => ("invalid_api_key", "Invalid API key"),
            Provider::Captcha => ("invalid-input-secret", ""),
        };
        Self::new(401, code, message)
    }

    /// What a knob asks for, in the provider's words where they are known.
    pub(super) fn of_knob(provider: Provider, status: u16) -> Self {
        let code = match (provider, status) {
            (_, 401) => return Self::key(provider),
            (Provider::Deepgram, 402) => "ASR_PAYMENT_REQUIRED",
            (Provider::Deepgram, 403) => "INSUFFICIENT_PERMISSIONS",
            (Provider::Deepgram, 429) => "TOO_MANY_REQUESTS",
            (Provider::OpenAi, 429) => "rate_limit_exceeded",
            (Provider::OpenAi, 404) => "model_not_found",
            (Provider::Cartesia, 429) => cartesia::CONCURRENCY_LIMITED,
            (Provider::Cartesia, 404) => "model_not_found",
            (Provider::ElevenLabs, 429) => "too_many_concurrent_requests",
            (Provider::Captcha, _) => "internal-error",
            (_, 500..) => "server_error",
            _ => "refused",
        };
        let reason = StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason());
        Self::new(status, code, reason.unwrap_or("refused by a knob"))
    }

    fn body(&self, provider: Provider, version: Option<&ApiVersion>) -> String {
        let request_id = Some(Uuid::now_v7().to_string());
        let (code, message) = (Some(self.code.clone()), self.message.clone());
        match provider {
            Provider::Deepgram => HttpError {
                message,
                code,
                details: None,
                request_id,
            }
            .to_legacy_text(),
            Provider::OpenAi => of_openai(self).to_text(),
            Provider::Cartesia => {
                let error = self.cartesia();
                match version {
                    Some(version) if !version.has_structured_errors() => error.to_old_body(),
                    Some(_) | None => error.to_body(),
                }
            }
            Provider::Captcha => super::captcha::failure(&self.code),
            Provider::ElevenLabs => elevenlabs::ApiError {
                code,
                message: Some(message),
                param: self.param.clone(),
                request_id,
                ..elevenlabs::ApiError::default()
            }
            .to_body(),
        }
    }

    /// The same as Cartesia says it on its socket too.
    pub(super) fn cartesia(&self) -> cartesia::ApiError {
        let reason = StatusCode::from_u16(self.status)
            .ok()
            .and_then(|status| status.canonical_reason());
        cartesia::ApiError {
            status: Some(self.status),
            code: Some(self.code.clone()),
            title: reason.map(str::to_owned),
            message: Some(self.message.clone()),
            request_id: Some(Uuid::now_v7().to_string()),
            doc_url: None,
        }
    }

    /// The HTTP answer.
    pub(super) fn answer(
        &self,
        provider: Provider,
        knobs: &Knobs,
        version: Option<&ApiVersion>,
    ) -> Response {
        let body = knobs
            .body
            .clone()
            .unwrap_or_else(|| self.body(provider, version));
        let kind = if body.starts_with('{') {
            "application/json"
        } else {
            "text/plain; charset=utf-8"
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Some(Ok(value)) = knobs.retry_after.as_deref().map(HeaderValue::from_str) {
            headers.insert(RETRY_AFTER, value);
        }
        if provider == Provider::Deepgram
            && let Ok(value) = HeaderValue::from_str(&self.message)
        {
            headers.insert(deepgram::ERROR_HEADER, value);
        }
        response
    }
}

/// OpenAI's error, in its own words where a status has them.
fn of_openai(fault: &Fault) -> openai::ApiError {
    match fault.status {
        401 => openai::Refusal::key().error,
        404 => openai::Refusal::model_not_found("asked for").error,
        429 => openai::Refusal::rate_limit().error,
        500.. => openai::Refusal::server(fault.status).error,
        _ => openai::ApiError::invalid(&fault.message, fault.param.as_deref(), Some(&fault.code)),
    }
}
