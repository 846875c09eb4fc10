//! Makes clips of texts, WAV files and bursts. Blocking.

use std::fs::File;
use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use ringback_audio::resample::Resampler;
use ringback_audio::{RATE_HZ, g711, wav};
use ringback_speech::voice::VoicePool;

use super::callee::{sine, tone_name};
use super::clip::Clip;
use super::noise::PinkNoise;
use super::script::{Action, Sound, Step};

/// Root mean square of a burst: that of speech.
const BURST_RMS: f64 = 3000.0;
/// The longest WAV file that is said, in seconds.
const MAX_WAV_SECONDS: u64 = 600;

/// The caller's voice.
pub enum Voice {
    /// SVOX Pico, in this process.
    Pico(VoicePool),
    /// The program flite with this voice.
    Flite(String),
}

impl Voice {
    /// Takes `pico` or `flite:NAME`.
    ///
    /// # Errors
    /// Another name, a missing program, a voice that cannot start.
    pub fn named(name: &str) -> anyhow::Result<Self> {
        match name.split_once(':') {
            None if name == "pico" => {
                let pool = VoicePool::start(1, &cache_dir()).context("the voice pico")?;
                Ok(Self::Pico(pool))
            }
            Some(("flite", voice)) => {
                let known = Command::new("flite")
                    .arg("-lv")
                    .stdin(Stdio::null())
                    .output()
                    .context(
                        "the program flite cannot be run: apt install flite, or use --voice pico",
                    )?;
                let known = String::from_utf8_lossy(&known.stdout).into_owned();
                let mut voices = known
                    .trim_start_matches("Voices available:")
                    .split_whitespace();
                ensure!(
                    voices.any(|known| known == voice),
                    "flite has no voice {voice:?}; {}",
                    known.trim()
                );
                Ok(Self::Flite(voice.to_owned()))
            }
            _ => bail!("no voice {name:?}: use pico, or flite:rms and the like"),
        }
    }

    /// Speaks a text.
    ///
    /// # Errors
    /// The voice's own, and a text of which nothing can be spoken.
    pub fn say(&self, text: &str) -> anyhow::Result<Clip> {
        let samples = match self {
            Self::Pico(pool) => {
                let mulaw = pool.synthesize(text)?;
                let mut samples = Vec::new();
                g711::decode_into(&mulaw, &mut samples);
                samples
            }
            Self::Flite(voice) => {
                let output = Command::new("flite")
                    .args(["-voice", voice, "-t", text, "-o", "/dev/stdout"])
                    .stdin(Stdio::null())
                    .output()
                    .context("the program flite cannot be run")?;
                ensure!(
                    output.status.success(),
                    "flite failed: {}",
                    String::from_utf8_lossy(&output.stderr).trim()
                );
                samples_8k(&wav::read(&mut Cursor::new(output.stdout)).context("flite's audio")?)?
            }
        };
        ensure!(!samples.is_empty(), "nothing of {text:?} can be spoken");
        Ok(Clip::new(format!("\u{201C}{text}\u{201D}"), &samples))
    }
}

/// Where the voice's data are kept from one call to the next; its content is checked each time.
pub(crate) fn cache_dir() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
        .unwrap_or_else(std::env::temp_dir);
    cache.join("ringback")
}

/// Makes a clip of a sound. The voice is needed for texts alone.
///
/// # Errors
/// A file that cannot be read, a voice that fails.
pub fn clip(sound: &Sound, voice: Option<&Voice>) -> anyhow::Result<Clip> {
    match (sound, voice) {
        (Sound::Say(text), Some(voice)) => voice.say(text),
        (Sound::Say(_), None) => bail!("no voice was started for a text"),
        (Sound::Wav(path), _) => wav_clip(path),
        (&Sound::Burst(ms), _) => Ok(burst(ms)),
        (&Sound::Tone { hz, ms }, _) => Ok(Clip::new(tone_name(hz), &sine(hz, ms))),
    }
}

/// Renders every sound of a script; `voice` names the voice, which starts when a text needs it.
///
/// # Errors
/// As [`clip`], with the line of the step.
pub fn steps(steps: Vec<Step<Sound>>, voice: &str) -> anyhow::Result<Vec<Step<Arc<Clip>>>> {
    let speaks = |step: &Step<Sound>| matches!(step.action.sound(), Some(Sound::Say(_)));
    let voice = match steps.iter().any(speaks) {
        true => Some(Voice::named(voice)?),
        false => None,
    };
    let rendered = |sound: &Sound, line: usize| {
        let clip = clip(sound, voice.as_ref());
        match line {
            0 => clip.map(Arc::new),
            line => clip
                .map(Arc::new)
                .with_context(|| format!("line {line} of the script")),
        }
    };
    let steps = steps.into_iter().map(|step| {
        let action = match step.action {
            Action::Speak(sound) => Action::Speak(rendered(&sound, step.line)?),
            Action::BargeIn { after_ms, sound } => Action::BargeIn {
                after_ms,
                sound: rendered(&sound, step.line)?,
            },
            Action::WaitReply { timeout_ms } => Action::WaitReply { timeout_ms },
            Action::Listen { timeout_ms } => Action::Listen { timeout_ms },
            Action::Pause { ms } => Action::Pause { ms },
            Action::Digits(digits) => Action::Digits(digits),
            Action::HangUp => Action::HangUp,
            Action::ExpectAudio { within_ms } => Action::ExpectAudio { within_ms },
            Action::ExpectClear { within_ms } => Action::ExpectClear { within_ms },
            Action::ExpectNoClear { for_ms } => Action::ExpectNoClear { for_ms },
            Action::ExpectEnd { within_ms } => Action::ExpectEnd { within_ms },
        };
        Ok(Step {
            line: step.line,
            action,
        })
    });
    steps.collect()
}

fn wav_clip(path: &Path) -> anyhow::Result<Clip> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("{name} cannot be opened"))?;
    let wav = wav::read(&mut BufReader::new(file)).with_context(|| name.to_string())?;
    let seconds = wav.frames() as u64 / u64::from(wav.rate_hz.max(1));
    ensure!(
        seconds <= MAX_WAV_SECONDS,
        "{name} lasts {seconds} s; at most {MAX_WAV_SECONDS} s can be said"
    );
    let samples = samples_8k(&wav).with_context(|| name.to_string())?;
    ensure!(!samples.is_empty(), "{name} holds no audio");
    let file_name = path.file_name().unwrap_or(path.as_os_str());
    Ok(Clip::new(file_name.to_string_lossy(), &samples))
}

fn samples_8k(wav: &wav::Wav) -> anyhow::Result<Vec<i16>> {
    let mono = wav.to_mono();
    if wav.rate_hz == RATE_HZ {
        return Ok(mono);
    }
    let mut resampler = Resampler::new(wav.rate_hz, RATE_HZ)?;
    let mut samples = Vec::with_capacity(mono.len());
    resampler.process(&mono, &mut samples);
    resampler.finish(&mut samples);
    Ok(samples)
}

fn burst(ms: u64) -> Clip {
    let mut noise = PinkNoise::new(BURST_RMS);
    let samples: Vec<i16> = (0..ms * 8).map(|_| noise.sample()).collect();
    Clip::new(format!("a burst of noise of {ms} ms"), &samples)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use ringback_audio::wav::{Coding, WavFormat, WavWriter};

    #[test]
    fn a_wav_file_of_any_rate_and_two_channels_becomes_telephone_audio() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tone.wav");
        let format = WavFormat {
            rate_hz: 44_100,
            channels: 2,
            coding: Coding::Pcm16,
        };
        let mut writer = WavWriter::create(File::create(&path).unwrap(), format).unwrap();
        let samples: Vec<i16> = (0..44_100)
            .flat_map(|n| {
                let sample = (f64::from(n) * 0.1).sin() * 9000.0;
                [sample as i16; 2]
            })
            .collect();
        writer.append(&samples).unwrap();
        writer.finish().unwrap();
        let clip = clip(&Sound::Wav(path), None).unwrap();
        assert!(clip.ms().abs_diff(1000) < 20, "{}", clip.ms());
        assert_eq!(clip.said, "tone.wav");
        assert!(crate::loudness::speech_level(&clip.samples) > 5000.0);
    }

    #[test]
    fn a_missing_file_and_an_unknown_voice_are_named() {
        let missing = clip(&Sound::Wav("absent.wav".into()), None).unwrap_err();
        assert!(missing.to_string().contains("absent.wav"), "{missing}");
        let Err(unknown) = Voice::named("alto") else {
            panic!("there is no such voice");
        };
        assert!(unknown.to_string().contains("flite:rms"), "{unknown}");
    }

    #[test]
    fn a_text_is_spoken_by_pico() {
        let clip = Voice::named("pico").unwrap().say("Good morning.").unwrap();
        assert!((500..2500).contains(&clip.ms()), "{}", clip.ms());
        assert!(!clip.sound.is_empty() && clip.sound.end <= clip.samples.len());
    }

    #[test]
    fn a_text_is_spoken_by_flite() {
        let clip = Voice::named("flite:rms")
            .unwrap()
            .say("Good morning.")
            .unwrap();
        assert!((500..2500).contains(&clip.ms()), "{}", clip.ms());
        let Err(unknown) = Voice::named("flite:alto") else {
            panic!("there is no such voice");
        };
        assert!(unknown.to_string().contains("rms"), "{unknown}");
    }

    #[test]
    fn a_burst_is_as_long_and_as_loud_as_asked() {
        let clip = burst(150);
        assert_eq!(clip.ms(), 150);
        assert!(crate::loudness::rms(&clip.samples) > 1500.0);
    }
}
