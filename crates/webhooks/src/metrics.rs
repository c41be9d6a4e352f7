//! What this process counts, as Prometheus text. Labels hold providers and outcomes: never a person, never an id.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::endpoint::EventResult;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    provider: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabel {
    provider: &'static str,
}

/// All counters of the process.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    events: Family<EventLabels, Counter>,
    seconds: Family<ProviderLabel, Histogram, fn() -> Histogram>,
    pub(crate) listeners: longshore_listener::Metrics,
}

impl Metrics {
    /// `others` are told beside our own.
    pub(crate) fn new(others: Vec<Box<dyn Collector>>) -> Arc<Self> {
        let mut registry = Registry::with_prefix("longshore");
        let events = Family::default();
        registry.register(
            "webhooks",
            "Events that providers posted, by outcome; a refused request counts as one",
            events.clone(),
        );
        // From 0.5 ms to 16 s: ten seconds for a body, and Redis.
        let seconds: Family<_, _, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.0005, 2.0, 16)));
        registry.register(
            "webhook_seconds",
            "How long requests took, from their header to the answer",
            seconds.clone(),
        );
        let listeners = longshore_listener::Metrics::default();
        listeners.register(&mut registry);
        for other in others {
            registry.register_collector(other);
        }
        Arc::new(Self {
            registry,
            events,
            seconds,
            listeners,
        })
    }

    pub(crate) fn answered(
        &self,
        provider: &'static str,
        outcomes: &[EventResult],
        took: Duration,
    ) {
        for outcome in outcomes {
            let outcome = outcome.as_str();
            let labels = EventLabels { provider, outcome };
            self.events.get_or_create(&labels).inc();
        }
        self.seconds
            .get_or_create(&ProviderLabel { provider })
            .observe(took.as_secs_f64());
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
        let metrics = Metrics::new(Vec::new());
        metrics.answered("stripe", &[EventResult::Noted], Duration::from_secs(1));
        let _listener = Listener::new(Bounds::public("webhooks"), &metrics.listeners);
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/metrics/names.txt");
        longshore_tests::metrics::names_are_as_in(&metrics.text(), file.as_ref());
    }
}
