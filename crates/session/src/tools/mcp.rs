//! Tools of MCP servers: which there are, found out while the telephone rings and remembered between calls, and the session in which
//! a call has them do their work.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Request, Response};
use ringback_call::ToolSpec;
use ringback_wire::mcp::{self as wire, Message, Tool};
use ringback_wire::sse::Decoder;
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::header_map;
use crate::responder::webhook::Webhook;
use crate::scenario::McpServer;
use crate::scenario::mcp::told_name;

/// So long what a server offers is remembered.
const FRESH: Duration = Duration::from_secs(300);
/// Finding it out may take so long.
const FIND: Duration = Duration::from_secs(10);
/// Saying goodbye may take so long.
const FAREWELL: Duration = Duration::from_secs(2);
/// The longest answer, in bytes.
const MOST: usize = 1 << 20;
/// The longest result for a model, in bytes.
const LONGEST: usize = 16 * 1024;
/// Pages of a list of tools.
const PAGES: usize = 16;

/// What went wrong.
#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    /// The session is over: nothing was done.
    Expired,
    /// For the model.
    Said(String),
}

/// A session with a server.
#[derive(Clone, Debug)]
struct Session {
    id: Option<HeaderValue>,
    version: HeaderValue,
}

/// A server, as one call or the catalog asks it.
pub(super) struct Server {
    settings: McpServer,
    headers: HeaderMap,
    webhook: Arc<Webhook>,
    next: AtomicU64,
    session: tokio::sync::Mutex<Option<Session>>,
}

impl Server {
    /// # Errors
    /// Which secret cannot be read.
    pub(super) fn new(settings: &McpServer, webhook: Arc<Webhook>) -> Result<Self, String> {
        Ok(Self {
            settings: settings.clone(),
            headers: header_map(&settings.headers, &webhook.secrets)?,
            webhook,
            next: AtomicU64::new(1),
            session: tokio::sync::Mutex::new(None),
        })
    }

    /// The number of a request.
    pub(super) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Has a tool do its work. A session that was over is begun again, once.
    ///
    /// # Errors
    /// What went wrong, for the model.
    pub(super) async fn call(
        &self,
        number: u64,
        name: &str,
        arguments: &Map<String, Value>,
    ) -> Result<String, String> {
        let body = wire::call_tool(number, name, arguments);
        let mut result = self.ask(number, body.clone()).await;
        if result == Err(Wrong::Expired) {
            result = self.ask(number, body).await;
        }
        let (text, failed) = match result {
            Ok(result) => wire::called(&result),
            Err(Wrong::Said(why)) => return Err(why),
            Err(Wrong::Expired) => return Err("error: this tool's server ended its session".into()),
        };
        let text = text[..text.floor_char_boundary(LONGEST)].trim();
        match (failed, text.is_empty()) {
            (true, _) => Err(format!("error: {text}")),
            (false, true) => Ok("done".to_owned()),
            (false, false) => Ok(text.to_owned()),
        }
    }

    /// A session that is over is forgotten.
    async fn ask(&self, number: u64, body: String) -> Result<Value, Wrong> {
        let session = self.session().await?;
        let asked = self.request(Some(&session), number, body).await;
        if asked.as_ref().is_err_and(|wrong| *wrong == Wrong::Expired) {
            let mut kept = self.session.lock().await;
            kept.take_if(|kept| kept.id == session.id);
        }
        asked.map(|(result, _)| result)
    }

    /// The session, begun if there is none.
    async fn session(&self) -> Result<Session, Wrong> {
        let mut kept = self.session.lock().await;
        if let Some(session) = &*kept {
            return Ok(session.clone());
        }
        let number = self.number();
        let body = wire::initialize(number, "ringback", env!("CARGO_PKG_VERSION"));
        let (result, headers) = self.request(None, number, body).await?;
        let version = wire::agreed_version(&result).map_err(|garbled| self.wrong(&garbled))?;
        let known = wire::VERSIONS.into_iter().find(|known| *known == version);
        let Some(version) = known else {
            return Err(self.wrong(&"it speaks a revision that is not understood"));
        };
        let session = Session {
            id: headers.get(wire::SESSION_HEADER).cloned(),
            version: HeaderValue::from_static(version),
        };
        self.tell(&session, wire::initialized()).await?;
        Ok(kept.insert(session).clone())
    }

    /// All tools.
    async fn tools(&self) -> Result<Vec<Tool>, Wrong> {
        let mut tools = Vec::new();
        let mut cursor = None;
        for _ in 0..PAGES {
            let number = self.number();
            let body = wire::list_tools(number, cursor.as_deref());
            let result = self.ask(number, body).await?;
            let page = wire::listed_tools(&result).map_err(|garbled| self.wrong(&garbled))?;
            tools.extend(page.0);
            cursor = page.1;
            if cursor.is_none() {
                break;
            }
        }
        Ok(tools)
    }

    /// A request is not waited for any more.
    pub(super) async fn cancel(&self, number: u64) {
        let session = self.session.lock().await.clone();
        if let Some(session) = session {
            let told = self.tell(&session, wire::cancelled(number, "no answer in time"));
            let _ = timeout(FAREWELL, told).await;
        }
    }

    /// Ends the session, if there is one that the server keeps.
    pub(super) async fn close(&self) {
        let session = self.session.lock().await.take();
        if let Some(session) = session.filter(|session| session.id.is_some()) {
            let request = self.http(Method::DELETE, Some(&session), None);
            let _ = timeout(FAREWELL, self.send(request)).await;
        }
    }

    fn http(&self, method: Method, session: Option<&Session>, body: Option<String>) -> Request {
        let mut request = Request::new(method, self.settings.url.clone());
        let mut headers = self.headers.clone();
        if let Some(body) = body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(ACCEPT, HeaderValue::from_static(wire::ACCEPT));
            *request.body_mut() = Some(body.into());
        }
        if let Some(session) = session {
            headers.insert(wire::VERSION_HEADER, session.version.clone());
            if let Some(id) = &session.id {
                headers.insert(wire::SESSION_HEADER, id.clone());
            }
        }
        *request.headers_mut() = headers;
        request
    }

    async fn send(&self, request: Request) -> Result<Response, Wrong> {
        let sent = self.webhook.send(request, self.settings.allow_private);
        sent.await.map_err(|fault| self.wrong(&fault.detail))
    }

    fn wrong(&self, why: &dyn std::fmt::Display) -> Wrong {
        let host = self.settings.url.host_str().unwrap_or_default();
        tracing::warn!(host, %why, "Error of a server of MCP tools");
        Wrong::Said("error: the server behind this tool gave no proper answer".to_owned())
    }

    /// The whole answer is one text, of which a part cannot be read.
    fn too_long(&self) -> Wrong {
        let most = MOST / 1024;
        let _ = self.wrong(&format!("its answer is longer than {most} KB"));
        let why =
            format!("error: the answer of this tool is longer than {most} KB and was not read");
        Wrong::Said(why)
    }

    async fn tell(&self, session: &Session, body: String) -> Result<(), Wrong> {
        let request = self.http(Method::POST, Some(session), Some(body));
        let response = self.send(request).await?;
        self.must_succeed(&response, Some(session))
    }

    fn must_succeed(&self, response: &Response, session: Option<&Session>) -> Result<(), Wrong> {
        let status = response.status();
        let has_session = session.is_some_and(|session| session.id.is_some());
        match status.as_u16() {
            404 if has_session => Err(Wrong::Expired),
            200..300 => Ok(()),
            status => Err(self.wrong(&format!("it answered {status}"))),
        }
    }

    /// Sends a request and reads its answer, in either form.
    async fn request(
        &self,
        session: Option<&Session>,
        number: u64,
        body: String,
    ) -> Result<(Value, HeaderMap), Wrong> {
        let request = self.http(Method::POST, session, Some(body));
        let mut response = self.send(request).await?;
        self.must_succeed(&response, session)?;
        let headers = response.headers().clone();
        let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let streams = kind.is_some_and(|kind| kind.starts_with(b"text/event-stream"));
        let mut decoder = Decoder::with_limits(MOST, MOST);
        let mut bytes = Vec::new();
        let mut total = 0;
        loop {
            let chunk = response.chunk().await;
            let chunk = chunk.map_err(|_| self.wrong(&"it broke off its answer"))?;
            total += chunk.as_ref().map_or(0, |chunk| chunk.len());
            if total > MOST {
                return Err(self.too_long());
            }
            let event = match &chunk {
                Some(chunk) if streams => {
                    let pushed = decoder.push(chunk);
                    pushed.map_err(|_| self.too_long())?;
                    None
                }
                Some(chunk) => {
                    bytes.extend_from_slice(chunk);
                    continue;
                }
                None if streams => decoder.finish(),
                None => {
                    let text = String::from_utf8_lossy(&bytes);
                    let result = self.take(session, number, &text).await?;
                    let result = result.ok_or_else(|| self.wrong(&"it answered something else"));
                    return result.map(|result| (result, headers));
                }
            };
            let events = std::iter::from_fn(|| decoder.poll()).chain(event);
            for event in events.collect::<Vec<_>>() {
                if let Some(result) = self.take(session, number, &event.data).await? {
                    return Ok((result, headers));
                }
            }
            if chunk.is_none() {
                return Err(self.wrong(&"it ended its answer too early"));
            }
        }
    }

    /// The result, if the message is the answer to this request.
    async fn take(
        &self,
        session: Option<&Session>,
        number: u64,
        text: &str,
    ) -> Result<Option<Value>, Wrong> {
        match wire::parse(text).map_err(|garbled| self.wrong(&garbled))? {
            Message::Answer { id, result } if id == number => Ok(Some(result)),
            Message::Refused { id, code, message } if id.is_none_or(|id| id == number) => {
                let why = format!("it refused with {code}");
                let _ = self.wrong(&why);
                Err(Wrong::Said(format!("error: {message}")))
            }
            Message::Request { id, method } => {
                if let Some(session) = session {
                    Box::pin(self.tell(session, wire::answer(&id, &method))).await?;
                }
                Ok(None)
            }
            Message::Answer { .. } | Message::Refused { .. } | Message::Notification { .. } => {
                Ok(None)
            }
        }
    }
}

/// What servers offer, by server.
#[derive(Debug, Default)]
pub(crate) struct McpCatalog(Mutex<BTreeMap<String, Offer>>);

#[derive(Debug, Default)]
struct Offer {
    tools: Option<Arc<Vec<Tool>>>,
    at: Option<Instant>,
    asking: bool,
}

impl McpCatalog {
    /// What a server offered when it was last asked.
    fn tools(&self, settings: &McpServer) -> Option<Arc<Vec<Tool>>> {
        let offers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        offers.get(&key(settings))?.tools.clone()
    }

    /// The tools of a server that a scenario allows, with the names by which models know them.
    pub(crate) fn allowed(&self, settings: &McpServer) -> Vec<(String, Tool)> {
        let tools = self.tools(settings);
        let allowed = |tool: &&Tool| settings.allow.contains(&tool.name);
        let tools = tools.iter().flat_map(|tools| tools.iter()).filter(allowed);
        tools
            .map(|tool| (told_name(&tool.name), tool.clone()))
            .collect()
    }

    /// Tools of which their server says that they change nothing, where the scenario does not say otherwise.
    pub(crate) fn refine(&self, servers: &[McpServer], specs: &mut [ToolSpec]) {
        let silent = servers.iter().filter(|server| server.side_effect.is_none());
        for (name, tool) in silent.flat_map(|server| self.allowed(server)) {
            let of_tool = |spec: &&mut ToolSpec| spec.name == name;
            if let Some(spec) = specs.iter_mut().find(of_tool) {
                spec.side_effect = !tool.read_only;
            }
        }
    }

    /// Has a server asked in the background, unless what it offers is known. Within a runtime.
    pub(crate) fn warm(self: &Arc<Self>, settings: &McpServer, webhook: &Arc<Webhook>) {
        let key = key(settings);
        {
            let mut offers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let offer = offers.entry(key.clone()).or_default();
            let fresh = offer.at.is_some_and(|at| at.elapsed() < FRESH);
            if offer.asking || fresh {
                return;
            }
            offer.asking = true;
        }
        let (catalog, settings, webhook) =
            (Arc::clone(self), settings.clone(), Arc::clone(webhook));
        tokio::spawn(async move {
            let found = timeout(FIND, find(&settings, webhook)).await;
            let found = found.unwrap_or_else(|_| Err("it did not say in time".to_owned()));
            let mut offers = catalog.0.lock().unwrap_or_else(PoisonError::into_inner);
            let offer = offers.entry(key).or_default();
            offer.asking = false;
            match found {
                Ok(tools) => {
                    offer.tools = Some(Arc::new(tools));
                    offer.at = Some(Instant::now());
                }
                Err(why) => {
                    let host = settings.url.host_str().unwrap_or_default();
                    tracing::warn!(host, why, "Error: the tools of a server are not known");
                }
            }
        });
    }
}

/// Servers are told apart by what they are sent: others may be offered other tools.
fn key(settings: &McpServer) -> String {
    format!("{} {:?}", settings.url, settings.headers)
}

async fn find(settings: &McpServer, webhook: Arc<Webhook>) -> Result<Vec<Tool>, String> {
    let server = Server::new(settings, webhook)?;
    let tools = server.tools().await;
    server.close().await;
    match tools {
        Ok(tools) => {
            for name in &settings.allow {
                if !tools.iter().any(|tool| tool.name == *name) {
                    tracing::warn!(name, "Error: a server of MCP tools does not have this one");
                }
            }
            Ok(tools)
        }
        Err(Wrong::Said(why)) => Err(why),
        Err(Wrong::Expired) => Err("it ended the session at once".to_owned()),
    }
}
