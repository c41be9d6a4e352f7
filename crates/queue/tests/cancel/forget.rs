//! One person is forgotten, and is nowhere in Redis any more.

mod behind;
mod everywhere;

use longshore_email::SendEmail;
use longshore_job::{Found, InvalidArgs, Job, JobId, KindSpec, Kinds, Person, PersonArg, Prepared};
use longshore_queue::{
    BulkForget, BulkOperation, BulkState, Changed, Edit, Edited, Fate, HistoryEntry, JobInfo,
    JobScan, JobState, Key, NewJob, PersonFilter, Place, Seen,
};
use serde::{Deserialize, Serialize};

use everywhere::{MESSAGE, ada_everywhere, places};

use super::{MINUTE, state};
use crate::support::{Bench, done, job, kari, raw, refused, run, verdict};

const ADA: &str = "ada@example.com";

fn kinds() -> Kinds {
    Kinds::new([KindSpec::of::<SendEmail>(), KindSpec::of::<Order>()])
}

fn filter(person: &str) -> PersonFilter {
    PersonFilter::new(Person::parse(person).expect("a person"), &kinds())
}

/// A kind that names people by their ids.
#[derive(Serialize, Deserialize)]
struct Order {
    user_id: String,
    note: String,
}

impl Job for Order {
    const KIND: &'static str = "order";
    const QUEUE: &'static str = "email";
    const PUBLIC_ARGS: &'static [&'static str] = &[];
    const PERSON_ARGS: &'static [PersonArg] = &[PersonArg::id("user_id")];

    fn check(&self) -> Result<(), InvalidArgs> {
        Ok(())
    }
}

fn to(address: &str) -> NewJob {
    let mail = SendEmail::new("welcome", address);
    with(Prepared::new(&mail).expect("good").payload)
}

fn with(payload: impl Into<Vec<u8>>) -> NewJob {
    NewJob {
        payload: payload.into(),
        ..job()
    }
}

async fn begin(bench: &Bench, person: &str, jobs: u64) -> String {
    let (id, newest_ms) = (JobId::generate(), 0);
    for _ in 0..2 {
        let (filter, kari) = (filter(person), kari());
        let seen = Seen { jobs, newest_ms };
        let begun = bench.queue.begin_forget(id, &filter, seen, &kari);
        begun.await.expect("begins");
    }
    id.to_string()
}

async fn found(bench: &Bench, id: &str) -> BulkForget {
    match bench.queue.find_operation(id).await.expect("looks") {
        Some(BulkOperation::Forget(forget)) => forget,
        other => panic!("{other:?}"),
    }
}

async fn to_its_end(bench: &Bench, id: &str) -> BulkForget {
    for _ in 0..1000 {
        let wait = bench.queue.advance_operations().await.expect("steps");
        if wait.is_none() {
            return found(bench, id).await;
        }
    }
    panic!("it never ends");
}

async fn forget(bench: &Bench, person: &str) -> BulkForget {
    let id = begin(bench, person, 1).await;
    to_its_end(bench, &id).await
}

async fn look(bench: &Bench, id: JobId) -> JobInfo {
    let job = bench.queue.job(&raw(id)).await.expect("looks");
    job.expect("is known")
}

#[tokio::test]
async fn nothing_of_a_forgotten_person_is_left_in_redis() {
    let bench = Bench::new();
    let all = ada_everywhere(&bench).await;
    let bobs = bench
        .enqueue_all(&[to("bob@example.com"), to("nada@example.com")])
        .await;
    let before = places(&bench, ADA).await.len();
    assert!(!places(&bench, MESSAGE).await.is_empty());
    assert!(before > 12, "{before}");
    // In one more call than one.
    let many: Vec<NewJob> = (0..250).map(|_| to(ADA)).collect();
    let many = bench.enqueue_all(&many).await;

    let forgotten = forget(&bench, "ADA@example.com").await;
    assert_eq!((forgotten.state, forgotten.asked), (BulkState::Done, 0));
    assert_eq!(forgotten.done, (all.len() + many.len()) as u64);
    let left = places(&bench, ADA).await;
    let left: Vec<_> = left.iter().filter(|text| !text.contains("nada@")).collect();
    assert_eq!(left, [""; 0]);
    for (id, expected) in all {
        let job = look(&bench, id).await;
        let last = job.history.last().expect("has a history");
        assert_eq!(job.state, expected, "{id}");
        assert!(
            job.forgotten.is_some() && job.broken.is_none(),
            "{:?}",
            job.broken
        );
        if expected != JobState::Completed {
            assert_eq!(last.entry.outcome, HistoryEntry::FORGOTTEN);
            assert_eq!(last.entry.worker, "kari");
        }
        assert!(
            job.history
                .iter()
                .all(|of| of.entry.reason.as_deref() != Some("refused: ada@example.com"))
        );
    }
    for id in bobs {
        assert_eq!(state(&bench, id).await, Some(JobState::Pending));
        assert!(look(&bench, id).await.forgotten.is_none());
    }
    let worker = bench.worker("x").await;
    assert_eq!(
        run(&bench, &worker, 500, &done()).await,
        2,
        "only Bob's are run"
    );
    assert_eq!(places(&bench, MESSAGE).await, [""; 0]);
    // Nobody reads who it was, in whichever place.
    let hash = longshore_job::AddressHash::of(ADA);
    assert_eq!(places(&bench, hash.as_str()).await, [""; 0]);
    let audit = bench.queue.audit(None, 100).await.expect("reads");
    let entry = audit
        .iter()
        .rfind(|entry| entry.action == "forget")
        .expect("is written down");
    assert_eq!(
        (entry.target.as_str(), entry.reason.as_str()),
        ("email b5fc85e5", "because")
    );
}

#[tokio::test]
async fn nothing_of_a_forgotten_job_is_carried_out_again() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    let key = |name: &str| Some(Key::new("send_email", name));
    let dead = bench
        .enqueue_all(&[
            NewJob {
                key: key("a"),
                ..to(ADA)
            },
            NewJob {
                key: key(ADA),
                ..to(ADA)
            },
            to("bob@example.com"),
        ])
        .await;
    run(&bench, &worker, 3, &refused("550")).await;
    forget(&bench, ADA).await;
    let ids: Vec<_> = dead.iter().copied().map(raw).collect();
    let replayed = bench.queue.replay(&ids, &kari()).await.expect("replays");
    assert_eq!(replayed, [raw(dead[2])], "the other two stay dead");
    run(&bench, &worker, 3, &refused("550")).await;
    let id = JobId::generate();
    let (all, kari) = (longshore_queue::Selection::All, kari());
    let begun = bench.queue.begin_replay(id, &all, None, &kari);
    begun.await.expect("begins");
    for _ in 0..100 {
        if bench
            .queue
            .advance_operations()
            .await
            .expect("steps")
            .is_none()
        {
            break;
        }
    }
    assert_eq!(
        state(&bench, dead[2]).await,
        Some(JobState::Pending),
        "and of many"
    );
    let groups = bench.queue.dead_groups().await.expect("reads");
    assert_eq!(groups.iter().map(|group| group.count).sum::<u64>(), 2);
    let left = look(&bench, dead[0]).await;
    let edit = Edit {
        id: &left.id,
        from: left.payload.as_deref().expect("has one"),
        to: &to("bob@example.com").payload,
        old_args: "null",
        attempt: 0,
        force: true,
        only_dead: false,
    };
    let edited = bench.queue.edit(&edit, &kari).await.expect("asks");
    assert_eq!(edited, Edited::Forgotten);
    // A key that named her is free; any other ends with its time.
    let ttl = |key: &str| {
        let name = format!("{}:send_email:{key}", bench.queue.keys().idempotency);
        let bench = &bench;
        async move { bench.text::<i64>(&format!("PTTL {name}")).await }
    };
    assert_eq!(ttl(ADA).await, -2);
    assert!(ttl("a").await > 0);
    let discarded = bench.queue.discard(&ids, &kari).await.expect("discards");
    assert_eq!(discarded.len(), 2);
}

#[tokio::test]
async fn what_runs_is_asked_to_stop_and_forgotten_once_it_has_ended() {
    let bench = Bench::new();
    let worker = bench.worker("w").await;
    bench.enqueue_all(&[to(ADA), to(ADA), to(ADA)]).await;
    let claimed = bench.claim(&worker, 3).await;
    let id = begin(&bench, ADA, 3).await;
    for _ in 0..10 {
        let wait = bench.queue.advance_operations().await.expect("steps");
        assert!(wait.is_some(), "they still run");
    }
    let running = found(&bench, &id).await;
    assert_eq!((running.done, running.asked), (0, 3), "each is asked once");
    let mut ends = [
        verdict(&claimed[0], Fate::Completed { result: None }),
        verdict(&claimed[1], Fate::Retry { after: MINUTE }),
        verdict(&claimed[2], Fate::Back),
    ];
    ends[1].state.may_have_been_sent = true;
    bench.settle(&ends).await;
    assert!(!places(&bench, ADA).await.is_empty());
    let ended = to_its_end(&bench, &id).await;
    assert_eq!((ended.done, ended.state), (3, BulkState::Done));
    let ids = claimed.iter().filter_map(|job| job.id.job_id());
    for (id, expected) in ids.zip([
        JobState::Completed,
        JobState::Cancelled,
        JobState::Cancelled,
    ]) {
        assert_eq!(state(&bench, id).await, Some(expected));
    }
    assert_eq!(places(&bench, ADA).await, [""; 0]);
}

#[tokio::test]
async fn it_is_stopped_and_resumed_and_leaves_alone_what_is_enqueued_later() {
    let bench = Bench::new();
    let many: Vec<NewJob> = (0..350).map(|_| to(ADA)).collect();
    bench.enqueue_all(&many).await;
    let id = begin(&bench, ADA, 350).await;
    bench.queue.advance_operations().await.expect("steps");
    let stopped = bench.queue.cancel_operation(&id, &kari()).await;
    assert_eq!(stopped.expect("stops"), Changed::Yes);
    let after = to_its_end(&bench, &id).await;
    assert_eq!(after.state, BulkState::Cancelled);
    assert!(after.done < 350, "{}", after.done);
    let later = {
        let now = bench.queue.now_ms().await.expect("has a clock");
        while bench.queue.now_ms().await.expect("has a clock") <= now + 1 {}
        bench.enqueue_all(&[to(ADA)]).await[0]
    };
    let resumed = bench.queue.resume_operation(&id, &kari()).await;
    assert_eq!(resumed.expect("resumes"), Changed::Yes);
    let ended = to_its_end(&bench, &id).await;
    assert_eq!((ended.done, ended.state), (350, BulkState::Done));
    assert_eq!(state(&bench, later).await, Some(JobState::Pending));
    let over = bench.queue.resume_operation(&id, &kari()).await;
    assert_eq!(over.expect("asks"), Changed::Over);
}

#[tokio::test]
async fn an_id_counts_only_where_a_kind_says_that_it_is_one() {
    let bench = Bench::new();
    let order = |user: &str, note: &str| {
        let order = Order {
            user_id: user.to_owned(),
            note: note.to_owned(),
        };
        with(Prepared::new(&order).expect("good").payload)
    };
    let unknown = r#"{"kind":"strange","v":1,"args":{"who":"7","n":7}}"#;
    let ids = bench
        .enqueue_all(&[
            order("7", "x"),
            order("8", "7"),
            order("77", "x"),
            with(unknown),
            to("7@example.com"),
        ])
        .await;
    let mut scan = JobScan::new(Place::Pending);
    let looked = &mut 0;
    let mut jobs = Vec::new();
    while !scan.is_over() {
        jobs.extend(
            bench
                .queue
                .scan_for(&filter("7"), &mut scan, looked)
                .await
                .expect("scans"),
        );
    }
    jobs.sort_by(|a, b| a.0.id.cmp(&b.0.id));
    let mut expected = [(raw(ids[0]), Found::Named), (raw(ids[3]), Found::Mentioned)];
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    let jobs: Vec<_> = jobs
        .into_iter()
        .map(|(job, found)| (job.id, found))
        .collect();
    assert_eq!((jobs.as_slice(), *looked), (&expected[..], 5));
}

/// What another program wrote, and what cannot be read, never stops it.
#[tokio::test]
async fn junk_is_forgotten_too_and_stops_nothing() {
    let bench = Bench::new();
    let keys = bench.queue.keys().clone();
    let large = [b"ada@example.com ".to_vec(), vec![b'x'; 300_000]].concat();
    for (id, payload) in [
        (&b"\xff junk"[..], &b"\x01\x02ada@example.com\xff"[..]),
        (b"large", &large),
        (b"none", b""),
    ] {
        let _: u8 = bench
            .raw(&[b"HSET", keys.data.as_bytes(), id, payload])
            .await;
        let _: u8 = bench.raw(&[b"ZADD", keys.dead.as_bytes(), b"1", id]).await;
    }
    let _: u8 = bench
        .raw(&[
            b"HSET",
            keys.records.as_bytes(),
            b"none",
            b"\x81\xa3run ada@example.com",
        ])
        .await;
    let _: u8 = bench
        .raw(&[b"HSET", keys.inflight.as_bytes(), b"gone", b"token"])
        .await;
    let _: u8 = bench
        .raw(&[b"RPUSH", keys.completed.as_bytes(), b"junk"])
        .await;
    let good = bench.enqueue_all(&[to(ADA)]).await[0];
    let _: u8 = bench
        .raw(&[b"HDEL", keys.inflight.as_bytes(), b"gone"])
        .await;
    let ended = forget(&bench, ADA).await;
    assert_eq!((ended.done, ended.state), (4, BulkState::Done));
    assert_eq!(state(&bench, good).await, Some(JobState::Cancelled));
    assert_eq!(places(&bench, ADA).await, [""; 0]);
}
