//! A person is found wherever their jobs go meanwhile, and whatever Redis's clock says.

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{BulkState, Fate, JobState, NewJob, RunAt, Seen};

use super::{ADA, begin, filter, found, look, places, to, to_its_end};
use crate::MINUTE;
use crate::support::{Bench, kari, raw, refused, run, verdict};

/// More than one step looks at.
async fn many_that_wait(bench: &Bench) {
    let later = || NewJob {
        run_at: RunAt::In(100 * MINUTE),
        ..to("bob@example.com")
    };
    let later: Vec<NewJob> = (0..1000).map(|_| later()).collect();
    bench.enqueue_all(&later).await;
}

#[tokio::test]
async fn a_job_that_is_put_back_behind_the_walk_is_found() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    bench.enqueue_all(&[to(ADA)]).await;
    let claimed = bench.claim(&worker, 1).await;
    many_that_wait(&bench).await;
    let id = begin(&bench, ADA, 1).await;
    // What waits for its time is through, and what runs is not.
    bench.queue.advance_operations().await.expect("steps");
    let retry = verdict(&claimed[0], Fate::Retry { after: MINUTE });
    bench.settle(&[retry]).await;
    let ended = to_its_end(&bench, &id).await;
    assert_eq!((ended.done, ended.state), (1, BulkState::Done));
    assert_eq!(places(&bench, ADA).await, [""; 0]);
}

#[tokio::test]
async fn a_letter_that_is_replayed_behind_the_walk_is_found() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let letter = bench.enqueue_all(&[to(ADA)]).await[0];
    run(&bench, &worker, 1, &refused("550")).await;
    // What has a priority or a tenant, or waits in the list, is looked at after these.
    many_that_wait(&bench).await;
    let id = begin(&bench, ADA, 1).await;
    bench.queue.advance_operations().await.expect("steps");
    let replayed = bench.queue.replay(&[raw(letter)], &kari()).await;
    assert_eq!(replayed.expect("replays").len(), 1);
    let claimed = bench.claim(&worker, 1).await;
    let retry = verdict(&claimed[0], Fate::Retry { after: MINUTE });
    bench.settle(&[retry]).await;
    let ended = to_its_end(&bench, &id).await;
    assert_eq!((ended.done, ended.state), (1, BulkState::Done));
    assert_eq!(look(&bench, letter).await.state, JobState::Cancelled);
    assert_eq!(places(&bench, ADA).await, [""; 0]);
}

/// As if it had been enqueued so much later.
async fn set_ahead(bench: &Bench, id: JobId, by_ms: u64) {
    let (key, id) = (bench.queue.keys().data.as_bytes(), id.to_string());
    let mut value: Vec<u8> = bench.raw(&[b"HGET", key, id.as_bytes()]).await;
    // Behind the first byte of a header stands when, in six.
    let mut at = [0; 8];
    at[2..].copy_from_slice(&value[1..7]);
    let at = u64::from_be_bytes(at) + by_ms;
    value[1..7].copy_from_slice(&at.to_be_bytes()[2..]);
    let _: u8 = bench.raw(&[b"HSET", key, id.as_bytes(), &value]).await;
}

/// The clock is set back after the job was enqueued: what stands of it is of a time to come.
#[tokio::test]
async fn a_job_of_a_time_to_come_is_found_if_it_was_seen_before() {
    let bench = Bench::new();
    let (seen, later) = (to(ADA), to(ADA));
    let seen = bench.enqueue_all(&[seen]).await[0];
    let ahead = Duration::from_secs(1800).as_millis() as u64;
    set_ahead(&bench, seen, ahead).await;
    let newest_ms = look(&bench, seen).await.enqueued_at_ms.expect("says so");
    let id = JobId::generate();
    let jobs = Seen { jobs: 1, newest_ms };
    let (ada, kari) = (filter(ADA), kari());
    let begun = bench.queue.begin_forget(id, &ada, jobs, &kari);
    begun.await.expect("begins");
    let later = bench.enqueue_all(&[later]).await[0];
    set_ahead(&bench, later, 2 * ahead).await;
    let ended = to_its_end(&bench, &id.to_string()).await;
    assert_eq!((ended.done, ended.state), (1, BulkState::Done));
    assert_eq!(look(&bench, seen).await.state, JobState::Cancelled);
    assert_eq!(look(&bench, later).await.state, JobState::Pending);
    assert_eq!(found(&bench, &id.to_string()).await.until_ms, newest_ms);
}
