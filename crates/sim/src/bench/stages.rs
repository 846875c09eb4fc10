//! What the server added between one provider and the next, from the providers' stamps and the telephones': pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::spread::Spread;
use crate::providers::{Point, Stamp};

/// A first frame that comes later than this after the voice's first audio belongs to something else, in microseconds.
const PLAUSIBLE_US: u64 = 2_000_000;

/// What is known of an utterance beside the providers' stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The call, by its place in the list of calls.
    pub call: usize,
    /// The speech was there before the turn was over: it waited for a decision.
    pub held: bool,
    /// The model was asked when a wait was over, not when the words came.
    pub waited: bool,
}

/// Added latency by stage, in ms.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Stages {
    /// From the final transcript's leaving the recogniser to the model's request.
    pub stt_to_llm: Option<Spread>,
    /// From the end of the first sentence's leaving the model to the voice's request.
    pub llm_to_tts: Option<Spread>,
    /// From the first audio's leaving the voice to the first frame at the telephone.
    pub tts_to_carrier: Option<Spread>,
    /// The three together, of the turns in which all are known.
    pub added: Option<Spread>,
    /// Utterances that were heard.
    pub turns: usize,
    /// Of these, which the caller went on after before the model was asked: they were asked about together with what followed.
    pub joined: usize,
    /// Of these, for which the model was asked only when the wait for the end of the turn was over: left out of the first
    /// stage and of the sum.
    pub waited: usize,
    /// Of these, for which the model was asked more than once, because the turn went on: left out of the sum.
    pub asked_again: usize,
    /// Of these, whose speech was there before the turn was over: left out of the last stage and of the sum.
    pub held: usize,
    /// Of these, whose speech reached no telephone, mostly because the caller spoke on or the call ended.
    pub unheard: usize,
}

/// One utterance's way.
#[derive(Debug, Default)]
struct Way {
    finals: Vec<u64>,
    asked: Vec<u64>,
    wrote: Vec<(usize, u64)>,
    speak: Option<(usize, u64)>,
    audio: Option<u64>,
}

/// Of the utterances heard from `from_us` to `to_us`. `arrivals` are the frames of each call, in order.
#[must_use]
pub fn stages(
    stamps: &[Stamp],
    links: &BTreeMap<u32, Link>,
    arrivals: &[Vec<u64>],
    (from_us, to_us): (u64, u64),
) -> Stages {
    let mut stages = Stages::default();
    let [mut first, mut second, mut third, mut sum] = [const { Vec::new() }; 4];
    for (mark, way) in ways(stamps) {
        if !way
            .finals
            .first()
            .is_some_and(|at| (from_us..to_us).contains(at))
        {
            continue;
        }
        stages.turns += 1;
        let link = links.get(&mark);
        let held = link.is_some_and(|link| link.held);
        let waited = link.is_some_and(|link| link.waited);
        let to_llm = way.to_llm().filter(|_| !waited);
        let to_tts = way.to_tts();
        let to_carrier = match link {
            Some(link) if !held => arrivals.get(link.call).and_then(|of| way.to_carrier(of)),
            Some(_) | None => None,
        };
        first.extend(to_llm);
        second.extend(to_tts);
        third.extend(to_carrier);
        if way.asked.is_empty() {
            stages.joined += 1;
        } else if way.asked.len() > 1 {
            stages.asked_again += 1;
        } else if waited {
            stages.waited += 1;
        } else if held {
            stages.held += 1;
        } else if let (Some(one), Some(two), Some(three)) = (to_llm, to_tts, to_carrier) {
            sum.push(one + two + three);
        } else {
            stages.unheard += 1;
        }
    }
    stages.stt_to_llm = Spread::of(first);
    stages.llm_to_tts = Spread::of(second);
    stages.tts_to_carrier = Spread::of(third);
    stages.added = Spread::of(sum);
    stages
}

fn ways(stamps: &[Stamp]) -> BTreeMap<u32, Way> {
    let mut ways: BTreeMap<u32, Way> = BTreeMap::new();
    for stamp in stamps {
        let way = ways.entry(stamp.mark).or_default();
        let at = stamp.at_us;
        match stamp.point {
            Point::Final => way.finals.push(at),
            Point::Asked => way.asked.push(at),
            Point::Wrote { words } => way.wrote.push((words, at)),
            Point::Speak { words } => {
                way.speak.get_or_insert((words, at));
            }
            Point::Audio => {
                way.audio.get_or_insert(at);
            }
        }
    }
    ways
}

fn ms(from_us: u64, to_us: u64) -> f64 {
    to_us.saturating_sub(from_us) as f64 / 1000.0
}

impl Way {
    /// By the first request and the last transcript before it.
    fn to_llm(&self) -> Option<f64> {
        let asked = *self.asked.first()?;
        let heard = self.finals.iter().rfind(|&&at| at <= asked)?;
        Some(ms(*heard, asked))
    }

    /// By the last time that the words of the voice's request had been written before it.
    fn to_tts(&self) -> Option<f64> {
        let (words, speak) = self.speak?;
        let mut written = self.wrote.iter().rev();
        let (_, written) = written.find(|(count, at)| *count == words && *at <= speak)?;
        Some(ms(*written, speak))
    }

    fn to_carrier(&self, arrivals: &[u64]) -> Option<f64> {
        let audio = self.audio?;
        let first = arrivals.partition_point(|&at| at < audio);
        let arrival = *arrivals.get(first)?;
        (arrival - audio < PLAUSIBLE_US).then(|| ms(audio, arrival))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn stamps(mark: u32, points: &[(u64, Point)]) -> Vec<Stamp> {
        let stamp = |&(at_us, point): &(u64, Point)| Stamp { at_us, mark, point };
        points.iter().map(stamp).collect()
    }

    fn turn(mark: u32, from: u64) -> Vec<Stamp> {
        stamps(
            mark,
            &[
                (from, Point::Final),
                (from + 1_000, Point::Asked),
                (from + 300_000, Point::Wrote { words: 1 }),
                (from + 312_000, Point::Wrote { words: 2 }),
                (from + 324_000, Point::Wrote { words: 3 }),
                (from + 314_000, Point::Speak { words: 2 }),
                (from + 400_000, Point::Audio),
            ],
        )
    }

    const ALL: (u64, u64) = (0, u64::MAX);

    #[test]
    fn the_providers_own_times_are_left_out() {
        let links = BTreeMap::from([(
            7,
            Link {
                call: 0,
                held: false,
                waited: false,
            },
        )]);
        let arrivals = [vec![5_000, 1_404_500, 1_464_000]];
        let stages = stages(&turn(7, 1_000_000), &links, &arrivals, ALL);
        let p50 = |spread: Option<Spread>| spread.unwrap().p50;
        assert_eq!(p50(stages.stt_to_llm), 1.0);
        assert_eq!(p50(stages.llm_to_tts), 2.0);
        assert_eq!(p50(stages.tts_to_carrier), 4.5);
        assert_eq!(p50(stages.added), 7.5);
        assert_eq!((stages.turns, stages.unheard), (1, 0));
    }

    #[test]
    fn speech_that_waited_for_the_end_of_the_turn_is_counted_apart() {
        let links = BTreeMap::from([(
            7,
            Link {
                call: 0,
                held: true,
                waited: false,
            },
        )]);
        let arrivals = [vec![1_500_000]];
        let stages = stages(&turn(7, 1_000_000), &links, &arrivals, ALL);
        assert_eq!((stages.tts_to_carrier, stages.added), (None, None));
        assert_eq!((stages.turns, stages.held), (1, 1));
        assert!(stages.stt_to_llm.is_some());
    }

    #[test]
    fn a_question_that_waited_for_the_end_of_the_turn_is_no_first_stage() {
        let link = Link {
            call: 0,
            held: false,
            waited: true,
        };
        let links = BTreeMap::from([(7, link)]);
        let stages = stages(&turn(7, 1_000_000), &links, &[vec![1_404_500]], ALL);
        assert_eq!((stages.stt_to_llm, stages.added), (None, None));
        assert_eq!(
            (stages.waited, stages.tts_to_carrier.unwrap().p50),
            (1, 4.5)
        );
    }

    #[test]
    fn an_utterance_that_went_on_is_no_turn_of_its_own() {
        let stages = stages(&stamps(7, &[(5, Point::Final)]), &BTreeMap::new(), &[], ALL);
        assert_eq!((stages.turns, stages.joined, stages.unheard), (1, 1, 0));
    }

    #[test]
    fn without_the_servers_files_the_first_stages_are_known() {
        let mut all = turn(7, 1_000_000);
        all.extend(turn(8, 9_000_000));
        let stages = stages(&all, &BTreeMap::new(), &[], (0, 2_000_000));
        assert_eq!(stages.llm_to_tts.unwrap().count, 1);
        assert_eq!((stages.turns, stages.unheard), (1, 1));
    }

    #[test]
    fn a_question_that_was_asked_again_is_no_latency_of_ours() {
        let mut all = turn(7, 1_000_000);
        all.extend(stamps(7, &[(1_800_000, Point::Asked)]));
        let links = BTreeMap::from([(
            7,
            Link {
                call: 0,
                held: false,
                waited: false,
            },
        )]);
        let stages = stages(&all, &links, &[vec![1_404_500]], ALL);
        assert_eq!((stages.asked_again, stages.added), (1, None));
    }
}
