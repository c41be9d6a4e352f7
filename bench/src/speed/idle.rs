//! What a process without work costs Redis.

use std::time::Duration;

use tokio::time::sleep;

use super::info::Info;
use super::load::{Does, Meter};
use super::ours::Ours;
use super::report::{Row, Section};
use super::{Failure, Scale};

/// What is wanted of an idle process, in commands a second and queue.
const COMMANDS: f64 = 2.0;

/// Long enough for some heartbeats.
const WATCHED_SECS: usize = 20;

pub(crate) async fn measure(scale: Scale) -> Result<Section, Failure> {
    let secs = scale.of(WATCHED_SECS).max(5);
    let ours = Ours::start()?;
    let meter = Meter::new(Does::Nothing, 1);
    let working = ours.work(&meter);
    ours.fill(1).await?;
    meter.rate().await?;
    sleep(Duration::from_secs(1)).await;
    let before = Info::read(ours.queue.link()).await?;
    sleep(Duration::from_secs(secs as u64)).await;
    let after = Info::read(ours.queue.link()).await?;
    working.stop().await?;
    // The first look is counted, the second is not yet.
    let commands = (after.commands() - before.commands() - 1.0) / secs as f64;
    Ok(Section {
        measure: "idle",
        title: format!("one process, one queue, no jobs, for {secs} s"),
        runs: 1,
        rows: vec![Row::new("commands, scripts' inner ones too", commands, "/s").at_most(COMMANDS)],
    })
}
