//! Holds the leases, on a thread of its own, so that no handler can starve it.

pub(crate) mod state;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use longshore_queue::{Beat, Lease, Queue, QueueError, WorkerFacts, WorkerId};
use tokio::time::{Instant, sleep_until};

use crate::clock::Moment;
use crate::reach;
use crate::station::Station;
use crate::watch::notify_dead;

/// How soon a beat that failed is repeated.
const RETRY: Duration = Duration::from_millis(250);

/// Why a parked job is dead, in words.
const KIND_NOT_KNOWN: &str =
    "kind unknown: no worker of this queue knew it for worker.unknown_kind_seconds";

/// How often what a worker says of itself is said again. For a little longer it counts (`lua/part/parked.lua`).
const ANNOUNCE_AGAIN: Duration = Duration::from_secs(60);

/// Beats for one station until it is aborted. `queue` has a connection that only keepers and what is counted for `/metrics` use.
pub(crate) async fn keep(station: Arc<Station>, queue: Queue) {
    let mut keeper = Keeper {
        station: &station,
        queue,
        failing: false,
        found_none: None,
        announced: Moment::now(),
    };
    loop {
        station.keeper.mark();
        let next = keeper.beat().await;
        let wake = next.rescue.unwrap_or(next.beat).min(next.beat);
        tokio::select! {
            () = sleep_until(wake) => {
                if next.rescue.is_some_and(|at| at <= Instant::now()) {
                    station.claimer.want_rescue();
                }
            }
            () = station.keeper.beat_wanted(), if !keeper.failing => {}
        }
    }
}

/// The keeper of one station.
struct Keeper<'a> {
    station: &'a Station,
    queue: Queue,
    /// The last beat was not answered.
    failing: bool,
    /// When its last beat was sent, if that one found no running job of the queue.
    found_none: Option<Moment>,
    /// When it was last made known what this process says of itself.
    announced: Moment,
}

/// When there is something to do again.
struct Next {
    beat: Instant,
    /// Another worker will be lost by then, and rescued on time if that is before the next beat.
    rescue: Option<Instant>,
}

impl Keeper<'_> {
    /// One beat, or a join where there is no lease, and what follows from its answer.
    async fn beat(&mut self) -> Next {
        let station = self.station;
        let heartbeat = station.settings.heartbeat;
        let asked = Moment::now();
        // Without any beat for one and a half intervals it is Redis that was away. Two would leave a worker that beat just
        // before an outage of that length no time to come back.
        let stale = heartbeat * 3 / 2;
        let (lease, answer) = match station.keeper.lease() {
            Some(lease) => {
                let jobs = station.ledger.len();
                let running = self
                    .found_none
                    .take()
                    .map_or(0, |then| station.running_since(then, &lease));
                let answer = self.queue.beat(&lease, stale, jobs, running).await;
                (lease, answer)
            }
            None => {
                let worker = WorkerId::generate(&station.facts.process);
                let lease = Arc::new(Lease::new(worker));
                let answer = self.queue.join(&lease, stale).await;
                station.keeper.want_announcement();
                (lease, answer)
            }
        };
        let mut next = Next {
            beat: Instant::now() + heartbeat,
            rescue: None,
        };
        match answer {
            Ok(beat) if beat.held => {
                self.found_none = beat.none_runs.then_some(asked);
                // First: by the time that the rest is done, it may have been told.
                if beat.forgot {
                    station.note_forgotten();
                }
                self.confirm(&lease, asked).await;
                next.rescue = self.rescue(&beat);
                self.act_on(&lease, &beat).await;
            }
            Ok(_) => {
                station.lose_lease(&lease);
                next.beat = Instant::now();
            }
            Err(error) => {
                station.redis_memory.note_interruption();
                if !self.failing {
                    match error {
                        QueueError::Layout { .. } => {
                            tracing::error!(queue = self.queue.name(), %error, "no job of this queue is claimed");
                        }
                        error => {
                            tracing::warn!(queue = self.queue.name(), %error, "no heartbeat: waiting for Redis");
                        }
                    }
                    self.failing = true;
                }
                next.beat = Instant::now() + RETRY.min(heartbeat);
            }
        }
        next
    }

    /// The lease holds, as of the moment in which that was asked.
    async fn confirm(&mut self, lease: &Arc<Lease>, asked: Moment) {
        let (station, queue) = (self.station, self.queue.name());
        if self.failing {
            tracing::info!(queue, "Redis is back, the lease holds");
            self.failing = false;
        }
        if let Some(step) = lease.clock_step() {
            tracing::warn!(
                queue,
                step_seconds = step.as_secs(),
                "Redis's clock was set ahead: no job is called expired for a minute, and retries come early"
            );
            station.metrics.clock_step();
        }
        // Before the first claim: others ask what the living can do.
        self.announce(lease).await;
        reach::update_lease(station, lease);
        station.keeper.confirm(lease, asked);
    }

    /// When to look for the jobs of another worker that will be lost before our next beat. A claimer that has ended sweeps
    /// no more.
    fn rescue(&self, beat: &Beat) -> Option<Instant> {
        let settings = &self.station.settings;
        beat.stalest_other
            .filter(|_| !self.station.is_stopping())
            .map(|age| settings.lost_after.saturating_sub(age))
            .filter(|left| *left <= settings.heartbeat)
            .map(|left| Instant::now() + left.max(RETRY))
    }

    /// Does, or hands on, what a beat has found to be done in the queue.
    async fn act_on(&self, lease: &Lease, beat: &Beat) {
        let station = self.station;
        if beat.parked {
            self.bury_parked(lease).await;
        }
        if beat.replays {
            station.replayer.wake();
        }
        if beat.notices {
            station.notifier.wake();
        }
        // Noted before the jobs are: who claims meanwhile sees that it has to be looked once more.
        if station.keeper.set_asks(beat.asks) {
            self.pass_on_asks().await;
        }
        station.keeper.set_alone(beat.alone);
        if beat.sweep || station.claimer.take_later_sweep() {
            station.claimer.want_sweep();
        }
    }

    /// Tells those of our jobs that are asked to stop. If it fails, the next beat tries again.
    async fn pass_on_asks(&self) {
        let station = self.station;
        let entries = station.ledger.all().into_iter();
        let running: HashMap<_, _> = entries
            .filter(|entry| !entry.has_ended())
            .map(|entry| (entry.claimed.id.clone(), entry))
            .collect();
        let ids: Vec<_> = running.keys().cloned().collect();
        match self.queue.asked_to_stop(&ids).await {
            Ok(asked) => {
                for (id, request) in asked {
                    let (entry, force) = (&running[&id], request.force);
                    let trace_id = entry.trace_id();
                    let trace_id = trace_id.as_deref();
                    tracing::info!(queue = self.queue.name(), job_id = %id, trace_id, force, "job is asked to stop");
                    entry.ask_to_stop(request);
                }
            }
            Err(error) => {
                station.keeper.forget_asks();
                tracing::debug!(queue = self.queue.name(), %error, "it is not known which jobs are asked to stop");
            }
        }
    }

    /// Buries parked jobs whose time is over. If it fails, the next beat tries again.
    async fn bury_parked(&self, lease: &Lease) {
        let (station, queue) = (self.station, self.queue.name());
        let after = station.settings.unknown_kind;
        match self.queue.bury_parked(lease, after, KIND_NOT_KNOWN).await {
            Ok(buried) => {
                for letter in &buried {
                    let job_id = &letter.id;
                    tracing::error!(queue, %job_id, reason = KIND_NOT_KNOWN, "job is a dead letter");
                }
                notify_dead(station.watch.as_ref(), queue, &buried);
                station.notifier.wrote(&station.queue, buried.iter());
            }
            Err(error) => {
                tracing::debug!(queue, %error, "parked jobs are not looked through");
            }
        }
    }

    /// Makes known what this process says of itself, when that has changed, and now and then, since Redis may have lost it.
    /// If it fails, the next beat tries again: a lease does not wait for it.
    async fn announce(&mut self, lease: &Lease) {
        let (station, queue) = (self.station, self.queue.name());
        let reached = reach::take_reached(station);
        if !reached.is_empty()
            && let Err(error) = self.queue.reached(&reached, &station.process).await
        {
            tracing::debug!(queue, %error, "what the worker reaches is not written");
        }
        let changed = station.keeper.take_announcement();
        if !changed && self.announced.elapsed() < ANNOUNCE_AGAIN {
            return;
        }
        let facts = WorkerFacts {
            trouble: station.hosts.trouble(),
            ..station.facts.clone()
        };
        match self.queue.announce(lease, &facts).await {
            Ok(_) => self.announced = Moment::now(),
            Err(error) => {
                station.keeper.want_announcement();
                tracing::debug!(queue, %error, "what the worker says of itself is not written");
            }
        }
    }
}
