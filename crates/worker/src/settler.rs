//! Writes outcomes, in batches, and repeats until they are written.

pub(crate) mod state;

use std::sync::Arc;
use std::time::Duration;

use longshore_job::{Backoff, Reconnect};
use longshore_queue::{Fate, MAX_VERDICTS, QueueError, Settled, Stamp, Verdict};
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until};

use crate::resend::resend;
use crate::station::Station;
use crate::watch::notify_dead;

const RETRY_LONGEST: Duration = Duration::from_secs(1);

/// How long ended jobs may be overdue, where no outcome was written that says when they are.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// The loop. One call for all outcomes of the last moment: the busier the queue, the larger the batches. Ends by
/// being aborted, once nothing is left to write.
pub(crate) async fn run(station: Arc<Station>, mut outcomes: mpsc::UnboundedReceiver<Verdict>) {
    let mut batch = Vec::with_capacity(MAX_VERDICTS);
    // What Redis refuses to write waits here, so that it holds nothing else up.
    let mut left_over: Vec<Verdict> = Vec::new();
    let mut retry_at: Option<Instant> = None;
    // At the start there may be ended jobs of an earlier process.
    let mut prune_at = Some(Instant::now());
    loop {
        station.settler.mark();
        if retry_at.is_some_and(|at| at <= Instant::now()) {
            // Not left to the wait below: a busy queue has an outcome to write at any time.
            retry_at = None;
            let again = left_over.len().min(MAX_VERDICTS);
            batch.extend(left_over.drain(..again));
        } else {
            let tick = retry_at.unwrap_or_else(|| Instant::now() + Duration::from_secs(5));
            tokio::select! {
                biased;
                n = outcomes.recv_many(&mut batch, MAX_VERDICTS) => {
                    if n == 0 {
                        return;
                    }
                    // What ends in the same moment is written in the same call.
                    yield_now().await;
                    while batch.len() < MAX_VERDICTS && let Ok(verdict) = outcomes.try_recv() {
                        batch.push(verdict);
                    }
                }
                () = sleep_until(prune_at.unwrap_or(tick).min(tick)) => {
                    if prune_at.is_some_and(|at| at <= Instant::now()) {
                        prune_at = prune(&station).await;
                    }
                    continue;
                }
            }
        }
        let written = write(&station, &mut batch).await;
        prune_at = prune_at.or(written.prune_at);
        let soonest = written.soonest;
        left_over.extend(written.left_over);
        if !left_over.is_empty() {
            retry_at.get_or_insert_with(|| Instant::now() + RETRY_LONGEST);
        }
        station.settler.finished_batch(left_over.len());
        // The idle claimer sleeps until the next due time it knows of.
        if soonest.is_some_and(|due| due < Duration::from_secs(2)) {
            station.claimer.wake();
        }
    }
}

fn due_in(verdict: &Verdict) -> Option<Duration> {
    match verdict.fate {
        Fate::Retry { after } | Fate::Later { after } => Some(after),
        Fate::Back | Fate::Untouched => Some(Duration::ZERO),
        Fate::Completed { .. }
        | Fate::Parked { .. }
        | Fate::Dead { .. }
        | Fate::Cancelled
        | Fate::Forget => None,
    }
}

/// What came of writing a batch.
#[derive(Default)]
struct Written {
    /// When completed jobs are to be pruned.
    prune_at: Option<Instant>,
    /// How soon one of its jobs is due again.
    soonest: Option<Duration>,
    /// What Redis refused to write, or was not asked for behind that.
    left_over: Vec<Verdict>,
}

/// Writes one batch, as often as it takes. What Redis refuses is left over.
async fn write(station: &Arc<Station>, batch: &mut Vec<Verdict>) -> Written {
    let mut reconnect = Reconnect::new(Duration::from_millis(20), RETRY_LONGEST);
    // Should a first try be carried out and not be answered, it was after this.
    let before = station.queue.newest();
    loop {
        station.settler.mark();
        if station.redis_memory.has_forgotten()
            && let Err(error) = resend(station).await
        {
            tracing::debug!(queue = station.queue.name(), %error, "outcomes wait until Redis is told what it forgot");
            sleep(reconnect.next_backoff().unwrap_or(RETRY_LONGEST)).await;
            continue;
        }
        let started = Instant::now();
        match station
            .queue
            .settle(batch, station.settings.retention)
            .await
        {
            Ok(Settled { at: None, .. }) => {
                station.note_forgotten();
                // Without a lease nothing can be told: the keeper is joining.
                if station.keeper.lease().is_none() {
                    sleep(RETRY_LONGEST).await;
                }
            }
            Ok(Settled {
                written,
                at: Some(at),
                prune_at_ms,
            }) => {
                station.metrics.settle_seconds(started.elapsed());
                let repeated = !reconnect.is_fresh();
                if reconnect.is_fresh() {
                    report(station, batch, &written);
                } else {
                    // With an answer lost, a refusal may be our own first try: then nothing is known to be wrong.
                    notify_dead(station.watch.as_ref(), station.queue.name(), batch.iter());
                    tracing::info!(
                        queue = station.queue.name(),
                        jobs = batch.len(),
                        "outcomes are written again"
                    );
                }
                station.notifier.wrote(&station.queue, batch.iter());
                let keep = station.settings.retention.keep;
                let soonest = batch.iter().filter_map(due_in).min();
                for (verdict, written) in batch.drain(..).zip(written) {
                    let at = match (written, repeated) {
                        (true, _) => Some(at.clone()),
                        // Refused since it was written before, most likely.
                        (false, true) => Some(before.clone()),
                        (false, false) => None,
                    };
                    finish(station, verdict, at);
                }
                return Written {
                    prune_at: prune_at_ms.map(|_| Instant::now() + keep),
                    soonest,
                    left_over: Vec::new(),
                };
            }
            Err(QueueError::Refused { .. }) => return one_by_one(station, batch).await,
            Err(error) => {
                station.redis_memory.note_interruption();
                if reconnect.is_fresh() {
                    tracing::warn!(queue = station.queue.name(), jobs = batch.len(), %error, "outcomes wait to be written");
                }
                sleep(reconnect.next_backoff().unwrap_or(RETRY_LONGEST)).await;
            }
        }
    }
}

/// A verdict is done with. `at`: it was written then, and may have to be sent again; `None`: the job was no longer ours.
fn finish(station: &Station, verdict: Verdict, at: Option<Stamp>) {
    let (id, token) = (verdict.id.clone(), Arc::clone(&verdict.token));
    if let Some(at) = at {
        // First, so that there is no moment in which nobody here knows of the job.
        let entry = station.ledger.get(&id, &token);
        let keep = station.remembers_for();
        station.recent.note(verdict, at, entry, keep);
    }
    station.ledger.remove(&id, &token);
    station.settler.finished_one(id, token);
}

/// One verdict that Redis refuses must not hold up the others of its batch.
async fn one_by_one(station: &Station, batch: &mut Vec<Verdict>) -> Written {
    let mut written = Written::default();
    let mut verdicts = batch.drain(..);
    while let Some(verdict) = verdicts.next() {
        station.settler.mark();
        let one = std::slice::from_ref(&verdict);
        match station.queue.settle(one, station.settings.retention).await {
            Ok(Settled { at: None, .. }) => {
                station.note_forgotten();
                written.left_over.push(verdict);
                written.left_over.extend(verdicts.by_ref());
            }
            Ok(settled) => {
                let keep = station.settings.retention.keep;
                let prune_at = settled.prune_at_ms.map(|_| Instant::now() + keep);
                written.prune_at = written.prune_at.or(prune_at);
                report(station, one, &settled.written);
                station.notifier.wrote(&station.queue, one.iter());
                written.soonest = written.soonest.into_iter().chain(due_in(&verdict)).min();
                let at = settled.at.filter(|_| settled.written == [true]);
                finish(station, verdict, at);
            }
            Err(QueueError::Refused { server, reason }) => {
                if !station.settler.has_refused() && written.left_over.is_empty() {
                    tracing::error!(queue = station.queue.name(), job_id = %verdict.id, server, reason, "Redis refuses an outcome: it is tried again each second");
                }
                written.left_over.push(verdict);
            }
            // It is away now: the rest need not find that out one by one.
            Err(_) => {
                written.left_over.push(verdict);
                written.left_over.extend(verdicts.by_ref());
            }
        }
    }
    written
}

fn report(station: &Station, batch: &[Verdict], written: &[bool]) {
    let (written, not_ours): (Vec<_>, Vec<_>) = batch
        .iter()
        .zip(written)
        .partition(|(_, written)| **written);
    let written = written.into_iter().map(|(verdict, _)| verdict);
    notify_dead(station.watch.as_ref(), station.queue.name(), written);
    for (verdict, _) in not_ours {
        tracing::warn!(queue = station.queue.name(), job_id = %verdict.id, "outcome refused: the job is no longer ours");
        station.metrics.not_ours();
    }
}

/// Forgets completed and cancelled jobs whose time is over. Returns when to look again: soon, since operators cancel without a word
/// to us.
async fn prune(station: &Station) -> Option<Instant> {
    match station.queue.prune(station.settings.retention).await {
        Ok(None) => Some(Instant::now() + LOOK_AGAIN),
        Ok(Some(next_ms)) => {
            let now = station.queue.now_ms().await.ok()?;
            let wait = Duration::from_millis(next_ms.saturating_sub(now));
            Some(Instant::now() + wait.min(LOOK_AGAIN))
        }
        Err(_) => Some(Instant::now() + Duration::from_secs(10)),
    }
}
