//! Tools of a call: what is carried out beside the conversation, and what becomes of it when the call ends.
//!
//! Each call of a tool is a task outside the call's own: an interruption does not end it. What comes of it goes back as
//! [`Provided::ToolDone`], always as text that a model can read.

pub(crate) mod dtmf;
mod http;
mod mcp;
#[cfg(test)]
mod mcp_tests;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use ringback_call::ToolCall;
use serde_json::{Map, Value};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::provided::{Provided, Sender};
use crate::responder::webhook::Webhook;
use crate::scenario::Toolkit;
use crate::scenario::mcp::told_name;
use http::{Http, header_map};
use mcp::Server;

pub(crate) use mcp::McpCatalog;

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

/// What carries a tool out.
#[derive(Clone)]
enum Means {
    Http(Arc<Http>),
    /// A server, and its own name of the tool.
    Mcp(Arc<Server>, String),
}

/// A call that is ready to be carried out.
enum Prepared {
    Http(Arc<Http>, Box<reqwest::Request>),
    Mcp {
        server: Arc<Server>,
        number: u64,
        name: String,
        arguments: Map<String, Value>,
    },
}

impl Prepared {
    async fn carry_out(self, longest: Duration) -> Result<String, String> {
        let late = || {
            let limit_ms = longest.as_millis();
            tracing::warn!(%limit_ms, "Error of a tool: it did not answer in time");
            Err(format!("error: no answer within {limit_ms} ms"))
        };
        match self {
            Self::Http(http, request) => {
                let asked = timeout(longest, http.ask(*request)).await;
                asked.unwrap_or_else(|_| late())
            }
            Self::Mcp {
                server,
                number,
                name,
                arguments,
            } => match timeout(longest, server.call(number, &name, &arguments)).await {
                Ok(answered) => answered,
                Err(_) => {
                    let cancelling = async move { server.cancel(number).await };
                    tokio::spawn(cancelling.in_current_span());
                    late()
                }
            },
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
    means: BTreeMap<String, Result<Means, String>>,
    servers: Vec<Arc<Server>>,
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
        kit: &Toolkit,
        refusals: BTreeMap<String, String>,
        webhook: &Arc<Webhook>,
        call_id: Uuid,
    ) -> Self {
        let mut tools = Self::default();
        tools.refusals = refusals;
        for tool in &kit.tools {
            let http = Http::new(tool, Arc::clone(webhook), call_id);
            if let Err(why) = &http {
                tracing::error!(tool = %tool.name, %why, "Error: a tool is set up wrongly");
            }
            let means = http.map(|http| Means::Http(Arc::new(http)));
            tools.means.insert(tool.name.clone(), means);
        }
        for settings in &kit.mcp {
            let server = Server::new(settings, Arc::clone(webhook)).map(Arc::new);
            if let Err(why) = &server {
                tracing::error!(%why, "Error: a server of tools is set up wrongly");
            }
            for name in &settings.allow {
                let means = server
                    .clone()
                    .map(|server| Means::Mcp(server, name.clone()));
                tools.means.insert(told_name(name), means);
            }
            tools.servers.extend(server);
        }
        tools
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
        let prepared = match self.prepare(call) {
            Ok(prepared) => prepared,
            Err(why) => return done(Err(why)),
        };
        // In the call's span: its log lines have the call's name.
        let span = tracing::error_span!("tool", tool = %call.name);
        let work = async move { done(prepared.carry_out(bound.longest).await) };
        self.tasks.push(Task {
            handle: tokio::spawn(work.instrument(span)),
            side_effect: bound.side_effect,
        });
    }

    fn prepare(&self, call: &ToolCall) -> Result<Prepared, String> {
        if let Some(refusal) = self.refusals.get(&call.name) {
            return Err(refusal.clone());
        }
        let means = match self.means.get(&call.name) {
            Some(Ok(means)) => means.clone(),
            Some(Err(_)) => return Err("error: this tool is set up wrongly".to_owned()),
            None => return Err(UNKNOWN.to_owned()),
        };
        let arguments = arguments(&call.arguments)?;
        Ok(match means {
            Means::Http(http) => {
                let request = Box::new(http.request(&arguments, &call.id)?);
                Prepared::Http(http, request)
            }
            Means::Mcp(server, name) => Prepared::Mcp {
                number: server.number(),
                server,
                name,
                arguments,
            },
        })
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
        join_all(self.servers.iter().map(|server| server.close())).await;
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
