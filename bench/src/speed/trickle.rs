//! Jobs that come one by one to idle workers: what each costs Redis, its enqueue included.

use std::time::{Duration, Instant};

use longshore_queue::{Link, LinkOptions};
use tokio::time::sleep_until;

use super::info::Info;
use super::load::{Does, Meter};
use super::ours::Ours;
use super::peers::BullMq;
use super::report::{Row, Section, median};
use super::{Failure, Scale};

/// Jobs a second.
const RATE: f64 = 1_500.0;

/// What is wanted of ours / BullMQ's.
const SHARE: f64 = 0.5;

/// What one trickle cost, per job.
struct Cost {
    cpu_micros: f64,
    commands: f64,
    calls: f64,
}

/// In turns, so that the machine's drift is in all of them.
pub(crate) async fn measure(scale: Scale) -> Result<Section, Failure> {
    let n = scale.of(15_000);
    let mut rows = Vec::new();
    for workers in [1, 10] {
        let (mut ours, mut bull) = (Vec::new(), Vec::new());
        for _ in 0..scale.runs() {
            ours.push(longshore(n, workers).await?);
            bull.push(bullmq(n, workers).await?);
        }
        let of = |costs: &[Cost], what: fn(&Cost) -> f64| median(costs.iter().map(what).collect());
        let row = |who: &str, what: &str, value, unit| {
            let at = if workers == 1 {
                "1 worker"
            } else {
                "10 workers"
            };
            Row::new(format!("{who}, {at}, {what}"), value, unit)
        };
        let cpu = of(&ours, |cost| cost.cpu_micros);
        let theirs = of(&bull, |cost| cost.cpu_micros);
        rows.push(row("Longshore", "Redis's CPU time", cpu, "µs"));
        rows.push(row(
            "Longshore",
            "commands",
            of(&ours, |cost| cost.commands),
            "",
        ));
        rows.push(row(
            "Longshore",
            "scripts",
            of(&ours, |cost| cost.calls),
            "",
        ));
        let beside = row("BullMQ", "Redis's CPU time", theirs, "µs");
        rows.push(beside.ratio(cpu / theirs).at_most(SHARE));
        rows.push(row(
            "BullMQ",
            "commands",
            of(&bull, |cost| cost.commands),
            "",
        ));
    }
    Ok(Section {
        measure: "trickle",
        title: "1,500 jobs/s one by one, idle workers; per job, its enqueue included".to_owned(),
        runs: scale.runs(),
        rows,
    })
}

async fn longshore(n: usize, workers: usize) -> Result<Cost, Failure> {
    let ours = Ours::start()?;
    let meter = Meter::new(Does::Nothing, n + 1);
    let working: Vec<_> = (0..workers).map(|_| ours.work(&meter)).collect();
    // Their start is no job's cost.
    ours.fill(1).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let link = ours.queue.link();
    let before = Info::read(link).await?;
    let mut pace = Pace::start();
    for _ in 0..n {
        pace.next().await;
        ours.fill(1).await?;
    }
    let mut count = redis::cmd("HGET");
    count.arg(&ours.queue.keys().stats).arg("completed");
    meter.settled_rate(link, &count).await?;
    let cost = cost(&before, &Info::read(link).await?, n);
    for fleet in working {
        fleet.stop().await?;
    }
    Ok(cost)
}

async fn bullmq(n: usize, workers: usize) -> Result<Cost, Failure> {
    let bull = BullMq::start().await?;
    let meter = Meter::new(Does::Nothing, n + 1);
    let mut working = Vec::new();
    for _ in 0..workers {
        working.push(bull.work(&meter).await?);
    }
    bull.add_one().await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let link = Link::new(&bull.redis.url(), LinkOptions::default())?;
    let before = Info::read(&link).await?;
    let mut pace = Pace::start();
    for _ in 0..n {
        pace.next().await;
        bull.add_one().await?;
    }
    meter.settled_rate(&link, &BullMq::count()).await?;
    let cost = cost(&before, &Info::read(&link).await?, n);
    for worker in working {
        worker.close(5000).await?;
    }
    Ok(cost)
}

fn cost(before: &Info, after: &Info, n: usize) -> Cost {
    let of = |value: f64| value / n as f64;
    Cost {
        cpu_micros: of(after.cpu_micros() - before.cpu_micros()),
        commands: of(after.commands() - before.commands()),
        calls: of(after.calls("evalsha") - before.calls("evalsha")),
    }
}

/// One moment after the other, as many a second as wanted. What comes late does not push back what follows.
struct Pace {
    began: Instant,
    passed: u32,
}

impl Pace {
    fn start() -> Self {
        Self {
            began: Instant::now(),
            passed: 0,
        }
    }

    async fn next(&mut self) {
        self.passed += 1;
        let at = self.began + Duration::from_secs_f64(f64::from(self.passed) / RATE);
        sleep_until(at.into()).await;
    }
}
