//! What priorities and tenants cost: the same drain, of jobs that have none and of jobs of three priorities and ten tenants.

use longshore_job::Priority;
use longshore_queue::Lane;

use super::info::Info;
use super::ours::Ours;
use super::report::{Row, Section, median};
use super::{Failure, Scale};

/// In turns, so that the machine's drift is in both.
pub(crate) async fn measure(scale: Scale) -> Result<Section, Failure> {
    let n = scale.of(100_000);
    let (mut plain, mut laned) = (Vec::new(), Vec::new());
    for _ in 0..scale.runs() {
        plain.push(drained(n, |_| Lane::default()).await?);
        laned.push(drained(n, lane).await?);
    }
    let of =
        |all: &[(f64, f64)], what: fn(&(f64, f64)) -> f64| median(all.iter().map(what).collect());
    let rate = |all| of(all, |(rate, _)| *rate);
    let cpu = |all| of(all, |(_, cpu)| *cpu);
    Ok(Section {
        measure: "lanes",
        title: "no-ops, one process, 100 at once: priorities and tenants, unused and used"
            .to_owned(),
        runs: scale.runs(),
        rows: vec![
            Row::new("unused", rate(&plain), "jobs/s"),
            Row::new("used", rate(&laned), "jobs/s").ratio(rate(&laned) / rate(&plain)),
            Row::new("unused, Redis's CPU time per job", cpu(&plain), "µs"),
            Row::new("used, Redis's CPU time per job", cpu(&laned), "µs")
                .ratio(cpu(&laned) / cpu(&plain)),
        ],
    })
}

fn lane(i: usize) -> Lane {
    let priorities = [Priority::High, Priority::Normal, Priority::Low];
    Lane {
        priority: priorities[i % priorities.len()],
        tenant: Some(format!("tenant-{}", i % 10)),
    }
}

/// Jobs a second, and Redis's CPU time per job, the enqueue included.
async fn drained(n: usize, lane: impl Fn(usize) -> Lane) -> Result<(f64, f64), Failure> {
    let ours = Ours::start()?;
    let before = Info::read(ours.queue.link()).await?;
    ours.fill_lanes(n, lane).await?;
    let rate = ours.drain(n).await?;
    let after = Info::read(ours.queue.link()).await?;
    Ok((rate, (after.cpu_micros() - before.cpu_micros()) / n as f64))
}
