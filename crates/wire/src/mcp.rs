//! The Model Context Protocol as a client of tools speaks it over HTTP: JSON-RPC messages, one in each request, answered as JSON or
//! within a stream of events ([`crate::sse`]).
//!
//! After the specification's revision 2025-11-25 (lifecycle, transports, tools). Two older ones differ in nothing that is used
//! here.

use serde_json::{Map, Value, json};

use crate::Garbled;
use crate::short_text::short;

/// The revision that is asked for.
pub const VERSION: &str = "2025-11-25";
/// The revisions that are understood.
pub const VERSIONS: [&str; 3] = [VERSION, "2025-06-18", "2025-03-26"];
/// The header with the server's id of the session, on its answer to `initialize` and on every request after it. Answered with 404
/// once the session is over.
pub const SESSION_HEADER: &str = "mcp-session-id";
/// The header with the revision that was agreed upon, on every request after `initialize`.
pub const VERSION_HEADER: &str = "mcp-protocol-version";
/// What every request accepts.
pub const ACCEPT: &str = "application/json, text/event-stream";
/// The error of a request that is not known (JSON-RPC 2.0, 5.1).
const METHOD_NOT_FOUND: i64 = -32601;

/// The request that begins a session.
#[must_use]
pub fn initialize(id: u64, name: &str, version: &str) -> String {
    let params = json!({
        "protocolVersion": VERSION,
        "capabilities": {},
        "clientInfo": { "name": name, "version": version },
    });
    request(id, "initialize", params)
}

/// The notification behind the answer to [`initialize`].
#[must_use]
pub fn initialized() -> String {
    json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string()
}

/// Asks which tools there are, page by page.
#[must_use]
pub fn list_tools(id: u64, cursor: Option<&str>) -> String {
    let params = cursor.map_or_else(|| json!({}), |cursor| json!({ "cursor": cursor }));
    request(id, "tools/list", params)
}

/// Has a tool do its work.
#[must_use]
pub fn call_tool(id: u64, name: &str, arguments: &Map<String, Value>) -> String {
    request(
        id,
        "tools/call",
        json!({ "name": name, "arguments": arguments }),
    )
}

/// Says that the answer to a request is not waited for any more.
#[must_use]
pub fn cancelled(id: u64, reason: &str) -> String {
    json!({
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": { "requestId": id, "reason": reason },
    })
    .to_string()
}

/// The answer to a request of the server's: a ping is answered, anything else is not offered.
#[must_use]
pub fn answer(id: &Value, method: &str) -> String {
    if method == "ping" {
        return json!({ "jsonrpc": "2.0", "id": id, "result": {} }).to_string();
    }
    let error = json!({ "code": METHOD_NOT_FOUND, "message": "this client offers nothing" });
    json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()
}

fn request(id: u64, method: &str, params: Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

/// A message of the server's.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// What a request was answered.
    Answer {
        /// The request's id.
        id: u64,
        /// What it asked for.
        result: Value,
    },
    /// A request was refused.
    Refused {
        /// The request's id, where the server knows it.
        id: Option<u64>,
        /// JSON-RPC's number of the error.
        code: i64,
        /// In the server's words: one line of at most 200 characters.
        message: String,
    },
    /// The server asks for something.
    Request {
        /// Its id, a text or a number.
        id: Value,
        /// What it asks for.
        method: String,
    },
    /// The server tells something.
    Notification {
        /// What it tells of.
        method: String,
    },
}

/// Reads a message.
///
/// # Errors
/// No JSON, or none of these.
pub fn parse(text: &str) -> Result<Message, Garbled> {
    let mut message: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| Garbled::Json {
            line: error.line(),
            column: error.column(),
        })?;
    let id = message.remove("id").filter(|id| !id.is_null());
    if let Some(Value::String(method)) = message.remove("method") {
        return Ok(match id {
            Some(id) => Message::Request { id, method },
            None => Message::Notification { method },
        });
    }
    let number = id.as_ref().and_then(Value::as_u64);
    if let Some(error) = message.get("error") {
        return Ok(Message::Refused {
            id: number,
            code: error["code"].as_i64().unwrap_or_default(),
            message: short(error["message"].as_str().unwrap_or_default()),
        });
    }
    match (number, message.remove("result")) {
        (Some(id), Some(result)) => Ok(Message::Answer { id, result }),
        (_, None) => Err(missing("result")),
        (None, Some(_)) => Err(missing("id")),
    }
}

const fn missing(field: &'static str) -> Garbled {
    Garbled::Missing { kind: "MCP", field }
}

/// The revision in the answer to [`initialize`].
///
/// # Errors
/// There is none.
pub fn agreed_version(result: &Value) -> Result<&str, Garbled> {
    let version = result["protocolVersion"].as_str();
    version.ok_or(missing("protocolVersion"))
}

/// A tool of a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does, for models.
    pub description: String,
    /// The JSON schema of its arguments: always an object with `type` and `properties`.
    pub schema: Value,
    /// The server says that it changes nothing (`annotations.readOnlyHint`).
    pub read_only: bool,
}

/// A page of the list of tools, and where the next begins. What has no name is passed over.
///
/// # Errors
/// There is no list.
pub fn listed_tools(result: &Value) -> Result<(Vec<Tool>, Option<String>), Garbled> {
    let tools = result["tools"].as_array().ok_or(missing("tools"))?;
    let next = result["nextCursor"].as_str().map(str::to_owned);
    Ok((tools.iter().filter_map(tool).collect(), next))
}

fn tool(value: &Value) -> Option<Tool> {
    let mut schema = match &value["inputSchema"] {
        Value::Object(schema) => schema.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    };
    schema.entry("type").or_insert(json!("object"));
    schema.entry("properties").or_insert(json!({}));
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let (name, description, title) = (text("name"), text("description"), text("title"));
    (!name.is_empty()).then_some(Tool {
        name,
        description: if description.is_empty() {
            title
        } else {
            description
        },
        schema: Value::Object(schema),
        read_only: value["annotations"]["readOnlyHint"] == true,
    })
}

/// What came of a tool: its text, and whether it failed. What is no text is named in brackets; where there is no content, what is
/// structured stands for it.
#[must_use]
pub fn called(result: &Value) -> (String, bool) {
    let parts = result["content"].as_array();
    let parts: Vec<String> = parts.into_iter().flatten().map(content).collect();
    let mut text = parts.join("\n");
    if text.is_empty() && result["structuredContent"].is_object() {
        text = result["structuredContent"].to_string();
    }
    (text, result["isError"] == true)
}

fn content(part: &Value) -> String {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match part["type"].as_str() {
        Some("text") => text(&part["text"]).unwrap_or_default(),
        Some("resource") => text(&part["resource"]["text"]).unwrap_or("[resource]".to_owned()),
        Some("resource_link") => {
            format!("[link: {}]", part["uri"].as_str().unwrap_or_default())
        }
        Some(other) => format!("[{}]", short(other)),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    /// The examples of the specification's pages on lifecycle and tools, shortened.
    fn result(text: &str) -> Value {
        match parse(text).unwrap() {
            Message::Answer { result, .. } => result,
            other @ (Message::Refused { .. }
            | Message::Request { .. }
            | Message::Notification { .. }) => panic!("{other:?}"),
        }
    }

    #[test]
    fn requests_are_as_the_specification_writes_them() {
        let read = |text: String| serde_json::from_str::<Value>(&text).unwrap();
        let begun = read(initialize(1, "ringback", "1.0"));
        assert_eq!(begun["params"]["protocolVersion"], "2025-11-25");
        assert_eq!(begun["params"]["clientInfo"]["name"], "ringback");
        assert_eq!(begun["params"]["capabilities"], json!({}));
        let expected = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(read(initialized()), expected);
        let expected = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {"cursor": "next-page"}});
        assert_eq!(read(list_tools(2, Some("next-page"))), expected);
        let mut arguments = Map::new();
        arguments.insert("location".to_owned(), json!("New York"));
        let expected = json!({"jsonrpc": "2.0", "id": 3, "method": "tools/call",
            "params": {"name": "get_weather", "arguments": {"location": "New York"}}});
        assert_eq!(read(call_tool(3, "get_weather", &arguments)), expected);
        let expected = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
            "params": {"requestId": 3, "reason": "late"}});
        assert_eq!(read(cancelled(3, "late")), expected);
    }

    #[test]
    fn the_servers_requests_are_answered() {
        let text = r#"{"jsonrpc":"2.0","id":"a-1","method":"ping"}"#;
        let Message::Request { id, method } = parse(text).unwrap() else {
            panic!("{text}")
        };
        let expected = r#"{"id":"a-1","jsonrpc":"2.0","result":{}}"#;
        assert_eq!(answer(&id, &method), expected);
        assert!(answer(&json!(7), "roots/list").contains("-32601"));
        let told = parse(r#"{"jsonrpc":"2.0","method":"notifications/progress"}"#).unwrap();
        let method = "notifications/progress".to_owned();
        assert_eq!(told, Message::Notification { method });
    }

    #[test]
    fn tools_are_listed_with_a_schema_that_models_take() {
        let page = result(
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[
            {"name":"get_weather","title":"Weather","description":"Current weather","annotations":{"readOnlyHint":true},
             "inputSchema":{"type":"object","properties":{"location":{"type":"string"}},"required":["location"]}},
            {"name":"now","title":"The time","inputSchema":{"type":"object","additionalProperties":false}},{"title":"none"}],
            "nextCursor":"next-page"}}"#,
        );
        let (tools, next) = listed_tools(&page).unwrap();
        assert_eq!(next.as_deref(), Some("next-page"));
        assert_eq!(tools.len(), 2);
        assert!(tools[0].read_only && !tools[1].read_only);
        assert_eq!(tools[1].description, "The time");
        let expected = json!({"type": "object", "additionalProperties": false, "properties": {}});
        assert_eq!(tools[1].schema, expected);
        assert!(listed_tools(&json!({})).is_err());
    }

    #[test]
    fn what_came_of_a_tool_is_text() {
        let check = |result: Value, text: &str, failed| {
            assert_eq!(called(&result), (text.to_owned(), failed));
        };
        check(
            json!({"content": [{"type": "text", "text": "72"}, {"type": "image", "data": "x"},
            {"type": "resource_link", "uri": "file:///a"}, {"type": "resource", "resource": {"text": "b"}}], "isError": false}),
            "72\n[image]\n[link: file:///a]\nb",
            false,
        );
        check(
            json!({"content": [{"type": "text", "text": "must be in the future"}], "isError": true}),
            "must be in the future",
            true,
        );
        check(
            json!({"content": [], "structuredContent": {"a": 1}}),
            r#"{"a":1}"#,
            false,
        );
        check(json!({}), "", false);
    }

    #[test]
    fn errors_carry_the_servers_words_and_what_is_no_message_is_garbled() {
        let refused = parse(
            r#"{"jsonrpc":"2.0","id":3,"error":{"code":-32602,"message":"Unknown tool: x\n"}}"#,
        );
        let expected = Message::Refused {
            id: Some(3),
            code: -32602,
            message: "Unknown tool: x".to_owned(),
        };
        assert_eq!(refused, Ok(expected));
        let nobodys =
            parse(r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Bad"},"id":null}"#);
        assert!(matches!(nobodys, Ok(Message::Refused { id: None, .. })));
        for text in [
            "",
            "[]",
            "7",
            "{}",
            r#"{"id":1}"#,
            r#"{"result":{}}"#,
            r#"{"id":"x","result":{}}"#,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(
            agreed_version(&json!({"protocolVersion": "2025-06-18"})),
            Ok("2025-06-18")
        );
        assert!(agreed_version(&json!({})).is_err());
    }
}
