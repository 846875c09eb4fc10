//! The list of voices: which there are, page by page.

use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::Refusal;
use crate::Garbled;
use crate::demand::query_fields;
use crate::loose::Loose;

/// The query of the list. Fields that are `None` are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VoicesQuery {
    /// Voices of a page, 1 to 100.
    pub limit: Option<u64>,
    /// The id after which the page begins: the last one of the page before.
    pub starting_after: Option<String>,
    /// The id before which the page ends: the first one of the page after.
    pub ending_before: Option<String>,
    /// Searched for in names, descriptions and ids.
    pub q: Option<String>,
}

impl VoicesQuery {
    /// The query, without its question mark.
    #[must_use]
    pub fn to_query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(limit) = self.limit {
            query.append_pair("limit", &limit.to_string());
        }
        let texts = [
            ("starting_after", &self.starting_after),
            ("ending_before", &self.ending_before),
            ("q", &self.q),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }

    /// Reads a query as strictly as the provider does; documented parameters that nothing here uses are passed over.
    ///
    /// # Errors
    /// [`Refusal`]
    pub fn parse(query: &str) -> Result<Self, Refusal> {
        let mut fields = query_fields(query)?;
        for unused in ["gender", "is_owner", "expand[]"] {
            drop(fields.take(unused));
        }
        let parsed = Self {
            limit: fields.query_whole("limit", (1, 100), "1 to 100")?,
            starting_after: fields.name("starting_after")?,
            ending_before: fields.name("ending_before")?,
            q: fields.text("q")?,
        };
        fields.finish()?;
        Ok(parsed)
    }
}

/// A voice. Of an answer that leaves parts out, those are empty or `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Voice {
    /// What [`super::Settings::voice`] takes.
    pub id: String,
    /// Its name.
    pub name: String,
    /// A few words.
    pub tagline: String,
    /// A sentence.
    pub description: String,
    /// `private` or `public`.
    pub access: String,
    /// `owner` or `all`.
    pub visibility: String,
    /// True if it belongs to the account.
    pub is_owner: bool,
    /// The language it was made in.
    pub language: String,
    /// The locales it speaks, its own first.
    pub locales: Vec<VoiceLocale>,
    /// `masculine`, `feminine` or `gender_neutral`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// RFC 3339.
    pub created_at: String,
}

/// A locale that a voice speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VoiceLocale {
    /// Such as `en-US`.
    pub locale: String,
    /// True if it is the voice's own.
    pub is_native: bool,
}

/// Reads a page: an object with `data`, or the bare list of older versions. A voice without an id is left out.
///
/// # Errors
/// [`Garbled`] if there is no list.
pub fn parse_voices(text: &str) -> Result<Vec<Voice>, Garbled> {
    let garbled = |error| Garbled::from_json("voices", &error);
    let data: Vec<WireVoice<'_>> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(garbled)?
    } else {
        let page: Page<'_> = serde_json::from_str(text).map_err(garbled)?;
        page.data
    };
    Ok(data.into_iter().filter_map(WireVoice::voice).collect())
}

/// The body of a page, as the provider writes it.
#[must_use]
pub fn write_voices(voices: &[Voice]) -> String {
    #[derive(Serialize)]
    struct Page<'a> {
        data: &'a [Voice],
    }
    serde_json::to_string(&Page { data: voices }).unwrap_or_default()
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    data: Vec<WireVoice<'a>>,
}

#[derive(Deserialize)]
struct WireVoice<'a> {
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(borrow, default)]
    name: Loose<'a>,
    #[serde(borrow, default)]
    tagline: Loose<'a>,
    #[serde(borrow, default)]
    description: Loose<'a>,
    #[serde(borrow, default)]
    access: Loose<'a>,
    #[serde(borrow, default)]
    visibility: Loose<'a>,
    #[serde(borrow, default)]
    is_owner: Loose<'a>,
    #[serde(borrow, default)]
    language: Loose<'a>,
    #[serde(borrow)]
    locales: Option<Vec<WireLocale<'a>>>,
    #[serde(borrow, default)]
    gender: Loose<'a>,
    #[serde(borrow, default)]
    created_at: Loose<'a>,
}

#[derive(Deserialize)]
struct WireLocale<'a> {
    #[serde(borrow, default)]
    locale: Loose<'a>,
    #[serde(borrow, default)]
    is_native: Loose<'a>,
}

impl WireVoice<'_> {
    fn voice(self) -> Option<Voice> {
        let text = |value: Loose<'_>| value.owned().unwrap_or_default();
        let locale = |locale: WireLocale<'_>| VoiceLocale {
            locale: text(locale.locale),
            is_native: locale.is_native.is_true(),
        };
        Some(Voice {
            id: self.id.owned().filter(|id| !id.is_empty())?,
            name: text(self.name),
            tagline: text(self.tagline),
            description: text(self.description),
            access: text(self.access),
            visibility: text(self.visibility),
            is_owner: self.is_owner.is_true(),
            language: text(self.language),
            locales: self
                .locales
                .unwrap_or_default()
                .into_iter()
                .map(locale)
                .collect(),
            gender: self.gender.owned(),
            created_at: text(self.created_at),
        })
    }
}
