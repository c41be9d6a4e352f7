//! Replays of some letters of a cause.

use longshore_job::JobId;
use longshore_queue::{JobFilter, LetterFilter, NewJob, Selection};

use super::next_millisecond;
use super::support::{Bench, job, kari, refused, run};

/// They stand between those that are replayed: one is dead and in its group, or neither.
#[tokio::test]
async fn those_that_are_not_meant_stay_in_their_group() {
    let bench = Bench::new();
    let jobs = (0..30).map(|n| NewJob {
        tags: vec![if n % 3 == 0 { "spring" } else { "other" }.to_owned()],
        ..job()
    });
    bench.enqueue_all(&jobs.collect::<Vec<_>>()).await;
    let worker = bench.worker("w").await;
    run(&bench, &worker, 30, &refused("413")).await;
    let queue = &bench.queue;
    let groups = async || queue.dead_groups().await.expect("lists");
    let group = groups().await.remove(0);
    let of = Selection::Group(group.id);
    let only = LetterFilter {
        jobs: JobFilter {
            tag: Some("spring".to_owned()),
            ..JobFilter::default()
        },
        ..LetterFilter::default()
    };
    let begun = queue
        .begin_replay_where(JobId::generate(), &of, &only, 10, None, &kari())
        .await;
    begun.expect("begins");
    next_millisecond(&bench).await;
    while queue.advance_operations().await.expect("steps").is_some() {}
    let left = queue.dead_letters(&of, None, 100).await.expect("lists");
    assert_eq!((left.len(), groups().await[0].count), (20, 20));
    assert!(left.iter().all(|letter| letter.job.tags == ["other"]));
}
