//! What a fleet costs: who looks through the running jobs, and when.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_queue::{Cancelled, Claimed, Fate, JobState, Lease, Remembered, Resent, Sweep};
use support::{Bench, LOST, STALE, done, verdict};

/// Which notices are wanted, as a timeline has it.
const WANTED: &str = " cancelled ";

const LATE: Duration = Duration::from_secs(16);

impl Bench {
    async fn rescue(&self, lease: &Lease) -> Sweep {
        let sweep = self.queue.rescue(lease, LOST).await.expect("looks");
        sweep.expect("has a lease")
    }

    /// Whether a beat is told to look through all running jobs.
    async fn is_to_sweep(&self, lease: &Lease) -> bool {
        let beat = self.queue.beat(lease, STALE, 1, 0).await.expect("beats");
        assert!(beat.held);
        beat.sweep
    }

    async fn set_in_timeline(&self, field: &str, value: &str) {
        let timeline = self.queue.keys().timeline.as_bytes();
        let command = [b"HSET", timeline, field.as_bytes(), value.as_bytes()];
        self.raw::<u64>(&command).await;
    }

    async fn in_timeline(&self, field: &str) -> Option<String> {
        let timeline = &self.queue.keys().timeline;
        self.text(&format!("HGET {timeline} {field}")).await
    }

    /// Tells Redis what a worker remembers of these. Returns which of them are the worker's now.
    async fn tell(&self, lease: &Lease, claimed: &[&Claimed]) -> Vec<bool> {
        let remembered = claimed.iter().map(|claimed| Remembered {
            id: &claimed.id,
            token: &claimed.token,
            at: claimed.at.clone(),
            payload: claimed.payload.clone().expect("has one").into(),
            header: &claimed.header,
            run: claimed.run,
        });
        let remembered: Vec<_> = remembered.collect();
        let told = self.queue.resend(lease, &remembered).await;
        let Resent::Done { at, ours } = told.expect("tells") else {
            panic!("its lease holds, and nobody has begun another timeline");
        };
        self.queue.adopt_timeline(&at);
        ours
    }
}

#[tokio::test]
async fn of_all_who_see_a_lost_worker_one_looks_through_the_running_jobs() {
    let bench = Bench::new();
    bench.enqueue(3).await;
    let dead = bench.worker("dead").await;
    let (one, other) = (bench.worker("one").await, bench.worker("other").await);
    bench.claim(&dead, 2).await;
    bench.claim(&other, 1).await;
    let nothing = bench.rescue(&one).await;
    assert!(nothing.taken.is_empty(), "nobody is lost");

    bench.back_date_worker(&dead, LATE).await;
    let looked = async || {
        let text: String = bench.text("INFO commandstats").await;
        let of = text
            .lines()
            .find_map(|line| line.strip_prefix("cmdstat_hscan:calls="));
        let calls = of.and_then(|of| of.split(',').next()?.parse().ok());
        calls.unwrap_or(0_u64)
    };
    assert_eq!(bench.rescue(&one).await.taken.len(), 2);
    let before = looked().await;
    assert!(bench.rescue(&other).await.taken.is_empty());
    assert_eq!(looked().await, before, "another look finds nothing new");
}

#[tokio::test]
async fn what_a_lost_rescuer_leaves_is_found_by_the_next_beat() {
    let bench = Bench::new();
    bench.enqueue(2).await;
    let (dead, alive) = (bench.worker("dead").await, bench.worker("alive").await);
    bench.claim(&dead, 1).await;
    bench.claim(&alive, 1).await;
    bench.is_to_sweep(&alive).await;
    assert!(!bench.is_to_sweep(&alive).await, "once a minute");
    // It has ended the lease, and was killed.
    let workers = bench.queue.keys().workers.clone();
    let gone = format!("ZREM {workers} {}", dead.worker());
    bench.text::<u64>(&gone).await;
    let (secs, _): (u64, u64) = bench.text("TIME").await;
    let rescuer = |until: u64| format!("rescuer {}000 {}000 10000", until, until - 10);
    bench.set_in_timeline("rescue", &rescuer(secs + 8)).await;
    assert!(!bench.is_to_sweep(&alive).await, "it is at it");
    assert!(bench.rescue(&alive).await.taken.is_empty(), "it is at it");
    bench.set_in_timeline("rescue", &rescuer(secs - 1)).await;
    assert!(bench.is_to_sweep(&alive).await);
    assert_eq!(bench.rescue(&alive).await.taken.len(), 1);
    assert!(!bench.is_to_sweep(&alive).await);
}

#[tokio::test]
async fn once_a_minute_one_of_all_looks_for_what_nobody_owns() {
    let bench = Bench::new();
    let (one, other) = (bench.worker("one").await, bench.worker("other").await);
    assert!(!bench.is_to_sweep(&one).await, "nothing runs");
    bench.enqueue(2).await;
    bench.claim(&one, 1).await;
    bench.claim(&other, 1).await;
    assert!(bench.is_to_sweep(&one).await);
    assert!(!bench.is_to_sweep(&other).await);
    let (secs, _): (u64, u64) = bench.text("TIME").await;
    // Also where the clock was set back since.
    for walked in [secs - 61, secs + 3600] {
        let walked = format!("{walked}000");
        bench.set_in_timeline("walked", &walked).await;
        assert!(bench.is_to_sweep(&other).await);
        assert!(!bench.is_to_sweep(&one).await);
    }
}

#[tokio::test]
async fn running_jobs_whose_claims_somebody_removed_are_told_again_and_settled() {
    let bench = Bench::new();
    bench.enqueue(1).await;
    let worker = bench.worker("w").await;
    let claimed = bench.claim(&worker, 1).await;
    bench.set_in_timeline("notices", WANTED).await;
    let inflight = bench.queue.keys().inflight.clone();
    bench.text::<u64>(&format!("DEL {inflight}")).await;
    let just_begun = bench.queue.beat(&worker, STALE, 1, 0).await.expect("beats");
    assert!(!just_begun.forgot, "it may have ended since");
    let beat = bench.queue.beat(&worker, STALE, 1, 1).await.expect("beats");
    assert!(beat.held && beat.forgot);
    assert_eq!(bench.in_timeline("notices").await.as_deref(), Some(WANTED));
    let claimed = &claimed[0];
    assert_eq!(bench.tell(&worker, &[claimed]).await, [true]);
    assert_eq!(bench.settle(&[verdict(claimed, done())]).await, [true]);
}

/// A replica takes its primary's place that lacks the claim of the only job that runs. It has what came before, and that is not
/// told again: not what was cancelled since, nor which ends the application is told of.
#[tokio::test]
async fn a_redis_that_forgot_the_only_claim_has_what_came_before() {
    let bench = Bench::new();
    bench.enqueue(1).await;
    let worker = bench.worker("w").await;
    let failed = bench.claim(&worker, 1).await.remove(0);
    let retry = Fate::Retry {
        after: Duration::from_secs(60),
    };
    bench.settle(&[verdict(&failed, retry)]).await;
    let kari = support::kari();
    let came = bench
        .queue
        .cancel(std::slice::from_ref(&failed.id), true, &kari)
        .await;
    assert_eq!(came.expect("answers"), [Cancelled::Yes]);
    bench.set_in_timeline("notices", WANTED).await;
    let own = format!("w:{}", worker.worker());
    let before = [
        bench.in_timeline("seq").await,
        bench.in_timeline(&own).await,
    ];

    let id = bench.enqueue(1).await[0];
    let runs = bench.claim(&worker, 1).await.remove(0);
    // That claim was not copied, and it is another process.
    let k = bench.queue.keys();
    let (inflight, active) = (&k.inflight, &k.active);
    bench.text::<u64>(&format!("DEL {inflight}")).await;
    bench.text::<u64>(&format!("RPUSH {active} {id}")).await;
    for (field, value) in ["seq", &own].iter().zip(before) {
        bench.set_in_timeline(field, &value.expect("stands")).await;
    }
    bench.set_in_timeline("server", "another 1 0 ").await;
    let beat = bench.queue.beat(&worker, STALE, 1, 1).await.expect("beats");
    assert!(beat.held && beat.forgot);
    assert_eq!(bench.in_timeline("notices").await.as_deref(), Some(WANTED));
    assert_eq!(bench.tell(&worker, &[&runs, &failed]).await, [true, false]);
    let job = bench.queue.job(&failed.id).await.expect("looks");
    assert_eq!(job.expect("is there").state, JobState::Cancelled);
}
