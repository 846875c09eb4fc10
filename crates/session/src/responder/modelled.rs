//! A language model in a call: what it is told, what it may do, and what becomes of what it writes.

use ringback_call::{Cause, Fault, FaultKind, Intent, Line, Party, ReplyId, Speaker};
use serde_json::json;
use tokio::task::AbortHandle;
use tracing::Instrument as _;

use super::asked::{Asked, end_text};
use super::model::{Chain, Finish, Prompt, ToolSpec, Turn, Wrote};
use crate::provided::{Provided, Sender};

/// What every model is told of the telephone, before what the scenario tells it.
const TELEPHONE: &str = "You are speaking with a person on the telephone; what you write is spoken aloud. \
Answer in one or two short, complete sentences, and ask one thing at a time. Write plain words only: no lists, no \
headings, no markdown, no emoji, no abbreviations that are not spoken. What the caller says was recognised by a machine and \
may contain mistakes; if it makes no sense, ask. Parts of your answers that the caller did not hear are missing from the conversation.";

const END_CALL: &str = "end_call";
const TRANSFER_CALL: &str = "transfer_call";

/// What a scenario tells its model.
#[derive(Clone, Debug)]
pub(crate) struct Instructions {
    /// Who it is and what it is to do.
    pub(crate) text: String,
    /// As `en-US`.
    pub(crate) language: String,
    /// Where callers can be put through to.
    pub(crate) transfer_to: Option<String>,
    /// Said by a model that ends the call without a word.
    pub(crate) goodbye: String,
}

pub(crate) struct Modelled {
    chain: Chain,
    instructions: Instructions,
    asking: Option<(ReplyId, AbortHandle)>,
}

impl Drop for Modelled {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Modelled {
    pub(crate) fn new(chain: Chain, instructions: Instructions) -> Self {
        Self {
            chain,
            instructions,
            asking: None,
        }
    }

    fn stop(&mut self) {
        if let Some((_, task)) = self.asking.take() {
            task.abort();
        }
    }

    /// Nothing more of a reply is wanted: the request is closed.
    pub(crate) fn cancel(&mut self, reply: ReplyId) {
        if self.asking.as_ref().is_some_and(|(of, _)| *of == reply) {
            self.stop();
        }
    }

    /// Writes a reply.
    pub(crate) fn ask(&mut self, asked: &Asked<'_>, events: &Sender) {
        self.stop();
        let prompt = self.prompt(asked);
        let (chain, instructions) = (self.chain.clone(), self.instructions.clone());
        let (events, reply) = (events.clone(), asked.reply);
        let writing = async move {
            let mut writing = Writing {
                reply,
                instructions,
                events,
                said: false,
                intent: Intent::Continue,
                ended: false,
            };
            let answered = chain
                .answer(&prompt, &mut |wrote| writing.take(wrote))
                .await;
            writing.finish(
                answered
                    .err()
                    .map(|failure| failure.fault(Party::Responder)),
            );
        };
        let task = tokio::spawn(writing.in_current_span());
        self.asking = Some((reply, task.abort_handle()));
    }

    fn prompt(&self, asked: &Asked<'_>) -> Prompt {
        let mut turns: Vec<Turn> = asked.lines.iter().filter_map(turn).collect();
        let aside = match asked.cause {
            Cause::Answer | Cause::Tool => None,
            Cause::Opening => Some("(The caller is on the line. Begin the conversation.)"),
            Cause::Silence => Some("(The caller says nothing.)"),
            Cause::Unclear => Some("(The caller said something that could not be understood.)"),
        };
        turns.extend(aside.map(|text| Turn::Caller(text.to_owned())));
        Prompt {
            system: self.instructions.system(),
            turns,
            tools: self.instructions.tools(),
        }
    }
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
    }
}

impl Instructions {
    fn system(&self) -> String {
        let mut text = format!("{TELEPHONE}\nSpeak the language {}.", self.language);
        if !self.text.is_empty() {
            text.push_str("\n\n");
            text.push_str(&self.text);
        }
        text
    }

    fn tools(&self) -> Vec<ToolSpec> {
        let without = |name: &str, description: &str| ToolSpec {
            name: name.to_owned(),
            description: description.to_owned(),
            parameters: json!({"type": "object", "properties": {}}),
        };
        let mut tools = vec![without(
            END_CALL,
            "End the call when the conversation is over. Say goodbye in the same answer, before you call this.",
        )];
        if self.transfer_to.is_some() {
            tools.push(without(
                TRANSFER_CALL,
                "Put the caller through to a person. Say so in the same answer, before you call this.",
            ));
        }
        tools
    }
}

/// A reply that is being written.
struct Writing {
    reply: ReplyId,
    instructions: Instructions,
    events: Sender,
    said: bool,
    intent: Intent,
    ended: bool,
}

impl Writing {
    fn take(&mut self, wrote: Wrote) {
        match wrote {
            Wrote::Text(text) => self.say(text),
            Wrote::Call { name, .. } => self.call(&name),
            Wrote::End(finish) => {
                if finish == Finish::Filtered && !self.said {
                    return;
                }
                self.end();
            }
            Wrote::Began | Wrote::Usage { .. } => {}
        }
    }

    fn say(&mut self, text: String) {
        self.said |= text.chars().any(char::is_alphanumeric);
        let reply = self.reply;
        let _ = self.events.send(Provided::Text { reply, text });
    }

    fn call(&mut self, name: &str) {
        match (name, &self.instructions.transfer_to) {
            (END_CALL, _) => self.intent = Intent::HangUp,
            (TRANSFER_CALL, Some(to)) => self.intent = Intent::Transfer(to.clone()),
            _ => tracing::warn!("Error: the model called a tool that it does not have"),
        }
    }

    fn end(&mut self) {
        if self.ended {
            return;
        }
        self.ended = true;
        if !self.said && self.intent == Intent::HangUp {
            self.say(self.instructions.goodbye.clone());
        }
        end_text(&self.events, self.reply, self.intent.clone());
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
        let _ = self.events.send(Provided::Fault(fault));
    }
}
