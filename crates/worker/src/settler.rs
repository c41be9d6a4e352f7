//! Writes outcomes, in batches, and repeats until they are written.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use longshore_job::{Backoff, Reconnect};
use longshore_queue::{Fate, MAX_VERDICTS, Verdict};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};

use crate::station::Station;

const RETRY_LONGEST: Duration = Duration::from_secs(1);

/// The loop. One call for all outcomes of the last moment: the busier the queue, the larger the batches. Ends by
/// being aborted, once nothing is left to write.
pub(crate) async fn run(station: Arc<Station>, mut outcomes: mpsc::UnboundedReceiver<Verdict>) {
    let mut batch = Vec::with_capacity(MAX_VERDICTS);
    // At the start there may be completed jobs of an earlier process.
    let mut prune_at = Some(Instant::now());
    loop {
        station.settler.mark();
        let tick = Instant::now() + Duration::from_secs(5);
        tokio::select! {
            biased;
            n = outcomes.recv_many(&mut batch, MAX_VERDICTS) => if n == 0 { return },
            () = sleep_until(prune_at.unwrap_or(tick).min(tick)) => {
                if prune_at.is_some_and(|at| at <= Instant::now()) {
                    prune_at = prune(&station).await;
                }
                continue;
            }
        }
        let next_prune = write(&station, &batch).await;
        prune_at = prune_at.or(next_prune);
        let soonest = batch.iter().filter_map(due_in).min();
        for verdict in batch.drain(..) {
            station.ledger.remove(&verdict.id, &verdict.token);
            station.unsettled.fetch_sub(1, Ordering::AcqRel);
        }
        station.settled_some.notify_one();
        // The idle claimer sleeps until the next due time it knows of.
        if soonest.is_some_and(|due| due < Duration::from_secs(2)) {
            station.work.notify_one();
        }
    }
}

fn due_in(verdict: &Verdict) -> Option<Duration> {
    match verdict.fate {
        Fate::Retry { after } | Fate::Later { after } => Some(after),
        Fate::Back | Fate::Untouched => Some(Duration::ZERO),
        Fate::Completed { .. } | Fate::Dead { .. } | Fate::Forget => None,
    }
}

/// Writes one batch, as often as it takes. Returns when completed jobs are to be pruned.
async fn write(station: &Station, batch: &[Verdict]) -> Option<Instant> {
    let mut reconnect = Reconnect::new(Duration::from_millis(20), RETRY_LONGEST);
    loop {
        station.settler.mark();
        let started = Instant::now();
        match station
            .queue
            .settle(batch, station.settings.retention)
            .await
        {
            Ok(settled) => {
                station.metrics.settle_seconds(started.elapsed());
                if reconnect.is_fresh() {
                    report(station, batch, &settled.written);
                } else {
                    // With an answer lost, a refusal may be our own first try: then nothing is known to be wrong.
                    tracing::info!(
                        queue = station.queue.name(),
                        jobs = batch.len(),
                        "outcomes are written again"
                    );
                }
                return settled
                    .prune_at_ms
                    .map(|_| Instant::now() + station.settings.retention.keep);
            }
            Err(error) => {
                if reconnect.is_fresh() {
                    tracing::warn!(queue = station.queue.name(), jobs = batch.len(), %error, "outcomes wait to be written");
                }
                sleep(reconnect.next_backoff().unwrap_or(RETRY_LONGEST)).await;
            }
        }
    }
}

fn report(station: &Station, batch: &[Verdict], written: &[bool]) {
    let refused = batch.iter().zip(written).filter(|(_, written)| !**written);
    for (verdict, _) in refused {
        tracing::warn!(queue = station.queue.name(), job_id = %verdict.id, "outcome refused: the job is no longer ours");
        station.metrics.refused();
    }
}

/// Forgets completed jobs whose time is over. Returns when to look again.
async fn prune(station: &Station) -> Option<Instant> {
    match station.queue.prune(station.settings.retention).await {
        Ok(None) => None,
        Ok(Some(next_ms)) => {
            let now = station.queue.now_ms().await.ok()?;
            let wait = Duration::from_millis(next_ms.saturating_sub(now));
            Some(Instant::now() + wait)
        }
        Err(_) => Some(Instant::now() + Duration::from_secs(10)),
    }
}
