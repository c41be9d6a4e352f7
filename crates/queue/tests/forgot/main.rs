//! A Redis that forgot: what it is told again, and what stands.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
#[path = "../support/mod.rs"]
mod support;

mod newest;

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{
    Cancelled, Claimed, Fate, JobState, Lease, LinkOptions, Queue, Resent, WorkerId,
};
use support::{Bench, LOST, STALE, done, verdict};

/// Which notices are wanted, as a timeline has it.
const WANTED: &str = " cancelled ";

impl Bench {
    async fn in_timeline(&self, field: &str) -> Option<String> {
        let timeline = &self.queue.keys().timeline;
        self.text(&format!("HGET {timeline} {field}")).await
    }

    /// Another process, and its worker.
    async fn another(&self) -> (Queue, Lease) {
        let link = self.queue.link().another(LinkOptions::default());
        let queue = Queue::new(link, "t", "email").expect("good names");
        let lease = Lease::new(WorkerId::generate("another"));
        queue.join(&lease, STALE).await.expect("joins");
        (queue, lease)
    }

    /// The claim of the one job that runs was not copied, nor any of these workers' calls.
    async fn forget_claim(&self, id: JobId, of: &[&Lease], seq: u64) {
        let k = self.queue.keys();
        let (inflight, active) = (&k.inflight, &k.active);
        assert_eq!(self.text::<u64>(&format!("DEL {inflight}")).await, 1);
        self.text::<u64>(&format!("RPUSH {active} {id}")).await;
        self.set_in_timeline("server", "another 1 0 ").await;
        self.set_in_timeline("seq", &seq.to_string()).await;
        for lease in of {
            self.set_in_timeline(&format!("w:{}", lease.worker()), "0")
                .await;
        }
    }

    /// Whether a beat finds that Redis forgot. As [`Queue::beat`] takes them: jobs, and those that run.
    async fn beats(&self, lease: &Lease, jobs: usize, running: usize) -> bool {
        let beat = self.queue.beat(lease, STALE, jobs, running).await;
        let beat = beat.expect("beats");
        assert!(beat.held);
        beat.forgot
    }

    /// Tells Redis what a worker remembers of these. Returns which of them are the worker's now.
    async fn tell(&self, lease: &Lease, claimed: &[&Claimed]) -> Vec<bool> {
        tell(&self.queue, lease, claimed).await
    }
}

/// The same by this process.
async fn tell(queue: &Queue, lease: &Lease, claimed: &[&Claimed]) -> Vec<bool> {
    let remembered = claimed.iter().map(|claimed| support::remembered(claimed));
    let remembered: Vec<_> = remembered.collect();
    let told = queue.resend(lease, &remembered).await;
    let Resent::Done { at, ours } = told.expect("tells") else {
        panic!("its lease holds, and nobody has begun another timeline");
    };
    queue.adopt_timeline(lease, &at);
    ours
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

/// Of a Redis that forgot what one worker did, another one had all: what operators have done since with its outcomes stands.
#[tokio::test]
async fn what_a_redis_has_of_a_worker_is_not_told_again_for_what_it_forgot_of_another() {
    let bench = Bench::new();
    let ids = bench.enqueue(2).await;
    let (other, lost) = bench.another().await;
    let worker = bench.worker("w").await;
    let claimed = bench.claim(&worker, 1).await.remove(0);
    let own = format!("w:{}", lost.worker());
    bench.set_in_timeline(&own, "0").await;
    let before = bench.in_timeline("seq").await.expect("stands");

    // What the other one does was not copied; in its place stands what this one has done since.
    assert_eq!(
        other
            .claim(&lost, 1, None)
            .await
            .expect("claims")
            .jobs
            .len(),
        1
    );
    let k = bench.queue.keys();
    let (inflight, active) = (&k.inflight, &k.active);
    bench
        .text::<u64>(&format!("HDEL {inflight} {}", ids[1]))
        .await;
    bench
        .text::<u64>(&format!("RPUSH {active} {}", ids[1]))
        .await;
    for (field, value) in [("seq", &*before), (&own, "0"), ("server", "another 1 0 ")] {
        bench.set_in_timeline(field, value).await;
    }
    let refused = support::refused("template unknown");
    assert_eq!(bench.settle(&[verdict(&claimed, refused)]).await, [true]);
    let settled = Claimed {
        at: bench.queue.newest(),
        ..claimed
    };
    let kari = support::kari();
    let replayed = bench
        .queue
        .replay(std::slice::from_ref(&settled.id), &kari)
        .await;
    replayed.expect("replays");
    assert!(other.beat(&lost, STALE, 1, 0).await.expect("beats").forgot);
    assert!(bench.beats(&worker, 0, 0).await);
    assert_eq!(bench.tell(&worker, &[&settled]).await, [false]);
    let job = bench.queue.job(&settled.id).await.expect("looks");
    assert_eq!(job.expect("is there").state, JobState::Pending);
}

/// What was told when Redis forgot before does not make an outcome that it has a forgotten one.
#[tokio::test]
async fn what_was_told_before_says_nothing_when_redis_forgets_again() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    let worker = bench.worker("w").await;
    let (other, lease) = bench.another().await;
    let claimed = bench.claim(&worker, 1).await.remove(0);
    bench.forget_claim(id, &[&worker], 0).await;
    assert!(bench.beats(&worker, 1, 0).await);
    assert_eq!(bench.tell(&worker, &[&claimed]).await, [true]);
    let refused = support::refused("template unknown");
    assert_eq!(bench.settle(&[verdict(&claimed, refused)]).await, [true]);
    let settled = Claimed {
        at: bench.queue.newest(),
        ..claimed
    };
    assert!(other.beat(&lease, STALE, 0, 0).await.expect("beats").forgot);
    tell(&other, &lease, &[]).await;
    let ids = std::slice::from_ref(&settled.id);
    let replayed = bench.queue.replay(ids, &support::kari()).await;
    replayed.expect("replays");
    // The hold is over, and now something is forgotten of the other one.
    let timeline = &bench.queue.keys().timeline;
    let over = bench.text::<u8>(&format!("HDEL {timeline} hold")).await;
    assert_eq!(over, 1);
    let own = format!("w:{}", lease.worker());
    bench.set_in_timeline(&own, "0").await;
    assert!(other.beat(&lease, STALE, 0, 0).await.expect("beats").forgot);
    assert!(bench.beats(&worker, 0, 0).await);
    assert_eq!(bench.tell(&worker, &[&settled]).await, [false]);
}

/// Redis forgets a claim, and while it is told of it forgets that, too. Others have made calls since.
#[tokio::test]
async fn a_redis_that_forgot_what_it_was_told_is_told_again() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    let worker = bench.worker("w").await;
    let claimed = bench.claim(&worker, 1).await.remove(0);
    bench.forget_claim(id, &[&worker], 0).await;
    assert!(bench.beats(&worker, 1, 0).await);
    assert_eq!(bench.tell(&worker, &[&claimed]).await, [true]);
    assert!(!bench.beats(&worker, 1, 0).await);
    bench.forget_claim(id, &[&worker], 9).await;
    assert!(bench.beats(&worker, 1, 0).await);
}

/// Redis forgets twice within a moment, and one worker had not told yet what it forgot first.
#[tokio::test]
async fn what_was_not_told_yet_when_redis_forgot_once_more_is_told() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    let (other, quick) = bench.another().await;
    let worker = bench.worker("w").await;
    let claimed = bench.claim(&worker, 1).await.remove(0);
    other.beat(&quick, STALE, 0, 0).await.expect("beats");
    bench.forget_claim(id, &[&worker], 0).await;
    for _ in 0..2 {
        let beat = other.beat(&quick, STALE, 0, 0).await.expect("beats");
        assert!(beat.forgot);
        tell(&other, &quick, &[]).await;
        bench.set_in_timeline("seq", "0").await;
    }
    assert!(bench.beats(&worker, 1, 0).await);
    assert_eq!(bench.tell(&worker, &[&claimed]).await, [true]);
}

/// While Redis is told what it forgot, somebody removes all running jobs: then it has none of them from before.
#[tokio::test]
async fn running_jobs_that_are_removed_while_redis_is_told_are_told_as_well() {
    let bench = Bench::new();
    let ids = bench.enqueue(2).await;
    let worker = bench.worker("w").await;
    let kept = bench.claim(&worker, 1).await.remove(0);
    let seq = bench.in_timeline("seq").await.expect("stands");
    let mut lost = bench.claim(&worker, 1).await.remove(0);
    let seq = seq.parse().expect("a number");
    bench.forget_claim(ids[1], &[&worker], seq).await;
    assert!(bench.beats(&worker, 2, 0).await);
    assert_eq!(bench.tell(&worker, &[&lost]).await, [true]);
    lost.at = bench.queue.newest();
    let inflight = &bench.queue.keys().inflight;
    bench.text::<u64>(&format!("DEL {inflight}")).await;
    assert!(bench.beats(&worker, 2, 2).await);
    assert_eq!(bench.tell(&worker, &[&lost, &kept]).await, [true, true]);
}

/// The same where another program writes over them, and a worker joins before the living have told.
#[tokio::test]
async fn running_jobs_that_are_written_over_while_redis_is_told_are_told_as_well() {
    let bench = Bench::new();
    bench.enqueue(1).await;
    let worker = bench.worker("w").await;
    let (other, lease) = bench.another().await;
    let claimed = bench.claim(&worker, 1).await.remove(0);
    assert!(!other.beat(&lease, STALE, 0, 0).await.expect("beats").forgot);
    bench.set_in_timeline("seq", "0").await;
    assert!(other.beat(&lease, STALE, 0, 0).await.expect("beats").forgot);
    bench.set_in_timeline("at", "1").await;
    let inflight = &bench.queue.keys().inflight;
    bench.text::<String>(&format!("SET {inflight} x")).await;
    bench.another().await;
    assert!(bench.beats(&worker, 1, 0).await);
    assert_eq!(bench.tell(&worker, &[&claimed]).await, [true]);
}

/// It is told in several calls, and none of them says of the next that Redis has it.
#[tokio::test]
async fn a_redis_that_forgot_many_claims_is_told_of_each() {
    let bench = Bench::new();
    let ids = bench.enqueue(300).await;
    let worker = bench.worker("w").await;
    let mut claimed = bench.claim(&worker, 150).await;
    claimed.extend(bench.claim(&worker, 150).await);
    bench.forget_claim(ids[0], &[&worker], 0).await;
    assert!(bench.beats(&worker, 300, 0).await);
    let all: Vec<_> = claimed.iter().collect();
    assert_eq!(bench.tell(&worker, &all).await, [true; 300]);
}

/// A process that has joined anew settles what it has from before together with what it has since: all is counted as of now. Also
/// where it has claimed nothing yet, and settles a job that it has rescued.
#[tokio::test]
async fn what_a_process_settles_counts_as_of_the_worker_that_it_is_now() {
    for rescues in [false, true] {
        let bench = Bench::new();
        bench.enqueue(2).await;
        let before = bench.worker("before").await;
        let mut claimed = bench.claim(&before, 1).await;
        let now = bench.worker("now").await;
        if rescues {
            bench.back_date_worker(&before, LOST * 2).await;
            let sweep = bench.queue.sweep(&now, LOST).await.expect("looks");
            let taken = sweep.expect("has a lease").taken.remove(0);
            claimed[0].token = taken.token;
        } else {
            claimed.extend(bench.claim(&now, 1).await);
        }
        let verdicts: Vec<_> = claimed.iter().map(|one| verdict(one, done())).collect();
        assert!(!bench.settle(&verdicts).await.contains(&false));
        let of_before = bench.in_timeline(&format!("w:{}", before.worker())).await;
        let own = bench.in_timeline(&format!("w:{}", now.worker())).await;
        assert_eq!(own, bench.in_timeline("seq").await);
        assert_eq!(of_before.is_none(), rescues, "it is gone with its lease");
    }
}

/// What a process did as another worker does not count as known, since its worker of now has made later calls.
#[tokio::test]
async fn what_redis_has_of_one_worker_says_nothing_of_another() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    let before = bench.worker("before").await;
    let claimed = bench.claim(&before, 1).await.remove(0);
    let now = bench.worker("now").await;
    bench.forget_claim(id, &[&before], 0).await;
    assert!(bench.beats(&now, 1, 0).await);
    let own = format!("w:{}", now.worker());
    bench.set_in_timeline(&own, "9").await;
    assert_eq!(bench.tell(&now, &[&claimed]).await, [true]);
}
