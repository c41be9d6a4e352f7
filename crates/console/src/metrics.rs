//! What this process counts, as Prometheus text: never a person, never an id.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::shared::Shared;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    method: &'static str,
    status: u16,
}

/// All counters of the process.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<AnswerLabels, Counter>,
    seconds: Histogram,
    pub(crate) listeners: longshore_listener::Metrics,
}

impl Metrics {
    /// `others` are told beside our own.
    pub(crate) fn new(others: Vec<Box<dyn Collector>>, shared: &Shared) -> Arc<Self> {
        let mut registry = Registry::with_prefix("longshore");
        let requests = Family::default();
        registry.register(
            "console_requests",
            "Requests to the console, by method and status",
            requests.clone(),
        );
        let seconds = Histogram::new(exponential_buckets(0.001, 2.0, 14));
        registry.register(
            "console_request_seconds",
            "How long requests to the console took, from their header to the beginning of the answer",
            seconds.clone(),
        );
        registry.register(
            "console_failed_logins",
            "Logins at the console whose name or password was wrong, or that came too often",
            shared.failed_logins.clone(),
        );
        let listeners = longshore_listener::Metrics::default();
        listeners.register(&mut registry);
        for other in others {
            registry.register_collector(other);
        }
        Arc::new(Self {
            registry,
            requests,
            seconds,
            listeners,
        })
    }

    pub(crate) fn answered(&self, is_post: bool, status: u16, took: Duration) {
        let method = if is_post { "POST" } else { "GET" };
        let labels = AnswerLabels { method, status };
        self.requests.get_or_create(&labels).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn text(&self) -> String {
        longshore_listener::metrics_text(&self.registry)
    }
}

#[cfg(test)]
mod tests {
    use longshore_listener::{Bounds, Listener};
    use longshore_operator::{ConfiguredFleet, Operator};
    use longshore_queue::{Link, LinkOptions};

    use super::*;
    use crate::access::Access;
    use crate::fleet::FleetFacts;

    #[tokio::test]
    async fn names_types_help_and_labels_are_those_that_alerts_know() {
        let link = Link::new("redis://127.0.0.1:1", LinkOptions::default()).expect("a URL");
        let operator = Operator::new(&link, "t", Vec::new()).expect("a name");
        let shared = Shared::new(
            operator,
            FleetFacts::default(),
            ConfiguredFleet::default(),
            Access::default(),
        );
        let metrics = Metrics::new(Vec::new(), &shared);
        metrics.answered(true, 303, Duration::from_secs(1));
        let _listener = Listener::new(Bounds::public("console"), &metrics.listeners);
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/metrics/names.txt");
        longshore_tests::metrics::names_are_as_in(&metrics.text(), file.as_ref());
    }
}
