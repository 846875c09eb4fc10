//! A call is put together from its setup.

use std::sync::Arc;

use jiff::Timestamp;
use ringback_audio::wav::Coding;
use ringback_call::{Call, CallSpec, Direction, Fault, FaultKind, Party, Verdict};
use ringback_wire::twilio::media::Start;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::carrier::onward::Onward;
use crate::carrier::twilio::Messages;
use crate::engines::Engines;
use crate::live::{Live, Parts};
use crate::news::News;
use crate::orders::OrderBook;
use crate::provided::{Provided, Sender, note};
use crate::record::{Begin, Meta, Recorder, Stem};
use crate::responder::{Parties, responder};
use crate::scenario::{RecordingFormat, Responder, Scenario};
use crate::setup::{Setup, call_spec};

/// A call that is put together.
pub(crate) struct Begun {
    pub(crate) live: Box<Live>,
    /// What will stand beside its recording, as far as it is known.
    pub(crate) meta: Meta,
    pub(crate) finish: CancellationToken,
    pub(crate) stop: CancellationToken,
    pub(crate) verdict: watch::Receiver<Option<Verdict>>,
    /// With the account's REST API, if the call is one of the account.
    pub(crate) onward: Onward,
    pub(crate) orders: OrderBook,
}

/// Puts a call together and says that it has begun.
pub(crate) fn begin(setup: Setup, engines: Arc<Engines>, start: Start, now: Timestamp) -> Begun {
    let (wanted, passed_over) = engines.responder_of_call(&setup.scenario);
    note(passed_over, &setup.seats.events.0);
    let parts = (&*setup.scenario, wanted);
    let spec = spec(parts, setup.direction, &setup.company, &engines);
    let stem = stem(&setup, now);
    let recorded = stem.is_some();
    let recorder = stem.map(|stem| recorder(stem, &setup, &engines, &spec));
    let responder = responder(
        (&setup.scenario, wanted),
        &engines,
        parties(&setup),
        (&setup.company, engines.hearing(&setup.scenario)),
    );
    let names = [
        setup.seats.ears.name(),
        responder.name(),
        setup.seats.voices.name(),
    ];
    let parts = Parts {
        ears: setup.seats.ears,
        voices: setup.seats.voices,
        engines,
        responder,
        recorder,
        events: setup.seats.events,
        max_cost_millionths: setup.scenario.limits.max_cost_millionths,
        follower: setup.follower.clone(),
    };
    let account = start.account_sid;
    let messages = Messages::new(start.stream_sid);
    let live = Box::new(Live::new(Call::new(spec), messages, parts));
    setup.follower.tell(|| News::Began {
        at: now,
        engines: names,
        recorded,
    });
    tracing::info!(scenario = %setup.scenario.slug, "WebSocket call began");
    Begun {
        live,
        meta: Meta {
            call_id: setup.call_id,
            call_sid: setup.call_sid,
            scenario: setup.scenario.slug.clone(),
            direction: setup.direction,
            from: setup.from,
            to: setup.to,
            started: now,
            ended: now,
            engines: names.map(str::to_owned),
            late_samples: 0,
            failed: None,
        },
        finish: setup.finish,
        stop: setup.stop,
        verdict: setup.verdict,
        onward: setup.onward.of(account.as_deref()),
        orders: setup.orders,
    }
}

/// What the core is told of a call.
pub(crate) fn spec(
    (scenario, wanted): (&Scenario, Option<&Responder>),
    direction: Direction,
    company: &str,
    engines: &Engines,
) -> CallSpec {
    let mut spec = call_spec(scenario, wanted, direction, company);
    let servers = &scenario.persona.toolkit.mcp;
    engines.mcp.refine(servers, &mut spec.tools);
    let bound = &mut spec.turn.reply_bound_ms;
    *bound = bound.saturating_mul(engines.patience());
    spec
}

fn parties(setup: &Setup) -> Parties {
    Parties {
        call_id: setup.call_id,
        call_sid: setup.call_sid.clone(),
        scenario: setup.scenario.slug.clone(),
        direction: setup.direction,
        from: setup.from.clone(),
        to: setup.to.clone(),
    }
}

/// Where the call is recorded, if it is.
fn stem(setup: &Setup, now: Timestamp) -> Option<Stem> {
    let place = setup.record.as_ref()?;
    let wanted = setup.scenario.recording.on != Some(false);
    wanted.then(|| Stem::new(place, setup.direction, now))
}

fn recorder(stem: Stem, setup: &Setup, engines: &Engines, spec: &CallSpec) -> Recorder {
    let wanted = &setup.scenario.recording;
    let events: Sender = setup.seats.events.0.clone();
    let follower = setup.follower.clone();
    let begin = Begin {
        stem,
        coding: match wanted.format {
            RecordingFormat::Pcm16 => Coding::Pcm16,
            RecordingFormat::Mulaw => Coding::Mulaw,
        },
        channels: wanted.channels,
        begun: Box::new(move |files| follower.tell(|| News::Files(files))),
        failed: Box::new(move |reason| {
            let _ = events.send(Provided::Fault(Fault {
                party: Party::Recorder,
                kind: FaultKind::Unreachable,
                detail: format!("recording and trace stop: {reason}"),
            }));
        }),
    };
    Recorder::new(Arc::clone(&engines.writer), setup.call_id, begin, spec)
}
