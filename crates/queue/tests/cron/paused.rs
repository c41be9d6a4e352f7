//! Entries that an operator has stopped, and what is known of the last ticks.

use super::*;

impl Bench {
    /// The same, where there has been one.
    async fn back_date_beat_if_any(&self, ms: u64) {
        let key = &self.queue.keys().cron;
        let rounds: u8 = self.text(&format!("HEXISTS {key} *")).await;
        if rounds == 1 {
            self.back_date_beat(ms).await;
        }
    }
}

#[tokio::test]
async fn a_paused_entry_ticks_for_nobody_and_makes_up_for_nothing() {
    let bench = Bench::new();
    let (entry, other) = (("nightly", HOURLY), ("nightly-2", HOURLY));
    for entry in [entry, other] {
        bench.tick(&bench.look().await, entry, 1000, &[]).await;
    }
    let kari = support::kari();
    assert!(
        bench
            .queue
            .cron_pause("nightly", &kari)
            .await
            .expect("pauses")
    );
    assert!(
        !bench
            .queue
            .cron_pause("nightly", &kari)
            .await
            .expect("is asked")
    );
    let book = bench.look().await;
    let paused = book.paused("nightly").expect("is paused");
    assert_eq!((&*paused.by, &*paused.reason), ("kari", "because"));
    assert_eq!(book.paused("nightly-2"), None);

    // Its mark moves, and no job is made; the other one ticks, and so does a run by hand.
    assert_eq!(bench.tick(&book, entry, 2000, &[1500]).await, Some(vec![]));
    let made = bench.tick(&book, other, 2000, &[1500]).await;
    assert_eq!(made.map(|ids| ids.len()), Some(1));
    let run = bench.queue.cron_run("nightly", &jobs(&[1700])[0]).await;
    run.expect("runs");
    assert_eq!(bench.pending().await, 2);

    // Nobody looked for a while: at the resume that is dealt with, too, and only of this entry.
    assert!(
        bench
            .queue
            .cron_resume("nightly", &kari)
            .await
            .expect("resumes")
    );
    assert!(
        !bench
            .queue
            .cron_resume("nightly", &kari)
            .await
            .expect("is asked")
    );
    let book = bench.look().await;
    let until = |entry| book.mark(entry, HOURLY).expect("has one").until_ms;
    assert!(
        book.now_ms - until("nightly") < 60_000,
        "{}",
        until("nightly")
    );
    assert_eq!(until("nightly-2"), 2000);
    let tick = until("nightly") + 1000;
    let made = bench.tick(&book, entry, tick, &[tick]).await;
    assert_eq!(made.map(|ids| ids.len()), Some(1));
    let audit = bench.queue.audit(None, 10).await.expect("reads");
    let acts: Vec<_> = audit.iter().rev().map(|entry| &*entry.action).collect();
    assert_eq!(acts, ["cron_pause", "cron_resume"]);
}

#[tokio::test]
async fn the_pause_of_an_entry_that_nobody_has_is_forgotten_after_a_while() {
    let bench = Bench::new();
    let kari = support::kari();
    for entry in ["nightly", "gone"] {
        assert!(bench.queue.cron_pause(entry, &kari).await.expect("pauses"));
    }
    for round in 1..=7 {
        bench.back_date_beat_if_any(60_000).await;
        let book = bench.look().await;
        bench
            .tick(&book, ("nightly", HOURLY), 1000 * round, &[])
            .await;
        assert!(book.paused("nightly").is_some(), "round {round}");
        assert_eq!(book.paused("gone").is_some(), round < 6, "round {round}");
    }
}

#[tokio::test]
async fn the_last_five_ticks_are_known_with_their_jobs() {
    let bench = Bench::new();
    let entry = ("nightly", HOURLY);
    bench.tick(&bench.look().await, entry, 1, &[]).await;
    let mut all = Vec::new();
    for ticks in [
        vec![1000],
        vec![2000, 3000],
        (4..=9).map(|n| n * 1000).collect(),
    ] {
        let book = bench.look().await;
        let until = *ticks.last().expect("one");
        let made = bench
            .tick(&book, entry, until, &ticks)
            .await
            .expect("moves");
        all.extend(ticks.into_iter().zip(made));
        let last = bench.look().await.last_ticks("nightly");
        let last: Vec<_> = last
            .into_iter()
            .map(|last| (last.tick_ms, last.job))
            .collect();
        let newest: Vec<_> = all.iter().rev().take(5).cloned().collect();
        assert_eq!(last, newest);
    }
}
