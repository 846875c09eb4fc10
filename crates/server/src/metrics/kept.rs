//! What outlives calls: the database and what waits for it, scenarios and their secrets, the certificate.

use std::sync::atomic::Ordering;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::{Labels, counter, gauge, signed};
use crate::app::Server;

/// How that stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept {
    /// The database answers and has its tables.
    pub database_up: bool,
    /// It took the rows of calls that were written last.
    pub database_writable: bool,
    /// Bytes of rows that wait on disk.
    pub journal_bytes: u64,
    /// Rows that are lost since the start.
    pub rows_lost: u64,
    /// Scenarios that cannot be used.
    pub scenarios_unusable: usize,
    /// Secrets of scenarios that do not open.
    pub secrets_unopened: usize,
    /// When the certificate in use ends, in seconds since 1970; `None` without one.
    pub tls_not_after: Option<u64>,
}

impl Kept {
    /// That of a server, now. Nothing is asked of the database.
    pub fn of(server: &Server) -> Self {
        let rows = server.rows.state();
        Self {
            database_up: server.rows.answered(),
            database_writable: rows.is_some_and(|rows| !rows.down),
            journal_bytes: rows.unwrap_or_default().journal_bytes,
            rows_lost: rows.unwrap_or_default().dropped,
            scenarios_unusable: server.scenarios.unusable(),
            secrets_unopened: server.scenarios.secrets_unopened(),
            tls_not_after: server.guards.tls.get().and_then(|tls| tls.not_after()),
        }
    }
}

#[derive(Debug)]
pub(super) struct KeptGauges {
    database_up: Gauge,
    database_writable: Gauge,
    journal: Gauge,
    rows_lost: Counter,
    scenarios_unusable: Gauge,
    secrets_unopened: Gauge,
    /// Without labels, and without a series where there is no certificate.
    tls_not_after: Family<Labels, Gauge>,
}

impl KeptGauges {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (journal, tls_not_after) = (Gauge::default(), Family::default());
        registry.register_with_unit(
            "journal",
            "Rows of calls on disk that are still to go into the database",
            Unit::Bytes,
            journal.clone(),
        );
        registry.register_with_unit(
            "tls_not_after",
            "When the certificate in use ends, since 1970",
            Unit::Seconds,
            tls_not_after.clone(),
        );
        let rows_lost = counter(registry, "rows_lost", "Rows of calls that are lost");
        let mut gauge = |name, help| gauge(registry, name, help);
        Self {
            database_up: gauge("database_up", "1 while the database answers"),
            database_writable: gauge("database_writable", "0 while it takes no rows of calls"),
            scenarios_unusable: gauge("scenarios_unusable", "Scenarios that cannot be used"),
            secrets_unopened: gauge(
                "secrets_unopened",
                "Secrets of scenarios that do not open under SECRET_KEY",
            ),
            journal,
            rows_lost,
            tls_not_after,
        }
    }

    pub(super) fn set(&self, kept: &Kept) {
        for (gauge, value) in [
            (&self.database_up, u64::from(kept.database_up)),
            (&self.database_writable, u64::from(kept.database_writable)),
            (&self.journal, kept.journal_bytes),
            (&self.scenarios_unusable, kept.scenarios_unusable as u64),
            (&self.secrets_unopened, kept.secrets_unopened as u64),
        ] {
            gauge.set(signed(value));
        }
        // The writer counts them itself.
        let lost = self.rows_lost.inner();
        lost.store(kept.rows_lost, Ordering::Relaxed);
        match kept.tls_not_after {
            Some(at) => {
                let ends = self.tls_not_after.get_or_create_owned(&Vec::new());
                ends.set(signed(at));
            }
            None => self.tls_not_after.clear(),
        }
    }
}
