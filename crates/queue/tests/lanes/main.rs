//! Priorities and tenants: who is claimed next.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
#[path = "../support/mod.rs"]
mod support;

mod kept_slot;
mod shares;
mod whereabouts;

use std::collections::HashMap;

use longshore_job::JobId;
use longshore_queue::{Lane, Lease, NewJob, Priority, Queue};
use support::{Bench, done, verdict};

const HIGH: Lane = Lane::of(Priority::High);
const NORMAL: Lane = Lane::of(Priority::Normal);
const LOW: Lane = Lane::of(Priority::Low);

fn of(tenant: &str) -> Lane {
    NORMAL.with_tenant(tenant)
}

fn jobs(lane: &Lane, n: usize) -> Vec<NewJob> {
    let job = || NewJob {
        lane: lane.clone(),
        ..support::job()
    };
    (0..n).map(|_| job()).collect()
}

async fn enqueue(queue: &Queue, lane: &Lane, n: usize) -> Vec<JobId> {
    let jobs = jobs(lane, n);
    queue.enqueue(&jobs).await.expect("enqueues");
    jobs.iter().map(|job| job.id).collect()
}

/// Claims so many, one call after the other, and says of which lane each is.
struct Claims<'a> {
    bench: &'a Bench,
    worker: std::sync::Arc<Lease>,
    lane_of: HashMap<JobId, Lane>,
}

impl<'a> Claims<'a> {
    async fn new(bench: &'a Bench) -> Self {
        Self {
            bench,
            worker: bench.worker("w").await,
            lane_of: HashMap::new(),
        }
    }

    async fn enqueue(&mut self, lane: &Lane, n: usize) -> Vec<JobId> {
        let ids = enqueue(&self.bench.queue, lane, n).await;
        self.lane_of
            .extend(ids.iter().map(|id| (*id, lane.clone())));
        ids
    }

    /// `n` jobs, so many a call, each completed.
    async fn claim(&self, n: usize, a_call: usize) -> Vec<JobId> {
        let mut claimed = Vec::new();
        while claimed.len() < n {
            let want = a_call.min(n - claimed.len());
            let jobs = self.bench.claim(&self.worker, want).await;
            if jobs.is_empty() {
                break;
            }
            let verdicts: Vec<_> = jobs.iter().map(|job| verdict(job, done())).collect();
            self.bench.settle(&verdicts).await;
            claimed.extend(support::ids(&jobs));
        }
        claimed
    }

    fn count(&self, claimed: &[JobId], lane: &Lane) -> usize {
        let of = claimed.iter().filter(|id| self.lane_of[*id] == *lane);
        of.count()
    }
}

#[tokio::test]
async fn an_urgent_job_is_among_the_next_two_however_many_wait() {
    let bench = Bench::new();
    for (newsletters, n) in [
        (LOW, 2_000),
        (of("news"), 2_000),
        (LOW.with_tenant("news"), 2_000),
        (NORMAL, 100_000),
    ] {
        let mut claims = Claims::new(&bench).await;
        claims.enqueue(&newsletters, n).await;
        // Whatever place of ten is next.
        for _ in 0..23 {
            let [reset] = claims.enqueue(&HIGH, 1).await[..] else {
                panic!("one")
            };
            let next = claims.claim(2, 1).await;
            assert!(next.contains(&reset), "{newsletters:?}");
            claims.claim(1, 1).await;
        }
        if n < 100_000 {
            while !claims.claim(1_000, 250).await.is_empty() {}
        }
    }
}

#[tokio::test]
async fn tenants_take_turns_and_each_keeps_its_order() {
    let bench = Bench::new();
    for a_call in [1, 7, 50] {
        let mut claims = Claims::new(&bench).await;
        let lanes = [of("a"), of("b"), of("c"), NORMAL];
        let mut enqueued = Vec::new();
        for (lane, n) in lanes.iter().zip([1_000, 300, 100, 500]) {
            enqueued.push(claims.enqueue(lane, n).await);
        }
        let claimed = claims.claim(399, a_call).await;
        for (lane, enqueued) in lanes.iter().zip(&enqueued) {
            let of_lane: Vec<_> = claimed
                .iter()
                .filter(|id| claims.lane_of[*id] == *lane)
                .copied()
                .collect();
            assert!((95..=101).contains(&of_lane.len()), "{a_call} {lane:?}");
            assert_eq!(of_lane, enqueued[..of_lane.len()], "{a_call} {lane:?}");
        }
        assert_eq!(claims.claim(10_000, 100).await.len(), 1_501);
        let left: Vec<String> = bench.keys().await;
        let of_lanes = left.iter().filter(|key| {
            ["lanes", "lane", "tenants", "turns"]
                .iter()
                .any(|name| key.ends_with(&format!("}}:{name}")))
        });
        let _ = bench.claim(&claims.worker, 1).await;
        assert!(
            of_lanes.clone().all(|key| key.ends_with(":turns")),
            "{left:?}"
        );
    }
    let left = bench.keys().await;
    assert!(!left.iter().any(|key| key.ends_with(":turns")), "{left:?}");
}

#[tokio::test]
async fn of_three_tenants_with_very_different_backlogs_each_gets_a_third() {
    let bench = Bench::new();
    let mut claims = Claims::new(&bench).await;
    let lanes = [of("a"), of("b"), of("c")];
    for (lane, n) in lanes.iter().zip([10_000, 1_000, 100]) {
        claims.enqueue(lane, n).await;
    }
    let claimed = claims.claim(300, 10).await;
    for lane in &lanes {
        let n = claims.count(&claimed, lane);
        assert!((90..=110).contains(&n), "{lane:?}: {n}");
    }
}

#[tokio::test]
async fn low_and_normal_ones_get_one_in_ten_under_a_flood() {
    let bench = Bench::new();
    let mut claims = Claims::new(&bench).await;
    for (lane, n) in [
        (HIGH, 400),
        (HIGH.with_tenant("a"), 400),
        (NORMAL, 400),
        (LOW, 200),
        (LOW.with_tenant("b"), 200),
    ] {
        claims.enqueue(&lane, n).await;
    }
    for a_call in [1, 7, 10] {
        let claimed = claims.claim(100, a_call).await;
        for ten in claimed.windows(10) {
            let low = claims.count(ten, &LOW) + claims.count(ten, &LOW.with_tenant("b"));
            assert_eq!((low, claims.count(ten, &NORMAL)), (1, 1), "{a_call}");
        }
    }
}

#[tokio::test]
async fn a_tenant_that_comes_late_neither_waits_for_the_past_nor_is_paid_for_it() {
    let bench = Bench::new();
    let mut claims = Claims::new(&bench).await;
    claims.enqueue(&of("a"), 300).await;
    claims.enqueue(&of("b"), 300).await;
    claims.claim(200, 10).await;
    for late in [of("late"), NORMAL] {
        claims.enqueue(&late, 200).await;
        let claimed = claims.claim(60, 1).await;
        let n = claims.count(&claimed, &late);
        assert!((14..=31).contains(&n), "{late:?}: {n}");
        let share = claims.count(&claimed, &of("a"));
        assert!((14..=31).contains(&share), "{late:?}: {share}");
    }
    // A tenant that had one job at a time is no newcomer each time.
    let mut own = 0;
    for _ in 0..40 {
        claims.enqueue(&of("drip"), 1).await;
        let claimed = claims.claim(2, 1).await;
        own += claims.count(&claimed, &of("drip"));
    }
    assert!((10..=24).contains(&own), "{own}");
}

/// Whatever stands in the fields that order lanes, each job is claimed, and an urgent one early.
#[tokio::test]
async fn garbage_where_lanes_are_ordered_loses_nothing() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let k = bench.queue.keys().clone();
    for garbage in ["x", "-1", "1e300", "inf", "nan", "9007199254740993", "0.5"] {
        let mut ids = Vec::new();
        for lane in [HIGH, of("a"), NORMAL, LOW.with_tenant("b")] {
            ids.extend(enqueue(&bench.queue, &lane, 3).await);
        }
        for field in ["h", "n", "l", "list", "turn", "high"] {
            let _: i64 = bench
                .text(&format!("HSET {} {field} {garbage}", k.turns))
                .await;
        }
        let _: i64 = bench
            .text(&format!("HSET {} {} {garbage}", k.lane, ids[3]))
            .await;
        if garbage != "x" && garbage != "nan" {
            for member in ["na", "h", "lb", "none"] {
                let _: i64 = bench
                    .text(&format!("ZADD {} {garbage} {member}", k.tenants))
                    .await;
            }
            let _: i64 = bench
                .text(&format!("ZADD {} {garbage} {}", k.lanes, ids[0]))
                .await;
        }
        for lane in [HIGH, of("a"), NORMAL, LOW.with_tenant("b")] {
            ids.extend(enqueue(&bench.queue, &lane, 3).await);
        }
        let mut claimed = Vec::new();
        loop {
            let jobs = bench.claim(&worker, 5).await;
            if jobs.is_empty() {
                break;
            }
            let verdicts: Vec<_> = jobs.iter().map(|job| verdict(job, done())).collect();
            bench.settle(&verdicts).await;
            claimed.extend(support::ids(&jobs));
        }
        assert_eq!(support::set(claimed), support::set(ids), "{garbage}");
    }
}
