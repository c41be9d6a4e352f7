//! How long completed jobs are kept, and up to how many bytes.

use std::time::Duration;

use longshore_queue::Retention;

use super::support::{self, Bench, RETENTION, done, verdict};

#[tokio::test]
async fn nothing_is_left_of_completed_jobs_after_their_time() {
    let bench = Bench::new();
    bench.enqueue(300).await;
    let worker = bench.worker("w").await;
    for chunk in bench.claim(&worker, 300).await.chunks(100) {
        let verdicts: Vec<_> = chunk
            .iter()
            .map(|claimed| verdict(claimed, done()))
            .collect();
        bench.settle(&verdicts).await;
    }
    bench.queue.leave(&worker).await.expect("leaves");
    let due = bench
        .queue
        .prune(RETENTION)
        .await
        .expect("prunes")
        .expect("later");
    let now = bench.queue.now_ms().await.expect("has a clock");
    assert!(
        (3_590_000..=3_600_000).contains(&(due - now)),
        "{}",
        due - now
    );
    let at_once = Retention {
        keep: Duration::ZERO,
        max_bytes: None,
    };
    assert_eq!(bench.queue.prune(at_once).await.expect("prunes"), None);
    let k = bench.queue.keys();
    let mut left = vec![k.stats.clone(), k.timeline.clone(), k.minutes.clone()];
    left.sort();
    assert_eq!(bench.keys().await, left);
    assert_eq!(
        bench
            .queue
            .stats()
            .await
            .expect("counts")
            .counter("completed_bytes"),
        0
    );
}

#[tokio::test]
async fn beyond_its_bytes_a_queue_forgets_the_oldest_but_spares_the_last_ten_seconds() {
    let bench = Bench::new();
    bench.enqueue(20).await;
    let worker = bench.worker("w").await;
    for claimed in bench.claim(&worker, 20).await {
        bench.settle(&[verdict(&claimed, done())]).await;
    }
    let small = Retention {
        keep: Duration::from_secs(3600),
        max_bytes: Some(support::payload().len() as u64 * 5),
    };
    bench.queue.prune(small).await.expect("prunes");
    let k = bench.queue.keys();
    let kept = async || bench.text::<u64>(&format!("HLEN {}", k.data)).await;
    assert_eq!(kept().await, 20, "they completed just now");
    // Back-date the first twelve batches by eleven seconds.
    for n in 0..12 {
        let batch: String = bench.text(&format!("LINDEX {} {n}", k.completed)).await;
        let (at, rest) = batch.split_once(' ').expect("a batch");
        let earlier = at.parse::<u64>().expect("ms") - 11_000;
        let batch = format!("{earlier} {rest}");
        let index = n.to_string();
        let _: String = bench
            .raw(&[
                b"LSET",
                k.completed.as_bytes(),
                index.as_bytes(),
                batch.as_bytes(),
            ])
            .await;
    }
    bench.queue.prune(small).await.expect("prunes");
    assert_eq!(kept().await, 8);
}
