//! Where a caller can be put through.

use ringback_wire::phone_number::masked;

use super::field::{Field, Section};
use super::model::{Responder, Scenario};
use super::names::is_word;
use super::problem::Findings;

/// What stands before the name of a scenario that a caller is put through to.
pub const SCENARIO: &str = "scenario:";
/// The most places where callers can be put through, by name.
const MOST_DESTINATIONS: usize = 100;

/// Whether a call can be put through to this: a number as E.164 (`+` and 8 to 15 digits), a `sip:` address, or another scenario as
/// `scenario:slug`.
pub fn is_destination(to: &str) -> bool {
    if let Some(slug) = to.strip_prefix(SCENARIO) {
        let named = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        return (1..=64).contains(&slug.len()) && slug.bytes().all(named);
    }
    if let Some(number) = to.strip_prefix('+') {
        return (8..=15).contains(&number.len())
            && number.bytes().all(|b| b.is_ascii_digit())
            && !number.starts_with('0');
    }
    let Some(address) = to.strip_prefix("sip:").or_else(|| to.strip_prefix("sips:")) else {
        return false;
    };
    let visible = address.bytes().all(|b| b.is_ascii_graphic());
    let host = address.rsplit('@').next().unwrap_or_default();
    visible && !host.is_empty() && address.len() <= 255
}

/// A number or an address in part, as records have it; another scenario in full.
pub fn shown(to: &str) -> String {
    match to.strip_prefix(SCENARIO) {
        Some(_) => to.to_owned(),
        None => masked(to),
    }
}

/// The scenarios that callers of a scenario are put through to, with the fields that name them.
pub fn scenarios(scenario: &Scenario) -> Vec<(String, &str)> {
    let fallback = scenario.fallback.to.iter();
    let named = scenario.persona.toolkit.destinations.iter();
    let mut found: Vec<_> = fallback
        .map(|to| ("fallback.to".to_owned(), to.as_str()))
        .chain(named.map(|(name, to)| (format!("destinations.{name}"), to.as_str())))
        .collect();
    for responder in &scenario.engines.responders {
        if let Responder::Script { script } = responder {
            let states = script.transfers();
            found.extend(states.map(|(state, to)| (format!("script.state[{state}].transfer"), to)));
        }
    }
    let slugs = found.into_iter();
    slugs
        .filter_map(|(field, to)| Some((field, to.strip_prefix(SCENARIO)?)))
        .collect()
}

/// A field that names a destination.
pub(crate) fn read(field: &Field<'_>, findings: &mut Findings) -> Option<String> {
    let text = field.text(findings)?;
    if !is_destination(&text) {
        field.problem(
            findings,
            "a call cannot be put through to this",
            "give a number as \"+15005550006\", an address as \"sip:desk@example.com\", or another scenario as \"scenario:it-support\"",
        );
        return None;
    }
    Some(text)
}

/// Reads `[destinations]`: where callers can be put through, by name.
pub(super) fn named(root: &mut Section<'_>, findings: &mut Findings) -> Vec<(String, String)> {
    let Some(section) = root
        .take("destinations")
        .and_then(|field| field.section(findings))
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let all = section.all();
    if all.len() > MOST_DESTINATIONS {
        let what = format!("there are more than {MOST_DESTINATIONS} destinations");
        root.wrong(findings, "destinations", what, "keep fewer");
        return found;
    }
    for (name, field) in all {
        if !is_word(name) {
            let remedy = "use lower-case letters, digits, _ and -, 64 at most";
            field.problem(findings, format!("\"{name}\" is no name"), remedy);
        } else if let Some(to) = read(&field, findings) {
            found.push((name.to_owned(), to));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_a_country_code_and_sip_addresses_are_destinations() {
        for (to, fits) in [
            ("+15005550006", true),
            ("+1500555", false),
            ("15005550006", false),
            ("+0500555000", false),
            ("+1500555000612345", false),
            ("sip:desk@example.com", true),
            ("sips:example.com", true),
            ("sip:desk@", false),
            ("sip:a b@example.com", false),
            ("tel:+15005550006", false),
            ("scenario:it-support", true),
            ("scenario:", false),
            ("scenario:../x", false),
            ("", false),
        ] {
            assert_eq!(is_destination(to), fits, "{to}");
        }
    }
}
