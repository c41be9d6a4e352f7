//! Redis's own clock is set while workers work: claims go on within twenty seconds, nothing dies of it, and no tick of a cron
//! entry comes twice.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_client::{JobId, JobState};
use longshore_queue::BreakerState;
use longshore_sandbox::{Fault, FaultRule, RedisServer};
use longshore_tests::{Act, Clock, Clocks, NAMESPACE, Stage, email, eventually, users, within};

use super::{AHEAD, BEHIND, HALF_AN_HOUR};

/// Claims go on at most so long after Redis's clock was set.
const STOPPED_AT_MOST: Duration = Duration::from_secs(20);

/// A stage whose Redis has a clock that can be set.
pub(crate) async fn stage_on(clocks: &Clocks) -> (Stage, Clock) {
    let (clock, env) = clocks.clock("redis");
    let options = RedisServer::options().users(users(NAMESPACE));
    let redis = env
        .iter()
        .fold(options, |options, (name, value)| options.env(name, value))
        .start()
        .expect("a Redis");
    (Stage::set_on(redis, Act::Email).await, clock)
}

/// Sets Redis's clock, and sees that it is set.
pub(crate) async fn set(stage: &Stage, clock: &Clock, off: i64) {
    let before = stage.queue.now_ms().await.expect("Redis's time");
    clock.set(off);
    eventually("Redis's clock is set", || async {
        let now = stage.queue.now_ms().await.expect("Redis's time");
        now.abs_diff(before) > 5_000
    })
    .await;
}

fn answer(status: u16, headers: &[(&str, &str)]) -> FaultRule {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    FaultRule::always(Fault::Answer {
        status,
        headers: headers.iter().map(owned).collect(),
        body: None,
        effect: false,
    })
}

/// Waits until these have completed, at most as long as claims may stop.
async fn go_on(stage: &Stage, what: &str, ids: &[JobId]) {
    within(STOPPED_AT_MOST, what, || async {
        for id in ids {
            if stage.job(*id).await.state != JobState::Completed {
                return false;
            }
        }
        true
    })
    .await;
}

async fn breaker_opens(stage: &Stage) {
    eventually("the breaker is open", || async {
        let breakers = stage.stats().await.breakers;
        breakers.iter().any(|b| b.state == BreakerState::Open)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_clock_of_redis_does_claims_go_on() {
    let Some(clocks) = Clocks::make() else { return };
    let (stage, clock) = stage_on(&clocks).await;
    let worker = stage
        .worker()
        .short_lease()
        .provider("BREAKER__FAILURES", "1")
        .provider("BREAKER__OPEN_SECONDS", "1800")
        .start()
        .await;
    go_on(&stage, "all is well", &stage.enqueue(5).await).await;

    // An hour back, just after the provider has asked for an hour.
    stage.faults([answer(429, &[("Retry-After", "3600")])]);
    stage.enqueue(1).await;
    eventually("the queue is held", || async {
        stage.stats().await.held_until_ms.is_some()
    })
    .await;
    stage.faults([]);
    let waiting = stage.enqueue(5).await;
    set(&stage, &clock, BEHIND).await;
    go_on(&stage, "an hour back", &waiting).await;

    // Ahead beyond the end of the breaker's hold, where a probe fails, and back: what was made there holds nothing here.
    stage.faults([answer(503, &[])]);
    stage.enqueue(1).await;
    breaker_opens(&stage).await;
    let requests = stage.ledger().requests();
    stage.enqueue(1).await;
    set(&stage, &clock, BEHIND + 1860).await;
    stage.requests(requests + 1).await;
    breaker_opens(&stage).await;
    stage.faults([]);
    let waiting = stage.enqueue(5).await;
    set(&stage, &clock, BEHIND).await;
    go_on(&stage, "ahead and back", &waiting).await;

    // Set ahead, nothing dies of it.
    let paused = stage.longshore(&["pause", "email"]).await;
    assert_eq!(paused.code, Some(0), "{paused:?}");
    let mut living = Vec::new();
    for n in 0..3 {
        let job = stage.client.enqueue(email(n)).expires_in(HALF_AN_HOUR);
        living.push(job.await.expect("accepted"));
    }
    // Beyond the hour that the provider had asked for: by the right time that hold would be good.
    set(&stage, &clock, AHEAD + 60).await;
    // Two hours and a minute since the last heartbeat.
    worker.has_said("step_seconds=72").await;
    let resumed = stage.longshore(&["resume", "email"]).await;
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    go_on(&stage, "an hour ahead", &living).await;
    let metrics = worker.get("/metrics").await.1;
    assert!(
        metrics.contains(r#"longshore_clock_steps_total{queue="email"}"#),
        "{metrics}"
    );
    assert!(!worker.says("dead letter"), "nothing died");
}

/// How far ahead the clock is set under cron, and back: more than the five seconds by which marks may be off, and few enough
/// that the flow comes to new ticks soon.
const A_LITTLE: i64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_tick_comes_twice_whatever_the_clock_of_redis_does() {
    let Some(clocks) = Clocks::make() else { return };
    let (stage, clock) = stage_on(&clocks).await;
    let _worker = stage
        .worker()
        .short_lease()
        .set("CRON__EACH_SECOND__SCHEDULE", "* * * * * *")
        .set("CRON__EACH_SECOND__KIND", "send_email")
        .set(
            "CRON__EACH_SECOND__ARGS",
            r#"{"template":"welcome","to":{"email":"staff@example.com"},"data":{"at":"{tick}"}}"#,
        )
        .start()
        .await;
    let sent = || stage.ledger().count_by_job().len();
    let more = async |what: &str| {
        let before = sent();
        eventually(what, || async { sent() >= before + 2 }).await;
    };
    more("it ticks").await;
    // Ticks that were made once come again on the clock.
    set(&stage, &clock, A_LITTLE).await;
    more("it ticks ahead").await;
    set(&stage, &clock, 0).await;
    more("it ticks when the clock has come to new ones").await;
    set(&stage, &clock, BEHIND).await;
    more("it ticks an hour back").await;

    let mut ticks: BTreeMap<u64, Vec<JobId>> = BTreeMap::new();
    for id in stage.ledger().count_by_job().into_keys() {
        let id: JobId = id.parse().expect("an id");
        let cron = stage.job(id).await.cron.expect("says where it comes from");
        ticks.entry(cron.tick_ms).or_default().push(id);
    }
    let doubled: Vec<_> = ticks.iter().filter(|(_, ids)| ids.len() > 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
}

/// One call in ten minutes is somebody's mistake. What was booked by it does not hold the mended one back,
/// nor does what was booked before the clock went back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mended_rate_holds_at_once_whatever_the_clock_of_redis_does() {
    let Some(clocks) = Clocks::make() else { return };
    let (stage, clock) = stage_on(&clocks).await;
    let stage = stage.as_shipped();
    let slow = stage
        .worker()
        .provider("RATE", "{ count = 1, per_seconds = 600 }");
    let mut slow = slow.start().await;
    let ids = stage.enqueue(3).await;
    stage.completed(1).await;
    slow.stop();
    assert_eq!(slow.left_within(Duration::from_secs(30)).await, 0);
    let _mended = stage
        .worker()
        .provider("RATE_PER_SECOND", "100")
        .start()
        .await;
    go_on(&stage, "the rate is mended", &ids).await;
    set(&stage, &clock, BEHIND).await;
    go_on(&stage, "an hour back", &stage.enqueue(20).await).await;
}
