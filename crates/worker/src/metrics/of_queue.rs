use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_queue::CallReport;

use super::{CallLabels, HostLabels, JobLabels, KindLabels, Metrics, QueueLabel, UnitLabels};
use crate::lock::lock;
use crate::reach::hosts::UnreachableCause;

/// The counters of one queue.
#[derive(Debug, Clone)]
pub(crate) struct QueueMetrics {
    all: Arc<Metrics>,
    queue: String,
    missed: Arc<Mutex<BTreeSet<String>>>,
}

impl QueueMetrics {
    pub(super) fn new(all: Arc<Metrics>, queue: &str) -> Self {
        let metrics = Self {
            all,
            queue: queue.to_owned(),
            missed: Arc::default(),
        };
        // An alert sees the first one only if there was a zero before it.
        let label = metrics.label();
        for rare in [&metrics.all.clock_steps, &metrics.all.forgot] {
            drop(rare.get_or_create(&label));
        }
        metrics
    }

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

    /// An outcome was not written, since its job is no longer ours.
    pub(crate) fn not_ours(&self) {
        self.all.refused.get_or_create(&self.label()).inc();
    }

    /// A call came to this. Nothing is counted of a call that said nothing.
    pub(crate) fn called(&self, provider: &str, report: &CallReport) {
        let outcome = match report {
            CallReport::Nothing => return,
            CallReport::Well => "answered",
            CallReport::Ill => "failed",
            CallReport::NotReached => "not_reached",
            CallReport::Hold(_) => "throttled",
            CallReport::Refused { .. } => "unauthorized",
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
    pub(crate) fn left_to_others(&self, away: &HashMap<String, UnreachableCause>) {
        let mut known = lock(&self.missed);
        known.extend(away.keys().cloned());
        for provider in known.iter() {
            let labels = HostLabels {
                queue: self.queue.clone(),
                provider: provider.clone(),
            };
            let (host, credentials) = match away.get(provider) {
                Some(UnreachableCause::Host(_)) => (1, 0),
                Some(UnreachableCause::Unfetched(_)) => (0, 1),
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

    pub(crate) fn redis_forgot(&self) {
        self.all.forgot.get_or_create(&self.label()).inc();
    }

    pub(crate) fn newer(&self) {
        self.all.newer.get_or_create(&self.label()).inc();
    }
}
