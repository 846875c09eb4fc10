//! The captcha that who registers or signs in must have solved.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::accounts::Whence;
use crate::app::{App, Server};
use crate::captcha::{Shown, Unproven};
use crate::refusal::Refusal;

/// In seconds: when a verifier that failed may be there again.
const VERIFIER: u64 = 10;

/// Whether the captcha was solved, where there is one.
///
/// # Errors
/// 403, 422 where the token is missing, 503 where it cannot be checked.
pub(super) async fn solved(
    app: &Server,
    whence: &Whence,
    token: Option<&str>,
) -> Result<(), Refusal> {
    let checked = app.guards.captcha.check(token, whence.address).await;
    checked.map_err(|why| match why {
        Unproven::Missing => Refusal::missing("captcha_token"),
        Unproven::Refused(_) => {
            let what = "the captcha was not passed: solve it again";
            Refusal::new(StatusCode::FORBIDDEN, what)
        }
        Unproven::Unchecked(_) => {
            let what = "the captcha cannot be checked at present; try again later";
            Refusal::later(what, VERIFIER)
        }
    })
}

/// Show which captcha a page must bring.
///
/// What its widget gives goes into `captcha_token` of registering and signing in. Without a captcha all is null.
#[utoipa::path(get, path = "/auth/captcha-key", tag = "Accounts", responses(
    (status = 200, description = "What the widget needs.", body = Shown),
))]
pub async fn show_captcha_key(State(app): State<App>) -> Json<Shown> {
    Json(app.guards.captcha.shown())
}
