//! What Redis says of the queues.

use std::fmt;

use longshore_queue::{BreakerState, HoldCause, JobState, Stats};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet};

use super::QueueLabel;
use super::cached_facts::CachedFacts;
use super::gauges::Gauges;

/// What Redis has just said.
#[derive(Debug)]
pub(super) struct RedisFacts {
    pub(super) queues: Vec<(String, Stats)>,
    /// Whether each queue did not answer, though others did.
    pub(super) away: Vec<(String, bool)>,
    pub(super) cached: CachedFacts,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    queue: String,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BreakerLabels {
    queue: String,
    provider: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HoldLabels {
    queue: String,
    cause: &'static str,
    provider: String,
}

impl Collector for RedisFacts {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut gauges = Gauges::into(encoder);
        self.counts(&mut gauges)?;
        self.troubles(&mut gauges)?;
        self.cached.gauges(&mut gauges)
    }
}

impl RedisFacts {
    fn each<V>(&self, value: impl Fn(&Stats) -> V) -> impl Iterator<Item = (QueueLabel, V)> {
        self.queues.iter().map(move |(queue, stats)| {
            let queue = queue.clone();
            (QueueLabel { queue }, value(stats))
        })
    }

    fn counts(&self, gauges: &mut Gauges<'_>) -> fmt::Result {
        let away = self.away.iter().map(|(queue, away)| {
            let queue = queue.clone();
            (QueueLabel { queue }, u64::from(*away))
        });
        gauges.family(
            "queue_away",
            "1 while the queue does not answer, and other queues do",
            away,
        )?;
        gauges.family("jobs", "Jobs in Redis, by state", self.jobs())?;
        gauges.family(
            "parked_jobs",
            "Pending jobs that wait for a worker that knows their kind",
            self.each(|stats| stats.parked),
        )?;
        gauges.family(
            "latency_seconds",
            "How long the oldest pending job has waited since it was due",
            self.each(|stats| stats.latency_ms.unwrap_or(0) as f64 / 1000.0),
        )?;
        gauges.family(
            "workers",
            "Workers with a lease",
            self.each(|stats| stats.workers),
        )?;
        gauges.family(
            "notices",
            "Notices to the application that wait to be handed on",
            self.each(|stats| stats.notices),
        )?;
        gauges.family(
            "notices_oldest_seconds",
            "For how long the first notice to the application has waited to be handed on",
            self.each(|stats| stats.notices_ms.unwrap_or(0) as f64 / 1000.0),
        )?;
        gauges.family(
            "notices_dropped",
            "Notices to the application that were dropped, since the start of counting",
            self.each(|stats| stats.counter("notices_dropped")),
        )
    }

    fn troubles(&self, gauges: &mut Gauges<'_>) -> fmt::Result {
        gauges.family(
            "paused",
            "1 while the queue is paused",
            self.each(|stats| u32::from(stats.paused.is_some())),
        )?;
        gauges.family(
            "paused_itself",
            "1 while the queue is paused since its provider refuses our credentials",
            self.each(|stats| u32::from(by_itself(stats))),
        )?;
        gauges.family(
            "breaker_state",
            "A provider's breaker: 0 closed, 1 half-open, 2 open",
            self.breakers(),
        )?;
        gauges.family(
            "hold",
            "1 for each thing that holds calls of a provider back; no provider: the queue's own",
            self.holds(),
        )?;
        gauges.family(
            "held",
            "1 while the provider has told us to stay away",
            self.each(|stats| u32::from(stats.held_until_ms.is_some())),
        )
    }

    fn jobs(&self) -> impl Iterator<Item = (StateLabels, u64)> {
        self.queues.iter().flat_map(|(queue, stats)| {
            [
                (JobState::Pending, stats.pending),
                (JobState::Scheduled, stats.scheduled),
                (JobState::Running, stats.running),
                (JobState::Retryable, stats.retryable),
                (JobState::Dead, stats.dead),
            ]
            .map(|(state, count)| {
                let (queue, state) = (queue.clone(), state.as_str());
                (StateLabels { queue, state }, count)
            })
        })
    }

    fn breakers(&self) -> impl Iterator<Item = (BreakerLabels, u32)> {
        self.queues.iter().flat_map(|(queue, stats)| {
            stats.breakers.iter().map(|breaker| {
                let labels = BreakerLabels {
                    queue: queue.clone(),
                    provider: breaker.provider.clone(),
                };
                let value = match breaker.state {
                    BreakerState::Closed => 0,
                    BreakerState::HalfOpen => 1,
                    BreakerState::Open => 2,
                };
                (labels, value)
            })
        })
    }

    fn holds(&self) -> impl Iterator<Item = (HoldLabels, u32)> {
        self.queues.iter().flat_map(|(queue, stats)| {
            stats.holds.iter().map(|hold| {
                let labels = HoldLabels {
                    queue: queue.clone(),
                    cause: hold.cause.as_str(),
                    provider: hold.provider.clone().unwrap_or_default(),
                };
                (labels, 1)
            })
        })
    }
}

/// Whether the queue has paused itself: only its provider's refusal does that.
fn by_itself(stats: &Stats) -> bool {
    let mut holds = stats.holds.iter();
    holds.any(|hold| hold.cause == HoldCause::Credentials && hold.provider.is_none())
}
