//! The gated detector against the same model over every window, with nothing left out, and against what was said.

use std::ops::Range;

use ringback_audio::{FRAME_SAMPLES, g711};
use ringback_speech::detector::{Detector, DetectorConfig, EarEdge, Edge};
use ringback_speech::vad::{VadModel, VadState, WINDOW_SAMPLES};
use ringback_speech::voice::VoicePool;

use crate::callers::{Line, VOICES};

const SAMPLES_PER_MS: u64 = 8;

/// Onsets and Offsets of the model over every window of the line.
fn ungated(line: &Line) -> Vec<EarEdge> {
    let mut state = VadState::new();
    let (mut speaking, mut over, mut below) = (false, 0, 0);
    let mut edges = Vec::new();
    for (window, end) in line.samples.as_chunks::<WINDOW_SAMPLES>().0.iter().zip(1..) {
        VadModel::embedded().step(&mut [(
            &mut state,
            &window.map(|sample| f32::from(sample) / 32768.0),
        )]);
        over = if state.probability > 0.5 { over + 1 } else { 0 };
        below = if state.probability < 0.35 {
            below + 1
        } else {
            0
        };
        if !speaking && over == 2 {
            speaking = true;
            edges.push(EarEdge {
                edge: Edge::Onset,
                sample: (end - 2) * 256,
            });
        } else if speaking && below == 7 {
            speaking = false;
            edges.push(EarEdge {
                edge: Edge::Offset,
                sample: (end - 7) * 256,
            });
        }
    }
    edges
}

/// So long before its sentence a start may lie, in samples: 100 ms.
const EARLY: usize = 100 * SAMPLES_PER_MS as usize;

/// Where the start of a sentence may lie.
fn reach((start, end): (usize, usize)) -> Range<usize> {
    start - EARLY..end
}

fn onsets(edges: &[EarEdge]) -> impl Iterator<Item = usize> {
    let onsets = edges.iter().filter(|edge| edge.edge == Edge::Onset);
    onsets.map(|edge| edge.sample as usize)
}

fn onset_of(sentence: (usize, usize), edges: &[EarEdge]) -> Option<usize> {
    onsets(edges).find(|onset| reach(sentence).contains(onset))
}

struct Gated {
    edges: Vec<EarEdge>,
    windows: usize,
    open_frames: usize,
}

fn gated(line: &Line) -> Gated {
    let mut detector = Detector::new(DetectorConfig::default());
    let mut found = Gated {
        edges: Vec::new(),
        windows: 0,
        open_frames: 0,
    };
    for frame in line.frames() {
        detector.push(frame);
        while let Some(window) = detector.pending() {
            VadModel::embedded().step(&mut [window]);
            detector.advance();
            found.windows += 1;
        }
        found.open_frames += usize::from(detector.gate_open());
        found.edges.extend(std::iter::from_fn(|| detector.poll()));
    }
    found
}

#[derive(Debug, Default)]
struct Tally {
    expected: usize,
    missed: usize,
    extra: usize,
    within_40_ms: usize,
}

impl Tally {
    /// An edge is found if one of its kind lies within 200 ms; a start also by where its sentence begins.
    fn add(&mut self, kind: Edge, expected: &[EarEdge], found: &[EarEdge], line: &Line) {
        let of_kind = |edges: &[EarEdge]| -> Vec<u64> {
            edges
                .iter()
                .filter(|edge| edge.edge == kind)
                .map(|edge| edge.sample)
                .collect()
        };
        let mut found = of_kind(found);
        for sample in of_kind(expected) {
            self.expected += 1;
            let begin = Some(line.begin(sample)).filter(|_| kind == Edge::Onset);
            let distance = |found: u64| {
                let places = [Some(sample), begin].into_iter().flatten();
                places.map(|place| found.abs_diff(place)).min().unwrap()
            };
            let nearest = (0..found.len()).min_by_key(|&n| found[n].abs_diff(sample));
            match nearest.filter(|&n| distance(found[n]) <= 200 * SAMPLES_PER_MS) {
                Some(n) => {
                    self.within_40_ms +=
                        usize::from(distance(found.remove(n)) <= 40 * SAMPLES_PER_MS)
                }
                None => self.missed += 1,
            }
        }
        self.extra += found.len();
    }

    fn check(&self, what: &str) {
        assert_eq!((self.missed, self.extra), (0, 0), "{what}: {self:?}");
        assert!(
            self.within_40_ms * 10 >= self.expected * 9,
            "{what}: {self:?}"
        );
    }
}

/// Compares over all voices and returns the share of time the gate is open, relative to the share of speech.
fn compare(lines: impl Iterator<Item = Line>, name: &str) -> f64 {
    let (mut starts, mut stops) = (Tally::default(), Tally::default());
    let (mut samples, mut speech, mut open, mut computed) = (0.0, 0.0, 0.0, 0.0);
    for line in lines {
        let (expected, found) = (ungated(&line), gated(&line));
        starts.add(Edge::Onset, &expected, &found.edges, &line);
        stops.add(Edge::Offset, &expected, &found.edges, &line);
        samples += line.samples.len() as f64;
        speech += line.speech_share() * line.samples.len() as f64;
        open += (found.open_frames * FRAME_SAMPLES) as f64;
        computed += (found.windows * WINDOW_SAMPLES) as f64;
    }
    eprintln!("{name}: starts {starts:?}, stops {stops:?}");
    eprintln!(
        "{name}: speech {:.1} %, gate open {:.1} %, windows computed {:.1} %",
        100.0 * speech / samples,
        100.0 * open / samples,
        100.0 * computed / samples
    );
    starts.check(&format!("{name}, starts"));
    stops.check(&format!("{name}, stops"));
    open / speech
}

/// Each voice on two lines whose pauses and noise differ.
fn lines(snr_db: Option<f64>) -> impl Iterator<Item = Line> {
    VOICES.iter().zip(1u64..).flat_map(move |(voice, seed)| {
        [seed, seed + 100].map(|seed| {
            let line = Line::new(voice, seed);
            match snr_db {
                Some(snr_db) => line.with_pink_noise(snr_db, seed + 50),
                None => line,
            }
        })
    })
}

#[test]
fn on_clean_lines_the_gate_changes_no_edge() {
    compare(lines(None), "clean");
}

#[test]
fn at_20_db_the_gate_changes_no_edge_and_is_open_little_longer_than_speech_lasts() {
    let open = compare(lines(Some(20.0)), "20 dB");
    assert!(
        open <= 1.3,
        "the gate is open {open:.2} times as long as speech lasts"
    );
}

#[test]
fn at_10_db_the_gate_changes_no_edge() {
    compare(lines(Some(10.0)), "10 dB");
}

#[test]
fn after_a_minute_of_silence_or_noise_every_sentence_is_found_and_nothing_else() {
    for (voice, seed) in VOICES.iter().zip(1u64..) {
        for snr_db in [None, Some(20.0)] {
            let mut line = Line::of_sentences(&voice.sentences[..2], 480_000, seed);
            if let Some(snr_db) = snr_db {
                line = line.with_pink_noise(snr_db, seed);
            }
            let edges = gated(&line).edges;
            for &sentence in &line.sentences {
                let (first, start) = (onset_of(sentence, &edges), sentence.0);
                assert!(
                    first.is_some_and(|onset| onset < start + 3 * EARLY),
                    "{snr_db:?}, voice {seed}: {first:?} for {start}"
                );
            }
            let stray = onsets(&edges).find(|onset| {
                let mut sentences = line.sentences.iter();
                !sentences.any(|&sentence| reach(sentence).contains(onset))
            });
            assert_eq!(stray, None, "{snr_db:?}, voice {seed}");
        }
    }
}

/// How many of 32 sayings of a word are heard, each behind `pause_ms` of digital silence and at another place in its window.
fn heard(word: &[i16], pause_ms: usize) -> usize {
    let mut samples = Vec::new();
    for place in (0..WINDOW_SAMPLES).step_by(8) {
        let pause = pause_ms * SAMPLES_PER_MS as usize;
        samples.resize(
            (samples.len() + pause).next_multiple_of(WINDOW_SAMPLES) + place,
            0,
        );
        samples.extend(word);
    }
    samples.resize(samples.len() + 8000, 0);
    let sentences = Vec::new();
    onsets(&gated(&Line { samples, sentences }).edges).count()
}

#[test]
fn a_short_word_is_heard_behind_any_silence_and_nearly_wherever_it_lies_in_a_window() {
    let folder = tempfile::tempdir().unwrap();
    let pool = VoicePool::start(1, folder.path()).unwrap();
    for word in ["hello", "help", "yes", "no"] {
        let mut audio: Vec<i16> = Vec::new();
        g711::decode_into(&pool.synthesize(word).unwrap(), &mut audio);
        for pause_ms in [600, 1000, 1500, 2000, 2900, 6000] {
            let heard = heard(&audio, pause_ms);
            assert!(heard >= 29, "{word} behind {pause_ms} ms: {heard} of 32");
        }
    }
}

#[test]
fn sentences_behind_a_pause_are_heard_as_they_begin() {
    let mut late: Vec<usize> = Vec::new();
    for line in lines(None) {
        let edges = gated(&line).edges;
        for &sentence in &line.sentences {
            let onset = onset_of(sentence, &edges).unwrap();
            late.push(onset.saturating_sub(sentence.0) / SAMPLES_PER_MS as usize);
        }
    }
    late.sort_unstable();
    eprintln!("late by {late:?} ms");
    assert!(late[late.len() * 4 / 5] <= 100, "{late:?}");
}
