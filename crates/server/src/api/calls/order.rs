//! What is wanted of a live call: a line said, the caller put through, a hint for what answers.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use ringback_call::Order;
use ringback_session::Refused;
use ringback_session::scenario::destination::{SCENARIO, is_destination, shown};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::access::Reader;
use super::act::{live, over};
use crate::accounts::{User, Whence};
use crate::app::App;
use crate::body::JsonBody;
use crate::calls::watch::Watch;
use crate::openapi::Problem;
use crate::refusal::Refusal;
use crate::scenarios::Unfit;

/// How large a body may be, in bytes.
pub const MAX_BYTES: usize = 16 << 10;
const STRANDED: &str = "the call was brought here by TwiML of your own, which says what comes next; set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, and it can be put through";
/// The longest line, in characters.
const LONGEST_LINE: usize = 1000;
/// The longest line before a transfer, in characters: nothing that the caller does ends it.
const LONGEST_FIRST: usize = 300;
/// The longest hint, in characters.
const LONGEST_HINT: usize = 2000;

/// What the agent is to say.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"text": "A colleague has found your order.", "interrupt": false}))]
#[serde(deny_unknown_fields)]
pub struct Saying {
    /// As it would be written; figures and the like are spoken as words.
    #[schema(min_length = 1, max_length = 1000)]
    text: String,
    /// In place of what is being said, or of the answer to what the caller is saying; otherwise once both were heard.
    #[serde(default)]
    interrupt: bool,
}

/// A hint for what answers.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"text": "The customer is a member: offer free delivery."}))]
#[serde(deny_unknown_fields)]
pub struct Whispering {
    /// The caller does not hear it.
    #[schema(min_length = 1, max_length = 2000)]
    text: String,
}

/// Where the caller is to go.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"to": "+15005550009", "say": "I put you through to our workshop."}))]
#[serde(deny_unknown_fields)]
pub struct Transferring {
    /// A number as E.164 (`+` and 8 to 15 digits), a `sip:` address, or `scenario:` and a slug.
    #[schema(min_length = 5, max_length = 260)]
    to: String,
    /// Heard before. Without it the caller is put through at once.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 300)]
    say: Option<String>,
}

/// What a live call was told to do.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = AcceptedOrder, example = json!({"call_id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "call_sid": "CA00000000000000000000000000000001", "status": "speaking"}))]
pub struct Accepted {
    /// Our id.
    call_id: String,
    /// Twilio's.
    call_sid: String,
    /// `accepted`, `transferring` or `ending`.
    status: &'static str,
    /// What is said or whispered, as it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Whether it takes the place of what is being said.
    #[serde(skip_serializing_if = "Option::is_none")]
    interrupt: Option<bool>,
    /// Where the caller goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// What they hear before.
    #[serde(skip_serializing_if = "Option::is_none")]
    say: Option<String>,
}

impl Accepted {
    pub(super) fn by(live: &Watch, status: &'static str) -> Self {
        Self {
            call_id: live.call_id.clone(),
            call_sid: live.call_sid.clone(),
            status,
            ..Self::default()
        }
    }
}

/// Say a line in a live call.
///
/// The agent says it once what it is saying, or is about to answer, was heard; with `interrupt` in its place. It is a line of the
/// conversation like any other: the caller can interrupt it, and the transcript has what they heard. A caller who goes on before they
/// heard a word of it is answered first. Eight lines may wait.
#[utoipa::path(post, path = "/calls/{id}/say", tag = "Calls", request_body(content = Saying), params(("id" = String, Path, description = "Twilio's id of the call, or ours.", example = "CA00000000000000000000000000000001")),
    responses(
        (status = 202, description = "It will be said.", body = Accepted, example = json!({
            "call_id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "call_sid": "CA00000000000000000000000000000001", "status": "accepted",
            "text": "A colleague has found your order.", "interrupt": false,
        })),
        (status = 404, description = "There is no such call, or it is somebody else's.", body = Problem, example = json!({"detail": "there is no call of this id"})),
        (status = 409, description = "It is over, goes on at another server, a machine has answered, or eight lines wait already.", body = Problem, example = json!({"detail": "a machine has answered, and nobody would hear it"})),
    ))]
pub async fn say_line(
    State(app): State<App>,
    reader: Reader,
    user: User,
    whence: Whence,
    Path(id): Path<String>,
    JsonBody(saying): JsonBody<Saying>,
) -> Result<(StatusCode, Json<Accepted>), Refusal> {
    let text = spoken("text", &saying.text, LONGEST_LINE)?;
    let interrupt = saying.interrupt;
    let live = live(&app, &reader, &id).await?;
    let order = Order::Say {
        text: text.clone(),
        interrupt,
    };
    give(&live, order).await?;
    let detail = json!({ "characters": text.chars().count(), "interrupt": interrupt });
    audit(&app, (&user, &whence), "call.say", &live, detail).await;
    Ok(accepted(Accepted {
        text: Some(text),
        interrupt: Some(interrupt),
        ..Accepted::by(&live, "accepted")
    }))
}

/// Whisper a hint to what answers a live call.
///
/// The model or web service that answers reads it from its next answer on; the caller does not hear it. The transcript has it as
/// a line of the speaker `whisper`.
#[utoipa::path(post, path = "/calls/{id}/whisper", tag = "Calls", request_body(content = Whispering), params(("id" = String, Path, description = "Twilio's id of the call, or ours.", example = "CA00000000000000000000000000000001")),
    responses(
        (status = 202, description = "The next answer knows of it.", body = Accepted, example = json!({
            "call_id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "call_sid": "CA00000000000000000000000000000001", "status": "accepted",
            "text": "The customer is a member: offer free delivery.",
        })),
        (status = 404, description = "There is no such call, or it is somebody else's.", body = Problem, example = json!({"detail": "there is no call of this id"})),
        (status = 409, description = "It is over, goes on at another server, or a script answers, which takes no hints.", body = Problem, example = json!({"detail": "nobody there can take a hint: no model and no web service answers"})),
    ))]
pub async fn whisper_hint(
    State(app): State<App>,
    reader: Reader,
    user: User,
    whence: Whence,
    Path(id): Path<String>,
    JsonBody(whispering): JsonBody<Whispering>,
) -> Result<(StatusCode, Json<Accepted>), Refusal> {
    let text = plain("text", &whispering.text, LONGEST_HINT)?;
    let live = live(&app, &reader, &id).await?;
    give(&live, Order::Whisper(text.clone())).await?;
    let detail = json!({ "characters": text.chars().count() });
    audit(&app, (&user, &whence), "call.whisper", &live, detail).await;
    Ok(accepted(Accepted {
        text: Some(text),
        ..Accepted::by(&live, "accepted")
    }))
}

/// Put the caller of a live call through.
///
/// To a number, a SIP address, or another scenario that the owner of the call may use: one that is built in, their own, or a shared one.
/// What the agent is saying ends where it was heard. With `say` the caller hears that first, whatever they do.
#[utoipa::path(post, path = "/calls/{id}/transfer", tag = "Calls", request_body(content = Transferring), params(("id" = String, Path, description = "Twilio's id of the call, or ours.", example = "CA00000000000000000000000000000001")),
    responses(
        (status = 202, description = "They are put through.", body = Accepted, example = json!({
            "call_id": "0199a0c2-7b1e-7d3a-9a54-0d7f6f1e2b11", "call_sid": "CA00000000000000000000000000000001", "status": "transferring",
            "to": "+15005550009", "say": "I put you through to our workshop.",
        })),
        (status = 404, description = "There is no such call, or it is somebody else's.", body = Problem, example = json!({"detail": "there is no call of this id"})),
        (status = 409, description = "It is over, goes on at another server, or TwiML of your own brought it here and Twilio's account is not known.", body = Problem, example = json!({"detail": "the call is over"})),
    ))]
pub async fn transfer_call(
    State(app): State<App>,
    reader: Reader,
    user: User,
    whence: Whence,
    Path(id): Path<String>,
    JsonBody(wanted): JsonBody<Transferring>,
) -> Result<(StatusCode, Json<Accepted>), Refusal> {
    let Transferring { to, say } = wanted;
    if !is_destination(&to) {
        let what = "give a number as \"+15005550006\", an address as \"sip:desk@example.com\", or a scenario as \"scenario:it-support\"";
        return Err(Refusal::field("to", what));
    }
    let first = say.map(|text| spoken("say", &text, LONGEST_FIRST));
    let first = first.transpose()?;
    let live = live(&app, &reader, &id).await?;
    if live.foreign && app.config.twilio.account().is_none() {
        return Err(Refusal::new(StatusCode::CONFLICT, STRANDED));
    }
    if let Some(slug) = to.strip_prefix(SCENARIO) {
        may_reach(&app, &live, slug)?;
    }
    let order = Order::Transfer {
        to: to.clone(),
        first: first.clone(),
    };
    give(&live, order).await?;
    let detail = json!({ "to": shown(&to), "characters": first.as_deref().map_or(0, |first| first.chars().count()) });
    audit(&app, (&user, &whence), "call.transfer", &live, detail).await;
    Ok(accepted(Accepted {
        to: Some(to),
        say: first,
        ..Accepted::by(&live, "transferring")
    }))
}

/// A text on one line, without what is no text.
///
/// # Errors
/// 422.
fn plain(field: &str, text: &str, longest: usize) -> Result<String, Refusal> {
    if text.chars().count() > longest {
        let what = format!("give at most {longest} characters");
        return Err(Refusal::field(field, what));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    if text.chars().any(char::is_control) {
        return Err(Refusal::field(
            field,
            "give text without control characters",
        ));
    }
    if !text.chars().any(char::is_alphanumeric) {
        return Err(Refusal::field(field, "give some words"));
    }
    Ok(text)
}

/// The same for the voice: what a model would write to press keys is no text.
fn spoken(field: &str, text: &str, longest: usize) -> Result<String, Refusal> {
    let text = plain(field, text, longest)?;
    if text.contains("[keys") {
        return Err(Refusal::field(
            field,
            "give words: no keys are pressed for them",
        ));
    }
    Ok(text)
}

/// What another user's scenario is called is nobody's business.
fn may_reach(app: &App, live: &Watch, slug: &str) -> Result<(), Refusal> {
    let nowhere = "there is no scenario of this name for calls of this one's owner";
    if !app.scenarios.leads_to(live.stored.as_ref(), slug) {
        return Err(Refusal::field("to", nowhere));
    }
    match app.scenario(slug, live.direction) {
        Ok(_) => Ok(()),
        Err(Unfit::Absent) => Err(Refusal::field("to", nowhere)),
        Err(why) => Err(why.refusal("to")),
    }
}

async fn give(live: &Watch, order: Order) -> Result<(), Refusal> {
    live.order(order).await.map_err(|refused| match refused {
        Refused::Ending => over(),
        Refused::Machine | Refused::Full | Refused::Deaf => {
            Refusal::new(StatusCode::CONFLICT, refused.to_string())
        }
    })
}

/// Writes down who did it; words and numbers stay out of it.
pub(super) async fn audit(
    app: &App,
    (user, whence): (&User, &Whence),
    action: &str,
    live: &Watch,
    detail: Value,
) {
    tracing::info!(
        call.id = live.call_id,
        call.sid = live.call_sid,
        action,
        "a live call is told what to do"
    );
    whence
        .audit(app, Some(&user.id), action, &live.call_id, detail)
        .await;
}

/// 202 with the call and what was taken.
pub(super) fn accepted(told: Accepted) -> (StatusCode, Json<Accepted>) {
    (StatusCode::ACCEPTED, Json(told))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_text_is_on_one_line_and_says_something() {
        assert_eq!(plain("text", " One\n\ttwo. ", 12).unwrap(), "One two.");
        for (text, longest) in [
            ("", 9),
            (" .!\n", 9),
            ("a\u{0}b", 9),
            ("abcd", 3),
            ("\u{7f}a", 9),
        ] {
            assert!(plain("text", text, longest).is_err(), "{text:?}");
        }
        assert!(spoken("text", "[keys 12#]", 20).is_err());
        assert!(plain("text", "[keys 12#]", 20).is_ok());
    }

    #[test]
    fn numbers_and_addresses_are_shown_in_part() {
        assert_eq!(shown("scenario:it-support"), "scenario:it-support");
        for to in ["+15005550009", "sip:secret@example.com"] {
            let shown = shown(to);
            assert!(
                !shown.contains("5550009") && !shown.contains("secret"),
                "{shown}"
            );
        }
    }
}
