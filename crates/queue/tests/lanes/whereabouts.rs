//! A job stays in its lane, whatever happens to it.

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{Fate, NewJob, RunAt};

use crate::support::{self, Bench, done, raw, verdict};
use crate::{HIGH, NORMAL, enqueue};

/// Retries, give-backs, rescues, replays, what was parked and what was scheduled: each waits in its lane.
#[tokio::test]
async fn a_job_keeps_its_lane() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let lane = HIGH.with_tenant("acme");
    let (queue, k) = (&bench.queue, bench.queue.keys().clone());
    let in_lane = async |id: JobId| {
        let score: Option<f64> = bench.text(&format!("ZSCORE {} {id}", k.lanes)).await;
        score.is_some_and(|score| score < 2f64.powi(50))
    };
    let waits = async |n: usize| {
        let stats = queue.stats().await.expect("counts");
        assert_eq!(stats.pending, n as u64);
        let listed: usize = bench.text(&format!("LLEN {}", k.active)).await;
        assert_eq!(listed, 0);
    };
    let kind = "send_fax".to_owned();
    for (fate, name) in [
        (Fate::Back, "back"),
        (
            Fate::Retry {
                after: Duration::from_secs(60),
            },
            "retry",
        ),
        (support::refused("400"), "dead"),
        (Fate::Parked { kind }, "parked"),
    ] {
        let id = enqueue(queue, &lane, 1).await[0];
        let job = bench.claim(&worker, 1).await.remove(0);
        assert_eq!(job.id, raw(id));
        bench.settle(&[verdict(&job, fate)]).await;
        match name {
            "retry" => {
                bench.make_due().await;
                // A claim promotes.
                let other = enqueue(queue, &lane, 1).await[0];
                let first = bench.claim(&worker, 1).await.remove(0);
                assert_eq!(first.id, raw(other));
                bench.settle(&[verdict(&first, done())]).await;
            }
            "dead" => {
                let replayed = queue.replay(&[raw(id)], &support::kari()).await;
                assert_eq!(replayed.expect("replays").len(), 1);
            }
            "parked" => {
                let facts = longshore_queue::WorkerFacts {
                    kinds: vec!["send_fax".to_owned()],
                    ..longshore_queue::WorkerFacts::default()
                };
                queue.announce(&worker, &facts).await.expect("says");
            }
            _ => {}
        }
        if name != "parked" {
            assert!(in_lane(id).await, "{name}");
            waits(1).await;
        }
        let job = bench.claim(&worker, 1).await.remove(0);
        assert_eq!(job.id, raw(id), "{name}");
        bench.settle(&[verdict(&job, done())]).await;
    }
}

#[tokio::test]
async fn what_was_scheduled_goes_to_its_lane_and_what_ends_leaves_it() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let lane = HIGH.with_tenant("acme");
    let (queue, k) = (&bench.queue, bench.queue.keys().clone());
    let later = NewJob {
        run_at: RunAt::In(Duration::from_secs(60)),
        lane: lane.clone(),
        ..support::job()
    };
    queue
        .enqueue(std::slice::from_ref(&later))
        .await
        .expect("enqueues");
    bench.make_due().await;
    let normal = enqueue(queue, &NORMAL, 1).await[0];
    let claimed = support::ids(&bench.claim(&worker, 2).await);
    assert_eq!(claimed, [later.id, normal]);
    // Put off, and run now.
    let put_off = enqueue(queue, &lane, 1).await[0];
    let id = raw(put_off);
    let hour = RunAt::In(Duration::from_secs(3600));
    queue
        .reschedule(&id, hour, &support::kari())
        .await
        .expect("is put off");
    assert_eq!(queue.stats().await.expect("counts").pending, 0);
    queue
        .run_now(&id, &support::kari())
        .await
        .expect("runs now");
    enqueue(queue, &NORMAL, 1).await;
    let claimed = support::ids(&bench.claim(&worker, 1).await);
    assert_eq!(claimed, [put_off]);
    // A lane is known until its job has ended.
    let kept = async || bench.text::<usize>(&format!("HLEN {}", k.lane)).await;
    assert_eq!(kept().await, 2);
    let gone = enqueue(queue, &lane, 1).await[0];
    assert_eq!(kept().await, 3);
    queue
        .cancel(&[raw(gone)], false, &support::kari())
        .await
        .expect("cancels");
    assert_eq!(queue.stats().await.expect("counts").pending, 1);
    let listed: usize = bench.text(&format!("LLEN {}", k.active)).await;
    assert_eq!((listed, kept().await), (1, 2));
}
