//! The settings of a webhook responder.

use std::net::IpAddr;
use std::path::PathBuf;

use url::{Host, Url};

use super::field::{Field, Section};
use super::model::{KeptSecret, SecretRef, Webhook};
use super::names::Names;
use super::problem::{Findings, PRIVATE};
use super::template::Template;
use crate::phrases::Phrases;
use crate::responder::webhook::is_public;

/// How long an answer may take, in milliseconds, where the scenario does not say.
const TIMEOUT_MS: u32 = 3500;
/// What stands before the name of a secret that is kept for the scenario.
const KEPT: &str = "secret";
/// How large an answer may be, in bytes, where the scenario does not say.
const MAX_BYTES: u32 = 16 * 1024;

pub(super) fn read(
    section: &mut Section<'_>,
    names: &Names,
    findings: &mut Findings,
) -> Option<Webhook> {
    let allow_private = section
        .take("allow_private")
        .and_then(|field| field.bool(findings))
        .unwrap_or(false);
    let url = section.take("url");
    if url.is_none() {
        section.missing(findings, "url", "give the address to post to");
    }
    let secret = section
        .take("secret")
        .and_then(|field| secret(&field, findings));
    let timeout_ms = section
        .take("timeout_ms")
        .and_then(|field| field.whole(findings, 200..=30_000, "milliseconds"))
        .unwrap_or(TIMEOUT_MS);
    let max_bytes = section
        .take("max_bytes")
        .and_then(|field| field.whole(findings, 256..=1_048_576, "bytes"))
        .unwrap_or(MAX_BYTES);
    let fallback = match section.take("fallback") {
        Some(field) => names.text(&field, findings),
        None => Template::parse(Phrases::of(findings.language).no_answer).ok(),
    };
    Some(Webhook {
        url: address(&url?, allow_private, findings)?,
        secret,
        timeout_ms,
        max_bytes,
        allow_private,
        fallback: fallback?,
    })
}

/// An address of the web, without a user name or password in it.
pub(super) fn web_address(field: &Field<'_>, findings: &mut Findings) -> Option<Url> {
    let text = field.text(findings)?;
    parsed(field, &text, findings)
}

fn parsed(field: &Field<'_>, text: &str, findings: &mut Findings) -> Option<Url> {
    let url = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => url,
        Ok(_) | Err(_) => {
            field.problem(
                findings,
                "this is no web address",
                "give one that begins with https:// or http://",
            );
            return None;
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        field.problem(
            findings,
            "the address contains a user name or a password",
            "take it out; secrets have settings of their own",
        );
        return None;
    }
    Some(url)
}

fn address(field: &Field<'_>, allow_private: bool, findings: &mut Findings) -> Option<Url> {
    let text = field.text(findings)?;
    guarded(field, &text, allow_private, findings)
}

/// An address of the web as a field means it, that is not a private one unless that is allowed.
pub(super) fn guarded(
    field: &Field<'_>,
    text: &str,
    allow_private: bool,
    findings: &mut Findings,
) -> Option<Url> {
    let url = parsed(field, text, findings)?;
    let private = is_private(&url);
    if private && !allow_private {
        field.problem(
            findings,
            PRIVATE,
            "give a public address, or set allow_private = true",
        );
        return None;
    }
    if !private && url.scheme() == "http" {
        field.warning(
            findings,
            "what callers say travels unencrypted to this address: prefer https",
        );
    }
    Some(url)
}

/// Whether the address is private as it is written. A name may still lead to a private address: that is seen when it is looked up.
fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => !is_public(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => !is_public(IpAddr::V6(address)),
        None => false,
    }
}

/// A reference to a secret. What was written instead is not repeated: it may be the secret.
pub(super) fn secret(field: &Field<'_>, findings: &mut Findings) -> Option<SecretRef> {
    let text = field.text(findings)?;
    let reference = match text.split_once(':') {
        Some((KEPT, name)) => return kept(name, field, findings),
        Some(("env", name)) if is_variable(name) => Some(SecretRef::Env(name.to_owned())),
        Some(("file", path)) if !path.trim().is_empty() => {
            Some(SecretRef::File(PathBuf::from(path)))
        }
        Some(_) | None => None,
    };
    if reference.is_none() {
        field.problem(
            findings,
            "a secret does not belong into a scenario",
            "say where it is kept: \"env:NAME\" or \"file:PATH\"",
        );
    }
    reference
}

fn kept(name: &str, field: &Field<'_>, findings: &mut Findings) -> Option<SecretRef> {
    let secret = findings.kept.get(name).cloned();
    if findings.lost.contains(name) {
        field.problem(
            findings,
            format!("the secret {name} does not open under SECRET_KEY"),
            "set SECRET_KEY_PREVIOUS to the SECRET_KEY it was sealed under, or give the secret again",
        );
    } else if secret.is_none() {
        field.problem(
            findings,
            "no secret of this name is kept for this scenario",
            "give the secret again: where scenarios are kept in the database it is sealed there",
        );
    }
    let name = name.to_owned();
    secret.map(|secret| SecretRef::Kept(KeptSecret { name, secret }))
}

/// The name of the secret that a reference leads to, where it is kept for the scenario.
pub(super) fn kept_name(reference: &str) -> Option<&str> {
    let (kind, name) = reference.trim().split_once(':')?;
    (kind == KEPT).then_some(name)
}

/// Whether a text says where a secret is kept, and is none itself.
pub fn is_reference(text: &str) -> bool {
    let kind = text.trim().split_once(':').map(|(kind, _)| kind);
    kind.is_some_and(|kind| ["env", "file", KEPT].contains(&kind))
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
