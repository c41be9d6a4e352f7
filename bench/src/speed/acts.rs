//! What an operator does with a million waiting jobs, and what a worker beside it notices.

use std::sync::Arc;
use std::time::{Duration, Instant};

use longshore_job::JobId;
use longshore_queue::{BulkOperation, JobFilter, JobScan, NewJob, Place, Signed};

use super::load::{Does, Meter, ms};
use super::ours::Ours;
use super::report::{Row, Section, thousands};
use super::{Failure, Scale};

/// What is wanted of the worker's rate beside an act / alone: it carries on the cancel itself, on a core that it shares.
const SHARE: f64 = 0.9;

/// The longest that one command may keep Redis from others, in ms.
const LONGEST: f64 = 5.0;

/// What the worker does: 2,000 jobs a second, if nothing holds it up.
const TAKES: Duration = Duration::from_millis(20);
const AT_ONCE: usize = 40;

/// An act: jobs it found, how long it took, the worker's rate meanwhile, the longest command in ms.
struct Act {
    jobs: usize,
    took: Duration,
    rate: f64,
    longest: f64,
}

pub(crate) async fn measure(scale: Scale) -> Result<Section, Failure> {
    let n = scale.of(1_000_000);
    let ours = Ours::start()?;
    // One of fifty is to stay.
    let tag = |i: usize| {
        if i.is_multiple_of(50) {
            "good"
        } else {
            "wrong"
        }
    };
    ours.fill_with(n, |i, job| NewJob {
        tags: vec![tag(i).to_owned()],
        ..job
    })
    .await?;
    let mut log = redis::cmd("CONFIG");
    log.arg("SET").arg("slowlog-log-slower-than").arg(1000);
    ours.queue.link().command::<String>(&log).await?;
    let meter = Meter::new(Does::Takes(TAKES), usize::MAX);
    let working = ours.work_at(&meter, AT_ONCE);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let alone = beside(&ours, &meter, async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        Ok(0)
    })
    .await?;
    let listed = beside(&ours, &meter, list(&ours, "good")).await?;
    let counted = beside(&ours, &meter, async {
        let stats = ours.queue.stats().await?;
        Ok(usize::try_from(stats.pending)?)
    })
    .await?;
    let cancelled = beside(&ours, &meter, cancel(&ours, "wrong")).await?;
    working.stop().await?;
    let worker = |what: &str, act: &Act| {
        Row::new(format!("the worker beside {what}"), act.rate, "jobs/s")
            .ratio(act.rate / alone.rate)
            .at_least(SHARE)
    };
    let longest = |act: &Act| Row::new("  its longest command", act.longest, "ms").at_most(LONGEST);
    let jobs = |jobs: usize| thousands(jobs as f64);
    let act = |what: &str, act: &Act| Row::new(what, ms(act.took), "ms");
    Ok(Section {
        measure: "acts",
        title: format!(
            "{} jobs wait, a worker runs {AT_ONCE} of {} ms at once",
            jobs(n),
            TAKES.as_millis()
        ),
        runs: 1,
        rows: vec![
            Row::new("the worker alone", alone.rate, "jobs/s"),
            act(&format!("counted: {}", jobs(counted.jobs)), &counted),
            longest(&counted),
            act(&format!("listed by tag: {}", jobs(listed.jobs)), &listed),
            longest(&listed),
            worker("that", &listed),
            act(
                &format!("cancelled by tag, by the worker: {}", jobs(cancelled.jobs)),
                &cancelled,
            ),
            longest(&cancelled),
            worker("that", &cancelled),
        ],
    })
}

/// An act while the worker works.
async fn beside(
    ours: &Ours,
    meter: &Arc<Meter>,
    act: impl Future<Output = Result<usize, Failure>>,
) -> Result<Act, Failure> {
    let link = ours.queue.link();
    let mut reset = redis::cmd("SLOWLOG");
    link.command::<String>(reset.arg("RESET")).await?;
    let (before, began) = (meter.done(), Instant::now());
    let jobs = act.await?;
    let took = began.elapsed();
    let rate = (meter.done() - before) as f64 / took.as_secs_f64();
    let mut slow = redis::cmd("SLOWLOG");
    let rows: Vec<Vec<redis::Value>> = link.command(slow.arg("GET").arg(-1)).await?;
    let micros = rows.iter().filter_map(|row| match row.get(2) {
        Some(redis::Value::Int(micros)) => Some(*micros),
        _ => None,
    });
    Ok(Act {
        jobs,
        took,
        rate,
        longest: micros.max().unwrap_or(0) as f64 / 1000.0,
    })
}

fn tagged(tag: &str) -> JobFilter {
    JobFilter {
        tag: Some(tag.to_owned()),
        ..JobFilter::default()
    }
}

/// Looks through all that wait.
async fn list(ours: &Ours, tag: &str) -> Result<usize, Failure> {
    let (filter, mut scan, mut found) = (tagged(tag), JobScan::new(Place::Pending), 0);
    while !scan.is_over() {
        let jobs = ours.queue.scan(&mut scan).await?;
        found += jobs.iter().filter(|job| filter.means(job)).count();
    }
    Ok(found)
}

/// An operation, which the worker carries on.
async fn cancel(ours: &Ours, tag: &str) -> Result<usize, Failure> {
    let id = JobId::generate();
    let signed = Signed {
        by: "bench".to_owned(),
        reason: String::new(),
    };
    let filter = tagged(tag);
    ours.queue
        .begin_cancel(id, &filter, 0, false, &signed)
        .await?;
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        match ours.queue.find_operation(&id.to_string()).await? {
            Some(BulkOperation::Cancel(cancel)) if cancel.is_open() => {}
            Some(BulkOperation::Cancel(cancel)) => return Ok(usize::try_from(cancel.done)?),
            other => return Err(format!("{other:?}").into()),
        }
    }
}
