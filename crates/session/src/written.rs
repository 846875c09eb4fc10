//! A scenario talked to in writing: the same core, responder, tools and limits as in a call, without sound.
//!
//! Its clock runs only while the agent works. What a voice would need to say the replies takes no time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ringback_call::{At, Call, Direction, Fault, Line, Party, Speaker, ToolLine, Usage};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::begin::spec;
use crate::carrier::twilio::Messages;
use crate::engines::Engines;
use crate::live::{Live, Parts};
use crate::news::{Follower, News};
use crate::provided::{Provided, Receiver, Sender, noting};
use crate::responder::script::Hearing;
use crate::responder::{Parties, responder};
use crate::scenario::{Responder, Scenario};
use crate::setup::manner;
use crate::stt::Ears;
use crate::tts::{Command, Speaker as Voice, Spoken, Started, Voices};
use crate::used::Used;

/// What stands for the speech of a sentence: 20 ms that are loud.
const SPEECH: [u8; 160] = [0x80; 160];

/// What the agent did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// More of its reply: a sentence, with the space before it.
    Text(String),
    /// A tool was called, or has ended.
    Tool {
        /// Which.
        name: String,
        /// `running`, `answered` or `failed`.
        state: &'static str,
    },
}

/// A line of the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenLine {
    /// Whose it is.
    pub speaker: Speaker,
    /// The text, with keys where the caller pressed some.
    pub text: String,
}

/// A conversation in writing. Dropped, whatever is asked for it is closed.
pub struct Written {
    live: Box<Live>,
    commands: UnboundedReceiver<Command>,
    news: UnboundedReceiver<News>,
    wrote: VecDeque<Wrote>,
    /// What was told of tools: of each whether it had ended.
    tools: Vec<bool>,
    /// What the agent said since the caller did, and why, should it be an apology.
    reply: String,
    fault: Option<String>,
    books: Books,
    clock: Clock,
}

/// What failed since somebody was told, and what was used until then.
#[derive(Default)]
struct Books {
    faults: Vec<Fault>,
    told: Vec<Usage>,
}

/// A clock that stands still while nobody works.
#[derive(Default)]
struct Clock {
    spent: u64,
    since: Option<Instant>,
}

impl Clock {
    fn at(&self) -> At {
        let now = self.since.map_or(Duration::ZERO, |since| since.elapsed());
        let now = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        At(self.spent.saturating_add(now))
    }

    fn run(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    fn stop(&mut self) {
        self.spent = self.at().0;
        self.since = None;
    }

    /// Time that nobody has to wait for has passed.
    fn jump(&mut self, to: At) {
        self.spent = self.spent.saturating_add(to.since(self.at()));
    }
}

impl Engines {
    /// Begins a conversation of a scenario in writing: within a runtime. The greeting comes with [`Written::next`].
    ///
    /// # Errors
    /// Nothing can answer: the variable that is not set, where there is one.
    pub fn write(
        self: &Arc<Self>,
        id: Uuid,
        scenario: &Arc<Scenario>,
        direction: Direction,
        company: &str,
    ) -> Result<Written, Option<&'static str>> {
        let (Some(wanted), passed_over) = self.responder_of_call(scenario) else {
            let own_key = |responder: &Responder| matches!(responder, Responder::Model(model) if model.key.is_some());
            let own_key = scenario.engines.responders.iter().any(own_key);
            return Err((!own_key).then_some("OPENAI_API_KEY"));
        };
        for server in &scenario.persona.toolkit.mcp {
            self.mcp.warm(server, &self.webhook);
        }
        let parties = Parties {
            call_id: id,
            call_sid: String::new(),
            scenario: scenario.slug.clone(),
            direction,
            from: String::new(),
            to: String::new(),
        };
        let mut spec = spec((scenario, Some(wanted)), direction, company, self);
        spec.turn.speculate = false;
        let hearing = (company, Hearing::Speech);
        let responder = responder((scenario, Some(wanted)), self, parties, hearing);
        let events: (Sender, Receiver) = noting(passed_over);
        let (voices, commands) = silent(scenario, &events.0);
        let (tell, news) = mpsc::unbounded_channel();
        let follower = Follower::new(move |told| {
            if matches!(told, News::Speaking(_) | News::Fault(_)) {
                let _ = tell.send(told);
            }
        });
        let parts = Parts {
            engines: Arc::clone(self),
            ears: Ears::none(),
            voices,
            responder,
            recorder: None,
            events,
            max_cost_millionths: scenario.limits.max_cost_millionths,
            follower,
        };
        let messages = Messages::new(String::new());
        let mut written = Written {
            live: Box::new(Live::new(Call::new(spec), messages, parts)),
            commands,
            news,
            wrote: VecDeque::new(),
            tools: Vec::new(),
            reply: String::new(),
            fault: None,
            books: Books::default(),
            clock: Clock::default(),
        };
        written.live.answered_in_writing(At::default());
        Ok(written)
    }
}

/// A voice that says nothing, and what it is asked to say.
fn silent(scenario: &Scenario, events: &Sender) -> (Voices, UnboundedReceiver<Command>) {
    let (asked, commands) = mpsc::unbounded_channel();
    let voice = Started {
        speaker: Voice::Stream(asked),
        name: "text",
        model: String::new(),
        voice: String::new(),
        health: None,
    };
    let (rest, lines) = (VecDeque::new(), Arc::default());
    let manner = manner(scenario);
    let voices = Voices::new(voice, rest, manner, lines, events.clone(), None);
    (voices, commands)
}

impl Written {
    /// The caller says something. What the agent does then comes with [`Written::next`].
    pub fn say(&mut self, text: &str) {
        self.reply.clear();
        self.fault = None;
        let at = self.clock.at();
        self.live.written(at, text);
    }

    /// What the agent does next; `None` when it waits for the caller, or the conversation is over. Dropped while it waits, nothing
    /// is lost.
    pub async fn next(&mut self) -> Option<Wrote> {
        self.clock.run();
        let wrote = self.work().await;
        self.clock.stop();
        wrote
    }

    async fn work(&mut self) -> Option<Wrote> {
        loop {
            self.settle();
            if let Some(wrote) = self.wrote.pop_front() {
                return Some(wrote);
            }
            if self.is_over() || self.live.call.awaits_caller() {
                return None;
            }
            let at = self.clock.at();
            let due = self.live.call.deadline().map(|(due, _)| due);
            let wait = due.map_or(Duration::MAX, |due| Duration::from_micros(due.since(at)));
            tokio::select! {
                biased;
                Some(provided) = self.live.provided.recv() => {
                    let at = self.clock.at();
                    self.live.take(at, provided);
                }
                () = sleep(wait) => {
                    let at = due.unwrap_or_default().max(self.clock.at());
                    self.live.wake_in_writing(at);
                }
            }
        }
    }

    /// Does all that needs no waiting.
    fn settle(&mut self) {
        loop {
            let at = self.clock.at();
            self.live.poll_engines(at);
            let spoke = self.speak(at);
            while self.live.poll_message().is_some() {}
            if !spoke && !self.pass_time() {
                break;
            }
        }
        self.catch_up();
    }

    /// What the voice is asked for is spoken at once.
    fn speak(&mut self, at: At) -> bool {
        let mut spoke = false;
        while let Ok(command) = self.commands.try_recv() {
            // Nothing of what is cancelled is still to come.
            let Command::Speak { reply, part, .. } = command else {
                continue;
            };
            let speech = Spoken::Audio {
                reply,
                part,
                mulaw: SPEECH.to_vec(),
            };
            for spoken in [speech, Spoken::Done { reply, part }] {
                self.live.take(at, Provided::Spoken { engine: 0, spoken });
            }
            spoke = true;
        }
        spoke
    }

    /// Goes on to the next moment at which something happens, if only hearing what was said is waited for.
    fn pass_time(&mut self) -> bool {
        let call = &self.live.call;
        let waits = call.is_being_heard() && !call.runs_tools() && !call.is_over();
        let Some((due, _)) = call.deadline().filter(|_| waits) else {
            return false;
        };
        self.clock.jump(due);
        self.live.wake_in_writing(due.max(self.clock.at()));
        true
    }

    /// What is new since it was told.
    fn catch_up(&mut self) {
        while let Ok(news) = self.news.try_recv() {
            match news {
                News::Speaking(text) => self.spoke(&text),
                News::Fault(fault) if fault.party == Party::Responder => {
                    self.fault = Some(fault.detail.clone());
                    self.books.faults.push(fault);
                }
                News::Fault(_)
                | News::Began { .. }
                | News::Files(_)
                | News::Hearing(_)
                | News::Line { .. }
                | News::Lines(_)
                | News::Turn(_)
                | News::Tool { .. }
                | News::Level { .. } => {}
            }
        }
        let lines = self.live.call.tools();
        for (number, line) in lines.iter().enumerate() {
            if number >= self.tools.len() {
                self.tools.push(false);
                self.wrote.push_back(tool(line, "running"));
            }
            if let Some(result) = line.result.as_ref().filter(|_| !self.tools[number]) {
                self.tools[number] = true;
                let state = if result.failed { "failed" } else { "answered" };
                self.wrote.push_back(tool(line, state));
            }
        }
    }

    fn spoke(&mut self, text: &str) {
        let space = if self.reply.is_empty() { "" } else { " " };
        let more = format!("{space}{text}");
        self.reply.push_str(&more);
        self.wrote.push_back(Wrote::Text(more));
    }

    /// What the agent said since the caller did, as far as it was told.
    pub fn reply(&self) -> &str {
        &self.reply
    }

    /// Why the agent could only apologise, or say a webhook's fallback, with the name of what failed; `None` where it did not.
    pub fn failure(&self) -> Option<String> {
        if let Some(detail) = self.live.responder.failed() {
            return Some(detail);
        }
        let apology = &self.live.call.spec().lines.apology;
        if apology.is_empty() || !self.reply.contains(apology) {
            return None;
        }
        let name = self.live.responder.name();
        Some(match &self.fault {
            Some(detail) if detail.starts_with(name) => detail.clone(),
            Some(detail) => format!("{name}: {detail}"),
            None => format!("{name} did not answer in time"),
        })
    }

    /// What was used of models since this was asked last, and how they failed.
    pub fn take_used(&mut self) -> Used {
        let mut all = Used::default();
        let entries = self.live.call.usage().iter();
        // The voice is none.
        for entry in entries.filter(|entry| entry.usage.party == Party::Responder) {
            all.add(&entry.usage);
        }
        let usage = all.beyond(&self.books.told);
        self.books.told = all.usage;
        Used {
            usage,
            faults: std::mem::take(&mut self.books.faults),
        }
    }

    /// Nobody reads on. What is asked for the reply is closed; what was written of it stays.
    pub fn leave(&mut self) {
        let at = self.clock.at();
        self.live.stop_writing(at);
        self.settle();
        self.clock.stop();
        self.wrote.clear();
    }

    /// The conversation is to end with what the agent says next.
    pub fn finish(&mut self) {
        let at = self.clock.at();
        self.live.finish(at);
    }

    /// Whether it has ended.
    pub fn is_over(&self) -> bool {
        self.live.is_over()
    }

    /// The conversation so far.
    pub fn lines(&self) -> Vec<WrittenLine> {
        let lines = self.live.call.lines().iter();
        lines.map(written_line).collect()
    }
}

impl Drop for Written {
    /// Side effects that have begun are waited for, for a few seconds.
    fn drop(&mut self) {
        let tools = self.live.responder.take_tools();
        if let Some((tools, runtime)) = tools.zip(Handle::try_current().ok()) {
            runtime.spawn(tools.close());
        }
    }
}

fn tool(line: &ToolLine, state: &'static str) -> Wrote {
    let name = line.call.name.clone();
    Wrote::Tool { name, state }
}

fn written_line(line: &Line) -> WrittenLine {
    let text = match line.digits.as_str() {
        "" => line.said.clone(),
        digits => format!("{} {digits}#", line.said).trim().to_owned(),
    };
    WrittenLine {
        speaker: line.speaker,
        text,
    }
}
