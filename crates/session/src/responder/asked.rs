//! The responder of one call, whichever it is.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ringback_call::{
    Cause, Fault, FaultKind, Intent, Line, Party, ReplyId, Speaker, ToolCall, ToolLine, TurnId,
};
use ringback_speech::grammar::Expect;
use tokio::task::AbortHandle;
use tracing::Instrument as _;

use super::failed::Failed;
use super::mailbox::Mailbox;
use super::modelled::{Modelled, Put};
use super::parrot;
use super::script::{Answer, End, Said, ScriptRun};
use super::webhook::{Answered, HeardLine, Question, Webhook, WebhookConfig};
use crate::provided::{Provided, Sender};
use crate::scenario::Vars;
use crate::tools::{self, Bound, Tools};

/// What the caller said, and everything a responder may want to know about it.
pub(crate) struct Asked<'a> {
    pub(crate) turn: TurnId,
    pub(crate) reply: ReplyId,
    pub(crate) cause: Cause,
    /// Since the caller's last sound, if it is that which is to be answered.
    pub(crate) waited: Duration,
    pub(crate) text: &'a str,
    pub(crate) digits: &'a str,
    pub(crate) lines: &'a [Line],
    /// What was called, each at its place among the lines.
    pub(crate) tools: &'a [ToolLine],
}

/// Who is on the telephone, for responders that are told.
#[derive(Clone, Debug)]
pub(crate) struct Parties {
    pub(crate) call_id: uuid::Uuid,
    pub(crate) call_sid: String,
    pub(crate) scenario: String,
    pub(crate) direction: ringback_call::Direction,
    pub(crate) from: String,
    pub(crate) to: String,
}

pub(crate) enum Responder {
    Script(Box<Scripted>),
    /// Whether the caller is heard, and not only their keys.
    Parrot(Vars, bool),
    Webhook(Box<Hooked>),
    Mailbox(Mailbox),
    Model(Box<Modelled>),
    /// Nothing that the scenario names can be used.
    Nobody,
}

pub(crate) struct Scripted {
    run: ScriptRun,
    before: Option<(ReplyId, ScriptRun)>,
    /// It took a model's place: what that one called may still run.
    tools: Option<Tools>,
}

pub(crate) struct Hooked {
    webhook: Arc<Webhook>,
    config: Result<Arc<WebhookConfig>, Fault>,
    parties: Parties,
    fallback: String,
    unclear: &'static str,
    asking: Option<(ReplyId, AbortHandle)>,
    /// Why its fallback took the place of its last answer.
    pub(super) failed: Failed,
}

impl Drop for Hooked {
    fn drop(&mut self) {
        if let Some((_, task)) = self.asking.take() {
            task.abort();
        }
    }
}

impl Responder {
    pub(crate) fn script(run: ScriptRun) -> Self {
        Self::Script(Box::new(Scripted {
            run,
            before: None,
            tools: None,
        }))
    }

    /// No model answers: the scenario's script takes its place for the rest of the call, so that a caller does not meet two
    /// minds in turn. What it is to answer is returned; `None` if there is no script, or the reply is not wanted any more.
    pub(crate) fn stand_in(&mut self, reply: ReplyId) -> Option<Put> {
        let Self::Model(modelled) = self else {
            return None;
        };
        let (run, put, tools) = modelled.give_up(reply)?;
        tracing::warn!("Error: no model answers: the scenario's script goes on");
        *self = Self::Script(Box::new(Scripted {
            run,
            before: None,
            tools: Some(tools),
        }));
        Some(put)
    }

    /// Writes the rest of a reply that another began, or all of it.
    pub(crate) fn go_on(&mut self, reply: ReplyId, put: &Put, events: &Sender) {
        self.ask(
            &Asked {
                turn: TurnId(0),
                reply,
                cause: put.cause,
                waited: Duration::ZERO,
                text: &put.text,
                digits: &put.digits,
                lines: &[],
                tools: &[],
            },
            events,
        );
    }

    /// Who writes this reply has stalled: what stands in for it follows, or its fault. Answers whether one of them does.
    pub(crate) fn give_up_on(&self, reply: ReplyId) -> bool {
        matches!(self, Self::Model(modelled) if modelled.give_up_on(reply))
    }

    pub(crate) fn webhook(
        webhook: Arc<Webhook>,
        config: Result<WebhookConfig, Fault>,
        parties: Parties,
        (fallback, unclear): (String, &'static str),
    ) -> Self {
        Self::Webhook(Box::new(Hooked {
            webhook,
            config: config.map(Arc::new),
            parties,
            fallback,
            unclear,
            asking: None,
            failed: Failed::default(),
        }))
    }

    /// Writes a reply: its text and its end come through `events`.
    pub(crate) fn ask(&mut self, asked: &Asked<'_>, events: &Sender) {
        match self {
            Self::Script(scripted) => scripted.ask(asked, events),
            Self::Parrot(vars, hears) => {
                let answer = match asked.cause {
                    Cause::Opening => parrot::open(vars, *hears),
                    Cause::Answer | Cause::Silence | Cause::Unclear | Cause::Tool => {
                        parrot::answer(&said(asked), vars.language)
                    }
                };
                answered(events, asked.reply, answer);
            }
            Self::Webhook(hooked) => hooked.ask(asked, events),
            Self::Model(modelled) => modelled.ask(asked, events),
            Self::Nobody => {
                let _ = events.send(Provided::Fault(Fault {
                    party: Party::Responder,
                    kind: FaultKind::Misconfigured,
                    detail:
                        "nothing that the scenario names can answer: set the key of its provider"
                            .into(),
                }));
            }
            Self::Mailbox(mailbox) => {
                let said = if asked.text.is_empty() {
                    asked.digits
                } else {
                    asked.text
                };
                if asked.cause == Cause::Answer {
                    mailbox.put(asked.reply, said.to_owned());
                } else {
                    let open = Some((Expect::Open, 0));
                    reply(events, asked.reply, String::new(), Intent::Continue, open);
                }
            }
        }
    }

    /// A reply is dead. `heard`: the caller heard some of it.
    pub(crate) fn cancel(&mut self, reply: ReplyId, heard: bool) {
        match self {
            Self::Script(scripted) => {
                if let Some((of, run)) = scripted.before.take()
                    && of == reply
                    && !heard
                {
                    scripted.run = run;
                }
            }
            Self::Parrot(..) | Self::Nobody => {}
            Self::Model(modelled) => modelled.cancel(reply),
            Self::Mailbox(mailbox) => {
                if !heard {
                    mailbox.take_back(reply);
                }
            }
            Self::Webhook(hooked) => {
                if let Some((_, task)) = hooked.asking.take_if(|(of, _)| *of == reply) {
                    task.abort();
                }
            }
        }
    }

    /// Carries out a call of a tool; what comes of it comes through `events`.
    pub(crate) fn run_tool(&mut self, call: &ToolCall, bound: Bound, events: &Sender) {
        if let Self::Script(scripted) = self
            && let Some(tools) = &mut scripted.tools
        {
            return tools.run(call, bound, events);
        }
        match self {
            Self::Model(modelled) => modelled.tools.run(call, bound, events),
            Self::Script(_)
            | Self::Parrot(..)
            | Self::Webhook(_)
            | Self::Mailbox(_)
            | Self::Nobody => {
                let _ = events.send(Provided::ToolDone {
                    id: call.id.clone(),
                    result: tools::UNKNOWN.to_owned(),
                    failed: true,
                });
            }
        }
    }

    /// Whether it does anything with hints.
    pub(crate) fn takes_hints(&self) -> bool {
        match self {
            Self::Model(_) | Self::Webhook(_) => true,
            Self::Script(_) | Self::Parrot(..) | Self::Mailbox(_) | Self::Nobody => false,
        }
    }

    /// Whether it can press keys.
    pub(crate) fn sends_keys(&self) -> bool {
        matches!(self, Self::Model(_))
    }

    /// The call is over: what was asked of models is closed, and told of.
    pub(crate) fn settle(&mut self) {
        if let Self::Model(modelled) = self {
            modelled.stop();
        }
    }

    /// The tools that still run: the call is over.
    pub(crate) fn take_tools(&mut self) -> Option<Tools> {
        match self {
            Self::Model(modelled) => Some(std::mem::take(&mut modelled.tools)),
            Self::Script(scripted) => scripted.tools.take(),
            Self::Parrot(..) | Self::Webhook(_) | Self::Mailbox(_) | Self::Nobody => None,
        }
    }

    /// As scenarios spell it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Script(_) => "script",
            Self::Parrot(..) => "parrot",
            Self::Webhook(_) => "webhook",
            Self::Mailbox(_) => "mailbox",
            Self::Model(_) => "openai",
            Self::Nobody => "nobody",
        }
    }

    /// What the conversation has brought, by name.
    pub(crate) fn collected(&self) -> Vec<(String, String)> {
        match self {
            Self::Script(scripted) => scripted
                .run
                .collected()
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            Self::Parrot(..)
            | Self::Webhook(_)
            | Self::Mailbox(_)
            | Self::Model(_)
            | Self::Nobody => Vec::new(),
        }
    }
}

impl Scripted {
    fn ask(&mut self, asked: &Asked<'_>, events: &Sender) {
        self.before = Some((asked.reply, self.run.clone()));
        let answer = match asked.cause {
            _ if self.tools.is_some() && !self.run.has_begun() => self.run.take_over(&said(asked)),
            Cause::Opening => self.run.open(),
            // The result of what a model called says nothing to a script: it waits for its answer.
            Cause::Tool => Answer {
                text: String::new(),
                ..self.run.again()
            },
            Cause::Answer | Cause::Silence | Cause::Unclear => self.run.answer(&said(asked)),
        };
        answered(events, asked.reply, answer);
    }
}

impl Hooked {
    fn ask(&mut self, asked: &Asked<'_>, events: &Sender) {
        if asked.cause == Cause::Unclear || asked.cause == Cause::Silence {
            let text = self.unclear.to_owned();
            reply(events, asked.reply, text, Intent::Continue, None);
            return;
        }
        let question = self.question(asked);
        let webhook = Arc::clone(&self.webhook);
        let config = match &self.config {
            Ok(config) => Arc::clone(config),
            Err(fault) => {
                let _ = events.send(Provided::Fault(fault.clone()));
                return;
            }
        };
        let (events, id, fallback) = (events.clone(), asked.reply, self.fallback.clone());
        let failed = self.failed.afresh();
        let asking = async move {
            let mut said = false;
            let mut ended = false;
            let result = {
                let mut on = |answered| match answered {
                    Answered::Text(text) => {
                        said = true;
                        let _ = events.send(Provided::Text { reply: id, text });
                    }
                    Answered::End { end, transfer } => {
                        ended = true;
                        let intent = match transfer {
                            Some(to) => Intent::Transfer(to),
                            None if end => Intent::HangUp,
                            None => Intent::Continue,
                        };
                        end_text(&events, id, intent);
                    }
                };
                webhook
                    .ask(&config, &question, unix_seconds(), &mut on)
                    .await
            };
            match result {
                Ok(()) if ended => {}
                Ok(()) => end_text(&events, id, Intent::Continue),
                Err(fault) if said || fallback.is_empty() => {
                    let _ = events.send(Provided::Fault(fault));
                }
                Err(fault) => {
                    tracing::warn!(%fault.detail, "Error of the webhook: the spoken fallback takes its place");
                    failed.because(fault.detail);
                    reply(&events, id, fallback, Intent::Continue, None);
                }
            }
        };
        let task = tokio::spawn(asking.in_current_span());
        self.asking = Some((asked.reply, task.abort_handle()));
    }

    fn question(&self, asked: &Asked<'_>) -> Question {
        Question {
            call_id: self.parties.call_id,
            call_sid: self.parties.call_sid.clone(),
            scenario: self.parties.scenario.clone(),
            direction: self.parties.direction,
            from: self.parties.from.clone(),
            to: self.parties.to.clone(),
            turn: asked.turn.0,
            reply: asked.reply.0,
            text: asked.text.to_owned(),
            digits: (!asked.digits.is_empty()).then(|| asked.digits.to_owned()),
            heard: asked
                .lines
                .iter()
                .filter_map(|line| heard_line(line, asked.turn))
                .collect(),
            hints: hints(asked.lines).map(|line| line.said.clone()).collect(),
        }
    }
}

/// A line that came before the turn.
fn heard_line(line: &Line, turn: TurnId) -> Option<HeardLine> {
    let speaker = match line.speaker {
        Speaker::Caller if line.turn != turn => "caller",
        Speaker::Agent => "agent",
        Speaker::Caller | Speaker::Whisper => return None,
    };
    let text = line.heard.clone();
    Some(HeardLine { speaker, text })
}

/// What the responder was told that the caller does not hear.
pub(super) fn hints(lines: &[Line]) -> impl Iterator<Item = &Line> {
    let whispered = |line: &&Line| line.speaker == Speaker::Whisper;
    lines.iter().filter(whispered)
}

fn said<'a>(asked: &Asked<'a>) -> Said<'a> {
    Said {
        text: asked.text,
        digits: (!asked.digits.is_empty()).then_some(asked.digits),
        silence: asked.cause == Cause::Silence,
    }
}

fn answered(events: &Sender, id: ReplyId, answer: Answer) {
    let intent = match answer.end {
        None => Intent::Continue,
        Some(End::HangUp) => Intent::HangUp,
        Some(End::Transfer(to)) => Intent::Transfer(to),
    };
    let expect = Some((answer.expect, answer.keys));
    reply(events, id, answer.text, intent, expect);
}

fn reply(
    events: &Sender,
    reply: ReplyId,
    text: String,
    intent: Intent,
    expect: Option<(Expect, u8)>,
) {
    let _ = events.send(Provided::Text { reply, text });
    let _ = events.send(Provided::TextEnd {
        reply,
        intent,
        expect,
    });
}

fn end_text(events: &Sender, reply: ReplyId, intent: Intent) {
    let _ = events.send(Provided::TextEnd {
        reply,
        intent,
        expect: None,
    });
}

fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs()
}

#[cfg(test)]
mod tests {
    use ringback_call::At;

    use super::*;

    #[test]
    fn a_web_service_is_told_what_came_before_the_turn_and_hints_by_themselves() {
        let line = |speaker, turn, said: &str| Line {
            speaker,
            turn: TurnId(turn),
            reply: None,
            said: said.to_owned(),
            heard: said.to_owned(),
            digits: String::new(),
            from: At(0),
            until: At(0),
            cut: false,
        };
        let lines = [
            line(Speaker::Caller, 1, "one"),
            line(Speaker::Agent, 1, "two"),
            line(Speaker::Whisper, 1, "three"),
            line(Speaker::Caller, 2, "four"),
            line(Speaker::Agent, 2, "five"),
            line(Speaker::Whisper, 2, "six"),
        ];
        let heard = lines.iter().filter_map(|line| heard_line(line, TurnId(2)));
        let heard: Vec<_> = heard.map(|line| (line.speaker, line.text)).collect();
        let expected = [("caller", "one"), ("agent", "two"), ("agent", "five")];
        assert_eq!(heard, expected.map(|(who, text)| (who, text.to_owned())));
        let told: Vec<_> = hints(&lines).map(|line| line.said.as_str()).collect();
        assert_eq!(told, ["three", "six"]);
    }
}
