//! A caller's script: a TOML file of steps, checked before the call is placed.
//!
//! ```toml
//! [[step]]
//! wait_reply = 8000                     # ms at most for the greeting to be heard to its end
//! [[step]]
//! say = "I would like to leave feedback."
//! [[step]]
//! barge_in = { after_ms = 800, say = "Wait a moment." }   # counted from the reply's first sound
//! [[step]]
//! expect_clear_within_ms = 400          # counted from the barge-in's first sound
//! [[step]]
//! hang_up = true
//! ```

use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

/// The longest time a step may take, ms.
const MAX_MS: u64 = 3_600_000;
/// The longest burst of noise, ms.
const MAX_BURST_MS: u64 = 5_000;
/// How long `wait_reply = true` waits, ms.
const REPLY_TIMEOUT_MS: u64 = 15_000;

/// Something to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sound {
    /// By a local voice.
    Say(String),
    /// From a WAV file.
    Wav(PathBuf),
    /// A burst of noise of this length in ms.
    Burst(u64),
    /// One tone.
    Tone {
        /// Its frequency.
        hz: u16,
        /// Its length.
        ms: u64,
    },
}

/// What a step does; `S` is what is said: a [`Sound`] to be rendered, or the clip itself. Times are in ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action<S> {
    /// Says it to its end.
    Speak(S),
    /// Waits for the reply's sound (or takes the one that goes on), then so much longer, then speaks to its end.
    BargeIn {
        /// After the reply's first sound.
        after_ms: u64,
        /// What is said into it.
        sound: S,
    },
    /// Waits until a reply that began after the caller's last sound and last key was heard to its end.
    WaitReply {
        /// For so long at most.
        timeout_ms: u64,
    },
    /// Waits until a reply was heard to its end, also one that had begun when the caller spoke. Who only listens does not mind being left.
    Listen {
        /// For so long at most.
        timeout_ms: u64,
    },
    /// Is silent.
    Pause {
        /// For so long.
        ms: u64,
    },
    /// Presses keys, four a second.
    Digits(String),
    /// Hangs up.
    HangUp,
    /// The server must be audible within this time.
    ExpectAudio {
        /// At most.
        within_ms: u64,
    },
    /// A `clear` must come within this time of the first sound of what was said last.
    ExpectClear {
        /// At most.
        within_ms: u64,
    },
    /// No `clear` may come from the first sound of what was said last until so long from now.
    ExpectNoClear {
        /// From now.
        for_ms: u64,
    },
    /// The server must end the call within this time.
    ExpectEnd {
        /// At most.
        within_ms: u64,
    },
}

impl<S> Action<S> {
    /// What it says, if it says something.
    pub fn sound(&self) -> Option<&S> {
        match self {
            Self::Speak(sound) | Self::BargeIn { sound, .. } => Some(sound),
            Self::WaitReply { .. }
            | Self::Listen { .. }
            | Self::Pause { .. }
            | Self::Digits(_)
            | Self::HangUp
            | Self::ExpectAudio { .. }
            | Self::ExpectClear { .. }
            | Self::ExpectNoClear { .. }
            | Self::ExpectEnd { .. } => None,
        }
    }
}

/// One step with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<S> {
    /// The line it begins at, from 1; 0 for a step that stands in no file.
    pub line: usize,
    /// What it does.
    pub action: Action<S>,
}

/// A checked script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The voice of its `say` steps, if it names one.
    pub voice: Option<String>,
    /// In order.
    pub steps: Vec<Step<Sound>>,
}

/// What is wrong with a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}:{line}: {what}", path = path.display())]
pub struct BadScript {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The fault and its remedy.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    voice: Option<String>,
    #[serde(default)]
    step: Vec<Spanned<StepText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepText {
    say: Option<String>,
    wav: Option<PathBuf>,
    wait_reply: Option<Patience>,
    pause_ms: Option<u64>,
    barge_in: Option<BargeInText>,
    digits: Option<String>,
    burst_ms: Option<u64>,
    hang_up: Option<bool>,
    expect_audio: Option<u64>,
    expect_clear_within_ms: Option<u64>,
    expect_no_clear: Option<u64>,
    expect_end: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BargeInText {
    after_ms: u64,
    say: Option<String>,
    wav: Option<PathBuf>,
    burst_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "wait_reply takes true, or how many ms to wait at most"
)]
enum Patience {
    Usual(bool),
    Ms(u64),
}

/// Reads a script. `path` names it in errors, and WAV files are looked for beside it.
///
/// # Errors
/// [`BadScript`] for the first fault.
pub fn parse(text: &str, path: &Path) -> Result<Script, BadScript> {
    let bad = |span: Range<usize>, what: String| BadScript {
        path: path.to_owned(),
        line: line_of(text, span.start),
        what,
    };
    let document: Document = toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        bad(span, error.message().to_owned())
    })?;
    if document.step.is_empty() {
        return Err(bad(0..0, "no [[step]]: a script needs at least one".into()));
    }
    let steps = document.step.into_iter().map(|step| {
        let span = step.span();
        let action = action(step.into_inner(), path).map_err(|what| bad(span.clone(), what))?;
        Ok(Step {
            line: line_of(text, span.start),
            action,
        })
    });
    let steps: Vec<Step<Sound>> = steps.collect::<Result<_, _>>()?;
    let end = steps.iter().position(|step| step.action == Action::HangUp);
    if let Some(late) = end.and_then(|end| steps.get(end + 1)) {
        return Err(BadScript {
            path: path.to_owned(),
            line: late.line,
            what: "the caller has hung up before this step: take it out, or hang_up".into(),
        });
    }
    Ok(Script {
        voice: document.voice,
        steps,
    })
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.bytes().filter(|&byte| byte == b'\n').count() + 1
}

fn action(step: StepText, path: &Path) -> Result<Action<Sound>, String> {
    let sound = sound(step.say, step.wav, step.burst_ms, path)?;
    let barge_in = step.barge_in.map(|text| barge_in(text, path)).transpose()?;
    let wait = step.wait_reply.map(patience).transpose()?;
    let digits = step.digits.map(digits).transpose()?;
    if step.hang_up == Some(false) {
        return Err("hang_up = false does nothing: leave the step out".into());
    }
    let candidates = [
        sound.map(Action::Speak),
        barge_in,
        wait,
        digits,
        step.hang_up.map(|_| Action::HangUp),
        step.pause_ms.map(|ms| Action::Pause { ms }),
        step.expect_audio
            .map(|within_ms| Action::ExpectAudio { within_ms }),
        step.expect_clear_within_ms
            .map(|within_ms| Action::ExpectClear { within_ms }),
        step.expect_no_clear
            .map(|for_ms| Action::ExpectNoClear { for_ms }),
        step.expect_end
            .map(|within_ms| Action::ExpectEnd { within_ms }),
    ];
    let mut given = candidates.into_iter().flatten();
    let action = given.next().ok_or(
        "the step does nothing: give it one of say, wav, wait_reply, pause_ms, barge_in, digits, burst_ms, hang_up, \
         expect_audio, expect_clear_within_ms, expect_no_clear, expect_end",
    )?;
    if given.next().is_some() {
        return Err("the step does two things: make two [[step]] of it".into());
    }
    bounded(&action)?;
    Ok(action)
}

fn sound(
    say: Option<String>,
    wav: Option<PathBuf>,
    burst_ms: Option<u64>,
    path: &Path,
) -> Result<Option<Sound>, String> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut sounds = [
        say.map(Sound::Say),
        wav.map(|file| Sound::Wav(folder.join(file))),
        burst_ms.map(Sound::Burst),
    ]
    .into_iter()
    .flatten();
    let sound = sounds.next();
    if sounds.next().is_some() {
        return Err("say, wav and burst_ms exclude one another: make two [[step]] of it".into());
    }
    match &sound {
        Some(Sound::Say(text)) if text.trim().is_empty() => Err("say is empty".into()),
        Some(Sound::Burst(ms)) if !(1..=MAX_BURST_MS).contains(ms) => {
            Err(format!("burst_ms is from 1 to {MAX_BURST_MS}"))
        }
        _ => Ok(sound),
    }
}

fn barge_in(text: BargeInText, path: &Path) -> Result<Action<Sound>, String> {
    let sound = sound(text.say, text.wav, text.burst_ms, path)?
        .ok_or("barge_in needs say, wav or burst_ms: what is said into the reply")?;
    Ok(Action::BargeIn {
        after_ms: text.after_ms,
        sound,
    })
}

fn patience(patience: Patience) -> Result<Action<Sound>, String> {
    let timeout_ms = match patience {
        Patience::Usual(true) => REPLY_TIMEOUT_MS,
        Patience::Usual(false) => {
            return Err("wait_reply = false does nothing: leave the step out".into());
        }
        Patience::Ms(ms) => ms,
    };
    Ok(Action::WaitReply { timeout_ms })
}

fn digits(digits: String) -> Result<Action<Sound>, String> {
    check_digits(&digits)?;
    Ok(Action::Digits(digits))
}

/// Checks that a telephone has these keys.
///
/// # Errors
/// What is wrong.
pub fn check_digits(digits: &str) -> Result<(), String> {
    match digits
        .chars()
        .find(|c| !matches!(c, '0'..='9' | 'A'..='D' | '*' | '#'))
    {
        _ if digits.is_empty() => Err("digits are 0 to 9, A to D, * and #, at least one".into()),
        None => Ok(()),
        Some(other) => Err(format!(
            "{other:?} is no key: digits are 0 to 9, A to D, * and #"
        )),
    }
}

fn bounded(action: &Action<Sound>) -> Result<(), String> {
    let ms = match action {
        Action::BargeIn { after_ms: ms, .. }
        | Action::WaitReply { timeout_ms: ms }
        | Action::Listen { timeout_ms: ms }
        | Action::Pause { ms }
        | Action::ExpectAudio { within_ms: ms }
        | Action::ExpectClear { within_ms: ms }
        | Action::ExpectNoClear { for_ms: ms }
        | Action::ExpectEnd { within_ms: ms } => *ms,
        Action::Speak(_) | Action::Digits(_) | Action::HangUp => 0,
    };
    if ms > MAX_MS {
        return Err(format!("{ms} ms is over an hour"));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn check_error(text: &str, line: usize, part: &str) {
        let error = parse(text, Path::new("calls/one.toml")).unwrap_err();
        assert_eq!(error.line, line, "{text}\n{error}");
        assert!(error.what.contains(part), "{error}");
        assert!(error.to_string().starts_with("calls/one.toml:"), "{error}");
    }

    #[test]
    fn every_kind_of_step_is_read() {
        let text = r##"
voice = "flite:rms"
[[step]]
wait_reply = true
[[step]]
say = "Hello."
[[step]]
wav = "yes.wav"
[[step]]
pause_ms = 300
[[step]]
barge_in = { after_ms = 500, say = "Stop." }
[[step]]
expect_clear_within_ms = 400
[[step]]
digits = "12#"
[[step]]
burst_ms = 150
[[step]]
expect_no_clear = 1000
[[step]]
expect_audio = 2000
[[step]]
wait_reply = 9000
[[step]]
expect_end = 5000
[[step]]
hang_up = true
"##;
        let script = parse(text, Path::new("calls/one.toml")).unwrap();
        assert_eq!(script.voice.as_deref(), Some("flite:rms"));
        let actions: Vec<_> = script.steps.iter().map(|step| &step.action).collect();
        assert_eq!(actions.len(), 13);
        assert_eq!(*actions[0], Action::WaitReply { timeout_ms: 15_000 });
        assert_eq!(
            *actions[2],
            Action::Speak(Sound::Wav("calls/yes.wav".into()))
        );
        assert_eq!(*actions[7], Action::Speak(Sound::Burst(150)));
        assert_eq!(script.steps[0].line, 3);
        assert_eq!(script.steps[12].line, 27);
    }

    #[test]
    fn faults_are_named_with_their_line() {
        check_error("", 1, "no [[step]]");
        check_error(
            "[[step]]\nsay = \"x\"\n\n[[step]]\nsey = \"x\"\n",
            5,
            "unknown field",
        );
        check_error("[[step]]\nsay = \"x\"\n[[step]]\n", 3, "does nothing");
        check_error("[[step]]\nsay = \"x\"\npause_ms = 5\n", 1, "two things");
        check_error("[[step]]\nsay = \"x\"\nwav = \"y\"\n", 1, "exclude");
        check_error("\n[[step]]\nsay = \" \"\n", 2, "empty");
        check_error("[[step]]\ndigits = \"1x\"\n", 1, "'x' is no key");
        check_error("[[step]]\nhang_up = false\n", 1, "leave the step out");
        check_error(
            "[[step]]\nhang_up = true\n[[step]]\nsay = \"x\"\n",
            3,
            "has hung up before this step",
        );
        check_error("[[step]]\nburst_ms = 0\n", 1, "from 1 to");
        check_error("[[step]]\nwait_reply = \"long\"\n", 2, "how many ms");
        check_error("[[step]]\nbarge_in = { after_ms = 5 }\n", 1, "needs say");
        check_error("[[step]]\npause_ms = 99999999\n", 1, "over an hour");
        check_error("[[step]]\nsay = \"x\n", 2, "");
    }
}
