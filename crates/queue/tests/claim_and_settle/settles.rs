//! What verdicts write: counts, times, what is told to whom, and what is left of a job that was asked to stop.

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{
    Cancelled, Claimed, Fate, HistoryEntry, JobInfo, JobState, Key, Lane, Lease, NewJob, Priority,
    RunState, Selection, Settled, Verdict, WorkerFacts,
};

use crate::support::{Bench, RETENTION, done, job, kari, raw, refused, verdict};

const MINUTE: Duration = Duration::from_secs(60);

/// As the worker has it that did not run the job.
fn unrun(claimed: &Claimed, fate: Fate) -> Verdict {
    Verdict {
        state: claimed.run,
        history: None,
        ..verdict(claimed, fate)
    }
}

async fn look(bench: &Bench, id: JobId) -> JobInfo {
    let job = bench.queue.job(&raw(id)).await.expect("looks");
    job.expect("is known")
}

async fn counter(bench: &Bench, name: &str) -> u64 {
    bench.queue.stats().await.expect("counts").counter(name)
}

async fn settled(bench: &Bench, verdict: Verdict) -> Settled {
    let settled = bench.queue.settle(&[verdict], RETENTION).await;
    settled.expect("settles")
}

/// A job that this worker runs, and that somebody asks to stop.
async fn asked(bench: &Bench, worker: &Lease, job: NewJob) -> Claimed {
    let id = bench.enqueue_all(&[job]).await[0];
    let claimed = bench.claim(worker, 1).await.remove(0);
    let came = bench.queue.cancel(&[raw(id)], false, &kari()).await;
    assert_eq!(came.expect("asks"), [Cancelled::Asked]);
    claimed
}

#[tokio::test]
async fn each_end_is_counted_once() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    bench.enqueue(11).await;
    let claimed = bench.claim(&worker, 11).await;
    let retry = Fate::Retry { after: MINUTE };
    let later = Fate::Later { after: MINUTE };
    let kind = "send_fax".to_owned();
    let ran = |n: usize, fate: &Fate| verdict(&claimed[n], fate.clone());
    let back = |n: usize, fate: &Fate| unrun(&claimed[n], fate.clone());
    let verdicts = [
        ran(0, &done()),
        ran(1, &done()),
        ran(2, &retry),
        ran(3, &retry),
        back(4, &later),
        back(5, &later),
        back(6, &Fate::Untouched),
        back(7, &Fate::Parked { kind }),
        ran(8, &refused("550")),
        ran(9, &refused("550")),
        ran(10, &refused("550")),
    ];
    assert_eq!(bench.settle(&verdicts).await, [true; 11]);
    for (name, expected) in [
        ("completed", 2),
        ("retried", 2),
        ("given_back", 4),
        ("died", 3),
        ("cancelled", 0),
    ] {
        assert_eq!(counter(&bench, name).await, expected, "{name}");
    }
    let groups = bench.queue.dead_groups().await.expect("lists");
    let grew = groups[0].growth.as_ref().expect("is told").last_hour;
    assert_eq!((groups.len(), groups[0].count, grew), (1, 3, 3));
    // Their bytes are those of their payloads, and of what is kept of their ends.
    let completions = &bench.queue.keys().completions;
    let mut bytes = 0;
    for job in &claimed[..2] {
        let kept: String = bench.text(&format!("HGET {completions} {}", job.id)).await;
        let (_, end) = kept.split_once(' ').expect("a time and an end");
        bytes += job.payload.as_ref().expect("is there").len() + end.len();
    }
    assert_eq!(counter(&bench, "completed_bytes").await, bytes as u64);
}

/// What waits for its time is due as it was said, and has waited since then and not before.
#[tokio::test]
async fn what_waits_again_waits_from_its_new_time_on() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let enqueued = bench.enqueue(4).await;
    let claimed = bench.claim(&worker, 4).await;
    let (retry, later) = (Fate::Retry { after: MINUTE }, Fate::Later { after: MINUTE });
    // The fourth has failed before, and is only put off: it still waits for its retry.
    let mut put_off = unrun(&claimed[3], later.clone());
    put_off.state.used = 1;
    let verdicts = [
        verdict(&claimed[0], retry),
        unrun(&claimed[1], later.clone()),
        verdict(&claimed[2], later),
        put_off,
    ];
    bench.settle(&verdicts).await;
    use JobState::{Retryable, Scheduled};
    for (id, (state, waits)) in enqueued.iter().zip([
        (Retryable, 0),
        (Scheduled, 1),
        (Retryable, 0),
        (Retryable, 1),
    ]) {
        let found = look(&bench, *id).await;
        assert_eq!((found.state, found.waits), (state, waits), "{id}");
        let due = bench.due_in(*id).await;
        assert!((50.0..=60.0).contains(&due), "{due}");
        let scheduled = &bench.queue.keys().scheduled;
        let due: f64 = bench.text(&format!("ZSCORE {scheduled} {id}")).await;
        let fields = bench.queue.fields_of(&raw(*id)).await.expect("reads");
        assert_eq!(fields["next"], format!("{:.0}", due * 1000.0));
    }
}

/// A job with a record says so in its header, so that the record is missed if it is lost; and nothing is missed of a job that
/// has not run.
#[tokio::test]
async fn only_a_record_of_runs_is_missed() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let enqueued = bench.enqueue(2).await;
    let claimed = bench.claim(&worker, 2).await;
    let put_back = Verdict {
        put_back: Some(HistoryEntry::default()),
        ..unrun(&claimed[1], Fate::Untouched)
    };
    let retry = Fate::Retry { after: MINUTE };
    bench.settle(&[verdict(&claimed[0], retry), put_back]).await;
    let k = bench.queue.keys();
    for id in &enqueued {
        let lost: u8 = bench.text(&format!("HDEL {} {id}", k.records)).await;
        assert_eq!(lost, 1);
    }
    bench.make_due().await;
    for again in bench.claim(&worker, 2).await {
        let ran = again.id == raw(enqueued[0]);
        assert_eq!(
            (again.lost_record, again.run.may_have_been_sent),
            (ran, ran)
        );
    }
}

/// A worker prunes when the first of the completed jobs is due: so it is told, and not where none completed.
#[tokio::test]
async fn a_settle_says_when_to_prune() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    bench.enqueue(3).await;
    let claimed = bench.claim(&worker, 3).await;
    let back = settled(&bench, unrun(&claimed[0], Fate::Untouched)).await;
    assert_eq!(back.prune_at_ms, None);
    let now = bench.queue.now_ms().await.expect("has a clock");
    let completed = settled(&bench, verdict(&claimed[1], done())).await;
    let left = completed.prune_at_ms.expect("says when") - now;
    assert!((3_590_000..=3_610_000).contains(&left), "{left}");
    let back = settled(&bench, unrun(&claimed[2], Fate::Untouched)).await;
    assert_eq!(back.prune_at_ms, None, "nothing is new");
}

#[tokio::test]
async fn what_has_a_lane_and_completed_leaves_it() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let of_lane = || NewJob {
        lane: Lane::of(Priority::Low).with_tenant("a"),
        ..job()
    };
    bench
        .enqueue_all(&[of_lane(), job(), of_lane(), of_lane()])
        .await;
    let claimed = bench.claim(&worker, 4).await;
    let lane = bench.queue.keys().lane.clone();
    let known = async || bench.text::<u64>(&format!("HLEN {lane}")).await;
    let (laned, plain): (Vec<_>, Vec<_>) = claimed.iter().partition(|job| job.context.has_lane);
    bench.settle(&[verdict(plain[0], done())]).await;
    assert_eq!(known().await, 3);
    let retry = Fate::Retry { after: MINUTE };
    let verdicts = [verdict(laned[0], done()), verdict(laned[1], retry)];
    assert_eq!(bench.settle(&verdicts).await, [true; 2]);
    assert_eq!(known().await, 2, "one waits again, and one runs");
    bench.settle(&[verdict(laned[2], done())]).await;
    assert_eq!(known().await, 1);
}

/// A slot that is free is of use where something waits: then somebody is woken, and only then.
#[tokio::test]
async fn a_settle_wakes_somebody_where_something_waits() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let idle = bench.queue.keys().idle.clone();
    let wakes = async |verdict: &Verdict| {
        // Nobody listens there: whoever is to be woken is only taken out.
        bench.text::<u64>(&format!("ZADD {idle} 1 nobody")).await;
        bench.settle(std::slice::from_ref(verdict)).await;
        bench.text::<u64>(&format!("ZCARD {idle}")).await == 0
    };
    bench.enqueue(4).await;
    let claimed = bench.claim(&worker, 4).await;
    let completed = verdict(&claimed[0], done());
    assert!(!wakes(&completed).await, "nothing waits");
    assert!(wakes(&unrun(&claimed[1], Fate::Untouched)).await);
    assert!(wakes(&verdict(&claimed[2], done())).await, "it still waits");
    assert!(!wakes(&completed).await, "its claim is over");
    assert_eq!(bench.claim(&worker, 4).await.len(), 1);
    let of_tenant = NewJob {
        lane: Lane::of(Priority::Normal).with_tenant("a"),
        ..job()
    };
    bench.enqueue_all(&[of_tenant]).await;
    assert!(wakes(&verdict(&claimed[3], done())).await, "in a lane");
}

/// What is parked while a worker is there that knows its kind goes to that one at once.
#[tokio::test]
async fn what_is_parked_and_known_elsewhere_wakes_somebody() {
    let bench = Bench::new();
    let (worker, other) = (bench.worker("w").await, bench.worker("o").await);
    let idle = bench.queue.keys().idle.clone();
    bench.enqueue(2).await;
    let claimed = bench.claim(&worker, 2).await;
    let kind = "send_fax".to_owned();
    for (n, known) in [(0, false), (1, true)] {
        if known {
            let facts = WorkerFacts {
                kinds: vec![kind.clone()],
                ..WorkerFacts::default()
            };
            bench.queue.announce(&other, &facts).await.expect("says");
        }
        // Nobody listens there: whoever is to be woken is only taken out.
        bench.text::<u64>(&format!("ZADD {idle} 1 nobody")).await;
        let kind = kind.clone();
        bench
            .settle(&[unrun(&claimed[n], Fate::Parked { kind })])
            .await;
        let woken = bench.text::<u64>(&format!("EXISTS {idle}")).await == 0;
        assert_eq!(woken, known);
    }
}

/// What cannot be parked, since somebody else has written there, is tried again in a minute.
#[tokio::test]
async fn what_cannot_be_parked_waits_for_a_minute() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let id = bench.enqueue(1).await[0];
    let claimed = bench.claim(&worker, 1).await.remove(0);
    let parked = &bench.queue.keys().parked;
    let _: String = bench.text(&format!("SET {parked} spoiled")).await;
    let kind = "send_fax".to_owned();
    let back = unrun(&claimed, Fate::Parked { kind });
    assert!(settled(&bench, back).await.written[0]);
    let due = bench.due_in(id).await;
    assert!((50.0..=60.0).contains(&due), "{due}");
}

/// With or without a key, what was asked to stop and never sent is cancelled: counted with its bytes, and told by its history.
#[tokio::test]
async fn what_is_stopped_is_kept_as_any_cancelled_job() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let keyed = NewJob {
        key: Some(Key::new("send_email", "k")),
        ..job()
    };
    let mut bytes = 0;
    for job in [job(), keyed] {
        let claimed = asked(&bench, &worker, job).await;
        let mut failed = verdict(&claimed, Fate::Retry { after: MINUTE });
        failed.state.lost = 1;
        assert!(settled(&bench, failed).await.written[0]);
        let id = claimed.id.job_id().expect("is one of ours");
        let stopped = look(&bench, id).await;
        assert_eq!(stopped.state, JobState::Cancelled);
        assert_eq!(
            stopped.run,
            RunState {
                used: 1,
                lost: 1,
                entries: 2,
                ..RunState::default()
            }
        );
        let fields = bench.queue.fields_of(&raw(id)).await.expect("reads");
        let entries: Vec<_> = fields.keys().filter(|name| name.starts_with('h')).collect();
        assert_eq!(entries, ["h1", "h2"]);
        assert_eq!(stopped.history[1].entry.attempt, 1);
        let k = bench.queue.keys();
        for key in [&k.records, &k.data] {
            bytes += bench.text::<u64>(&format!("HSTRLEN {key} {id}")).await;
        }
        assert_eq!(counter(&bench, "cancelled_bytes").await, bytes);
        // If its record is lost, it is not carried out as if it were fresh.
        let _: u8 = bench.text(&format!("HDEL {} {id}", k.records)).await;
        let _: u64 = bench.text(&format!("RPUSH {} {id}", k.active)).await;
        let again = bench.claim(&worker, 1).await.remove(0);
        assert!(again.lost_record);
        let _: u8 = bench.text(&format!("HDEL {} {id}", k.inflight)).await;
    }
}

/// What the fallback may have sent is as little cancelled without force as what the provider may have.
#[tokio::test]
async fn what_the_fallback_may_have_sent_is_not_stopped_without_force() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let claimed = asked(&bench, &worker, job()).await;
    let mut failed = verdict(&claimed, Fate::Retry { after: MINUTE });
    (failed.state.may_have_been_sent, failed.state.by_fallback) = (true, true);
    assert!(settled(&bench, failed).await.written[0]);
    let id = claimed.id.job_id().expect("is one of ours");
    assert_eq!(look(&bench, id).await.state, JobState::Retryable);
}

/// Replayed = completed + dead again + cancelled.
#[tokio::test]
async fn a_replay_counts_what_died_again_and_what_was_stopped() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    bench.enqueue(4).await;
    let verdicts: Vec<_> = bench
        .claim(&worker, 4)
        .await
        .iter()
        .map(|claimed| verdict(claimed, refused("550")))
        .collect();
    bench.settle(&verdicts).await;
    let operation = JobId::generate();
    let begun = bench
        .queue
        .begin_replay(operation, &Selection::All, None, &kari())
        .await;
    begun.expect("begins");
    let began = bench.queue.now_ms().await.expect("has a clock");
    while bench.queue.now_ms().await.expect("has a clock") == began {}
    bench.queue.advance_operations().await.expect("steps");
    let claimed = bench.claim(&worker, 4).await;
    assert_eq!(claimed.len(), 4);
    let stop = [claimed[2].id.clone()];
    let came = bench.queue.cancel(&stop, false, &kari()).await;
    assert_eq!(came.expect("asks"), [Cancelled::Asked]);
    let verdicts = [
        verdict(&claimed[0], refused("550")),
        verdict(&claimed[1], refused("550")),
        unrun(&claimed[2], Fate::Untouched),
        verdict(&claimed[3], done()),
    ];
    bench.settle(&verdicts).await;
    let found = bench.queue.find_replay(&operation.to_string()).await;
    let replay = found.expect("looks").expect("is there");
    assert_eq!(
        (
            replay.moved,
            replay.completed,
            replay.dead_again,
            replay.cancelled
        ),
        (4, 1, 2, 1)
    );
    // What died again is no more of that replay: another one counts anew.
    let of = bench.queue.fields_of(&claimed[0].id).await.expect("reads");
    assert_eq!(of.get("op"), None);
}
