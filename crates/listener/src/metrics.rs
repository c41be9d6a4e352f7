//! How full listeners are.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabel {
    listener: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    listener: &'static str,
    why: &'static str,
}

/// Why a connection was closed, or not taken, before its request was complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// There are as many connections as there may be.
    Full,
    /// Its peer has as many without a complete request as one may have.
    Peer,
    /// The memory for bodies is used up.
    Bodies,
    /// The process may open no more descriptors.
    Descriptors,
}

impl Why {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Peer => "peer",
            Self::Bodies => "bodies",
            Self::Descriptors => "descriptors",
        }
    }
}

/// What the listeners of a process count. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    connections: Family<ListenerLabel, Gauge>,
    most: Family<ListenerLabel, Gauge>,
    body_bytes: Family<ListenerLabel, Gauge>,
    refused: Family<RefusedLabels, Counter>,
}

impl Metrics {
    /// Adds them to what is told of the process.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "listener_connections",
            "Open connections, by listener",
            self.connections.clone(),
        );
        registry.register(
            "listener_connections_max",
            "How many connections a listener takes at once",
            self.most.clone(),
        );
        registry.register(
            "listener_body_bytes",
            "Memory held in the bodies of requests, by listener",
            self.body_bytes.clone(),
        );
        registry.register(
            "listener_refused",
            "Connections closed or not taken so that others get in, by listener and what had run out",
            self.refused.clone(),
        );
    }

    /// What one listener counts.
    pub(crate) fn of(&self, listener: &'static str, most: usize) -> Counts {
        let label = ListenerLabel { listener };
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.most.get_or_create(&label).set(most);
        let refused = |why: Why| {
            let why = why.as_str();
            self.refused
                .get_or_create(&RefusedLabels { listener, why })
                .clone()
        };
        Counts {
            connections: self.connections.get_or_create(&label).clone(),
            body_bytes: self.body_bytes.get_or_create(&label).clone(),
            full: refused(Why::Full),
            peer: refused(Why::Peer),
            bodies: refused(Why::Bodies),
            descriptors: refused(Why::Descriptors),
        }
    }
}

/// What one listener counts.
#[derive(Debug)]
pub(crate) struct Counts {
    connections: Gauge,
    body_bytes: Gauge,
    full: Counter,
    peer: Counter,
    bodies: Counter,
    descriptors: Counter,
}

impl Counts {
    pub(crate) fn hold(&self, connections: usize, body_bytes: usize) {
        let number = |n| i64::try_from(n).unwrap_or(i64::MAX);
        self.connections.set(number(connections));
        self.body_bytes.set(number(body_bytes));
    }

    pub(crate) fn refused(&self, why: Why) {
        match why {
            Why::Full => &self.full,
            Why::Peer => &self.peer,
            Why::Bodies => &self.bodies,
            Why::Descriptors => &self.descriptors,
        }
        .inc();
    }
}

/// A registry as Prometheus reads it.
#[must_use]
pub fn metrics_text(registry: &Registry) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = prometheus_client::encoding::text::encode(&mut text, registry);
    text
}
