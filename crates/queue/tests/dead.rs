//! Dead letters leave only by replay or discard.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_job::{Cause, Class, JobId};
use longshore_queue::{Fate, JobState, Selection};
use support::{Bench, ids, raw, set, verdict};

async fn bury(bench: &Bench, n: usize, code: &str) -> Vec<JobId> {
    let enqueued = bench.enqueue(n).await;
    let worker = bench.worker("w").await;
    let fate = Fate::Dead {
        cause: Cause {
            class: Class::Refused,
            provider: Some("sendgrid".into()),
            code: Some(code.to_owned()),
        },
    };
    for _ in 0..n.div_ceil(200) {
        let claimed = bench.claim(&worker, 200).await;
        let verdicts: Vec<_> = claimed
            .iter()
            .map(|claimed| verdict(claimed, fate.clone()))
            .collect();
        bench.settle(&verdicts).await;
    }
    enqueued
}

#[tokio::test]
async fn letters_are_grouped_by_cause_and_found_again() {
    let bench = Bench::new();
    bury(&bench, 3, "400 to.email").await;
    let newest = bury(&bench, 2, "413").await;
    let mut groups = bench.queue.dead_groups().await.expect("lists");
    groups.sort_by_key(|group| group.count);
    let shown: Vec<_> = groups
        .iter()
        .map(|group| (group.count, group.cause.to_string()))
        .collect();
    assert_eq!(
        shown,
        [
            (2, "refused by sendgrid: 413".to_owned()),
            (3, "refused by sendgrid: 400 to.email".to_owned())
        ]
    );
    assert_eq!(groups[0].kind.as_deref(), Some("send_email"));
    assert!(groups[0].first_at_ms <= groups[0].last_at_ms && groups[0].first_at_ms > 0);

    let list = async |selection, since, limit| {
        let letters = bench
            .queue
            .dead_letters(&selection, since, limit)
            .await
            .expect("lists");
        letters
            .into_iter()
            .filter_map(|letter| letter.job.id.job_id())
            .collect::<Vec<_>>()
    };
    assert_eq!(list(Selection::All, None, 100).await.len(), 5);
    let of_group = list(Selection::Group(groups[0].id.clone()), None, 100).await;
    assert_eq!(set(of_group), set(newest));
    assert_eq!(list(Selection::All, None, 4).await.len(), 4);
    assert_eq!(
        list(Selection::All, Some(Duration::from_secs(60)), 100)
            .await
            .len(),
        5
    );
    assert!(
        list(Selection::Group("nonesuch".to_owned()), None, 100)
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_replay_resets_attempts_keeps_history_and_is_idempotent() {
    let bench = Bench::new();
    let dead = bury(&bench, 2, "400").await;
    let wanted = [raw(dead[0]), raw(JobId::generate())];
    assert_eq!(
        bench.queue.replay(&wanted).await.expect("replays"),
        [raw(dead[0])]
    );
    assert!(
        bench
            .queue
            .replay(&wanted)
            .await
            .expect("replays")
            .is_empty()
    );
    let job = bench
        .queue
        .job(&raw(dead[0]))
        .await
        .expect("looks")
        .expect("is there");
    assert_eq!(
        (job.state, job.run.used, job.history.len()),
        (JobState::Pending, 0, 1)
    );
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.pending, stats.dead), (1, 1));
    let worker = bench.worker("w").await;
    assert_eq!(ids(&bench.claim(&worker, 10).await), [dead[0]]);
}

#[tokio::test]
async fn a_replay_of_many_stops_at_its_cut_off() {
    let bench = Bench::new();
    bury(&bench, 1500, "400").await;
    let cutoff = bench.queue.now_ms().await.expect("has a clock") + 1;
    // Died again, or newly, after the replay was asked for.
    let worker = bench.worker("late").await;
    let late = bench.enqueue(1).await[0];
    let claimed = bench.claim(&worker, 1).await;
    let k = bench.queue.keys();
    let cause = Cause::ours(Class::Failed, "again");
    bench
        .settle(&[verdict(&claimed[0], Fate::Dead { cause })])
        .await;
    let later = (cutoff + 60_000) as f64 / 1000.0;
    let _: u8 = bench.text(&format!("ZADD {} {later} {late}", k.dead)).await;

    let mut steps = Vec::new();
    loop {
        let moved = bench
            .queue
            .replay_step(&Selection::All, cutoff)
            .await
            .expect("steps");
        steps.push(moved);
        if moved == 0 {
            break;
        }
    }
    assert_eq!(steps, [1000, 500, 0]);
    assert_eq!(
        bench
            .queue
            .count_dead(&Selection::All)
            .await
            .expect("counts"),
        1
    );
    let groups = bench.queue.dead_groups().await.expect("lists");
    assert_eq!(groups.len(), 1, "an empty group is gone");
}

#[tokio::test]
async fn a_discard_leaves_nothing() {
    let bench = Bench::new();
    let dead = bury(&bench, 3, "400").await;
    assert_eq!(
        bench
            .queue
            .discard(&[raw(dead[0])])
            .await
            .expect("discards"),
        [raw(dead[0])]
    );
    assert!(
        bench
            .queue
            .job(&raw(dead[0]))
            .await
            .expect("looks")
            .is_none()
    );
    let group = bench.queue.dead_groups().await.expect("lists")[0]
        .id
        .clone();
    let cutoff = bench.queue.now_ms().await.expect("has a clock") + 1;
    assert_eq!(
        bench
            .queue
            .discard_step(&Selection::Group(group), cutoff)
            .await
            .expect("discards"),
        2
    );
    let k = bench.queue.keys();
    let left: Vec<_> = bench
        .keys()
        .await
        .into_iter()
        .filter(|key| *key != k.stats && *key != k.signal)
        .collect();
    assert_eq!(left, std::slice::from_ref(&k.workers));
}
