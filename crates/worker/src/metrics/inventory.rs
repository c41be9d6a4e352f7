//! What the house says of its providers, beside what they do: alerts weigh one by the other.

use std::fmt::Write as _;

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

/// Writes them as metrics that are always 1, to be joined by alerts, and the promise as a number to compare with.
pub(super) fn gauges(text: &mut String, providers: &[ProviderFacts]) {
    if providers.is_empty() {
        return;
    }
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "# HELP longshore_provider The inventory's word on each provider.\n# TYPE longshore_provider info"
    );
    for facts in providers {
        let sla = facts
            .sla_percent
            .map_or(String::new(), |sla| sla.to_string());
        let _ = writeln!(
            text,
            "longshore_provider_info{{provider=\"{}\",criticality=\"{}\",owner=\"{}\",sla=\"{sla}\"}} 1",
            escaped(&facts.provider),
            escaped(&facts.criticality),
            escaped(facts.owner.as_deref().unwrap_or_default()),
        );
    }
    let _ = writeln!(
        text,
        "# HELP longshore_queue Each queue's own provider, and how much depends on it.\n# TYPE longshore_queue info"
    );
    for facts in providers.iter().filter(|facts| facts.own) {
        let _ = writeln!(
            text,
            "longshore_queue_info{{queue=\"{}\",provider=\"{}\",criticality=\"{}\",owner=\"{}\"}} 1",
            escaped(&facts.queue),
            escaped(&facts.provider),
            escaped(&facts.criticality),
            escaped(facts.owner.as_deref().unwrap_or_default()),
        );
    }
    let _ = writeln!(
        text,
        "# HELP longshore_provider_sla_ratio The share of calls that a provider promises to answer, 0 to 1.\n\
         # TYPE longshore_provider_sla_ratio gauge"
    );
    for facts in providers {
        if let Some(sla) = facts.sla_percent {
            // 99.95 / 100 is not quite 0.9995 in binary: six places are more than any promise has.
            let ratio = (sla * 10_000.0).round() / 1_000_000.0;
            let provider = escaped(&facts.provider);
            let _ = writeln!(
                text,
                "longshore_provider_sla_ratio{{provider=\"{provider}\"}} {ratio}"
            );
        }
    }
}

/// A label's value, as the format has it.
pub(super) fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
