//! From verbs to XML.

use super::{CallEvent, Callee, Connect, Dial, DialTarget, Say, Stream, Verb, WebUrl, Word};

/// Writes the verbs as a document, to be sent as `application/xml` or `text/xml`. No verb at all ends the call.
#[must_use]
pub fn render(verbs: &[Verb]) -> String {
    let mut xml = Xml(String::with_capacity(512));
    xml.0.push_str(r#"<?xml version="1.0" encoding="UTF-8"?>"#);
    xml.element(
        "Response",
        |_| {},
        |xml| verbs.iter().for_each(|verb| write_verb(xml, verb)),
    );
    xml.0
}

fn write_verb(xml: &mut Xml, verb: &Verb) {
    match verb {
        Verb::Connect(connect) => write_connect(xml, connect),
        Verb::Dial(dial) => write_dial(xml, dial),
        Verb::Hangup => xml.element("Hangup", |_| {}, |_| {}),
        Verb::Pause { length_s } => {
            xml.element("Pause", |xml| xml.number("length", *length_s), |_| {})
        }
        Verb::Redirect { url, method } => xml.element(
            "Redirect",
            |xml| xml.word("method", *method),
            |xml| xml.text(url.as_str()),
        ),
        Verb::Reject { reason } => xml.element("Reject", |xml| xml.word("reason", *reason), |_| {}),
        Verb::Say(say) => write_say(xml, say),
    }
}

fn write_connect(xml: &mut Xml, connect: &Connect) {
    xml.element(
        "Connect",
        |xml| {
            xml.url("action", connect.action.as_ref());
            xml.word("method", connect.method);
        },
        |xml| write_stream(xml, &connect.stream),
    );
}

fn write_stream(xml: &mut Xml, stream: &Stream) {
    xml.element(
        "Stream",
        |xml| {
            xml.attribute("url", stream.url.as_str());
            xml.optional("name", stream.name.as_deref());
            xml.url("statusCallback", stream.status_callback.as_ref());
            xml.word("statusCallbackMethod", stream.status_callback_method);
        },
        |xml| {
            for parameter in &stream.parameters {
                let attributes = |xml: &mut Xml| {
                    xml.attribute("name", parameter.name());
                    xml.attribute("value", parameter.value());
                };
                xml.element("Parameter", attributes, |_| {});
            }
        },
    );
}

fn write_say(xml: &mut Xml, say: &Say) {
    xml.element(
        "Say",
        |xml| {
            xml.optional("voice", say.voice.as_deref());
            xml.optional("language", say.language.as_deref());
            xml.number("loop", say.repeat);
        },
        |xml| xml.text(&say.text),
    );
}

fn write_dial(xml: &mut Xml, dial: &Dial) {
    xml.element(
        "Dial",
        |xml| {
            xml.optional("callerId", dial.caller_id.as_deref());
            xml.number("timeout", dial.timeout_s);
            xml.number("timeLimit", dial.time_limit_s);
            xml.word("answerOnBridge", dial.answer_on_bridge);
            xml.url("action", dial.action.as_ref());
            xml.word("method", dial.method);
            xml.word("record", dial.record);
            xml.url(
                "recordingStatusCallback",
                dial.recording_status_callback.as_ref(),
            );
        },
        |xml| {
            dial.targets
                .iter()
                .for_each(|target| write_target(xml, target))
        },
    );
}

fn write_target(xml: &mut Xml, target: &DialTarget) {
    let (name, address) = match &target.callee {
        Callee::Number(number) => ("Number", number.as_str()),
        Callee::Sip(address) => ("Sip", address.as_str()),
    };
    let events: Vec<_> = target
        .status_events
        .iter()
        .map(|event| CallEvent::word(*event))
        .collect();
    xml.element(
        name,
        |xml| {
            xml.url("statusCallback", target.status_callback.as_ref());
            xml.optional(
                "statusCallbackEvent",
                (!events.is_empty()).then(|| events.join(" ")).as_deref(),
            );
        },
        |xml| xml.text(address),
    );
}

struct Xml(String);

impl Xml {
    fn element(
        &mut self,
        name: &str,
        attributes: impl FnOnce(&mut Self),
        content: impl FnOnce(&mut Self),
    ) {
        self.0.push('<');
        self.0.push_str(name);
        attributes(self);
        let before = self.0.len();
        self.0.push('>');
        content(self);
        if self.0.len() == before + 1 {
            self.0.truncate(before);
            self.0.push_str("/>");
        } else {
            self.0.push_str("</");
            self.0.push_str(name);
            self.0.push('>');
        }
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.0.push(' ');
        self.0.push_str(name);
        self.0.push_str("=\"");
        for character in value.chars().filter(|character| is_xml(*character)) {
            match character {
                '"' => self.0.push_str("&quot;"),
                '\t' => self.0.push_str("&#9;"),
                '\n' => self.0.push_str("&#10;"),
                _ => self.escaped(character),
            }
        }
        self.0.push('"');
    }

    fn text(&mut self, text: &str) {
        text.chars()
            .filter(|character| is_xml(*character))
            .for_each(|character| self.escaped(character));
    }

    fn escaped(&mut self, character: char) {
        match character {
            '&' => self.0.push_str("&amp;"),
            '<' => self.0.push_str("&lt;"),
            '>' => self.0.push_str("&gt;"),
            // A reader turns a literal one into a line feed.
            '\r' => self.0.push_str("&#13;"),
            _ => self.0.push(character),
        }
    }

    fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.attribute(name, value);
        }
    }

    fn url(&mut self, name: &str, value: Option<&WebUrl>) {
        self.optional(name, value.map(WebUrl::as_str));
    }

    fn word<T: Word>(&mut self, name: &str, value: Option<T>) {
        self.optional(name, value.map(Word::word));
    }

    fn number(&mut self, name: &str, value: Option<u32>) {
        self.optional(name, value.map(|number| number.to_string()).as_deref());
    }
}

/// The production `Char` of XML 1.0: what a document may contain, escaped or not.
pub(super) fn is_xml(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
