//! What a process counts, as Prometheus text. Labels hold queues, kinds and outcomes: never a person, never an id.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use longshore_queue::{BreakerState, JobState, Stats};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

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
}

impl Metrics {
    pub(crate) fn new() -> Arc<Self> {
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
        }
    }

    /// Everything, with what Redis says of the queues.
    pub(crate) fn text(&self, queues: &[(String, Stats)]) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        let body = text.trim_end_matches("# EOF\n").len();
        text.truncate(body);
        gauges(&mut text, queues);
        text.push_str("# EOF\n");
        text
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
    let latency = each(|stats| stats.latency_ms.unwrap_or(0) as f64 / 1000.0);
    gauge("latency_seconds", "Age of the oldest pending job", latency);
    gauge(
        "paused",
        "1 while the queue is paused",
        each(|stats| f64::from(u8::from(stats.paused.is_some()))),
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

    pub(crate) fn newer(&self) {
        self.all.newer.get_or_create(&self.label()).inc();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use longshore_queue::{Breaker, Paused};

    use super::*;

    #[test]
    fn what_redis_says_of_the_queues_is_valid_openmetrics_beside_our_own_counters() {
        let stats = Stats {
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
            breakers: vec![Breaker {
                provider: "sendgrid".to_owned(),
                state: BreakerState::Open,
                until_ms: Some(1),
                refused: None,
            }],
            latency_ms: Some(1500),
            counters: HashMap::new(),
        };
        let metrics = Metrics::new();
        metrics
            .of("email")
            .ran(Some("send_email"), "completed", None);
        let text = metrics.text(&[("email".to_owned(), stats)]);
        for line in [
            r#"longshore_runs_total{queue="email",kind="send_email",outcome="completed"} 1"#,
            r#"longshore_jobs{queue="email",state="retryable"} 2"#,
            r#"longshore_latency_seconds{queue="email"} 1.5"#,
            r#"longshore_paused{queue="email"} 1"#,
            r#"longshore_held{queue="email"} 0"#,
            r#"longshore_breaker_state{queue="email",provider="sendgrid"} 2"#,
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
