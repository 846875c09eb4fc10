//! Callers for the tests: sentences with pauses between them, and noise at a stated ratio.

use ringback_audio::{FRAME_SAMPLES, g711};

/// The sentences of one voice, mu-law.
pub struct Voice {
    pub sentences: [&'static [u8]; 6],
}

macro_rules! voice {
    ($name:literal) => {
        Voice {
            sentences: [
                include_bytes!(concat!("../fixtures/callers/", $name, "-1.ulaw")),
                include_bytes!(concat!("../fixtures/callers/", $name, "-2.ulaw")),
                include_bytes!(concat!("../fixtures/callers/", $name, "-3.ulaw")),
                include_bytes!(concat!("../fixtures/callers/", $name, "-4.ulaw")),
                include_bytes!(concat!("../fixtures/callers/", $name, "-5.ulaw")),
                include_bytes!(concat!("../fixtures/callers/", $name, "-6.ulaw")),
            ],
        }
    };
}

pub static VOICES: [Voice; 5] = [
    voice!("rms"),
    voice!("slt"),
    voice!("kal16"),
    voice!("awb"),
    voice!("espeak"),
];

/// A seeded generator (a linear congruence with its high bits mixed); the same on every machine.
pub struct Seeded(u64);

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Uniform in 0.0..1.0.
    pub fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ self.0 >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About normal, with a variance of 1.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// Pink noise (3 dB less an octave): first-order filters of white noise, one per octave of corner frequency.
pub struct Pink {
    white: Seeded,
    states: [f64; 9],
}

impl Pink {
    pub fn new(seed: u64) -> Self {
        Self {
            white: Seeded::new(seed),
            states: [0.0; 9],
        }
    }

    pub fn next(&mut self) -> f64 {
        let white = self.white.normal();
        let mut sum = 0.0;
        for (octave, state) in self.states.iter_mut().enumerate() {
            let pole = (-std::f64::consts::PI / f64::from(1u32 << octave)).exp();
            *state = pole * *state + (1.0 - pole).sqrt() * white;
            sum += *state * (1.0 - pole).sqrt() * f64::from(1u32 << octave).sqrt();
        }
        sum
    }
}

/// What a caller's line carries: linear samples as decoded from mu-law, in whole frames.
pub struct Line {
    pub samples: Vec<i16>,
    /// Where each sentence begins and ends.
    pub sentences: Vec<(usize, usize)>,
}

impl Line {
    /// A voice's sentences, each after 1.5 to 2.5 s of digital silence, and 1.5 s at the end.
    pub fn new(voice: &Voice, seed: u64) -> Self {
        Self::of_sentences(&voice.sentences, 12_000, seed)
    }

    /// Sentences each after `pause` samples of digital silence and up to 1 s more, and 1.5 s of it at the end.
    pub fn of_sentences(spoken: &[&[u8]], pause: usize, seed: u64) -> Self {
        let mut random = Seeded::new(seed);
        let mut samples: Vec<i16> = Vec::new();
        let mut sentences = Vec::new();
        for sentence in spoken {
            samples.resize(samples.len() + pause + (random.unit() * 8000.0) as usize, 0);
            let start = samples.len();
            g711::decode_into(sentence, &mut samples);
            sentences.push((start, samples.len()));
        }
        samples.resize((samples.len() + 12_000).next_multiple_of(FRAME_SAMPLES), 0);
        Self { samples, sentences }
    }

    /// Adds pink noise, `snr_db` below the mean power of the sentences, and codes the sum in mu-law.
    pub fn with_pink_noise(mut self, snr_db: f64, seed: u64) -> Self {
        let mut pink = Pink::new(seed);
        let noise: Vec<f64> = self.samples.iter().map(|_| pink.next()).collect();
        let noise_power = noise.iter().map(|n| n * n).sum::<f64>() / noise.len() as f64;
        let spoken = self
            .sentences
            .iter()
            .flat_map(|&(from, to)| &self.samples[from..to]);
        let speech_power =
            spoken.clone().map(|&s| f64::from(s).powi(2)).sum::<f64>() / spoken.count() as f64;
        let gain = (speech_power / noise_power / 10f64.powf(snr_db / 10.0)).sqrt();
        for (sample, noise) in self.samples.iter_mut().zip(noise) {
            *sample = g711::decode(g711::encode(
                (f64::from(*sample) + noise * gain).round() as i16
            ));
        }
        self
    }

    /// Where the sentence begins in which `sample` lies, or the one before it.
    pub fn begin(&self, sample: u64) -> u64 {
        let begins = self.sentences.iter().map(|&(from, _)| from as u64);
        begins
            .take_while(|&from| from <= sample)
            .last()
            .unwrap_or(0)
    }

    pub fn frames(&self) -> &[[i16; FRAME_SAMPLES]] {
        self.samples.as_chunks().0
    }

    /// Share of the time in which a sentence is spoken.
    pub fn speech_share(&self) -> f64 {
        self.sentences
            .iter()
            .map(|(from, to)| to - from)
            .sum::<usize>() as f64
            / self.samples.len() as f64
    }
}
