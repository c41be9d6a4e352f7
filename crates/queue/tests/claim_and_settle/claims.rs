//! What a claim takes, what it leaves, and what it says to whoever waits.

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{
    Cancelled, Claim, ClaimState, Fate, HistoryEntry, Lane, Lease, Limit, NewJob, Priority,
    ProviderPolicy, RunAt, Spare, Verdict, Wakes, WorkerFacts,
};

use crate::support::{Bench, done, ids, job, kari, raw, verdict};

const SECOND: Duration = Duration::from_secs(1);

/// A job of 200 KiB: twenty fit into one claim.
fn large(lane: Lane) -> NewJob {
    let args = "x".repeat(200 * 1024);
    NewJob {
        payload: format!(r#"{{"kind":"k","v":1,"args":"{args}"}}"#).into_bytes(),
        lane,
        ..job()
    }
}

fn of_tenant(name: &str) -> Lane {
    Lane::of(Priority::Normal).with_tenant(name)
}

async fn cancel(bench: &Bench, id: JobId) {
    let came = bench.queue.cancel(&[raw(id)], false, &kari()).await;
    assert_eq!(came.expect("cancels"), [Cancelled::Yes]);
}

/// How many entries the waiting list has, and how many of them are counted as of no job that waits there.
async fn listed(bench: &Bench) -> (u64, Option<u64>) {
    let k = bench.queue.keys();
    let entries = bench.text(&format!("LLEN {}", k.active)).await;
    let left = bench.text(&format!("HGET {} left", k.timeline)).await;
    (entries, left)
}

/// Enqueues so many jobs that only this worker knows, and has another one park them.
pub(crate) async fn parked(bench: &Bench, worker: &Lease, jobs: &[NewJob]) -> Vec<JobId> {
    let old = bench.worker("old").await;
    bench.enqueue_all(jobs).await;
    let mut all = Vec::new();
    while all.len() < jobs.len() {
        let claimed = bench.claim(&old, jobs.len()).await;
        let park = |job| Verdict {
            history: None,
            ..verdict(
                job,
                Fate::Parked {
                    kind: "send_fax".to_owned(),
                },
            )
        };
        let verdicts: Vec<_> = claimed.iter().map(park).collect();
        bench.settle(&verdicts).await;
        all.extend(ids(&claimed));
    }
    let facts = WorkerFacts {
        kinds: vec!["send_fax".to_owned()],
        ..WorkerFacts::default()
    };
    bench.queue.announce(worker, &facts).await.expect("says");
    all
}

#[tokio::test]
async fn a_fleet_that_may_run_one_runs_one() {
    let bench = Bench::new();
    bench.enqueue(3).await;
    let worker = bench.worker("w").await;
    for expected in [1, 0] {
        let claim = bench.queue.claim(&worker, 10, Some(1)).await;
        assert_eq!(claim.expect("claims").jobs.len(), expected);
    }
}

/// So often enough is asked that the time between two calls tells nothing.
#[tokio::test]
async fn more_than_a_thousand_calls_a_second_are_limited_too() {
    let bench = Bench::new();
    bench.enqueue(1000).await;
    let policy = ProviderPolicy {
        name: "sendgrid".to_owned(),
        limit: Some(Limit {
            count: 2000,
            per: SECOND,
        }),
        ..ProviderPolicy::default()
    };
    let queue = bench.queue.clone().with_provider(policy);
    let worker = bench.worker("w").await;
    let before = bench.queue.now_ms().await.expect("has a clock");
    let claim = queue.claim(&worker, 1000, None).await.expect("claims");
    assert_eq!(claim.jobs.len(), 100);
    let limits = &bench.queue.keys().limits;
    assert_eq!(bench.text::<u8>(&format!("EXISTS {limits}")).await, 1);
    // Its calls are used up: the next one is a moment away.
    let next = claim.next_due.expect("says when");
    assert!(next <= Duration::from_millis(2), "{next:?}");
    let claim = queue.claim(&worker, 1000, None).await.expect("claims");
    let after = bench.queue.now_ms().await.expect("has a clock");
    let most = usize::try_from(after - before).expect("fits") * 2 + 2;
    assert!(claim.jobs.len() <= most, "{}", claim.jobs.len());
}

/// Nobody is sent away with a time at which there is nothing to do, or told to look again at once.
#[tokio::test]
async fn who_gets_nothing_is_not_told_to_look_at_once() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let spare = Spare {
        look_in: Duration::from_millis(2),
        ..Spare::default()
    };
    let claim = async || {
        let claim = bench.queue.claim_with(&worker, 5, None, spare).await;
        let claim = claim.expect("claims");
        assert_eq!((claim.jobs.len(), claim.look_in), (0, None));
        (claim.state, claim.next_due)
    };
    assert_eq!(claim().await, (ClaimState::Ok, None));
    bench.queue.pause(&kari()).await.expect("pauses");
    assert_eq!(claim().await, (ClaimState::Paused, None));
    bench.queue.leave(&worker).await.expect("leaves");
    assert_eq!(claim().await, (ClaimState::Lost, None));
}

/// Whoever brings work wakes the worker with the most slots free: so each says how many it has.
#[tokio::test]
async fn a_worker_is_noted_with_the_slots_that_stay_free() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let wakes = Wakes::new(bench.queue.link());
    let channel = wakes.channel(&bench.queue, drop);
    let claim = async |slots: usize, most: Option<u32>| -> (usize, Vec<f64>) {
        let spare = Spare {
            channel: Some(&channel),
            ..Spare::default()
        };
        let claim = bench.queue.claim_with(&worker, slots, most, spare).await;
        let idle = &bench.queue.keys().idle;
        let noted: Vec<(String, f64)> = bench.text(&format!("ZRANGE {idle} 0 -1 WITHSCORES")).await;
        let noted = noted.into_iter().map(|(_, free)| free);
        (claim.expect("claims").jobs.len(), noted.collect())
    };
    bench.claim(&worker, 3).await;
    let idle = &bench.queue.keys().idle;
    let noted: u64 = bench.text(&format!("EXISTS {idle}")).await;
    assert_eq!(noted, 0, "it listens on no channel");
    assert_eq!(claim(3, None).await, (0, vec![3.0]));
    bench.enqueue(4).await;
    assert_eq!(claim(3, None).await, (3, vec![]));
    assert_eq!(claim(5, None).await, (1, vec![4.0]));
    // Where something holds claims back, it listens all the same.
    assert_eq!(claim(1, Some(1)).await, (0, vec![1.0]));
    bench.queue.pause(&kari()).await.expect("pauses");
    assert_eq!(claim(2, None).await, (0, vec![2.0]));
    bench.queue.resume(&kari()).await.expect("resumes");
    // What is limited comes back by itself, and is woken for nothing.
    let a_minute = Limit {
        count: 1,
        per: SECOND * 60,
    };
    let limited = bench.queue.limit(a_minute, SECOND * 3600, &kari()).await;
    limited.expect("limits");
    bench.enqueue(2).await;
    assert_eq!(claim(3, None).await.0, 1);
    assert_eq!(claim(3, None).await, (0, vec![]));
}

/// What was parked comes first, then what waits, up to the free slots: with lanes and without.
#[tokio::test]
async fn what_was_parked_and_what_waits_share_the_free_slots() {
    for lane in [Lane::default(), of_tenant("a")] {
        let bench = Bench::new();
        let worker = bench.worker("w").await;
        let parked = parked(&bench, &worker, &[job(), job()]).await;
        let job = || NewJob {
            lane: lane.clone(),
            ..job()
        };
        let waiting = bench.enqueue_all(&[job(), job(), job(), job()]).await;
        let claimed = bench.claim(&worker, 3).await;
        assert_eq!(ids(&claimed), [&parked[..], &waiting[..1]].concat());
        let claimed = bench.claim(&worker, 2).await;
        assert_eq!(ids(&claimed), waiting[1..3]);
        assert_eq!(ids(&bench.claim(&worker, 9).await), waiting[3..]);
    }
}

/// One claim hands out 4 MiB at the most: the rest of what was parked is next, and in its order.
#[tokio::test]
async fn what_was_parked_and_does_not_fit_is_next_in_order() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let jobs: Vec<_> = (0..24).map(|_| large(Lane::default())).collect();
    let parked = parked(&bench, &worker, &jobs).await;
    let waiting = bench.enqueue(2).await;
    let first = bench.claim(&worker, 100).await;
    assert!((18..=20).contains(&first.len()), "{}", first.len());
    let rest = bench.claim(&worker, 100).await;
    let claimed = [ids(&first), ids(&rest)].concat();
    assert_eq!(claimed, [parked, waiting].concat());
    assert_eq!(bench.claim(&worker, 100).await.len(), 0);
}

/// The same of jobs with lanes: none is lost, and none runs twice.
#[tokio::test]
async fn what_waits_in_lanes_and_does_not_fit_is_next_in_order() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let of_lanes: Vec<_> = (0..24).map(|_| large(of_tenant("a"))).collect();
    let of_lanes = bench.enqueue_all(&of_lanes).await;
    let of_list: Vec<_> = (0..4).map(|_| large(Lane::default())).collect();
    let of_list = bench.enqueue_all(&of_list).await;
    // Nobody listens there: whoever is to be woken is only taken out.
    let idle = &bench.queue.keys().idle;
    bench.text::<u64>(&format!("ZADD {idle} 3 nobody")).await;
    let first = bench.claim(&worker, 100).await;
    let woken = bench.text::<u64>(&format!("EXISTS {idle}")).await == 0;
    assert!(woken, "somebody has to claim the rest");
    assert!((18..=20).contains(&first.len()), "{}", first.len());
    let rest = bench.claim(&worker, 100).await;
    let claimed = [ids(&first), ids(&rest)].concat();
    let in_order = |of: &[JobId]| {
        let found = claimed.iter().filter(|id| of.contains(id)).copied();
        assert_eq!(found.collect::<Vec<_>>(), of);
    };
    in_order(&of_lanes);
    in_order(&of_list);
    assert_eq!(claimed.len(), 28);
    assert_eq!(bench.claim(&worker, 100).await.len(), 0);
}

/// Entries of cancelled jobs stay in the waiting list until a claim comes to them, and are counted until then.
#[tokio::test]
async fn entries_of_cancelled_jobs_are_counted_down_as_claims_come_to_them() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let jobs = bench.enqueue(8).await;
    for n in [0, 2, 4, 6, 7] {
        cancel(&bench, jobs[n]).await;
    }
    assert_eq!(listed(&bench).await, (8, Some(5)));
    // With a job, the entries behind it go that stand for none.
    assert_eq!(ids(&bench.claim(&worker, 1).await), [jobs[1]]);
    assert_eq!(listed(&bench).await, (5, Some(3)));
    assert_eq!(ids(&bench.claim(&worker, 1).await), [jobs[3]]);
    assert_eq!(listed(&bench).await, (3, Some(2)));
    assert_eq!(ids(&bench.claim(&worker, 1).await), [jobs[5]]);
    assert_eq!(listed(&bench).await, (0, None));
    // Where nothing else stands there, a claim takes them away all the same.
    for n in [3, 1] {
        for id in bench.enqueue(n).await {
            cancel(&bench, id).await;
        }
        assert_eq!(listed(&bench).await, (n as u64, Some(n as u64)));
        assert_eq!(bench.claim(&worker, 1).await.len(), 0);
        assert_eq!(listed(&bench).await, (0, None));
    }
}

/// Where only such entries stand there, the claim still says when the next job is due.
#[tokio::test]
async fn behind_cancelled_entries_the_next_job_has_its_time() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let later = NewJob {
        run_at: RunAt::In(SECOND * 60),
        ..job()
    };
    bench.enqueue_all(&[later]).await;
    let waiting = bench.enqueue(1).await[0];
    cancel(&bench, waiting).await;
    let claim = bench.queue.claim(&worker, 1, None).await.expect("claims");
    assert_eq!((claim.jobs.len(), claim.state), (0, ClaimState::Ok));
    let next = claim.next_due.expect("says when");
    assert!(next > SECOND * 30 && next <= SECOND * 60, "{next:?}");
}

#[tokio::test]
async fn an_id_that_is_listed_twice_is_claimed_once() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let waiting = bench.enqueue(2).await;
    let active = &bench.queue.keys().active;
    for id in &waiting {
        let _: u8 = bench.text(&format!("RPUSH {active} {id}")).await;
    }
    assert_eq!(ids(&bench.claim(&worker, 10).await), waiting);
    assert_eq!(bench.claim(&worker, 10).await.len(), 0);
    // A claim that finds only what runs says nothing of how fast jobs come.
    let k = bench.queue.keys();
    let again = format!("RPUSH {} {}", k.active, waiting[0]);
    let _: u8 = bench.text(&again).await;
    let _: u8 = bench.text(&format!("HDEL {} look", k.timeline)).await;
    assert_eq!(bench.claim(&worker, 10).await.len(), 0);
    let noted: u8 = bench.text(&format!("HEXISTS {} look", k.timeline)).await;
    assert_eq!(noted, 0);
}

/// Cancelled entries where a claim takes less than it has found, since more does not fit.
#[tokio::test]
async fn cancelled_entries_among_what_does_not_fit_hold_up_nothing() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let jobs: Vec<_> = (0..24).map(|_| large(Lane::default())).collect();
    let mut jobs = bench.enqueue_all(&jobs).await;
    for n in [22, 3, 0] {
        cancel(&bench, jobs.remove(n)).await;
    }
    let first = bench.claim(&worker, 100).await;
    assert!((18..=20).contains(&first.len()), "{}", first.len());
    assert_eq!(listed(&bench).await, (22 - first.len() as u64, Some(1)));
    let rest = bench.claim(&worker, 100).await;
    assert_eq!([ids(&first), ids(&rest)].concat(), jobs);
    assert_eq!(listed(&bench).await, (0, None));
}

/// What is larger than any producer may push is buried unread: no worker is sent it.
#[tokio::test]
async fn what_is_too_large_is_not_handed_out() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let (id, huge) = (JobId::generate().to_string(), vec![b'x'; 8 << 20]);
    let k = bench.queue.keys();
    let row = [b"HSET", k.data.as_bytes(), id.as_bytes(), &huge];
    let _: u8 = bench.raw(&row).await;
    let _: u8 = bench.text(&format!("RPUSH {} {id}", k.active)).await;
    let sent = async || -> u64 {
        let stats: String = bench.text("INFO stats").await;
        let (_, rest) = stats.split_once("total_net_output_bytes:").expect("counts");
        let count = rest.lines().next().expect("a line");
        count.trim().parse().expect("a number")
    };
    let before = sent().await;
    let claimed = bench.claim(&worker, 1).await;
    assert!(sent().await - before < 1 << 20);
    assert_eq!(claimed[0].too_large, Some(8 << 20));
}

/// Its history is long: the run is told what counts, and its neighbours are told theirs.
#[tokio::test]
async fn a_long_record_says_of_earlier_runs_what_a_run_needs() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let id = bench.enqueue(1).await[0];
    for n in 1..=3 {
        let claimed = bench.claim(&worker, 1).await;
        let mut failed = verdict(&claimed[0], Fate::Retry { after: SECOND });
        failed.state.may_have_been_sent = true;
        failed.history = Some(HistoryEntry {
            attempt: n,
            reason: Some("x".repeat(10_000)),
            ..HistoryEntry::default()
        });
        bench.settle(&[failed]).await;
        bench.make_due().await;
    }
    bench.enqueue(1).await;
    let Claim { jobs, .. } = bench.queue.claim(&worker, 9, None).await.expect("claims");
    let long = jobs.iter().find(|job| job.id == raw(id)).expect("is due");
    let fresh = jobs.iter().find(|job| job.id != raw(id)).expect("waits");
    assert_eq!((long.run.used, long.run.may_have_been_sent), (3, true));
    assert!(!long.has_ended && !long.lost_record);
    assert_eq!((fresh.run.used, fresh.run.may_have_been_sent), (0, false));
    bench.settle(&[verdict(long, done())]).await;
    let job = bench.queue.job(&raw(id)).await.expect("looks");
    assert_eq!(job.expect("is kept").history.len(), 4);
}
