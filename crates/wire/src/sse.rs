//! Server-Sent Events: bytes of any split in, events out, and back again for the simulator.
//!
//! The grammar is the one of the WHATWG HTML standard, section "Server-sent events". Two things differ, both for
//! servers in the wild: [`Decoder::finish`] hands out an event whose closing blank line never came, and there are
//! bounds, so that an endless line is an error instead of memory.

use std::collections::VecDeque;

use memchr::memchr2;

/// Bytes a line may have unless told otherwise: one JSON message of a provider, with room.
pub const MAX_LINE_BYTES: usize = 2 * 1024 * 1024;
/// Bytes the data of one event may have unless told otherwise.
pub const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;
/// The media type of such a stream.
pub const CONTENT_TYPE: &str = "text/event-stream";

/// One event: its data is never empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The `event` field; `None` means `message`.
    pub name: Option<String>,
    /// The `data` fields, joined by line feeds. Bytes that are no UTF-8 have become U+FFFD.
    pub data: String,
    /// The `id` field of this event.
    pub id: Option<String>,
    /// The `retry` field of this event, in ms.
    pub retry_ms: Option<u64>,
}

/// The stream passed a bound; nothing more is read from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Oversize {
    /// A line is longer than allowed.
    #[error("the event stream has a line of more than {limit} bytes")]
    Line {
        /// The bound.
        limit: usize,
    },
    /// The data of one event is longer than allowed.
    #[error("the event stream has an event of more than {limit} bytes")]
    Event {
        /// The bound.
        limit: usize,
    },
}

/// Reads a stream of events, at whatever places its bytes were split.
///
/// [`Decoder::push`] takes bytes, [`Decoder::poll`] gives the events they completed, [`Decoder::finish`] says that no
/// more bytes will come.
#[derive(Debug)]
pub struct Decoder {
    line_limit: usize,
    event_limit: usize,
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    pending: Event,
    ready: VecDeque<Event>,
    after_carriage_return: bool,
    first_line: bool,
    broken: Option<Oversize>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::with_limits(MAX_LINE_BYTES, MAX_EVENT_BYTES)
    }
}

impl Decoder {
    /// A decoder with its own bounds, in bytes: of a line without its end, and of an event's data.
    #[must_use]
    pub fn with_limits(line: usize, event: usize) -> Self {
        Self {
            line_limit: line,
            event_limit: event,
            line: Vec::new(),
            data: Vec::new(),
            has_data: false,
            pending: Event::default(),
            ready: VecDeque::new(),
            after_carriage_return: false,
            first_line: true,
            broken: None,
        }
    }

    /// Takes the next bytes of the stream.
    ///
    /// # Errors
    /// [`Oversize`] from the moment a bound is passed; the events before it can still be polled.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), Oversize> {
        if let Some(broken) = self.broken {
            return Err(broken);
        }
        let outcome = loop {
            if std::mem::take(&mut self.after_carriage_return) {
                match bytes.first() {
                    Some(b'\n') => bytes = &bytes[1..],
                    Some(_) => {}
                    None => {
                        self.after_carriage_return = true;
                        break Ok(());
                    }
                }
            }
            let Some(end) = memchr2(b'\n', b'\r', bytes) else {
                break self.hold(bytes);
            };
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            self.after_carriage_return = bytes[end] == b'\r';
            bytes = rest;
            if let Err(oversize) = self.end_line(line) {
                break Err(oversize);
            }
        };
        if let Err(oversize) = outcome {
            self.broken = Some(oversize);
            (self.line, self.data) = (Vec::new(), Vec::new());
        }
        outcome
    }

    /// The next event that is complete.
    pub fn poll(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    /// The stream has ended: the last event, if its closing blank line is missing. The standard throws it away, but
    /// some servers leave the blank line out; one that was cut in the middle shows by its data.
    pub fn finish(&mut self) -> Option<Event> {
        if self.broken.is_none() {
            let last = std::mem::take(&mut self.line);
            let within_limits = self.line(&last).is_ok();
            if within_limits {
                self.dispatch();
            }
        }
        self.poll()
    }

    fn hold(&mut self, piece: &[u8]) -> Result<(), Oversize> {
        if self.line.len() + piece.len() > self.line_limit {
            return Err(Oversize::Line {
                limit: self.line_limit,
            });
        }
        self.line.extend_from_slice(piece);
        Ok(())
    }

    fn end_line(&mut self, piece: &[u8]) -> Result<(), Oversize> {
        if self.line.is_empty() && piece.len() <= self.line_limit {
            return self.line(piece);
        }
        self.hold(piece)?;
        let mut line = std::mem::take(&mut self.line);
        let outcome = self.line(&line);
        line.clear();
        self.line = line;
        outcome
    }

    fn line(&mut self, mut line: &[u8]) -> Result<(), Oversize> {
        if std::mem::take(&mut self.first_line) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            self.dispatch();
            return Ok(());
        }
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[line.len()..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => self.data(value)?,
            b"event" => {
                self.pending.name = Some(lossy(value)).filter(|name| !name.is_empty());
            }
            b"id" if !value.contains(&0) => self.pending.id = Some(lossy(value)),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                self.pending.retry_ms = lossy(value).parse().ok();
            }
            _ => {}
        }
        Ok(())
    }

    fn data(&mut self, value: &[u8]) -> Result<(), Oversize> {
        let joint = usize::from(self.has_data);
        if self.data.len() + joint + value.len() > self.event_limit {
            return Err(Oversize::Event {
                limit: self.event_limit,
            });
        }
        if self.has_data {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(value);
        self.has_data = true;
        Ok(())
    }

    fn dispatch(&mut self) {
        let mut event = std::mem::take(&mut self.pending);
        self.has_data = false;
        if !self.data.is_empty() {
            event.data = lossy(&self.data);
            self.data.clear();
            self.ready.push_back(event);
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Appends one event. Line ends within `data` become line feeds, those within `name` are left out; empty data makes
/// an event that no reader notices.
pub fn write_event(out: &mut String, name: Option<&str>, data: &str) {
    if let Some(name) = name {
        out.push_str("event: ");
        out.extend(name.chars().filter(|letter| !matches!(letter, '\r' | '\n')));
        out.push('\n');
    }
    let mut rest = data;
    loop {
        let end = rest.find(['\r', '\n']).unwrap_or(rest.len());
        out.push_str("data: ");
        out.push_str(&rest[..end]);
        out.push('\n');
        if end == rest.len() {
            break;
        }
        let width = if rest[end..].starts_with("\r\n") {
            2
        } else {
            1
        };
        rest = &rest[end + width..];
    }
    out.push('\n');
}

/// Appends a comment, as servers send to keep a connection open. Its line ends become spaces.
pub fn write_comment(out: &mut String, text: &str) {
    out.push_str(": ");
    out.extend(text.chars().map(|letter| match letter {
        '\r' | '\n' => ' ',
        other => other,
    }));
    out.push_str("\n\n");
}
