//! What a process counts, as Prometheus text. Labels hold queues, kinds and outcomes: never a person, never an id.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_queue::{BreakerState, HoldCause, JobState, Stats, Word};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::entry::lock;
use crate::reach::Away;

mod inventory;
mod seldom;

pub use inventory::ProviderFacts;
pub(crate) use seldom::Seldom;

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
    calls: Family<CallLabels, Counter>,
    units: Family<UnitLabels, Counter>,
    not_reached: Family<HostLabels, Gauge>,
    credentials_unfetched: Family<HostLabels, Gauge>,
    providers: Vec<ProviderFacts>,
    ticks: Family<EntryLabel, Counter>,
    skipped_ticks: Family<EntryLabel, Counter>,
    last_tick: Family<EntryLabel, Gauge>,
    next_tick: Family<EntryLabel, Gauge>,
    pub(crate) listeners: longshore_listener::Metrics,
}

impl Metrics {
    pub(crate) fn new(providers: Vec<ProviderFacts>) -> Arc<Self> {
        let mut registry = Registry::with_prefix("longshore");
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
            calls: Family::default(),
            units: Family::default(),
            not_reached: Family::default(),
            credentials_unfetched: Family::default(),
            providers,
            ticks: Family::default(),
            skipped_ticks: Family::default(),
            last_tick: Family::default(),
            next_tick: Family::default(),
            listeners: longshore_listener::Metrics::default(),
            registry: Registry::default(),
        };
        registry.register("runs", "Runs that ended, by outcome", metrics.runs.clone());
        registry.register(
            "run_seconds",
            "How long runs took",
            metrics.run_seconds.clone(),
        );
        registry.register(
            "claim_seconds",
            "How long Redis took to hand out jobs",
            metrics.claim_seconds.clone(),
        );
        registry.register(
            "settle_seconds",
            "How long Redis took to write outcomes",
            metrics.settle_seconds.clone(),
        );
        registry.register(
            "rescued",
            "Jobs taken over from lost workers",
            metrics.rescued.clone(),
        );
        registry.register(
            "outcomes_refused",
            "Outcomes not written since the lease was lost",
            metrics.refused.clone(),
        );
        registry.register(
            "payload_newer",
            "Jobs put back since their args are newer than this worker",
            metrics.newer.clone(),
        );
        registry.register(
            "clock_steps",
            "How often Redis's clock was set ahead by more than half a minute: then nothing expires for a minute",
            metrics.clock_steps.clone(),
        );
        registry.register(
            "provider_calls",
            "What calls came to, by provider; a run that does not tell of each call counts as one",
            metrics.calls.clone(),
        );
        registry.register(
            "provider_billable_units",
            "What providers take money for, in the unit of each price list, as far as we know",
            metrics.units.clone(),
        );
        registry.register(
            "not_reached",
            "1 while this process does not reach the provider, and claims no jobs for it",
            metrics.not_reached.clone(),
        );
        registry.register(
            "credentials_unfetched",
            "1 while the provider has refused the credentials in use and they cannot be fetched again: this process claims no jobs for it",
            metrics.credentials_unfetched.clone(),
        );
        registry.register(
            "cron_ticks",
            "Ticks of cron entries that this process enqueued",
            metrics.ticks.clone(),
        );
        registry.register(
            "cron_skipped_ticks",
            "Ticks that nobody was there for and that were not caught up with, seen by this process",
            metrics.skipped_ticks.clone(),
        );
        registry.register(
            "cron_last_tick_timestamp_seconds",
            "The last tick that the fleet enqueued",
            metrics.last_tick.clone(),
        );
        registry.register(
            "cron_next_tick_timestamp_seconds",
            "The next tick; in the past when nobody ticks",
            metrics.next_tick.clone(),
        );
        metrics.listeners.register(&mut registry);
        Arc::new(Self {
            registry,
            ..metrics
        })
    }

    /// The counters of one queue.
    pub(crate) fn of(self: &Arc<Self>, queue: &str) -> QueueMetrics {
        QueueMetrics {
            all: Arc::clone(self),
            queue: queue.to_owned(),
            missed: Arc::default(),
        }
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
    pub(crate) fn text(&self, queues: &[(String, Stats)], seldom: &Seldom) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        let body = text.trim_end_matches("# EOF\n").len();
        text.truncate(body);
        gauges(&mut text, queues);
        inventory::gauges(&mut text, &self.providers);
        seldom.gauges(&mut text);
        text.push_str("# EOF\n");
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

fn gauges(text: &mut String, queues: &[(String, Stats)]) {
    let mut gauge = |name: &str, help: &str, rows: Vec<(String, f64)>| {
        let _ = writeln!(
            text,
            "# HELP longshore_{name} {help}.\n# TYPE longshore_{name} gauge"
        );
        for (labels, value) in rows {
            let _ = writeln!(text, "longshore_{name}{{{labels}}} {value}");
        }
    };
    let each = |value: fn(&Stats) -> f64| {
        queues
            .iter()
            .map(|(queue, stats)| (format!("queue=\"{queue}\""), value(stats)))
            .collect::<Vec<_>>()
    };
    let mut jobs = Vec::new();
    for (queue, stats) in queues {
        let states = [
            (JobState::Pending, stats.pending),
            (JobState::Scheduled, stats.scheduled),
            (JobState::Running, stats.running),
            (JobState::Retryable, stats.retryable),
            (JobState::Dead, stats.dead),
        ];
        for (state, count) in states {
            jobs.push((format!("queue=\"{queue}\",state=\"{state}\""), count as f64));
        }
    }
    gauge("jobs", "Jobs in Redis, by state", jobs);
    gauge(
        "parked_jobs",
        "Pending jobs that wait for a worker that knows their kind",
        each(|stats| stats.parked as f64),
    );
    let latency = each(|stats| stats.latency_ms.unwrap_or(0) as f64 / 1000.0);
    gauge("latency_seconds", "Age of the oldest pending job", latency);
    gauge(
        "paused",
        "1 while the queue is paused",
        each(|stats| f64::from(u8::from(stats.paused.is_some()))),
    );
    // Only its provider's refusal does that.
    let by_itself = |stats: &Stats| {
        let mut holds = stats.holds.iter();
        holds.any(|hold| hold.cause == HoldCause::Credentials && hold.provider.is_none())
    };
    gauge(
        "paused_itself",
        "1 while the queue is paused since its provider refuses our credentials",
        queues
            .iter()
            .map(|(queue, stats)| {
                let value = f64::from(u8::from(by_itself(stats)));
                (format!("queue=\"{queue}\""), value)
            })
            .collect(),
    );
    let workers = each(|stats| stats.workers as f64);
    gauge("workers", "Workers with a lease", workers);
    let mut breakers = Vec::new();
    for (queue, stats) in queues {
        for breaker in &stats.breakers {
            let value = match breaker.state {
                BreakerState::Closed => 0.0,
                BreakerState::HalfOpen => 1.0,
                BreakerState::Open => 2.0,
            };
            let provider = &breaker.provider;
            breakers.push((format!("queue=\"{queue}\",provider=\"{provider}\""), value));
        }
    }
    gauge(
        "breaker_state",
        "A provider's breaker: 0 closed, 1 half-open, 2 open",
        breakers,
    );
    let mut holds = Vec::new();
    for (queue, stats) in queues {
        for hold in &stats.holds {
            let provider = hold.provider.as_deref().unwrap_or_default();
            let cause = hold.cause;
            let labels = format!("queue=\"{queue}\",cause=\"{cause}\",provider=\"{provider}\"");
            holds.push((labels, 1.0));
        }
    }
    gauge(
        "hold",
        "1 for each thing that holds calls of a provider back; no provider: the queue's own",
        holds,
    );
    gauge(
        "held",
        "1 while the provider has told us to stay away",
        each(|stats| f64::from(u8::from(stats.held_until_ms.is_some()))),
    );
}

/// The counters of one queue.
#[derive(Debug, Clone)]
pub(crate) struct QueueMetrics {
    all: Arc<Metrics>,
    queue: String,
    missed: Arc<Mutex<BTreeSet<String>>>,
}

impl QueueMetrics {
    fn label(&self) -> QueueLabel {
        QueueLabel {
            queue: self.queue.clone(),
        }
    }

    pub(crate) fn ran(
        &self,
        kind: Option<&'static str>,
        outcome: &'static str,
        took: Option<Duration>,
    ) {
        let (queue, kind) = (self.queue.clone(), kind.unwrap_or("unknown"));
        if let Some(took) = took {
            let labels = KindLabels {
                queue: queue.clone(),
                kind,
            };
            self.all
                .run_seconds
                .get_or_create(&labels)
                .observe(took.as_secs_f64());
        }
        let labels = JobLabels {
            queue,
            kind,
            outcome,
        };
        self.all.runs.get_or_create(&labels).inc();
    }

    pub(crate) fn claim_seconds(&self, took: Duration) {
        self.all
            .claim_seconds
            .get_or_create(&self.label())
            .observe(took.as_secs_f64());
    }

    pub(crate) fn settle_seconds(&self, took: Duration) {
        self.all
            .settle_seconds
            .get_or_create(&self.label())
            .observe(took.as_secs_f64());
    }

    pub(crate) fn rescued(&self, jobs: usize) {
        self.all
            .rescued
            .get_or_create(&self.label())
            .inc_by(jobs as u64);
    }

    pub(crate) fn refused(&self) {
        self.all.refused.get_or_create(&self.label()).inc();
    }

    /// A call came to this. Nothing is counted of a call that said nothing.
    pub(crate) fn called(&self, provider: &str, word: &Word) {
        let outcome = match word {
            Word::Nothing => return,
            Word::Well => "answered",
            Word::Ill => "failed",
            Word::NotReached => "not_reached",
            Word::Hold(_) => "throttled",
            Word::Refused { .. } => "unauthorized",
        };
        let labels = CallLabels {
            provider: provider.to_owned(),
            outcome,
        };
        self.all.calls.get_or_create(&labels).inc();
    }

    /// The queue's jobs call these. They are counted from the start, so that what is not wrong reads 0.
    pub(crate) fn has_providers<'a>(&self, providers: impl Iterator<Item = &'a str>) {
        let named = providers.filter(|name| !name.is_empty());
        lock(&self.missed).extend(named.map(str::to_owned));
        self.left_to_others(&HashMap::new());
    }

    /// These providers of the queue are left to other workers from here, and no others.
    pub(crate) fn left_to_others(&self, away: &HashMap<String, Away>) {
        let mut known = lock(&self.missed);
        known.extend(away.keys().cloned());
        for provider in known.iter() {
            let labels = HostLabels {
                queue: self.queue.clone(),
                provider: provider.clone(),
            };
            let (host, credentials) = match away.get(provider) {
                Some(Away::Host(_)) => (1, 0),
                Some(Away::Unfetched(_)) => (0, 1),
                None => (0, 0),
            };
            self.all.not_reached.get_or_create(&labels).set(host);
            let unfetched = &self.all.credentials_unfetched;
            unfetched.get_or_create(&labels).set(credentials);
        }
    }

    /// A provider takes money for this.
    pub(crate) fn billed(&self, provider: &'static str, unit: &'static str, units: u64) {
        let labels = UnitLabels { provider, unit };
        self.all.units.get_or_create(&labels).inc_by(units);
    }

    pub(crate) fn clock_step(&self) {
        self.all.clock_steps.get_or_create(&self.label()).inc();
    }

    pub(crate) fn newer(&self) {
        self.all.newer.get_or_create(&self.label()).inc();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use longshore_queue::{Breaker, Hold, Paused};

    use super::*;

    #[test]
    fn what_redis_says_of_the_queues_is_valid_openmetrics_beside_our_own_counters() {
        let stats = Stats {
            parked: 0,
            parked_kinds: Vec::new(),
            broken: None,
            pending: 3,
            scheduled: 0,
            running: 1,
            retryable: 2,
            dead: 4,
            workers: 5,
            paused: Some(Paused {
                by: "ada".to_owned(),
                reason: String::new(),
                since_ms: 0,
            }),
            held_until_ms: None,
            holds: vec![Hold {
                cause: HoldCause::Credentials,
                provider: None,
                until_ms: None,
            }],
            breakers: vec![Breaker {
                provider: "sendgrid".to_owned(),
                state: BreakerState::Open,
                until_ms: Some(1),
                refused: None,
            }],
            latency_ms: Some(1500),
            counters: HashMap::new(),
        };
        let metrics = Metrics::new(vec![ProviderFacts {
            provider: "sendgrid".to_owned(),
            queue: "email".to_owned(),
            own: true,
            criticality: "high".to_owned(),
            sla_percent: Some(99.95),
            owner: Some("Back \"end\"".to_owned()),
        }]);
        let email = metrics.of("email");
        email.ran(Some("send_email"), "completed", None);
        email.called("sendgrid", &Word::Well);
        email.called("sendgrid", &Word::Hold(Duration::from_secs(1)));
        email.called("sendgrid", &Word::Nothing);
        email.billed("sendgrid", "mail", 3);
        let text = metrics.text(&[("email".to_owned(), stats)], &Seldom::default());
        for line in [
            r#"longshore_runs_total{queue="email",kind="send_email",outcome="completed"} 1"#,
            r#"longshore_jobs{queue="email",state="retryable"} 2"#,
            r#"longshore_latency_seconds{queue="email"} 1.5"#,
            r#"longshore_paused{queue="email"} 1"#,
            r#"longshore_paused_itself{queue="email"} 1"#,
            r#"longshore_hold{queue="email",cause="credentials",provider=""} 1"#,
            r#"longshore_held{queue="email"} 0"#,
            r#"longshore_breaker_state{queue="email",provider="sendgrid"} 2"#,
            r#"longshore_provider_calls_total{provider="sendgrid",outcome="answered"} 1"#,
            r#"longshore_provider_calls_total{provider="sendgrid",outcome="throttled"} 1"#,
            r#"longshore_provider_billable_units_total{provider="sendgrid",unit="mail"} 3"#,
            r#"longshore_provider_info{provider="sendgrid",criticality="high",owner="Back \"end\"",sla="99.95"} 1"#,
            r#"longshore_provider_sla_ratio{provider="sendgrid"} 0.9995"#,
            r#"longshore_queue_info{queue="email",provider="sendgrid",criticality="high",owner="Back \"end\""} 1"#,
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
        assert_eq!(text.matches("# EOF").count(), 1);
        assert!(text.ends_with("# EOF\n"));
    }
}
