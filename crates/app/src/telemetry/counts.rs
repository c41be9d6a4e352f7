//! What became of spans, for `/metrics`.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::TypedMetric;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

/// Spans by what became of them.
#[derive(Debug)]
pub(super) struct Counts(Family<OutcomeLabel, Counter>);

impl Default for Counts {
    fn default() -> Self {
        let spans = Family::default();
        // Known from the start, so that a rate is, too.
        for outcome in ["sent", "dropped", "refused"] {
            drop(spans.get_or_create(&OutcomeLabel { outcome }));
        }
        Self(spans)
    }
}

impl Counts {
    /// The collector took them.
    pub(super) fn sent(&self, spans: usize) {
        self.count("sent", spans);
    }

    /// There was no room for them, or no time.
    pub(super) fn dropped(&self, spans: usize) {
        self.count("dropped", spans);
    }

    /// The collector does not want them.
    pub(super) fn refused(&self, spans: usize) {
        self.count("refused", spans);
    }

    /// How many were dropped so far.
    pub(super) fn dropped_so_far(&self) -> u64 {
        let outcome = "dropped";
        self.0.get_or_create(&OutcomeLabel { outcome }).get()
    }

    fn count(&self, outcome: &'static str, spans: usize) {
        let counter = self.0.get_or_create(&OutcomeLabel { outcome });
        counter.inc_by(spans as u64);
    }
}

impl Collector for Counts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let metric = encoder.encode_descriptor(
            "trace_spans",
            "Spans by what became of them: sent to the collector, dropped for want of room or time, or refused by it.",
            None,
            <Counter as TypedMetric>::TYPE,
        )?;
        self.0.encode(metric)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn names_types_help_and_labels_are_those_that_alerts_know() {
        let mut registry = Registry::with_prefix("longshore");
        registry.register_collector(Box::new(Arc::new(Counts::default())));
        let mut text = String::new();
        encode(&mut text, &registry).expect("writes to a text");
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/telemetry/names.txt");
        longshore_tests::metrics::names_are_as_in(&text, file.as_ref());
    }
}
