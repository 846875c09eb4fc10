//! The settings of a language model.

use super::field::Section;
use super::model::{Model, ModelApi};
use super::problem::Findings;
use super::settings::{hundredths, text};
use super::webhook;

pub(super) fn read(section: &mut Section<'_>, findings: &mut Findings) -> Model {
    let apis = [("chat", ModelApi::Chat), ("responses", ModelApi::Responses)];
    let efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
    let efforts = efforts.map(|effort| (effort, effort));
    let temperature = section
        .take("temperature")
        .and_then(|field| field.number(findings, 0.0..=2.0));
    Model {
        model: text(section, "model", findings),
        api: section
            .take("api")
            .and_then(|field| field.word(findings, &apis)),
        url: section
            .take("url")
            .and_then(|field| webhook::web_address(&field, findings)),
        key: section
            .take("key")
            .and_then(|field| webhook::secret(&field, findings)),
        temperature_pm: temperature.map(|number| hundredths(number).saturating_mul(10)),
        max_tokens: section
            .take("max_tokens")
            .and_then(|field| field.whole(findings, 16..=16_384, "tokens")),
        reasoning_effort: section
            .take("reasoning_effort")
            .and_then(|field| field.word(findings, &efforts))
            .map(str::to_owned),
        answer_cache_s: section
            .take("answer_cache_s")
            .and_then(|field| field.whole(findings, 0..=86_400, "seconds"))
            .unwrap_or(0),
    }
}
