//! Runs a trace through today's core and says where it first differs.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use ringback_call::{Action, At, Call, Event, Report};
use uuid::Uuid;

use crate::prices::Prices;
use crate::record::{
    TRACE_ENDING, TRACE_VERSION, TRANSCRIPT_ENDING, TraceHead, TraceRecord, transcript, write_whole,
};

/// The longest line that is read, in bytes. The longest that are written hold a conversation so far, as text.
pub const LONGEST_LINE: usize = 16 << 20;

/// Why a trace cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be read.
    #[error("the trace cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// A line is none of a trace.
    #[error("line {line} is no trace record: {reason}")]
    Garbled {
        /// Counted from 1.
        line: usize,
        /// Why.
        reason: String,
    },
    /// Another version wrote it.
    #[error("the trace has version {0}; this program replays version {TRACE_VERSION}")]
    Version(u32),
}

/// The first difference between a trace and today's core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The line of the trace, counted from 1.
    pub line: usize,
    /// The time of the event.
    pub at: At,
    /// The event.
    pub event: String,
    /// The action that the trace has and today's core has not, if one.
    pub then: Option<Action>,
    /// The action of today's core in its place, if one.
    pub now: Option<Action>,
}

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Events replayed.
    pub events: usize,
    /// Actions compared.
    pub actions: usize,
    /// The last line was cut off, as a killed server leaves it; it was left out.
    pub cut_off: bool,
    /// The first difference, if there is one.
    pub difference: Option<Difference>,
    /// The call, as the trace's head names it.
    pub call_id: Uuid,
    /// What today's core says of the call, up to the first difference. A call that did not end hung up there.
    pub report: Report,
}

impl Verdict {
    /// Whether today's core does what the trace says.
    pub fn same(&self) -> bool {
        self.difference.is_none()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events, {} actions: ", self.events, self.actions)?;
        match &self.difference {
            None => write!(f, "no difference")?,
            Some(first) => {
                writeln!(
                    f,
                    "first difference in line {} at {} ms",
                    first.line,
                    first.at.ms()
                )?;
                writeln!(f, "  event: {}", first.event)?;
                writeln!(f, "  then:  {}", show(first.then.as_ref()))?;
                write!(f, "  now:   {}", show(first.now.as_ref()))?;
            }
        }
        if self.cut_off {
            write!(f, " (the last line is cut off and was left out)")?;
        }
        Ok(())
    }
}

fn show(action: Option<&Action>) -> String {
    action.map_or_else(|| "nothing".into(), |action| format!("{action:?}"))
}

/// Replays the trace in a file.
///
/// # Errors
/// When the file cannot be read or is no trace.
pub fn replay(path: &Path) -> Result<Verdict, ReplayError> {
    replay_from(BufReader::new(File::open(path)?))
}

/// Writes the transcript of a call whose server did not live to write it, beside its trace. It never replaces a file.
///
/// # Errors
/// When there is a transcript, when the trace is named like none, when the core does not do what the trace says, and when the
/// file cannot be written.
pub fn recover_transcript(trace: &Path, verdict: &Verdict) -> io::Result<PathBuf> {
    let refused = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    let name = trace.file_name().and_then(|name| name.to_str());
    let Some(stem) = name.and_then(|name| name.strip_suffix(TRACE_ENDING)) else {
        return refused(&format!("the trace's name does not end in {TRACE_ENDING}"));
    };
    if !verdict.same() {
        return refused(
            "the replay differs from the trace: the transcript would not be that of the call",
        );
    }
    let path = trace.with_file_name(format!("{stem}{TRANSCRIPT_ENDING}"));
    if path.try_exists()? {
        return refused("there is a transcript already");
    }
    write_whole(
        &path,
        &transcript(verdict.call_id, &verdict.report, &Prices::default()),
    )?;
    Ok(path)
}

/// Replays a trace.
///
/// # Errors
/// As [`replay`].
pub fn replay_from(mut trace: impl BufRead) -> Result<Verdict, ReplayError> {
    let mut bytes = Vec::new();
    let head = match next_line(&mut trace, 1, &mut bytes)? {
        Line::End => return Err(garbled(1, "the file is empty")),
        Line::CutOff => return Err(garbled(1, "it is cut off")),
        Line::Whole => parse_head(&bytes)?,
    };
    let call_id = head.call_id;
    let mut call = Call::new(head.spec);
    let mut verdict = Verdict {
        events: 0,
        actions: 0,
        cut_off: false,
        difference: None,
        call_id,
        report: Report::default(),
    };
    let mut last = At::default();
    for line in 2.. {
        match next_line(&mut trace, line, &mut bytes)? {
            Line::End => break,
            Line::CutOff => {
                verdict.cut_off = true;
                break;
            }
            Line::Whole => {}
        }
        let record: TraceRecord = parse(line, &bytes)?;
        verdict.events += 1;
        last = record.t;
        verdict.difference = step(&mut call, line, &record, &mut verdict.actions);
        if verdict.difference.is_some() {
            break;
        }
    }
    verdict.report = report(call, last);
    Ok(verdict)
}

/// What a call says of itself. The line of one that did not end is cut where its trace ends.
fn report(mut call: Call, last: At) -> Report {
    if call.report().cause.is_none() {
        call.handle(last, &Event::HungUp);
    }
    call.report()
}

/// The version is looked at before anything else: another version's head need not have our fields.
fn parse_head(bytes: &[u8]) -> Result<TraceHead, ReplayError> {
    #[derive(serde::Deserialize)]
    struct Version {
        ringback_trace: u32,
    }
    let Version { ringback_trace } = parse(1, bytes)?;
    if ringback_trace != TRACE_VERSION {
        return Err(ReplayError::Version(ringback_trace));
    }
    parse(1, bytes)
}

fn step(
    call: &mut Call,
    line: usize,
    record: &TraceRecord,
    compared: &mut usize,
) -> Option<Difference> {
    call.handle(record.t, &record.e);
    let mut then = record.a.iter();
    loop {
        let (now, then) = (call.poll_action(), then.next());
        if now.is_none() && then.is_none() {
            return None;
        }
        *compared += 1;
        if now.as_ref() != then {
            return Some(Difference {
                line,
                at: record.t,
                event: format!("{:?}", record.e),
                then: then.cloned(),
                now,
            });
        }
    }
}

enum Line {
    Whole,
    CutOff,
    End,
}

fn next_line(
    trace: &mut impl BufRead,
    line: usize,
    bytes: &mut Vec<u8>,
) -> Result<Line, ReplayError> {
    bytes.clear();
    let most = LONGEST_LINE as u64 + 1;
    trace.by_ref().take(most).read_until(b'\n', bytes)?;
    match bytes.last() {
        None => Ok(Line::End),
        Some(b'\n') => Ok(Line::Whole),
        Some(_) if bytes.len() > LONGEST_LINE => {
            let reason = format!("it is longer than {LONGEST_LINE} bytes");
            Err(garbled(line, &reason))
        }
        Some(_) => Ok(Line::CutOff),
    }
}

fn parse<'a, T: serde::Deserialize<'a>>(line: usize, bytes: &'a [u8]) -> Result<T, ReplayError> {
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    serde_json::from_slice(text).map_err(|error| garbled(line, &reason(&error)))
}

/// What the reader of JSON says, with its column and without a line of its own, which is always the first.
fn reason(error: &serde_json::Error) -> String {
    let whole = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match whole.strip_suffix(&place) {
        Some(what) => format!("{what} at column {}", error.column()),
        None => whole,
    }
}

fn garbled(line: usize, reason: &str) -> ReplayError {
    ReplayError::Garbled {
        line,
        reason: reason.to_owned(),
    }
}
