//! Whether a long queue is slower to take from than a short one.

use std::time::{Duration, Instant};

use longshore_queue::{Fate, Lease, RunState, Verdict, Word, WorkerId};

use super::load::PAYLOAD_BYTES;
use super::ours::{Ours, RETENTION};
use super::report::{Row, Section, median, thousands};
use super::{Failure, Scale};

/// What is wanted of the claim rate at the greater depth / at the lesser.
const SHARE: f64 = 0.8;

/// Jobs a claim.
const WANT: usize = 100;

pub(crate) async fn measure(scale: Scale) -> Result<Section, Failure> {
    let depths = [1_000, scale.of(1_000_000)];
    let claims = scale.of(300);
    let ours = Ours::start()?;
    let lease = Lease::new(WorkerId::generate("depth"));
    ours.queue.join(&lease, RETENTION.keep).await?;
    let (mut waiting, mut rates) = (0, Vec::new());
    for depth in depths {
        ours.fill(depth - waiting).await?;
        waiting = depth;
        let mut runs = Vec::new();
        for _ in 0..scale.runs() {
            runs.push(claim_rate(&ours, &lease, claims).await?);
        }
        rates.push(median(runs));
    }
    let row = |i: usize| {
        let depth = thousands(depths[i] as f64);
        Row::new(format!("{depth} jobs wait"), rates[i], "jobs/s")
    };
    Ok(Section {
        measure: "depth",
        title: format!("claims of {WANT} jobs, one after another; ratio to the first"),
        runs: scale.runs(),
        rows: vec![row(0), row(1).ratio(rates[1] / rates[0]).at_least(SHARE)],
    })
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
            payload_bytes: PAYLOAD_BYTES,
            said: Word::Nothing,
            seen: job.seen,
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
