//! What workers say of themselves, and of the hosts that they do not reach.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_queue::{
    BreakerSpec, BreakerState, CallReport, ClaimState, Fate, Lease, ProviderPolicy, Queue, Verdict,
    WorkerFacts, WorkerId,
};
use support::{Bench, LOST, RETENTION};

fn facts(kinds: &[&str]) -> WorkerFacts {
    WorkerFacts {
        process: "host-1".to_owned(),
        host: "host".to_owned(),
        pid: 1,
        kinds: kinds.iter().map(|&kind| kind.to_owned()).collect(),
        ..WorkerFacts::default()
    }
}

#[tokio::test]
async fn what_a_worker_says_of_itself_lasts_as_long_as_its_lease() {
    let bench = Bench::new();
    let (a, b) = (bench.worker("a").await, bench.worker("b").await);
    let said = facts(&["send_email"]);
    for worker in [&a, &b] {
        assert!(bench.queue.announce(worker, &said).await.expect("says"));
    }
    bench.enqueue(2).await;
    bench.claim(&a, 2).await;
    let workers = bench.queue.workers().await.expect("looks");
    let of = |lease: &Lease| {
        let id = lease.worker().as_str();
        workers.iter().find(|found| found.worker == id)
    };
    let found = of(&a).expect("a is there");
    assert_eq!((found.facts.as_ref(), found.running), (Some(&said), 2));
    assert_eq!(of(&b).map(|found| found.running), Some(0));

    // One leaves, the other is lost: neither leaves anything behind.
    let c = bench.worker("c").await;
    bench.queue.leave(&b).await.expect("leaves");
    bench.back_date_worker(&a, Duration::from_secs(16)).await;
    bench.queue.sweep(&c, LOST).await.expect("sweeps");
    assert!(bench.queue.announce(&c, &said).await.expect("says"));
    let key = &bench.queue.keys().worker_facts;
    let left: Vec<String> = bench.text(&format!("HKEYS {key}")).await;
    assert_eq!(left, [c.worker().as_str()]);

    let stranger = Lease::new(WorkerId::generate("stranger"));
    let held = bench.queue.announce(&stranger, &said).await;
    assert!(!held.expect("answers"), "nobody without a lease is heard");
}

fn sendgrid() -> ProviderPolicy {
    ProviderPolicy {
        name: "sendgrid".to_owned(),
        breaker: Some(BreakerSpec {
            failures: 3,
            window: None,
            open: Duration::from_secs(30),
            probe: Duration::from_secs(30),
        }),
        ..ProviderPolicy::default()
    }
}

/// One run of this worker that does not reach the provider.
async fn misses(bench: &Bench, queue: &Queue, worker: &Lease) {
    bench.enqueue(1).await;
    let claimed = bench.claim(worker, 1).await;
    let verdict = Verdict {
        report: CallReport::NotReached,
        ..support::verdict(&claimed[0], Fate::Back)
    };
    let settled = queue.settle(&[verdict], RETENTION).await;
    assert_eq!(settled.expect("settles").written, [true]);
}

async fn breaker_of(queue: &Queue) -> BreakerState {
    let stats = queue.stats().await.expect("counts");
    let breaker = stats.breakers.first();
    breaker.map_or(BreakerState::Closed, |breaker| breaker.state)
}

#[tokio::test]
async fn one_worker_among_several_never_opens_the_breaker() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(sendgrid());
    let (sick, good) = (bench.worker("sick").await, bench.worker("good").await);
    for _ in 0..10 {
        misses(&bench, &queue, &sick).await;
    }
    for _ in 0..10 {
        let told = queue.still_not_reached(&sendgrid(), sick.process()).await;
        told.expect("told");
    }
    assert_eq!(breaker_of(&queue).await, BreakerState::Closed);

    // Another one that missed it, too, and nobody who reached it since.
    misses(&bench, &queue, &good).await;
    misses(&bench, &queue, &good).await;
    misses(&bench, &queue, &sick).await;
    assert_eq!(breaker_of(&queue).await, BreakerState::Open);
}

#[tokio::test]
async fn two_sick_workers_do_not_speak_for_a_third_that_reaches_the_provider() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(sendgrid());
    let (a, b) = (bench.worker("a").await, bench.worker("b").await);
    let well = bench.worker("well").await;
    misses(&bench, &queue, &a).await;
    queue
        .reached(&["sendgrid"], well.process())
        .await
        .expect("told");
    for _ in 0..5 {
        misses(&bench, &queue, &b).await;
        misses(&bench, &queue, &a).await;
    }
    assert_eq!(breaker_of(&queue).await, BreakerState::Closed);
}

/// Who reached it before the first of them missed it says nothing of now.
#[tokio::test]
async fn two_sick_workers_are_believed_over_a_third_that_reached_the_provider_before() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(sendgrid());
    let (a, b) = (bench.worker("a").await, bench.worker("b").await);
    let idle = bench.worker("idle").await;
    let reached = queue.reached(&["sendgrid"], idle.process()).await;
    reached.expect("told");
    let key = queue.keys().reach.clone();
    let field = format!("here sendgrid {}", idle.process());
    let _: i64 = bench
        .raw(&[b"HINCRBY", key.as_bytes(), field.as_bytes(), b"-1000"])
        .await;
    for _ in 0..3 {
        misses(&bench, &queue, &a).await;
        misses(&bench, &queue, &b).await;
    }
    assert_eq!(breaker_of(&queue).await, BreakerState::Open);
}

#[tokio::test]
async fn for_the_only_worker_a_provider_that_is_not_reached_has_failed() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(sendgrid());
    let alone = bench.worker("alone").await;
    misses(&bench, &queue, &alone).await;
    // At one job in ten minutes its tests are all there is.
    for _ in 0..2 {
        let told = queue.still_not_reached(&sendgrid(), alone.process()).await;
        told.expect("told");
    }
    assert_eq!(breaker_of(&queue).await, BreakerState::Open);
    // An open breaker has its probe: a handshake decides nothing.
    let until = queue.stats().await.expect("counts").breakers[0].until_ms;
    let told = queue.still_not_reached(&sendgrid(), alone.process()).await;
    told.expect("told");
    let after = queue.stats().await.expect("counts").breakers[0].until_ms;
    assert_eq!(until, after);
    // Nor does it end a probe that is under way.
    let key = queue.keys().breakers.clone();
    let half = b"half 9 99999999999999 1 99999999999999 ";
    let _: u8 = bench
        .raw(&[b"HSET", key.as_bytes(), b"sendgrid", half])
        .await;
    let told = queue.still_not_reached(&sendgrid(), alone.process()).await;
    told.expect("told");
    assert_eq!(breaker_of(&queue).await, BreakerState::HalfOpen);
}

#[tokio::test]
async fn who_misses_a_provider_claims_nothing_while_somebody_is_well() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(sendgrid());
    let (sick, other) = (bench.worker("sick").await, bench.worker("other").await);
    misses(&bench, &queue, &sick).await;
    sick.misses(true, false);
    let state = async |worker: &Lease| {
        let claim = queue.claim(worker, 1, None).await.expect("claims");
        (claim.state, claim.jobs.len())
    };
    assert_eq!(state(&sick).await, (ClaimState::Away, 0));

    // Half-open: the probe is for the one that is well.
    let key = queue.keys().breakers.clone();
    let half_open = async || {
        let _: u8 = bench
            .raw(&[b"HSET", key.as_bytes(), b"sendgrid", b"open 7 1 0 1 "])
            .await;
    };
    half_open().await;
    assert_eq!(state(&sick).await, (ClaimState::Away, 0));
    assert_eq!(state(&other).await, (ClaimState::Ok, 1));

    // Where nobody is well, any may find out, by a probe and not otherwise.
    bench.enqueue(1).await;
    let _: u8 = bench.raw(&[b"DEL", key.as_bytes()]).await;
    let told = queue.still_not_reached(&sendgrid(), other.process()).await;
    told.expect("told");
    assert_eq!(state(&sick).await, (ClaimState::Away, 0));
    half_open().await;
    assert_eq!(state(&sick).await, (ClaimState::Ok, 1));
}

/// It looks again in a second, and has another one woken for what waits.
#[tokio::test]
async fn who_leaves_what_waits_to_others_wakes_one_of_them() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(sendgrid());
    let (sick, well) = (bench.worker("sick").await, bench.worker("well").await);
    let idle = queue.keys().idle.clone();
    sick.misses(true, false);
    let wakes = async || {
        // Who has but the slot free that is kept for urgent jobs is better than nobody. It listens no more: it is only taken out.
        bench.text::<u64>(&format!("ZADD {idle} 0.5 nobody")).await;
        let claim = queue.claim(&sick, 1, None).await.expect("claims");
        assert_eq!(claim.state, ClaimState::Away);
        let next = claim.next_due.expect("says when").as_millis();
        assert!((1..=1_000).contains(&next), "{next}");
        bench.text::<u64>(&format!("ZCARD {idle}")).await == 0
    };
    assert!(!wakes().await, "nothing waits");
    bench.enqueue(1).await;
    assert!(wakes().await);
    assert_eq!(bench.claim(&well, 1).await.len(), 1);
    let of_tenant = longshore_queue::NewJob {
        lane: longshore_queue::Lane::default().with_tenant("a"),
        ..support::job()
    };
    bench.enqueue_all(&[of_tenant]).await;
    assert!(wakes().await, "in a lane");
}
