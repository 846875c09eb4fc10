//! What a verifier is asked: a form.

use core::net::IpAddr;
use std::fmt;

use url::form_urlencoded::Serializer;

use super::Kind;
use crate::Refusal;
use crate::demand::query_fields;

/// A token and who vouches for asking.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    /// The site's secret.
    pub secret: String,
    /// The token that the page sent.
    pub response: String,
    /// The address that the page's request came from.
    pub remote_ip: Option<IpAddr>,
    /// The key of the widget; hCaptcha refuses a token of another one then.
    pub site_key: Option<String>,
    /// A UUID with which Turnstile answers the same when it is asked again.
    pub idempotency_key: Option<String>,
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("response", &self.response.len())
            .field("remote_ip", &self.remote_ip)
            .finish_non_exhaustive()
    }
}

impl Question {
    /// The form, as `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn to_form(&self) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("secret", &self.secret);
        form.append_pair("response", &self.response);
        if let Some(address) = self.remote_ip {
            form.append_pair("remoteip", &address.to_string());
        }
        if let Some(key) = &self.site_key {
            form.append_pair("sitekey", key);
        }
        if let Some(key) = &self.idempotency_key {
            form.append_pair("idempotency_key", key);
        }
        form.finish()
    }

    /// Reads a form strictly: as the simulator judges us.
    ///
    /// # Errors
    /// What is missing, doubled, malformed, or no field of this captcha.
    pub fn parse(form: &str, kind: Kind) -> Result<Self, Refusal> {
        let mut fields = query_fields(form)?;
        let remote_ip = match fields.name("remoteip")? {
            None => None,
            Some(text) => match text.parse() {
                Ok(address) => Some(address),
                Err(_) => return Err(Refusal::value("remoteip", "an address", &text)),
            },
        };
        let question = Self {
            secret: fields.required_name("secret")?,
            response: fields.required_name("response")?,
            remote_ip,
            site_key: match kind {
                Kind::HCaptcha => fields.name("sitekey")?,
                Kind::RecaptchaV2 | Kind::RecaptchaV3 | Kind::Turnstile => None,
            },
            idempotency_key: match kind {
                Kind::Turnstile => fields.name("idempotency_key")?,
                Kind::RecaptchaV2 | Kind::RecaptchaV3 | Kind::HCaptcha => None,
            },
        };
        if let Some(key) = &question.idempotency_key
            && !is_uuid(key)
        {
            return Err(Refusal::value("idempotency_key", "a UUID", key));
        }
        fields.finish()?;
        Ok(question)
    }
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths = groups.iter().map(|group| group.len());
    lengths.eq([8, 4, 4, 4, 12])
        && groups
            .iter()
            .all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
