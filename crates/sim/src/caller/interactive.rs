//! A caller at the keyboard: what is typed is spoken.

use std::io::BufRead;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::clip::Clip;
use super::render::Voice;
use super::script::{Action, Step, check_digits};

/// What came from the keyboard.
#[derive(Debug)]
pub enum Typed {
    /// To be done after what was typed before.
    Step(Step<Arc<Clip>>),
    /// The line was no command; why.
    Refused(String),
    /// There is nothing more to come.
    End,
}

/// Longest wait for a reply between lines that nobody types, ms.
const REPLY_TIMEOUT_MS: u64 = 15_000;

/// Reads lines until their end on a thread of its own, speaks them with `voice` and presses their keys: at once if
/// somebody types them, else each after the reply to the one before has ended.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(
    mut lines: impl BufRead + Send + 'static,
    voice: Voice,
    is_typed: bool,
) -> std::io::Result<mpsc::Receiver<Typed>> {
    let (typed, received) = mpsc::channel(16);
    std::thread::Builder::new()
        .name("keyboard".into())
        .spawn(move || {
            let mut line = String::new();
            loop {
                line.clear();
                match lines.read_line(&mut line) {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
                let Some(command) = parse(&line) else {
                    continue;
                };
                let last = matches!(command, Ok(Action::HangUp));
                let answered = matches!(command, Ok(Action::Speak(_) | Action::Digits(_)));
                let waits = answered && !is_typed;
                if waits && typed.blocking_send(Typed::Step(wait())).is_err() {
                    return;
                }
                if typed.blocking_send(perform(command, &voice)).is_err() || last {
                    return;
                }
            }
            // The call may be over already.
            let _ = typed.blocking_send(Typed::End);
        })?;
    Ok(received)
}

fn wait() -> Step<Arc<Clip>> {
    let action = Action::WaitReply {
        timeout_ms: REPLY_TIMEOUT_MS,
    };
    Step { line: 0, action }
}

fn perform(command: Result<Action<String>, String>, voice: &Voice) -> Typed {
    let action = match command {
        Ok(Action::Speak(text)) => match voice.say(&text) {
            Ok(clip) => Action::Speak(Arc::new(clip)),
            Err(error) => return Typed::Refused(format!("{error:#}")),
        },
        Ok(Action::Digits(digits)) => Action::Digits(digits),
        Ok(_) => Action::HangUp,
        Err(why) => return Typed::Refused(why),
    };
    Typed::Step(Step { line: 0, action })
}

/// `None` for an empty line.
fn parse(line: &str) -> Option<Result<Action<String>, String>> {
    let line = line.trim();
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "" => None,
        "/hangup" => Some(Ok(Action::HangUp)),
        "/digits" => {
            let digits = rest.trim();
            Some(check_digits(digits).map(|()| Action::Digits(digits.to_owned())))
        }
        _ if word.starts_with('/') => Some(Err(format!(
            "no command {word}: type a text to be spoken, /digits 12# or /hangup"
        ))),
        _ => Some(Ok(Action::Speak(line.to_owned()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_text_keys_or_the_end() {
        assert_eq!(parse("  \n"), None);
        assert_eq!(
            parse("Hello there\n"),
            Some(Ok(Action::Speak("Hello there".into())))
        );
        assert_eq!(
            parse("/digits 12#\n"),
            Some(Ok(Action::Digits("12#".into())))
        );
        assert_eq!(parse("/hangup\n"), Some(Ok(Action::HangUp)));
        assert!(matches!(parse("/digits 1x"), Some(Err(_))));
        assert!(matches!(parse("/quit"), Some(Err(why)) if why.contains("/hangup")));
    }

    #[test]
    fn typed_lines_arrive_in_order_and_then_the_end() {
        let voice = Voice::Flite("never used".into());
        let lines = std::io::Cursor::new("/digits 1\n\n/nonsense\n");
        let mut typed = start(lines, voice, true).expect("a thread");
        assert!(matches!(
            typed.blocking_recv(),
            Some(Typed::Step(Step {
                action: Action::Digits(_),
                ..
            }))
        ));
        assert!(matches!(typed.blocking_recv(), Some(Typed::Refused(_))));
        assert!(matches!(typed.blocking_recv(), Some(Typed::End)));
    }

    #[test]
    fn lines_of_a_file_wait_for_the_reply_to_the_one_before() {
        let voice = Voice::named("pico").expect("a voice");
        let lines = std::io::Cursor::new("/digits 1\nHello.\n/hangup\nnever read\n");
        let mut typed = start(lines, voice, false).expect("a thread");
        let mut next = || match typed.blocking_recv() {
            Some(Typed::Step(step)) => Some(step.action),
            _ => None,
        };
        assert!(matches!(next(), Some(Action::WaitReply { .. })));
        assert!(matches!(next(), Some(Action::Digits(_))));
        assert!(matches!(next(), Some(Action::WaitReply { .. })));
        assert!(matches!(next(), Some(Action::Speak(_))));
        assert!(matches!(next(), Some(Action::HangUp)));
        assert!(next().is_none());
    }
}
