//! A caller on the telephone: a synthetic voice through sox's band filter, and noise.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use ringback_audio::{g711, wav};
use ringback_speech::voice::VoicePool;

/// The voices: four of flite, and our own. No human being was recorded.
pub const VOICES: [&str; 5] = ["rms", "slt", "kal16", "awb", "pico"];

/// The text in the telephone band, mu-law 8 kHz, 300 ms of silence before and after. Spoken once per run and kept.
pub fn say(voice: &str, text: &str) -> Vec<u8> {
    let folder = std::env::temp_dir().join("ringback-wer");
    std::fs::create_dir_all(&folder).unwrap();
    let name: String = text
        .chars()
        .map(|character| {
            if character.is_alphanumeric() {
                character
            } else {
                '-'
            }
        })
        .collect();
    let (wav, raw) = (
        folder.join(format!("{voice}-{name}.wav")),
        folder.join(format!("{voice}-{name}.ulaw")),
    );
    if let Some(noise) = noise(text) {
        return noise;
    }
    if !raw.is_file() {
        match voice {
            "pico" => speak(text, &wav),
            flite => run(Command::new("flite")
                .args(["-voice", flite, "-t", text, "-o"])
                .arg(&wav)),
        }
        let shape = ["gain", "-6", "sinc", "300-3400", "pad", "0.3", "0.3"];
        // Repeatable: else its dither is another each time.
        run(Command::new("sox")
            .arg("-R")
            .arg(&wav)
            .args([
                "-r", "8000", "-c", "1", "-t", "raw", "-e", "mu-law", "-b", "8",
            ])
            .arg(&raw)
            .args(shape));
        std::fs::remove_file(&wav).unwrap();
    }
    std::fs::read(&raw).unwrap()
}

/// A sound that is no speech: stretches of noise that die away, as (length and time constant in ms).
fn noise(name: &str) -> Option<Vec<u8>> {
    let stretches: &[(usize, f64)] = match name {
        "burst" => &[(120, 120.0)],
        "knocks" => &[(150, 15.0), (150, 15.0), (150, 15.0)],
        "cough" => &[(250, 70.0), (350, 110.0)],
        "breath" => &[(700, 2000.0)],
        _ => return None,
    };
    let silence = vec![0; 2400];
    let mut samples = silence.clone();
    for (length, falls) in stretches {
        let hiss = pink(length * 8);
        let fall = |at: usize| (-(at as f64) / (8.0 * falls)).exp();
        let loud = hiss.iter().enumerate();
        samples.extend(loud.map(|(at, value)| (1500.0 * value * fall(at)) as i16));
    }
    samples.extend(silence);
    let mut mulaw = Vec::with_capacity(samples.len());
    mulaw.extend(samples.iter().map(|sample| g711::encode(*sample)));
    Some(mulaw)
}

/// Speaks with the product's own voice.
fn speak(text: &str, path: &Path) {
    static POOL: OnceLock<VoicePool> = OnceLock::new();
    let pool = POOL.get_or_init(|| VoicePool::start(1, path.parent().unwrap()).unwrap());
    let mut samples = Vec::new();
    g711::decode_into(&pool.synthesize(text).unwrap(), &mut samples);
    let format = wav::WavFormat {
        rate_hz: ringback_audio::RATE_HZ,
        channels: 1,
        coding: wav::Coding::Pcm16,
    };
    let mut writer = wav::WavWriter::create(File::create(path).unwrap(), format).unwrap();
    writer.append(&samples).unwrap();
    writer.finish().unwrap();
}

fn run(command: &mut Command) {
    let status = command.stderr(Stdio::null()).status();
    let done = status.as_ref().is_ok_and(std::process::ExitStatus::success);
    assert!(
        done,
        "{:?} failed ({status:?}): apt install flite sox",
        command.get_program()
    );
}

/// Adds pink noise to a mu-law signal, so many decibels below its loud parts. The same sound gets the same noise.
pub fn with_pink_noise(mulaw: &[u8], snr_db: f64) -> Vec<u8> {
    let mut clean = Vec::new();
    g711::decode_into(mulaw, &mut clean);
    let rms = |samples: &[f64]| {
        (samples.iter().map(|sample| sample * sample).sum::<f64>() / samples.len().max(1) as f64)
            .sqrt()
    };
    let loud: Vec<f64> = clean
        .iter()
        .filter(|sample| sample.unsigned_abs() > 300)
        .map(|sample| f64::from(*sample))
        .collect();
    let noise = pink(clean.len());
    let gain = rms(&loud) * 10f64.powf(-snr_db / 20.0) / rms(&noise);
    clean
        .iter()
        .zip(&noise)
        .map(|(sample, noise)| g711::encode((f64::from(*sample) + gain * noise) as i16))
        .collect()
}

/// Pink noise: white noise summed over octaves, each held twice as long as the one above (Voss).
fn pink(count: usize) -> Vec<f64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut white = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    let mut octaves = [0.0; 12];
    (0..count)
        .map(|at| {
            for (octave, value) in octaves.iter_mut().enumerate() {
                if at % (1 << octave) == 0 {
                    *value = white();
                }
            }
            octaves.iter().sum()
        })
        .collect()
}
