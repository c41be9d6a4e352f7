//! How soon an idle process starts a job, beside the least that Redis allows: a BRPOP that waits.

use std::time::{Duration, Instant};

use longshore_sandbox::RedisServer;
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::load::{Does, Meter, ms};
use super::ours::Ours;
use super::report::{Row, Section, percentile, thousands};
use super::{Failure, Scale};

/// What is wanted of ours / BRPOP at the median.
const MEDIAN_TIMES: f64 = 1.5;

/// What is wanted of ours at p99, in ms.
const P99_MS: f64 = 3.0;

/// Long enough to be idle again.
const PAUSE: Duration = Duration::from_millis(2);

/// In turns, so that the machine's drift is in both.
pub(crate) async fn measure(scale: Scale) -> Result<Section, Failure> {
    let n = scale.of(500);
    let (mut ours, mut raw) = (Vec::new(), Vec::new());
    for _ in 0..scale.runs() {
        ours.extend(longshore(n).await?);
        raw.extend(brpop(n).await?);
    }
    ours.sort_by(f64::total_cmp);
    raw.sort_by(f64::total_cmp);
    let p50 = (percentile(&ours, 50), percentile(&raw, 50));
    Ok(Section {
        measure: "pickup",
        title: format!(
            "enqueue → handler starts, idle process; {} jobs in {} turns",
            thousands(ours.len() as f64),
            scale.runs()
        ),
        runs: 1,
        rows: vec![
            Row::new("Longshore, p50", p50.0, "ms"),
            Row::new("Longshore, p99", percentile(&ours, 99), "ms").at_most(P99_MS),
            Row::new("BRPOP, p50", p50.1, "ms")
                .ratio(p50.0 / p50.1)
                .at_most(MEDIAN_TIMES),
            Row::new("BRPOP, p99", percentile(&raw, 99), "ms"),
        ],
    })
}

async fn longshore(n: usize) -> Result<Vec<f64>, Failure> {
    let ours = Ours::start()?;
    let (starts, mut started) = mpsc::unbounded_channel();
    let meter = Meter::new(Does::Tells(starts), n + 1);
    let working = ours.work(&meter);
    // Its start is not a job's time.
    ours.fill(1).await?;
    started.recv().await.ok_or("the fleet ended")?;
    let mut waits = Vec::with_capacity(n);
    for _ in 0..n {
        sleep(PAUSE).await;
        let began = Instant::now();
        ours.fill(1).await?;
        let start = started.recv().await.ok_or("the fleet ended")?;
        waits.push(ms(start.at.saturating_duration_since(began)));
    }
    working.stop().await?;
    Ok(waits)
}

async fn brpop(n: usize) -> Result<Vec<f64>, Failure> {
    let redis = RedisServer::start()?;
    let mut pushing = connect(&redis).await?;
    let mut popping = connect(&redis).await?;
    let (starts, mut started) = mpsc::unbounded_channel();
    let popper = tokio::spawn(async move {
        let mut command = redis::cmd("BRPOP");
        command.arg("jobs").arg(0);
        while command
            .query_async::<(String, String)>(&mut popping)
            .await
            .is_ok()
            && starts.send(Instant::now()).is_ok()
        {}
    });
    let mut waits = Vec::with_capacity(n);
    for _ in 0..n {
        sleep(PAUSE).await;
        let began = Instant::now();
        redis::cmd("LPUSH")
            .arg("jobs")
            .arg("x".repeat(200))
            .query_async::<u64>(&mut pushing)
            .await?;
        let start = started.recv().await.ok_or("the popper ended")?;
        waits.push(ms(start.saturating_duration_since(began)));
    }
    popper.abort();
    Ok(waits)
}

async fn connect(redis: &RedisServer) -> Result<MultiplexedConnection, Failure> {
    let patient = AsyncConnectionConfig::new().set_response_timeout(None);
    let client = redis::Client::open(redis.url())?;
    Ok(client
        .get_multiplexed_async_connection_with_config(&patient)
        .await?)
}
