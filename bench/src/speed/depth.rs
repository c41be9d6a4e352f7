//! Whether a long queue is slower to take from than a short one.
//!
//! A million jobs happen to be where Redis doubles its tables (at 2^20), which it does by moving one bucket with each
//! lookup: until then lookups are slow, whatever the depth. That is measured too, and told apart.

use std::time::{Duration, Instant};

use longshore_queue::{CallReport, Fate, Lease, RunState, Verdict, WorkerId};

use super::load::PAYLOAD_BYTES;
use super::ours::{Ours, RETENTION};
use super::report::{Row, Section, median, thousands};
use super::{Failure, Scale};

/// What is wanted of the claim rate at the greater depth / at the lesser.
const SHARE: f64 = 0.85;

/// Lookups a command, while Redis's tables grow.
const LOOKS: usize = 1_000;

/// Jobs a claim.
const WANT: usize = 100;

pub(crate) async fn measure(scale: Scale) -> Result<Section, Failure> {
    let depths = [1_000, scale.of(1_000_000)];
    let ours = Ours::start()?;
    let lease = Lease::new(WorkerId::generate("depth"));
    ours.queue.join(&lease, RETENTION.keep).await?;
    ours.fill(depths[0]).await?;
    let shallow = rate(&ours, &lease, scale).await?;
    ours.fill(depths[1] - depths[0]).await?;
    let growing = rate(&ours, &lease, scale).await?;
    let_tables_grow(&ours, depths[1]).await?;
    let deep = rate(&ours, &lease, scale).await?;
    let row = |depth: usize, what: &str, rate| {
        let depth = thousands(depth as f64);
        Row::new(format!("{depth} jobs wait{what}"), rate, "jobs/s")
    };
    Ok(Section {
        measure: "depth",
        title: format!("claims of {WANT} jobs, one after another; ratio to the first"),
        runs: scale.runs(),
        rows: vec![
            row(depths[0], "", shallow),
            row(depths[1], "", deep)
                .ratio(deep / shallow)
                .at_least(SHARE),
            row(depths[1], ", while Redis's tables grow", growing).ratio(growing / shallow),
        ],
    })
}

/// The middle one of some runs.
async fn rate(ours: &Ours, lease: &Lease, scale: Scale) -> Result<f64, Failure> {
    let mut runs = Vec::new();
    for _ in 0..scale.runs() {
        runs.push(claim_rate(ours, lease, scale.of(300)).await?);
    }
    Ok(median(runs))
}

/// Looks so often for what is not there that Redis has moved all buckets of its two large tables.
async fn let_tables_grow(ours: &Ours, depth: usize) -> Result<(), Failure> {
    let keys = ours.queue.keys();
    let mut look = redis::pipe();
    look.cmd("EXISTS").arg(vec!["-"; LOOKS]).ignore();
    look.cmd("HMGET")
        .arg(&keys.data)
        .arg(vec!["-"; LOOKS])
        .ignore();
    // A table that has just grown has as many buckets to move as it holds entries, completed jobs among them.
    for _ in 0..(2 * depth).div_ceil(LOOKS) {
        ours.queue.link().pipeline::<()>(&look).await?;
    }
    Ok(())
}

/// Jobs claimed a second, with the depth as it was: what is claimed is settled, and as many come in, off the clock.
async fn claim_rate(ours: &Ours, lease: &Lease, claims: usize) -> Result<f64, Failure> {
    let (mut took, mut claimed) = (Duration::ZERO, 0);
    for _ in 0..claims {
        let began = Instant::now();
        let claim = ours.queue.claim(lease, WANT, None).await?;
        took += began.elapsed();
        claimed += claim.jobs.len();
        let verdicts = claim.jobs.into_iter().map(|job| Verdict {
            id: job.id,
            token: job.token,
            kind: None,
            fate: Fate::Completed { result: None },
            state: RunState::default(),
            history: None,
            key: job.key,
            put_back: None,
            payload_bytes: PAYLOAD_BYTES,
            report: CallReport::Nothing,
            context: job.context,
        });
        let verdicts: Vec<Verdict> = verdicts.collect();
        if verdicts.is_empty() {
            return Err(format!("nothing was claimed: {:?}", claim.state).into());
        }
        ours.queue.settle(&verdicts, RETENTION).await?;
        ours.fill(verdicts.len()).await?;
    }
    Ok(claimed as f64 / took.as_secs_f64())
}
