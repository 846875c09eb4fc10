//! The version of the API a client was written for: a date.

use std::fmt;

/// A version of the API, such as `2026-03-01`. Later versions compare greater.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion(String);

/// What is no version of the API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadVersion {
    /// It has not the form of a date.
    #[error("a version of the API is a date such as 2026-03-01")]
    NoDate,
    /// A request named none.
    #[error("the request names no version: send Cartesia-Version")]
    Missing,
}

impl ApiVersion {
    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// [`BadVersion::NoDate`].
    pub fn parse(text: &str) -> Result<Self, BadVersion> {
        let digit = |(at, byte): (usize, u8)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        };
        let form = text.len() == 10 && text.bytes().enumerate().all(digit);
        let part = |range| {
            text.get(range)
                .and_then(|part: &str| part.parse().ok())
                .unwrap_or(0_u8)
        };
        if form && (1..=12).contains(&part(5..7)) && (1..=31).contains(&part(8..10)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadVersion::NoDate)
        }
    }

    /// The date as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if errors are JSON objects with a code, which they are since `2026-03-01`; before, they were lines of text.
    #[must_use]
    pub fn has_structured_errors(&self) -> bool {
        self.as_str() >= "2026-03-01"
    }

    /// True if a voice may be a bare id or an object without `mode`, which it may since `2026-08-14`.
    #[must_use]
    pub fn has_bare_voices(&self) -> bool {
        self.as_str() >= "2026-08-14"
    }
}

impl Default for ApiVersion {
    /// `2026-03-01`, for which this module is written.
    fn default() -> Self {
        Self("2026-03-01".to_owned())
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The version a request names: the query's, else the header's.
///
/// # Errors
/// [`BadVersion`]
pub fn version_of(header: Option<&str>, query: Option<&str>) -> Result<ApiVersion, BadVersion> {
    query
        .or(header)
        .map_or(Err(BadVersion::Missing), ApiVersion::parse)
}
