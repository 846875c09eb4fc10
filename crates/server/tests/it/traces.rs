//! Traces of calls, as a collector gets them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::simulated::{ANSWER, FROM, GREETING, QUESTION, Simulated, TO, until};

/// A collector: what it was sent, each request with its headers.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(HeaderMap, ExportTraceServiceRequest)>>>);

impl Collector {
    async fn start(&self) -> String {
        let kept = Arc::clone(&self.0);
        let take = async move |headers: HeaderMap, body: Bytes| {
            let request = ExportTraceServiceRequest::decode(body).unwrap();
            kept.lock().unwrap().push((headers, request));
        };
        let router = axum::Router::new().route("/v1/traces", post(take));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        url
    }

    fn spans(&self) -> Vec<Span> {
        let requests = self.0.lock().unwrap();
        let resources = requests.iter().flat_map(|(_, one)| &one.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |attribute: &KeyValue| {
        let value = attribute.value.as_ref()?.value.as_ref()?;
        let text = match value {
            Value::StringValue(text) => text.clone(),
            Value::IntValue(number) => number.to_string(),
            Value::DoubleValue(number) => number.to_string(),
            Value::BoolValue(_)
            | Value::ArrayValue(_)
            | Value::KvlistValue(_)
            | Value::BytesValue(_)
            | Value::StringValueStrindex(_) => format!("{value:?}"),
        };
        Some((attribute.key.clone(), text))
    };
    attributes.iter().filter_map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_a_trace_of_its_turns_and_of_what_was_asked_of_providers() {
    let collector = Collector::default();
    let endpoint = collector.start().await;
    let whole = format!("{endpoint}/v1/traces");
    let settings = [
        // A base is meant; who writes where spans go is understood.
        ("OTEL_EXPORTER_OTLP_ENDPOINT", whole.as_str()),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "x-account=a key of the collector",
        ),
        ("INSTANCE_NAME", "harbour"),
    ];
    let server = Simulated::start(&settings, &[]).await;
    let outcome = server.call().await;
    let spans = until("the spans", async || {
        let spans = collector.spans();
        let whole = spans.iter().any(|span| span.name == "speak cartesia");
        whole.then_some(spans)
    });
    let spans = spans.await;
    let find = |name: &str| {
        let found = spans.iter().find(|span| span.name == name);
        found.unwrap_or_else(|| panic!("{name} is not among {spans:#?}"))
    };
    let root = find("call inbound");
    let turn = find("turn 1");
    assert!(root.parent_span_id.is_empty() && root.trace_id.len() == 16);
    assert_eq!(turn.parent_span_id, root.span_id);
    for name in ["hear deepgram", "answer openai", "speak cartesia"] {
        let request = find(name);
        assert_eq!(request.parent_span_id, turn.span_id, "{name}");
        assert!(
            request.start_time_unix_nano >= turn.start_time_unix_nano,
            "{name}"
        );
        assert!(
            request.end_time_unix_nano <= turn.end_time_unix_nano,
            "{name}"
        );
    }
    for span in &spans {
        assert_eq!(span.trace_id, root.trace_id);
        assert!(span.start_time_unix_nano >= root.start_time_unix_nano);
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let age = now.unwrap().as_nanos() as u64 - root.end_time_unix_nano;
    assert!(age < 60_000_000_000, "{age} ns");
    let lasted = (root.end_time_unix_nano - root.start_time_unix_nano) / 1_000_000;
    assert!(lasted.abs_diff(outcome.duration_ms) < 1000, "{lasted}");

    let told = texts(&root.attributes);
    assert_eq!(told["call.sid"], outcome.call_sid);
    assert_eq!(
        (told["call.scenario"].as_str(), told["call.end"].as_str()),
        ("desk", "hung_up")
    );
    assert!(
        texts(&turn.attributes)["turn.response_ms"]
            .parse::<u32>()
            .unwrap()
            > 0
    );
    let answer = texts(&find("answer openai").attributes);
    assert!(answer["gen_ai.usage.input_tokens"].parse::<u32>().unwrap() > 0);
    assert!(answer.contains_key("gen_ai.request.model"));

    let requests = collector.0.lock().unwrap();
    let (headers, request) = &requests[0];
    assert_eq!(headers["x-account"], "a key of the collector");
    let resource = request.resource_spans[0].resource.as_ref().unwrap();
    let resource = texts(&resource.attributes);
    assert_eq!(resource["service.name"], "ringback");
    assert_eq!(resource["service.instance.id"], "harbour");
    let sent = format!("{requests:?}");
    for private in [&FROM[1..], &TO[1..], GREETING, QUESTION, ANSWER] {
        assert!(!sent.contains(private), "{private} is in the trace");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_down_is_said_once_and_disturbs_no_call() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let settings = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
    let server = Simulated::start(&settings, &[]).await;
    let outcome = server.call().await;
    assert_eq!(outcome.turns.len(), 2, "the greeting and the answer");
    let said = until("the complaint", async || {
        let log = server.log_files();
        log.contains("traces cannot be sent").then_some(log)
    });
    let log = said.await;
    assert_eq!(log.matches("traces cannot be sent").count(), 1, "{log}");
    assert!(log.contains("WebSocket closed"), "{log}");
}
