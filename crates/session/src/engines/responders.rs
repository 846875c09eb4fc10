//! Which of a scenario's responders answers, and what takes the place of its models.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Engines;
use crate::responder::script::Script;
use crate::scenario::{Responder, Scenario};

/// Models are waited for so long where a script can answer in their place: the caller is to hear something within 2 s.
const RELIEF: Duration = Duration::from_millis(1500);

impl Engines {
    /// What answers in a call of the scenario: the first that can be used. Models that are all left alone for a while, because they
    /// failed in other calls, give way to the script behind them.
    pub(crate) fn responder<'a>(&self, scenario: &'a Scenario) -> Option<&'a Responder> {
        let mut list = scenario.engines.responders.iter();
        let first = list.find(|responder| self.is_usable(responder))?;
        if let Responder::Model(_) = first
            && let Some(script) = list.find(|next| matches!(next, Responder::Script { .. }))
            && self.are_left_alone(scenario)
        {
            tracing::info!("the scenario's script answers: its models failed a moment ago");
            return Some(script);
        }
        Some(first)
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
        let list = &scenario.engines.responders;
        list.iter().find_map(|responder| match responder {
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
