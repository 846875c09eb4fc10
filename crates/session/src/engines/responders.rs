//! Which of a scenario's responders answers, and what takes the place of its models.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ringback_call::{Fault, Party};

use super::Engines;
use crate::provider::Failure;
use crate::responder::script::Script;
use crate::scenario::{Responder, Scenario};

/// Models are waited for so long where a script can answer in their place: the caller is to hear something within 2 s.
const RELIEF: Duration = Duration::from_millis(1500);

/// What may answer where a scenario names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answerer {
    /// A language model, by what the scenario tells it.
    Model,
    /// The scenario's script.
    Script,
}

impl Answerer {
    fn is(self, responder: &Responder) -> bool {
        match responder {
            Responder::Model(_) => self == Self::Model,
            Responder::Script { .. } => self == Self::Script,
            Responder::Webhook(_) | Responder::Parrot => false,
        }
    }
}

impl Engines {
    /// What may answer in calls of the scenario, in order. Where it names nothing the server's own order holds, of what it has; if
    /// that is nothing, whatever it has.
    pub(super) fn answerers<'a>(&self, scenario: &'a Scenario) -> Vec<&'a Responder> {
        let own = &scenario.engines.responders;
        let kinds = self.config.responders.iter();
        let of = |kind: &Answerer| {
            let kind = *kind;
            own.iter().filter(move |responder| kind.is(responder))
        };
        let ordered: Vec<_> = kinds.flat_map(of).collect();
        if scenario.engines.names_responders || ordered.is_empty() {
            return own.iter().collect();
        }
        ordered
    }

    /// What answers in a call of the scenario: the first that can be used. Models that are all left alone for a while, because they
    /// failed in other calls, give way to the script behind them.
    pub(crate) fn responder<'a>(&self, scenario: &'a Scenario) -> Option<&'a Responder> {
        self.answerer(scenario).0
    }

    /// What answers, and why the first model does not where a script does in its place: once for each call, and for its log.
    pub(crate) fn responder_of_call<'a>(
        &self,
        scenario: &'a Scenario,
    ) -> (Option<&'a Responder>, Option<Fault>) {
        let (responder, passed_over) = self.answerer(scenario);
        if !passed_over {
            return (responder, None);
        }
        let now = Instant::now();
        let models = self.models(scenario).models;
        let left_alone = models.iter().filter_map(|(model, breaker)| {
            let (left, kind) = breaker.open_for(now)?;
            tracing::warn!(
                model = model.model,
                host = model.access.url.host_str(),
                cause = kind.name(),
                left_s = left.as_secs_f32().ceil(),
                "Error: a model is left alone because it failed before: the scenario's script answers"
            );
            Some(model.left_alone(left, kind))
        });
        // All are told of in the log, and the first in the call's record.
        let faults: Vec<Failure> = left_alone.collect();
        let first = faults.into_iter().next();
        (responder, first.map(|first| first.fault(Party::Responder)))
    }

    /// What answers, and whether that is a script because models are left alone.
    fn answerer<'a>(&self, scenario: &'a Scenario) -> (Option<&'a Responder>, bool) {
        let mut list = self.answerers(scenario).into_iter();
        let Some(first) = list.find(|responder| self.is_usable(responder)) else {
            return (None, false);
        };
        if let Responder::Model(_) = first
            && let Some(script) = list.find(|next| matches!(next, Responder::Script { .. }))
            && self.are_left_alone(scenario)
        {
            return (Some(script), true);
        }
        (Some(first), false)
    }

    fn is_usable(&self, responder: &Responder) -> bool {
        match responder {
            Responder::Script { .. } | Responder::Webhook(_) | Responder::Parrot => true,
            Responder::Model(model) => self.has_model(model),
        }
    }

    fn are_left_alone(&self, scenario: &Scenario) -> bool {
        let now = Instant::now();
        let models = self.models(scenario).models;
        models.iter().all(|(_, breaker)| breaker.is_open(now))
    }

    /// The script that takes the place of the scenario's models in a call, when none of them answers.
    pub(crate) fn standby<'a>(&self, scenario: &'a Scenario) -> Option<&'a Arc<Script>> {
        let list = self.answerers(scenario);
        list.into_iter().find_map(|responder| match responder {
            Responder::Script { script } => Some(script),
            Responder::Model(_) | Responder::Webhook(_) | Responder::Parrot => None,
        })
    }

    /// How long models of the scenario are waited for, if something can take their place: well before the apology.
    pub(super) fn relief(&self, scenario: &Scenario) -> Option<Duration> {
        let bound = Duration::from_millis(u64::from(scenario.turn.reply_bound_ms));
        self.standby(scenario).map(|_| RELIEF.min(bound / 2))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use ringback_call::FaultKind;

    use super::*;
    use crate::Secret;
    use crate::engines::EngineConfig;
    use crate::provider::{Access, Account, Accounts};
    use crate::scenario::{Origin, TtsEngine, parse};

    fn engines(folder: &std::path::Path, responders: &[Answerer]) -> Engines {
        let openai = Account {
            access: Access {
                key: Some(Secret::new("a-key")),
                url: "http://127.0.0.1:9/v1".parse().unwrap(),
            },
            model: "a-model".into(),
            voice: None,
        };
        let config = EngineConfig {
            data_dir: folder.to_owned(),
            recognizers: 0,
            recognizer_library: None,
            voices: 1,
            allow_private_webhooks: false,
            company: "Compass Group".into(),
            accounts: Accounts {
                openai: Some(openai),
                ..Accounts::default()
            },
            proxy: None,
            stt: Vec::new(),
            responders: responders.to_vec(),
            tts: vec![TtsEngine::Pico],
            prices: crate::prices::Prices::default(),
            secrets: crate::Secrets::default(),
        };
        Engines::start(config).unwrap()
    }

    const SCRIPT: &str = "[[script.state]]\nname = \"end\"\nsay = \"Goodbye.\"\nhang_up = true\n";

    fn scenario(text: &str) -> Scenario {
        parse(text, &Origin::text("t")).unwrap().0
    }

    fn name(responder: Option<&Responder>) -> &'static str {
        match responder.unwrap() {
            Responder::Script { .. } => "script",
            Responder::Webhook(_) => "webhook",
            Responder::Parrot => "parrot",
            Responder::Model(_) => "openai",
        }
    }

    #[test]
    fn the_servers_order_holds_where_a_scenario_names_nothing_of_what_it_has() {
        use Answerer::{Model, Script};
        let folder = tempfile::tempdir().unwrap();
        let both = scenario(&format!("prompt = \"p\"\n{SCRIPT}"));
        let prompt = scenario("prompt = \"p\"\n");
        let scripted = scenario(SCRIPT);
        let named = scenario(&format!(
            "prompt = \"p\"\nresponder = [{{ provider = \"openai\" }}, {{ provider = \"script\" }}]\n{SCRIPT}"
        ));
        for (order, answers, stands_by) in [
            (&[][..], "openai", true),
            (&[Model, Script], "openai", true),
            (&[Script, Model], "script", true),
            (&[Script], "script", true),
            (&[Model], "openai", false),
        ] {
            let engines = engines(folder.path(), order);
            assert_eq!(name(engines.responder(&both)), answers, "{order:?}");
            assert_eq!(engines.standby(&both).is_some(), stands_by, "{order:?}");
            assert_eq!(name(engines.responder(&prompt)), "openai", "{order:?}");
            assert_eq!(name(engines.responder(&scripted)), "script", "{order:?}");
            assert_eq!(name(engines.responder(&named)), "openai", "{order:?}");
        }
    }

    #[test]
    fn a_model_that_failed_other_calls_gives_way_to_the_script_behind_it_and_to_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let engines = engines(folder.path(), &[]);
        let both = scenario(&format!("prompt = \"p\"\n{SCRIPT}"));
        let prompt = scenario("prompt = \"p\"\n");
        let models = engines.models(&both).models;
        models[0].1.failed(Instant::now(), FaultKind::Refused, None);
        assert_eq!(name(engines.responder(&both)), "script");
        let (answers, fault) = engines.responder_of_call(&both);
        assert_eq!(name(answers), "script");
        let fault = fault.unwrap();
        assert_eq!(
            fault.detail,
            "openai (a-model at 127.0.0.1) is left alone for 60 s more: it refused before"
        );
        assert_eq!(engines.responder_of_call(&prompt).1, None);
        assert_eq!(name(engines.responder(&prompt)), "openai");
        models[0].1.succeeded();
        assert_eq!(name(engines.responder(&both)), "openai");
        assert_eq!(engines.responder_of_call(&both).1, None);
    }

    #[test]
    fn models_are_waited_for_less_where_something_can_take_their_place() {
        let folder = tempfile::tempdir().unwrap();
        let engines = engines(folder.path(), &[]);
        let relief = |text: &str| engines.models(&scenario(text)).relieved;
        assert_eq!(relief("prompt = \"p\"\n"), None);
        assert_eq!(relief(&format!("prompt = \"p\"\n{SCRIPT}")), Some(RELIEF));
        let hasty = format!("prompt = \"p\"\nturn.reply_bound_ms = 1000\n{SCRIPT}");
        assert_eq!(relief(&hasty), Some(Duration::from_millis(500)));
    }
}
