//! What this process counts, as Prometheus text. Labels hold routes, statuses and tokens' names: never a person, never an id.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: u16,
    token: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: String,
}

/// All counters of the process.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabel, Histogram, fn() -> Histogram>,
    pub(crate) jobs: Counter,
    pub(crate) waiting: Gauge,
    pub(crate) listeners: longshore_listener::Metrics,
}

impl Metrics {
    /// `others` are told beside our own.
    pub(crate) fn new(others: Vec<Box<dyn Collector>>) -> Arc<Self> {
        let mut registry = Registry::with_prefix("longshore");
        let requests = Family::default();
        registry.register(
            "api_requests",
            "Requests to the HTTP API, by route, status and the name of the token; the token is empty where none was known",
            requests.clone(),
        );
        // From 0.5 ms to 65 s: whoever waits for a job waits a minute at the most.
        let seconds: Family<_, _, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.0005, 2.0, 18)));
        registry.register(
            "api_request_seconds",
            "How long requests to the HTTP API took, from their header to the beginning of the answer; those that wait for a job have a route of their own",
            seconds.clone(),
        );
        let jobs = Counter::default();
        registry.register(
            "api_jobs",
            "Jobs that the HTTP API has enqueued; duplicates of a key are not counted",
            jobs.clone(),
        );
        let waiting = Gauge::default();
        registry.register(
            "api_waiting",
            "Requests that wait for the end of a job",
            waiting.clone(),
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
            jobs,
            waiting,
            listeners,
        })
    }

    pub(crate) fn answered(&self, route: &str, status: u16, token: &str, took: Duration) {
        let route = route.to_owned();
        let labels = RequestLabels {
            route: route.clone(),
            status,
            token: token.to_owned(),
        };
        self.requests.get_or_create(&labels).inc();
        self.seconds
            .get_or_create(&RouteLabel { route })
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
        metrics.answered("POST /v1/jobs", 201, "shop", Duration::from_secs(1));
        let _listener = Listener::new(Bounds::public("api"), &metrics.listeners);
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/metrics/names.txt");
        longshore_tests::metrics::names_are_as_in(&metrics.text(), file.as_ref());
    }
}
