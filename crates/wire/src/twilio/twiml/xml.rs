//! From XML to elements: well-formed, no DTD, no entities but the five, not deep.

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use super::elements::BadTwiml;
use super::render::is_xml;

/// TwiML nests four deep at most; the limit keeps what is built small.
const MAX_DEPTH: usize = 8;

pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    pub(super) text: String,
}

pub(super) fn root(text: &str) -> Result<Element, BadTwiml> {
    let mut builder = Builder::default();
    let mut reader = Reader::from_str(text);
    loop {
        let at = reader.buffer_position();
        let broken = |why: &dyn std::fmt::Display| BadTwiml::Xml {
            at,
            why: why.to_string(),
        };
        let event = reader.read_event().map_err(|error| broken(&error))?;
        if builder.take(event).map_err(|why| broken(&why))? {
            return builder.root.ok_or_else(|| broken(&"no element"));
        }
    }
}

type Why = String;

#[derive(Default)]
struct Builder {
    open: Vec<Element>,
    root: Option<Element>,
}

impl Builder {
    /// Takes one event; true at the end of the document.
    fn take(&mut self, event: Event<'_>) -> Result<bool, Why> {
        match event {
            Event::Start(tag) => self.start(&tag)?,
            Event::Empty(tag) => {
                self.start(&tag)?;
                self.end();
            }
            Event::End(_) => self.end(),
            Event::Text(text) => {
                self.text(&text.xml10_content().map_err(|error| error.to_string())?)?
            }
            Event::CData(text) => {
                self.text(&text.xml10_content().map_err(|error| error.to_string())?)?
            }
            Event::GeneralRef(reference) => self.text(&resolved(&reference)?)?,
            Event::Comment(_) | Event::Decl(_) => {}
            Event::PI(_) => return Err("a processing instruction".to_owned()),
            Event::DocType(_) => return Err("a document type".to_owned()),
            Event::Eof if !self.open.is_empty() => {
                return Err("the document ends inside an element".to_owned());
            }
            Event::Eof => return Ok(true),
        }
        Ok(false)
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), Why> {
        if self.root.is_some() {
            return Err("a second root element".to_owned());
        }
        if self.open.len() == MAX_DEPTH {
            return Err(format!("elements nested more than {MAX_DEPTH} deep"));
        }
        let mut attributes = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = legal(&value.map_err(|error| error.to_string())?)?;
            attributes.push((utf8(attribute.key.as_ref())?, value));
        }
        self.open.push(Element {
            name: utf8(tag.name().as_ref())?,
            attributes,
            children: Vec::new(),
            text: String::new(),
        });
        Ok(())
    }

    fn end(&mut self) {
        if let Some(element) = self.open.pop() {
            match self.open.last_mut() {
                Some(parent) => parent.children.push(element),
                None => self.root = Some(element),
            }
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Why> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(&legal(text)?),
            None if text.trim_matches([' ', '\t', '\n', '\r']).is_empty() => {}
            None => return Err("text outside the root element".to_owned()),
        }
        Ok(())
    }
}

fn utf8(name: &[u8]) -> Result<String, Why> {
    String::from_utf8(name.to_vec()).map_err(|error| error.to_string())
}

fn legal(text: &str) -> Result<String, Why> {
    match text.chars().find(|character| !is_xml(*character)) {
        None => Ok(text.to_owned()),
        Some(character) => Err(format!(
            "the character U+{:04X} is illegal in XML 1.0",
            u32::from(character)
        )),
    }
}

fn resolved(reference: &BytesRef<'_>) -> Result<String, Why> {
    if let Some(character) = reference
        .resolve_char_ref()
        .map_err(|error| error.to_string())?
    {
        return Ok(character.to_string());
    }
    let name = reference.decode().map_err(|error| error.to_string())?;
    match resolve_predefined_entity(&name) {
        Some(text) => Ok(text.to_owned()),
        None => Err(format!("the unknown entity &{name};")),
    }
}
