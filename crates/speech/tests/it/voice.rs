use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use proptest::prelude::*;
use ringback_audio::g711;
use ringback_speech::voice::{QUEUE_UTTERANCES, Sink, Style, VoicePiece, VoicePool};

/// Long enough for any machine; nothing here waits for it unless it fails.
const PATIENCE: Duration = Duration::from_secs(30);
const MS: usize = 8;

fn pool(threads: usize) -> (VoicePool, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (VoicePool::start(threads, dir.path()).unwrap(), dir)
}

fn channel() -> (Sink, Receiver<VoicePiece>) {
    let (pieces, received) = mpsc::channel();
    let sink = Box::new(move |piece| {
        let _ = pieces.send(piece);
    });
    (sink, received)
}

fn linear(mulaw: &[u8]) -> Vec<i16> {
    mulaw.iter().map(|&byte| g711::decode(byte)).collect()
}

/// Bytes before the first and after the last sample over the noise of silence.
fn edges(mulaw: &[u8]) -> (usize, usize) {
    let loud = |sample: &i16| sample.unsigned_abs() > 120;
    let samples = linear(mulaw);
    let lead = samples.iter().position(loud).unwrap();
    (lead, samples.iter().rev().position(loud).unwrap())
}

fn energy(mulaw: &[u8]) -> f64 {
    linear(mulaw)
        .iter()
        .map(|&s| f64::from(s).powi(2))
        .sum::<f64>()
        .sqrt()
}

/// The same sentence twice: Pico's noise may differ by a bit, its timing does not.
fn assert_alike(one: &[u8], other: &[u8]) {
    let (lengths, energies) = ((one.len(), other.len()), (energy(one), energy(other)));
    assert!(
        lengths.0.abs_diff(lengths.1) <= 40 * MS,
        "{lengths:?} bytes"
    );
    assert!((energies.0 / energies.1 - 1.0).abs() < 0.05, "{energies:?}");
}

#[test]
fn a_greeting_is_spoken_without_long_silence_at_its_ends() {
    let (pool, _dir) = pool(1);
    let audio = pool
        .synthesize("Hello! Thank you for calling Compass Group.")
        .unwrap();
    assert!(
        (2_500 * MS..5_000 * MS).contains(&audio.len()),
        "{}",
        audio.len()
    );
    let (lead, trail) = edges(&audio);
    assert!(lead <= 60 * MS, "{} ms lead", lead / MS);
    assert!(trail <= 170 * MS, "{} ms trail", trail / MS);
    let peak = linear(&audio).iter().map(|s| s.unsigned_abs()).max();
    assert!((12_000..30_000).contains(&peak.unwrap()), "peak {peak:?}");
}

#[test]
fn the_same_text_gives_the_same_audio_on_every_thread() {
    let (pool, _dir) = pool(2);
    let first = pool.synthesize("One moment, please.").unwrap();
    for _ in 0..6 {
        assert_alike(&pool.synthesize("One moment, please.").unwrap(), &first);
    }
}

#[test]
fn style_changes_speed_and_loudness_and_does_not_stick() {
    let (pool, _dir) = pool(1);
    let text = "The kitchen opens at seven in the morning.";
    let usual = pool.synthesize(text).unwrap();
    let style = |speed_pct, volume_pct| Style {
        speed_pct,
        volume_pct,
        ..Style::default()
    };
    let fast = pool.synthesize_styled(text, style(160, 100)).unwrap();
    assert!(
        fast.len() * 4 < usual.len() * 3,
        "{} {}",
        fast.len(),
        usual.len()
    );
    let quiet = pool.synthesize_styled(text, style(100, 40)).unwrap();
    assert!(energy(&quiet) < energy(&usual) / 2.0);
    let high = Style {
        pitch_pct: 170,
        ..Style::default()
    };
    assert!(pool.synthesize_styled(text, high).unwrap() != usual);
    assert_alike(&pool.synthesize(text).unwrap(), &usual);
}

#[test]
fn markup_in_a_text_changes_nothing() {
    let (pool, _dir) = pool(1);
    let plain = pool.synthesize("Good morning.").unwrap();
    let marked = "<speed level=\"300\">Good <break time=\"2s\"/>morning.</speed>";
    assert_alike(&pool.synthesize(marked).unwrap(), &plain);
}

#[test]
fn audio_arrives_in_pieces_before_the_end() {
    let (pool, _dir) = pool(1);
    let (sink, received) = channel();
    let utterance = pool.speak(
        &"A sentence of some length, spoken. ".repeat(5),
        Style::default(),
        sink,
    );
    let mut pieces = 0;
    while let VoicePiece::Audio(bytes) = received.recv_timeout(PATIENCE).unwrap() {
        assert!(!bytes.is_empty());
        pieces += 1;
    }
    assert!(pieces > 50, "{pieces}");
    drop(utterance);
}

#[test]
fn a_short_text_is_not_kept_waiting_by_a_long_one() {
    let (pool, _dir) = pool(1);
    let (order, finished) = mpsc::channel();
    let watch = |name: &'static str| -> Sink {
        let order = order.clone();
        Box::new(move |piece| {
            if piece == VoicePiece::Done {
                let _ = order.send(name);
            }
        })
    };
    let long = pool.speak(
        &"This goes on and on. ".repeat(15),
        Style::default(),
        watch("long"),
    );
    let short = pool.speak("Hello.", Style::default(), watch("short"));
    assert_eq!(finished.recv_timeout(PATIENCE).unwrap(), "short");
    assert_eq!(finished.recv_timeout(PATIENCE).unwrap(), "long");
    drop((long, short));
}

#[test]
fn a_cancelled_text_stops_within_a_chunk_and_the_next_is_whole() {
    let (pool, _dir) = pool(1);
    let expected = pool.synthesize("Good morning.").unwrap();
    let (pieces, received) = mpsc::sync_channel(0);
    let utterance = pool.speak(
        &"This is a long text. ".repeat(50),
        Style::default(),
        // The rendezvous holds the voice at each piece, so that the cancellation falls between two.
        Box::new(move |piece| {
            let _ = pieces.send(piece);
        }),
    );
    assert!(matches!(
        received.recv_timeout(PATIENCE).unwrap(),
        VoicePiece::Audio(_)
    ));
    utterance.cancel();
    let rest: Vec<_> = received.iter().collect();
    assert!(
        rest.len() <= 1,
        "{} pieces after the cancellation",
        rest.len()
    );
    assert!(!rest.contains(&VoicePiece::Done));
    assert_alike(&pool.synthesize("Good morning.").unwrap(), &expected);
}

#[test]
fn a_dropped_utterance_stops() {
    let (pool, _dir) = pool(1);
    let (pieces, received) = mpsc::sync_channel(0);
    let utterance = pool.speak(
        &"This is a long text. ".repeat(50),
        Style::default(),
        Box::new(move |piece| {
            let _ = pieces.send(piece);
        }),
    );
    assert!(matches!(
        received.recv_timeout(PATIENCE).unwrap(),
        VoicePiece::Audio(_)
    ));
    drop(utterance);
    assert!(received.iter().count() <= 1);
}

#[test]
fn a_full_queue_refuses_at_once() {
    let (pool, _dir) = pool(1);
    let (gate, opened) = mpsc::channel::<()>();
    let mut held = vec![pool.speak(
        "Held.",
        Style::default(),
        Box::new(move |_| {
            let _ = opened.recv();
        }),
    )];
    for _ in 1..QUEUE_UTTERANCES {
        held.push(pool.speak("Waiting.", Style::default(), channel().0));
    }
    let (sink, received) = channel();
    held.push(pool.speak("One too many.", Style::default(), sink));
    assert!(matches!(received.try_recv().unwrap(), VoicePiece::Failed(why) if why.contains("256")));
    drop(gate);
    drop(held);
}

#[test]
fn a_text_of_foreign_letters_fails_and_a_text_of_signs_is_done() {
    let (pool, _dir) = pool(1);
    let failed = pool.synthesize("\u{65E5}\u{672C}\u{8A9E}").unwrap_err();
    assert!(failed.to_string().contains("English"), "{failed}");
    assert_eq!(pool.synthesize("... !").unwrap(), Vec::<u8>::new());
}

#[test]
fn a_sink_that_panics_harms_nobody_else() {
    let (pool, _dir) = pool(1);
    let utterance = pool.speak("Hello.", Style::default(), Box::new(|_| panic!("sink")));
    assert!(!pool.synthesize("Still here.").unwrap().is_empty());
    drop(utterance);
}

#[test]
fn a_pool_that_ends_leaves_no_text_waiting_for_ever() {
    let (pool, _dir) = pool(1);
    let (sink, received) = channel();
    let utterance = pool.speak(&"Going on. ".repeat(200), Style::default(), sink);
    drop(pool);
    let last = received.iter().last();
    assert_ne!(last, Some(VoicePiece::Done));
    drop(utterance);
}

#[test]
fn hostile_texts_neither_crash_nor_hang() {
    let (pool, _dir) = pool(2);
    let texts = [
        "a".repeat(300),
        "1".repeat(70),
        "word ".repeat(60),
        "A.B.C.".repeat(30),
        "(((((((((\"".repeat(40) + "x",
        "\u{FFFD}\u{7F}\u{1}<<>> x".repeat(8),
        "$1,000,000.00 ".repeat(10),
        "http://x.example.test/?a=b&c=d ".repeat(4),
    ];
    for text in texts {
        let audio = pool.synthesize(&text).unwrap();
        assert!(!audio.is_empty(), "{}", &text[..20]);
    }
}

#[test]
fn any_text_is_spoken_or_refused() {
    let (pool, _dir) = pool(2);
    proptest!(ProptestConfig::with_cases(24), |(text in "([ -~]|[\\u{80}-\\u{250}]|\\PC){0,40}")| {
        match pool.synthesize(&text) {
            Ok(_) => {}
            Err(why) => prop_assert!(why.to_string().contains("English"), "{why}"),
        }
    });
}
