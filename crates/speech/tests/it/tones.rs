//! Speech makes no tones.

use ringback_audio::tone::{Tone, ToneDetector};
use ringback_audio::{FRAME_SAMPLES, g711};
use ringback_speech::voice::VoicePool;

use crate::callers::VOICES;

const GREETING: &str = "Hi, you have reached the voicemail of Anna Moon. I am not able to take your call now. Please leave your \
    name and your number after the tone, and I will call you back as soon as I can. Ooh, mmm, aah, thank you, goodbye.";

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
