//! What the server tells Prometheus: `GET /metrics`, in the text form of OpenMetrics. docs/metrics.md names each figure.
//!
//! All that is about calls comes from what a call says of itself when it is over, so nothing is counted while audio flows. What is
//! used beside calls counts in the same figures of providers.
//! What is about this moment is asked when somebody scrapes.

mod aside;
mod calls;
mod kept;
mod page;
mod process;
mod providers;
mod quality;
mod stages;
mod state;

use std::borrow::Cow;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use ringback_call::Direction;
use ringback_session::Ended;
use ringback_session::prices::Prices;
use ringback_session::provider::Accounts;
use ringback_session::used::Used;

pub use aside::Speech;
pub use kept::Kept;
pub use page::{__path_show_metrics, show_metrics};
pub use state::State;

type Label = (&'static str, Cow<'static, str>);
/// The labels of one series.
type Labels = Vec<Label>;
type Counters = Family<Labels, Counter>;
/// Counters of what is no whole number.
type Amounts = Family<Labels, Counter<f64, std::sync::atomic::AtomicU64>>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// Why a call was refused before it was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such scenario, or it takes no calls of this direction.
    NoScenario,
    /// The database did not answer at the start, and the scenario is not known without it.
    NoDatabase,
    /// The server stops.
    Draining,
    /// As many calls as are allowed.
    Full,
    /// No recogniser or voice is free.
    NoEngine,
    /// The server is at fault.
    Broken,
}

impl Refused {
    const ALL: [Self; 6] = [
        Self::NoScenario,
        Self::NoDatabase,
        Self::Draining,
        Self::Full,
        Self::NoEngine,
        Self::Broken,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::NoScenario => "no_scenario",
            Self::NoDatabase => "no_database",
            Self::Draining => "draining",
            Self::Full => "full",
            Self::NoEngine => "no_engine",
            Self::Broken => "broken",
        }
    }
}

/// All figures of a server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    calls: calls::Calls,
    stages: stages::Stages,
    providers: providers::Providers,
    quality: quality::Figures,
    aside: aside::Aside,
    state: state::Gauges,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(process::Process::default()));
        let own = registry.sub_registry_with_prefix("ringback");
        Self {
            calls: calls::Calls::register(own),
            stages: stages::Stages::register(own),
            providers: providers::Providers::register(own),
            quality: quality::Figures::register(own),
            aside: aside::Aside::register(own),
            state: state::Gauges::register(own),
            registry,
        }
    }
}

impl Metrics {
    /// These providers are set up: their failures are counted from 0.
    #[must_use]
    pub fn with_providers(self, accounts: &Accounts) -> Self {
        self.providers.expect(accounts);
        self
    }

    /// A call is to be answered, or placed.
    pub fn attempted(&self, direction: Direction) {
        self.calls.attempted(direction);
    }

    /// It was refused.
    pub fn refused(&self, direction: Direction, why: Refused) {
        self.calls.refused(direction, why);
    }

    /// Its media socket is open and its token was taken.
    pub fn answered(&self, direction: Direction) {
        self.calls.answered(direction);
    }

    /// It is over. `None`: it broke, so that nothing is known of it.
    pub fn ended(&self, direction: Direction, ended: Option<&Ended>) {
        self.calls.ended(direction, ended);
        if let Some(ended) = ended {
            self.stages.observe(&ended.report);
            self.providers.observe(ended);
            self.quality.observe(ended);
        }
    }

    /// An engine was asked for speech beside calls. `did`: it did what it was asked.
    pub fn speech(&self, speech: Speech, did: bool) {
        self.aside.speech(speech, did);
    }

    /// A conversation in writing has begun.
    pub fn conversation(&self) {
        self.aside.conversation();
    }

    /// Something was said in a conversation.
    pub fn message(&self) {
        self.aside.message();
    }

    /// What was used beside calls, and what failed there.
    pub fn used(&self, used: &Used, prices: &Prices) {
        self.providers.aside(used, prices);
    }

    /// Everything, in the text form of OpenMetrics; `state` is how things stand now.
    ///
    /// # Errors
    /// Never in practice: a text takes whatever is written to it.
    pub fn text(&self, state: &State) -> Result<String, std::fmt::Error> {
        self.state.set(state);
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn direction_label(direction: Direction) -> Label {
    let name = match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    };
    ("direction", name.into())
}

/// Has series at 0 that are known before anything was counted: Prometheus sees no rise in one that begins at 1.
fn begin<M, C: MetricConstructor<M>>(
    family: &Family<Labels, M, C>,
    series: impl IntoIterator<Item = Labels>,
) {
    for labels in series {
        drop(family.get_or_create(&labels));
    }
}

/// Registers a family of counters; the name gets `_total`.
fn counters(registry: &mut Registry, name: &str, help: &str) -> Counters {
    let family = Counters::default();
    registry.register(name, help, family.clone());
    family
}

fn counters_of(registry: &mut Registry, name: &str, help: &str, unit: Unit) -> Counters {
    let family = Counters::default();
    registry.register_with_unit(name, help, unit, family.clone());
    family
}

fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}

fn gauge(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = Gauge::default();
    registry.register(name, help, gauge.clone());
    gauge
}

/// The nearest value that a gauge can have.
fn signed(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

fn amounts(registry: &mut Registry, name: &str, help: &str, unit: Option<Unit>) -> Amounts {
    let family = Amounts::default();
    match unit {
        Some(unit) => registry.register_with_unit(name, help, unit, family.clone()),
        None => registry.register(name, help, family.clone()),
    }
    family
}

/// Registers a family of histograms in seconds.
fn seconds(registry: &mut Registry, name: &str, help: &str, make: fn() -> Histogram) -> Histograms {
    let family = Histograms::new_with_constructor(make);
    registry.register_with_unit(name, help, Unit::Seconds, family.clone());
    family
}
