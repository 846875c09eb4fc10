//! Measures the local recogniser on telephone-band speech of the flite voices; `docs/local-speech.md` quotes it.
//!
//! `cargo run --release -p ringback-speech --example wer` (needs `flite` and `sox`); `-- --paced` feeds the sound as
//! fast as a caller speaks and measures how long after the end of speech the text comes; `-- --wrong` tells each
//! answer that was not understood.
//!
//! `-- --scenarios` takes the questions of the built-in scenarios instead, with all that is listened for at any time;
//! `-- --scenarios clean` and `-- --scenarios 20` do one half of it, and `--first` after these takes the questions that
//! calls begin with, each answer in a call of its own: the decoder does not know the line yet.

#![allow(clippy::print_stdout, reason = "a program that prints a table")]
#![allow(clippy::unwrap_used, reason = "a measurement that fails should stop")]

mod caller;
mod scenarios;
mod sentences;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use caller::{VOICES, say, with_pink_noise};
use ringback_speech::grammar::{Dictionary, Expect, Grammar, Meaning, interpret};
use ringback_speech::recognizer::{Recognized, Recognizer, RecognizerPool};
use sentences::{Question, UNEXPECTED, questions};

struct Heard {
    text: String,
    meaning: Meaning,
    complete: bool,
    confidence_pm: u16,
}

struct Line {
    recognizer: Recognizer,
    answers: Receiver<Recognized>,
    finalize: u32,
    paced: bool,
    seconds: f64,
    waits: Vec<Duration>,
}

impl Line {
    fn lease(pool: &RecognizerPool, paced: bool) -> Self {
        let (sender, answers) = channel();
        let recognizer = pool
            .lease(Box::new(move |heard| drop(sender.send(heard))))
            .unwrap();
        Self {
            recognizer,
            answers,
            finalize: 0,
            paced,
            seconds: 0.0,
            waits: Vec::new(),
        }
    }

    /// The same line in another call.
    fn renew(&mut self, pool: &RecognizerPool) {
        let (sender, answers) = channel();
        self.answers = answers;
        loop {
            let sender = sender.clone();
            if let Some(recognizer) = pool.lease(Box::new(move |heard| drop(sender.send(heard)))) {
                self.recognizer = recognizer;
                return;
            }
        }
    }

    /// Plays an utterance and returns what was heard.
    fn hear(&mut self, mulaw: &[u8]) -> (String, Meaning) {
        let Heard { text, meaning, .. } = self.hear_all(mulaw);
        (text, meaning)
    }

    fn hear_all(&mut self, mulaw: &[u8]) -> Heard {
        self.finalize += 1;
        self.seconds += mulaw.len() as f64 / 8000.0;
        self.recognizer.begin(0);
        let begun = Instant::now();
        for (number, block) in (1..).zip(mulaw.chunks(640)) {
            if self.paced {
                let due = Duration::from_millis(80) * number;
                std::thread::sleep(due.saturating_sub(begun.elapsed()));
            }
            self.recognizer.audio(block);
        }
        let asked = Instant::now();
        self.recognizer.finalize(self.finalize);
        loop {
            match self.answers.recv().unwrap() {
                Recognized::Partial { .. } => {}
                Recognized::Failed { why } => panic!("{why}"),
                Recognized::Final {
                    text,
                    meaning,
                    complete,
                    confidence_pm,
                    ..
                } => {
                    self.waits.push(asked.elapsed());
                    self.recognizer.end_turn();
                    return Heard {
                        text,
                        meaning,
                        complete,
                        confidence_pm,
                    };
                }
            }
        }
    }
}

/// Words wrong (put in, left out or exchanged) and words said.
fn wrong_words(said: &str, heard: &str) -> (usize, usize) {
    let said: Vec<_> = said.split_whitespace().collect();
    let heard: Vec<_> = heard.split_whitespace().collect();
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (at, word) in said.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (place, other) in heard.iter().enumerate() {
            let exchanged = diagonal + usize::from(word != other);
            diagonal = row[place + 1];
            row[place + 1] = exchanged.min(diagonal + 1).min(row[place] + 1);
        }
    }
    (row[heard.len()], said.len())
}

#[derive(Default)]
struct Tally {
    words: usize,
    wrong: usize,
    sentences: usize,
    understood: usize,
    misunderstood: usize,
    unexpected: usize,
    accepted: usize,
}

impl Tally {
    fn expected(&mut self, expect: &Expect, said: &str, heard: &str, meaning: &Meaning) {
        let (wrong, words) = wrong_words(said, heard);
        self.wrong += wrong;
        self.words += words;
        self.sentences += 1;
        let right = *meaning == interpret(expect, said);
        if !right && std::env::args().any(|argument| argument == "--wrong") {
            eprintln!("said: {said} heard: {heard}");
        }
        self.understood += usize::from(right);
        self.misunderstood += usize::from(!right && *meaning != Meaning::Nothing);
    }

    fn unexpected(&mut self, meaning: &Meaning) {
        self.unexpected += 1;
        self.accepted += usize::from(*meaning != Meaning::Nothing);
    }

    fn print(&self, name: &str) {
        let percent = |part: usize, of: usize| 100.0 * part as f64 / of.max(1) as f64;
        let taken = match self.unexpected {
            0 => "not measured".to_string(),
            unexpected => format!("{:.1}", percent(self.accepted, unexpected)),
        };
        println!(
            "| {name} | {:.1} | {:.0} of {} | {:.1} | {taken} |",
            percent(self.wrong, self.words),
            percent(self.understood, self.sentences),
            self.sentences,
            percent(self.misunderstood, self.sentences),
        );
    }
}

/// Seconds of processor time this process has used.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

/// Resident memory of this process.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn degraded(mulaw: &[u8], snr_db: Option<f64>) -> Vec<u8> {
    snr_db.map_or_else(|| mulaw.to_vec(), |snr_db| with_pink_noise(mulaw, snr_db))
}

fn closed(line: &mut Line, dictionary: &Dictionary, snr_db: Option<f64>, paced: bool) {
    let label = snr_db.map_or("clean".to_string(), |db| format!("pink noise {db} dB"));
    let mut by_voice: Vec<Tally> = VOICES.iter().map(|_| Tally::default()).collect();
    for Question {
        name,
        expect,
        answers,
    } in questions()
    {
        let mut tally = Tally::default();
        line.recognizer
            .expect(Arc::new(Grammar::compile(&expect, dictionary).unwrap()));
        for (voice, of_voice) in VOICES.iter().zip(&mut by_voice) {
            for said in answers {
                let (text, meaning) = line.hear(&degraded(&say(voice, said), snr_db));
                tally.expected(&expect, said, &text, &meaning);
                of_voice.expected(&expect, said, &text, &meaning);
            }
            for said in UNEXPECTED.iter().filter(|_| !paced) {
                let (_, meaning) = line.hear(&degraded(&say(voice, said), snr_db));
                tally.unexpected(&meaning);
                of_voice.unexpected(&meaning);
            }
        }
        tally.print(&format!("{label}, {name}"));
    }
    for (voice, tally) in VOICES.iter().zip(&by_voice) {
        tally.print(&format!("{label}, all questions, {voice}"));
    }
}

/// What became of the sounds of a question.
#[derive(Default)]
struct Outcome {
    answers: usize,
    understood: usize,
    complete: usize,
    mistaken: usize,
    others: usize,
    taken: usize,
    taken_complete: usize,
}

impl Outcome {
    fn answer(&mut self, right: bool, taken: bool, complete: bool) {
        self.answers += 1;
        self.understood += usize::from(right);
        self.complete += usize::from(right && complete);
        self.mistaken += usize::from(!right && taken);
    }

    fn other(&mut self, taken: bool, complete: bool) {
        self.others += 1;
        self.taken += usize::from(taken);
        self.taken_complete += usize::from(taken && complete);
    }

    fn print(&self, name: &str) {
        let percent = |part: usize, of: usize| 100.0 * part as f64 / of.max(1) as f64;
        println!(
            "| {name} | {} | {:.0} | {:.0} | {:.1} | {} | {:.1} | {:.1} |",
            self.answers,
            percent(self.understood, self.answers),
            percent(self.complete, self.understood),
            percent(self.mistaken, self.answers),
            self.others,
            percent(self.taken, self.others),
            percent(self.taken_complete, self.others),
        );
    }
}

/// The voices that say what the built-in scenarios expect.
const CALLERS: [&str; 4] = ["pico", "rms", "slt", "awb"];

/// The questions of the built-in scenarios, as they are listened for in a call.
fn scenarios(pool: &RecognizerPool, line: &mut Line, dictionary: &Dictionary, snr_db: Option<f64>) {
    let label = snr_db.map_or("clean".to_string(), |db| format!("pink noise {db} dB"));
    let first = std::env::args().any(|argument| argument == "--first");
    let told = std::env::args().any(|argument| argument == "--wrong");
    let mut by_voice: Vec<Outcome> = CALLERS.iter().map(|_| Outcome::default()).collect();
    let mut whole = Outcome::default();
    for (number, asked) in scenarios::all().iter().enumerate() {
        if first && !asked.opens {
            continue;
        }
        let mut outcome = Outcome::default();
        let grammar = Grammar::compile(&asked.expect(), dictionary).unwrap();
        let grammar = Arc::new(grammar);
        line.recognizer.expect(Arc::clone(&grammar));
        for (voice, of_voice) in CALLERS.iter().zip(&mut by_voice) {
            let answers = asked.answers().map(|said| (said, asked.answer(said)));
            let others = asked.no_answers(number).map(|said| (said, None));
            for (said, right) in answers.chain(others) {
                if first {
                    line.renew(pool);
                    line.recognizer.expect(Arc::clone(&grammar));
                }
                let heard = line.hear_all(&degraded(&say(voice, said), snr_db));
                let answer = asked.answer(&heard.text);
                if told && answer != right {
                    eprintln!(
                        "{label}, {}, {voice}: \"{said}\" heard \"{}\" {}",
                        asked.name, heard.text, heard.confidence_pm
                    );
                }
                for outcome in [&mut outcome, of_voice, &mut whole] {
                    let taken = answer.is_some();
                    match right.is_some() {
                        true => outcome.answer(answer == right, taken, heard.complete),
                        false => outcome.other(taken, heard.complete),
                    }
                }
            }
        }
        outcome.print(&format!("{label}, {}", asked.name));
    }
    for (voice, outcome) in CALLERS.iter().zip(&by_voice) {
        outcome.print(&format!("{label}, all questions, {voice}"));
    }
    whole.print(&format!("{label}, all questions"));
}

fn open(line: &mut Line, dictionary: &Dictionary) {
    line.recognizer.expect(Arc::new(
        Grammar::compile(&Expect::Open, dictionary).unwrap(),
    ));
    for voice in VOICES {
        let (mut wrong, mut words) = (0, 0);
        for said in UNEXPECTED {
            let (text, _) = line.hear(&say(voice, said));
            let (more_wrong, more_words) = wrong_words(said, &text);
            (wrong, words) = (wrong + more_wrong, words + more_words);
        }
        println!(
            "| clean, free vocabulary, {voice} | {:.1} | | | |",
            100.0 * wrong as f64 / words as f64
        );
    }
}

/// Clean and 20 dB, or the one that is asked for.
fn noises() -> Vec<Option<f64>> {
    match std::env::args().nth(2).as_deref() {
        Some("clean") => vec![None],
        Some(db) if db.parse::<f64>().is_ok() => vec![db.parse().ok()],
        _ => vec![None, Some(20.0)],
    }
}

fn costs(line: &mut Line, before: f64, what: &str) {
    let used = processor_seconds() - before;
    line.waits.sort_unstable();
    let at = |share: usize| line.waits[(line.waits.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    println!(
        "\n{what}: {:.3} of real time ({used:.1} s of processor for {:.0} s of sound)",
        used / line.seconds,
        line.seconds
    );
    if line.paced {
        println!(
            "text after the request: median {:.0} ms, 9 of 10 within {:.0} ms, worst {:.0} ms",
            at(50),
            at(90),
            at(100)
        );
    }
    println!("memory of the process: {} MB\n", resident_kib() / 1024);
    (line.seconds, line.waits) = (0.0, Vec::new());
}

fn main() {
    let paced = std::env::args().any(|argument| argument == "--paced");
    let began = processor_seconds();
    let first = std::env::args().any(|argument| argument == "--first");
    let pool =
        RecognizerPool::start(if first { 2 } else { 1 }).unwrap_or_else(|error| panic!("{error}"));
    println!(
        "a decoder starts in {:.2} s of processor time\n",
        processor_seconds() - began
    );
    let dictionary = Dictionary::load_default().unwrap();
    let mut line = Line::lease(&pool, paced);
    if std::env::args().any(|argument| argument == "--scenarios") {
        println!(
            "| condition | answers | understood % | of these complete % | mistaken % | no answers | taken % | taken complete % |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        let before = processor_seconds();
        for snr_db in noises() {
            scenarios(&pool, &mut line, &dictionary, snr_db);
        }
        return costs(&mut line, before, "questions of the scenarios");
    }
    println!(
        "| Condition | Words wrong % | Answers understood % | Misunderstood % | Unexpected taken for an answer % |"
    );
    println!("|---|---|---|---|---|");
    let noises: &[Option<f64>] = if paced {
        &[None]
    } else {
        &[None, Some(20.0), Some(10.0)]
    };
    let before = processor_seconds();
    for snr_db in noises {
        closed(&mut line, &dictionary, *snr_db, paced);
    }
    costs(&mut line, before, "closed questions");
    let before = processor_seconds();
    open(&mut line, &dictionary);
    costs(&mut line, before, "free vocabulary");
}
