//! Settings that Chat Completions and Responses share.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::json::Object;
use super::judge::{Fields, Refusal};

/// How much a model reasons before it answers. Which levels a model takes differs; see [`super::models::Traits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the words of the reference")]
pub enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

impl Effort {
    pub(super) const NAMES: [(&'static str, Self); 7] = [
        ("none", Self::None),
        ("minimal", Self::Minimal),
        ("low", Self::Low),
        ("medium", Self::Medium),
        ("high", Self::High),
        ("xhigh", Self::Xhigh),
        ("max", Self::Max),
    ];

    /// The word on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        name_of(&Self::NAMES, self)
    }
}

/// How long answers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the words of the reference")]
pub enum Verbosity {
    Low,
    Medium,
    High,
}

impl Verbosity {
    pub(super) const NAMES: [(&'static str, Self); 3] = [
        ("low", Self::Low),
        ("medium", Self::Medium),
        ("high", Self::High),
    ];

    /// The word on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        name_of(&Self::NAMES, self)
    }
}

pub(super) fn name_of<T: Copy + PartialEq>(names: &[(&'static str, T)], value: T) -> &'static str {
    let named = names.iter().find(|(_, other)| *other == value);
    named.map_or("", |(name, _)| name)
}

/// Settings about billing, caching and keeping. None of them is known to every compatible server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// `auto`, `default`, `flex`, `scale`, `priority`, `fast`; Groq has other words.
    pub service_tier: Option<String>,
    /// Requests with the same key find the same cache: one per tenant and agent.
    pub prompt_cache_key: Option<String>,
    /// `{mode, ttl}`; GPT-5.6 and later.
    pub prompt_cache_options: Option<Map<String, Value>>,
    /// A stable name for the end user, without personal data; at most 128 characters.
    pub safety_identifier: Option<String>,
    /// Whether OpenAI keeps the exchange. Responses does unless told not to.
    pub store: Option<bool>,
    /// At most 16 pairs, names of 64 and values of 512 characters.
    pub metadata: BTreeMap<String, String>,
}

const TIERS: [&str; 6] = ["auto", "default", "flex", "scale", "priority", "fast"];

impl Account {
    pub(super) fn write(&self, object: Object) -> Object {
        let pairs = self.metadata.iter();
        let metadata: Map<_, _> = pairs
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
            .collect();
        object
            .with_some("service_tier", self.service_tier.clone())
            .with_some("prompt_cache_key", self.prompt_cache_key.clone())
            .with_some("prompt_cache_options", self.prompt_cache_options.clone())
            .with_some("safety_identifier", self.safety_identifier.clone())
            .with_some("store", self.store)
            .with_some("metadata", Some(metadata).filter(|map| !map.is_empty()))
    }

    pub(super) fn judge(fields: &mut Fields, more_tiers: &[&'static str]) -> Result<Self, Refusal> {
        let tiers: Vec<_> = TIERS.iter().chain(more_tiers).copied().collect();
        let mut cache = fields.object("prompt_cache_options")?;
        if let Some(options) = &mut cache {
            options.word("mode", &["implicit", "explicit"])?;
            options.word("ttl", &["30m", "12h"])?;
            options.text("comparison_response_id")?;
            options.finish()?;
        }
        Ok(Self {
            service_tier: fields.word("service_tier", &tiers)?,
            prompt_cache_key: fields.text("prompt_cache_key")?,
            prompt_cache_options: cache.map(Fields::seen),
            safety_identifier: fields.short_text("safety_identifier", 128)?,
            store: fields.flag("store")?,
            metadata: Self::judge_metadata(fields)?,
        })
    }

    fn judge_metadata(fields: &mut Fields) -> Result<BTreeMap<String, String>, Refusal> {
        let Some(mut pairs) = fields.object("metadata")? else {
            return Ok(BTreeMap::new());
        };
        let names = pairs.names();
        if names.len() > 16 {
            return Err(pairs.too_many(names.len(), 16));
        }
        let mut metadata = BTreeMap::new();
        for name in names {
            if let Some(value) = pairs.short_text(&name, 512)? {
                if name.chars().count() > 64 {
                    return Err(pairs.too_long(&name, name.chars().count(), 64));
                }
                metadata.insert(name, value);
            }
        }
        pairs.finish()?;
        Ok(metadata)
    }
}
