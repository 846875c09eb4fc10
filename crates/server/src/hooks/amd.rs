//! What Twilio's answering-machine detection says of a call.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ringback_call::Verdict;
use ringback_wire::twilio::webhook::{AmdVerdict, AnsweredBy};

use super::authentic::Posted;
use super::forms::VerdictForm;
use crate::app::App;
use crate::refusal::Refusal;

/// Take the verdict of answering-machine detection.
///
/// It goes to the call of its SID. A call that is not known, or over, is none of ours any more.
#[utoipa::path(post, path = "/amd-callback", tag = "Telephony webhooks",
    request_body(content = VerdictForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 204, description = "Taken.")))]
pub async fn take_verdict(
    State(app): State<App>,
    Extension(posted): Extension<Posted>,
) -> Response {
    let Ok(told) = AmdVerdict::of(&posted.form) else {
        let name = match posted.form.filled("CallSid") {
            Some(_) => "AnsweredBy",
            None => "CallSid",
        };
        return Refusal::missing(name).into_response();
    };
    let verdict = told.answered_by.map_or(Verdict::Unknown, verdict);
    let known = app.registry.tell(told.call_sid, verdict);
    tracing::info!(
        call.sid = told.call_sid,
        ?verdict,
        took_ms = told.duration_ms,
        known,
        "the carrier says who answered"
    );
    StatusCode::NO_CONTENT.into_response()
}

/// The core's word for Twilio's.
pub fn verdict(answered_by: AnsweredBy) -> Verdict {
    match answered_by {
        AnsweredBy::Human => Verdict::Human,
        AnsweredBy::MachineStart => Verdict::MachineStart,
        AnsweredBy::MachineEndBeep
        | AnsweredBy::MachineEndSilence
        | AnsweredBy::MachineEndOther => Verdict::MachineEnd,
        AnsweredBy::Fax => Verdict::Fax,
        AnsweredBy::Unknown => Verdict::Unknown,
    }
}
