//! What the house says of its providers, beside what they do: alerts weigh one by the other.

use std::fmt;
use std::hash::Hash;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::info::Info;

use super::gauges::{Gauges, sentence};

/// What the inventory says of one provider.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderFacts {
    /// Its name, as configuration has it.
    pub provider: String,
    /// The queue that it belongs to.
    pub queue: String,
    /// It is that queue's own, and not one that stands in.
    pub own: bool,
    /// `critical`, `high`, `medium` or `low`.
    pub criticality: String,
    /// The share of calls that it promises to answer, in percent.
    pub sla_percent: Option<f64>,
    /// The team that it belongs to.
    pub owner: Option<String>,
}

/// Metrics that are always 1, to be joined by alerts, and the promise as a number to compare with.
#[derive(Debug)]
pub(super) struct Inventory(pub(super) Vec<ProviderFacts>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabels {
    provider: String,
    criticality: String,
    owner: String,
    sla: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OwnProviderLabels {
    queue: String,
    provider: String,
    criticality: String,
    owner: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PromiseLabel {
    provider: String,
}

impl Collector for Inventory {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        info(
            &mut encoder,
            "provider",
            "The inventory's word on each provider",
            self.0.iter().map(ProviderLabels::of),
        )?;
        let own = self.0.iter().filter(|facts| facts.own);
        info(
            &mut encoder,
            "queue",
            "Each queue's own provider, and how much depends on it",
            own.map(OwnProviderLabels::of),
        )?;
        Gauges::into(encoder).family(
            "provider_sla_ratio",
            "The share of calls that a provider promises to answer, 0 to 1",
            self.0.iter().filter_map(|facts| {
                let provider = facts.provider.clone();
                Some((PromiseLabel { provider }, ratio(facts.sla_percent?)))
            }),
        )
    }
}

/// A family that says something by its labels alone.
fn info<L: Clone + Hash + Eq + EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    rows: impl Iterator<Item = L>,
) -> fmt::Result {
    let help = sentence(help);
    let mut family = encoder.encode_descriptor(name, &help, None, MetricType::Info)?;
    for labels in rows {
        // A family without labels of its own: those of an `Info` are the metric's.
        Info::new(labels).encode(family.encode_family::<[(&str, &str); 0]>(&[])?)?;
    }
    Ok(())
}

impl ProviderLabels {
    fn of(facts: &ProviderFacts) -> Self {
        Self {
            provider: facts.provider.clone(),
            criticality: facts.criticality.clone(),
            owner: facts.owner.clone().unwrap_or_default(),
            sla: facts
                .sla_percent
                .map_or(String::new(), |sla| sla.to_string()),
        }
    }
}

impl OwnProviderLabels {
    fn of(facts: &ProviderFacts) -> Self {
        Self {
            queue: facts.queue.clone(),
            provider: facts.provider.clone(),
            criticality: facts.criticality.clone(),
            owner: facts.owner.clone().unwrap_or_default(),
        }
    }
}

/// 99.95 / 100 is not quite 0.9995 in binary: six places are more than any promise has.
fn ratio(percent: f64) -> f64 {
    (percent * 10_000.0).round() / 1_000_000.0
}
