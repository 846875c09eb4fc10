//! What Twilio posts, for the document of the API: the fields that are heeded. All others are taken and signed for.
#![expect(dead_code, reason = "forms are read by `wire`; these are their shapes")]

use utoipa::ToSchema;

/// The request for TwiML.
#[derive(ToSchema)]
#[schema(example = json!({
    "CallSid": "CA00000000000000000000000000000001", "AccountSid": "AC00000000000000000000000000000001",
    "From": "+15005550001", "To": "+15005550006", "Direction": "inbound", "CallStatus": "ringing",
}))]
pub struct VoiceForm {
    /// Twilio's id of the call.
    #[schema(rename = "CallSid", min_length = 1)]
    call_sid: String,
    /// Twilio's id of the account.
    #[schema(rename = "AccountSid")]
    account_sid: Option<String>,
    /// Who called.
    #[schema(rename = "From")]
    from: Option<String>,
    /// Who was called.
    #[schema(rename = "To")]
    to: Option<String>,
    /// `inbound`, `outbound-api` or `outbound-dial`; what is missing or another word is `inbound`.
    #[schema(rename = "Direction")]
    direction: Option<String>,
    /// Where the call is.
    #[schema(rename = "CallStatus")]
    call_status: Option<String>,
    /// Who answered, by synchronous answering-machine detection.
    #[schema(rename = "AnsweredBy")]
    answered_by: Option<String>,
}

/// The verdict of answering-machine detection.
#[derive(ToSchema)]
#[schema(example = json!({
    "CallSid": "CA00000000000000000000000000000001", "AnsweredBy": "machine_end_beep", "MachineDetectionDuration": "4120",
}))]
pub struct VerdictForm {
    /// Twilio's id of the call.
    #[schema(rename = "CallSid", min_length = 1)]
    call_sid: String,
    /// `human`, `machine_start`, `machine_end_beep`, `machine_end_silence`, `machine_end_other`, `fax` or `unknown`; other words are
    /// `unknown` too.
    #[schema(rename = "AnsweredBy", min_length = 1)]
    answered_by: String,
    /// How long it took, in ms.
    #[schema(rename = "MachineDetectionDuration")]
    duration: Option<String>,
}
