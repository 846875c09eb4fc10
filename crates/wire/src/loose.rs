//! Fields of a foreign message, taken as they come: a missing field, a null and a value of another type are the same.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One value. Text is borrowed where it has no escapes.
#[derive(Debug, Default)]
pub(crate) enum Loose<'a> {
    /// Missing, null, a list or an object.
    #[default]
    Nothing,
    Truth(bool),
    Whole(u64),
    Number(f64),
    Text(Cow<'a, str>),
}

impl<'a> Loose<'a> {
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nothing | Self::Truth(_) | Self::Whole(_) | Self::Number(_) => None,
        }
    }

    pub(crate) fn owned(self) -> Option<String> {
        self.text().map(Cow::into_owned)
    }

    /// A number, or a text of one.
    #[allow(
        clippy::cast_precision_loss,
        reason = "times and counts are far below 2^53"
    )]
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Whole(number) => Some(*number as f64),
            Self::Text(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
            Self::Nothing | Self::Truth(_) => None,
        }
    }

    /// A whole number, or a text of one.
    pub(crate) fn count(&self) -> Option<u64> {
        match self {
            Self::Whole(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            Self::Nothing | Self::Truth(_) | Self::Number(_) => None,
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        matches!(self, Self::Truth(true))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Loose<'de>, E> {
        Ok(Loose::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Loose<'de>, E> {
        Ok(Loose::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Loose<'de>, E> {
        Ok(Loose::Truth(truth))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Loose<'de>, E> {
        Ok(Loose::Whole(number))
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "times and counts are far below 2^53"
    )]
    fn visit_i64<E: Error>(self, number: i64) -> Result<Loose<'de>, E> {
        Ok(Loose::Number(number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Loose<'de>, E> {
        Ok(Loose::Number(number))
    }

    fn visit_unit<E: Error>(self) -> Result<Loose<'de>, E> {
        Ok(Loose::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Loose<'de>, A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose::Nothing)
    }
}

/// No speech is longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A time in seconds; nothing if it is negative, no number, or longer than a day.
pub(crate) fn sane_time(seconds: f64) -> Duration {
    let time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    if time > LONGEST { Duration::ZERO } else { time }
}
