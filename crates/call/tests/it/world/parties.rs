//! A voice that speaks at a stated pace, and answers of a responder.

use ringback_call::{
    Event, Expect, Fault, FaultKind, Intent, PartId, Party, Piece, ReplyId, ToolCall,
};

/// How a voice behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// As it should.
    Good,
    /// Audio in which nothing is audible.
    Silent,
    /// It says that it is done, without audio.
    Nothing,
    /// There is nothing to say, and it was not asked.
    Unsayable,
    /// It never answers.
    Hangs,
    /// It fails.
    Fails,
}

pub struct Voice {
    /// Characters a second.
    pub pace: u32,
    /// Until the first piece, in ms.
    pub first_ms: u64,
    /// How much later each sentence of a reply begins than the one before it, in ms.
    pub later_ms: u64,
    /// All the speech of a sentence comes in one instant.
    pub burst: bool,
    /// How the sentences are spoken, in turn; the last goes on.
    pub speech: Vec<Speech>,
    spoken: usize,
}

impl Default for Voice {
    fn default() -> Self {
        Self {
            pace: 14,
            first_ms: 60,
            later_ms: 0,
            burst: false,
            speech: vec![Speech::Good],
            spoken: 0,
        }
    }
}

/// The length of a text in samples.
pub fn length(text: &str, pace: u32) -> u32 {
    let chars = u32::try_from(text.chars().count()).unwrap();
    (chars * 8000 / pace).div_ceil(160) * 160
}

impl Voice {
    /// What the voice does about a sentence: events by the time in microseconds from now.
    pub fn speak(&mut self, reply: ReplyId, part: PartId, text: &str) -> Vec<(u64, Event)> {
        let speech = self.speech[self.spoken.min(self.speech.len() - 1)];
        self.spoken += 1;
        let mut at = (self.first_ms + self.later_ms * u64::from(part.0)) * 1000;
        let fault = Fault {
            party: Party::Tts,
            kind: FaultKind::Refused,
            detail: "quota".into(),
        };
        match speech {
            Speech::Hangs => return Vec::new(),
            Speech::Fails => return vec![(at, Event::Fault(fault))],
            Speech::Nothing => return vec![(at, Event::SpokenEnd { reply, part })],
            Speech::Unsayable => return vec![(0, Event::Unsayable { reply, part })],
            Speech::Good | Speech::Silent => {}
        }
        let total = length(text, self.pace);
        let levels = levels(text, total);
        let mut events = Vec::new();
        let mut from = 0;
        // Pieces of 60 to 200 ms, ten times as fast as they are heard.
        for frames in [3, 10, 5, 7].into_iter().cycle() {
            let most = if self.burst { total } else { frames * 160 };
            let samples = most.min(total - from);
            if samples == 0 {
                break;
            }
            let (first, last) = (from as usize / 160, (from + samples) as usize / 160);
            events.push((
                at,
                Event::Spoken(Piece {
                    reply,
                    part,
                    samples,
                    audible: (speech == Speech::Good).then_some(0),
                    levels: levels[first..last].to_vec(),
                    origin: 0,
                }),
            ));
            from += samples;
            at += u64::from(samples) * 125 / 10;
        }
        events.push((at, Event::SpokenEnd { reply, part }));
        events
    }
}

/// A frame is quiet where a space is spoken.
fn levels(text: &str, total: u32) -> Vec<u8> {
    let chars: Vec<char> = text.chars().collect();
    let frames = total as usize / 160;
    (0..frames)
        .map(|frame| {
            let quiet = chars[frame * chars.len() / frames].is_whitespace();
            if quiet { 3 } else { 60 }
        })
        .collect()
}

/// What a responder answers.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Stretches of text, each with the ms since the question.
    pub texts: Vec<(u64, String)>,
    /// The ms at which it is done, if it ever is.
    pub done: Option<u64>,
    pub intent: Intent,
    pub expect: Expect,
    /// It fails at this ms.
    pub fails: Option<u64>,
    /// Tools that it calls, each with the ms since the question.
    pub calls: Vec<(u64, ToolCall)>,
}

/// A text at once, 200 ms after the question.
pub fn answer(text: &str) -> Answer {
    Answer {
        texts: vec![(200, text.to_owned())],
        done: Some(210),
        intent: Intent::Continue,
        expect: Expect::OPEN,
        fails: None,
        calls: Vec::new(),
    }
}

/// Nothing, and a fault so many ms after the question.
pub fn failing(after_ms: u64) -> Answer {
    Answer {
        texts: Vec::new(),
        done: None,
        fails: Some(after_ms),
        ..answer("")
    }
}

/// A call of a tool.
pub fn tool_call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.into(),
    }
}

/// Words, and then calls of tools: the first is `a`, the next `b`.
pub fn calling(text: &str, names: &[&str]) -> Answer {
    let call = |(id, name): (char, &&str)| (205, tool_call(&id.to_string(), name, "{}"));
    Answer {
        calls: ('a'..).zip(names).map(call).collect(),
        ..answer(text)
    }
}

impl Answer {
    pub fn events(&self, reply: ReplyId) -> Vec<(u64, Event)> {
        let mut events: Vec<_> = self
            .texts
            .iter()
            .map(|(ms, text)| {
                let text = text.clone();
                (*ms, Event::Text { reply, text })
            })
            .collect();
        let call = |(ms, call): &(u64, ToolCall)| {
            let call = call.clone();
            (*ms, Event::ToolCall { reply, call })
        };
        events.extend(self.calls.iter().map(call));
        events.extend(self.done.map(|ms| {
            let (intent, expect) = (self.intent.clone(), self.expect);
            (
                ms,
                Event::TextEnd {
                    reply,
                    intent,
                    expect,
                },
            )
        }));
        events.extend(self.fails.map(|ms| {
            let fault = Fault {
                party: Party::Responder,
                kind: FaultKind::Refused,
                detail: "status 500".into(),
            };
            (ms, Event::Fault(fault))
        }));
        events
    }
}

pub fn belongs_to(event: &Event, id: ReplyId) -> bool {
    match event {
        Event::Text { reply, .. }
        | Event::TextEnd { reply, .. }
        | Event::Timed { reply, .. }
        | Event::ToolCall { reply, .. }
        | Event::SpokenEnd { reply, .. }
        | Event::Unsayable { reply, .. } => *reply == id,
        Event::Spoken(piece) => piece.reply == id,
        _ => false,
    }
}

/// What a responder is still to write of a reply.
pub fn written_for(event: &Event, id: ReplyId) -> bool {
    matches!(event, Event::Text { reply, .. } | Event::TextEnd { reply, .. } if *reply == id)
}

pub fn stalled() -> Fault {
    Fault {
        party: Party::Responder,
        kind: FaultKind::Unreachable,
        detail: "stalled in the middle of its answer".into(),
    }
}
