//! An element whose parts are taken out one by one; what is left over at the end is an error that names it.

use super::xml::Element;
use super::{BadAddress, BadParameter, MAX_DOCUMENT_BYTES, WebUrl, Word};

/// Why a document is not TwiML this product could have meant. It names elements and attributes, never their values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTwiml {
    /// More than Twilio takes.
    #[error("11750: the document has {bytes} bytes, Twilio takes at most {MAX_DOCUMENT_BYTES}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not well-formed XML, or with parts TwiML has no use for.
    #[error("12100: not XML as Twilio takes it, at byte {at}: {why}")]
    Xml {
        /// Offset of the piece that is wrong.
        at: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The outermost element is another one.
    #[error("the root element is <{name}>, not <Response>")]
    Root {
        /// Its name.
        name: String,
    },
    /// An element that does not exist in this place.
    #[error("<{parent}> must not contain <{name}>")]
    UnknownElement {
        /// Where it was found.
        parent: &'static str,
        /// Its name; names are case sensitive.
        name: String,
    },
    /// An attribute the element does not have.
    #[error("<{element}> has no attribute {attribute:?}")]
    UnknownAttribute {
        /// The element.
        element: &'static str,
        /// The attribute; names are case sensitive.
        attribute: String,
    },
    /// An attribute the element needs.
    #[error("<{element}> needs the attribute {attribute:?}")]
    MissingAttribute {
        /// The element.
        element: &'static str,
        /// The attribute.
        attribute: &'static str,
    },
    /// An attribute with a value it cannot have.
    #[error("the attribute {attribute:?} of <{element}> must be {expected}")]
    BadAttribute {
        /// The element.
        element: &'static str,
        /// The attribute.
        attribute: &'static str,
        /// What it must be.
        expected: String,
    },
    /// An address in an attribute or as content.
    #[error("the address of <{element}> ({place}) {why}")]
    Address {
        /// The element.
        element: &'static str,
        /// The attribute, or `content`.
        place: &'static str,
        /// What is wrong with it.
        why: BadAddress,
    },
    /// A stream parameter.
    #[error("{0}")]
    Parameter(#[from] BadParameter),
    /// Content that is missing or too much.
    #[error("<{element}> must contain {expected}")]
    Content {
        /// The element.
        element: &'static str,
        /// What it must contain.
        expected: &'static str,
    },
    /// A verb that only works as the first.
    #[error("<Reject> must be the first verb")]
    LateReject,
}

pub(super) struct Parts {
    element: &'static str,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    text: String,
}

impl Parts {
    pub(super) fn of(element: &'static str, parsed: Element) -> Self {
        Self {
            element,
            attributes: parsed.attributes,
            children: parsed.children,
            text: parsed.text,
        }
    }

    pub(super) fn optional(&mut self, attribute: &'static str) -> Option<String> {
        let index = self
            .attributes
            .iter()
            .position(|(name, _)| name == attribute)?;
        Some(self.attributes.remove(index).1)
    }

    pub(super) fn required(&mut self, attribute: &'static str) -> Result<String, BadTwiml> {
        let element = self.element;
        self.optional(attribute)
            .ok_or(BadTwiml::MissingAttribute { element, attribute })
    }

    pub(super) fn url(&mut self, attribute: &'static str) -> Result<Option<WebUrl>, BadTwiml> {
        let url = self.optional(attribute).map(WebUrl::new).transpose();
        url.map_err(|why| self.bad_address(attribute, why))
    }

    pub(super) fn bad_address(&self, place: &'static str, why: BadAddress) -> BadTwiml {
        let element = self.element;
        BadTwiml::Address {
            element,
            place,
            why,
        }
    }

    pub(super) fn number(&mut self, attribute: &'static str) -> Result<Option<u32>, BadTwiml> {
        let Some(text) = self.optional(attribute) else {
            return Ok(None);
        };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits => Ok(Some(number)),
            _ => Err(self.bad(attribute, "a whole number".to_owned())),
        }
    }

    pub(super) fn word<T: Word>(&mut self, attribute: &'static str) -> Result<Option<T>, BadTwiml> {
        match self.optional(attribute) {
            None => Ok(None),
            Some(word) => self.one_of(attribute, &word).map(Some),
        }
    }

    /// A list of words with spaces between, none if the attribute is not there.
    pub(super) fn words<T: Word>(&mut self, attribute: &'static str) -> Result<Vec<T>, BadTwiml> {
        let list = self.optional(attribute).unwrap_or_default();
        list.split_ascii_whitespace()
            .map(|word| self.one_of(attribute, word))
            .collect()
    }

    fn one_of<T: Word>(&self, attribute: &'static str, word: &str) -> Result<T, BadTwiml> {
        T::from_word(word).ok_or_else(|| {
            let known: Vec<_> = T::WORDS.iter().map(|(_, word)| *word).collect();
            self.bad(attribute, format!("one of {}", known.join(", ")))
        })
    }

    fn bad(&self, attribute: &'static str, expected: String) -> BadTwiml {
        let element = self.element;
        BadTwiml::BadAttribute {
            element,
            attribute,
            expected,
        }
    }

    /// The text of an element without children, after all attributes were taken.
    pub(super) fn into_text(self) -> Result<String, BadTwiml> {
        self.no_attributes()?;
        match self.children.into_iter().next() {
            None => Ok(self.text),
            Some(Element { name, .. }) => Err(BadTwiml::UnknownElement {
                parent: self.element,
                name,
            }),
        }
    }

    /// The children of an element without text, after all attributes were taken.
    pub(super) fn into_children(self) -> Result<Vec<Element>, BadTwiml> {
        self.no_attributes()?;
        if self.has_text() {
            return Err(BadTwiml::Content {
                element: self.element,
                expected: "no text",
            });
        }
        Ok(self.children)
    }

    pub(super) fn has_text(&self) -> bool {
        !self.text.trim_matches([' ', '\t', '\n', '\r']).is_empty()
    }

    /// After all attributes were taken, of an element that has neither text nor children.
    pub(super) fn finish(self) -> Result<(), BadTwiml> {
        let element = self.element;
        match self.into_children()?.into_iter().next() {
            None => Ok(()),
            Some(Element { name, .. }) => Err(BadTwiml::UnknownElement {
                parent: element,
                name,
            }),
        }
    }

    fn no_attributes(&self) -> Result<(), BadTwiml> {
        match self.attributes.first() {
            None => Ok(()),
            Some((attribute, _)) => Err(BadTwiml::UnknownAttribute {
                element: self.element,
                attribute: attribute.clone(),
            }),
        }
    }
}
