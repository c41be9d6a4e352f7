//! What a carrier counts, as Prometheus text.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::store::Look;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CarriedLabels {
    queue: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabel {
    code: String,
}

/// All counters of the process.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    carried: Family<CarriedLabels, Counter>,
    held: Family<CodeLabel, Counter>,
    held_now: Family<CodeLabel, Gauge>,
    waiting: Gauge,
    oldest: Gauge<f64, AtomicU64>,
    connected: Gauge,
    pub(crate) listeners: longshore_listener::Metrics,
}

impl Metrics {
    pub(crate) fn new() -> Arc<Self> {
        let mut registry = Registry::with_prefix("longshore");
        let (carried, held, held_now) = (Family::default(), Family::default(), Family::default());
        let (waiting, oldest, connected) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register(
            "outbox_carried",
            "Rows that came into the queue: new jobs, and duplicates by their key",
            Clone::clone(&carried),
        );
        registry.register(
            "outbox_holds",
            "Rows that this carrier held, by code",
            Clone::clone(&held),
        );
        registry.register(
            "outbox_held",
            "Rows in the table that are held, by code",
            Clone::clone(&held_now),
        );
        registry.register(
            "outbox_waiting",
            "Rows in the table that wait to be carried; counted up to 10,000",
            Clone::clone(&waiting),
        );
        registry.register(
            "outbox_oldest_seconds",
            "For how long the first row has waited to be carried",
            Clone::clone(&oldest),
        );
        registry.register(
            "outbox_connected",
            "1 while this carrier has its connection to Postgres, else 0",
            Clone::clone(&connected),
        );
        let listeners = longshore_listener::Metrics::default();
        listeners.register(&mut registry);
        Arc::new(Self {
            registry,
            carried,
            held,
            held_now,
            waiting,
            oldest,
            connected,
            listeners,
        })
    }

    pub(crate) fn carried(&self, queue: &'static str, new: u64, duplicates: u64) {
        for (outcome, count) in [("enqueued", new), ("duplicate", duplicates)] {
            let labels = CarriedLabels { queue, outcome };
            self.carried.get_or_create(&labels).inc_by(count);
        }
    }

    pub(crate) fn held(&self, code: &str) {
        let code = code.to_owned();
        self.held.get_or_create(&CodeLabel { code }).inc();
    }

    pub(crate) fn looked(&self, look: &Look) {
        self.waiting.set(look.waiting);
        self.oldest.set(look.oldest_seconds);
        self.held_now.clear();
        for (code, count) in &look.held {
            let code = code.clone();
            self.held_now.get_or_create(&CodeLabel { code }).set(*count);
        }
    }

    pub(crate) fn connected(&self, is_connected: bool) {
        self.connected.set(is_connected.into());
    }

    pub(crate) fn text(&self) -> String {
        longshore_listener::metrics_text(&self.registry)
    }
}

#[cfg(test)]
mod tests {
    use longshore_listener::{Bounds, Listener};

    use super::*;

    #[test]
    fn names_types_help_and_labels_are_those_that_alerts_know() {
        let metrics = Metrics::new();
        metrics.carried("email", 1, 1);
        metrics.held("args");
        metrics.looked(&Look {
            waiting: 1,
            oldest_seconds: 1.0,
            held: vec![("args".to_owned(), 1)],
        });
        let _listener = Listener::new(Bounds::private("health"), &metrics.listeners);
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/carrier/metrics/names.txt");
        longshore_tests::metrics::names_are_as_in(&metrics.text(), file.as_ref());
    }
}
