//! Jobs that are due at the same time, and jobs that are due one after another.

use std::time::{Duration, Instant};

use longshore_queue::RunAt;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::load::{Does, Load, Meter, PAYLOAD_BYTES, Start, epoch_ms};
use super::ours::Ours;
use super::report::{Row, Section, percentile, thousands};
use super::{Failure, Scale};

/// What is wanted of due → start at p99 with 1,000 scheduled, in ms.
const P99_MS: f64 = 1000.0;

/// What counts as a stall, in ms: nothing starts for so long, and there is work.
const STALL_MS: f64 = 1000.0;

/// The depth that the budget speaks of, and over how long the jobs are due.
const SPREAD: usize = 1000;
const OVER_MS: usize = 5000;

/// The longest wait for one start.
const GIVE_UP: Duration = Duration::from_secs(60);

pub(crate) async fn measure(scale: Scale) -> Result<Section, Failure> {
    let n = scale.of(100_000);
    // Time to enqueue them all before they are due.
    let due_ms = epoch_ms() as u64 + 1500 + n as u64 / 25;
    let late = starts(n, due_ms, |_| 0).await?;
    let drained = late.iter().copied().fold(0.0, f64::max);
    // The first gap is the one from the time they are due.
    let gaps = late.iter().scan(0.0, |before, late| {
        Some(late - std::mem::replace(before, *late))
    });
    let stall = gaps.fold(0.0, f64::max);

    let due_ms = epoch_ms() as u64 + 1500;
    let mut spread = starts(SPREAD, due_ms, |i| (i * OVER_MS / SPREAD) as u64).await?;
    spread.sort_by(f64::total_cmp);
    Ok(Section {
        measure: "due",
        title: format!(
            "{} jobs due at once; {} due over 5 s",
            thousands(n as f64),
            thousands(SPREAD as f64)
        ),
        runs: 1,
        rows: vec![
            Row::new("all at once: due → the last starts", drained, "ms"),
            Row::new("all at once: rate", 1000.0 * n as f64 / drained, "jobs/s"),
            Row::new("all at once: longest time without a start", stall, "ms").at_most(STALL_MS),
            Row::new("over 5 s: due → start, p50", percentile(&spread, 50), "ms"),
            Row::new("over 5 s: due → start, p99", percentile(&spread, 99), "ms").at_most(P99_MS),
        ],
    })
}

/// How late each of so many jobs started, in ms and in the order of their starts.
async fn starts(
    n: usize,
    due_ms: u64,
    later_ms: impl Fn(usize) -> u64,
) -> Result<Vec<f64>, Failure> {
    let ours = Ours::start()?;
    let (starts, mut started) = mpsc::unbounded_channel();
    let meter = Meter::new(Does::Tells(starts), n);
    let working = ours.work(&meter);
    if later_ms(n - 1) == 0 {
        let load = Load::new(PAYLOAD_BYTES, due_ms)?;
        ours.add(n, &load, |_| RunAt::At(due_ms)).await?;
    } else {
        for i in 0..n {
            let due_ms = due_ms + later_ms(i);
            let load = Load::new(PAYLOAD_BYTES, due_ms)?;
            ours.add(1, &load, |_| RunAt::At(due_ms)).await?;
        }
    }
    if epoch_ms() > due_ms as f64 {
        return Err("the machine is too slow: the first jobs were due before all were in".into());
    }
    let mut seen: Vec<Start> = Vec::with_capacity(n);
    while seen.len() < n {
        match timeout(GIVE_UP, started.recv()).await {
            Ok(Some(start)) => seen.push(start),
            _ => return Err(format!("{} of {n} jobs started", seen.len()).into()),
        }
    }
    working.stop().await?;
    seen.sort_by_key(|start: &Start| -> Instant { start.at });
    Ok(seen.iter().map(|start| start.late_ms).collect())
}
