//! Forms with all their fields, in order.

use url::form_urlencoded;

use super::{MAX_FIELDS, MAX_FORM_BYTES, MAX_NAME_BYTES};

/// A form as it was sent: every field in order, blank and repeated ones too, decoded and not trimmed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    pairs: Vec<(String, String)>,
}

/// Why a form is refused. It shows names of fields only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadForm {
    /// The encoded text is too long.
    #[error("the form has {bytes} bytes, at most {MAX_FORM_BYTES} are taken")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// There are too many fields.
    #[error("the form has more than {MAX_FIELDS} fields")]
    TooManyFields,
    /// A name is too long.
    #[error("the form has a field name of {bytes} bytes, at most {MAX_NAME_BYTES} are taken")]
    LongName {
        /// Its length.
        bytes: usize,
    },
    /// A field this kind of form always has is missing or blank.
    #[error("the form has no {0}")]
    Missing(&'static str),
}

impl Form {
    /// Reads `application/x-www-form-urlencoded`, a body or a query string. Bytes that are no UTF-8 become U+FFFD (a
    /// signature over them then fails), an escape that is none stays as it is.
    ///
    /// # Errors
    /// [`BadForm`] if a limit is passed.
    pub fn parse(encoded: &[u8]) -> Result<Self, BadForm> {
        let bytes = encoded.len();
        if bytes > MAX_FORM_BYTES {
            return Err(BadForm::TooLarge { bytes });
        }
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(encoded) {
            if form.pairs.len() == MAX_FIELDS {
                return Err(BadForm::TooManyFields);
            }
            if name.len() > MAX_NAME_BYTES {
                return Err(BadForm::LongName { bytes: name.len() });
            }
            form.pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(form)
    }

    /// The form with one more field at its end.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.pairs.push((name.into(), value.into()));
        self
    }

    /// The form as it goes over the wire.
    #[must_use]
    pub fn to_urlencoded(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.pairs)
            .finish()
    }

    /// All fields, in order.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// The first value of a field, which may be blank.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The first value of a field, if it is not blank.
    #[must_use]
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.first(name).filter(|value| !value.is_empty())
    }

    /// Every value of a field, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.pairs.iter().filter(move |(other, _)| other == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The names of the fields, for the log line of a refused request.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pairs.iter().map(|(name, _)| name.as_str())
    }

    pub(super) fn required(&self, name: &'static str) -> Result<&str, BadForm> {
        self.filled(name).ok_or(BadForm::Missing(name))
    }
}
