//! The bucket of exports: what has expired is swept, S3 gets the rules itself, and what was written to R2 comes back.

use std::time::Duration;

use longshore_client::kinds::{ApplyLifecycle, BucketName, MoveBack, SweepBucket};

use super::stage::{BUCKETS, EXPORTS, EXPORTS_AWAY, Stage};
use super::{check, step};
use longshore_app::Failure;
use longshore_app::output::line;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How many exports are older than 7 days, and how many are not.
const OLD: usize = 2_000;
const YOUNG: usize = 500;
/// How many reports lie at R2.
const AWAY: usize = 20;
/// The reconcile's report lies there already: two files.
const REPORT: usize = 2;
/// A deletion takes up to 1,000 of the listed: three pages have some. The rules are one write, and each report is.
const WRITES: u64 = 3 + 1 + (AWAY + REPORT) as u64;

/// Returns how many jobs were accepted, and how many writes S3 has seen.
pub(super) async fn run(stage: &Stage) -> Result<(u64, u64), Failure> {
    step(
        9,
        &format!("{OLD} of {} exports are older than a week", OLD + YOUNG),
    )?;
    for n in 0..OLD + YOUNG {
        let age = if n % 5 == 0 { DAY } else { 8 * DAY };
        let key = format!("report-{n:04}.csv");
        stage.s3.plant(EXPORTS, &key, "a,b\n", age);
    }
    for n in 0..AWAY {
        let key = format!("written-meanwhile-{n:02}.csv");
        stage.r2.plant(EXPORTS_AWAY, &key, "a,b\n", Duration::ZERO);
    }
    let sweep = SweepBucket::new(BucketName::EXPORTS);
    let looked = stage.client.enqueue(sweep.clone().dry_run()).await?;
    completed(stage, 1).await?;
    let job = stage.operator.job(&looked.to_string(), None).await?;
    let result = job.result.unwrap_or_default();
    check(
        result["would_delete"]["objects"] == OLD
            && stage.s3.ledger().summary().accepted == REPORT as u64,
        "the rehearsal counted them, and touched nothing",
    )?;
    stage.client.enqueue(sweep).await?;
    completed(stage, 2).await?;
    check(
        stage.s3.keys(EXPORTS).len() == YOUNG + REPORT,
        "the old ones are gone, and no other",
    )?;
    line(&format!(
        "  a rehearsal counted them, and a sweep deleted them, 1,000 a request; {YOUNG} are left"
    ))?;
    let rules = stage
        .client
        .enqueue(ApplyLifecycle::new(BucketName::EXPORTS));
    rules.await?;
    stage
        .client
        .enqueue(MoveBack::new(BucketName::EXPORTS))
        .await?;
    completed(stage, 4).await?;
    check(
        stage.r2.keys(EXPORTS_AWAY).is_empty()
            && stage.s3.keys(EXPORTS).len() == YOUNG + REPORT + AWAY,
        "what lay at R2 lies at S3",
    )?;
    line(&format!(
        "  S3 has the rule that keeps reports itself now, and {AWAY} reports that lay at R2 since S3 was away are back"
    ))?;
    Ok((4, WRITES))
}

async fn completed(stage: &Stage, jobs: u64) -> Result<(), Failure> {
    stage
        .wait(BUCKETS.0, "completed", jobs, |row| row.completed)
        .await
}
