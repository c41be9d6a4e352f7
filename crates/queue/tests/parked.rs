//! Jobs of kinds that the workers that claimed them do not know.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{
    Cancelled, Fate, JobState, Lease, Limit, ProviderPolicy, Resent, RunState, Verdict, WorkerFacts,
};
use support::{Bench, ids, raw};

const HOUR: Duration = Duration::from_secs(3600);

/// What a worker says that did not know the kind.
fn unknown(claimed: &longshore_queue::Claimed, kind: &str) -> Verdict {
    Verdict {
        kind: None,
        state: claimed.run,
        history: None,
        ..support::verdict(
            claimed,
            Fate::Parked {
                kind: kind.to_owned(),
            },
        )
    }
}

/// Enqueues some jobs, and has this worker claim and park them.
async fn park(bench: &Bench, worker: &Lease, n: usize, kind: &str) -> Vec<JobId> {
    bench.enqueue(n).await;
    let claimed = bench.claim(worker, n).await;
    assert_eq!(claimed.len(), n);
    let verdicts: Vec<_> = claimed.iter().map(|job| unknown(job, kind)).collect();
    bench.settle(&verdicts).await;
    ids(&claimed)
}

async fn announce(bench: &Bench, worker: &Lease, kinds: &[&str]) {
    let facts = WorkerFacts {
        kinds: kinds.iter().map(|&kind| kind.to_owned()).collect(),
        ..WorkerFacts::default()
    };
    assert!(bench.queue.announce(worker, &facts).await.expect("says"));
}

async fn state(bench: &Bench, id: JobId) -> (JobState, bool) {
    let job = bench.queue.job(&raw(id)).await.expect("looks");
    let job = job.expect("is there");
    (job.state, job.parked_since_ms.is_some())
}

/// Looks through the parked jobs, as if nobody had within the last second. Returns how many were buried.
async fn bury(bench: &Bench, worker: &Lease) -> usize {
    let kinds = &bench.queue.keys().kinds;
    let _: u8 = bench.text(&format!("HDEL {kinds} looked")).await;
    let buried = bench.queue.bury_parked(worker, HOUR, "nobody knew it");
    buried.await.expect("looks").len()
}

/// Makes a field that says when a worker knew a kind last, or a job was parked, say so much earlier.
async fn known_earlier(bench: &Bench, kind: &str, by: Duration) {
    let field = format!("known {kind}");
    let by = format!("-{}", by.as_millis());
    let kinds = &bench.queue.keys().kinds;
    let _: i64 = bench
        .raw(&[
            b"HINCRBY",
            kinds.as_bytes(),
            field.as_bytes(),
            by.as_bytes(),
        ])
        .await;
}

async fn parked_earlier(bench: &Bench, by: Duration) {
    let (all, of_kinds) = (&bench.queue.keys().parked, &bench.queue.keys().parked_kinds);
    let members: Vec<String> = bench.text(&format!("ZRANGE {of_kinds} 0 -1")).await;
    for member in members {
        let words: Vec<&str> = member.split(' ').collect();
        let [digest, _, id] = words[..] else {
            panic!("{member}");
        };
        let by = by.as_millis();
        let since: f64 = bench.text(&format!("ZINCRBY {all} -{by} {id}")).await;
        let moved = format!("{digest} {since:017.3} {id}");
        let of_kinds = of_kinds.as_bytes();
        let _: u8 = bench.raw(&[b"ZREM", of_kinds, member.as_bytes()]).await;
        let _: u8 = bench
            .raw(&[b"ZADD", of_kinds, b"0", moved.as_bytes()])
            .await;
    }
}

#[tokio::test]
async fn a_job_of_an_unknown_kind_stands_apart_until_a_worker_joins_that_knows_it() {
    let bench = Bench::new();
    let old = bench.worker("old").await;
    announce(&bench, &old, &["send_email"]).await;
    let parked = park(&bench, &old, 3, "send_fax").await;
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!(
        (stats.pending, stats.scheduled, stats.running, stats.parked),
        (3, 0, 0, 3)
    );
    assert!(stats.latency_ms.is_some(), "they wait");
    let kinds = &stats.parked_kinds;
    assert_eq!((kinds.len(), kinds[0].jobs), (1, 3));
    assert_eq!(kinds[0].kind, "send_fax");
    assert_eq!(state(&bench, parked[0]).await, (JobState::Pending, true));
    let used = bench.queue.job(&raw(parked[0])).await.expect("looks");
    assert_eq!(used.expect("there").run, RunState::default(), "no attempt");

    // Nobody looks for them: not those who wait for work, and no claim, of whatever worker.
    let peek = bench.queue.peek(true).await.expect("looks");
    assert!(!peek.work && peek.next_due.is_none());
    let another = bench.worker("another").await;
    announce(&bench, &another, &["send_sms"]).await;
    for worker in [&old, &another] {
        assert_eq!(bench.claim(worker, 10).await.len(), 0);
    }

    // The one that knows them has them, in the order in which they were parked, before what waits.
    let new = bench.worker("new").await;
    announce(&bench, &new, &["send_email", "send_fax"]).await;
    assert!(bench.queue.peek(false).await.expect("looks").work);
    assert!(bench.queue.peek(true).await.expect("looks").work);
    let waiting = bench.enqueue(1).await;
    assert_eq!(ids(&bench.claim(&old, 10).await), waiting);
    let waiting = bench.enqueue(1).await;
    let first = bench.claim(&new, 2).await;
    assert_eq!(ids(&first), parked[..2]);
    let rest = bench.claim(&new, 10).await;
    assert_eq!(ids(&rest), [parked[2], waiting[0]]);
    assert_eq!(state(&bench, parked[2]).await, (JobState::Running, false));
    let left = bench.keys().await;
    assert!(
        !left
            .iter()
            .any(|key| key.contains(":parked") || key.contains("sought")),
        "{left:?}"
    );
}

/// Where another living worker knows the kind, that one has the job, and the one that does not know it is not given it
/// again and again.
#[tokio::test]
async fn a_job_goes_from_a_worker_that_does_not_know_it_to_one_that_does() {
    let bench = Bench::new();
    let (old, new) = (bench.worker("old").await, bench.worker("new").await);
    announce(&bench, &old, &["send_email"]).await;
    announce(&bench, &new, &["send_email", "send_fax"]).await;
    let parked = park(&bench, &old, 2, "send_fax").await;
    assert_eq!(bench.claim(&old, 10).await.len(), 0);
    assert!(bench.queue.peek(false).await.expect("looks").work);
    assert_eq!(ids(&bench.claim(&new, 10).await), parked);
}

#[tokio::test]
async fn a_parked_job_takes_no_token() {
    let bench = Bench::new();
    let provider = ProviderPolicy {
        name: "sendgrid".to_owned(),
        limit: Some(Limit {
            count: 1,
            per: Duration::from_secs(1),
        }),
        ..ProviderPolicy::default()
    };
    let queue = bench.queue.clone().with_provider(provider);
    let worker = bench.worker("old").await;
    announce(&bench, &worker, &["send_email"]).await;
    bench.enqueue(1).await;
    let claim = queue.claim(&worker, 10, None).await.expect("claims");
    bench.settle(&[unknown(&claim.jobs[0], "send_fax")]).await;
    let limits = &queue.keys().limits;
    let before: Vec<String> = bench.text(&format!("HVALS {limits}")).await;
    assert_eq!(before.len(), 1, "its claim took one");
    for _ in 0..5 {
        let claim = queue.claim(&worker, 10, None).await.expect("claims");
        assert_eq!(claim.jobs.len(), 0);
    }
    let after: Vec<String> = bench.text(&format!("HVALS {limits}")).await;
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_parked_job_is_buried_when_nobody_knew_its_kind_for_an_hour() {
    let bench = Bench::new();
    let old = bench.worker("old").await;
    let parked = park(&bench, &old, 2, "send_fax").await;
    assert_eq!(bury(&bench, &old).await, 0);
    parked_earlier(&bench, HOUR - Duration::from_secs(5)).await;
    assert_eq!(bury(&bench, &old).await, 0, "not yet");

    // Somebody knew it meanwhile: its hour begins when that was last.
    let new = bench.worker("new").await;
    announce(&bench, &new, &["send_fax"]).await;
    parked_earlier(&bench, HOUR).await;
    assert_eq!(bury(&bench, &old).await, 0, "somebody knows it");
    known_earlier(&bench, "send_fax", HOUR - Duration::from_secs(5)).await;
    assert_eq!(bury(&bench, &old).await, 0, "somebody knew it");
    // Nobody seeks it any more.
    assert!(!bench.queue.peek(false).await.expect("looks").work);
    known_earlier(&bench, "send_fax", Duration::from_secs(5)).await;
    assert_eq!(bury(&bench, &old).await, 2);
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.pending, stats.parked, stats.dead), (0, 0, 2));
    assert_eq!(stats.counter("died"), 2);
    assert_eq!(stats.parked_kinds.len(), 0);
    let job = bench.queue.job(&raw(parked[0])).await.expect("looks");
    let job = job.expect("is there");
    assert_eq!((job.state, job.run.used), (JobState::Dead, 0));
    assert_eq!(job.history.len(), 1);
    let entry = &job.history[0].entry;
    assert_eq!((entry.attempt, entry.outcome.as_str()), (1, "undecodable"));
    assert_eq!(entry.reason.as_deref(), Some("nobody knew it"));
    let groups = bench.queue.dead_groups().await.expect("looks");
    assert_eq!((groups.len(), groups[0].count), (1, 2));

    // Replayed, it has its hour again.
    let named = [raw(parked[0])];
    bench
        .queue
        .replay(&named, &support::kari())
        .await
        .expect("replays");
    let claimed = bench.claim(&old, 1).await;
    bench.settle(&[unknown(&claimed[0], "send_fax")]).await;
    assert_eq!(bury(&bench, &old).await, 0);
    assert_eq!(state(&bench, parked[0]).await, (JobState::Pending, true));
}

/// However often it comes back, it counts from when it was parked first.
#[tokio::test]
async fn a_job_that_comes_back_is_parked_since_it_was_first() {
    let bench = Bench::new();
    let (old, new) = (bench.worker("old").await, bench.worker("new").await);
    let parked = park(&bench, &old, 1, "send_fax").await;
    let since = async || {
        let job = bench.queue.job(&raw(parked[0])).await.expect("looks");
        job.expect("there").parked_since_ms.expect("is parked")
    };
    let first = since().await;
    announce(&bench, &new, &["send_fax"]).await;
    let claimed = bench.claim(&new, 1).await;
    let verdict = support::verdict(&claimed[0], Fate::Back);
    bench.settle(&[verdict]).await;
    let claimed = bench.claim(&old, 1).await;
    let now = bench.queue.now_ms().await.expect("has a clock");
    assert!(now > first, "time goes by");
    bench.settle(&[unknown(&claimed[0], "send_fax")]).await;
    assert_eq!(since().await, first);

    // One that died of something else, and was replayed, has its time again.
    let claimed = bench.claim(&new, 1).await;
    let verdict = support::verdict(&claimed[0], support::refused("400"));
    bench.settle(&[verdict]).await;
    let replayed = bench
        .queue
        .replay(&[raw(parked[0])], &support::kari())
        .await;
    assert_eq!(replayed.expect("replays").len(), 1);
    let claimed = bench.claim(&old, 1).await;
    bench.settle(&[unknown(&claimed[0], "send_fax")]).await;
    assert!(since().await > first);
}

/// Kinds that somebody makes up for each job stop nobody's look.
#[tokio::test]
async fn many_unknown_kinds_are_looked_through_in_chunks() {
    let bench = Bench::new();
    let old = bench.worker("old").await;
    bench.enqueue(600).await;
    for _ in 0..3 {
        let claimed = bench.claim(&old, 200).await;
        let verdicts: Vec<_> = claimed
            .iter()
            .map(|job| unknown(job, &format!("fax {}", job.id)))
            .collect();
        bench.settle(&verdicts).await;
    }
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.parked, stats.pending), (600, 600));
    assert!(stats.parked_kinds.len() < 300, "not all are listed");
    parked_earlier(&bench, HOUR).await;
    assert_eq!(bury(&bench, &old).await, 600);
    assert_eq!(bench.queue.stats().await.expect("counts").parked, 0);
}

/// What Redis has as parked, since it forgot that a worker had it, is that worker's again.
#[tokio::test]
async fn a_parked_job_is_taken_back_by_the_worker_that_had_it() {
    let bench = Bench::new();
    let (old, new) = (bench.worker("old").await, bench.worker("new").await);
    let parked = park(&bench, &old, 1, "send_fax").await;
    announce(&bench, &new, &["send_fax"]).await;
    let dump: Vec<String> = bench.keys().await;
    let mut saved: Vec<(String, Vec<u8>)> = Vec::new();
    for key in dump {
        let bytes = bench.text(&format!("DUMP {key}")).await;
        saved.push((key, bytes));
    }
    let claimed = bench.claim(&new, 1).await.remove(0);
    assert_eq!(claimed.id, raw(parked[0]));
    let _: String = bench.text("FLUSHALL").await;
    for (key, bytes) in &saved {
        let _: String = bench.raw(&[b"RESTORE", key.as_bytes(), b"0", bytes]).await;
    }
    assert_eq!(state(&bench, parked[0]).await, (JobState::Pending, true));
    let beat = bench.queue.beat(&new, support::STALE, 1, 0).await;
    assert!(beat.expect("beats").forgot);
    let remembered = [support::remembered(&claimed)];
    let told = bench.queue.resend(&new, &remembered).await;
    assert!(matches!(told.expect("tells"), Resent::Done { ours, .. } if ours == [true]));
    assert_eq!(state(&bench, parked[0]).await, (JobState::Running, false));
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.parked, stats.pending), (0, 0));
}

/// It is still listed under its kind, since nothing says any more which that is.
#[tokio::test]
async fn a_parked_job_that_was_cancelled_after_its_record_was_lost_is_not_claimed() {
    let bench = Bench::new();
    let old = bench.worker("old").await;
    let parked = park(&bench, &old, 2, "send_fax").await;
    let k = bench.queue.keys();
    let _: u8 = bench
        .text(&format!("HDEL {} {}", k.records, parked[0]))
        .await;
    let cancelled = bench
        .queue
        .cancel(&[raw(parked[0])], true, &support::kari())
        .await;
    assert_eq!(cancelled.expect("cancels"), [Cancelled::Yes]);
    let new = bench.worker("new").await;
    announce(&bench, &new, &["send_fax"]).await;
    assert_eq!(ids(&bench.claim(&new, 10).await), [parked[1]]);
    let left: u64 = bench.text(&format!("ZCARD {}", k.parked_kinds)).await;
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_parked_job_whose_record_is_lost_is_buried_as_one_that_may_have_been_sent() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let parked = park(&bench, &worker, 1, "send_fax").await[0];
    parked_earlier(&bench, HOUR).await;
    let records = &bench.queue.keys().records;
    let _: u8 = bench.text(&format!("HDEL {records} {parked}")).await;
    assert_eq!(bury(&bench, &worker).await, 1);
    let job = bench.queue.job(&raw(parked)).await.expect("looks");
    assert!(job.expect("is there").run.may_have_been_sent);
}

/// Somebody removes the list of them by kind: they wait again, are parked anew, and their hour is not a new one.
#[tokio::test]
async fn parked_jobs_that_are_listed_under_no_kind_any_more_are_found_again() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let lost = park(&bench, &worker, 30, "send_fax").await;
    let since = async || {
        let job = bench.queue.job(&raw(lost[7])).await.expect("looks");
        job.expect("is there").parked_since_ms
    };
    let parked_first = since().await;
    let of_kinds = &bench.queue.keys().parked_kinds;
    let _: u8 = bench.text(&format!("DEL {of_kinds}")).await;
    let listed = park(&bench, &worker, 10, "send_telex").await;
    assert_eq!(bury(&bench, &worker).await, 0);
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.pending, stats.parked), (40, 10));
    let claimed = bench.claim(&worker, 50).await;
    let mut found = ids(&claimed);
    found.sort_unstable();
    let mut expected = lost.clone();
    expected.sort_unstable();
    assert_eq!(found, expected);
    let verdicts: Vec<_> = claimed.iter().map(|job| unknown(job, "send_fax")).collect();
    bench.settle(&verdicts).await;
    assert_eq!(since().await, parked_first);
    announce(&bench, &worker, &["send_telex"]).await;
    assert_eq!(bench.claim(&worker, 50).await.len(), listed.len());
    parked_earlier(&bench, HOUR).await;
    assert_eq!(bury(&bench, &worker).await, 30);
}
