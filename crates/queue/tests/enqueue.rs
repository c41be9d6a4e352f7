//! Accepted means kept, once.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_queue::{Caller, JobState, KeyScan, NewJob, RunAt, ScanFor};
use support::{Bench, job, raw};

#[tokio::test]
async fn repeating_an_enqueue_whose_answer_was_lost_changes_nothing() {
    let bench = Bench::new();
    let jobs = vec![job(), job()];
    let first = bench.enqueue_all(&jobs).await;
    let again = bench.queue.enqueue(&jobs).await.expect("enqueues");
    assert!(again.iter().all(|enqueued| !enqueued.duplicate));
    assert_eq!(again.iter().map(|e| e.id).collect::<Vec<_>>(), first);
    assert_eq!(bench.queue.stats().await.expect("counts").pending, 2);

    // Also when it has run and completed meanwhile.
    let worker = bench.worker("w").await;
    for claimed in bench.claim(&worker, 10).await {
        bench
            .settle(&[support::verdict(&claimed, support::done())])
            .await;
    }
    bench.queue.enqueue(&jobs).await.expect("enqueues");
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!(
        (
            stats.pending,
            stats.counter("completed"),
            stats.counter("enqueued")
        ),
        (0, 2, 2)
    );
}

#[tokio::test]
async fn later_jobs_wait_for_their_time_and_past_times_mean_now() {
    let bench = Bench::new();
    let at = |run_at| NewJob { run_at, ..job() };
    let jobs = [
        at(RunAt::In(Duration::from_millis(90_500))),
        at(RunAt::At(1_000)),
        at(RunAt::In(Duration::ZERO)),
    ];
    let ids = bench.enqueue_all(&jobs).await;
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.pending, stats.scheduled, stats.retryable), (2, 1, 0));
    let due = bench.due_in(ids[0]).await;
    assert!((90.0..=90.5).contains(&due), "{due}");
    let found = bench
        .queue
        .job(&raw(ids[0]))
        .await
        .expect("looks")
        .expect("is there");
    assert_eq!(found.state, JobState::Scheduled);

    let worker = bench.worker("w").await;
    let claim = bench.queue.claim(&worker, 10, None).await.expect("claims");
    assert_eq!(claim.jobs.len(), 2);
    assert!(
        claim
            .next_due
            .is_some_and(|due| due > Duration::from_secs(89))
    );
    bench.make_due().await;
    assert_eq!(support::ids(&bench.claim(&worker, 10).await), [ids[0]]);
}

#[tokio::test]
async fn what_waits_for_its_time_is_due_at_once_in_its_order() {
    let bench = Bench::new();
    let in_hours = |hours: u64| NewJob {
        run_at: RunAt::In(Duration::from_secs(hours * 3600)),
        ..job()
    };
    let ids = bench.enqueue_all(&[3, 1, 2].map(in_hours)).await;
    let worker = bench.worker("w").await;
    assert_eq!(bench.queue.make_due().await.expect("asks"), 3);
    let claimed = bench.claim(&worker, 10).await;
    assert_eq!(support::ids(&claimed), [ids[1], ids[2], ids[0]]);
    // More than one call can take.
    let many: Vec<_> = (0..1_100).map(|_| in_hours(1)).collect();
    bench.enqueue_all(&many).await;
    assert_eq!(bench.queue.make_due().await.expect("asks"), 1_100);
    assert_eq!(bench.queue.make_due().await.expect("asks"), 0);
    assert_eq!(
        bench.claim(&worker, 1_000).await.len(),
        500,
        "a claim promotes so many"
    );
}

#[tokio::test]
async fn bulk_keeps_its_order_over_many_calls() {
    let bench = Bench::new();
    let ids = bench.enqueue(1201).await;
    let worker = bench.worker("w").await;
    let mut claimed = bench.claim(&worker, 1000).await;
    claimed.extend(bench.claim(&worker, 1000).await);
    assert_eq!(support::ids(&claimed), ids);
}

#[tokio::test]
async fn a_queued_job_takes_at_most_650_bytes() {
    let bench = Bench::new();
    let used = || async {
        let info: String = bench.text("INFO memory").await;
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("used_memory:"))
            .expect("says so");
        line.trim().parse::<f64>().expect("is a number")
    };
    let traced = |_| NewJob {
        payload: format!(
            "{:200}",
            String::from_utf8(support::payload()).expect("text")
        )
        .into_bytes(),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        ..job()
    };
    bench.enqueue(10).await;
    let before = used().await;
    let jobs: Vec<_> = (0..50_000).map(traced).collect();
    bench.enqueue_all(&jobs).await;
    let each = (used().await - before) / 50_000.0;
    assert!(each <= 650.0, "{each} bytes a job");
}

#[tokio::test]
async fn whoever_has_jobs_is_found_and_a_lease_that_nobody_ended_is_no_worker() {
    let bench = Bench::new();
    let link = bench.queue.link();
    let known = async || link.registered_queues("t").await.expect("says");
    assert_eq!(known().await, [""; 0]);
    bench.enqueue(1).await;
    let sms = bench.queue.sibling("sms").expect("the name is good");
    sms.enqueue(&[job()]).await.expect("enqueues");
    assert_eq!(known().await, ["email", "sms"]);
    // Somebody else's garbage is no queue.
    bench.text::<u8>("SADD {t:}:queues geocode a}b").await;
    assert_eq!(known().await, ["email", "geocode", "sms"]);
    // A plain producer notes nothing: its keys speak.
    bench.text::<u8>("RPUSH {t:emial}:active x").await;
    let mut scan = KeyScan::new("t", ScanFor::Strays);
    let budget = Duration::from_secs(10);
    scan.walk(link, budget).await.expect("walks");
    assert!(scan.ended() && scan.strays.is_empty(), "{scan:?}");
    let found: Vec<_> = scan.queues.iter().map(String::as_str).collect();
    assert_eq!(found, ["email", "emial", "sms"]);

    let worker = bench.worker("w").await;
    assert_eq!(bench.queue.stats().await.expect("counts").workers, 1);
    bench
        .back_date_worker(&worker, Duration::from_secs(16))
        .await;
    assert_eq!(bench.queue.stats().await.expect("counts").workers, 0);
    let patient = bench.queue.clone().with_lost_after(Duration::from_secs(60));
    assert_eq!(patient.stats().await.expect("counts").workers, 1);
    for caller in [Caller::Worker, Caller::Operator] {
        let denied = bench.queue.prove(caller).await;
        assert_eq!(denied.expect("writes"), [""; 0]);
    }
}

/// What another program pushes with its times, its key and its trace is a job like any other from its first claim on.
#[tokio::test]
async fn what_another_program_pushed_is_taken_in_by_its_first_claim() {
    let bench = Bench::new();
    let k = bench.queue.keys();
    let (bare, whole, odd) = (job().id, job().id, job().id);
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for id in [bare, whole, odd] {
        let data = format!("HSET {} {id} {{}}", k.data);
        let _: u8 = bench.text(&data).await;
        let _: u32 = bench.text(&format!("RPUSH {} {id}", k.active)).await;
    }
    let pushed = format!(
        "HSET {}:{whole} at 1000 due 2000 exp 3000 key send_email:a traceparent {trace}",
        k.meta
    );
    let _: u8 = bench.text(&pushed).await;
    let text = format!("SET {}:{odd} text", k.meta);
    let _: String = bench.text(&text).await;
    let waiting = bench.queue.job(&raw(whole)).await.expect("looks");
    let waiting = waiting.expect("is there");
    assert_eq!(waiting.enqueued_at_ms, Some(1000));
    assert_eq!(waiting.idempotency_key.as_deref(), Some("a"));

    let worker = bench.worker("w").await;
    let claimed = bench.claim(&worker, 10).await;
    let of = |id| {
        let mut claimed = claimed.iter();
        claimed.find(|claimed| claimed.id == raw(id)).expect("came")
    };
    assert_eq!(of(bare).enqueued_at_ms, Some(bare.timestamp_ms()));
    let taken = of(whole);
    assert_eq!(
        (
            taken.enqueued_at_ms,
            taken.first_due_ms,
            taken.expires_at_ms
        ),
        (Some(1000), 2000, Some(3000))
    );
    assert_eq!(taken.key.as_deref(), Some("send_email:a"));
    assert_eq!(taken.traceparent.as_deref(), Some(trace));
    for claimed in &claimed {
        assert_eq!(claimed.payload.as_deref(), Some(&b"{}"[..]));
        assert!(!claimed.has_ended && !claimed.lost_record);
    }
    // Nothing is left of what was pushed beside its payload.
    let verdicts: Vec<_> = claimed
        .iter()
        .map(|claimed| support::verdict(claimed, support::done()))
        .collect();
    assert_eq!(bench.settle(&verdicts).await, [true; 3]);
    let left: Vec<_> = bench.keys().await;
    assert!(!left.iter().any(|key| key.starts_with(&k.meta)), "{left:?}");
    let fields = bench.queue.fields_of(&raw(whole)).await.expect("reads");
    assert_eq!(fields["exp"], "3000");
}

/// Its bytes of a queued job are as few as its header promises, and nothing else is written of it.
#[tokio::test]
async fn a_fresh_job_is_one_value() {
    let bench = Bench::new();
    let id = bench.enqueue(1).await[0];
    let k = bench.queue.keys();
    let stored: u64 = bench.text(&format!("HSTRLEN {} {id}", k.data)).await;
    assert!(stored < support::payload().len() as u64 + 40, "{stored}");
    let records: u8 = bench.text(&format!("EXISTS {}", k.records)).await;
    assert_eq!(records, 0);
}

/// Another edition's records are neither read nor written.
#[tokio::test]
async fn a_queue_that_another_edition_has_laid_out_is_refused() {
    for (layout, found) in [("", "layout 1"), ("3", "layout 3")] {
        let bench = Bench::new();
        let timeline = &bench.queue.keys().timeline;
        let mut laid = format!("HSET {timeline} nonce 1.1000.w seq 7");
        if !layout.is_empty() {
            laid = format!("{laid} layout {layout}");
        }
        let _: u8 = bench.text(&laid).await;
        let before = bench.keys().await;
        let enqueued = bench.queue.enqueue(&[job()]).await;
        let lease = longshore_queue::Lease::new(longshore_queue::WorkerId::generate("w"));
        let joined = bench.queue.join(&lease, support::STALE).await;
        for refused in [enqueued.err(), joined.err()] {
            let said = refused.expect("is refused").to_string();
            assert!(said.contains(found) && said.contains("layout 2"), "{said}");
        }
        assert_eq!(bench.keys().await, before);
    }
}

/// A header that is marked says that its job has a record. Without a sound one nobody knows what became of its runs, whatever an
/// operator does with it.
#[tokio::test]
async fn a_record_that_is_lost_or_does_not_read_is_missed() {
    let records: [&[u8]; 5] = [
        b"",
        b"garbage",
        b"\x82\xa1a\x07\xa3run\xa91 0 0 0 1",
        b"\x81\xa3run\xa5x y z",
        b"\x81\xa3msg\xa1m",
    ];
    for record in records {
        let bench = Bench::new();
        let id = bench.enqueue(1).await[0];
        let key = bench.queue.keys().records.clone();
        let run = [("run", &b"0 0 0 0 0"[..])];
        let seeded = bench.queue.seed_record(&raw(id), &run).await;
        seeded.expect("seeds");
        let worker = bench.worker("w").await;
        let sound = bench.claim(&worker, 1).await.remove(0);
        assert!(!sound.lost_record && !sound.run.may_have_been_sent);
        let retry = longshore_queue::Fate::Back;
        assert_eq!(
            bench.settle(&[support::verdict(&sound, retry)]).await,
            [true]
        );
        let name = id.to_string();
        let spoiled = [b"HSET", key.as_bytes(), name.as_bytes(), record];
        let _: u8 = bench.raw(&spoiled).await;
        let claimed = bench.claim(&worker, 1).await.remove(0);
        assert!(
            claimed.lost_record && claimed.run.may_have_been_sent,
            "{record:?}"
        );
        let dead = support::refused("400");
        assert_eq!(
            bench.settle(&[support::verdict(&claimed, dead)]).await,
            [true]
        );
        // Nor is it forgotten by a replay, with times of its own or new ones.
        for fresh in [false, true] {
            let _: u8 = bench.text(&format!("HDEL {key} {id}")).await;
            let (queue, ids) = (&bench.queue, [raw(id)]);
            let replayed = match fresh {
                true => queue.replay_with_fresh_expiry(&ids, &support::kari()).await,
                false => queue.replay(&ids, &support::kari()).await,
            };
            assert_eq!(replayed.expect("replays").len(), 1);
            let again = bench.claim(&worker, 1).await.remove(0);
            assert!(again.run.may_have_been_sent, "fresh: {fresh}");
            let dead = support::refused("400");
            bench.settle(&[support::verdict(&again, dead)]).await;
            // Nor by an edit.
            let _: u8 = bench.text(&format!("HDEL {key} {id}")).await;
            let edit = longshore_queue::Edit {
                id: &raw(id),
                from: &support::payload(),
                to: b"other",
                old_args: "{}",
                attempt: 1,
                force: false,
                only_dead: true,
            };
            let edited = bench.queue.edit(&edit, &support::kari()).await;
            assert_eq!(
                edited.expect("answers"),
                longshore_queue::Edited::OutcomeUnknown
            );
        }
    }
}

/// Nor does a replay take the mark out of the header.
#[tokio::test]
async fn a_record_that_is_lost_after_a_replay_is_missed() {
    for fresh in [false, true] {
        let bench = Bench::new();
        let id = bench.enqueue(1).await[0];
        let worker = bench.worker("w").await;
        let claimed = bench.claim(&worker, 1).await.remove(0);
        let dead = support::verdict(&claimed, support::refused("400"));
        bench.settle(&[dead]).await;
        let (queue, ids, kari) = (&bench.queue, [raw(id)], support::kari());
        let replayed = match fresh {
            true => queue.replay_with_fresh_expiry(&ids, &kari).await,
            false => queue.replay(&ids, &kari).await,
        };
        assert_eq!(replayed.expect("replays").len(), 1);
        let gone = format!("HDEL {} {id}", queue.keys().records);
        let _: u8 = bench.text(&gone).await;
        assert!(bench.claim(&worker, 1).await[0].lost_record, "{fresh}");
    }
}

/// Values that are too large are measured, and not read.
#[tokio::test]
async fn large_values_of_other_programs_are_not_handed_out() {
    let bench = Bench::new();
    let k = bench.queue.keys();
    let large = vec![b'x'; 300_000];
    let good = bench.enqueue(1).await[0];
    for n in 0..40 {
        let id = format!("large-{n}");
        let set = [b"HSET", k.data.as_bytes(), id.as_bytes(), &large];
        let _: u8 = bench.raw(&set).await;
        let _: u32 = bench.text(&format!("RPUSH {} {id}", k.active)).await;
    }
    let worker = bench.worker("w").await;
    let claimed = bench.claim(&worker, 100).await;
    assert_eq!(claimed.len(), 41);
    for claimed in claimed {
        let of_it = (claimed.payload.is_some(), claimed.too_large);
        let expected = match claimed.id == raw(good) {
            true => (true, None),
            false => (false, Some(300_000)),
        };
        assert_eq!(of_it, expected);
    }
}
