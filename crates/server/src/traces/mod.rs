//! OpenTelemetry: a trace of each call, sent to a collector when `OTEL_EXPORTER_OTLP_ENDPOINT` names one. docs/traces.md names
//! the spans.
//!
//! Spans are made from what a call says of itself when it is over, with the times that it gives. A thread of the exporter's own
//! sends them: a collector that is slow or down costs spans, never a call.

mod spans;

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};

use crate::config::{ConfigError, OperationConfig};
pub use spans::Facts;

/// One request to the collector may take so long.
const REQUEST: Duration = Duration::from_secs(5);
/// What waits when the server stops is waited for this long.
const LAST: Duration = Duration::from_secs(3);

/// Where traces go; nowhere where no collector is set.
#[derive(Debug, Default)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// To the collector that is set, if one is. `instance` tells servers apart.
    ///
    /// # Errors
    /// The exporter cannot be made.
    pub fn start(config: &OperationConfig, instance: &str) -> Result<Self, ConfigError> {
        let Some(endpoint) = &config.otlp_endpoint else {
            return Ok(Self::default());
        };
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .with_headers(config.otlp_headers.iter().cloned().collect())
            .with_timeout(REQUEST)
            .build()
            .map_err(|error| ConfigError(format!("OTEL_EXPORTER_OTLP_ENDPOINT: {error}")))?;
        let resource = Resource::builder()
            .with_service_name("ringback")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("service.instance.id", instance.to_owned()))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_batch_exporter(Telling {
                inner: exporter,
                failing: AtomicBool::new(false),
            })
            .build();
        Ok(Self(Some(provider)))
    }

    /// Sends the trace of a call that is over. Never waits.
    pub fn call(&self, facts: &Facts<'_>) {
        if let Some(provider) = &self.0 {
            spans::emit(&provider.tracer("ringback"), facts);
        }
    }

    /// Sends what waits, for 3 s at most. No span is taken afterwards.
    pub async fn close(&self) {
        let Some(provider) = self.0.clone() else {
            return;
        };
        let closed = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST));
        if !matches!(tokio::time::timeout(LAST, closed).await, Ok(Ok(Ok(())))) {
            tracing::warn!("the last traces were not sent");
        }
    }
}

/// Says once when spans cannot be sent, and once when they can again.
#[derive(Debug)]
struct Telling<E> {
    inner: E,
    failing: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for Telling<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.inner.export(batch).await;
        let failed = sent.is_err();
        match (&sent, self.failing.swap(failed, Ordering::Relaxed)) {
            (Err(error), false) => {
                tracing::warn!(%error, "Error: traces cannot be sent; they are lost until they can");
            }
            (Ok(()), true) => tracing::info!("traces are sent again"),
            (Err(_), true) | (Ok(()), false) => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
