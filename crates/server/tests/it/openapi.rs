//! The document of the API says of every route what a client must know, and says it truly.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use ringback_server::openapi;
use ringback_server::routes::{Protection, ROUTES, Route};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tower::ServiceExt;

use crate::accounts;
use crate::server::*;

fn document() -> Value {
    serde_json::from_str(&openapi::text().unwrap()).unwrap()
}

fn operation<'a>(document: &'a Value, route: &Route) -> &'a Value {
    let operation = &document["paths"][route.path][route.method.to_lowercase()];
    assert!(operation.is_object(), "{} {}", route.method, route.path);
    operation
}

/// What a reference points to, or the value itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document
            .pointer(reference.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("{reference}")),
        None => value,
    }
}

/// Whether every kind of a body has an example, its own or its schema's.
fn has_examples(document: &Value, content: &Value) -> bool {
    let kinds = content.as_object().unwrap().values();
    kinds.into_iter().all(|kind| {
        let schema = &kind["schema"];
        let schema = match schema["type"] == "array" {
            true => &schema["items"],
            false => schema,
        };
        let schema = resolved(document, schema);
        [&kind["example"], &kind["examples"], &schema["example"]]
            .iter()
            .any(|example| !example.is_null())
    })
}

/// The fields that a schema tells of, and those that must be there. `None` where any other may be there, too.
fn fields<'a>(
    document: &'a Value,
    schema: &'a Value,
) -> Option<(BTreeMap<&'a str, &'a Value>, BTreeSet<&'a str>)> {
    let schema = resolved(document, schema);
    if !schema["additionalProperties"].is_null() && schema["additionalProperties"] != false {
        return None;
    }
    let own = schema["properties"].as_object();
    let own = own
        .into_iter()
        .flatten()
        .map(|(name, of)| (name.as_str(), of));
    let needed = schema["required"].as_array();
    let needed = needed.into_iter().flatten().filter_map(Value::as_str);
    Some((BTreeMap::from_iter(own), BTreeSet::from_iter(needed)))
}

/// What of a value a schema does not tell, or tells otherwise.
fn untold(document: &Value, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    let schema = resolved(document, schema);
    for ways in [&schema["oneOf"], &schema["anyOf"]] {
        if let Some(ways) = ways.as_array() {
            let tried = ways.iter().map(|way| untold(document, way, value, place));
            return tried
                .reduce(Result::or)
                .unwrap_or_else(|| Err(place.to_owned()));
        }
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let listed = schema["type"].as_array().map_or_else(
        || schema["type"].as_str().into_iter().collect::<Vec<_>>(),
        |kinds| kinds.iter().filter_map(Value::as_str).collect(),
    );
    let fits = |listed: &&str| *listed == kind || (*listed, kind) == ("number", "integer");
    if !listed.is_empty() && !listed.iter().any(fits) {
        return Err(format!("{place}: {value} is not {listed:?}"));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return Err(format!("{place}: {value} is none of {words:?}"));
    }
    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
        let place = format!("{place}[{number}]");
        untold(document, &schema["items"], item, &place)?;
    }
    let (Some(object), Some((told, needed))) = (value.as_object(), fields(document, schema)) else {
        return Ok(());
    };
    if told.is_empty() {
        return Ok(());
    }
    if let Some(missing) = needed.iter().find(|name| !object.contains_key(**name)) {
        return Err(format!("{place}: {missing} is missing"));
    }
    object.iter().try_for_each(|(name, value)| {
        let place = format!("{place}.{name}");
        let schema = told.get(name.as_str());
        let schema = schema.ok_or_else(|| format!("{place} is not told: {value}"))?;
        untold(document, schema, value, &place)
    })
}

/// An answer has no field but those that the document tells of, and these are as it tells. What is no route of the table is not looked at.
pub fn assert_told(method: &str, path: &str, status: u16, answer: &Value) {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(document);
    let parts = || path.split('/');
    let fits = |route: &&Route| {
        let pattern = route.path.split('/');
        route.method == method
            && pattern.clone().count() == parts().count()
            && pattern
                .zip(parts())
                .all(|(known, part)| known == part || known.starts_with('{'))
    };
    let exactly = ROUTES
        .iter()
        .find(|route| route.method == method && route.path == path);
    let Some(route) = exactly.or_else(|| ROUTES.iter().find(fits)) else {
        return;
    };
    let operation = operation(&DOCUMENT, route);
    let response = resolved(&DOCUMENT, &operation["responses"][status.to_string()]);
    let schema = &response["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{method} {path}: {status} is not told");
    let told = untold(&DOCUMENT, schema, answer, "answer");
    assert_eq!(told, Ok(()), "{method} {path}: {answer:#}");
}

#[test]
fn an_answer_of_another_shape_than_the_documents_is_found() {
    let document = document();
    let schema = json!({"$ref": "#/components/schemas/CallInFull"});
    let example = document["components"]["schemas"]["CallInFull"]["example"].clone();
    let found = |change: fn(&mut Value)| {
        let mut value = example.clone();
        change(&mut value);
        untold(&document, &schema, &value, "it")
    };
    assert_eq!(found(|_| {}), Ok(()));
    assert!(found(|value| value["colour"] = json!(1)).is_err());
    assert!(found(|value| value["turns"][0]["audible_ms"] = json!("soon")).is_err());
    assert!(found(|value| value["turns"][0]["colour"] = json!(1)).is_err());
    assert!(found(|value| value["status"] = json!("odd")).is_err());
    assert!(found(|value| drop(value.as_object_mut().unwrap().remove("turns"))).is_err());
    assert_eq!(found(|value| value["cost"] = Value::Null), Ok(()));
}

#[test]
fn of_no_body_it_is_said_only_that_it_is_an_object() {
    let document = document();
    for route in ROUTES {
        let operation = operation(&document, route);
        let answers = operation["responses"].as_object().unwrap().values();
        let bodies = answers.chain([&operation["requestBody"]]);
        let contents = bodies.map(|body| &resolved(&document, body)["content"]);
        for content in contents.filter_map(Value::as_object) {
            for (kind, content) in content {
                let schema = resolved(&document, &content["schema"]);
                let schema = match schema["type"] == "array" {
                    true => resolved(&document, &schema["items"]),
                    false => schema,
                };
                let told = ["properties", "oneOf", "anyOf"];
                let told = told.iter().any(|name| !schema[*name].is_null());
                let is_text = schema["type"] == "string";
                let what = format!("{} {}: {kind}", route.method, route.path);
                assert!(is_text || told, "{what}: {schema}");
            }
        }
    }
}

#[test]
fn every_route_is_in_the_document_with_a_name_a_summary_a_tag_and_its_limits() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let tags: Vec<_> = document["tags"].as_array().unwrap().iter().collect();
    let mut names = BTreeSet::new();
    for route in ROUTES {
        let what = format!("{} {}", route.method, route.path);
        let operation = operation(&document, route);
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name.to_owned()), "{what}: {name} is taken");
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!(
            (8..80).contains(&summary.len()) && !summary.contains('\n'),
            "{what}: {summary:?}"
        );
        let tag = &operation["tags"][0];
        assert!(tags.iter().any(|known| known["name"] == *tag), "{what}");
        let text = operation["description"].as_str().unwrap();
        let limit = match route.limit {
            Some(limit) => format!("Limit: {} requests a minute ", limit.a_minute),
            None => "Limit: none.".to_owned(),
        };
        assert!(text.contains(&limit), "{what}: {text}");
        let bytes = format!("Body: at most {} bytes.", route.body);
        assert_eq!(text.contains(&bytes), route.body > 0, "{what}");
    }
    let used: BTreeSet<_> = ROUTES
        .iter()
        .map(|route| &operation(&document, route)["tags"][0])
        .map(Value::to_string)
        .collect();
    assert_eq!(used.len(), tags.len(), "a tag that nothing has");
}

#[test]
fn every_route_says_what_it_is_asked_and_what_it_answers_with_examples() {
    let document = document();
    for route in ROUTES {
        let what = format!("{} {}", route.method, route.path);
        let operation = operation(&document, route);
        let parameters = operation["parameters"].as_array();
        let parameters: Vec<_> = parameters.into_iter().flatten().collect();
        for part in route.path.split('/').filter(|part| part.starts_with('{')) {
            let named = |parameter: &&&Value| {
                parameter["in"] == "path" && parameter["name"] == part[1..part.len() - 1]
            };
            let parameter = parameters.iter().find(named);
            let parameter = parameter.unwrap_or_else(|| panic!("{what}: {part}"));
            assert!(!parameter["example"].is_null(), "{what}: {part}");
        }
        for parameter in parameters {
            let about = [parameter, &parameter["schema"]].map(|of| of["description"].is_string());
            assert!(about.contains(&true), "{what}: {parameter}");
        }
        let body = &operation["requestBody"]["content"];
        assert!(body.is_null() || has_examples(&document, body), "{what}");
        assert!(body.is_null() || route.body > 0, "{what} takes no body");
        let answers = operation["responses"].as_object().unwrap();
        let good = answers.keys().filter(|status| status.as_str() < "400");
        assert!(good.count() > 0, "{what} never succeeds");
        for (status, answer) in answers {
            let answer = resolved(&document, answer);
            let about = answer["description"].as_str().unwrap();
            assert!(!about.is_empty(), "{what}: {status}");
            let content = &answer["content"];
            assert!(
                content.is_null() || has_examples(&document, content),
                "{what}: {status}"
            );
            let is_error = status.as_str() >= "400";
            assert!(
                !is_error || content["application/json"].is_object(),
                "{what}: {status}"
            );
        }
    }
}

#[test]
fn a_routes_protection_and_body_decide_who_it_asks_for_and_what_it_refuses() {
    let document = document();
    let schemes = document["components"]["securitySchemes"]
        .as_object()
        .unwrap();
    for route in ROUTES {
        let what = format!("{} {}", route.method, route.path);
        let operation = operation(&document, route);
        let answers = |status: &str| operation["responses"][status].is_object();
        let asked = operation["security"].as_array().unwrap();
        let asked: Vec<_> = asked
            .iter()
            .map(|one| one.as_object().unwrap().keys().next().map(String::as_str))
            .collect();
        let known = asked
            .iter()
            .flatten()
            .all(|name| schemes.contains_key(*name));
        assert!(known, "{what}: {asked:?}");
        match route.protection {
            Protection::Public => assert!(asked.is_empty(), "{what}"),
            Protection::Local => assert!(asked.is_empty() && answers("403"), "{what}"),
            Protection::Carrier | Protection::CarrierAndToken => {
                assert!(
                    asked == [Some("twilioSignature")] && answers("403"),
                    "{what}"
                );
            }
            Protection::UserOrLink => {
                let ways = [Some("bearer"), Some("password"), Some("link")];
                assert!(
                    asked == ways && answers("401") && answers("403") && answers("503"),
                    "{what}"
                );
            }
            Protection::User | Protection::Admin => {
                let ways = [Some("bearer"), Some("password")];
                assert!(asked == ways && answers("401") && answers("503"), "{what}");
            }
            Protection::MetricsToken => {
                assert_eq!(asked, [Some("metricsToken"), None], "{what}");
                assert!(answers("401") && answers("403"), "{what}");
            }
        }
        let limited = route.limit.is_some();
        assert!(answers("429") || !limited, "{what}");
        assert!(answers("403"), "{what}: an address may be blocked");
        for status in ["408", "413", "415", "422"] {
            assert!(answers(status) || route.body == 0, "{what}: {status}");
        }
    }
}

#[test]
fn no_two_shapes_have_one_name() {
    let mut shapes: BTreeMap<String, Value> = BTreeMap::new();
    for route in ROUTES {
        let described = route.described.unwrap_or_else(|| panic!("{}", route.path));
        let (_, (_, schemas)) = described();
        for (name, schema) in schemas {
            let schema = serde_json::to_value(schema).unwrap();
            let known = shapes.entry(name.clone()).or_insert_with(|| schema.clone());
            assert_eq!(*known, schema, "{name}");
        }
    }
}

#[test]
fn each_handler_names_a_path_of_the_table() {
    let mut paths: BTreeMap<String, bool> = BTreeMap::new();
    for route in ROUTES {
        let described = route.described.unwrap_or_else(|| panic!("{}", route.path));
        let (path, _) = described();
        *paths.entry(path.clone()).or_default() |= path == route.path;
    }
    let wrong: Vec<_> = paths.iter().filter(|(_, is_there)| !**is_there).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_shape_has_an_example_of_its_own_that_fits_it() {
    let document = document();
    let shapes = document["components"]["schemas"].as_object().unwrap();
    // A list of words is its own example.
    let told = shapes.iter().filter(|(_, shape)| shape["enum"].is_null());
    let mut without = Vec::new();
    for (name, shape) in told {
        let example = &shape["example"];
        if example.is_null() {
            without.push(name);
        } else {
            assert_eq!(untold(&document, shape, example, name), Ok(()));
        }
    }
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn the_document_and_its_examples_are_valid_for_a_strict_validator() {
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/openapi_check.py");
    let python = std::env::var("API_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let child = Command::new(python)
        .arg(check)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            eprintln!("no Python, so no validator was asked: {error}");
            return;
        }
    };
    let text = openapi::text().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    eprint!("{said}");
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{why}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[tokio::test]
async fn a_server_shows_the_document() {
    let answer = local().start().get("/openapi.json").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], "application/json");
    let shown: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(shown, document());
}

#[tokio::test]
async fn the_page_loads_nothing_but_files_of_the_server_and_has_a_policy_of_its_own() {
    let server = local().start();
    let page = server.get("/docs").await;
    assert_eq!(page.status, StatusCode::OK);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self';") && policy.contains("default-src 'none'"));
    let names = page
        .body
        .split('"')
        .filter(|text| text.starts_with("docs/"));
    let names: Vec<_> = names.collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(!page.body.contains("//"), "{}", page.body);
    for name in names {
        let file = server.get(&format!("/{name}")).await;
        assert_eq!(file.status, StatusCode::OK, "{name}");
        let kind = file.headers["content-type"].to_str().unwrap();
        assert_eq!(kind.ends_with("css"), name.contains(".css?"), "{name}");
        assert!(!file.body.is_empty() && !file.headers.contains_key("content-encoding"));
    }
    let own = "default-src 'self'";
    let server = local().with("CONTENT_SECURITY_POLICY", own).start();
    let page = server.get("/docs").await;
    assert_eq!(page.headers["content-security-policy"], own);
    for setting in ["ENABLE_SECURITY_HEADERS", "CONTENT_SECURITY_POLICY"] {
        let server = local().with(setting, "off").start();
        let page = server.get("/docs").await;
        assert!(!page.headers.contains_key("content-security-policy"));
    }
}

#[tokio::test]
async fn files_of_the_page_go_out_compressed_and_others_of_the_archive_do_not_go_out() {
    let server = local().start();
    let ask = async |encodings: &str| {
        let mut request = Request::get("/docs/swagger-ui.css")
            .header("host", "localhost")
            .header("accept-encoding", encodings)
            .body(Body::empty())
            .unwrap();
        let peer: SocketAddr = "127.0.0.1:50000".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = server.router.clone().oneshot(request).await.unwrap();
        let gzip = answer.headers().get("content-encoding").is_some();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (gzip, body)
    };
    for taken in ["gzip", "br, GZIP;q=0.5", "deflate, gzip"] {
        let (gzip, body) = ask(taken).await;
        assert!(gzip && body.starts_with(&[0x1f, 0x8b]), "{taken}");
    }
    for not in ["", "br", "gzip;q=0", "identity"] {
        let (gzip, body) = ask(not).await;
        assert!(!gzip && body.starts_with(b".swagger-ui"), "{not}");
    }
    for odd in [
        "index.html",
        "swagger-ui.js",
        "..%2f..%2fpackage.json",
        "%2e%2e",
    ] {
        let answer = server.get(&format!("/docs/{odd}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{odd}");
    }
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_told_by_its_place() {
    let service = accounts::open().await;
    service.register(accounts::ADA).await;
    let token = service.log_in(accounts::ADA).await.access;
    for (query, name, kind) in [
        ("limit=0", "limit", "value_error"),
        ("limit=abc", "limit", "value_error"),
        ("skip=-1", "skip", "value_error"),
        ("status=x", "status", "value_error"),
        ("since=yesterday", "since", "value_error"),
        ("until=2026-11-20", "until", "value_error"),
        ("number=%00", "number", "value_error"),
        ("number=nobody5", "number", "value_error"),
        ("number=%2B", "number", "value_error"),
        ("scenario=a%00b", "scenario", "value_error"),
        ("colour=red", "colour", "extra_forbidden"),
        ("status=failed&status=busy", "status", "value_error"),
    ] {
        let told = service.get(&format!("/calls?{query}"), &token).await;
        let first = &told.json["detail"][0];
        assert_eq!(told.status, 422, "{query}: {told:?}");
        assert_eq!(
            (&first["loc"], &first["type"]),
            (&json!(["query", name]), &json!(kind)),
            "{query}"
        );
        let what = first["msg"].as_str().unwrap();
        for parsers in ["civil", "deserialize", "found in string", "Failed"] {
            assert!(!what.contains(parsers), "{query}: {what}");
        }
    }
}

#[tokio::test]
async fn no_path_with_a_nul_is_anything_and_no_id_is_refused_for_its_form() {
    let service = accounts::open().await;
    service.register(accounts::ADA).await;
    let token = service.log_in(accounts::ADA).await.access;
    for path in [
        "/scenarios/%00",
        "/scenarios/a%00b/versions",
        "/realtime/custom-scenario/%00",
        "/calls/%00",
        "/conversations/%00",
        "/conversations/no-id",
        "/docs/%00",
    ] {
        let told = service.get(path, &token).await;
        assert_eq!(told.status, 404, "{path}: {told:?}");
        assert!(told.json["detail"].is_string(), "{path}: {told:?}");
    }
}

#[tokio::test]
async fn files_of_the_page_are_kept_for_ever_by_their_tag_and_the_page_is_asked_for_again() {
    let server = local().start();
    let ask = async |path: &str, known: &str| {
        let request = Request::get(path).header("host", "localhost");
        let request = request.header("if-none-match", known);
        server
            .ask_from("192.0.2.7", request.body(Body::empty()).unwrap())
            .await
    };
    let page = ask("/docs", "").await;
    assert_eq!(page.headers["cache-control"], "no-cache");
    let named = page
        .body
        .split('"')
        .filter(|part| part.starts_with("docs/"));
    let named: Vec<String> = named.map(|name| format!("/{name}")).collect();
    assert_eq!(named.len(), 3, "{named:?}");
    for path in named.iter().map(String::as_str).chain(["/docs"]) {
        let whole = ask(path, "W/\"another\"").await;
        assert_eq!(whole.status, StatusCode::OK, "{path}");
        let tag = whole.headers["etag"].to_str().unwrap();
        for known in [
            tag,
            tag.trim_start_matches("W/"),
            &format!("\"x\", {tag}"),
            "*",
        ] {
            let same = ask(path, known).await;
            assert_eq!(same.status, StatusCode::NOT_MODIFIED, "{path} {known}");
            assert_eq!(
                (same.body.as_str(), &same.headers["etag"]),
                ("", &whole.headers["etag"])
            );
        }
        if path == "/docs" {
            continue;
        }
        assert_eq!(
            whole.headers["cache-control"],
            "public, max-age=31536000, immutable"
        );
        let (bare, _) = path.split_once("?v=").unwrap();
        for other in [bare, &format!("{bare}?v=older")] {
            let answer = ask(other, "").await;
            assert_eq!(
                (answer.status, &answer.headers["cache-control"]),
                (StatusCode::OK, &"no-cache".parse().unwrap())
            );
        }
    }
}

#[test]
fn nothing_that_twilio_asks_is_documented_to_fail_in_the_server() {
    let document = document();
    let webhooks = ROUTES
        .iter()
        .filter(|route| route.protection == Protection::Carrier);
    let mut seen = 0;
    for route in webhooks {
        let answers = &document["paths"][route.path][route.method.to_lowercase()]["responses"];
        assert!(
            answers["200"].is_object() || answers["204"].is_object(),
            "{}",
            route.path
        );
        assert!(answers["500"].is_null(), "{}", route.path);
        seen += 1;
    }
    assert!(seen >= 9, "{seen}");
}
