//! Several workers have claimed a job, one after the other.

use longshore_queue::{Claimed, JobState, Lease, Queue};

use super::support::{self, Bench, RETENTION, STALE, done, verdict};
use super::tell;

impl Bench {
    /// A job whose claim by one worker was not copied, and which another one has claimed since, before anybody compared. Their claims, and
    /// who is the other one.
    async fn claimed_twice(&self, worker: &Lease) -> ([Claimed; 2], Queue, Lease) {
        let id = self.enqueue(1).await[0];
        let (other, lease) = self.another().await;
        let older = self.claim(worker, 1).await.remove(0);
        let k = self.queue.keys();
        let (inflight, active) = (&k.inflight, &k.active);
        assert_eq!(self.text::<u64>(&format!("DEL {inflight}")).await, 1);
        self.text::<u64>(&format!("RPUSH {active} {id}")).await;
        let own = format!("w:{}", worker.worker());
        self.set_in_timeline(&own, "0").await;
        let newer = other.claim(&lease, 1, None).await.expect("claims");
        ([older, newer.jobs[0].clone()], other, lease)
    }
}

/// Of two claims of one job Redis has the newer one: the older one takes its place until that is told as well.
#[tokio::test]
async fn the_newest_claim_wins_also_where_redis_has_it() {
    for newer_first in [false, true] {
        let bench = Bench::new();
        let worker = bench.worker("w").await;
        let ([older, newer], other, lease) = bench.claimed_twice(&worker).await;
        assert!(bench.beats(&worker, 1, 0).await);
        assert!(other.beat(&lease, STALE, 1, 0).await.expect("beats").forgot);
        if newer_first {
            assert_eq!(tell(&other, &lease, &[&newer]).await, [true]);
            assert_eq!(bench.tell(&worker, &[&older]).await, [false]);
        } else {
            assert_eq!(bench.tell(&worker, &[&older]).await, [true]);
            assert_eq!(tell(&other, &lease, &[&newer]).await, [true]);
        }
        assert_eq!(bench.settle(&[verdict(&older, done())]).await, [false]);
        assert_eq!(bench.settle(&[verdict(&newer, done())]).await, [true]);
    }
}

/// The same where the newer claim has died meanwhile.
#[tokio::test]
async fn an_older_claim_does_not_take_a_dead_letter_of_a_newer_one() {
    for newer_first in [false, true] {
        let bench = Bench::new();
        let worker = bench.worker("w").await;
        let ([older, newer], other, lease) = bench.claimed_twice(&worker).await;
        let refused = verdict(&newer, support::refused("template unknown"));
        let settled = other
            .settle(std::slice::from_ref(&refused), RETENTION)
            .await;
        assert_eq!(settled.expect("settles").written, [true]);
        let newer = Claimed {
            at: other.newest(),
            ..newer
        };
        assert!(bench.beats(&worker, 1, 0).await);
        assert!(other.beat(&lease, STALE, 0, 0).await.expect("beats").forgot);
        if newer_first {
            assert_eq!(tell(&other, &lease, &[&newer]).await, [false], "it stands");
            assert_eq!(bench.tell(&worker, &[&older]).await, [false]);
        } else {
            assert_eq!(bench.tell(&worker, &[&older]).await, [true]);
            assert_eq!(tell(&other, &lease, &[&newer]).await, [true]);
            assert_eq!(bench.settle(&[refused]).await, [true]);
        }
        let job = bench.queue.job(&older.id).await.expect("looks");
        assert_eq!(job.expect("is there").state, JobState::Dead);
    }
}
