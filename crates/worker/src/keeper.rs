//! Holds the leases, on a thread of its own, so that no handler can starve it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use longshore_queue::{Lease, Queue, WorkerFacts};
use tokio::time::{Instant, sleep_until};

use crate::clock::Moment;
use crate::reach;
use crate::station::Station;
use crate::watch::tell;

/// How soon a beat that failed is repeated.
const RETRY: Duration = Duration::from_millis(250);

/// Why a parked job is dead, in words.
const KIND_NOT_KNOWN: &str =
    "kind unknown: no worker of this queue knew it for worker.unknown_kind_seconds";

/// How often what a worker says of itself is said again. For a little longer it counts (`lua/part/parked.lua`).
const SAY_AGAIN: Duration = Duration::from_secs(60);

/// Beats for one station until it is aborted. `queue` has a connection of its own.
pub(crate) async fn keep(station: Arc<Station>, queue: Queue) {
    let heartbeat = station.settings.heartbeat;
    let lost_after = station.settings.lost_after;
    let mut failing = false;
    let mut said = Moment::now();
    loop {
        station.keeper.mark();
        let asked = Moment::now();
        let current = station.lease();
        // Without any beat for one and a half intervals it is Redis that was away. Two would leave a worker that beat just
        // before an outage of that length no time to come back.
        let stale = heartbeat * 3 / 2;
        let (lease, answer) = match current {
            Some(lease) => {
                let answer = queue.beat(&lease, stale, station.ledger.len()).await;
                (lease, answer)
            }
            None => {
                let lease = station.new_lease();
                let answer = queue.join(&lease, stale).await;
                station.unsaid.store(true, Ordering::Release);
                (lease, answer)
            }
        };
        let mut next = Instant::now() + heartbeat;
        let mut rescue = None;
        match answer {
            Ok(beat) if beat.held => {
                if failing {
                    tracing::info!(queue = queue.name(), "Redis is back, the lease holds");
                    failing = false;
                }
                if let Some(step) = lease.clock_step() {
                    tracing::warn!(
                        queue = queue.name(),
                        step_seconds = step.as_secs(),
                        "Redis's clock was set ahead: no job is called expired for a minute, and retries come early"
                    );
                    station.metrics.clock_step();
                }
                // Before the first claim: others ask what the living can do.
                announce(&station, &queue, &lease, &mut said).await;
                reach::misses(&station, &lease);
                station.standing.send_modify(|standing| {
                    standing.lease = Some(Arc::clone(&lease));
                    standing.confirmed = Some(asked);
                });
                // A worker that will be lost before our next beat is rescued on time, not at that beat.
                // A claimer that has ended sweeps no more.
                rescue = beat
                    .stalest_other
                    .filter(|_| !station.stopping())
                    .map(|age| lost_after.saturating_sub(age))
                    .filter(|left| *left <= heartbeat)
                    .map(|left| Instant::now() + left.max(RETRY));
                if beat.forgot {
                    station.note_forgot();
                }
                if beat.parked {
                    bury_parked(&station, &queue, &lease).await;
                }
                if beat.replays {
                    station.replays.notify_one();
                }
                station
                    .alone
                    .store(beat.running.is_none(), Ordering::Release);
                if beat
                    .running
                    .is_some_and(|running| running != station.ledger.len() as u64)
                {
                    station.want_sweep();
                }
            }
            Ok(_) => {
                station.lose_lease(&lease);
                next = Instant::now();
            }
            Err(error) => {
                station.doubt();
                if !failing {
                    tracing::warn!(queue = queue.name(), %error, "no heartbeat: waiting for Redis");
                    failing = true;
                }
                next = Instant::now() + RETRY.min(heartbeat);
            }
        }
        let wake = rescue.unwrap_or(next).min(next);
        tokio::select! {
            () = sleep_until(wake) => {
                if rescue.is_some_and(|at| at <= Instant::now()) {
                    station.want_sweep();
                }
            }
            () = station.beat_now.notified(), if !failing => {}
        }
    }
}

/// Buries parked jobs whose time is over. If it fails, the next beat tries again.
async fn bury_parked(station: &Station, queue: &Queue, lease: &Lease) {
    let after = station.settings.unknown_kind;
    match queue.bury_parked(lease, after, KIND_NOT_KNOWN).await {
        Ok(buried) => {
            for letter in &buried {
                let (queue, job_id) = (queue.name(), &letter.id);
                tracing::error!(queue, %job_id, reason = KIND_NOT_KNOWN, "job is a dead letter");
            }
            tell(station.watch.as_ref(), queue.name(), &buried);
        }
        Err(error) => {
            tracing::debug!(queue = queue.name(), %error, "parked jobs are not looked through");
        }
    }
}

/// Makes known what this process says of itself, when that has changed, and now and then, since Redis may have lost it.
/// If it fails, the next beat tries again: a lease does not wait for it.
async fn announce(station: &Station, queue: &Queue, lease: &Lease, said: &mut Moment) {
    let reached = reach::to_say(station);
    if !reached.is_empty()
        && let Err(error) = queue.reached(&reached, &station.process).await
    {
        tracing::debug!(queue = queue.name(), %error, "what the worker reaches is not written");
    }
    if !station.unsaid.swap(false, Ordering::AcqRel) && said.elapsed() < SAY_AGAIN {
        return;
    }
    let facts = WorkerFacts {
        trouble: station.hosts.trouble(),
        ..station.facts.clone()
    };
    match queue.announce(lease, &facts).await {
        Ok(_) => *said = Moment::now(),
        Err(error) => {
            station.unsaid.store(true, Ordering::Release);
            tracing::debug!(queue = queue.name(), %error, "what the worker says of itself is not written");
        }
    }
}
