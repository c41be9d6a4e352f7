//! What a claim says of the next one: when it is of use, and who is woken for it.

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{
    BreakerSpec, Cancelled, Claim, ClaimState, Fallback, Fate, Lane, Lease, Limit, NewJob,
    Priority, ProviderPolicy, Queue, Route, RunAt,
};

use crate::support::{Bench, ids, job, kari, raw, verdict};

const MINUTE: Duration = Duration::from_secs(60);

fn provider(name: &str) -> ProviderPolicy {
    ProviderPolicy {
        name: name.to_owned(),
        breaker: Some(BreakerSpec {
            failures: 1,
            window: None,
            open: MINUTE,
            probe: MINUTE,
        }),
        ..ProviderPolicy::default()
    }
}

/// Has SendGrid's breaker stay open until then, in ms.
async fn open_until(bench: &Bench, till: u64) {
    let key = bench.queue.keys().breakers.as_bytes();
    let now = bench.queue.now_ms().await.expect("has a clock");
    let text = format!("open 1 {till} {now} 600000 ");
    let row = [b"HSET", key, b"sendgrid", text.as_bytes()];
    let _: u8 = bench.raw(&row).await;
}

async fn claim(queue: &Queue, lease: &Lease, want: usize) -> Claim {
    queue.claim(lease, want, None).await.expect("claims")
}

/// Whether this claim wakes somebody. Nobody listens there: whoever is to be woken is only taken out.
async fn wakes(bench: &Bench, lease: &Lease, want: usize) -> (Claim, bool) {
    let idle = &bench.queue.keys().idle;
    let _: u8 = bench.text(&format!("ZADD {idle} 3 nobody")).await;
    let claim = claim(&bench.queue, lease, want).await;
    (
        claim,
        bench.text::<u64>(&format!("EXISTS {idle}")).await == 0,
    )
}

async fn later(bench: &Bench) {
    let later = NewJob {
        run_at: RunAt::In(MINUTE),
        ..job()
    };
    bench.enqueue_all(&[later]).await;
}

/// Where jobs are left behind, somebody is woken for them, and nobody waits for a time. Where none are, both are as they were.
#[tokio::test]
async fn what_is_left_behind_wakes_somebody_at_once() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let (claimed, _) = wakes(&bench, &worker, 1).await;
    assert_eq!((claimed.jobs.len(), claimed.next_due), (0, None));
    bench.enqueue(2).await;
    assert_eq!(claim(&bench.queue, &worker, 5).await.next_due, None);
    later(&bench).await;
    bench.enqueue(2).await;
    let (left, woken) = wakes(&bench, &worker, 1).await;
    assert_eq!((left.jobs.len(), left.next_due, woken), (1, None, true));
    for want in [1, 5] {
        let (last, woken) = wakes(&bench, &worker, want).await;
        assert!(last.next_due.is_some_and(|due| due <= MINUTE) && !woken);
        bench.enqueue(1).await;
    }
}

/// So many entries of cancelled jobs stand in the list that one claim does not come to what waits behind them.
#[tokio::test]
async fn what_a_claim_does_not_come_to_wakes_somebody_too() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let jobs = bench.enqueue(303).await;
    let gone: Vec<_> = jobs[1..302].iter().copied().map(raw).collect();
    let mut cancelled = Vec::new();
    for some in gone.chunks(250) {
        let came = bench.queue.cancel(some, false, &kari()).await;
        cancelled.extend(came.expect("cancels"));
    }
    assert_eq!(cancelled, [const { Cancelled::Yes }; 301]);
    later(&bench).await;
    let (first, woken) = wakes(&bench, &worker, 5).await;
    assert_eq!(ids(&first.jobs), jobs[..1]);
    assert_eq!((first.next_due, woken), (None, true));
    let (last, woken) = wakes(&bench, &worker, 5).await;
    assert_eq!(ids(&last.jobs), jobs[302..]);
    assert!(last.next_due.is_some() && !woken);
}

#[tokio::test]
async fn a_limit_is_of_no_matter_before_it_is_used_up() {
    let bench = Bench::new();
    let limited = ProviderPolicy {
        name: "sendgrid".to_owned(),
        limit: Some(Limit {
            count: 1000,
            per: Duration::from_secs(1),
        }),
        ..ProviderPolicy::default()
    };
    let queue = bench.queue.clone().with_provider(limited);
    let worker = bench.worker("w").await;
    bench.enqueue(2).await;
    let claimed = claim(&queue, &worker, 10).await;
    assert_eq!((claimed.jobs.len(), claimed.next_due), (2, None));
}

/// A probe is one job; and where the fleet may run no more, none goes out.
#[tokio::test]
async fn a_probe_is_one_job_of_those_that_may_run() {
    let bench = Bench::new();
    let queue = bench.queue.clone().with_provider(provider("sendgrid"));
    let worker = bench.worker("w").await;
    bench.enqueue(4).await;
    assert_eq!(bench.claim(&worker, 1).await.len(), 1);
    open_until(&bench, 1).await;
    let full = queue.claim(&worker, 3, Some(1)).await.expect("claims");
    assert_eq!((full.state, full.jobs.len()), (ClaimState::Ok, 0));
    let probe = queue.claim(&worker, 3, Some(9)).await.expect("claims");
    let routes: Vec<_> = probe.jobs.iter().map(|job| job.context.route).collect();
    assert_eq!(routes, [Route::Probe]);
    let held = claim(&queue, &worker, 3).await;
    assert_eq!((held.state, held.jobs.len()), (ClaimState::Open, 0));
}

/// What its provider may have waits until that is asked again, and whoever has slots free then looks for it.
#[tokio::test]
async fn what_waits_for_its_provider_is_due_when_that_is_asked_again() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let unknown = bench.enqueue(1).await[0];
    let claimed = bench.claim(&worker, 1).await;
    let mut lost = verdict(&claimed[0], Fate::Retry { after: MINUTE });
    lost.state.may_have_been_sent = true;
    bench.settle(&[lost]).await;
    bench.make_due().await;
    let policy = ProviderPolicy {
        fallback: Some(Fallback {
            policy: Box::new(provider("postmark")),
            takes_jobs: true,
        }),
        ..provider("sendgrid")
    };
    let queue = bench.queue.clone().with_provider(policy);
    let now = bench.queue.now_ms().await.expect("has a clock");
    open_until(&bench, now + 30_000).await;
    let fresh = bench.enqueue(1).await;
    let taken = claim(&queue, &worker, 5).await;
    assert_eq!(ids(&taken.jobs), fresh);
    let next = taken.next_due.expect("says when").as_secs();
    assert!((20..=30).contains(&next), "{next}");
    assert!((20.0..=30.0).contains(&bench.due_in(unknown).await));
    // Of what goes to the fallback nothing is to be waited for.
    let scheduled = &bench.queue.keys().scheduled;
    let _: u8 = bench.text(&format!("DEL {scheduled}")).await;
    bench.enqueue(1).await;
    let taken = claim(&queue, &worker, 5).await;
    assert_eq!((taken.jobs.len(), taken.next_due), (1, None));
}

/// So many jobs run as there are slots, wherever they waited.
#[tokio::test]
async fn a_claim_that_parked_jobs_fill_takes_no_other() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let parked = crate::claims::parked(&bench, &worker, &[job(), job()]).await;
    let waiting = bench.enqueue(2).await;
    assert_eq!(ids(&bench.claim(&worker, 2).await), parked);
    assert_eq!(ids(&bench.claim(&worker, 5).await), waiting);
}

/// While cancelled entries stand in the list, a claim that takes from a lane alone leaves the list as it is.
#[tokio::test]
async fn what_is_listed_stays_while_others_go_first() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let listed = bench.enqueue(2).await;
    let gone = bench.queue.cancel(&[raw(listed[1])], false, &kari()).await;
    assert_eq!(gone.expect("cancels"), [Cancelled::Yes]);
    let urgent = NewJob {
        lane: Lane::of(Priority::High),
        ..job()
    };
    let urgent = bench.enqueue_all(&[urgent]).await;
    assert_eq!(ids(&bench.claim(&worker, 1).await), urgent);
    assert_eq!(ids(&bench.claim(&worker, 1).await), listed[..1]);
}

/// An id that is listed twice, and one that is parked and runs, beside others and what has a lane.
#[tokio::test]
async fn what_is_listed_twice_or_runs_is_not_claimed_beside_others() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let mut parked = crate::claims::parked(&bench, &worker, &[job(), job(), job()]).await;
    let k = bench.queue.keys();
    for n in [2, 0] {
        let runs = parked.remove(n);
        let runs = format!("HSET {} {runs} {}:9", k.inflight, worker.worker());
        let _: u8 = bench.text(&runs).await;
    }
    let of_lane = NewJob {
        lane: Lane::of(Priority::High),
        ..job()
    };
    let of_lane = bench.enqueue_all(&[of_lane]).await;
    let listed = bench.enqueue(1).await;
    let twice = format!("RPUSH {} {}", k.active, listed[0]);
    let _: u8 = bench.text(&twice).await;
    let expected: Vec<JobId> = [parked, of_lane, listed].concat();
    assert_eq!(ids(&bench.claim(&worker, 9).await), expected);
    assert_eq!(bench.claim(&worker, 9).await.len(), 0);
}

/// A kind of which nothing is parked any more is sought no more: to look for it would cost each claim a command.
#[tokio::test]
async fn where_nothing_is_parked_any_more_nothing_is_sought() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let parked = crate::claims::parked(&bench, &worker, &[job()]).await;
    let k = bench.queue.keys();
    let gone = format!("ZREM {} {}", k.parked, parked[0]);
    let _: u8 = bench.text(&gone).await;
    let sought = async || bench.text::<u8>(&format!("EXISTS {}", k.sought)).await;
    assert_eq!(sought().await, 1);
    assert_eq!(bench.claim(&worker, 9).await.len(), 0);
    assert_eq!(sought().await, 0);
}

/// One claim hands out 4 MiB at the most. What did not fit is next, in order, and nobody overtakes it.
#[tokio::test]
async fn what_does_not_fit_into_a_claim_is_claimed_next_in_order() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let large = |n: u8| {
        let args = "x".repeat(200 * 1024);
        NewJob {
            payload: format!(r#"{{"kind":"k{n}","v":1,"args":"{args}"}}"#).into_bytes(),
            ..job()
        }
    };
    let jobs: Vec<_> = (0..50).map(large).collect();
    let enqueued = bench.enqueue_all(&jobs).await;
    let after = bench.enqueue(1).await;
    let mut sizes = Vec::new();
    let mut claimed = Vec::new();
    for _ in 0..3 {
        let jobs = bench.claim(&worker, 100).await;
        let bytes = jobs
            .iter()
            .filter_map(|job| Some(job.payload.as_ref()?.len()));
        sizes.push(bytes.sum::<usize>());
        claimed.extend(ids(&jobs));
    }
    assert_eq!(claimed, [enqueued, after].concat());
    assert!(sizes.iter().all(|bytes| *bytes <= 4 << 20), "{sizes:?}");
    assert!(sizes[0] > 3 << 20, "{sizes:?}");
}
