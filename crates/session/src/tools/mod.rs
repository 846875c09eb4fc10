//! Tools of a call: what is carried out beside the conversation, and what becomes of it when the call ends.
//!
//! Each call of a tool is a task outside the call's own: an interruption does not end it. What comes of it goes back as
//! [`Provided::ToolDone`], always as text that a model can read.

pub(crate) mod dtmf;
mod http;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ringback_call::ToolCall;
use serde_json::{Map, Value};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use crate::provided::{Provided, Sender};
use crate::responder::webhook::Webhook;
use crate::scenario::Tool;
use http::Http;

/// What a model hears of a tool that it does not have.
pub(crate) const UNKNOWN: &str = "error: there is no such tool";
/// A side effect that has begun when the call ends, or when its time is over, may take so much longer.
const GRACE: Duration = Duration::from_secs(5);

/// How long a call of a tool may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    longest: Duration,
    side_effect: bool,
}

impl Bound {
    /// After `longest_ms` it counts as not answered. What is done by a side effect is worth knowing also a little later.
    pub(crate) fn of(longest_ms: u32, side_effect: bool) -> Self {
        let grace = if side_effect { GRACE } else { Duration::ZERO };
        Self {
            longest: Duration::from_millis(u64::from(longest_ms)) + grace,
            side_effect,
        }
    }
}

struct Task {
    handle: JoinHandle<()>,
    side_effect: bool,
}

/// The tools of one call, and those of its calls of them that run.
#[derive(Default)]
pub(crate) struct Tools {
    http: BTreeMap<String, Result<Arc<Http>, String>>,
    /// What is said of calls that need no carrying out.
    refusals: BTreeMap<String, String>,
    begun: BTreeSet<String>,
    tasks: Vec<Task>,
}

impl Drop for Tools {
    fn drop(&mut self) {
        self.abort_harmless();
    }
}

impl Tools {
    /// The tools of a scenario for a call. `refusals`: by name, what a model hears that calls a built-in tool wrongly.
    pub(crate) fn new(
        tools: &[Tool],
        refusals: BTreeMap<String, String>,
        webhook: &Arc<Webhook>,
        call_id: Uuid,
    ) -> Self {
        let http = tools.iter().map(|tool| {
            let http = Http::new(tool, Arc::clone(webhook), call_id);
            if let Err(why) = &http {
                tracing::error!(tool = %tool.name, %why, "Error: a tool is set up wrongly");
            }
            (tool.name.clone(), http.map(Arc::new))
        });
        Self {
            http: http.collect(),
            refusals,
            begun: BTreeSet::new(),
            tasks: Vec::new(),
        }
    }

    /// Carries out a call, once however often it is handed in.
    pub(crate) fn run(&mut self, call: &ToolCall, bound: Bound, events: &Sender) {
        if !self.begun.insert(call.id.clone()) {
            return;
        }
        self.tasks.retain(|task| !task.handle.is_finished());
        let (events, id) = (events.clone(), call.id.clone());
        let done = move |result: Result<String, String>| {
            let failed = result.is_err();
            let (Ok(result) | Err(result)) = result;
            let _ = events.send(Provided::ToolDone { id, result, failed });
        };
        let (http, request) = match self.prepare(call) {
            Ok(prepared) => prepared,
            Err(why) => return done(Err(why)),
        };
        let work = async move {
            let asked = timeout(bound.longest, http.ask(request)).await;
            done(asked.unwrap_or_else(|_| {
                Err(format!(
                    "error: no answer within {} ms",
                    bound.longest.as_millis()
                ))
            }));
        };
        self.tasks.push(Task {
            handle: tokio::spawn(work),
            side_effect: bound.side_effect,
        });
    }

    fn prepare(&self, call: &ToolCall) -> Result<(Arc<Http>, reqwest::Request), String> {
        if let Some(refusal) = self.refusals.get(&call.name) {
            return Err(refusal.clone());
        }
        let http = match self.http.get(&call.name) {
            Some(Ok(http)) => Arc::clone(http),
            Some(Err(_)) => return Err("error: this tool is set up wrongly".to_owned()),
            None => return Err(UNKNOWN.to_owned()),
        };
        let request = http.request(&arguments(&call.arguments)?, &call.id)?;
        Ok((http, request))
    }

    /// The call is over: what changes nothing ends at once, a side effect that has begun is waited for.
    pub(crate) async fn close(mut self) {
        self.abort_harmless();
        let until = Instant::now() + GRACE;
        for mut task in std::mem::take(&mut self.tasks) {
            if timeout_at(until, &mut task.handle).await.is_err() {
                tracing::warn!("Error: a tool was given up when its call had ended");
                task.handle.abort();
            }
        }
    }

    fn abort_harmless(&mut self) {
        for task in self.tasks.iter().filter(|task| !task.side_effect) {
            task.handle.abort();
        }
        self.tasks.retain(|task| task.side_effect);
    }
}

/// The arguments of a call; a model that needs none may write nothing.
fn arguments(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(_) | Err(_) => Err("error: the arguments are no JSON object; nothing was done".into()),
    }
}
