//! A language model in a call: what it is told, what it may do, and what becomes of what it writes.

use std::sync::{Arc, Mutex, PoisonError};

use ringback_call::{
    Cause, Fault, FaultKind, Intent, Line, Party, ReplyId, Speaker, ToolCall, ToolLine,
};
use ringback_speech::grammar::Expect;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::answers::{Key, Shelf, is_first};
use super::asked::{Asked, hints};
use super::model::{Chain, Finish, Prompt, Tab, Turn, Wrote};
use super::script::ScriptRun;
use super::toolbox::{Meaning, Toolbox};
use crate::language::language_name;
use crate::provided::{Provided, Sender};
use crate::provider::Failure;
use crate::tools::Tools;

/// What every model is told of the telephone, before what the scenario tells it.
const TELEPHONE: &str = "You are speaking with a person on the telephone; what you write is spoken aloud. \
Answer in one or two short, complete sentences, and ask one thing at a time. Write plain words only: no lists, no \
headings, no markdown, no emoji, no abbreviations that are not spoken. What the caller says was recognised by a machine and \
may contain mistakes; if it makes no sense, ask. Parts of your answers that the caller did not hear are missing from the conversation.";

/// What it is told of hints, where there are any.
const HINTED: &str = "\n\nWhat stands in the conversation as (Hint: ...) was whispered to you by the people you work for; the caller \
did not hear it. Act on it from then on, and do not say that you were told.";

/// What a scenario tells its model.
#[derive(Clone, Debug)]
pub(crate) struct Instructions {
    /// Who it is and what it is to do.
    pub(crate) text: String,
    /// As `en-US`.
    pub(crate) language: String,
    /// What it can do beside speaking.
    pub(super) toolbox: Toolbox,
    /// Said by a model that ends the call without a word.
    pub(crate) goodbye: String,
    /// Said where a model has nothing to say to a caller who waits for an answer.
    pub(crate) unclear: &'static str,
}

pub(crate) struct Modelled {
    chain: Chain,
    instructions: Instructions,
    /// With what it costs, and what is told when it is waited for no longer.
    asking: Option<(ReplyId, AbortHandle, Tab, Arc<Notify>)>,
    /// What it was asked last.
    put: Put,
    pub(super) tools: Tools,
    shelf: Option<Shelf>,
    no: Arc<Mutex<Option<No>>>,
    /// What takes its place when no model answers.
    pub(super) standby: Option<ScriptRun>,
}

/// What was refused last, and would be again.
#[derive(Debug)]
struct No {
    turns: Vec<Turn>,
    failure: Failure,
}

/// A question as it was put.
#[derive(Clone, Debug)]
pub(crate) struct Put {
    pub(super) cause: Cause,
    pub(super) text: String,
    pub(super) digits: String,
}

impl Drop for Modelled {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Modelled {
    /// With a shelf, answers to common questions are kept there and come from there.
    pub(crate) fn new(
        chain: Chain,
        instructions: Instructions,
        tools: Tools,
        shelf: Option<Shelf>,
    ) -> Self {
        Self {
            chain,
            instructions,
            asking: None,
            put: Put {
                cause: Cause::Opening,
                text: String::new(),
                digits: String::new(),
            },
            tools,
            shelf,
            no: Arc::default(),
            standby: None,
        }
    }

    /// With a script that takes its place when no model answers.
    pub(crate) fn stood_by(mut self, standby: Option<ScriptRun>) -> Self {
        self.standby = standby;
        self
    }

    /// The script that takes its place and what that is to answer, if this reply is what is being asked for.
    pub(super) fn give_up(&mut self, reply: ReplyId) -> Option<(ScriptRun, Put, Tools)> {
        let asked = self.asking.as_ref().is_some_and(|(of, ..)| *of == reply);
        let script = self.standby.take_if(|_| asked)?;
        Some((script, self.put.clone(), std::mem::take(&mut self.tools)))
    }

    /// Nothing more is wanted: what was asked is closed, and what it cost until now is told at once.
    pub(super) fn stop(&mut self) {
        if let Some((_, task, tab, _)) = self.asking.take() {
            task.abort();
            tab.settle();
        }
    }

    /// Nothing more of a reply is wanted: the request is closed.
    pub(crate) fn cancel(&mut self, reply: ReplyId) {
        if self.asking.as_ref().is_some_and(|(of, ..)| *of == reply) {
            self.stop();
        }
    }

    /// Who writes this reply has stalled: it is over. Answers whether anybody writes it.
    pub(super) fn give_up_on(&self, reply: ReplyId) -> bool {
        let asked = self.asking.as_ref().filter(|(of, ..)| *of == reply);
        asked.inspect(|(.., told)| told.notify_one()).is_some()
    }

    /// Writes a reply.
    pub(crate) fn ask(&mut self, asked: &Asked<'_>, events: &Sender) {
        self.stop();
        self.put = Put {
            cause: asked.cause,
            text: asked.text.to_owned(),
            digits: asked.digits.to_owned(),
        };
        let key = self.shelf.as_ref().and_then(|shelf| shelf.key(asked));
        if self.give(asked.reply, key.as_ref(), events) {
            return;
        }
        let keep = (self.shelf.clone().zip(key)).filter(|_| is_first(asked));
        let prompt = self.prompt(asked);
        let no = Arc::clone(&self.no);
        let chain = self.chain.clone().for_one_who_waited(asked.waited);
        let relieved = chain.relieved.is_some();
        let instructions = self.instructions.clone();
        let (events, reply) = (events.clone(), asked.reply);
        let awaited = is_awaited(asked);
        let tab = tab(reply, &events);
        let spent = tab.clone();
        let enough = Arc::new(Notify::new());
        let told = Arc::clone(&enough);
        let writing = async move {
            let mut writing = Writing {
                reply,
                instructions,
                events,
                keep,
                said: String::new(),
                intent: Intent::Continue,
                expect: None,
                ended: false,
            };
            let answered = match refused(&no, &prompt) {
                Some(failure) => Err(failure),
                None => {
                    let mut take = |wrote| writing.take(wrote);
                    chain.answer(&prompt, &spent, &enough, &mut take).await
                }
            };
            if let Err(failure) = &answered
                && failure.of_request
            {
                remember(&no, &prompt, failure);
            }
            let failure = answered.err();
            let is_empty = failure.as_ref().is_some_and(|failure| failure.is_empty);
            let fault = failure.map(|failure| failure.fault(Party::Responder));
            if is_empty && (awaited == Awaited::No || !relieved) {
                writing.leave_empty(awaited, fault);
            } else {
                writing.finish(fault);
            }
        };
        let task = tokio::spawn(writing.in_current_span());
        self.asking = Some((reply, task.abort_handle(), tab, told));
    }

    /// Answers from the shelf, if the answer stands there.
    fn give(&self, reply: ReplyId, key: Option<&Key>, events: &Sender) -> bool {
        let found = key.and_then(|key| self.shelf.as_ref()?.find(key, Instant::now()));
        let Some(text) = found else {
            return false;
        };
        tracing::debug!("answered from the cache of answers");
        let _ = events.send(Provided::Text { reply, text });
        let _ = events.send(Provided::TextEnd {
            reply,
            intent: Intent::Continue,
            expect: None,
        });
        true
    }

    fn prompt(&self, asked: &Asked<'_>) -> Prompt {
        let mut turns = turns(asked);
        let aside = match asked.cause {
            Cause::Answer => None,
            Cause::Tool if matches!(turns.last(), Some(Turn::Result { .. })) => None,
            Cause::Tool => Some("(The result of a tool has come.)"),
            Cause::Opening => Some("(The caller is on the line. Begin the conversation.)"),
            Cause::Silence => Some("(The caller says nothing.)"),
            Cause::Unclear => Some("(The caller said something that could not be understood.)"),
        };
        turns.extend(aside.map(|text| Turn::Caller(text.to_owned())));
        let mut system = self.instructions.system();
        if hints(asked.lines).next().is_some() {
            system.push_str(HINTED);
        }
        Prompt {
            system,
            turns,
            tools: self.instructions.toolbox.specs(),
        }
    }
}

/// Where the requests of a reply are told of.
fn tab(reply: ReplyId, events: &Sender) -> Tab {
    let events = events.clone();
    Tab::new(move |usage| {
        let _ = events.send(Provided::Used { reply, usage });
    })
}

/// Whether somebody waits for a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Yes,
    /// Nobody spoke, or they have heard the answer already and a tool was called beside it.
    No,
}

fn is_awaited(asked: &Asked<'_>) -> Awaited {
    let last = asked.lines.last().map(|line| line.speaker);
    match asked.cause {
        Cause::Tool if last == Some(Speaker::Agent) => Awaited::No,
        Cause::Silence => Awaited::No,
        Cause::Answer | Cause::Tool | Cause::Unclear | Cause::Opening => Awaited::Yes,
    }
}

/// Why this same question was refused, if it was the last one that was.
fn refused(no: &Mutex<Option<No>>, prompt: &Prompt) -> Option<Failure> {
    let no = no.lock().unwrap_or_else(PoisonError::into_inner);
    let same = no.as_ref().filter(|no| no.turns == prompt.turns)?;
    Some(same.failure.clone())
}

fn remember(no: &Mutex<Option<No>>, prompt: &Prompt, failure: &Failure) {
    *no.lock().unwrap_or_else(PoisonError::into_inner) = Some(No {
        turns: prompt.turns.clone(),
        failure: failure.clone(),
    });
}

/// What was said, with what was called at its place.
fn turns(asked: &Asked<'_>) -> Vec<Turn> {
    let mut turns = Vec::new();
    let mut groups = asked
        .tools
        .chunk_by(|one, next| (one.follows, one.reply) == (next.follows, next.reply))
        .peekable();
    for index in 0..=asked.lines.len() {
        let here = |group: &&[ToolLine]| {
            let first = group.first();
            first.is_some_and(|tool| tool.follows as usize <= index)
        };
        while let Some(group) = groups.next_if(here) {
            turns.extend(group.iter().map(called));
            turns.extend(group.iter().filter_map(result));
        }
        turns.extend(asked.lines.get(index).and_then(turn));
    }
    turns
}

fn called(tool: &ToolLine) -> Turn {
    Turn::Call {
        id: tool.call.id.clone(),
        name: tool.call.name.clone(),
        arguments: tool.call.arguments.clone(),
    }
}

fn result(tool: &ToolLine) -> Option<Turn> {
    let result = tool.result.as_ref()?;
    Some(Turn::Result {
        id: tool.call.id.clone(),
        content: result.text.clone(),
    })
}

fn turn(line: &Line) -> Option<Turn> {
    match line.speaker {
        Speaker::Caller if line.digits.is_empty() => Some(Turn::Caller(line.said.clone())),
        Speaker::Caller => {
            let keys = format!("{} (keys pressed: {})", line.said, line.digits);
            Some(Turn::Caller(keys.trim().to_owned()))
        }
        Speaker::Agent if line.heard.is_empty() => None,
        Speaker::Agent => Some(Turn::Agent(line.heard.clone())),
        Speaker::Whisper => Some(Turn::Caller(format!("(Hint: {})", line.said))),
    }
}

impl Instructions {
    pub(super) fn system(&self) -> String {
        let mut text = format!(
            "{TELEPHONE}\nSpeak {} and nothing else, unless you are told otherwise below.",
            language_name(&self.language)
        );
        if !self.text.is_empty() {
            text.push_str("\n\n");
            text.push_str(&self.text);
        }
        text
    }
}

/// A reply that is being written.
struct Writing {
    reply: ReplyId,
    instructions: Instructions,
    events: Sender,
    /// Where the answer is kept, should it be one for others too.
    keep: Option<(Shelf, Key)>,
    said: String,
    intent: Intent,
    /// What the caller is to answer, and after how many keys that is complete.
    expect: Option<(Expect, u8)>,
    ended: bool,
}

impl Writing {
    fn take(&mut self, wrote: Wrote) {
        match wrote {
            Wrote::Text(text) => self.say(text),
            Wrote::Call {
                id,
                name,
                arguments,
            } => self.call(id, name, &arguments),
            Wrote::End(finish) => {
                if finish == Finish::Filtered && !self.has_said() {
                    return;
                }
                if finish != Finish::Stop {
                    self.keep = None;
                }
                self.end();
            }
            Wrote::Began => {}
        }
    }

    fn has_said(&self) -> bool {
        self.said.chars().any(char::is_alphanumeric)
    }

    fn say(&mut self, text: String) {
        self.said.push_str(&text);
        let reply = self.reply;
        let _ = self.events.send(Provided::Text { reply, text });
    }

    fn call(&mut self, id: String, name: String, arguments: &str) {
        let reply = self.reply;
        self.keep = None;
        let said = self.has_said();
        match self.instructions.toolbox.meaning(&name, arguments, said) {
            Meaning::HangUp => self.intent = Intent::HangUp,
            Meaning::Transfer(to) => self.intent = Intent::Transfer(to),
            Meaning::Collect(expect, keys) => self.expect = Some((expect, keys)),
            Meaning::Keys(text) => {
                let _ = self.events.send(Provided::Text { reply, text });
            }
            Meaning::Tool => {
                let call = ToolCall {
                    id,
                    name,
                    arguments: canonical(arguments),
                };
                let _ = self.events.send(Provided::ToolCall { reply, call });
            }
        }
    }

    fn end(&mut self) {
        if self.ended {
            return;
        }
        self.ended = true;
        if !self.has_said() && self.intent == Intent::HangUp {
            self.say(self.instructions.goodbye.clone());
        }
        if let Some((shelf, key)) = self.keep.take() {
            shelf.keep(key, self.said.clone(), Instant::now());
        }
        let _ = self.events.send(Provided::TextEnd {
            reply: self.reply,
            intent: self.intent.clone(),
            expect: self.expect.take(),
        });
    }

    /// The model answered, but nothing that can be said. A caller who waits is asked to say it again, any other keeps the floor.
    fn leave_empty(&mut self, awaited: Awaited, fault: Option<Fault>) {
        self.keep = None;
        if awaited == Awaited::No {
            return self.end();
        }
        self.say(self.instructions.unclear.to_owned());
        self.end();
        // Told once the reply is written, it is noted and no apology follows.
        let noted = fault.map(Provided::Fault);
        let _ = noted.map(|fault| self.events.send(fault));
    }

    fn finish(&mut self, fault: Option<Fault>) {
        if self.ended {
            return;
        }
        let fault = fault.unwrap_or_else(|| Fault {
            party: Party::Responder,
            kind: FaultKind::Misbehaved,
            detail: "openai wrote nothing that can be said".into(),
        });
        let reply = self.reply;
        let _ = self.events.send(Provided::Speechless { reply, fault });
    }
}

/// The same arguments are the same text, however a model spaces them.
fn canonical(arguments: &str) -> String {
    serde_json::from_str::<Value>(arguments)
        .map_or_else(|_| arguments.trim().to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]
    use ringback_call::{At, ToolResult, TurnId};

    use super::*;

    fn line(speaker: Speaker, reply: Option<u32>, said: &str) -> Line {
        Line {
            speaker,
            turn: TurnId(1),
            reply: reply.map(ReplyId),
            said: said.to_owned(),
            heard: said.to_owned(),
            digits: String::new(),
            from: At(0),
            until: At(0),
            cut: false,
        }
    }

    fn tool(follows: u32, reply: u32, id: &str, result: Option<&str>) -> ToolLine {
        ToolLine {
            follows,
            turn: TurnId(1),
            reply: ReplyId(reply),
            call: ToolCall {
                id: id.to_owned(),
                name: "look".to_owned(),
                arguments: "{}".to_owned(),
            },
            result: result.map(|text| ToolResult {
                text: text.to_owned(),
                failed: false,
                unknown: false,
            }),
            from: At(0),
            until: None,
        }
    }

    #[test]
    fn calls_stand_where_they_were_made_and_results_behind_all_calls_of_their_reply() {
        let lines = [
            line(Speaker::Caller, None, "A table."),
            line(Speaker::Agent, Some(2), "Let me see."),
            line(Speaker::Whisper, None, "He is deaf."),
            line(Speaker::Caller, None, "And?"),
        ];
        let tools = [
            tool(0, 1, "o", Some("open")),
            tool(2, 2, "a", Some("free")),
            tool(2, 2, "b", None),
            tool(2, 3, "c", Some("no")),
            tool(9, 4, "d", None),
        ];
        let asked = Asked {
            turn: TurnId(1),
            reply: ReplyId(5),
            cause: Cause::Tool,
            waited: std::time::Duration::ZERO,
            text: "",
            digits: "",
            lines: &lines,
            tools: &tools,
        };
        let told: Vec<_> = turns(&asked)
            .into_iter()
            .map(|turn| match turn {
                Turn::Caller(text) => format!("caller {text}"),
                Turn::Agent(text) => format!("agent {text}"),
                Turn::Call { id, .. } => format!("call {id}"),
                Turn::Result { id, content } => format!("result {id} {content}"),
            })
            .collect();
        assert_eq!(
            told,
            [
                "call o",
                "result o open",
                "caller A table.",
                "agent Let me see.",
                "call a",
                "call b",
                "result a free",
                "call c",
                "result c no",
                "caller (Hint: He is deaf.)",
                "caller And?",
            ]
        );
    }

    #[test]
    fn the_same_arguments_are_the_same_text() {
        assert_eq!(
            canonical("{ \"b\": 1,\n\"a\": 2 }"),
            canonical(r#"{"a":2,"b":1}"#)
        );
        assert_eq!(canonical(" not JSON "), "not JSON");
    }
}
