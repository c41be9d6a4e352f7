//! What happened minute by minute.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_job::Pass;
use longshore_queue::{
    CallCounts, CallReport, ClaimContext, Fate, Minute, ProviderPolicy, Route, Verdict,
};
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
        let mut moved = vec![0; 1440 * 148];
        for record in ring.chunks_exact(148) {
            let minute = u32::from_be_bytes([record[0], record[1], record[2], record[3]]);
            if minute > 0 {
                let to = (i64::from(minute) + by) as u32;
                let from = (to % 1440) as usize * 148;
                moved[from..from + 148].copy_from_slice(record);
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
    assert!(bytes <= 1440 * 148, "{bytes}");
}

/// How many commands Redis has carried out, those of scripts among them.
async fn commands(bench: &Bench) -> u64 {
    let stats: String = bench.text("INFO commandstats").await;
    let calls = stats.lines().filter(|line| !line.contains("cmdstat_info"));
    let calls = calls.filter_map(|line| line.split_once("calls=")?.1.split(',').next());
    calls.filter_map(|calls| calls.parse::<u64>().ok()).sum()
}

/// A verdict whose call came to this.
fn called(claimed: &longshore_queue::Claimed, status: u16, report: CallReport) -> Verdict {
    let mut verdict = verdict(claimed, done());
    if let Some(history) = &mut verdict.history {
        history.answer.status = Some(status);
    }
    Verdict { report, ..verdict }
}

/// A bench whose queue has a provider, and thirty jobs that run.
async fn calling() -> (Bench, Vec<longshore_queue::Claimed>) {
    let mut bench = Bench::new();
    let provider = ProviderPolicy {
        name: "sendgrid".to_owned(),
        ..ProviderPolicy::default()
    };
    bench.queue = bench.queue.with_provider(provider);
    let worker = bench.worker("a").await;
    bench.enqueue(30).await;
    let jobs = bench.claim(&worker, 30).await;
    (bench, jobs)
}

/// Of the last day: the queue's own provider, and its fallback.
async fn day(bench: &Bench) -> (CallCounts, CallCounts) {
    let (mut own, mut fallback) = (CallCounts::default(), CallCounts::default());
    for minute in bench.queue.minutes().await.expect("reads") {
        own += minute.calls;
        fallback += minute.fallback_calls;
    }
    (own, fallback)
}

fn calls(called: u64, answered: u64, failed: u64) -> CallCounts {
    CallCounts {
        called,
        answered,
        failed,
    }
}

#[tokio::test]
async fn what_a_call_came_to_is_written_at_no_command_more() {
    let (bench, jobs) = calling().await;
    let mut counts = Vec::new();
    for (n, report) in [
        CallReport::Nothing,
        CallReport::Nothing,
        CallReport::Well,
        CallReport::Well,
    ]
    .into_iter()
    .enumerate()
    {
        let before = commands(&bench).await;
        bench.settle(&[called(&jobs[n], 202, report)]).await;
        counts.push(commands(&bench).await - before);
    }
    // The first one begins the minute's record.
    assert_eq!(counts[1], counts[3], "{counts:?}");
    assert_eq!(day(&bench).await.0, calls(2, 2, 0));
}

#[tokio::test]
async fn what_calls_came_to_is_counted_and_the_last_twenty_are_kept() {
    let (bench, jobs) = calling().await;
    let wait = CallReport::Hold(Duration::from_millis(1));
    let fallback = ClaimContext {
        route: Route::Fallback,
        ..jobs[3].context
    };
    let some = [
        called(&jobs[0], 202, CallReport::Well),
        called(&jobs[1], 503, CallReport::Ill),
        called(&jobs[2], 429, wait),
        Verdict {
            context: fallback,
            ..called(&jobs[3], 200, CallReport::Well)
        },
    ];
    bench.settle(&some).await;
    // An answer that was lost: nothing of it is counted twice.
    bench.settle(&some).await;
    let provider = bench.queue.provider().clone();
    let not_reached = CallReport::NotReached;
    let report = bench
        .queue
        .report_call(&provider, Pass::default(), &not_reached, "p");
    report.await.expect("reports");
    // A handshake is no call.
    let handshake = bench.queue.still_not_reached(&provider, "p").await;
    handshake.expect("reports");

    let (own, of_fallback) = day(&bench).await;
    assert_eq!((own, of_fallback), (calls(4, 1, 2), calls(1, 1, 0)));
    let share = own.answered_share().map(|share| (share * 3.0).round());
    assert_eq!(share, Some(1.0));
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.broken, stats.counters["completed"]), (None, 4));
    let last: Vec<_> = stats
        .answers
        .iter()
        .map(|answer| (answer.came_to, answer.status))
        .collect();
    let expected = [
        ("not_reached", None),
        ("throttled", Some(429)),
        ("failed", Some(503)),
        ("answered", Some(202)),
    ];
    assert_eq!(last, expected);
    assert_eq!(stats.fallback_answers.len(), 1);

    let rest = jobs[4..].iter();
    let rest = rest.map(|job| called(job, 200, CallReport::Well));
    bench.settle(&rest.collect::<Vec<_>>()).await;
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!(stats.answers.len(), 20);
    assert!(stats.answers.iter().all(|a| a.status == Some(200)));
    let length = format!("HSTRLEN {} answers", bench.queue.keys().stats);
    assert_eq!(bench.text::<u64>(&length).await, 20 * 18);
    assert_eq!(day(&bench).await.0, calls(30, 27, 2));
}
