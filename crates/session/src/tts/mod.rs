//! What speaks: one file per engine, the list in which they stand in for one another, and the cache of lines.

mod bill;
mod cartesia;
#[cfg(test)]
mod cartesia_tests;
mod deepgram;
#[cfg(test)]
mod deepgram_tests;
mod dialogue;
mod elevenlabs;
#[cfg(test)]
mod elevenlabs_tests;
mod fixed;
mod languages;
mod lines;
mod openai;
#[cfg(test)]
mod openai_tests;
mod owed;
mod parts;
mod pico;
mod race;
mod rest;
mod stream;
#[cfg(test)]
mod twin;
mod vendor;
mod voices;
#[cfg(test)]
mod voices_tests;

pub(crate) use cartesia::Cartesia;
pub(crate) use deepgram::Aura;
pub(crate) use elevenlabs::ElevenLabs;
pub(crate) use fixed::Fixed;
pub(crate) use languages::speaks;
pub(crate) use lines::Lines;
pub(crate) use openai::OpenAi;
pub(crate) use pico::{Local, voice_of};
pub(crate) use stream::{Command, Spoken};
pub(crate) use vendor::{Vendor, Wanted, provider_of_voice};
pub(crate) use voices::{Loss, Manner, Speaker, Started, Starts, Voices};
