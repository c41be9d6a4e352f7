//! A job's history: its last ten entries.

use longshore_job::JobId;
use longshore_queue::{Edit, Edited, Fate};

use super::support::{self, Bench, done, kari, raw, refused, verdict};

#[tokio::test]
async fn the_history_keeps_its_last_ten_entries() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    let worker = bench.worker("w").await;
    for _ in 0..13 {
        let claimed = bench.claim(&worker, 1).await;
        let back = verdict(&claimed[0], Fate::Back);
        bench.settle(&[back]).await;
    }
    // Older ones are gone from Redis, too, and not only from what is shown.
    assert_eq!(kept(&bench, id).await, numbers(4..=13));
    let claimed = bench.claim(&worker, 1).await;
    bench.settle(&[verdict(&claimed[0], done())]).await;
    let job = bench
        .queue
        .job(&raw(id))
        .await
        .expect("looks")
        .expect("is there");
    let attempts: Vec<_> = job
        .history
        .iter()
        .map(|recorded| recorded.entry.attempt)
        .collect();
    assert_eq!(attempts, (5..=14).collect::<Vec<_>>());
}

/// The numbers of the history entries that a job's record holds.
async fn kept(bench: &Bench, id: JobId) -> Vec<String> {
    let fields = bench.queue.fields_of(&raw(id)).await.expect("reads");
    let mut names: Vec<String> = fields.into_keys().collect();
    names.retain(|name| {
        name.strip_prefix('h')
            .is_some_and(|n| n.parse::<u32>().is_ok())
    });
    names.sort_by_key(|name| name[1..].parse::<u32>().unwrap_or_default());
    names
}

fn numbers(range: std::ops::RangeInclusive<u32>) -> Vec<String> {
    range.map(|n| format!("h{n}")).collect()
}

#[tokio::test]
async fn deaths_edits_and_replays_share_the_ten_entries_of_the_history() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let id = bench.enqueue(1).await[0];
    let texts = [support::payload(), b"other".to_vec()];
    for round in 0..5 {
        let claimed = bench.claim(&worker, 1).await;
        bench.settle(&[verdict(&claimed[0], refused("400"))]).await;
        let edit = Edit {
            id: &raw(id),
            from: &texts[round % 2],
            to: &texts[(round + 1) % 2],
            old_args: "{}",
            attempt: 1,
            force: true,
            only_dead: true,
        };
        let edited = bench.queue.edit(&edit, &kari()).await.expect("edits");
        assert_eq!(edited, Edited::Yes);
        let replayed = bench.queue.replay(&[raw(id)], &kari()).await;
        assert_eq!(replayed.expect("replays").len(), 1);
    }
    assert_eq!(kept(&bench, id).await, numbers(6..=15));
}
