//! What busy workers cost Redis by being many: their beats, and whatever they look through. Their jobs only wait meanwhile.

use std::time::Duration;

use tokio::time::sleep;

use super::info::Info;
use super::load::{Does, Meter};
use super::ours::Ours;
use super::report::{Row, Section};
use super::{Failure, Scale};

/// How many jobs each of them runs at once.
const CONCURRENCY: usize = 200;

/// What is wanted of sixty workers, in per cent of the core that Redis has.
const PER_CENT: f64 = 1.0;

/// More than a minute: once a minute somebody looks through all running jobs.
const WATCHED_SECS: usize = 65;

pub(crate) async fn measure(scale: Scale) -> Result<Section, Failure> {
    let secs = scale.of(WATCHED_SECS).max(12);
    let mut rows = Vec::new();
    for workers in [10, 60] {
        let per_cent = busy(workers, secs).await?;
        let who = format!("{workers} workers");
        let row = Row::new(&who, per_cent, "% of a core");
        rows.push(match workers {
            60 => row.at_most(PER_CENT),
            _ => row,
        });
    }
    Ok(Section {
        measure: "fleet",
        title: format!("workers that run {CONCURRENCY} long jobs each, for {secs} s"),
        runs: 1,
        rows,
    })
}

async fn busy(workers: usize, secs: usize) -> Result<f64, Failure> {
    let jobs = workers * CONCURRENCY;
    let ours = Ours::start()?;
    let for_long = Duration::from_secs(3600);
    let meter = Meter::new(Does::Takes(for_long), jobs);
    let link = ours.queue.link();
    ours.fill(jobs).await?;
    let working: Vec<_> = (0..workers)
        .map(|_| ours.work_at(&meter, CONCURRENCY))
        .collect();
    let mut running = redis::cmd("HLEN");
    running.arg(&ours.queue.keys().inflight);
    while link.command::<usize>(&running).await? < jobs {
        sleep(Duration::from_millis(100)).await;
    }
    // What follows from their start is over.
    sleep(Duration::from_secs(6)).await;
    let before = Info::read(link).await?;
    sleep(Duration::from_secs(secs as u64)).await;
    let after = Info::read(link).await?;
    let ends: Vec<_> = working
        .into_iter()
        .map(|fleet| tokio::spawn(fleet.cut_off()))
        .collect();
    for end in ends {
        end.await??;
    }
    let micros = after.cpu_micros() - before.cpu_micros() - nothing(secs).await?;
    Ok(micros / (secs as f64 * 1e6) * 100.0)
}

/// What a Redis takes that has nothing to do.
async fn nothing(secs: usize) -> Result<f64, Failure> {
    let ours = Ours::start()?;
    let link = ours.queue.link();
    let before = Info::read(link).await?;
    let watched = (secs / 4).max(5);
    sleep(Duration::from_secs(watched as u64)).await;
    let after = Info::read(link).await?;
    Ok((after.cpu_micros() - before.cpu_micros()) * secs as f64 / watched as f64)
}
