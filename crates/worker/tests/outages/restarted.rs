//! Redis was restarted, and may have forgotten something that only one process knows. Nobody claims before every living worker
//! has had a heartbeat's time to compare what it remembers.

use std::time::Duration;

use longshore_queue::{
    CallReport, Claim, ClaimState, Fate, HoldCause, JobState, Lease, LinkOptions, Queue,
    Remembered, Resent, Retention, Signed, Verdict, WorkerId,
};
use longshore_tests::eventually;

use super::support::{Bench, Does};

/// As in [`support::settings`].
const LOST_AFTER: Duration = Duration::from_secs(1);
const STALE: Duration = Duration::from_millis(300);

/// A process, as far as Redis knows it.
struct Process {
    queue: Queue,
    lease: Lease,
}

impl Process {
    async fn new(bench: &Bench, name: &str) -> Self {
        let link = bench.queue.link().another(LinkOptions::default());
        let queue = Queue::new(link, "t", "probe").expect("good names");
        let process = Self {
            queue: queue.with_lost_after(LOST_AFTER),
            lease: Lease::new(WorkerId::generate(name)),
        };
        let beat = process.queue.join(&process.lease, STALE).await;
        assert!(beat.expect("joins").held);
        process
    }

    async fn claim(&self) -> Claim {
        // The first call after a restart finds a broken connection.
        for _ in 0..3 {
            if let Ok(claim) = self.queue.claim(&self.lease, 1, None).await {
                return claim;
            }
        }
        panic!("Redis is away");
    }

    /// Claims one job, and completes it.
    async fn completes_one(&self) -> Verdict {
        let claimed = self.claim().await.jobs.pop().expect("a job");
        let verdict = Verdict {
            id: claimed.id,
            token: claimed.token,
            kind: None,
            fate: Fate::Completed { result: None },
            state: claimed.run,
            history: None,
            key: None,
            put_back: None,
            payload_bytes: 0,
            report: CallReport::Nothing,
            context: claimed.context,
        };
        assert_eq!(self.settles(&verdict).await, [true]);
        verdict
    }

    async fn settles(&self, verdict: &Verdict) -> Vec<bool> {
        let retention = Retention {
            keep: Duration::from_secs(3600),
            max_bytes: None,
        };
        let verdicts = std::slice::from_ref(verdict);
        let settled = self.queue.settle(verdicts, retention).await;
        settled.expect("settles").written
    }
}

/// The one that did the job is quiet until its next heartbeat; a process that is new, and one whose memory is older than
/// the copy, ask for work before that, again and again, so that Redis has counted more than it had forgotten.
#[tokio::test]
async fn nobody_claims_what_was_forgotten_before_the_one_that_did_it_has_said_so() {
    let mut bench = Bench::forgetful();
    let older = Process::new(&bench, "older").await;
    bench.enqueue(Does::Nothing).await;
    older.completes_one().await;
    let forgotten = bench.enqueue(Does::Nothing).await;
    bench.save().await;
    let knows = Process::new(&bench, "knows").await;
    let verdict = knows.completes_one().await;
    let at = knows.queue.newest();
    bench.restore();

    let newer = Process::new(&bench, "newer").await;
    for _ in 0..5 {
        for other in [&newer, &older] {
            let claim = other.claim().await;
            assert_eq!(claim.state, ClaimState::Checking);
            assert!(claim.jobs.is_empty());
            let wait = claim.next_due.expect("it is said for how long");
            assert!(wait <= LOST_AFTER / 2, "{wait:?}");
        }
    }
    let stats = newer.queue.stats().await.expect("counts");
    assert_eq!(stats.holds[0].cause, HoldCause::RedisRestarted);
    bench.is(forgotten, JobState::Pending).await;

    // Its heartbeat comes at last.
    let _ = knows.queue.beat(&knows.lease, STALE, 0, 0).await;
    let beat = knows
        .queue
        .beat(&knows.lease, STALE, 0, 0)
        .await
        .expect("beats");
    assert!(beat.held && beat.forgot);
    let remembered = [Remembered {
        id: &verdict.id,
        token: &verdict.token,
        at,
        payload: Vec::new().into(),
        header: &[],
        run: verdict.state,
    }];
    let told = knows.queue.resend(&knows.lease, &remembered).await;
    let Ok(Resent::Done { at, ours }) = told else {
        panic!("{told:?}")
    };
    assert_eq!(
        ours,
        [true],
        "it is taken back, whatever others have counted since"
    );
    knows.queue.adopt_timeline(&knows.lease, &at);
    assert_eq!(knows.settles(&verdict).await, [true]);
    assert_eq!(bench.state(forgotten).await, Some(JobState::Completed));
}

/// Nothing was forgotten: claims go on after the check, and another connection to the same process begins none.
#[tokio::test]
async fn a_restart_that_forgot_nothing_holds_claims_for_a_moment() {
    let mut bench = Bench::new();
    let first = Process::new(&bench, "first").await;
    assert_eq!(first.claim().await.state, ClaimState::Ok);
    let id = bench.enqueue(Does::Nothing).await;
    bench.restore();
    assert_eq!(first.claim().await.state, ClaimState::Checking);
    eventually("claims go on", || async {
        let beat = first.queue.beat(&first.lease, STALE, 0, 0).await;
        assert!(beat.is_ok_and(|beat| beat.held && !beat.forgot));
        let claim = first.claim().await;
        !claim.jobs.is_empty()
    })
    .await;
    bench.is(id, JobState::Running).await;
    let second = Process::new(&bench, "second").await;
    assert_eq!(second.claim().await.state, ClaimState::Ok);
    let stats = bench.queue.stats().await.expect("counts");
    assert!(stats.holds.is_empty(), "{:?}", stats.holds);
}

/// Once every worker that Redis knows has compared, the last third of the check is not waited for. Here its beginning is set
/// back, so that the rest of it is long.
#[tokio::test]
async fn a_check_ends_early_once_all_have_compared() {
    let mut bench = Bench::new();
    let first = Process::new(&bench, "first").await;
    let second = Process::new(&bench, "second").await;
    let id = bench.enqueue(Does::Nothing).await;
    bench.restore();
    assert_eq!(first.claim().await.state, ClaimState::Checking);
    // Its connection is a new one already.
    let began = first.queue.now_ms().await.expect("a clock") - 21_000;
    let mut set = redis::cmd("HSET");
    set.arg(&bench.queue.keys().timeline)
        .arg("check")
        .arg(format!("{} {began} 30000", began + 30_000));
    let _: u8 = first.queue.link().command(&set).await.expect("sets");
    let claim = first.claim().await;
    assert_eq!(
        claim.state,
        ClaimState::Checking,
        "the second has not compared"
    );
    let wait = claim.next_due.expect("it is said for how long");
    assert!(wait <= Duration::from_millis(250), "{wait:?}");
    // The first call finds a broken connection.
    let _ = second.queue.beat(&second.lease, STALE, 0, 0).await;
    let beat = second.queue.beat(&second.lease, STALE, 0, 0).await;
    assert!(beat.is_ok_and(|beat| beat.held && !beat.forgot));
    let claim = first.claim().await;
    assert_eq!((claim.state, claim.jobs.len()), (ClaimState::Ok, 1));
    bench.is(id, JobState::Running).await;
}

/// An operator who knows that nothing was forgotten need not wait for the check.
#[tokio::test]
async fn an_operator_ends_the_check() {
    let mut bench = Bench::new();
    let process = Process::new(&bench, "w").await;
    assert_eq!(process.claim().await.state, ClaimState::Ok);
    let id = bench.enqueue(Does::Nothing).await;
    bench.restore();
    assert_eq!(process.claim().await.state, ClaimState::Checking);
    let kari = Signed::new("kari", "it was only restarted");
    let lifted = process.queue.lift_holds(&kari).await.expect("lifts");
    let causes: Vec<_> = lifted.iter().map(|hold| hold.cause).collect();
    assert_eq!(causes, [HoldCause::RedisRestarted]);
    let claim = process.claim().await;
    assert_eq!((claim.state, claim.jobs.len()), (ClaimState::Ok, 1));
    bench.is(id, JobState::Running).await;
}

/// A proxy that leads to several servers says now one id and now the other: that holds claims once, and not for ever.
#[tokio::test]
async fn ids_that_alternate_hold_claims_once() {
    let bench = Bench::new();
    let process = Process::new(&bench, "w").await;
    let timeline = &bench.queue.keys().timeline;
    let mut get = redis::cmd("HGET");
    get.arg(timeline).arg("server");
    let server = || async {
        let server = bench.queue.link().command::<String>(&get).await;
        server.expect("is noted")
    };
    let noted = server().await;
    let ours = noted.split(' ').next().expect("an id").to_owned();
    let now = bench.queue.now_ms().await.expect("a clock");
    // Another one was there a moment ago, and ours before it.
    for _ in 0..3 {
        let mut set = redis::cmd("HSET");
        set.arg(timeline)
            .arg("server")
            .arg(format!("other {now} 0 {ours}"));
        let _: u8 = bench.queue.link().command(&set).await.expect("sets");
        assert_eq!(process.claim().await.state, ClaimState::Ok);
        assert!(server().await.starts_with(&ours));
    }
    // Where that was longer ago, it is a server that came back.
    let mut set = redis::cmd("HSET");
    set.arg(timeline)
        .arg("server")
        .arg(format!("other {} 0 {ours}", now - 61_000));
    let _: u8 = bench.queue.link().command(&set).await.expect("sets");
    assert_eq!(process.claim().await.state, ClaimState::Checking);
}
