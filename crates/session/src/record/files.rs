//! The files of a call: their names, and what stands beside the recording.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ringback_call::{Direction, EndCause, Intent, Report, Speaker};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::figures;
use crate::prices::Prices;
use crate::quality::Quality;
use crate::scenario::destination::shown;

/// How a name tells when its call began: UTC, to the microsecond.
const TIME: &str = "%Y%m%dT%H%M%S.%6fZ";
/// Bytes of a time in a name.
const TIME_BYTES: usize = 23;

/// Where recordings go and what they are called.
#[derive(Clone, Debug)]
pub struct Place {
    /// The folder; it is made when it is missing.
    pub dir: PathBuf,
    /// The first part of the names.
    pub instance: String,
    /// The port the server listens on, part of the names.
    pub port: u16,
}

/// The common beginning of a call's files: `{dir}/{instance}_{port}_{direction}_recording_{timestamp}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stem(PathBuf);

impl Stem {
    /// The stem of a call that began at `now` (UTC, to the microsecond).
    pub fn new(place: &Place, direction: Direction, now: Timestamp) -> Self {
        let direction = match direction {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        };
        let time = now.strftime(TIME);
        let name = format!(
            "{}_{}_{direction}_recording_{time}",
            place.instance, place.port
        );
        Self(place.dir.join(name))
    }

    /// The file with this ending.
    pub fn file(&self, ending: &str) -> PathBuf {
        let mut name = self.0.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    }

    /// A stem beside this one, for when its names are taken.
    #[must_use]
    pub fn beside(&self, number: u32) -> Self {
        let mut name = self.0.clone().into_os_string();
        name.push(format!("-{number}"));
        Self(PathBuf::from(name))
    }

    /// The folder.
    pub fn dir(&self) -> Option<&Path> {
        self.0.parent()
    }
}

/// When the call began whose file has this name, and how the name ends after the stem. `None` for a name that no file of a call has.
pub fn file_of_call(name: &str) -> Option<(Timestamp, &str)> {
    let (place, rest) = name.rsplit_once("_recording_")?;
    let mut place = place.rsplitn(3, '_');
    let direction = place.next()?;
    let port = place.next()?;
    let instance = place.next()?;
    let (time, ending) = rest.split_at_checked(TIME_BYTES)?;
    let at = DateTime::strptime(TIME, time).ok()?;
    let at = at.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let number = ending.strip_prefix('-').map(|rest| {
        let end = rest.find('.').unwrap_or(rest.len());
        rest.split_at(end)
    });
    let (number, ending) = number.unwrap_or(("1", ending));
    let ours = matches!(direction, "inbound" | "outbound")
        && !instance.is_empty()
        && port
            .parse::<u16>()
            .is_ok_and(|number| number.to_string() == port)
        && at.strftime(TIME).to_string() == time
        && matches!(number.parse::<u32>(), Ok(1..))
        && number.bytes().all(|byte| byte.is_ascii_digit());
    ours.then_some((at, ending))
}

/// What stands beside a recording, as `<stem>.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Meta {
    /// Our id of the call.
    pub call_id: Uuid,
    /// Twilio's.
    pub call_sid: String,
    /// The scenario's slug.
    pub scenario: String,
    /// Who called whom.
    pub direction: Direction,
    /// The caller's number.
    pub from: String,
    /// The number called.
    pub to: String,
    /// When the media began, RFC 3339.
    pub started: Timestamp,
    /// When the call ended, RFC 3339.
    pub ended: Timestamp,
    /// What heard, answered and spoke.
    pub engines: [String; 3],
    /// Samples of the caller's that came too late and were dropped.
    pub late_samples: u64,
    /// What went wrong in the server, if anything did.
    pub failed: Option<String>,
}

impl Meta {
    /// What heard and what spoke, in order; where nothing did, what was to in the beginning stands.
    pub(crate) fn served(&mut self, heard: &[&str], spoke: &[&str]) {
        for (place, names) in [(0, heard), (2, spoke)] {
            if let Some(began) = self.engines.get_mut(place).filter(|_| !names.is_empty()) {
                *began = names.join(", ");
            }
        }
    }

    /// What answered in the end, where that is another than in the beginning.
    pub(crate) fn answered_by(&mut self, name: &str) {
        if let Some(began) = self.engines.get_mut(1).filter(|began| *began != name) {
            *began = format!("{began}, {name}");
        }
    }

    /// The file's content. `collected` is what the conversation has brought, by name.
    pub(crate) fn value(
        &self,
        report: &Report,
        collected: &[(String, String)],
        prices: &Prices,
    ) -> Value {
        let mut value = json!(self);
        value["cause"] = json!(report.cause.map(EndCause::name));
        value["intent"] = json!(report.intent.as_ref().map(Intent::name));
        value["transferred_to"] = match &report.intent {
            Some(Intent::Transfer(to)) => json!(shown(to)),
            Some(Intent::Continue | Intent::HangUp) | None => Value::Null,
        };
        value["callee"] = json!(report.callee);
        value["turns"] = figures::turns(report, prices);
        value["usage"] = figures::usage(report, prices);
        let bill = prices.bill(&report.usage, self.direction, report.ended.ms());
        value["cost"] = figures::bill(&bill, prices);
        value["faults"] = figures::faults(report);
        value["tools"] = figures::tools(report);
        value["interruptions"] = json!(report.yields);
        value["resumptions"] = json!(report.resumes);
        value["quality"] = json!(Quality::of(report));
        value["collected"] = collected.iter().cloned().collect();
        value
    }
}

/// What was said, heard and called, as `<stem>.transcript.json`, with the figures of the turns: times in ms since the media began.
/// Speech of the caller that was not understood is a line without text that is `unclear`.
pub fn transcript(call_id: Uuid, report: &Report, prices: &Prices) -> Vec<u8> {
    let lines = report.lines.iter();
    let said = lines.map(|line| (line.from, figures::line(line)));
    let unclear = report.unclear.iter().map(|stretch| {
        let value = json!({
            "speaker": Speaker::Caller,
            "turn": null,
            "from_ms": stretch.from.ms(),
            "until_ms": stretch.until.ms(),
            "said": "",
            "heard": "",
            "digits": "",
            "interrupted": false,
            "unclear": true,
        });
        (stretch.from, value)
    });
    let tools = report.tools.iter();
    let called = tools.map(|line| (line.from, figures::tool(line, true)));
    let mut lines: Vec<_> = said.chain(unclear).chain(called).collect();
    lines.sort_by_key(|(from, _)| *from);
    let lines: Vec<_> = lines.into_iter().map(|(_, line)| line).collect();
    let turns = figures::turns(report, prices);
    pretty(&json!({ "call_id": call_id, "lines": lines, "turns": turns }))
}

pub(crate) fn pretty(value: &Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_name_tells_when_its_call_began(
            instance in "[a-z_0-9]{1,12}", port: u16, at in 0_i64..4_000_000_000_000_000, number in 0_u32..100,
        ) {
            let place = Place { dir: "recordings".into(), instance, port };
            let at = Timestamp::from_microsecond(at).unwrap();
            for direction in [Direction::Inbound, Direction::Outbound] {
                let mut stem = Stem::new(&place, direction, at);
                if number > 0 {
                    stem = stem.beside(number);
                }
                for ending in [".wav", ".trace.jsonl", ".json.part"] {
                    let file = stem.file(ending);
                    let name = file.file_name().unwrap().to_str().unwrap();
                    prop_assert_eq!(file_of_call(name), Some((at, ending)));
                }
            }
        }

        #[test]
        fn no_name_panics(name in "\\PC{0,20}_recording_\\PC{0,40}") {
            let _ = file_of_call(&name);
        }
    }

    #[test]
    fn a_name_that_is_not_ours_tells_nothing() {
        for name in [
            "",
            "notes.wav",
            "20261120T091502.123456Z.wav",
            "server_8080_inbound_recording_.wav",
            "server_8080_inbound_recording_20261120T091502Z.wav",
            "server_8080_inbound_recording_20261320T091502.123456Z.wav",
            "server_8080_inbound_recording_20261120T091502.123456z.wav",
            "server_8080_inbound_recording_20261120T091502.123456Z-x.wav",
            "server_8080_inbound_recording_20261120T091502.123456Z-0.wav",
            "server_8080_inbound_recording_20261120T091502.123456Z-+1.wav",
            "server_8080_sideways_recording_20261120T091502.123456Z.wav",
            "server_port_inbound_recording_20261120T091502.123456Z.wav",
            "server_08080_inbound_recording_20261120T091502.123456Z.wav",
            "_8080_inbound_recording_20261120T091502.123456Z.wav",
            "8080_inbound_recording_20261120T091502.123456Z.wav",
        ] {
            assert_eq!(file_of_call(name), None, "{name}");
        }
    }
}
