//! Twilio's REST API of 2010-04-01, as far as calls in progress are concerned.
//!
//! Requests have HTTP Basic authentication, account SID and auth token, and a form as their body. Any status of 2xx is a success.

use serde::Deserialize;

/// Scheme and host of the API in the region where most accounts are.
pub const API_URL: &str = "https://api.twilio.com";
/// The most characters of TwiML that an update may bring.
pub const MAX_TWIML: usize = 4000;
/// The most characters of an error's message that are kept.
const MAX_MESSAGE: usize = 200;

/// A SID: two letters for the kind, and 32 hexadecimal digits.
#[must_use]
pub fn is_sid(text: &str, kind: &str) -> bool {
    text.strip_prefix(kind)
        .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The path of a call. `None` if one of them is no SID, so that nothing else can get into the path.
#[must_use]
pub fn call_path(account_sid: &str, call_sid: &str) -> Option<String> {
    let sids = is_sid(account_sid, "AC") && is_sid(call_sid, "CA");
    sids.then(|| format!("/2010-04-01/Accounts/{account_sid}/Calls/{call_sid}.json"))
}

/// The form that gives a call in progress other TwiML: what ran is dropped, its media stream is torn down. `None` for more TwiML than
/// an update may bring.
#[must_use]
pub fn update_with(twiml: &str) -> Option<[(&'static str, &str); 1]> {
    (twiml.chars().count() <= MAX_TWIML).then_some([("Twiml", twiml)])
}

/// Why a request was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestError {
    /// Twilio's number for it, such as 21220 for a call that is over, if the body has one.
    pub code: Option<u32>,
    /// For people: at most 200 characters, none of them a control character; empty if the body says nothing.
    pub message: String,
}

impl RestError {
    /// Reads the body of a refusal, whatever it is: a gateway's may be HTML, or empty.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Body {
            code: Option<u32>,
            message: Option<String>,
        }
        let Ok(body) = serde_json::from_slice::<Body>(body) else {
            return Self::default();
        };
        let message = body.message.unwrap_or_default();
        Self {
            code: body.code,
            message: message
                .chars()
                .filter(|c| !c.is_control())
                .take(MAX_MESSAGE)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "AC00000000000000000000000000000001";
    const CALL: &str = "CA00000000000000000000000000000077";

    #[test]
    fn a_path_is_made_of_sids_alone() {
        assert_eq!(
            call_path(ACCOUNT, CALL).as_deref(),
            Some(
                "/2010-04-01/Accounts/AC00000000000000000000000000000001/Calls/CA00000000000000000000000000000077.json"
            )
        );
        assert_eq!(call_path(ACCOUNT, "CA1/../Recordings"), None);
        assert_eq!(call_path(CALL, ACCOUNT), None);
    }

    #[test]
    fn too_much_twiml_is_no_update() {
        assert!(update_with(&"x".repeat(MAX_TWIML)).is_some());
        assert!(update_with(&"x".repeat(MAX_TWIML + 1)).is_none());
    }

    #[test]
    fn a_refusal_is_read_whatever_its_body_is() {
        let body = br#"{"code": 21220, "message": "Call is not in-progress. Cannot redirect.", "more_info": "https://www.twilio.com/docs/errors/21220", "status": 400}"#;
        assert_eq!(
            RestError::read(body),
            RestError {
                code: Some(21220),
                message: "Call is not in-progress. Cannot redirect.".to_owned()
            }
        );
        for body in [
            &b""[..],
            b"<html>Bad Gateway</html>",
            b"[1]",
            b"{\"code\":\"x\"}",
        ] {
            assert_eq!(RestError::read(body), RestError::default());
        }
    }
}
