//! From elements to verbs, strictly.

use super::elements::{BadTwiml, Parts};
use super::xml::{self, Element};
use super::{
    Callee, Connect, Dial, DialTarget, MAX_DOCUMENT_BYTES, Parameter, Say, SipAddress, Stream,
    StreamUrl, Verb, WebUrl,
};

/// Reads a document strictly, for the simulator: a verb or attribute that is not known here, or an address that is not
/// absolute, is an error, even where Twilio would let it pass.
///
/// # Errors
/// [`BadTwiml`] names the culprit.
pub fn parse(text: &str) -> Result<Vec<Verb>, BadTwiml> {
    if text.len() > MAX_DOCUMENT_BYTES {
        return Err(BadTwiml::TooLarge { bytes: text.len() });
    }
    let root = xml::root(text)?;
    if root.name != "Response" {
        return Err(BadTwiml::Root { name: root.name });
    }
    let verbs = Parts::of("Response", root)
        .into_children()?
        .into_iter()
        .map(verb)
        .collect::<Result<Vec<_>, _>>()?;
    if verbs
        .iter()
        .skip(1)
        .any(|verb| matches!(verb, Verb::Reject { .. }))
    {
        return Err(BadTwiml::LateReject);
    }
    Ok(verbs)
}

fn verb(element: Element) -> Result<Verb, BadTwiml> {
    match element.name.as_str() {
        "Connect" => connect(Parts::of("Connect", element)),
        "Dial" => dial(Parts::of("Dial", element)),
        "Hangup" => Parts::of("Hangup", element).finish().map(|()| Verb::Hangup),
        "Pause" => {
            let mut parts = Parts::of("Pause", element);
            let length_s = parts.number("length")?;
            parts.finish().map(|()| Verb::Pause { length_s })
        }
        "Redirect" => redirect(Parts::of("Redirect", element)),
        "Reject" => {
            let mut parts = Parts::of("Reject", element);
            let reason = parts.word("reason")?;
            parts.finish().map(|()| Verb::Reject { reason })
        }
        "Say" => {
            let mut parts = Parts::of("Say", element);
            Ok(Verb::Say(Say {
                voice: parts.optional("voice"),
                language: parts.optional("language"),
                repeat: parts.number("loop")?,
                text: parts.into_text()?,
            }))
        }
        _ => Err(BadTwiml::UnknownElement {
            parent: "Response",
            name: element.name,
        }),
    }
}

fn redirect(mut parts: Parts) -> Result<Verb, BadTwiml> {
    let element = "Redirect";
    let method = parts.word("method")?;
    let url = WebUrl::new(parts.into_text()?.trim()).map_err(|why| BadTwiml::Address {
        element,
        place: "content",
        why,
    })?;
    Ok(Verb::Redirect { url, method })
}

fn connect(mut parts: Parts) -> Result<Verb, BadTwiml> {
    let action = parts.url("action")?;
    let method = parts.word("method")?;
    let mut children = parts.into_children()?;
    match children.pop() {
        Some(child) if children.is_empty() && child.name == "Stream" => {
            Ok(Verb::Connect(Connect {
                stream: stream(Parts::of("Stream", child))?,
                action,
                method,
            }))
        }
        Some(Element { name, .. }) if name != "Stream" => Err(BadTwiml::UnknownElement {
            parent: "Connect",
            name,
        }),
        _ => Err(BadTwiml::Content {
            element: "Connect",
            expected: "exactly one <Stream>",
        }),
    }
}

fn stream(mut parts: Parts) -> Result<Stream, BadTwiml> {
    let url =
        StreamUrl::new(parts.required("url")?).map_err(|why| parts.bad_address("url", why))?;
    let name = parts.optional("name");
    let track = parts.optional("track");
    if track.is_some_and(|track| track != "inbound_track") {
        return Err(BadTwiml::BadAttribute {
            element: "Stream",
            attribute: "track",
            expected: "inbound_track under <Connect> (31941)".to_owned(),
        });
    }
    Ok(Stream {
        url,
        name,
        status_callback: parts.url("statusCallback")?,
        status_callback_method: parts.word("statusCallbackMethod")?,
        parameters: parts
            .into_children()?
            .into_iter()
            .map(parameter)
            .collect::<Result<_, _>>()?,
    })
}

fn parameter(element: Element) -> Result<Parameter, BadTwiml> {
    if element.name != "Parameter" {
        return Err(BadTwiml::UnknownElement {
            parent: "Stream",
            name: element.name,
        });
    }
    let mut parts = Parts::of("Parameter", element);
    let parameter = Parameter::new(parts.required("name")?, parts.required("value")?)?;
    parts.finish().map(|()| parameter)
}

fn dial(mut parts: Parts) -> Result<Verb, BadTwiml> {
    let mut dial = Dial {
        targets: Vec::new(),
        caller_id: parts.optional("callerId"),
        timeout_s: parts.number("timeout")?,
        time_limit_s: parts.number("timeLimit")?,
        answer_on_bridge: parts.word("answerOnBridge")?,
        action: parts.url("action")?,
        method: parts.word("method")?,
        record: parts.word("record")?,
        recording_status_callback: parts.url("recordingStatusCallback")?,
    };
    if parts.has_text() {
        let number = parts.into_text()?.trim().to_owned();
        dial.targets.push(Callee::Number(number).into());
    } else {
        let nouns = parts.into_children()?.into_iter().map(target);
        dial.targets = nouns.collect::<Result<_, _>>()?;
    }
    if dial.targets.is_empty() {
        return Err(BadTwiml::Content {
            element: "Dial",
            expected: "somebody to call",
        });
    }
    Ok(Verb::Dial(dial))
}

fn target(element: Element) -> Result<DialTarget, BadTwiml> {
    let name = match element.name.as_str() {
        "Number" => "Number",
        "Sip" => "Sip",
        _ => {
            return Err(BadTwiml::UnknownElement {
                parent: "Dial",
                name: element.name,
            });
        }
    };
    let mut parts = Parts::of(name, element);
    let status_callback = parts.url("statusCallback")?;
    let status_events = parts.words("statusCallbackEvent")?;
    let address = parts.into_text()?.trim().to_owned();
    let callee = if name == "Number" && address.is_empty() {
        return Err(BadTwiml::Content {
            element: name,
            expected: "a telephone number",
        });
    } else if name == "Number" {
        Callee::Number(address)
    } else {
        let place = "content";
        Callee::Sip(SipAddress::new(address).map_err(|why| BadTwiml::Address {
            element: name,
            place,
            why,
        })?)
    };
    Ok(DialTarget {
        callee,
        status_callback,
        status_events,
    })
}
