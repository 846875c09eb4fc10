//! Machines and people that answer calls which the server placed, as steps of a caller.

use std::f64::consts::TAU;

use ringback_audio::RATE_HZ;

use super::script::{Action, Sound, Step};
use crate::args::CalleeKind;

/// What a beep is called in the transcript; what is heard after it is the message.
pub(crate) const BEEP: &str = "a tone of 1000 Hz";
/// What the names of tones begin with.
const TONE: &str = "a tone of ";
/// Of a tone of full strength.
const PEAK: f64 = 9000.0;
/// How long a reply is waited for, in ms.
const REPLY_MS: u64 = 20_000;
/// The longest message or greeting, and the end of the call behind it, in ms.
const MESSAGE_MS: u64 = 60_000;

/// What they do, one thing after the other.
pub(crate) fn steps(kind: CalleeKind) -> Vec<Step<Sound>> {
    let say = |text: &str| Action::Speak(Sound::Say(text.to_owned()));
    let tone = |hz, ms| Action::Speak(Sound::Tone { hz, ms });
    let pause = |ms| Action::Pause { ms };
    let reply = || Action::WaitReply {
        timeout_ms: REPLY_MS,
    };
    let listen = || Action::Listen {
        timeout_ms: MESSAGE_MS,
    };
    let end = |within_ms| Action::ExpectEnd { within_ms };
    let actions = match kind {
        CalleeKind::Voicemail => vec![
            pause(500),
            say(
                "Hello. You have reached the voicemail of Anna Moon. I cannot take your call at this moment.",
            ),
            pause(300),
            say("Please leave a message after the tone."),
            pause(600),
            tone(1000, 400),
            end(MESSAGE_MS),
        ],
        CalleeKind::Screening => vec![
            pause(300),
            say(
                "Hi. If you record your name and reason for calling, I will see if this person is available.",
            ),
            reply(),
            say("Thank you. Please stay on the line."),
            pause(3000),
            say("Hello?"),
            reply(),
            Action::HangUp,
        ],
        CalleeKind::Menu => vec![
            pause(300),
            say("Thank you for calling. For sales, press one. For service, press two."),
            reply(),
            pause(1000),
            Action::HangUp,
        ],
        CalleeKind::Fax => vec![pause(300), tone(2100, 3000), end(10_000)],
        CalleeKind::Human => vec![
            pause(300),
            say("Hello?"),
            listen(),
            pause(300),
            say("Yes."),
            listen(),
            Action::HangUp,
        ],
    };
    let step = |action| Step { line: 0, action };
    actions.into_iter().map(step).collect()
}

/// What a tone is called in the transcript.
pub(crate) fn tone_name(hz: u16) -> String {
    format!("{TONE}{hz} Hz")
}

/// Whether what is said is a tone, of a machine that does not mind being left.
pub(crate) fn is_tone(said: &str) -> bool {
    said.starts_with(TONE)
}

/// A sine of this frequency.
pub(crate) fn sine(hz: u16, ms: u64) -> Vec<i16> {
    let sample = |n: u64| {
        let turns = f64::from(hz) * n as f64 / f64::from(RATE_HZ);
        (PEAK * (TAU * turns).sin()) as i16
    };
    (0..ms * 8).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use ringback_audio::tone::{Tone, ToneDetector};

    use super::*;
    use crate::caller::clip::Clip;

    #[test]
    fn its_beep_is_a_tone() {
        assert_eq!(tone_name(1000), BEEP);
        assert!(is_tone(BEEP) && !is_tone("Hello?"));
    }

    fn heard(hz: u16, ms: u64) -> Vec<Tone> {
        let mut line = Clip::new("", &sine(hz, ms)).samples;
        line.resize(line.len() + 4000, 0);
        let mut detector = ToneDetector::new();
        let frames = line.as_chunks().0.iter();
        frames
            .filter_map(|frame| Some(detector.push(frame)?.tone))
            .collect()
    }

    #[test]
    fn its_tones_are_those_of_a_voicemail_and_a_fax() {
        assert!(matches!(
            heard(1000, 400)[..],
            [Tone::Beep { hz: 995..=1005 }]
        ));
        assert_eq!(heard(2100, 3000), [Tone::Fax]);
    }
}
