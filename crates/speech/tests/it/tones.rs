//! Speech makes no tones.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "made-up audio of some seconds"
)]

use ringback_audio::tone::{Tone, ToneDetector};
use ringback_audio::{FRAME_SAMPLES, g711};
use ringback_speech::voice::{Style, VoicePool};

use crate::callers::{Seeded, VOICES};

const GREETING: &str = "Hi, you have reached the voicemail of Anna Moon. I am not able to take your call now. Please leave your \
    name and your number after the tone, and I will call you back as soon as I can. Ooh, mmm, aah, thank you, goodbye.";

/// What voicemails say, with names, numbers and vowels drawn out.
const GREETINGS: [&str; 32] = [
    "Hello. You have reached the voicemail of Anna Moon. I cannot take your call at this moment. Please leave a message after the tone.",
    "Please leave a message after the tone.",
    "Please leave your message after the beep.",
    "Hi, this is Tom. I am not home right now. Leave me a message and I will phone you soon.",
    "You have reached five five five, zero one four two. No one is available to take your call.",
    "The person you are calling is not available. At the tone, please record your message.",
    "When you have finished recording, you may hang up, or press one for more options.",
    "Your call has been forwarded to an automated voice message system.",
    "Two zero two, five five five, zero one one nine, is not available.",
    "We are closed for the evening. Our hours are nine to five, Monday to Friday.",
    "Heeey, it is Mona. Sooo sorry I missed you. Doooo call me again.",
    "Ooooooh nooooo, you missed meeee! Leave your naaaame and I will call you baaaack. Byyyye!",
    "Mmmmmm. Hmmmm. Uhhhhh. Ummmmm. Aaaah. Eeeee. Ooooo. Uuuuuu.",
    "You know what to do.",
    "Hey you. Who are you? I knew it was you. Soon, too soon.",
    "Moo, moo, moo. Blue moon in June. Noon. Tune. Room. You too.",
    "Leave your name and number, and I will return your call as soon as I can.",
    "Thank you for calling the dental office of Doctor Lee. We cannot come to the phone.",
    "Nine, nine, one, one, seven, seven, nine, one. Ninety nine. One million and one.",
    "I am either away from my desk or on the other line. Please hold on, or leave a message.",
    "The mailbox belonging to Elaine Monroe is new. Leave a message at the tone.",
    "Hello? Hello? Just kidding, I am not here. Wait for the beep, then speak.",
    "We will be in the office again on Monday the nineteenth of June at nine a.m.",
    "If this is an emergency, hang up now and dial nine one one.",
    "Our menu has changed. To leave a voicemail, stay on the line.",
    "Good morning, and thank you for phoning the Moonlight Inn in Maine.",
    "No one can answer you now. Leave a number. We mean to return every call. Bye now.",
    "Yes, this is really me. I am in Rome until the end of the month. See you soon. Ciao.",
    "The Meyer family is having dinner. Please be so kind and leave us a line.",
    "Una, Lou, Louanne and Ian are out on the lawn. Do tell us who you are.",
    "Zero, one, two, three, four, five, six, seven, eight, nine, ten, eleven.",
    "Your message can be as long as three minutes. To page this person, press five now.",
];

/// The tones in mu-law audio that silence follows, with `shift` samples of silence before it.
fn tones(mulaw: &[u8], shift: usize) -> Vec<Tone> {
    let mut line = vec![0_i16; shift];
    g711::decode_into(mulaw, &mut line);
    line.resize(line.len() + 8000, 0);
    let mut detector = ToneDetector::new();
    let frames = line.as_chunks::<FRAME_SAMPLES>().0;
    let found = frames.iter().filter_map(|frame| detector.push(frame));
    found.map(|heard| heard.tone).collect()
}

#[test]
fn no_voice_makes_a_beep() {
    for (voice, speaker) in VOICES.iter().enumerate() {
        for (number, sentence) in speaker.sentences.iter().enumerate() {
            for shift in [0, 40, 80, 120] {
                let found = tones(sentence, shift);
                assert_eq!(found, [], "voice {voice}, sentence {number}");
            }
        }
    }
}

#[test]
fn a_spoken_greeting_makes_no_beep_and_the_beep_behind_it_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let voices = VoicePool::start(1, dir.path()).unwrap();
    let mut mulaw = voices.synthesize(GREETING).unwrap();
    assert_eq!(tones(&mulaw, 0), []);
    let beep = (0..3200).map(|n| (f64::from(n) * 0.785).sin() * 7000.0);
    mulaw.extend(beep.map(|sample| g711::encode(sample as i16)));
    let found = tones(&mulaw, 0);
    assert!(
        matches!(found[..], [Tone::Beep { hz: 990..=1010 }]),
        "{found:?}"
    );
}

fn pico(text: &str, pitch_pct: u16, speed_pct: u16, voices: &VoicePool) -> Vec<u8> {
    let style = Style {
        pitch_pct,
        speed_pct,
        ..Style::default()
    };
    voices.synthesize_styled(text, style).unwrap()
}

#[test]
fn no_greeting_makes_a_beep_however_high_or_slow_it_is_spoken() {
    let dir = tempfile::tempdir().unwrap();
    let voices = VoicePool::start(1, dir.path()).unwrap();
    for text in GREETINGS {
        for (pitch, speed) in [(100, 100), (140, 100), (190, 90), (200, 60)] {
            let mulaw = pico(text, pitch, speed, &voices);
            for shift in [0, 80] {
                let found = tones(&mulaw, shift);
                assert_eq!(
                    found,
                    [],
                    "{text:?} at {pitch} % of pitch, {speed} % of speed"
                );
            }
        }
    }
}

#[test]
fn no_recorded_sentence_makes_a_beep() {
    for folder in ["answers", "callers"] {
        let folder = format!("{}/tests/fixtures/{folder}", env!("CARGO_MANIFEST_DIR"));
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "ulaw") {
                let mulaw = std::fs::read(&path).unwrap();
                for shift in [0, 40, 80, 120] {
                    assert_eq!(tones(&mulaw, shift), [], "{}", path.display());
                }
            }
        }
    }
}

#[test]
fn every_beep_behind_a_greeting_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let voices = VoicePool::start(1, dir.path()).unwrap();
    let mut greeting = Vec::new();
    g711::decode_into(
        &pico("Please leave a message after the tone.", 100, 100, &voices),
        &mut greeting,
    );
    let mut seeded = Seeded::new(7);
    for _ in 0..300 {
        let mut between = |low: f64, high: f64| low + (high - low) * seeded.unit();
        let (hz, ms, gap) = (
            between(350.0, 2200.0),
            between(120.0, 1200.0),
            between(100.0, 900.0),
        );
        let (db, noise_db) = (between(-35.0, -3.0), between(20.0, 60.0));
        let peak = 32_767.0 * 10.0_f64.powf(db / 20.0);
        let noise = peak / 2.0_f64.sqrt() / 10.0_f64.powf(noise_db / 20.0);
        let starts = greeting.len() + (gap * 8.0) as usize;
        let ends = starts + (ms * 8.0) as usize;
        let line = (0..ends + 800).map(|n| {
            let said = greeting.get(n).copied().map_or(0.0, f64::from);
            let beep = (std::f64::consts::TAU * hz * n as f64 / 8000.0).sin() * peak;
            let beep = if (starts..ends).contains(&n) {
                beep
            } else {
                0.0
            };
            g711::encode((said + beep + seeded.normal() * noise) as i16)
        });
        let found = tones(&line.collect::<Vec<u8>>(), 0);
        let told = format!(
            "{hz:.0} Hz for {ms:.0} ms at {db:.0} dB, noise {noise_db:.0} dB below: {found:?}"
        );
        let [Tone::Beep { hz: heard }] = found[..] else {
            panic!("{told}");
        };
        assert!((f64::from(heard) - hz).abs() < 8.0, "{told}");
    }
}
