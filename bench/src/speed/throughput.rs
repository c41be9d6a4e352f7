//! Jobs that do nothing, queued beforehand: one process, 100 at once, 205 bytes each.

use std::sync::Arc;
use std::time::Instant;

use longshore_job::RetrySchedule;
use longshore_queue::{
    ClaimState, HistoryEntry, Lease, LinkOptions, OnUnknown, Policy, Queue, RunState, Verdict,
    WorkerId, decide,
};

use super::load::PAYLOAD_BYTES;
use super::ours::{Ours, RETENTION, done};
use super::peers::{self, Apalis, BullMq};
use super::report::{Row, Section, median};
use super::{Failure, Scale};

/// What is wanted of ours / BullMQ now; later 6.5.
const BEST_PEER_TIMES: f64 = 5.0;

/// What is wanted of ours / floor now; later 0.8.
const SHARE_OF_FLOOR: f64 = 0.6;

/// How many calls the floor keeps under way: Redis is never without work.
const FLOOR_LOOPS: usize = 8;

/// In turns, so that the machine's drift is in all of them.
pub(crate) async fn measure(scale: Scale) -> Result<Section, Failure> {
    let (mut ours, mut bull, mut lean, mut stock, mut floor, mut bulk) =
        (vec![], vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..scale.runs() {
        let (enqueued, drained) = longshore(scale.of(200_000)).await?;
        bulk.push(enqueued);
        ours.push(drained);
        bull.push(bullmq(scale.of(50_000)).await?);
        lean.push(peers::apalis(Apalis::Lean, scale.of(50_000)).await?);
        stock.push(peers::apalis(Apalis::Stock, scale.of(15_000)).await?);
        floor.push(only_scripts(scale.of(200_000)).await?);
    }
    let (ours, bull, floor) = (median(ours), median(bull), median(floor));
    let (lean, stock) = (median(lean), median(stock));
    let row = |who: &str, rate| Row::new(who, rate, "jobs/s");
    let beside = |who: &str, rate| row(who, rate).ratio(ours / rate);
    Ok(Section {
        measure: "throughput",
        title: format!("no-ops of {PAYLOAD_BYTES} bytes, one process, 100 at once"),
        runs: scale.runs(),
        rows: vec![
            row("Longshore, every guarantee on", ours),
            beside("BullMQ's official Rust port 1.4.4", bull).at_least(BEST_PEER_TIMES),
            beside("apalis-redis 1.0.0 as it comes", stock),
            beside("apalis-redis 1.0.0 lean: no locks, no events", lean),
            beside("floor: claim and settle alone, no fleet", floor).at_least(SHARE_OF_FLOOR),
            row("Longshore, enqueue in bulk", median(bulk)),
        ],
    })
}

/// Jobs enqueued a second, jobs run a second.
async fn longshore(n: usize) -> Result<(f64, f64), Failure> {
    let ours = Ours::start()?;
    let began = Instant::now();
    ours.fill(n).await?;
    let enqueued = n as f64 / began.elapsed().as_secs_f64();
    Ok((enqueued, ours.drain(n).await?))
}

async fn bullmq(n: usize) -> Result<f64, Failure> {
    let bull = BullMq::start().await?;
    bull.fill(n).await?;
    bull.drain(n).await
}

/// The same Redis with the scripts and nothing else: claims of 100 and their settles, several under way at a time.
async fn only_scripts(n: usize) -> Result<f64, Failure> {
    let ours = Ours::start()?;
    ours.fill(n).await?;
    let lease = Arc::new(Lease::new(WorkerId::generate("floor")));
    ours.queue.join(&lease, RETENTION.keep).await?;
    let began = Instant::now();
    let loops: Vec<_> = (0..FLOOR_LOOPS)
        .map(|_| {
            let link = ours.queue.link().another(LinkOptions::default());
            tokio::spawn(drain(ours.queue.over(link), Arc::clone(&lease)))
        })
        .collect();
    let mut drained = 0;
    for one in loops {
        drained += one.await??;
    }
    let rate = drained as f64 / began.elapsed().as_secs_f64();
    match drained == n {
        true => Ok(rate),
        false => Err(format!("the floor drained {drained} of {n} jobs").into()),
    }
}

async fn drain(queue: Queue, lease: Arc<Lease>) -> Result<usize, Failure> {
    let policy = Policy {
        schedule: RetrySchedule::default(),
        on_unknown: OnUnknown::Retry,
    };
    let end = Ok(done());
    let mut drained = 0;
    loop {
        let claim = queue.claim(&lease, 100, None).await?;
        if claim.jobs.is_empty() && claim.state == ClaimState::Ok {
            return Ok(drained);
        }
        drained += claim.jobs.len();
        // What the fleet writes of a run that went well.
        let verdicts = claim.jobs.into_iter().map(|job| {
            let decision = decide(
                &end,
                job.run,
                job.context.route,
                &policy,
                super::ours::PROVIDER,
            );
            Verdict {
                id: job.id,
                token: job.token,
                kind: Some("load".to_owned()),
                fate: decision.fate,
                state: RunState {
                    entries: decision.state.entries + 1,
                    ..decision.state
                },
                history: Some(HistoryEntry {
                    attempt: 1,
                    worker: lease.worker().to_string(),
                    outcome: decision.outcome.to_owned(),
                    duration_ms: Some(0),
                    ..HistoryEntry::default()
                }),
                key: job.key,
                put_back: None,
                payload_bytes: PAYLOAD_BYTES,
                report: decision.report,
                context: job.context,
            }
        });
        let verdicts: Vec<Verdict> = verdicts.collect();
        if !verdicts.is_empty() {
            queue.settle(&verdicts, RETENTION).await?;
        }
    }
}
