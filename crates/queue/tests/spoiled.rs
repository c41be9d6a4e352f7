//! Another program has written over a key of the queue with another type. What can be missed is begun anew; else the call
//! is refused, says which key it is, and has changed nothing that makes a job be lost.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::Duration;

use longshore_job::JobId;
use longshore_queue::{
    BreakerSpec, CallReport, Claimed, Edit, Fate, JobState, Lease, Limit, NewJob, Note,
    ProviderPolicy, Queue, QueueError, Replaying, Resent, RunAt, Verdict, WorkerFacts,
};
use support::{Bench, LOST, RETENTION, STALE, done, kari, raw, refused, verdict};

/// A queue in which each kind of thing stands.
struct Filled {
    queue: Queue,
    worker: Lease,
    /// One to complete, one to go back, one to try again, one to die, one to park.
    running: Vec<Claimed>,
    /// One that waits.
    waiting: JobId,
    /// One that was to wait, and is due.
    due: JobId,
    /// One that is dead.
    dead: JobId,
    /// One that is parked, and that the worker knows.
    parked: JobId,
    /// One that is to be enqueued.
    new: NewJob,
}

async fn enqueue(queue: &Queue, n: usize) -> Vec<JobId> {
    let jobs: Vec<NewJob> = (0..n).map(|_| support::job()).collect();
    let enqueued = queue.enqueue(&jobs).await.expect("enqueues");
    enqueued.into_iter().map(|enqueued| enqueued.id).collect()
}

async fn settle(queue: &Queue, verdict: Verdict) -> Result<Vec<bool>, QueueError> {
    let settled = queue.settle(&[verdict], RETENTION).await?;
    Ok(settled.written)
}

fn verdicts(running: &[Claimed]) -> Vec<Verdict> {
    let after = Duration::from_secs(60);
    let kind = "send_fax".to_owned();
    let fates = [
        done(),
        Fate::Back,
        Fate::Retry { after },
        refused("400"),
        Fate::Parked { kind },
    ];
    let fates = running.iter().zip(fates);
    fates
        .map(|(job, fate)| Verdict {
            // Which has to be written, too.
            report: CallReport::Ill,
            ..verdict(job, fate)
        })
        .collect()
}

impl Filled {
    async fn new(bench: &Bench, name: &str) -> Self {
        let provider = ProviderPolicy {
            name: "sendgrid".to_owned(),
            limit: Some(Limit {
                count: 1_000_000,
                per: Duration::from_secs(1),
            }),
            breaker: Some(BreakerSpec {
                failures: 100,
                window: None,
                open: Duration::from_secs(30),
                probe: Duration::from_secs(30),
            }),
            ..ProviderPolicy::default()
        };
        let queue = bench.queue.sibling(name).expect("a name");
        let queue = queue.with_provider(provider);
        let worker = Lease::new(longshore_queue::WorkerId::generate("w"));
        queue.join(&worker, STALE).await.expect("joins");
        let claim = async |want| {
            let claim = queue.claim(&worker, want, None).await.expect("claims");
            claim.jobs
        };
        let ended = enqueue(&queue, 2).await;
        let jobs = claim(2).await;
        let kind = "send_fax".to_owned();
        for (job, fate) in jobs.iter().zip([refused("400"), Fate::Parked { kind }]) {
            settle(&queue, verdict(job, fate)).await.expect("settles");
        }
        enqueue(&queue, 5).await;
        let running = claim(5).await;
        let waiting = enqueue(&queue, 1).await[0];
        let later = NewJob {
            run_at: RunAt::In(Duration::from_secs(60)),
            ..support::job()
        };
        let later = queue.enqueue(&[later]).await.expect("enqueues");
        let due = later[0].id;
        let scheduled = &queue.keys().scheduled;
        let _: u8 = bench.text(&format!("ZADD {scheduled} 1 {due}")).await;
        let facts = WorkerFacts {
            kinds: vec!["send_fax".to_owned()],
            ..WorkerFacts::default()
        };
        queue.announce(&worker, &facts).await.expect("says");
        let first = jobs[0].id.job_id().expect("an id");
        let parked = if first == ended[0] {
            ended[1]
        } else {
            ended[0]
        };
        Self {
            dead: first,
            parked,
            queue,
            worker,
            running,
            waiting,
            due,
            new: support::job(),
        }
    }

    /// Does all that is done to a queue. What is refused has to name the key.
    async fn everything(&self, key: &str) -> Vec<&'static str> {
        let Self { queue, worker, .. } = self;
        let mut refused = Vec::new();
        let mut see = |what: &'static str, failed: Option<QueueError>| {
            let Some(error) = failed else { return };
            let said = error.to_string();
            assert!(
                said.contains(&format!("{key} is of another type: a string")),
                "{what} with {key}: {said}"
            );
            assert!(said.contains("redis-cli RENAME"), "{said}");
            refused.push(what);
        };
        let new = std::slice::from_ref(&self.new);
        see("enqueue", queue.enqueue(new).await.err());
        see("beat", queue.beat(worker, STALE, 5, 0).await.err());
        let facts = WorkerFacts {
            kinds: vec!["send_fax".to_owned()],
            ..WorkerFacts::default()
        };
        see("announce", queue.announce(worker, &facts).await.err());
        for verdict in verdicts(&self.running) {
            see("settle", settle(queue, verdict).await.err());
        }
        see("sweep", queue.sweep(worker, LOST).await.err());
        let dead = [raw(self.dead)];
        see("replay", queue.replay(&dead, &kari()).await.err());
        let hour = Duration::from_secs(3600);
        see("bury", queue.bury_parked(worker, hour, "why").await.err());
        refused
    }
}

/// Every key of a queue, by what stands behind its braces, but for those that hold leases and claims.
const KEYS: &str = "active lanes lane tenants turns scheduled data idle workers:facts reach retryable parked \
    kinds kinds:sought gate limits breakers groups completed cancelled completions stats \
    deliveries deliveries:ages cached audit replays replays:open cron cron:ticks cron:paused \
    timeline:told dead dead:letters parked:kinds operations";

#[tokio::test]
async fn a_key_of_another_type_is_begun_anew_or_named_and_loses_no_job() {
    let bench = Bench::new();
    for (n, suffix) in KEYS.split(' ').enumerate() {
        let name = format!("q{n}");
        let filled = Filled::new(&bench, &name).await;
        let Filled { queue, worker, .. } = &filled;
        let key = format!("{{t:{name}}}:{suffix}");
        let _: i64 = bench.text(&format!("DEL {key}")).await;
        let _: String = bench.text(&format!("SET {key} junk")).await;
        let found = queue.spoiled().await.expect("looks");
        assert_eq!((found.len(), found[0].key.as_str()), (1, key.as_str()));

        // Claimed before anything else could make room for ours, and after.
        let mut claimed = Vec::new();
        let mut claim = async |want| match queue.claim(worker, want, None).await {
            Ok(claim) => claimed.extend(claim.jobs),
            Err(error) => assert!(error.to_string().contains(&key), "{key}: {error}"),
        };
        claim(1).await;
        let refused = filled.everything(&key).await;
        claim(100).await;
        println!("{suffix}: refused {refused:?}, {} claimed", claimed.len());

        // The cure, where it has not begun anew. What was written over is gone, and nothing else is: all that was refused goes
        // well now.
        if !queue.spoiled().await.expect("looks").is_empty() {
            let _: i64 = bench.text(&format!("DEL {key}")).await;
        }
        assert_eq!(queue.spoiled().await.expect("looks").len(), 0);
        let again = filled.everything(&key).await;
        assert_eq!(again.len(), 0, "{suffix}: {again:?}");
        let rest = queue.claim(worker, 100, None).await.expect("claims").jobs;
        let claimed: Vec<_> = claimed.iter().chain(&rest).map(|job| &job.id).collect();
        let has = |id: JobId| claimed.contains(&&raw(id));
        assert!(has(filled.new.id), "{suffix}: the new one is there");
        // Where a job stood is what was written over.
        if suffix != "active" {
            assert!(has(filled.waiting), "{suffix}: the waiting one is there");
        }
        if suffix != "scheduled" {
            assert!(has(filled.due), "{suffix}: the one that was due is there");
        }
        if suffix == "stats" {
            let stats = queue.stats().await.expect("counts");
            assert_eq!((stats.counter("enqueued"), stats.counter("died")), (1, 1));
        }
        if suffix != "data" {
            let ids: Vec<_> = filled.running.iter().map(|job| &job.id).collect();
            let state = async |id| queue.job(id).await.expect("looks").map(|job| job.state);
            assert!(claimed.contains(&ids[1]), "{suffix}: it went back");
            assert_eq!(state(ids[0]).await, Some(JobState::Completed), "{suffix}");
            let later = state(ids[2]).await;
            let waits = [JobState::Retryable, JobState::Scheduled];
            assert!(waits.contains(&later.expect("kept")), "{suffix}: {later:?}");
            assert_eq!(state(ids[3]).await, Some(JobState::Dead), "{suffix}");
        }
        if suffix != "dead" && suffix != "data" {
            assert!(has(filled.dead), "{suffix}: the letter was replayed");
        }
        if !matches!(
            suffix,
            "parked" | "parked:kinds" | "kinds" | "kinds:sought" | "data"
        ) {
            assert!(has(filled.parked), "{suffix}: the parked one is there");
        }
    }
}

/// Leases and claims that were written over are forgotten: the next beat makes room for them, and the living tell what they
/// have.
#[tokio::test]
async fn leases_and_claims_that_were_written_over_are_told_again() {
    let bench = Bench::new();
    for suffix in ["inflight", "workers", "timeline"] {
        let filled = Filled::new(&bench, suffix).await;
        let Filled { queue, worker, .. } = &filled;
        let key = format!("{{t:{suffix}}}:{suffix}");
        let _: String = bench.text(&format!("SET {key} junk")).await;
        let mut failed = vec![
            queue.claim(worker, 1, None).await.err(),
            queue.sweep(worker, LOST).await.err(),
        ];
        if suffix != "workers" {
            // A settle does not ask for the lease.
            let verdict = verdicts(&filled.running).remove(0);
            failed.push(settle(queue, verdict).await.err());
        }
        for failed in failed {
            let said = failed.expect("is refused").to_string();
            assert!(said.contains(&key), "{said}");
        }
        let beat = queue.beat(worker, STALE, 5, 0).await.expect("beats");
        assert!(beat.held && beat.forgot, "{suffix}: {beat:?}");
        assert_eq!(queue.spoiled().await.expect("looks").len(), 0);
        let remembered: Vec<_> = filled.running.iter().map(support::remembered).collect();
        let told = queue.resend(worker, &remembered).await.expect("tells");
        let Resent::Done { at, ours } = told else {
            panic!("{suffix}: {told:?}");
        };
        queue.adopt_timeline(worker, &at);
        assert_eq!(ours, [true; 5], "{suffix}");
        let settled = queue.settle(&verdicts(&filled.running), RETENTION).await;
        assert_eq!(settled.expect("settles").written, [true; 5], "{suffix}");
        let stats = queue.stats().await.expect("counts");
        assert_eq!((stats.running, stats.workers), (0, 1), "{suffix}");
        let state = queue.job(&filled.running[0].id).await.expect("looks");
        assert_eq!(state.expect("kept").state, JobState::Completed, "{suffix}");
    }
}

/// What an operator does is written down with it, or not done at all.
#[tokio::test]
async fn an_act_that_cannot_be_written_down_is_not_done() {
    let bench = Bench::new();
    let Filled {
        queue,
        dead,
        waiting,
        due,
        ..
    } = Filled::new(&bench, "acts").await;
    let letter = raw(dead);
    let replay = JobId::generate();
    let how = Replaying {
        rate: Some(1),
        fresh_expiry: false,
    };
    queue.assign("names", "a", "b").await.expect("is set");
    let key = "{t:acts}:audit";
    let _: i64 = bench.text(&format!("DEL {key}")).await;
    let _: String = bench.text(&format!("SET {key} junk")).await;
    let (kari, ids) = (kari(), std::slice::from_ref(&letter));
    let found = async || queue.job(&letter).await.expect("looks").expect("kept");
    let before = found().await;
    let payload = support::payload();
    let edit = Edit {
        id: &letter,
        from: &payload,
        to: b"{}",
        old_args: "{}",
        attempt: 1,
        force: true,
        only_dead: true,
    };
    let (waits, later) = ([raw(waiting)], raw(due));
    let hour = RunAt::In(Duration::from_secs(3600));
    let edit_waiting = Edit {
        id: &waits[0],
        only_dead: false,
        ..edit
    };
    let note = Note {
        action: "forget",
        target: "a",
        result: "",
        act: "",
        count: None,
    };
    let refused = [
        queue.pause(&kari).await.err(),
        queue.resume(&kari).await.err(),
        queue.lift_holds(&kari).await.err(),
        queue.replay(ids, &kari).await.err(),
        queue.begin_replay_of(replay, ids, how, &kari).await.err(),
        queue.edit(&edit, &kari).await.err(),
        queue
            .unassign_signed("names", "a", &note, &kari)
            .await
            .err(),
        queue.discard(ids, &kari).await.err(),
        queue.cancel(&waits, false, &kari).await.err(),
        queue.reschedule(&waits[0], hour, &kari).await.err(),
        queue.run_now(&later, &kari).await.err(),
        queue.edit(&edit_waiting, &kari).await.err(),
    ];
    for (n, refused) in refused.into_iter().enumerate() {
        let said = refused
            .unwrap_or_else(|| panic!("{n} was done"))
            .to_string();
        assert!(said.contains(key), "{n}: {said}");
    }
    let stats = queue.stats().await.expect("counts");
    assert!(stats.paused.is_none());
    assert_eq!(
        queue.find_replay(&replay.to_string()).await.expect("looks"),
        None
    );
    assert_eq!(format!("{:?}", found().await), format!("{before:?}"));
    let kept = queue.find("names", "a").await.expect("looks");
    assert_eq!(kept.as_deref(), Some("b"));
}
