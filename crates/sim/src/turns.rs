//! How long the server took to answer: from the last sound of the caller to the first sound of the reply.

use std::ops::Range;

use ringback_audio::g711;
use serde::Serialize;

use crate::conversation::{Happening, Record};
use crate::loudness::{self, AUDIBLE_RMS, WINDOW};

/// Quiet before a sound that makes it the beginning of a reply while the server was talking: 200 ms.
const ONSET_QUIET: usize = 10;

/// Keys that are further apart are turns of their own: 2 s, in samples.
const KEYS_APART: u64 = 16_000;

/// One turn of the caller and the reply to it. Times in ms since the first stream began.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Turn {
    /// What the caller said; the first turn is the answering of the call itself.
    pub said: String,
    /// Last sound of the caller.
    pub last_sound_ms: f64,
    /// When the frame with that sound was due on the wire: at its end.
    pub sent_ms: f64,
    /// First media message with sound in it, after that.
    pub first_media_ms: Option<f64>,
    /// First audible sample played.
    pub first_sound_ms: Option<f64>,
    /// From the last sound to the first.
    pub latency_ms: Option<f64>,
    /// Audible length of the reply, until the caller's next sound.
    pub reply_ms: u64,
    /// The server was still talking at the caller's last sound, so that the reply was taken to begin after its next
    /// pause of 200 ms.
    pub overlapped: bool,
    /// A `clear` came between the caller's first sound and the end of the turn, and after how many ms.
    pub clear_ms: Option<f64>,
}

/// The turns of a call, the greeting first.
#[must_use]
pub fn turns(record: &Record) -> Vec<Turn> {
    let mut samples = Vec::new();
    g711::decode_into(&record.server, &mut samples);
    let windows: Vec<bool> = samples
        .chunks(WINDOW)
        .map(|window| loudness::rms(window) > AUDIBLE_RMS)
        .collect();
    let server = Server {
        samples: &samples,
        windows: &windows,
    };
    let end = samples.len() as u64;
    let acts = acts(record);
    let begins = |index: usize| acts.get(index).map_or(end, |(_, sound)| sound.start);
    let mut turns = vec![server.turn("(the call is answered)", 0..0, begins(0), record)];
    for (index, (said, sound)) in acts.iter().enumerate() {
        turns.push(server.turn(said, sound.clone(), begins(index + 1), record));
    }
    turns
}

/// What the caller said and keyed, in order, and from its first to its last sample. Keys with less than 2 s between them are one.
fn acts(record: &Record) -> Vec<(String, Range<u64>)> {
    let mut acts: Vec<(String, Range<u64>)> = record
        .utterances
        .iter()
        .map(|utterance| {
            let sound = utterance.first_sound()..utterance.last_sound();
            (utterance.clip.said.clone(), sound)
        })
        .collect();
    let mut keys: Vec<(String, Range<u64>)> = Vec::new();
    for moment in &record.moments {
        let Happening::Key { digit } = moment.happening else {
            continue;
        };
        let at = (moment.at_ms * 8.0) as u64;
        match keys.last_mut() {
            Some((said, sound)) if at < sound.end + KEYS_APART => {
                said.push_str(&format!(" {digit}"));
                sound.end = at;
            }
            _ => keys.push((format!("keys {digit}"), at..at)),
        }
    }
    acts.append(&mut keys);
    acts.sort_by_key(|(_, sound)| sound.start);
    acts
}

struct Server<'a> {
    samples: &'a [i16],
    /// Which windows are audible.
    windows: &'a [bool],
}

impl Server<'_> {
    fn turn(&self, said: &str, sound: Range<u64>, until: u64, record: &Record) -> Turn {
        let ms = |sample: u64| sample as f64 / 8.0;
        let from = sound.end;
        let (onset, overlapped) = self.onset(from, until);
        let sent = from.div_ceil(WINDOW as u64) * WINDOW as u64;
        let media = onset.and_then(|onset| {
            let audible = record.arrivals.iter().filter(|arrival| arrival.audible);
            let mut after = audible.map(|arrival| arrival.at);
            after.find(|&at| at >= from && at <= onset)
        });
        let clear = record
            .clears
            .iter()
            .find(|&&at| at >= sound.start && at < until && !sound.is_empty());
        Turn {
            said: said.to_owned(),
            last_sound_ms: ms(from),
            sent_ms: ms(sent),
            first_media_ms: media.map(ms),
            first_sound_ms: onset.map(ms),
            latency_ms: onset.map(|onset| ms(onset - from)),
            reply_ms: onset.map_or(0, |onset| self.audible_ms(onset, until)),
            overlapped,
            clear_ms: clear.map(|&at| ms(at - sound.start)),
        }
    }

    /// The first sample of the reply, and whether the server was talking already.
    fn onset(&self, from: u64, until: u64) -> (Option<u64>, bool) {
        let index = |sample: u64| usize::try_from(sample).unwrap_or(usize::MAX) / WINDOW;
        let (first, last) = (index(from), index(until).min(self.windows.len()));
        let overlapped = self.windows.get(first).copied().unwrap_or(false);
        let mut quiet = if overlapped { 0 } else { ONSET_QUIET };
        for window in first..last {
            if !self.windows[window] {
                quiet += 1;
            } else if quiet >= ONSET_QUIET {
                let begins = window * WINDOW;
                let end = self.samples.len().min(begins + WINDOW);
                let sound = loudness::audible(&self.samples[begins..end], AUDIBLE_RMS);
                let onset = (begins + sound.map_or(0, |sound| sound.start)) as u64;
                return (Some(onset.max(from)), overlapped);
            } else {
                quiet = 0;
            }
        }
        (None, overlapped)
    }

    fn audible_ms(&self, from: u64, until: u64) -> u64 {
        let index = |sample: u64| usize::try_from(sample).unwrap_or(usize::MAX) / WINDOW;
        let reply = index(from)..index(until).min(self.windows.len());
        let loud = self.windows.get(reply).unwrap_or(&[]);
        loud.iter().filter(|&&audible| audible).count() as u64 * 20
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::clip::Clip;
    use crate::caller::mouth::Utterance;
    use crate::conversation::{Arrival, Moment};
    use std::sync::Arc;

    /// A server that is audible in these ranges of ms, in a call of `ms`.
    fn record(ms: usize, sounds: &[(usize, usize)], utterances: &[(u64, u64)]) -> Record {
        let mut server = vec![g711::SILENCE; ms * 8];
        for &(begin, end) in sounds {
            server[begin * 8..end * 8].fill(g711::encode(4000));
        }
        let utterance = |&(begin, end): &(u64, u64)| Utterance {
            begins: begin * 8,
            clip: Arc::new(Clip {
                said: "x".into(),
                samples: vec![5000; (end - begin) as usize * 8],
                sound: 0..(end - begin) as usize * 8,
            }),
        };
        Record {
            server,
            utterances: utterances.iter().map(utterance).collect(),
            ..Record::default()
        }
    }

    #[test]
    fn the_latency_is_from_last_sound_to_first_sound() {
        let mut record = record(8000, &[(300, 1500), (3333, 4000)], &[(2000, 2505)]);
        let arrival = |ms: u64| Arrival {
            at: ms * 8,
            audible: true,
        };
        record.arrivals = [250, 3290, 3400].map(arrival).into();
        let turns = turns(&record);
        assert_eq!(turns.len(), 2);
        assert_eq!(turns[0].latency_ms, Some(300.0));
        assert_eq!(turns[0].first_media_ms, Some(250.0));
        assert_eq!(turns[0].reply_ms, 1200);
        assert_eq!(turns[1].latency_ms, Some(828.0));
        assert_eq!(turns[1].sent_ms, 2520.0);
        assert_eq!(turns[1].first_media_ms, Some(3290.0));
        assert!(!turns[1].overlapped);
    }

    #[test]
    fn a_server_that_talks_on_is_marked_and_its_next_beginning_counts() {
        let mut record = record(8000, &[(300, 3000), (3600, 4000)], &[(2000, 2500)]);
        record.clears = vec![2300 * 8];
        let turns = turns(&record);
        assert!(turns[1].overlapped);
        assert_eq!(turns[1].first_sound_ms, Some(3600.0));
        assert_eq!(turns[1].clear_ms, Some(300.0));
        assert_eq!(turns[0].clear_ms, None);
    }

    #[test]
    fn keys_are_a_turn_too() {
        let mut record = record(
            9000,
            &[(300, 1500), (3000, 3500), (7000, 8000)],
            &[(2000, 2500)],
        );
        let key = |at_ms, digit| Moment {
            at_ms,
            happening: Happening::Key { digit },
        };
        record.moments = vec![key(5000.0, '4'), key(5250.0, '2')];
        let turns = turns(&record);
        assert_eq!(turns.len(), 3);
        assert_eq!((turns[1].latency_ms, turns[1].reply_ms), (Some(500.0), 500));
        assert_eq!(turns[2].said, "keys 4 2");
        assert_eq!(
            (turns[2].last_sound_ms, turns[2].latency_ms),
            (5250.0, Some(1750.0))
        );
    }

    #[test]
    fn no_reply_is_told_as_such() {
        let record = record(8000, &[], &[(2000, 2500), (4000, 4500)]);
        for turn in turns(&record) {
            assert_eq!((turn.latency_ms, turn.reply_ms), (None, 0));
        }
    }
}
