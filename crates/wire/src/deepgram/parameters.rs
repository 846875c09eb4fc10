//! URL queries, read as strictly as Deepgram reads them.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::str::FromStr;

use url::form_urlencoded::{self, Serializer};

use super::Encoding;

/// Why Deepgram would answer a query with HTTP 400. It names parameters, never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadQuery {
    /// A parameter this endpoint does not have.
    #[error("unknown query parameter {0:?}")]
    Unknown(String),
    /// A parameter that must be there is missing or blank.
    #[error("missing query parameter {0:?}")]
    Missing(&'static str),
    /// A parameter that may be there once is there twice. (Which of them Deepgram would take is not documented.)
    #[error("repeated query parameter {0:?}")]
    Repeated(&'static str),
    /// A value that is not among those allowed.
    #[error("{name} must be {expected}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// Two parameters that do not go together.
    #[error("{0}")]
    Conflict(&'static str),
}

impl BadQuery {
    pub(super) fn value(name: &'static str, expected: &'static str) -> Self {
        Self::Value { name, expected }
    }
}

/// The parameters of a query, taken out one by one.
pub(super) struct Parameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Parameters<'a> {
    pub(super) fn read(query: &'a str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).collect())
    }

    pub(super) fn all(&mut self, name: &str) -> Vec<String> {
        let mut taken = Vec::new();
        self.0.retain(|(other, value)| {
            let keep = other != name;
            if !keep {
                taken.push(value.clone().into_owned());
            }
            keep
        });
        taken
    }

    pub(super) fn one(&mut self, name: &'static str) -> Result<Option<String>, BadQuery> {
        let mut values = self.all(name);
        if values.len() > 1 {
            return Err(BadQuery::Repeated(name));
        }
        Ok(values.pop())
    }

    pub(super) fn required(&mut self, name: &'static str) -> Result<String, BadQuery> {
        let value = self.one(name)?;
        value
            .filter(|value| !value.is_empty())
            .ok_or(BadQuery::Missing(name))
    }

    pub(super) fn maybe_flag(&mut self, name: &'static str) -> Result<Option<bool>, BadQuery> {
        let value = self.one(name)?;
        let flag = value.map(|value| value.parse());
        flag.transpose()
            .map_err(|_| BadQuery::value(name, "true or false"))
    }

    /// A boolean that is false where it is left out.
    pub(super) fn flag(&mut self, name: &'static str) -> Result<bool, BadQuery> {
        self.maybe_flag(name).map(Option::unwrap_or_default)
    }

    /// A whole number that is not negative.
    pub(super) fn count(&mut self, name: &'static str) -> Result<Option<u32>, BadQuery> {
        self.number(name, 0..=u32::MAX, "a whole number")
    }

    pub(super) fn number<T: FromStr + PartialOrd>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<T>,
        expected: &'static str,
    ) -> Result<Option<T>, BadQuery> {
        let Some(value) = self.one(name)? else {
            return Ok(None);
        };
        let number = value.parse().ok().filter(|number| range.contains(number));
        number
            .map(Some)
            .ok_or_else(|| BadQuery::value(name, expected))
    }

    pub(super) fn encoding(
        &mut self,
        allowed: &[Encoding],
        expected: &'static str,
    ) -> Result<Option<Encoding>, BadQuery> {
        let Some(word) = self.one("encoding")? else {
            return Ok(None);
        };
        let encoding = Encoding::from_word(&word).filter(|encoding| allowed.contains(encoding));
        encoding
            .map(Some)
            .ok_or_else(|| BadQuery::value("encoding", expected))
    }

    /// Everything that was not taken, in order.
    pub(super) fn rest(self) -> Vec<(String, String)> {
        let owned =
            |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), value.into_owned());
        self.0.into_iter().map(owned).collect()
    }

    /// Nothing is left over.
    pub(super) fn finish(self) -> Result<(), BadQuery> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(BadQuery::Unknown(name.chars().take(40).collect())),
        }
    }
}

/// A query being written; what has its default is left out.
pub(super) struct Writer(Serializer<'static, String>);

impl Writer {
    pub(super) fn new() -> Self {
        Self(Serializer::new(String::new()))
    }

    pub(super) fn text(mut self, name: &str, value: &str) -> Self {
        self.0.append_pair(name, value);
        self
    }

    pub(super) fn maybe(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.text(name, &value.to_string()),
            None => self,
        }
    }

    pub(super) fn flag(self, name: &str, value: bool) -> Self {
        if value { self.text(name, "true") } else { self }
    }

    pub(super) fn each(self, name: &str, values: &[String]) -> Self {
        values
            .iter()
            .fold(self, |writer, value| writer.text(name, value))
    }

    pub(super) fn further(self, pairs: &[(String, String)]) -> Self {
        pairs
            .iter()
            .fold(self, |writer, (name, value)| writer.text(name, value))
    }

    pub(super) fn finish(mut self) -> String {
        self.0.finish()
    }
}
