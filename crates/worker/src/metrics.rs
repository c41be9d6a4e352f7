//! What a process counts, as Prometheus text. Labels hold queues, kinds and outcomes: never a person, never an id.

use std::sync::Arc;

use longshore_queue::Stats;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

mod cached_facts;
mod gauges;
mod inventory;
mod of_queue;
mod redis;

pub(crate) use cached_facts::CachedFacts;
use inventory::Inventory;
pub use inventory::ProviderFacts;
pub(crate) use of_queue::QueueMetrics;

/// What all names begin with.
const PREFIX: &str = "longshore";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabel {
    queue: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    queue: String,
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    queue: String,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    provider: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HostLabels {
    queue: String,
    provider: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UnitLabels {
    provider: &'static str,
    unit: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EntryLabel {
    entry: String,
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// All counters of the process.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    runs: Family<JobLabels, Counter>,
    run_seconds: Histograms<KindLabels>,
    claim_seconds: Histograms<QueueLabel>,
    settle_seconds: Histograms<QueueLabel>,
    rescued: Family<QueueLabel, Counter>,
    refused: Family<QueueLabel, Counter>,
    newer: Family<QueueLabel, Counter>,
    clock_steps: Family<QueueLabel, Counter>,
    forgot: Family<QueueLabel, Counter>,
    calls: Family<CallLabels, Counter>,
    units: Family<UnitLabels, Counter>,
    not_reached: Family<HostLabels, Gauge>,
    credentials_unfetched: Family<HostLabels, Gauge>,
    ticks: Family<EntryLabel, Counter>,
    skipped_ticks: Family<EntryLabel, Counter>,
    last_tick: Family<EntryLabel, Gauge>,
    next_tick: Family<EntryLabel, Gauge>,
    pub(crate) listeners: longshore_listener::Metrics,
}

impl Metrics {
    /// `others` are told beside our own.
    pub(crate) fn new(providers: Vec<ProviderFacts>, others: Vec<Box<dyn Collector>>) -> Arc<Self> {
        let mut registry = Registry::with_prefix(PREFIX);
        // From 1 ms to 65 s for jobs, from 0.1 ms to 1.6 s for Redis.
        let jobs = Histograms::new_with_constructor(|| {
            Histogram::new(exponential_buckets(0.001, 2.0, 17))
        });
        let redis = || {
            Histograms::<QueueLabel>::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.0001, 2.0, 15))
            })
        };
        let metrics = Self {
            runs: Family::default(),
            run_seconds: jobs,
            claim_seconds: redis(),
            settle_seconds: redis(),
            rescued: Family::default(),
            refused: Family::default(),
            newer: Family::default(),
            clock_steps: Family::default(),
            forgot: Family::default(),
            calls: Family::default(),
            units: Family::default(),
            not_reached: Family::default(),
            credentials_unfetched: Family::default(),
            ticks: Family::default(),
            skipped_ticks: Family::default(),
            last_tick: Family::default(),
            next_tick: Family::default(),
            listeners: longshore_listener::Metrics::default(),
            registry: Registry::default(),
        };
        metrics.register_runs(&mut registry);
        metrics.register_providers(&mut registry);
        metrics.register_cron(&mut registry);
        metrics.listeners.register(&mut registry);
        registry.register_collector(Box::new(Inventory(providers)));
        for other in others {
            registry.register_collector(other);
        }
        Arc::new(Self {
            registry,
            ..metrics
        })
    }

    fn register_runs(&self, registry: &mut Registry) {
        registry.register("runs", "Runs that ended, by outcome", self.runs.clone());
        registry.register(
            "run_seconds",
            "How long runs took",
            self.run_seconds.clone(),
        );
        registry.register(
            "claim_seconds",
            "How long Redis took to hand out jobs",
            self.claim_seconds.clone(),
        );
        registry.register(
            "settle_seconds",
            "How long Redis took to write outcomes",
            self.settle_seconds.clone(),
        );
        registry.register(
            "rescued",
            "Jobs taken over from lost workers",
            self.rescued.clone(),
        );
        registry.register(
            "outcomes_refused",
            "Outcomes not written since the lease was lost",
            self.refused.clone(),
        );
        registry.register(
            "payload_newer",
            "Jobs put back since their args are newer than this worker",
            self.newer.clone(),
        );
        registry.register(
            "clock_steps",
            "How often Redis's clock was set ahead by more than half a minute: then nothing expires for a minute",
            self.clock_steps.clone(),
        );
        registry.register(
            "redis_forgot",
            "How often Redis had forgotten what it had acknowledged, and was told again",
            self.forgot.clone(),
        );
    }

    fn register_providers(&self, registry: &mut Registry) {
        registry.register(
            "provider_calls",
            "What calls came to, by provider; a run that does not tell of each call counts as one",
            self.calls.clone(),
        );
        registry.register(
            "provider_billable_units",
            "What providers take money for, in the unit of each price list, as far as we know",
            self.units.clone(),
        );
        registry.register(
            "not_reached",
            "1 while this process does not reach the provider, and claims no jobs for it",
            self.not_reached.clone(),
        );
        registry.register(
            "credentials_unfetched",
            "1 while the provider has refused the credentials in use and they cannot be fetched again: this process claims no jobs for it",
            self.credentials_unfetched.clone(),
        );
    }

    fn register_cron(&self, registry: &mut Registry) {
        registry.register(
            "cron_ticks",
            "Ticks of cron entries that this process enqueued",
            self.ticks.clone(),
        );
        registry.register(
            "cron_skipped_ticks",
            "Ticks that nobody was there for and that were not caught up with, seen by this process",
            self.skipped_ticks.clone(),
        );
        registry.register(
            "cron_last_tick_timestamp_seconds",
            "The last tick that the fleet enqueued",
            self.last_tick.clone(),
        );
        registry.register(
            "cron_next_tick_timestamp_seconds",
            "The next tick; in the past when nobody ticks",
            self.next_tick.clone(),
        );
    }

    /// The counters of one queue.
    pub(crate) fn of(self: &Arc<Self>, queue: &str) -> QueueMetrics {
        QueueMetrics::new(Arc::clone(self), queue)
    }

    pub(crate) fn ticks(&self, entry: &str, ticks: u64) {
        let label = EntryLabel::of(entry);
        self.ticks.get_or_create(&label).inc_by(ticks);
    }

    pub(crate) fn skipped_ticks(&self, entry: &str, ticks: u64) {
        let label = EntryLabel::of(entry);
        self.skipped_ticks.get_or_create(&label).inc_by(ticks);
    }

    pub(crate) fn last_tick(&self, entry: &str, tick_ms: u64) {
        let label = EntryLabel::of(entry);
        let gauge = self.last_tick.get_or_create(&label);
        gauge.set((tick_ms / 1000).cast_signed());
    }

    pub(crate) fn next_tick(&self, entry: &str, tick_ms: Option<u64>) {
        let label = EntryLabel::of(entry);
        match tick_ms {
            Some(tick_ms) => {
                let gauge = self.next_tick.get_or_create(&label);
                gauge.set((tick_ms / 1000).cast_signed());
            }
            None => drop(self.next_tick.remove(&label)),
        }
    }

    /// Everything, with what Redis says of the queues.
    ///
    /// `away` are queues that were asked for and did not answer. Where none answered, Redis is away, and nothing is said of any.
    pub(crate) fn text(
        &self,
        queues: Vec<(String, Stats)>,
        away: &[String],
        cached: CachedFacts,
    ) -> String {
        let mut of_redis = Registry::with_prefix(PREFIX);
        let answered = queues.iter().map(|(queue, _)| (queue.clone(), false));
        let silent = away.iter().map(|queue| (queue.clone(), true));
        let away = match queues.is_empty() {
            true => Vec::new(),
            false => answered.chain(silent).collect(),
        };
        let facts = redis::RedisFacts {
            queues,
            away,
            cached,
        };
        of_redis.register_collector(Box::new(facts));
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ =
            encode_registry(&mut text, &self.registry).and_then(|()| encode(&mut text, &of_redis));
        text
    }
}

impl EntryLabel {
    fn of(entry: &str) -> Self {
        Self {
            entry: entry.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
