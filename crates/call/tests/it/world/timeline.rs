//! What happened, a line each: `>` an event, `<` an action. Marks, pieces of speech and time alone are left out, and stretches
//! that follow one another are one line.

use std::fmt;

use ringback_call::{Action, Event, Note};

#[derive(Default)]
pub struct Timeline {
    lines: Vec<String>,
    /// Reply, part, first sample, last sample of the stretch in the last line.
    sending: Option<(u32, u16, u32, u32)>,
}

impl Timeline {
    pub fn event(&mut self, us: u64, event: &Event) {
        let text = match event {
            Event::Wake
            | Event::Marked(_)
            | Event::Spoken(_)
            | Event::Timed { .. }
            | Event::SpokenEnd { .. }
            | Event::Unsayable { .. } => return,
            Event::Answered { marks: true } => "answered".into(),
            Event::Answered { marks: false } => "answered, no marks".into(),
            Event::Ear { edge, sample } => {
                format!(
                    "{} at {} ms",
                    format!("{edge:?}").to_lowercase(),
                    sample.0 / 8
                )
            }
            Event::Heard(words) => {
                let complete = if words.complete { ", complete" } else { "" };
                format!("{:?} {:?}{complete}", words.firmness, words.text)
            }
            Event::Turn(hint) => format!("recogniser: {hint:?}"),
            Event::Sign(sign) => format!("sign: {sign:?}"),
            Event::Digit(digit) => format!("key {digit}"),
            Event::Text { reply, text } => format!("text {} {}", reply.0, shortened(text)),
            Event::TextEnd { reply, intent, .. } => format!("text end {} {intent:?}", reply.0),
            Event::ToolCall { reply, call } => {
                format!(
                    "call {} {} {}({})",
                    reply.0, call.id, call.name, call.arguments
                )
            }
            Event::ToolDone { id, result, failed } => {
                let failed = if *failed { ", failed" } else { "" };
                format!("done {id} {}{failed}", shortened(result))
            }
            Event::Fault(fault) => format!("fault {:?} {:?}", fault.party, fault.kind),
            Event::Replaced(fault) => format!("replaced {:?} {:?}", fault.party, fault.kind),
            Event::Say(line) => format!("say {}", shortened(line)),
            Event::Order(order) => format!("order {order:?}"),
            Event::Finish => "finish".into(),
            Event::Used { usage, .. } => format!("{:?} used", usage.party),
            Event::Spent => "spent".into(),
            Event::HungUp => "hung up".into(),
        };
        self.line(us, '>', &text);
    }

    pub fn action(&mut self, us: u64, action: &Action) {
        let text = match action {
            Action::Mark(_) => return,
            Action::Send {
                reply,
                part,
                from,
                samples,
                ..
            } => return self.sent(us, reply.0, part.0, *from, *samples),
            Action::Clear { epoch, .. } => format!("clear {epoch}"),
            Action::Forget { reply, part, upto } => {
                format!("forget {}.{} up to {upto}", reply.0, part.0)
            }
            Action::Finalize => "finalize".into(),
            Action::NewTurn => "new turn".into(),
            Action::Respond {
                turn,
                reply,
                cause,
                text,
                digits,
                speculative,
            } => format!(
                "respond {} to turn {} {cause:?} {text:?} {digits:?}{}",
                reply.0,
                turn.0,
                if *speculative { ", speculative" } else { "" }
            ),
            Action::RunTool {
                call,
                timeout_ms,
                side_effect,
            } => {
                let once = if *side_effect { ", once" } else { "" };
                format!("run {} {}, {timeout_ms} ms{once}", call.id, call.name)
            }
            Action::GiveUp { reply } => format!("give up {}", reply.0),
            Action::Speak { reply, part, text } => {
                format!("speak {}.{} {}", reply.0, part.0, shortened(text))
            }
            Action::Cancel { reply, heard } => {
                let heard = if *heard { "" } else { ", unheard" };
                format!("cancel {}{heard}", reply.0)
            }
            Action::Checkpoint(_) => "checkpoint".into(),
            Action::End { intent, cause } => format!("end {intent:?} {cause:?}"),
            Action::Note(note) => format!("* {}", noted(note)),
        };
        self.line(us, '<', &text);
    }

    fn sent(&mut self, us: u64, reply: u32, part: u16, from: u32, samples: u32) {
        let upto = from + samples;
        let first = match self.sending {
            Some((last_reply, last_part, first, last))
                if (last_reply, last_part, last) == (reply, part, from) =>
            {
                let line = self.lines.last_mut().unwrap();
                *line = format!("{}..{upto}", line.rsplit_once("..").unwrap().0);
                first
            }
            _ => {
                self.line(us, '<', &format!("send {reply}.{part} {from}..{upto}"));
                from
            }
        };
        self.sending = Some((reply, part, first, upto));
    }

    fn line(&mut self, us: u64, side: char, text: &str) {
        self.sending = None;
        self.lines.push(format!("{:>6} {side} {text}", us / 1000));
    }
}

fn noted(note: &Note) -> String {
    match note {
        Note::Held { onset } => format!("held, onset at {} ms", onset.0 / 8),
        Note::Released { quiet } => format!("released, quiet at {} ms", quiet.0 / 8),
        Note::Protected { onset } => format!("protected, onset at {} ms", onset.0 / 8),
        Note::Muted { reply, part, heard } => {
            format!("muted, {}.{} heard up to {heard}", reply.0, part.0)
        }
        Note::Resumed { part, from, count } => {
            format!("resumed, part {} from {from}, time {count}", part.0)
        }
        Note::Turn {
            turn,
            cause,
            waited_ms,
        } => format!("turn {} {cause:?} after {waited_ms} ms", turn.0),
        Note::Promoted { reply, saved_ms } => format!("promoted {}, {saved_ms} ms saved", reply.0),
        Note::Dropped { reply, cause } => format!("dropped {}: {cause:?}", reply.0),
        other => format!("{other:?}"),
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 60 {
        return format!("{text:?}");
    }
    let start: String = text.chars().take(57).collect();
    format!("{:?} ({} characters)", start, text.chars().count())
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("\n"))
    }
}
