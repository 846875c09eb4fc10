//! What the process takes of the machine, by the names that Prometheus' own libraries use.

use std::fmt;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::telemetry::steady::lost_lines;

/// Asked anew with each scrape. What the system does not tell is left out.
#[derive(Debug)]
pub(super) struct Process {
    started: Timestamp,
}

impl Default for Process {
    fn default() -> Self {
        Self {
            started: Timestamp::now(),
        }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut put = |name: &str, help: &str, unit: Option<Unit>, metric: &dyn Figure| {
            let kind = metric.kind();
            let encoder = encoder.encode_descriptor(name, help, unit.as_ref(), kind)?;
            metric.put(encoder)
        };
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let cpu = cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9;
        put(
            "process_cpu",
            "Processor time of the process.",
            Some(Unit::Seconds),
            &ConstCounter::new(cpu),
        )?;
        put(
            "process_start_time",
            "When the server started, since 1970.",
            Some(Unit::Seconds),
            &ConstGauge::new(self.started.as_microsecond() as f64 / 1e6),
        )?;
        if let Some(bytes) = resident_bytes() {
            put(
                "process_resident_memory",
                "Memory in use.",
                Some(Unit::Bytes),
                &ConstGauge::new(bytes),
            )?;
        }
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            let open = i64::try_from(open.count()).unwrap_or(i64::MAX);
            put(
                "process_open_fds",
                "Open file descriptors.",
                None,
                &ConstGauge::new(open),
            )?;
        }
        if let Some(most) = getrlimit(Resource::Nofile).current {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            put(
                "process_max_fds",
                "File descriptors that may be open.",
                None,
                &ConstGauge::new(most),
            )?;
        }
        put(
            "ringback_log_lines_lost",
            "Lines that could not be written to the log files.",
            None,
            &ConstCounter::new(lost_lines()),
        )
    }
}

/// A metric of any kind.
trait Figure {
    fn kind(&self) -> prometheus_client::metrics::MetricType;
    fn put(&self, encoder: prometheus_client::encoding::MetricEncoder<'_>) -> fmt::Result;
}

impl<T: EncodeMetric> Figure for T {
    fn kind(&self) -> prometheus_client::metrics::MetricType {
        self.metric_type()
    }

    fn put(&self, encoder: prometheus_client::encoding::MetricEncoder<'_>) -> fmt::Result {
        self.encode(encoder)
    }
}

fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}
