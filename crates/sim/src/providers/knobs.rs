//! Faults and delays, for the next requests of a provider or for all of them.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::place::Place;

/// What is done to one request. What is not set is as the provider would do it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// Waits so long before the first byte of the answer, in ms: of a socket before its handshake, of a Cartesia context
    /// before its audio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Words a second of a model's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_rate: Option<f64>,
    /// Refuses with this HTTP status; a Cartesia context with an error message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body of that refusal, instead of one in the provider's shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// `Retry-After` of that refusal, as it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
    /// Accepts and never answers.
    pub half_open: bool,
    /// Answers what no grammar takes.
    pub garbage: bool,
    /// Speaks silence of the right length; a recogniser hears no words.
    pub silence: bool,
    /// Answers without content: no audio, no text, no transcript.
    pub zero_bytes: bool,
    /// Drops the connection, without a word, after so many messages, events or pieces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disconnect_after: Option<u64>,
    /// Drops the connection, without a word, after so many bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disconnect_after_bytes: Option<u64>,
    /// Holds back what ends an answer, in ms: final transcripts, the last message of a speech, the end of a stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_ms: Option<u64>,
    /// Sends each final transcript twice.
    pub double_final: bool,
    /// Sends no final transcript.
    pub no_final: bool,
}

/// Knobs for some requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The provider, by its name.
    pub provider: String,
    /// One of its endpoints; all of them if `None`.
    pub endpoint: Option<String>,
    /// How many requests it still applies to; all of them if `None`.
    pub next: Option<u64>,
    /// What is done.
    pub knobs: Knobs,
}

impl Rule {
    /// Reads `{"provider": "openai", "endpoint": "chat", "next": 2, "delay_ms": 300}`: without `endpoint` all of the
    /// provider's, without `next` all requests.
    ///
    /// # Errors
    /// A line that names the field.
    pub fn parse(json: &str) -> Result<Self, String> {
        let mut map: Map<String, Value> = serde_json::from_str(json)
            .map_err(|error| format!("knobs are a JSON object: {error}"))?;
        let provider = match map.remove("provider") {
            Some(Value::String(name)) => name,
            _ => return Err("provider is required".to_owned()),
        };
        let endpoint = match map.remove("endpoint") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => return Err("endpoint must be a string".to_owned()),
        };
        Place::check(&provider, endpoint.as_deref())?;
        let next = match map.remove("next") {
            None | Some(Value::Null) => None,
            Some(value) => Some(
                value
                    .as_u64()
                    .filter(|next| *next > 0)
                    .ok_or("next must be a number from 1")?,
            ),
        };
        if let Some(Value::Number(seconds)) = map.get("retry_after") {
            let text = Value::String(seconds.to_string());
            map.insert("retry_after".to_owned(), text);
        }
        let knobs: Knobs =
            serde_json::from_value(Value::Object(map)).map_err(|error| error.to_string())?;
        if knobs
            .status
            .is_some_and(|status| !(400..=599).contains(&status))
        {
            return Err("status must be 400 to 599".to_owned());
        }
        if knobs
            .token_rate
            .is_some_and(|rate| rate.is_nan() || rate <= 0.0)
        {
            return Err("token_rate must be over 0".to_owned());
        }
        Ok(Self {
            provider,
            endpoint,
            next,
            knobs,
        })
    }

    /// Reads a rule of the command line: `openai.chat:delay_ms=300,next=2`. A knob without `=` is switched on.
    ///
    /// # Errors
    /// As [`Rule::parse`].
    pub fn parse_flag(text: &str) -> Result<Self, String> {
        let form = "a knob is PROVIDER[.ENDPOINT]:NAME[=VALUE],...";
        let (place, settings) = text.split_once(':').ok_or(form)?;
        let (provider, endpoint) = match place.split_once('.') {
            Some((provider, endpoint)) => (provider, Value::from(endpoint)),
            None => (place, Value::Null),
        };
        let mut map = Map::new();
        map.insert("provider".to_owned(), provider.into());
        map.insert("endpoint".to_owned(), endpoint);
        for setting in settings.split(',') {
            let (name, value) = setting.split_once('=').unwrap_or((setting, "true"));
            let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
            map.insert(name.trim().to_owned(), value);
        }
        Self::parse(&Value::Object(map).to_string())
    }

    fn fits(&self, place: Place) -> bool {
        self.provider == place.provider.name()
            && self
                .endpoint
                .as_deref()
                .is_none_or(|endpoint| endpoint == place.endpoint)
    }
}

/// The rules in force.
#[derive(Debug, Default)]
pub(super) struct Desk {
    first: Vec<Rule>,
    rules: Mutex<Vec<Rule>>,
}

impl Desk {
    /// A desk that begins with these rules, also after a reset.
    pub(super) fn with(first: Vec<Rule>) -> Self {
        Self {
            rules: Mutex::new(first.clone()),
            first,
        }
    }

    fn rules(&self) -> std::sync::MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule, which wins over the older ones.
    pub(super) fn add(&self, rule: Rule) {
        self.rules().push(rule);
    }

    /// As it began.
    pub(super) fn reset(&self) {
        self.rules().clone_from(&self.first);
    }

    /// The knobs of one request: those of the newest rule that fits. A rule for some requests is used up by it.
    pub(super) fn take(&self, place: Place) -> Option<Knobs> {
        let mut rules = self.rules();
        let index = rules.iter().rposition(|rule| rule.fits(place))?;
        let rule = &mut rules[index];
        let knobs = rule.knobs.clone();
        if let Some(next) = &mut rule.next {
            *next -= 1;
            if *next == 0 {
                rules.remove(index);
            }
        }
        Some(knobs)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::place::CHAT;
    use super::*;

    #[test]
    fn a_rule_for_some_requests_is_used_up_and_the_one_below_is_in_force_again() {
        let desk = Desk::with(vec![Rule::parse_flag("openai:token_rate=50").unwrap()]);
        desk.add(
            Rule::parse(r#"{"provider":"openai","endpoint":"chat","next":2,"status":503}"#)
                .unwrap(),
        );
        for _ in 0..2 {
            assert_eq!(desk.take(CHAT).unwrap().status, Some(503));
        }
        assert_eq!(desk.take(CHAT).unwrap().token_rate, Some(50.0));
        desk.add(Rule::parse(r#"{"provider":"deepgram","garbage":true}"#).unwrap());
        assert!(!desk.take(CHAT).unwrap().garbage);
        desk.add(Rule::parse(r#"{"provider":"openai","garbage":true}"#).unwrap());
        desk.reset();
        assert_eq!(desk.take(CHAT).unwrap(), desk.first[0].knobs);
    }

    #[test]
    fn the_flag_says_the_same_as_the_json() {
        let flag =
            Rule::parse_flag("openai.chat:status=429,retry_after=3,half_open,next=1").unwrap();
        let json = r#"{"provider":"openai","endpoint":"chat","status":429,"retry_after":"3","half_open":true,"next":1}"#;
        assert_eq!(flag, Rule::parse(json).unwrap());
    }

    #[test]
    fn a_wrong_rule_is_refused_with_its_field() {
        for (json, named) in [
            ("[]", "object"),
            (r#"{"delay_ms":1}"#, "provider"),
            (r#"{"provider":"acme"}"#, "acme"),
            (r#"{"provider":"openai","endpoint":"sing"}"#, "sing"),
            (r#"{"provider":"openai","next":0}"#, "next"),
            (r#"{"provider":"openai","delay":1}"#, "delay"),
            (r#"{"provider":"openai","status":200}"#, "status"),
            (r#"{"provider":"openai","token_rate":0}"#, "token_rate"),
        ] {
            let error = Rule::parse(json).unwrap_err();
            assert!(error.contains(named), "{json}: {error}");
        }
        assert!(Rule::parse_flag("openai").is_err());
    }
}
