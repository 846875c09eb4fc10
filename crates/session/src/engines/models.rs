//! Language models that can answer, and what is known of their health.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ringback_wire::openai::models::{ChatTools, Traits};
use serde_json::Map;
use url::Url;

use super::Engines;
use crate::Secret;
use crate::provider::{Access, Breaker};
use crate::responder::Shelf;
use crate::responder::model::{Api, Chain, FIRST, Model};
use crate::scenario::{self, ModelApi, Responder, Scenario};

/// The longest answer where a scenario does not say, in tokens: a minute of speech.
const MAX_TOKENS: u32 = 400;

/// The breakers of models, by server, model and key.
#[derive(Debug, Default)]
pub(super) struct ModelBreakers(Mutex<BTreeMap<String, Arc<Breaker>>>);

impl ModelBreakers {
    fn of(&self, model: &Model) -> Arc<Breaker> {
        // A key that is refused says nothing of another one.
        let mut key = DefaultHasher::new();
        let secret = model.access.key.as_ref();
        secret.map(Secret::expose).hash(&mut key);
        let key = format!("{} {} {:x}", model.access.url, model.model, key.finish());
        let mut breakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(breakers.entry(key).or_default())
    }

    /// Whether a model of this server is left alone.
    pub(super) fn is_open_at(&self, url: &Url, now: Instant) -> bool {
        let server = format!("{url} ");
        let breakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut of_server = breakers.iter().filter(|(key, _)| key.starts_with(&server));
        of_server.any(|(_, breaker)| breaker.is_open(now))
    }
}

impl Engines {
    /// The models that answer in calls of a scenario, in order: those before its script.
    pub(crate) fn models(&self, scenario: &Scenario) -> Chain {
        let models = self.answerers(scenario).into_iter();
        let models = models.take_while(|responder| !matches!(responder, Responder::Script { .. }));
        let models = models.filter_map(|responder| match responder {
            Responder::Model(wanted) => self.model(wanted),
            Responder::Script { .. } | Responder::Webhook(_) | Responder::Parrot => None,
        });
        Chain {
            models: models
                .map(|model| {
                    let breaker = self.model_breakers.of(&model);
                    (model, breaker)
                })
                .collect(),
            client: self.client.clone(),
            relieved: self.relief(scenario),
        }
    }

    /// The answers that are kept for calls of a scenario, if it wants that.
    pub(crate) fn shelf(
        &self,
        (scenario, wanted): (&Scenario, &scenario::Model),
        chain: &Chain,
        told: &str,
    ) -> Option<Shelf> {
        let fresh = Duration::from_secs(u64::from(wanted.answer_cache_s));
        let (model, _) = chain.models.first()?;
        (!fresh.is_zero()).then(|| Shelf {
            answers: Arc::clone(&self.answers),
            fresh,
            version: format!("{}\n{}\n{told}", scenario.slug, model.model).into(),
        })
    }

    /// Whether a model can be asked.
    pub(super) fn has_model(&self, wanted: &scenario::Model) -> bool {
        wanted.url.is_some() || self.config.accounts.openai.is_some()
    }

    fn model(&self, wanted: &scenario::Model) -> Option<Model> {
        if !self.has_model(wanted) {
            return None;
        }
        match self.try_model(wanted) {
            Ok(model) => Some(model),
            Err(why) => {
                tracing::error!(why, "Error: a model is left out");
                None
            }
        }
    }

    /// How a model is asked.
    ///
    /// # Errors
    /// What is missing, after the words "the model".
    pub(super) fn try_model(&self, wanted: &scenario::Model) -> Result<Model, String> {
        let account = self.config.accounts.openai.as_ref();
        let key = match &wanted.key {
            Some(reference) => Some(self.config.secrets.read(reference)?),
            // The account's key is for its own server alone.
            None if wanted.url.is_some() => None,
            None => account.and_then(|account| account.access.key.clone()),
        };
        let url = wanted
            .url
            .as_ref()
            .or(account.map(|account| &account.access.url));
        let url = url.ok_or("has no server: set OPENAI_API_KEY")?.clone();
        let model = wanted
            .model
            .as_ref()
            .or(account.map(|account| &account.model));
        let model = model
            .ok_or("is not named: name it in the scenario")?
            .clone();
        Ok(Model {
            access: Access { key, url },
            api: match wanted.api {
                Some(ModelApi::Chat) => Api::Chat,
                Some(ModelApi::Responses) => Api::Responses,
                None if Traits::of(&model).chat_tools == ChatTools::Never => Api::Responses,
                None => Api::Chat,
            },
            model,
            temperature_pm: wanted.temperature_pm,
            max_tokens: wanted.max_tokens.unwrap_or(MAX_TOKENS),
            reasoning_effort: wanted.reasoning_effort.clone(),
            extra: Map::new(),
            first: FIRST,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]
    use ringback_call::FaultKind;

    use super::*;

    #[test]
    fn a_refused_key_does_not_shut_the_model_to_those_who_have_another() {
        let breakers = ModelBreakers::default();
        let of = |key: Option<&str>| {
            breakers.of(&Model {
                access: Access {
                    key: key.map(Secret::new),
                    url: "https://example.com/v1".parse().unwrap(),
                },
                api: Api::Chat,
                model: "m".into(),
                temperature_pm: None,
                max_tokens: 100,
                reasoning_effort: None,
                extra: Map::new(),
                first: FIRST,
            })
        };
        let now = Instant::now();
        of(Some("bad")).failed(now, FaultKind::Refused, None);
        assert!(of(Some("bad")).is_open(now));
        assert!(!of(Some("good")).is_open(now) && !of(None).is_open(now));
        assert!(breakers.is_open_at(&"https://example.com/v1".parse().unwrap(), now));
    }
}
