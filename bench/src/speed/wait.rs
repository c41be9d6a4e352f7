//! What waiting for a job's end adds to what the job takes: `enqueue_and_wait` of jobs that do nothing.

use std::time::{Duration, Instant};

use longshore_client::Client;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::load::{Does, Load, Meter, PAYLOAD_BYTES, ms};
use super::ours::{NAMESPACE, Ours};
use super::report::{Row, Section, percentile, thousands};
use super::{Failure, Scale};

/// What is wanted, in ms.
const ADDED_MS: f64 = 5.0;

/// Long enough to be idle again.
const PAUSE: Duration = Duration::from_millis(2);

pub(crate) async fn measure(scale: Scale) -> Result<Section, Failure> {
    let n = scale.of(1_000);
    let ours = Ours::start()?;
    let (starts, mut started) = mpsc::unbounded_channel();
    let meter = Meter::new(Does::Tells(starts), n + 1);
    let working = ours.work(&meter);
    let client = Client::in_namespace(&ours.url(), NAMESPACE)?;
    let load = Load::new(PAYLOAD_BYTES, 0)?;
    let limit = Duration::from_secs(60);
    let mut added = Vec::with_capacity(n);
    for i in 0..=n {
        sleep(PAUSE).await;
        client.enqueue_and_wait(load.clone(), limit).await?;
        let told = Instant::now();
        let start = started.recv().await.ok_or("the fleet ended")?;
        // The first one opens the connections.
        if i > 0 {
            added.push(ms(told.saturating_duration_since(start.at)));
        }
    }
    working.stop().await?;
    added.sort_by(f64::total_cmp);
    Ok(Section {
        measure: "wait",
        title: format!(
            "handler starts, and ends at once → who waits for the job is told; {} jobs",
            thousands(added.len() as f64)
        ),
        runs: 1,
        rows: vec![
            Row::new("p50", percentile(&added, 50), "ms"),
            Row::new("p99", percentile(&added, 99), "ms").at_most(ADDED_MS),
        ],
    })
}
