//! How things stand at the moment of a scrape.

use std::borrow::Cow;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use ringback_session::Load;

use super::kept::{Kept, KeptGauges};
use super::{gauge, signed};
use crate::app::Server;
use crate::calls::Counts;

/// How things stand.
#[derive(Clone, Copy, Debug, Default)]
pub struct State {
    /// The calls.
    pub calls: Counts,
    /// `MAX_CALLS`.
    pub max_calls: usize,
    /// The engines of this machine.
    pub load: Load,
    /// Conversations in writing that are kept.
    pub conversations: usize,
    /// Whether the server stops.
    pub draining: bool,
    /// What outlives calls.
    pub kept: Kept,
}

impl State {
    /// That of a server, now.
    pub fn of(server: &Server) -> Self {
        Self {
            calls: server.registry.counts(),
            max_calls: server.config.calls.max_calls,
            load: server.switchboard.load(),
            conversations: server.desk.conversations.count(),
            draining: server.lifecycle.draining.is_cancelled(),
            kept: Kept::of(server),
        }
    }
}

#[derive(Debug)]
pub(super) struct Gauges {
    live: Gauge,
    expected: Gauge,
    max: Gauge,
    voice_queue: Gauge,
    voice_seats: Gauge,
    recognizers: Gauge,
    recognizers_free: Gauge,
    recorder_queue: Gauge,
    conversations: Gauge,
    draining: Gauge,
    kept: KeptGauges,
}

impl Gauges {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let version: Cow<'static, str> = env!("CARGO_PKG_VERSION").into();
        let build = Info::new(vec![("version", version)]);
        registry.register("build", "What is running", build);
        let kept = KeptGauges::register(registry);
        let mut gauge = |name, help| gauge(registry, name, help);
        Self {
            live: gauge("live_calls", "Calls that are being talked on"),
            expected: gauge("expected_calls", "Calls whose media socket is expected"),
            max: gauge("max_calls", "MAX_CALLS"),
            voice_queue: gauge(
                "voice_queue",
                "Texts that wait for the local voice or are being spoken",
            ),
            voice_seats: gauge(
                "voice_seats_free",
                "Calls that the local voice could serve besides",
            ),
            recognizers: gauge("recognizers", "Decoders of the local recogniser"),
            recognizers_free: gauge("recognizers_free", "Of these, those that no call has"),
            recorder_queue: gauge(
                "recorder_queue",
                "Blocks of recordings that wait for the disk",
            ),
            conversations: gauge(
                "live_conversations",
                "Conversations in writing that are kept",
            ),
            draining: gauge("draining", "1 while the server stops"),
            kept,
        }
    }

    pub(super) fn set(&self, state: &State) {
        for (gauge, value) in [
            (&self.live, state.calls.live),
            (&self.expected, state.calls.expected),
            (&self.max, state.max_calls),
            (&self.voice_queue, state.load.voice_queue),
            (&self.voice_seats, state.load.voice_seats_free),
            (&self.recognizers, state.load.recognizers),
            (&self.recognizers_free, state.load.recognizers_free),
            (&self.recorder_queue, state.load.recorder_queue),
            (&self.conversations, state.conversations),
            (&self.draining, usize::from(state.draining)),
        ] {
            gauge.set(signed(value));
        }
        self.kept.set(&state.kept);
    }
}
