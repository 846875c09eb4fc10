//! Text that must not be printed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::scenario::{HeaderText, Responder, Scenario, SecretRef};

/// A secret: a key, or what a server and a web service share. It can be compared with nothing and printed nowhere; whoever uses
/// it says [`Secret::expose`].
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A secret of this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself: for computing with it, never for a message.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Where the secrets are found that scenarios name: layers of variables, the first that has one counts. `NAME_FILE` beside it may name a file
/// that holds it. An empty text counts as not set.
#[derive(Clone)]
pub struct Secrets(Arc<[BTreeMap<String, String>]>);

impl Secrets {
    /// In these variables, the first layer first.
    pub fn of(layers: impl IntoIterator<Item = BTreeMap<String, String>>) -> Self {
        Self(layers.into_iter().collect())
    }

    /// What a reference leads to.
    ///
    /// # Errors
    /// What has to be set, or which file cannot be read.
    pub(crate) fn read(&self, reference: &SecretRef) -> Result<Secret, String> {
        let file = |path: &std::path::Path| {
            std::fs::read_to_string(path)
                .map(|text| Secret::new(text.trim()))
                .map_err(|error| format!("the secret {}: {error}", path.display()))
        };
        let name = match reference {
            SecretRef::Env(name) => name,
            SecretRef::File(path) => return file(path),
            SecretRef::Kept(kept) => return Ok(kept.secret.clone()),
        };
        let name_file = format!("{name}_FILE");
        for layer in &*self.0 {
            let set = |name: &str| layer.get(name).filter(|text| !text.is_empty());
            if let Some(text) = set(name) {
                return Ok(Secret::new(text));
            }
            if let Some(path) = set(&name_file) {
                return file(path.as_ref());
            }
        }
        Err(format!("a secret is not there: set {name}"))
    }

    /// The references of a scenario that lead nowhere, a sentence each.
    pub fn missing(&self, scenario: &Scenario) -> Vec<String> {
        let sought = references(scenario).into_iter();
        let missing = sought.filter_map(|(whose, reference)| {
            let why = self.read(reference).err()?;
            Some(format!("{whose} cannot be used: {why}"))
        });
        missing.collect()
    }
}

/// The variables in which the secrets of a scenario are looked for.
pub fn secret_variables(scenario: &Scenario) -> impl Iterator<Item = &str> {
    let named = references(scenario).into_iter();
    named.filter_map(|(_, reference)| match reference {
        SecretRef::Env(name) => Some(name.as_str()),
        SecretRef::File(_) | SecretRef::Kept(_) => None,
    })
}

impl Default for Secrets {
    /// In the environment of the process.
    fn default() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self::of([std::env::vars_os().filter_map(text).collect()])
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(..)")
    }
}

fn secret(text: &HeaderText) -> Option<&SecretRef> {
    match text {
        HeaderText::Secret(reference) => Some(reference),
        HeaderText::Text(_) => None,
    }
}

fn references(scenario: &Scenario) -> Vec<(String, &SecretRef)> {
    let mut found = Vec::new();
    for responder in &scenario.engines.responders {
        match responder {
            Responder::Model(model) => {
                let name = model.model.as_deref().unwrap_or("without a name");
                let key = model.key.as_ref();
                found.extend(key.map(|key| (format!("the model {name}"), key)));
            }
            Responder::Webhook(webhook) => {
                let secret = webhook.secret.as_ref();
                found.extend(secret.map(|secret| ("the webhook".to_owned(), secret)));
            }
            Responder::Script { .. } | Responder::Parrot => {}
        }
    }
    let kit = &scenario.persona.toolkit;
    for tool in &kit.tools {
        let headers = tool.http.headers.iter();
        let secrets = headers.filter_map(|(_, text)| secret(text));
        found.extend(secrets.map(|of| (format!("the tool {}", tool.name), of)));
    }
    for server in &kit.mcp {
        let host = server.url.host_str().unwrap_or_default();
        let secrets = server.headers.iter().filter_map(|(_, text)| secret(text));
        found.extend(secrets.map(|of| (format!("the server of tools {host}"), of)));
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]
    use super::*;
    use crate::scenario::{Origin, parse};

    fn layer(texts: &[(&str, &str)]) -> BTreeMap<String, String> {
        let texts = texts.iter();
        texts
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn a_secret_is_found_in_the_first_layer_that_has_it_or_names_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "kept\n").unwrap();
        let environment = layer(&[("A", "one"), ("B", "")]);
        let file = [
            ("A", "two"),
            ("B", "three"),
            ("C_FILE", path.to_str().unwrap()),
        ];
        let secrets = Secrets::of([environment, layer(&file)]);
        let read = |name: &str| {
            let read = secrets.read(&SecretRef::Env(name.into()));
            read.map(|secret| secret.expose().to_owned())
        };
        assert_eq!(read("A").unwrap(), "one");
        assert_eq!(read("B").unwrap(), "three");
        assert_eq!(read("C").unwrap(), "kept");
        assert_eq!(read("D").unwrap_err(), "a secret is not there: set D");
        assert_eq!(format!("{secrets:?}"), "Secrets(..)");
    }

    #[test]
    fn every_reference_of_a_scenario_that_leads_nowhere_is_named_with_what_uses_it() {
        let text = r#"
            prompt = "Help."
            [[responder]]
            provider = "openai"
            model = "m"
            key = "env:MODEL_KEY"
            [[responder]]
            provider = "webhook"
            url = "https://example.com"
            secret = "file:no-such-file"
            [[tools]]
            name = "look"
            description = "Looks."
            parameters = {}
            http = { url = "https://example.com", headers = { a = "env:TOOL_KEY", b = "env:THERE", c = "plain" } }
            [[tools]]
            mcp = { url = "https://tools.example.com", headers = { a = "env:MCP_KEY" }, allow = ["find"] }
        "#;
        let (scenario, _) = parse(text, &Origin::text("t")).unwrap();
        let missing = Secrets::of([layer(&[("THERE", "x")])]).missing(&scenario);
        let begins = [
            "the model m cannot be used: a secret is not there: set MODEL_KEY",
            "the webhook cannot be used: the secret no-such-file: ",
            "the tool look cannot be used: a secret is not there: set TOOL_KEY",
            "the server of tools tools.example.com cannot be used: a secret is not there: set MCP_KEY",
        ];
        assert_eq!(missing.len(), begins.len(), "{missing:?}");
        for (sentence, begin) in missing.iter().zip(begins) {
            assert!(sentence.starts_with(begin), "{sentence}");
        }
    }

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", Secret::new("correct horse")), "Secret(..)");
    }
}
