//! Turn-taking of a scenario: each setting with its range, and what must hold between them.

use std::ops::RangeInclusive;

use ringback_call::TurnSettings;

use super::field::Section;
use super::problem::Findings;

/// A setting in milliseconds.
struct Setting {
    name: &'static str,
    range: RangeInclusive<u32>,
    of: fn(&mut TurnSettings) -> &mut u32,
}

const SETTINGS: [Setting; 12] = [
    Setting {
        name: "onset_ms",
        range: 32..=320,
        of: |t| &mut t.onset_ms,
    },
    Setting {
        name: "sustain_ms",
        range: 60..=1000,
        of: |t| &mut t.sustain_ms,
    },
    Setting {
        name: "yield_ms",
        range: 300..=3000,
        of: |t| &mut t.yield_ms,
    },
    Setting {
        name: "finalize_ms",
        range: 60..=1000,
        of: |t| &mut t.finalize_ms,
    },
    Setting {
        name: "end_wait_ms",
        range: 100..=5000,
        of: |t| &mut t.end_wait_ms,
    },
    Setting {
        name: "end_wait_complete_ms",
        range: 0..=5000,
        of: |t| &mut t.end_wait_complete_ms,
    },
    Setting {
        name: "end_wait_filler_ms",
        range: 100..=8000,
        of: |t| &mut t.end_wait_filler_ms,
    },
    Setting {
        name: "end_cap_ms",
        range: 300..=10_000,
        of: |t| &mut t.end_cap_ms,
    },
    Setting {
        name: "reply_bound_ms",
        range: 500..=60_000,
        of: |t| &mut t.reply_bound_ms,
    },
    Setting {
        name: "idle_ms",
        range: 2000..=300_000,
        of: |t| &mut t.idle_ms,
    },
    Setting {
        name: "ahead_ms",
        range: 60..=1000,
        of: |t| &mut t.ahead_ms,
    },
    Setting {
        name: "protect_ms",
        range: 0..=2000,
        of: |t| &mut t.protect_ms,
    },
];

/// The range of `idle_ms` and `idle.after_ms`.
pub(super) const IDLE_MS: RangeInclusive<u32> = 2000..=300_000;
/// The longest call that may be asked for: the carrier itself ends one after four hours.
pub(super) const MAX_CALL_S: RangeInclusive<u32> = 10..=14_400;

/// Of each pair the first must not be longer than the second.
const ORDER: [(&str, &str); 4] = [
    ("sustain_ms", "yield_ms"),
    ("end_wait_complete_ms", "end_wait_ms"),
    ("end_wait_ms", "end_wait_filler_ms"),
    ("end_wait_filler_ms", "end_cap_ms"),
];

/// Which of the settings that have a second spelling were given under `turn`.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) idle_ms: bool,
    pub(super) idle_prompts: bool,
    pub(super) max_call_s: bool,
}

/// Turn-taking of a scenario that says nothing of it. Which responders may be asked before a turn is over is not its matter:
/// the others never are.
pub(super) fn defaults() -> TurnSettings {
    TurnSettings {
        speculate: true,
        ..TurnSettings::default()
    }
}

/// Reads the fields of `turn`, but for `protect_greeting`.
pub(super) fn read(section: &mut Section<'_>, findings: &mut Findings) -> (TurnSettings, Given) {
    let mut turn = defaults();
    let mut given = Given::default();
    for setting in &SETTINGS {
        if let Some(field) = section.take(setting.name) {
            given.idle_ms |= setting.name == "idle_ms";
            let value = field.whole(findings, setting.range.clone(), "milliseconds");
            if let Some(value) = value {
                *(setting.of)(&mut turn) = value;
            }
        }
    }
    if let Some(field) = section.take("idle_prompts") {
        given.idle_prompts = true;
        if let Some(count) = field.whole(findings, 0..=10, "prompts") {
            turn.idle_prompts = count;
        }
    }
    if let Some(field) = section.take("max_call_s") {
        given.max_call_s = true;
        if let Some(seconds) = field.whole(findings, MAX_CALL_S, "seconds") {
            turn.max_call_s = seconds;
        }
    }
    if let Some(field) = section.take("speculate")
        && let Some(speculate) = field.bool(findings)
    {
        turn.speculate = speculate;
    }
    check_order(section, &mut turn, findings);
    (turn, given)
}

fn check_order(section: &Section<'_>, turn: &mut TurnSettings, findings: &mut Findings) {
    for (shorter, longer) in ORDER {
        let (Some(short), Some(long)) = (value(turn, shorter), value(turn, longer)) else {
            continue;
        };
        if short > long {
            findings.problem(
                section.place_of(shorter, longer),
                &section.path_of(shorter),
                format!("{shorter} ({short}) is longer than {longer} ({long})"),
                format!("give {shorter} at most {longer}"),
            );
        }
    }
}

fn value(turn: &mut TurnSettings, name: &str) -> Option<u32> {
    let setting = SETTINGS.iter().find(|setting| setting.name == name)?;
    Some(*(setting.of)(turn))
}
