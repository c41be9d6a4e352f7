//! What Redis says of the queues, as Prometheus text.

use std::fmt::Write as _;

use longshore_queue::{BreakerState, HoldCause, JobState, Stats};

/// A row's labels, and its value.
type Row = (String, f64);

pub(super) fn gauges(text: &mut String, queues: &[(String, Stats)]) {
    let mut gauge = |name: &str, help: &str, rows: Vec<Row>| {
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
    gauge("jobs", "Jobs in Redis, by state", jobs(queues));
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
    gauge(
        "paused_itself",
        "1 while the queue is paused since its provider refuses our credentials",
        each(|stats| f64::from(u8::from(by_itself(stats)))),
    );
    let workers = each(|stats| stats.workers as f64);
    gauge("workers", "Workers with a lease", workers);
    gauge(
        "breaker_state",
        "A provider's breaker: 0 closed, 1 half-open, 2 open",
        breakers(queues),
    );
    gauge(
        "hold",
        "1 for each thing that holds calls of a provider back; no provider: the queue's own",
        holds(queues),
    );
    gauge(
        "held",
        "1 while the provider has told us to stay away",
        each(|stats| f64::from(u8::from(stats.held_until_ms.is_some()))),
    );
}

fn jobs(queues: &[(String, Stats)]) -> Vec<Row> {
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
    jobs
}

fn breakers(queues: &[(String, Stats)]) -> Vec<Row> {
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
    breakers
}

fn holds(queues: &[(String, Stats)]) -> Vec<Row> {
    let mut holds = Vec::new();
    for (queue, stats) in queues {
        for hold in &stats.holds {
            let provider = hold.provider.as_deref().unwrap_or_default();
            let cause = hold.cause;
            let labels = format!("queue=\"{queue}\",cause=\"{cause}\",provider=\"{provider}\"");
            holds.push((labels, 1.0));
        }
    }
    holds
}

/// Whether the queue has paused itself: only its provider's refusal does that.
fn by_itself(stats: &Stats) -> bool {
    let mut holds = stats.holds.iter();
    holds.any(|hold| hold.cause == HoldCause::Credentials && hold.provider.is_none())
}
