//! What engines and providers did, cost and failed at.

use prometheus_client::registry::{Registry, Unit};
use ringback_call::{Fault, FaultKind, Party, Usage};
use ringback_session::Ended;
use ringback_session::prices::{Bill, Prices};
use ringback_session::provider::{Accounts, Provider};
use ringback_session::used::Used;

use super::{Amounts, Counters, Labels, amounts, begin, counters};
use crate::config::{LOCAL_STT, LOCAL_TTS};

/// Failures whose details name none of ours.
const OTHER: &str = "other";
const WEBHOOK: &str = "webhook";

/// What stands beside the providers of a role, set up or not. A scenario may have a key of its own for its model.
const ALWAYS: [(Party, &[&str]); 3] = [
    (Party::Stt, &[LOCAL_STT, OTHER]),
    (Party::Responder, &["openai", WEBHOOK, OTHER]),
    (Party::Tts, &[LOCAL_TTS, OTHER]),
];

#[derive(Debug)]
pub(super) struct Providers {
    requests: Counters,
    tokens: Counters,
    characters: Counters,
    audio: Amounts,
    cost: Amounts,
    errors: Counters,
    faults: Counters,
}

impl Providers {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let providers = Self::of(registry);
        for party in [Party::Carrier, Party::Recorder, Party::Server] {
            begin(
                &providers.faults,
                FaultKind::ALL.map(|kind| fault_labels(party, kind)),
            );
        }
        for (role, names) in ALWAYS {
            for name in names {
                providers.expect_of(role, name);
            }
        }
        providers
    }

    fn of(registry: &mut Registry) -> Self {
        Self {
            requests: counters(
                registry,
                "provider_requests",
                "Requests to models, sentences given to voices, and recordings that were heard",
            ),
            tokens: counters(registry, "provider_tokens", "Tokens of models"),
            characters: counters(
                registry,
                "provider_characters",
                "Characters that voices were given",
            ),
            audio: amounts(
                registry,
                "provider_audio",
                "Audio that recognisers were sent",
                Some(Unit::Seconds),
            ),
            cost: amounts(
                registry,
                "cost",
                "What calls and the rest cost by the price table, in its currency",
                None,
            ),
            errors: counters(
                registry,
                "provider_errors",
                "Failures of what hears, answers and speaks",
            ),
            faults: counters(registry, "faults", "Faults of the other parties of a call"),
        }
    }

    pub(super) fn expect(&self, accounts: &Accounts) {
        for (account, provider, roles) in [
            (
                &accounts.deepgram,
                Provider::Deepgram,
                &[Party::Stt, Party::Tts][..],
            ),
            (
                &accounts.openai,
                Provider::OpenAi,
                &[Party::Stt, Party::Tts],
            ),
            (&accounts.cartesia, Provider::Cartesia, &[Party::Tts]),
            (&accounts.elevenlabs, Provider::ElevenLabs, &[Party::Tts]),
        ] {
            for role in roles.iter().filter(|_| account.is_some()) {
                self.expect_of(*role, provider.name());
            }
        }
    }

    fn expect_of(&self, role: Party, provider: &'static str) {
        let labels = FaultKind::ALL.map(|kind| error_labels(role, provider, kind));
        begin(&self.errors, labels);
    }

    pub(super) fn observe(&self, ended: &Ended) {
        for entry in &ended.report.usage {
            self.used(&entry.usage);
        }
        if let Some(bill) = &ended.bill {
            self.paid(bill);
        }
        for fault in &ended.report.faults {
            self.fault(fault);
        }
    }

    pub(super) fn aside(&self, used: &Used, prices: &Prices) {
        for usage in &used.usage {
            self.used(usage);
        }
        if let Some(bill) = used.bill(prices) {
            self.paid(&bill);
        }
        for fault in &used.faults {
            self.fault(fault);
        }
    }

    fn paid(&self, bill: &Bill) {
        for (role, amount) in [
            ("stt", bill.stt),
            ("responder", bill.responder),
            ("tts", bill.tts),
            ("carrier", bill.carrier),
        ] {
            let currency = bill.currency.clone().into();
            let labels = vec![("role", role.into()), ("currency", currency)];
            self.cost.get_or_create(&labels).inc_by(amount);
        }
    }

    fn used(&self, usage: &Usage) {
        let of = |usage: &Usage| -> Labels {
            vec![
                ("role", usage.party.name().into()),
                ("provider", usage.provider.clone().into()),
            ]
        };
        let add = |family: &Counters, labels: Labels, amount: u64| {
            if amount > 0 {
                family.get_or_create(&labels).inc_by(amount);
            }
        };
        add(&self.requests, of(usage), usage.requests.into());
        add(&self.characters, of(usage), usage.characters);
        for (kind, tokens) in [
            ("input", usage.input_tokens),
            ("cached", usage.cached_tokens),
            ("output", usage.output_tokens),
        ] {
            let mut labels = of(usage);
            labels.push(("kind", kind.into()));
            add(&self.tokens, labels, tokens);
        }
        if usage.audio_ms > 0 {
            let seconds = usage.audio_ms as f64 / 1e3;
            self.audio.get_or_create(&of(usage)).inc_by(seconds);
        }
    }

    fn fault(&self, fault: &Fault) {
        match fault.party {
            Party::Stt | Party::Responder | Party::Tts => {
                let provider = provider_name(&fault.detail);
                let labels = error_labels(fault.party, provider, fault.kind);
                self.errors.get_or_create(&labels).inc();
            }
            Party::Carrier | Party::Recorder | Party::Server => {
                let labels = fault_labels(fault.party, fault.kind);
                self.faults.get_or_create(&labels).inc();
            }
        }
    }
}

fn error_labels(role: Party, provider: &'static str, kind: FaultKind) -> Labels {
    vec![
        ("role", role.name().into()),
        ("provider", provider.into()),
        ("kind", kind.name().into()),
    ]
}

fn fault_labels(party: Party, kind: FaultKind) -> Labels {
    vec![("party", party.name().into()), ("kind", kind.name().into())]
}

/// The details of a provider's failure begin with its name. Few names, so that no detail becomes a series.
fn provider_name(detail: &str) -> &'static str {
    let first = detail
        .split(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default();
    let names = Provider::ALL.map(Provider::name).into_iter();
    let mut names = names.chain([LOCAL_STT, LOCAL_TTS, WEBHOOK]);
    names.find(|name| *name == first).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_of_the_provider_with_whose_name_it_begins() {
        for (detail, expected) in [
            ("openai (gpt at host) answered 402", "openai"),
            ("deepgram: the socket broke", "deepgram"),
            ("elevenlabs answered 401", "elevenlabs"),
            ("pico did not speak", "pico"),
            ("openaix", "other"),
            ("the model deepgram", "other"),
            ("", "other"),
        ] {
            assert_eq!(provider_name(detail), expected, "{detail}");
        }
    }
}
