//! Twilio's REST API: a call in progress is put through by new TwiML, whoever wrote the TwiML that it runs.

use std::time::Duration;

use reqwest::{Client, Response};
use ringback_call::{EndCause, Intent, Report};
use ringback_wire::phone_number::masked;
use ringback_wire::twilio::rest::{RestError, call_path, update_with};
use ringback_wire::twilio::twiml::{Callee, Dial, SipAddress, Verb, WebUrl, render};
use url::Url;

use crate::Secret;
use crate::provider::refusal_body;
use crate::responder::model::client;
use crate::scenario::destination::SCENARIO;

/// The caller hears nothing meanwhile, and the redirect after the stream does the same where there is one.
const PATIENCE: Duration = Duration::from_secs(3);

/// The account in whose name calls are told what to do.
#[derive(Clone, Debug)]
pub struct Rest {
    client: Client,
    /// Scheme, host and port.
    api: Url,
    account_sid: String,
    auth_token: Secret,
    /// Where Twilio reaches this server.
    public: Option<Url>,
}

impl Rest {
    /// The account of `account_sid`, asked at `api` (scheme, host, port), through `proxy` if there is one. `public`: where Twilio reaches
    /// this server; without it nobody is put through to another scenario by this way.
    ///
    /// # Errors
    /// The proxy's address cannot be used, or TLS cannot be set up.
    pub fn new(
        (account_sid, auth_token): (String, Secret),
        api: Url,
        public: Option<Url>,
        proxy: Option<&str>,
    ) -> Result<Self, String> {
        Ok(Self {
            client: client(proxy).map_err(|failure| failure.detail)?,
            api,
            account_sid,
            auth_token,
            public,
        })
    }

    /// Whether a call is one of this account.
    pub(crate) fn has(&self, account_sid: &str) -> bool {
        self.account_sid == account_sid
    }

    /// Puts a call through that ended for that. False: the TwiML after the stream is to do it.
    pub(crate) async fn end(&self, call_sid: &str, report: &Report) -> bool {
        let Some(Intent::Transfer(to)) = &report.intent else {
            return false;
        };
        if report.cause == Some(EndCause::HungUp) {
            return false;
        }
        match self.put_through(call_sid, to).await {
            Ok(()) => {
                tracing::info!("call put through by Twilio's REST API");
                true
            }
            Err(why) => {
                tracing::warn!(
                    why,
                    "Error of twilio: the TwiML after the stream is to put the call through"
                );
                false
            }
        }
    }

    /// Puts a call through. What it ran is dropped, and its media stream torn down.
    ///
    /// # Errors
    /// Why not, without a number in full. The call goes on as before then, unless the answer alone was lost.
    async fn put_through(&self, call_sid: &str, to: &str) -> Result<(), String> {
        let twiml = render(&self.verbs(to)?);
        let path = call_path(&self.account_sid, call_sid)
            .ok_or("TWILIO_ACCOUNT_SID or the call's SID is no SID")?;
        let url = self.api.join(&path).map_err(|error| error.to_string())?;
        let form = update_with(&twiml).ok_or("the TwiML is too long")?;
        let asked = self
            .client
            .post(url)
            .basic_auth(&self.account_sid, Some(self.auth_token.expose()))
            .form(&form);
        let answered = tokio::time::timeout(PATIENCE, async {
            let response = asked.send().await.map_err(|_| "twilio did not answer")?;
            match response.status().is_success() {
                true => Ok(()),
                false => Err(refused(response).await),
            }
        });
        let late = |_| format!("twilio did not answer within {} s", PATIENCE.as_secs());
        answered.await.map_err(late)?
    }

    fn verbs(&self, to: &str) -> Result<Vec<Verb>, String> {
        let Some(slug) = to.strip_prefix(SCENARIO) else {
            return Ok(dial(to).to_vec());
        };
        let public = self.public.as_ref().ok_or("PUBLIC_URL is not set")?;
        let mut url = public.clone();
        url.path_segments_mut()
            .map_err(|()| "PUBLIC_URL cannot be used")?
            .pop_if_empty()
            .extend(["call", "inbound", "receive", slug]);
        Ok(vec![Verb::Redirect {
            url: WebUrl::new(url.as_str()).map_err(|error| error.to_string())?,
            method: None,
        }])
    }
}

/// What puts a caller through to a number or a SIP address, and hangs up after it.
pub fn dial(to: &str) -> [Verb; 2] {
    let callee = match SipAddress::new(to) {
        Ok(address) => Callee::Sip(address),
        Err(_) => Callee::Number(to.to_owned()),
    };
    let dial = Dial {
        targets: vec![callee.into()],
        ..Dial::default()
    };
    [Verb::Dial(dial), Verb::Hangup]
}

async fn refused(mut response: Response) -> String {
    let status = response.status();
    let body = refusal_body(&mut response).await;
    let error = RestError::read(&body);
    let code = error.code.map(|code| format!(" ({code})"));
    let message = without_numbers(&error.message);
    format!(
        "twilio answered {}{}: {message}",
        status.as_u16(),
        code.unwrap_or_default()
    )
}

/// Twilio's messages repeat the numbers that they are about.
fn without_numbers(message: &str) -> String {
    let words = message.split(' ').map(|word| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        if digits > 6 {
            masked(word)
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
