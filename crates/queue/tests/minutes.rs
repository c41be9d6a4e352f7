//! What happened minute by minute.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_queue::{Fate, Minute};
use support::{Bench, done, kari, raw, refused, verdict};

impl Bench {
    /// All minutes as one: a test may run over the turn of one.
    async fn counted(&self) -> Minute {
        let mut sum = Minute::default();
        for minute in self.queue.minutes().await.expect("reads") {
            sum.began_ms = minute.began_ms;
            sum.enqueued += minute.enqueued;
            sum.completed += minute.completed;
            sum.failed += minute.failed;
            sum.dead += minute.dead;
            sum.cancelled += minute.cancelled;
            for (all, one) in sum.waited.iter_mut().zip(minute.waited) {
                *all += one;
            }
            for (all, one) in sum.ran.iter_mut().zip(minute.ran) {
                *all += one;
            }
        }
        sum
    }

    /// Each record's minute is this much later, or earlier.
    async fn move_minutes(&self, by: i64) {
        let key = self.queue.keys().minutes.clone();
        let ring: Vec<u8> = self.text(&format!("GETRANGE {key} 0 -1")).await;
        let mut moved = vec![0; 1440 * 124];
        for record in ring.chunks_exact(124) {
            let minute = u32::from_be_bytes([record[0], record[1], record[2], record[3]]);
            if minute > 0 {
                let to = (i64::from(minute) + by) as u32;
                let from = (to % 1440) as usize * 124;
                moved[from..from + 124].copy_from_slice(record);
                moved[from..from + 4].copy_from_slice(&to.to_be_bytes());
            }
        }
        let _: String = self.raw(&[b"SET", key.as_bytes(), &moved]).await;
    }
}

#[tokio::test]
async fn a_minute_counts_what_became_of_jobs_and_how_long_they_took() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let ids = bench.enqueue(6).await;
    assert_eq!(bench.queue.minutes().await.expect("reads"), []);
    let claimed = bench.claim(&worker, 5).await;
    let retry = Fate::Retry {
        after: Duration::from_secs(60),
    };
    let fates = [done(), done(), refused("550"), retry, Fate::Untouched];
    let mut verdicts: Vec<_> = claimed
        .iter()
        .zip(fates)
        .map(|(claimed, fate)| verdict(claimed, fate))
        .collect();
    for (verdict, ms) in verdicts.iter_mut().zip([3, 1_500, 40, 1_000_000]) {
        verdict.context = claimed[0].context;
        verdict.context.waited = Some(Duration::from_millis(ms));
        if let Some(entry) = &mut verdict.history {
            entry.duration_ms = Some(ms);
        }
    }
    verdicts[4].history = None;
    bench.settle(&verdicts).await;
    bench.settle(&verdicts).await;
    bench
        .queue
        .cancel(&[raw(ids[5])], false, &kari())
        .await
        .expect("cancels");
    let counted = bench.counted().await;
    let counts = (counted.completed, counted.failed, counted.dead);
    assert_eq!((counts, counted.cancelled), ((2, 1, 1), 1));
    let mut steps = [0; 12];
    for step in [0, 5, 2, 11] {
        steps[step] = 1;
    }
    assert_eq!((counted.waited, counted.ran), (steps, steps));
    // What was enqueued before the first minute has been counted by nobody.
    assert_eq!(counted.enqueued, 0);
    bench.enqueue(3).await;
    assert_eq!(bench.counted().await.enqueued, 3);
}

#[tokio::test]
async fn what_is_older_than_a_day_or_of_a_time_to_come_counts_no_more() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let complete = async || {
        bench.enqueue(1).await;
        let claimed = bench.claim(&worker, 1).await;
        bench.settle(&[verdict(&claimed[0], done())]).await;
    };
    complete().await;
    bench.move_minutes(-1).await;
    let last = bench.queue.stats().await.expect("counts").last_minute;
    assert_eq!(last.completed, 1);
    complete().await;
    assert_eq!(bench.counted().await.completed, 2);
    bench.move_minutes(-1439).await;
    assert_eq!(bench.counted().await.completed, 1);
    for by in [-1440, 3 * 1440] {
        bench.move_minutes(by).await;
        assert_eq!(bench.counted().await.completed, 0);
    }
    // It stands where this minute's record goes.
    complete().await;
    assert_eq!(bench.counted().await.completed, 1);
    let key = bench.queue.keys().minutes.clone();
    let bytes: u64 = bench.text(&format!("STRLEN {key}")).await;
    assert!(bytes <= 1440 * 124, "{bytes}");
}
