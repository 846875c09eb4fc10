//! What surrounds the conversation: idle lines, limits, fallback, recording, voice.

use ringback_call::TurnSettings;

use super::destination;
use super::field::{Field, Section};
use super::model::{Engines, Fallback, Limits, Recording, RecordingFormat, TtsEngine, Voice};
use super::names::Names;
use super::problem::Findings;
use super::template::Template;
use super::turn;
use crate::phrases::Phrases;
use crate::provider::Provider;
use crate::tts::speaks;

pub(super) fn text(
    section: &mut Section<'_>,
    name: &'static str,
    findings: &mut Findings,
) -> Option<String> {
    section.take(name)?.text(findings)
}

pub(super) fn flag(
    section: &mut Section<'_>,
    name: &'static str,
    findings: &mut Findings,
) -> Option<bool> {
    section.take(name)?.bool(findings)
}

/// A text to be spoken, with a default of ours.
fn spoken(
    field: Option<Field<'_>>,
    default: &str,
    names: &Names,
    findings: &mut Findings,
) -> Option<Template> {
    match field {
        Some(field) => names.text(&field, findings),
        None => Template::parse(default).ok(),
    }
}

fn twice(field: &Field<'_>, other: &str, findings: &mut Findings) {
    field.problem(
        findings,
        format!("this is the same setting as {other}"),
        "keep one of them",
    );
}

pub(super) fn idle(
    root: &mut Section<'_>,
    (turn, given): (&mut TurnSettings, &turn::Given),
    names: &Names,
    findings: &mut Findings,
) -> Option<Vec<Template>> {
    let mut prompts = None;
    if let Some(mut section) = root.take("idle").and_then(|f| f.section(findings)) {
        if let Some(field) = section.take("after_ms") {
            if given.idle_ms {
                twice(&field, "turn.idle_ms", findings);
            } else if let Some(ms) = field.whole(findings, turn::IDLE_MS, "milliseconds") {
                turn.idle_ms = ms;
            }
        }
        if let Some(field) = section.take("prompts") {
            let items = field.list(findings);
            let lines: Vec<_> = items
                .iter()
                .filter_map(|f| names.text(f, findings))
                .collect();
            if lines.len() > 10 {
                field.problem(
                    findings,
                    "there are more than 10 prompts",
                    "keep 10 at most",
                );
            } else if !given.idle_prompts && !lines.is_empty() {
                turn.idle_prompts = u8::try_from(lines.len()).unwrap_or(10);
            }
            prompts = Some(lines);
        }
        section.finish(findings);
    }
    prompts
}

pub(super) fn limits(
    root: &mut Section<'_>,
    (turn, given): (&mut TurnSettings, &turn::Given),
    names: &Names,
    findings: &mut Findings,
) -> Option<Limits> {
    let mut max_silence_s = 0;
    let mut max_cost = None;
    let mut goodbye = None;
    if let Some(mut section) = root.take("limits").and_then(|f| f.section(findings)) {
        if let Some(field) = section.take("max_call_s") {
            if given.max_call_s {
                twice(&field, "turn.max_call_s", findings);
            } else if let Some(seconds) = field.whole(findings, turn::MAX_CALL_S, "seconds") {
                turn.max_call_s = seconds;
            }
        }
        if let Some(field) = section.take("max_silence_s") {
            max_silence_s = field.whole(findings, 0..=3600, "seconds").unwrap_or(0);
        }
        if let Some(field) = section.take("max_cost") {
            let amount = field.number(findings, 0.0..=1_000_000.0);
            max_cost = amount.map(|amount| (amount * 1e6).round() as u64);
        }
        goodbye = section.take("goodbye");
        section.finish(findings);
    }
    Some(Limits {
        max_silence_s,
        max_cost_millionths: max_cost,
        goodbye: spoken(
            goodbye,
            Phrases::of(findings.language).goodbye,
            names,
            findings,
        )?,
    })
}

pub(super) fn fallback(
    root: &mut Section<'_>,
    names: &Names,
    findings: &mut Findings,
) -> Option<Fallback> {
    let default = Phrases::of(findings.language).apology;
    let Some(mut section) = root.take("fallback").and_then(|f| f.section(findings)) else {
        return Some(Fallback {
            apology: Template::parse(default).ok()?,
            transfer: None,
            to: None,
        });
    };
    let apology = spoken(section.take("apology"), default, names, findings);
    let then = section.take("then");
    let transfers = then
        .as_ref()
        .and_then(|f| f.word(findings, &[("hangup", false), ("transfer", true)]))
        .unwrap_or(false);
    let to = section
        .take("to")
        .and_then(|field| destination::read(&field, findings));
    section.finish(findings);
    if let (true, None, Some(then)) = (transfers, &to, &then) {
        then.problem(
            findings,
            "a transfer needs a number",
            "give fallback.to, as \"+15005550006\"",
        );
    }
    Some(Fallback {
        apology: apology?,
        transfer: to.clone().filter(|_| transfers),
        to,
    })
}

pub(super) fn recording(root: &mut Section<'_>, findings: &mut Findings) -> Recording {
    let mut recording = Recording::default();
    let Some(mut section) = root.take("recording").and_then(|f| f.section(findings)) else {
        return recording;
    };
    recording.on = flag(&mut section, "on", findings);
    let words = [
        ("pcm16", RecordingFormat::Pcm16),
        ("mulaw", RecordingFormat::Mulaw),
    ];
    if let Some(format) = section
        .take("format")
        .and_then(|f| f.word(findings, &words))
    {
        recording.format = format;
    }
    let channels = section.take("channels");
    if let Some(channels) = channels.and_then(|f| f.whole(findings, 1..=2, "channels")) {
        recording.channels = channels;
    }
    section.finish(findings);
    recording
}

pub(super) fn voice(
    root: &mut Section<'_>,
    (engines, language): (&Engines, &str),
    findings: &mut Findings,
) -> Voice {
    let mut voice = Voice::default();
    let Some(mut section) = root.take("voice_config").and_then(|f| f.section(findings)) else {
        return voice;
    };
    let local = engines
        .tts
        .as_ref()
        .is_none_or(|list| list.contains(&TtsEngine::Pico));
    if let Some(field) = section.take("voice") {
        voice.voice = field.text(findings);
        let aura = voice
            .voice
            .as_deref()
            .map(|name| (name, speaks(Provider::Deepgram, name, language)));
        if let Some((name, Err((what, remedy)))) = aura {
            field.problem(findings, format!("{name} {what}"), remedy);
        }
        if local && voice.voice.as_deref().is_some_and(|name| name != "pico") {
            field.warning(
                findings,
                "the local voice is \"pico\": this name is kept for other providers",
            );
        }
    }
    if let Some(speed) = section
        .take("speed")
        .and_then(|f| f.number(findings, 0.5..=2.0))
    {
        voice.speed_pct = hundredths(speed);
    }
    if let Some(field) = section.take("temperature") {
        let temperature = field.number(findings, 0.0..=2.0);
        voice.temperature_pm = temperature.map(|t| hundredths(t).saturating_mul(10));
        field.warning(
            findings,
            "the local engines have no temperature: this is kept and not used",
        );
    }
    section.finish(findings);
    voice
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number was checked to be between 0 and 2"
)]
pub(super) fn hundredths(number: f64) -> u16 {
    (number * 100.0).round() as u16
}
