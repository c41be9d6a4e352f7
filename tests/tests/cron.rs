//! An entry that ticks each second, in three processes, one of which is killed; and Redis away for some of them: each
//! second is one job.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use longshore_client::JobId;
use longshore_tests::{Stage, Start, eventually, gone_by};

fn each_second(start: Start<'_>) -> Start<'_> {
    start
        .short_lease()
        .set("CRON__EACH_SECOND__SCHEDULE", "* * * * * *")
        .set("CRON__EACH_SECOND__TIMEZONE", "Europe/Oslo")
        .set("CRON__EACH_SECOND__KIND", "send_email")
        .set(
            "CRON__EACH_SECOND__ARGS",
            r#"{"template":"welcome","to":{"email":"staff@example.com"},"data":{"at":"{tick}"}}"#,
        )
}

/// How many jobs SendGrid has had.
fn sent(stage: &Stage) -> usize {
    stage.sendgrid.ledger().count_by_job().len()
}

async fn more(stage: &Stage, jobs: usize) {
    let before = sent(stage);
    eventually(&format!("{jobs} more ticks"), || async {
        sent(stage) >= before + jobs
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_second_is_one_job_whoever_is_killed() {
    let mut stage = Stage::set().await;
    let first = each_second(stage.worker()).start().await;
    let (mut second, mut third) = tokio::join!(
        each_second(stage.worker()).start(),
        each_second(stage.worker()).start(),
    );
    more(&stage, 4).await;
    first.kill().await;
    more(&stage, 4).await;
    // Seconds that come while Redis is away are late, by less than a minute: they are run.
    stage.redis.kill();
    gone_by(Duration::from_secs(3), Instant::now()).await;
    stage.redis.restart().expect("Redis comes back");
    more(&stage, 5).await;
    for worker in [&mut second, &mut third] {
        worker.stop();
    }
    for worker in [&mut second, &mut third] {
        assert_eq!(worker.left_within(Duration::from_secs(30)).await, 0);
    }

    // Those of the last moment wait for a worker that has no entry.
    let _last = stage.worker().short_lease().start().await;
    eventually("every job has ended", || async {
        let stats = stage.stats().await;
        stats.pending + stats.running + stats.scheduled + stats.retryable == 0
    })
    .await;
    let mut ticks: BTreeMap<u64, Vec<JobId>> = BTreeMap::new();
    let enqueued = stage.stats().await.counter("enqueued");
    for id in stage.sendgrid.ledger().count_by_job().into_keys() {
        let id: JobId = id.parse().expect("an id");
        let cron = stage.job(id).await.cron.expect("says where it comes from");
        assert_eq!((&*cron.entry, cron.by_hand), ("each_second", false));
        ticks.entry(cron.tick_ms).or_default().push(id);
    }
    let doubled: Vec<_> = ticks.iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
    let missed: Vec<_> = ticks
        .keys()
        .zip(ticks.keys().skip(1))
        .filter(|(tick, next)| *tick + 1000 != **next)
        .collect();
    assert!(missed.is_empty(), "{missed:?}");
    assert_eq!(ticks.len() as u64, enqueued, "every job was sent");
    assert!(ticks.len() >= 13, "{}", ticks.len());
}
