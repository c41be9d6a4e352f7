//! A key is a name within its kind: for one job, as long as that lives, and for no other args.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_email::SendEmail;
use longshore_job::{JobId, Prepared};
use longshore_queue::{Edit, Enqueued, Fate, Key, KeyTaken, NewJob, QueueError, RunAt, RunState};
use longshore_sms::SendSms;
use support::{Bench, done, job, kari, raw, refused, run, verdict};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn mail(to: &str) -> Prepared {
    Prepared::new(&SendEmail::new("welcome", to)).expect("good")
}

fn keyed(job: &Prepared, key: &str) -> NewJob {
    NewJob {
        key: Some(Key::of(job, key)),
        payload: job.payload.clone(),
        ..support::job()
    }
}

impl Bench {
    async fn one(&self, job: NewJob) -> Result<Enqueued, QueueError> {
        Ok(self.queue.enqueue(&[job]).await?[0])
    }

    fn key(&self, name: &str) -> String {
        format!("{}:send_email:{name}", self.queue.keys().idempotency)
    }

    /// How long a key still holds; `None` = without a limit.
    async fn holds(&self, name: &str) -> Option<Duration> {
        let key = self.key(name);
        let ms: i64 = self.raw(&[b"PTTL", key.as_bytes()]).await;
        assert_ne!(ms, -2, "there is no {key}");
        u64::try_from(ms).ok().map(Duration::from_millis)
    }

    /// One job with this key that died, having been sent for all we know or not.
    async fn died(&self, key: &str, may_have_been_sent: bool) -> JobId {
        let id = self.one(keyed(&mail("ada@example.com"), key)).await;
        let id = id.expect("enqueues").id;
        let worker = self.worker("w").await;
        let claimed = self.claim(&worker, 1).await;
        let mut verdict = verdict(&claimed[0], refused("x"));
        verdict.state = RunState {
            may_have_been_sent,
            ..verdict.state
        };
        assert_eq!(self.settle(&[verdict]).await, [true]);
        id
    }
}

fn taken(answer: Result<Enqueued, QueueError>) -> Vec<KeyTaken> {
    match answer {
        Err(QueueError::KeyTaken(taken)) => taken,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_same_args_are_the_same_job_and_other_args_are_refused() {
    let bench = Bench::new();
    let (ada, bob) = (mail("ada@example.com"), mail("bob@example.com"));
    let first = keyed(&ada, "order 1");
    let id = first.id;
    let repeated = first.clone();
    let enqueued = bench.one(first).await.expect("enqueues");
    assert_eq!((enqueued.id, enqueued.duplicate), (id, false));
    let enqueued = bench.one(repeated).await.expect("enqueues");
    assert_eq!(
        (enqueued.id, enqueued.duplicate),
        (id, false),
        "its own key is no duplicate"
    );
    let again = bench.one(keyed(&ada, "order 1")).await.expect("enqueues");
    assert_eq!((again.id, again.duplicate), (id, true));
    // Who does not say what its args are gets what is there.
    let unsaid = NewJob {
        key: Some(Key::new("send_email", "order 1")),
        ..job()
    };
    assert!(bench.one(unsaid).await.expect("enqueues").duplicate);

    let counters = bench.queue.stats().await.expect("counts").counters;
    let refused = taken(bench.one(keyed(&bob, "order 1")).await);
    let now = bench.queue.now_ms().await.expect("has a clock");
    assert_eq!(
        (refused[0].holder, &*refused[0].key, refused[0].place),
        (id, "order 1", 0)
    );
    assert!((now - 60_000..=now).contains(&refused[0].since_ms));
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.pending, stats.counters), (1, counters));

    // Another kind has names of its own.
    let sms = SendSms::new("+4790000000", "hi");
    let sms = Prepared::new(&sms).expect("good");
    let other = bench.one(keyed(&sms, "order 1")).await.expect("enqueues");
    assert!(!other.duplicate);
    let found = bench.queue.job(&raw(id)).await.expect("looks");
    let found = found.expect("is there");
    assert_eq!(found.idempotency_key.as_deref(), Some("order 1"));
}

#[tokio::test]
async fn one_call_with_one_key_for_two_things_enqueues_nothing() {
    let bench = Bench::new();
    let (ada, bob) = (mail("ada@example.com"), mail("bob@example.com"));
    let jobs = [job(), keyed(&ada, "k"), keyed(&ada, "k"), keyed(&bob, "k")];
    let Err(QueueError::KeyTaken(taken)) = bench.queue.enqueue(&jobs).await else {
        panic!("it is refused");
    };
    assert_eq!((taken[0].place, taken[0].holder), (3, jobs[1].id));
    assert_eq!(bench.keys().await, Vec::<String>::new());

    let enqueued = bench.queue.enqueue(&jobs[..3]).await.expect("enqueues");
    let duplicates: Vec<_> = enqueued.iter().map(|job| job.duplicate).collect();
    assert_eq!(duplicates, [false, false, true]);

    // What is wrong far down a long list is found before the first call, if one looks.
    let mut jobs: Vec<_> = (0..700)
        .map(|n| keyed(&ada, &format!("order {n}")))
        .collect();
    jobs.push(keyed(&bob, "k"));
    let before = bench.keys().await;
    let Err(QueueError::KeyTaken(taken)) = bench.queue.check_keys(&jobs).await else {
        panic!("it is refused");
    };
    assert_eq!(taken[0].place, 700);
    assert_eq!(bench.keys().await, before);
    bench.queue.check_keys(&jobs[..700]).await.expect("free");
}

#[tokio::test]
async fn a_key_holds_while_its_job_lives_and_then_for_a_day_or_as_long_as_it_is_kept() {
    let bench = Bench::new();
    let ada = mail("ada@example.com");
    let later = NewJob {
        run_at: RunAt::In(2 * DAY),
        ..keyed(&ada, "later")
    };
    bench.one(later).await.expect("enqueues");
    bench.one(keyed(&ada, "now")).await.expect("enqueues");
    let week = NewJob {
        key: Some(Key::of(&ada, "week").holds(7 * DAY)),
        ..keyed(&ada, "")
    };
    bench.one(week).await.expect("enqueues");
    for key in ["later", "now", "week"] {
        assert_eq!(bench.holds(key).await, None, "{key}");
    }
    bench.make_due().await;
    let worker = bench.worker("w").await;
    let claimed = bench.claim(&worker, 10).await;
    assert_eq!(claimed.len(), 3);
    for key in ["later", "now", "week"] {
        assert_eq!(bench.holds(key).await, None, "{key} runs");
    }
    let retry = Fate::Retry { after: HOUR };
    bench.settle(&[verdict(&claimed[0], retry)]).await;
    bench
        .settle(&[verdict(&claimed[1], done()), verdict(&claimed[2], done())])
        .await;
    let by_key: Vec<_> = claimed.iter().map(|job| job.key.clone()).collect();
    assert_eq!(by_key[0].as_deref(), Some("send_email:now"));
    assert_eq!(bench.holds("now").await, None, "it waits for its retry");
    let holds = bench.holds("week").await.expect("it has ended");
    assert!(holds > 6 * DAY && holds <= 7 * DAY, "{holds:?}");

    // Completed jobs that are kept for longer than a day.
    bench.make_due().await;
    let claimed = bench.claim(&worker, 10).await;
    let retention = longshore_queue::Retention {
        keep: 30 * DAY,
        max_bytes: None,
    };
    let end = verdict(&claimed[0], done());
    let settled = bench.queue.settle(&[end], retention).await;
    assert_eq!(settled.expect("settles").written, [true]);
    let holds = bench.holds("now").await.expect("it has ended");
    assert!(holds > 29 * DAY && holds <= 30 * DAY, "{holds:?}");
}

#[tokio::test]
async fn nothing_is_left_of_an_ended_job_but_its_key() {
    let bench = Bench::new();
    let ada = mail("ada@example.com");
    let id = bench.one(keyed(&ada, "k")).await.expect("enqueues").id;
    let worker = bench.worker("w").await;
    run(&bench, &worker, 1, &done()).await;
    let at_once = longshore_queue::Retention {
        keep: Duration::ZERO,
        max_bytes: None,
    };
    bench.queue.prune(at_once).await.expect("prunes");
    assert!(bench.queue.job(&raw(id)).await.expect("looks").is_none());
    assert!(bench.keys().await.contains(&bench.key("k")));
    let again = bench.one(keyed(&ada, "k")).await.expect("enqueues");
    assert_eq!((again.id, again.duplicate), (id, true), "it was done");
}

#[tokio::test]
async fn a_discarded_letter_frees_its_key_unless_it_may_have_been_sent() {
    let bench = Bench::new();
    let (ada, bob) = (mail("ada@example.com"), mail("bob@example.com"));
    let id = bench.died("never", false).await;
    let again = bench.one(keyed(&ada, "never")).await.expect("enqueues");
    assert_eq!((again.id, again.duplicate), (id, true), "while it is dead");
    bench
        .queue
        .discard(&[raw(id)], &kari())
        .await
        .expect("discards");
    let anew = bench.one(keyed(&bob, "never")).await.expect("enqueues");
    assert!(!anew.duplicate);
    let found = bench.queue.job(&raw(anew.id)).await.expect("looks");
    assert!(found.is_some(), "an id of a job that exists");
    let worker = bench.worker("w").await;
    assert_eq!(run(&bench, &worker, 10, &done()).await, 1);

    let id = bench.died("perhaps", true).await;
    let queue = bench.queue.clone().with_retention(30 * DAY);
    queue.discard(&[raw(id)], &kari()).await.expect("discards");
    let again = bench.one(keyed(&ada, "perhaps")).await.expect("enqueues");
    assert_eq!((again.id, again.duplicate), (id, true));
    let holds = bench.holds("perhaps").await.expect("for its time");
    assert!(holds > 29 * DAY && holds <= 30 * DAY, "{holds:?}");

    // A key that somebody else has by now is not the letter's to free.
    let id = bench.died("other", false).await;
    let holder = JobId::generate();
    let value = format!("{holder} 1 86400000 -");
    let key = bench.key("other");
    let _: () = bench.raw(&[b"SET", key.as_bytes(), value.as_bytes()]).await;
    bench
        .queue
        .discard(&[raw(id)], &kari())
        .await
        .expect("discards");
    let kept: String = bench.raw(&[b"GET", key.as_bytes()]).await;
    assert_eq!(kept, value);
}

#[tokio::test]
async fn an_edit_changes_nothing_of_a_key() {
    let bench = Bench::new();
    let (ada, bob) = (mail("ada@example.com"), mail("bob@example.com"));
    let id = bench.died("k", false).await;
    let edit = Edit {
        id: &raw(id),
        from: &ada.payload,
        to: &bob.payload,
        old_args: "{}",
        attempt: 1,
        force: false,
        only_dead: true,
    };
    bench.queue.edit(&edit, &kari()).await.expect("edits");
    let same = bench.one(keyed(&ada, "k")).await.expect("enqueues");
    assert_eq!((same.id, same.duplicate), (id, true));
    assert_eq!(taken(bench.one(keyed(&bob, "k")).await)[0].holder, id);
}

#[tokio::test]
async fn garbage_in_a_key_stands_for_nothing_and_touches_no_neighbour() {
    let bench = Bench::new();
    let ada = mail("ada@example.com");
    let (list, text) = (bench.key("list"), bench.key("text"));
    let _: u8 = bench.raw(&[b"RPUSH", list.as_bytes(), b"x"]).await;
    let _: () = bench.raw(&[b"SET", text.as_bytes(), b"\xff 1 1 -"]).await;
    // A leftover: its job is gone without having ended.
    let gone = format!("{} 1 1 0123", JobId::generate());
    let leftover = bench.key("gone");
    let _: () = bench
        .raw(&[b"SET", leftover.as_bytes(), gone.as_bytes()])
        .await;
    let jobs = ["list", "text", "gone", "well"].map(|key| keyed(&ada, key));
    let enqueued = bench.queue.enqueue(&jobs).await.expect("enqueues");
    for (job, enqueued) in jobs.iter().zip(enqueued) {
        assert_eq!((enqueued.id, enqueued.duplicate), (job.id, false));
    }
    let others = jobs.map(|job| NewJob {
        id: JobId::generate(),
        ..job
    });
    let again = bench.queue.enqueue(&others).await.expect("enqueues");
    assert!(again.iter().all(|enqueued| enqueued.duplicate));

    // Nor does it hold up what settles.
    let _: u8 = bench.raw(&[b"DEL", list.as_bytes()]).await;
    let _: u8 = bench.raw(&[b"RPUSH", list.as_bytes(), b"x"]).await;
    let worker = bench.worker("w").await;
    assert_eq!(run(&bench, &worker, 10, &done()).await, 4);
    let stats = bench.queue.stats().await.expect("counts");
    assert_eq!((stats.running, stats.counter("completed")), (0, 4));
}

/// A Redis that was restored has the job and not the key: what gives a key its end has been.
#[tokio::test]
async fn a_key_that_was_forgotten_comes_back_with_the_end_that_it_had() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let (ended, waits) = (
        keyed(&mail("a@example.com"), "ended"),
        keyed(&mail("a@example.com"), "waits"),
    );
    bench.one(ended.clone()).await.expect("enqueues");
    run(&bench, &worker, 1, &done()).await;
    bench.one(waits.clone()).await.expect("enqueues");
    for name in ["ended", "waits"] {
        let _: u8 = bench.text(&format!("DEL {}", bench.key(name))).await;
    }
    for job in [ended, waits] {
        let id = job.id;
        assert_eq!(bench.one(job).await.expect("is known").id, id);
    }
    let holds = bench.holds("ended").await.expect("has an end");
    assert!(holds > DAY - HOUR && holds <= DAY, "{holds:?}");
    assert_eq!(bench.holds("waits").await, None);
}
