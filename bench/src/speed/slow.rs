//! Jobs that wait for a provider: 50 ms each, 100 at once, so 2,000 a second would be ideal.

use std::sync::Arc;
use std::time::Duration;

use super::load::{Does, Load, Meter, PAYLOAD_BYTES};
use super::ours::Ours;
use super::report::{Row, Section, median, thousands};
use super::{Failure, Scale};

/// What is wanted of the ideal rate, in percent.
const SHARE: f64 = 98.0;

const TAKES: Duration = Duration::from_millis(50);
const AT_ONCE: usize = 100;

pub(crate) async fn measure(scale: Scale) -> Result<Section, Failure> {
    let n = scale.of(5_000);
    let (mut ours, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..scale.runs() {
        alone.push(sleepers(n).await?);
        ours.push(longshore(n).await?);
    }
    let ideal = AT_ONCE as f64 / TAKES.as_secs_f64();
    let share = |rates| 100.0 * median(rates) / ideal;
    let (ours, alone) = (share(ours), share(alone));
    Ok(Section {
        measure: "slow",
        title: format!(
            "{} jobs of 50 ms, 100 at once, in % of the ideal 2,000/s",
            thousands(n as f64)
        ),
        runs: scale.runs(),
        rows: vec![
            Row::new("Longshore", ours, "%").at_least(SHARE),
            Row::new("the same sleeps alone: the runtime's timer", alone, "%").ratio(ours / alone),
        ],
    })
}

async fn longshore(n: usize) -> Result<f64, Failure> {
    let ours = Ours::start()?;
    ours.fill(n).await?;
    let meter = Meter::new(Does::Takes(TAKES), n);
    let working = ours.work(&meter);
    let rate = meter.rate().await?;
    working.stop().await?;
    Ok(rate)
}

/// What the runtime's own timer leaves of the ideal.
async fn sleepers(n: usize) -> Result<f64, Failure> {
    let meter = Meter::new(Does::Takes(TAKES), n / AT_ONCE * AT_ONCE);
    let load = Load::new(PAYLOAD_BYTES, 0)?;
    for _ in 0..AT_ONCE {
        let (meter, load) = (Arc::clone(&meter), load.clone());
        tokio::spawn(async move {
            for _ in 0..n / AT_ONCE {
                meter.run(&load).await;
            }
        });
    }
    meter.rate().await
}
