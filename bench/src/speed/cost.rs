//! What a job costs Redis: calls, commands, time, memory.

use longshore_queue::{Link, LinkOptions, RunAt};

use super::info::Info;
use super::load::Load;
use super::ours::Ours;
use super::peers::BullMq;
use super::report::{Row, Section};
use super::{Failure, Scale};

/// What is wanted of the calls per job.
const CALLS: f64 = 0.1;

/// What is wanted of a queued job, in bytes.
const BYTES: f64 = 400.0;

/// The payload that the memory budget speaks of.
const QUEUED_BYTES: usize = 200;

pub(crate) async fn measure(scale: Scale) -> Result<Section, Failure> {
    let n = scale.of(100_000);
    let ours = Ours::start()?;
    let link = ours.queue.link();
    // The first job brings the keys that are there anyhow.
    ours.fill(1).await?;
    let before = Info::read(link).await?;
    let load = Load::new(QUEUED_BYTES, 0)?;
    ours.add(n, &load, |_| RunAt::Now).await?;
    let queued = Info::read(link).await?;
    let bytes = (queued.memory() - before.memory()) / n as f64;

    ours.drain(n + 1).await?;
    let after = Info::read(link).await?;
    // A script's inner calls are counted under their own names, and none of these is among them.
    let calls: f64 = ["evalsha", "script|load", "blpop", "exists", "time"]
        .map(|name| after.calls(name) - queued.calls(name))
        .iter()
        .sum();
    let commands = after.commands() - queued.commands();
    let cpu = after.cpu_micros() - queued.cpu_micros();

    let (bull_bytes, bull_calls, bull_commands, bull_cpu) = bullmq(scale.of(20_000)).await?;
    let per_job = |value: f64| value / n as f64;
    Ok(Section {
        measure: "cost",
        title: "per job, drained as above; memory with trace context".to_owned(),
        runs: 1,
        rows: vec![
            Row::new("Longshore, Redis calls", per_job(calls), "calls").at_most(CALLS),
            Row::new(
                "Longshore, commands, scripts' inner ones too",
                per_job(commands),
                "",
            ),
            Row::new("Longshore, queued, 200-byte payload", bytes, "bytes").at_most(BYTES),
            Row::new("Longshore, Redis's CPU time", per_job(cpu), "µs"),
            Row::new("BullMQ, Redis calls", bull_calls, "calls").ratio(per_job(calls) / bull_calls),
            Row::new(
                "BullMQ, commands, scripts' inner ones too",
                bull_commands,
                "",
            )
            .ratio(per_job(commands) / bull_commands),
            Row::new("BullMQ, Redis's CPU time", bull_cpu, "µs").ratio(per_job(cpu) / bull_cpu),
            Row::new(
                "BullMQ, queued, 205-byte payload, no context",
                bull_bytes,
                "bytes",
            )
            .ratio(bytes / bull_bytes),
        ],
    })
}

/// Bytes, calls, commands and µs per job.
async fn bullmq(n: usize) -> Result<(f64, f64, f64, f64), Failure> {
    let bull = BullMq::start().await?;
    let link = Link::new(&bull.redis.url(), LinkOptions::default())?;
    bull.fill(1).await?;
    let before = Info::read(&link).await?;
    bull.fill(n).await?;
    let queued = Info::read(&link).await?;
    bull.drain(n + 1).await?;
    let after = Info::read(&link).await?;
    let calls: f64 = ["evalsha", "eval", "bzpopmin"]
        .map(|name| after.calls(name) - queued.calls(name))
        .iter()
        .sum();
    let n = n as f64;
    let cpu = after.cpu_micros() - queued.cpu_micros();
    Ok((
        (queued.memory() - before.memory()) / n,
        calls / n,
        (after.commands() - queued.commands()) / n,
        cpu / n,
    ))
}
