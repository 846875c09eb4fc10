//! Between the server and the session: who can take a call, and what taking it means.

use std::sync::Arc;

use futures_util::future::{BoxFuture, join_all};
use ringback_call::{Direction, EndCause, Intent, Verdict};
use ringback_session::provider::{Provider, Reach};
use ringback_session::scenario::Scenario;
use ringback_session::{
    Ended, EngineStatus, Engines, Follower, Load, MayReach, Onward, OrderBook, Place, Rest, Seats,
    Setup,
};
use ringback_wire::twilio::media::Start;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::reasons::with_reasons;
use super::registry::Outcome;
use crate::config::EnginesConfig;
use crate::health::Service;
use crate::hooks::socket::MediaSocket;
use crate::pulse::Pulses;
use crate::scenarios::Stored;

/// A call as its webhook announced it.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Our id of the call.
    pub call_id: Uuid,
    /// Twilio's id of the call.
    pub call_sid: String,
    /// Who calls; empty where it is not told.
    pub from: String,
    /// Who is called; empty where it is not told.
    pub to: String,
    /// Who called whom.
    pub direction: Direction,
    /// What answers.
    pub scenario: Arc<Scenario>,
    /// Where it stands in the database; `None` for those that are built in or files.
    pub stored: Option<Stored>,
    /// Its stream was opened by TwiML that is not ours: nobody asks us what comes after it.
    pub foreign: bool,
}

impl Arrival {
    /// Whether it is for a scenario of this slug or id.
    pub fn is_for(&self, name: &str) -> bool {
        let id = self.stored.as_ref().map(|stored| stored.id.as_str());
        self.scenario.slug == name || id == Some(name)
    }
}

/// A call's media socket, ready to be talked through.
pub struct Connected {
    /// The socket.
    pub socket: MediaSocket,
    /// Its start message.
    pub start: Start,
    /// The call is to end after the sentence that is being heard.
    pub finish: CancellationToken,
    /// The call is to end at once.
    pub stop: CancellationToken,
    /// What the carrier says of who answered.
    pub verdict: watch::Receiver<Option<Verdict>>,
    /// Is told how the call goes on.
    pub follower: Follower,
    /// What others want of it while it goes on.
    pub orders: OrderBook,
    /// Whether its callers may be put through to the scenario of a slug; `None`: to any.
    pub may_reach: Option<MayReach>,
}

/// How a conversation ended.
#[derive(Clone, Debug)]
pub struct Ending {
    /// For the resume webhook.
    pub outcome: Outcome,
    /// Whether the carrier's leg goes on, so that the resume webhook will be asked.
    pub expects_resume: bool,
    /// In a few words, for the log.
    pub cause: String,
    /// What the call came to: who, when, latencies, usage, cost, faults. Null where it is not known.
    pub summary: Value,
    /// All that is known of it; `None` where it broke.
    pub ended: Option<Arc<Ended>>,
}

/// Gives seats to calls.
pub trait Switchboard: Send + Sync {
    /// A seat for a call of this scenario, taken before the call is answered; `None` when none is free.
    fn seat(&self, scenario: &Scenario) -> Option<Box<dyn Seat>>;
    /// Speaks the fixed lines of a scenario in advance, if that costs nothing. It blocks.
    fn warm(&self, _scenario: &Scenario) {}
    /// Which engines there are, and why.
    fn engines(&self) -> Vec<EngineStatus>;
    /// How busy the engines of this machine are.
    fn load(&self) -> Load {
        Load::default()
    }
    /// The engines, for what is no call; `None` where there are none behind the seats.
    fn speech(&self) -> Option<Arc<Engines>> {
        None
    }
    /// How the providers are that are set up, within about two seconds.
    fn providers(&self) -> BoxFuture<'_, Vec<(Provider, Service)>>;
}

/// What one call needs of the engines. Dropped, it is free again.
pub trait Seat: Send {
    /// Talks until the call is over and the socket closed.
    fn converse(self: Box<Self>, call: Arrival, connected: Connected)
    -> BoxFuture<'static, Ending>;
}

/// The switchboard of the engines of the session.
pub struct Sessions {
    /// The engines.
    pub engines: Arc<Engines>,
    /// What was set of them.
    pub settings: EnginesConfig,
    /// `COMPANY_NAME`.
    pub company: String,
    /// Where recordings go; `None` where calls are not recorded.
    pub record: Option<Place>,
    /// How the providers are.
    pub pulses: Pulses,
    /// By which calls of the account are put through.
    pub rest: Option<Arc<Rest>>,
}

struct SessionSeat {
    engines: Arc<Engines>,
    seats: Seats,
    company: String,
    record: Option<Place>,
    rest: Option<Arc<Rest>>,
}

impl Switchboard for Sessions {
    fn seat(&self, scenario: &Scenario) -> Option<Box<dyn Seat>> {
        let seats = self.engines.admit(scenario)?;
        Some(Box::new(SessionSeat {
            engines: Arc::clone(&self.engines),
            seats,
            company: self.company.clone(),
            record: self.record.clone(),
            rest: self.rest.clone(),
        }))
    }

    fn warm(&self, scenario: &Scenario) {
        if self.engines.warms_freely(scenario) {
            self.engines.warm(scenario);
        }
    }

    fn engines(&self) -> Vec<EngineStatus> {
        with_reasons(self.engines.describe(), &self.settings)
    }

    fn load(&self) -> Load {
        self.engines.load()
    }

    fn speech(&self) -> Option<Arc<Engines>> {
        Some(Arc::clone(&self.engines))
    }

    fn providers(&self) -> BoxFuture<'_, Vec<(Provider, Service)>> {
        let set_up = Provider::ALL.into_iter();
        let set_up = set_up.filter(|provider| self.engines.is_set_up(*provider));
        let felt = set_up.map(async |provider| (provider, self.feel(provider).await));
        Box::pin(join_all(felt))
    }
}

impl Sessions {
    async fn feel(&self, provider: Provider) -> Service {
        let engines = Arc::clone(&self.engines);
        let ask = async move {
            let reach = engines.reach(provider).await;
            reach.unwrap_or_else(|| Reach::Away(format!("{} is not set up", provider.name())))
        };
        match self.pulses.of(provider).feel(ask).await {
            Some(Reach::Away(_)) => Service::Down,
            Some(Reach::Strained) | None => Service::Degraded,
            Some(Reach::Well) if self.engines.is_left_alone(provider) => Service::Degraded,
            Some(Reach::Well) => Service::Connected,
        }
    }
}

impl Seat for SessionSeat {
    fn converse(
        self: Box<Self>,
        call: Arrival,
        connected: Connected,
    ) -> BoxFuture<'static, Ending> {
        Box::pin(async move {
            let setup = Setup {
                call_id: call.call_id,
                call_sid: call.call_sid,
                from: call.from,
                to: call.to,
                direction: call.direction,
                scenario: call.scenario,
                company: self.company,
                record: self.record,
                seats: self.seats,
                finish: connected.finish,
                stop: connected.stop,
                verdict: connected.verdict,
                follower: connected.follower,
                onward: Onward {
                    rest: self.rest,
                    may_reach: connected.may_reach,
                },
                orders: connected.orders,
            };
            let mut ended =
                ringback_session::run(setup, self.engines, connected.socket, connected.start).await;
            let how = ending(ended.intent.clone(), ended.cause, ended.failed.as_deref());
            Ending {
                summary: ended.summary.take(),
                expects_resume: how.expects_resume && !ended.put_through,
                ended: Some(Arc::new(ended)),
                ..how
            }
        })
    }
}

/// A leg that we took to be gone and whose resume webhook is asked all the same was lost by the network: it hears an
/// apology, not nothing.
fn ending(intent: Intent, cause: EndCause, failed: Option<&str>) -> Ending {
    let outcome = match intent {
        Intent::Transfer(to) => Outcome::Transfer(to),
        Intent::HangUp | Intent::Continue if failed.is_some() || cause == EndCause::HungUp => {
            Outcome::Broke
        }
        Intent::HangUp | Intent::Continue => Outcome::Over,
    };
    let name = cause.name();
    let cause_text = failed.map_or_else(|| name.to_owned(), |what| format!("{name}: {what}"));
    Ending {
        outcome,
        expects_resume: cause != EndCause::HungUp,
        cause: cause_text,
        summary: Value::Null,
        ended: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_intent_decides_what_the_resume_webhook_says_unless_something_broke() {
        let outcome = |intent, cause, failed| {
            let ending = ending(intent, cause, failed);
            (ending.outcome, ending.expects_resume)
        };
        let transfer = || Intent::Transfer("+15005550009".to_owned());
        assert_eq!(
            outcome(Intent::HangUp, EndCause::Responder, None),
            (Outcome::Over, true)
        );
        assert_eq!(
            outcome(Intent::HangUp, EndCause::Idle, Some("a panic")),
            (Outcome::Broke, true)
        );
        assert_eq!(
            outcome(Intent::HangUp, EndCause::HungUp, None),
            (Outcome::Broke, false)
        );
        assert_eq!(
            outcome(transfer(), EndCause::Responder, None).0,
            Outcome::Transfer("+15005550009".to_owned())
        );
        assert_eq!(
            outcome(transfer(), EndCause::Fault, Some("x")).0,
            Outcome::Transfer("+15005550009".to_owned())
        );
    }
}
