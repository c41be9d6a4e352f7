//! One worker at a time, fenced; verdicts end up where they belong.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

#[path = "claim_and_settle/claims.rs"]
mod claims;
#[path = "claim_and_settle/forgot.rs"]
mod forgot;
#[path = "claim_and_settle/history.rs"]
mod history;
#[path = "claim_and_settle/next_claim.rs"]
mod next_claim;
#[path = "claim_and_settle/retention.rs"]
mod retention;
#[path = "claim_and_settle/settles.rs"]
mod settles;

use std::collections::HashMap;
use std::time::Duration;

use longshore_job::{Cause, Class};
use longshore_queue::{ClaimState, Fate, HistoryEntry, JobState, RunState, Signed, Verdict};
use support::{Bench, done, ids, job, raw, verdict};

#[tokio::test]
async fn a_claim_takes_what_was_asked_for_and_no_more() {
    let bench = Bench::new();
    let enqueued = bench.enqueue(5).await;
    let (a, b) = (bench.worker("a").await, bench.worker("b").await);
    assert_eq!(ids(&bench.claim(&a, 2).await), enqueued[..2]);
    assert_eq!(ids(&bench.claim(&b, 10).await), enqueued[2..]);
    assert!(bench.claim(&a, 10).await.is_empty());
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.pending, stats.running, stats.workers), (0, 5, 2));
    let found = bench
        .queue
        .job(&raw(enqueued[0]))
        .await
        .expect("looks")
        .expect("is there");
    assert_eq!(
        (found.state, found.worker.as_deref()),
        (JobState::Running, Some(a.worker().as_str()))
    );
}

#[tokio::test]
async fn the_fleet_wide_limit_counts_everybodys_jobs() {
    let bench = Bench::new();
    bench.enqueue(10).await;
    let (a, b) = (bench.worker("a").await, bench.worker("b").await);
    let claim = async |lease, most| {
        bench
            .queue
            .claim(lease, 10, Some(most))
            .await
            .expect("claims")
            .jobs
            .len()
    };
    assert_eq!(
        (claim(&a, 3).await, claim(&b, 4).await, claim(&a, 4).await),
        (3, 1, 0)
    );
}

#[tokio::test]
async fn without_a_lease_there_is_no_claim() {
    let bench = Bench::new();
    bench.enqueue(1).await;
    let worker = bench.worker("w").await;
    bench.queue.leave(&worker).await.expect("leaves");
    let claim = bench.queue.claim(&worker, 1, None).await.expect("answers");
    assert_eq!((claim.state, claim.jobs.len()), (ClaimState::Lost, 0));
    assert_eq!(bench.queue.stats().await.expect("counts").pending, 1);
}

#[tokio::test]
async fn a_paused_queue_hands_out_nothing_until_it_is_resumed() {
    let bench = Bench::new();
    bench.enqueue(1).await;
    let worker = bench.worker("w").await;
    assert!(
        bench
            .queue
            .pause(&Signed::new("ada", "stripe is down"))
            .await
            .expect("pauses")
    );
    assert!(
        !bench
            .queue
            .pause(&Signed::new("bob", "me too"))
            .await
            .expect("answers"),
        "the first pause stays"
    );
    let claim = bench.queue.claim(&worker, 1, None).await.expect("answers");
    assert_eq!((claim.state, claim.jobs.len()), (ClaimState::Paused, 0));
    let paused = bench
        .queue
        .stats()
        .await
        .expect("counts")
        .paused
        .expect("says so");
    assert_eq!(
        (paused.by.as_str(), paused.reason.as_str()),
        ("ada", "stripe is down")
    );
    assert!(
        bench
            .queue
            .resume(&Signed::new("bob", ""))
            .await
            .expect("resumes")
    );
    assert!(
        !bench
            .queue
            .resume(&Signed::new("bob", ""))
            .await
            .expect("answers")
    );
    assert_eq!(bench.claim(&worker, 1).await.len(), 1);
}

#[tokio::test]
async fn each_verdict_goes_where_it_belongs() {
    let bench = Bench::new();
    let enqueued = bench.enqueue(6).await;
    let worker = bench.worker("w").await;
    let claimed = bench.claim(&worker, 6).await;
    let after = Duration::from_secs(60);
    let fates = [
        Fate::Completed {
            result: Some(serde_json::json!({"message_id": "m"})),
        },
        Fate::Retry { after },
        Fate::Later { after },
        Fate::Back,
        Fate::Dead {
            cause: Cause::without_provider(Class::Refused, "no"),
        },
        Fate::Untouched,
    ];
    let mut verdicts: Vec<Verdict> = claimed
        .iter()
        .zip(fates)
        .map(|(claimed, fate)| verdict(claimed, fate))
        .collect();
    verdicts[2].state.used = 0;
    verdicts[2].history = None;
    assert_eq!(bench.settle(&verdicts).await, [true; 6]);
    use JobState::{Completed, Dead, Pending, Retryable, Scheduled};
    for (id, state) in enqueued
        .iter()
        .zip([Completed, Retryable, Scheduled, Pending, Dead, Pending])
    {
        let job = bench
            .queue
            .job(&raw(*id))
            .await
            .expect("looks")
            .expect("is there");
        assert_eq!(job.state, state);
        match state {
            Completed => {
                assert_eq!(job.result, Some(serde_json::json!({"message_id": "m"})));
                assert_eq!((job.ended_at_ms.is_some(), job.history.len()), (true, 1));
            }
            Scheduled => assert_eq!((job.waits, job.history.len()), (1, 0)),
            _ => {}
        }
    }
    let stats = bench.queue.stats().await.expect("counts");
    let counts = (
        stats.pending,
        stats.scheduled,
        stats.retryable,
        stats.dead,
        stats.running,
    );
    assert_eq!(counts, (2, 1, 1, 1, 0));
    assert!((59.0..=60.0).contains(&bench.due_in(enqueued[1]).await));
    // What was given back runs first, and remembers what it should.
    let next = bench.claim(&worker, 2).await;
    assert_eq!(ids(&next), [enqueued[5], enqueued[3]]);
    assert_eq!((next[0].run, next[1].run.used), (RunState::default(), 1));
}

#[tokio::test]
async fn a_lost_token_writes_nothing() {
    let bench = Bench::new();
    let enqueued = bench.enqueue(2).await;
    let worker = bench.worker("w").await;
    let first = bench.claim(&worker, 2).await;
    bench.settle(&[verdict(&first[0], Fate::Untouched)]).await;
    let second = bench.claim(&worker, 1).await;
    assert_eq!(ids(&second), [enqueued[0]]);
    // The same worker, an older claim: refused, and its neighbour is written all the same.
    let written = bench
        .settle(&[verdict(&first[0], done()), verdict(&first[1], done())])
        .await;
    assert_eq!(written, [false, true]);
    assert_eq!(
        bench
            .queue
            .job(&raw(enqueued[0]))
            .await
            .expect("looks")
            .expect("there")
            .state,
        JobState::Running
    );
    // Settling again after a lost answer is refused, and counts as done.
    assert_eq!(bench.settle(&[verdict(&first[1], done())]).await, [false]);
    assert_eq!(
        bench
            .queue
            .stats()
            .await
            .expect("counts")
            .counter("completed"),
        1
    );
}

#[tokio::test]
async fn fifty_thousand_due_at_once_are_promoted_in_bounded_steps() {
    let bench = Bench::new();
    let jobs: Vec<_> = (0..50_000)
        .map(|_| longshore_queue::NewJob {
            run_at: longshore_queue::RunAt::In(Duration::from_secs(3600)),
            ..job()
        })
        .collect();
    bench.enqueue_all(&jobs).await;
    let k = bench.queue.keys();
    // All due since the same second.
    let _: u64 = bench
        .text(&format!("ZUNIONSTORE {0} 1 {0} WEIGHTS 0", k.scheduled))
        .await;
    let worker = bench.worker("w").await;
    let mut seen = HashMap::new();
    loop {
        let claimed = bench.claim(&worker, 1000).await;
        if claimed.is_empty() {
            break;
        }
        for job in &claimed {
            *seen.entry(job.id.clone()).or_insert(0) += 1;
        }
        for chunk in claimed.chunks(256) {
            let verdicts: Vec<_> = chunk
                .iter()
                .map(|claimed| verdict(claimed, done()))
                .collect();
            bench.settle(&verdicts).await;
        }
    }
    assert_eq!(seen.len(), 50_000);
    assert!(seen.values().all(|times| *times == 1));
}

#[tokio::test]
async fn an_id_that_is_listed_twice_runs_once() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    let k = bench.queue.keys();
    let _: u8 = bench.text(&format!("RPUSH {} {id} {id}", k.active)).await;
    let worker = bench.worker("w").await;
    let claimed = bench.claim(&worker, 1).await;
    assert_eq!(ids(&claimed), [id]);
    assert!(bench.claim(&worker, 10).await.is_empty(), "it is running");
    bench.settle(&[verdict(&claimed[0], done())]).await;
    // Listed once more after its end: told apart, so that the worker forgets it.
    let _: u8 = bench.text(&format!("RPUSH {} {id}", k.active)).await;
    let again = bench.claim(&worker, 10).await;
    assert!(again[0].has_ended);
    bench
        .settle(&[Verdict {
            history: None,
            ..verdict(&again[0], Fate::Forget)
        }])
        .await;
    assert_eq!(
        bench
            .queue
            .job(&raw(id))
            .await
            .expect("looks")
            .expect("there")
            .state,
        JobState::Completed
    );
}

/// Else Redis searches a list for each of them: the slowest part of a claim.
#[tokio::test]
async fn what_runs_is_kept_as_a_table() {
    let bench = Bench::new();
    bench.enqueue(10).await;
    let worker = bench.worker("w").await;
    assert_eq!(bench.claim(&worker, 10).await.len(), 10);
    let k = bench.queue.keys();
    let encoding: String = bench.text(&format!("OBJECT ENCODING {}", k.inflight)).await;
    let running: u64 = bench.text(&format!("HLEN {}", k.inflight)).await;
    assert_eq!((encoding.as_str(), running), ("hashtable", 10));
}

#[tokio::test]
async fn garbage_in_the_keys_of_one_job_does_not_touch_its_neighbours() {
    let bench = Bench::new();
    let good = bench.enqueue(1).await[0];
    let k = bench.queue.keys();
    let (bad, odd) = (
        b"\xff\xfe not an id".as_slice(),
        b"01JD2Z5V9GQ8X0T6M3K7W4R1YB".as_slice(),
    );
    let _: u8 = bench
        .raw(&[b"HSET", k.records.as_bytes(), odd, b"no record"])
        .await;
    for id in [bad, odd] {
        let _: u8 = bench.raw(&[b"LPUSH", k.active.as_bytes(), id]).await;
    }
    let worker = bench.worker("w").await;
    let claimed = bench.claim(&worker, 10).await;
    assert_eq!(claimed.len(), 3);
    assert!(
        claimed
            .iter()
            .any(|job| job.id == raw(good) && job.payload.is_some())
    );
    let cause = Cause::without_provider(Class::Undecodable, "garbage");
    let verdicts: Vec<_> = claimed
        .iter()
        .map(|job| {
            verdict(
                job,
                Fate::Dead {
                    cause: cause.clone(),
                },
            )
        })
        .collect();
    assert_eq!(bench.settle(&verdicts).await, [true; 3]);
    assert_eq!(bench.queue.stats().await.expect("counts").dead, 3);
}

#[tokio::test]
async fn what_is_put_back_is_counted_with_the_last_reason() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let id = bench.enqueue(1).await[0];
    let minute = Duration::from_secs(60);
    for (fate, reason) in [
        (Fate::Later { after: minute }, "too many"),
        (Fate::Later { after: minute }, "still too many"),
        (Fate::Untouched, "its worker stopped"),
    ] {
        bench.make_due().await;
        let claimed = bench.claim(&worker, 1).await;
        let back = Verdict {
            history: None,
            state: claimed[0].run,
            put_back: Some(HistoryEntry {
                reason: Some(reason.to_owned()),
                outcome: "tested".to_owned(),
                ..HistoryEntry::default()
            }),
            ..verdict(&claimed[0], fate)
        };
        assert_eq!(bench.settle(&[back]).await, [true]);
    }
    let job = bench.queue.job(&raw(id)).await.expect("looks");
    let job = job.expect("is there");
    assert_eq!(
        (job.waits, job.run, job.history.len()),
        (3, RunState::default(), 0)
    );
    let last = job.put_back.expect("has a reason").entry;
    assert_eq!(last.reason.as_deref(), Some("its worker stopped"));
    // It is no more than that: the job runs as if it had never been claimed.
    assert_eq!(ids(&bench.claim(&worker, 1).await), [id]);
}
