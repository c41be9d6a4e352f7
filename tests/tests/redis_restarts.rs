//! Redis is killed and restarted under load, once for longer than a lease: nothing is lost, nothing is doubled, no
//! worker dies, and a call that was out goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use longshore_client::kinds::SendEmail;
use longshore_client::{Client, ClientError, JobId, JobState};
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Load, NAMESPACE, Stage, Trouble, Wire, email, gone_by, outcomes};
use tokio::task::JoinSet;
use tokio::time::interval;

/// Longer than the default lease of 15 s.
const LONG: Duration = Duration::from_secs(20);

/// Calls that are out when Redis goes away, and answered before it is back.
const SLOW: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_comes_back_three_times_and_nothing_is_lost_or_doubled() {
    let mut stage = Stage::set().await;
    stage.slow_calls_take(4000);
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(stage.worker().start().await);
    }
    let load = Load::on(&stage);

    for _ in 0..2 {
        stage.progress(200).await;
        stage.redis.kill();
        stage.redis.restart().expect("Redis comes back");
    }
    stage.progress(200).await;
    let slow = stage.slow_calls(SLOW).await;
    stage.redis.kill();
    let killed = Instant::now();
    gone_by(LONG, killed).await;
    stage.redis.restart().expect("Redis comes back");

    stage.progress(200).await;
    let accepted = load.end().await;
    for worker in &mut workers {
        assert_eq!(worker.ended(), None, "a worker died of it");
    }
    println!("{} were accepted", accepted.len());
    stage.done_once(&accepted).await;
    stage.done_once(&slow).await;
    for id in slow {
        let job = stage.job(id).await;
        assert_eq!(outcomes(&job), ["completed"], "its call was not dropped");
        assert_eq!(job.history[0].entry.attempt, 1);
    }
    for worker in &workers {
        assert!(!worker.says("lease lost"), "a lease was lost with Redis");
    }
}

/// After an outage every lease is stale, and it is chance who calls first, and with what: keepers try again every
/// 250 ms, claimers with free slots at least every second. Here the claims come first, then the heartbeat of one worker,
/// and last the heartbeat of the other, which has jobs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_worker_back_does_not_rescue_the_living() {
    let mut stage = Stage::set().await;
    stage.faults([FaultRule::always(Fault::Delay { ms: 8000 })]);
    let (first, last) = (
        Wire::to(stage.redis.port()).await,
        Wire::to(stage.redis.port()).await,
    );
    let worker = |wire: &Wire| {
        let worker = stage.worker().by(wire.url());
        worker
            .set("WORKER__HEARTBEAT_SECONDS", "0.5")
            .set("WORKER__LOST_AFTER_SECONDS", "2")
    };
    let busy = worker(&last).start().await;
    let ids = stage.enqueue(5).await;
    stage.requests(5).await;
    let idle = worker(&first).start().await;
    stage.redis.kill();
    gone_by(Duration::from_secs(3), Instant::now()).await;
    first.trouble(Wire::BEAT, Trouble::CutBefore, 8);
    last.trouble(Wire::BEAT, Trouble::CutBefore, 12);
    stage.redis.restart().expect("Redis comes back");
    for id in ids {
        stage.is(id, JobState::Completed).await;
        assert_eq!(outcomes(&stage.job(id).await), ["completed"]);
        assert_eq!(stage.effects(id), 1, "its living worker had it");
    }
    for worker in [busy, idle] {
        assert!(!worker.says("lease lost"), "a lease was lost with Redis");
    }
}

/// A request that enqueues a mail: when it came, since the first one, how long it was held up, and what it was told.
struct Request {
    number: usize,
    at: Duration,
    took: Duration,
    answer: Result<JobId, ClientError>,
}

/// 200 requests a second, whether those before them have been answered or not, for so long.
async fn requests(client: &Client, first: usize, began: Instant, span: Duration) -> Vec<Request> {
    let mut ticks = interval(Duration::from_millis(5));
    let mut requests = JoinSet::new();
    let (mut number, from) = (first, Instant::now());
    while from.elapsed() < span {
        ticks.tick().await;
        let client = client.clone();
        requests.spawn(async move {
            let came = Instant::now();
            let mail = client.enqueue(email(number)).key(format!("order {number}"));
            Request {
                number,
                at: came - began,
                answer: mail.await,
                took: came.elapsed(),
            }
        });
        number += 1;
    }
    requests.join_all().await
}

/// How long Redis is away for producers that fail fast: `LONGSHORE_OUTAGE_SECONDS`, else enough to see what they do.
fn outage() -> Duration {
    let set = std::env::var("LONGSHORE_OUTAGE_SECONDS").ok();
    Duration::from_secs(set.and_then(|set| set.parse().ok()).unwrap_or(2))
}

/// The time that a client with `fail_fast` gives a call.
const FAST: Duration = Duration::from_secs(1);

/// What a busy machine may add.
const BUSY: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_holds_up_no_request_and_loses_and_doubles_no_job() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().concurrency(50).start().await;
    let client = Client::builder(stage.redis.url()).namespace(NAMESPACE);
    let client = client.fail_fast(true).build().expect("good settings");
    let (began, second) = (Instant::now(), Duration::from_secs(1));
    let mut all = requests(&client, 0, began, second).await;
    let mut back = Vec::new();
    for silent in [false, true] {
        match silent {
            false => stage.redis.kill(),
            true => stage.redis.pause().expect("Redis stops"),
        }
        all.extend(requests(&client, all.len(), began, outage()).await);
        match silent {
            false => stage.redis.restart().expect("Redis comes back"),
            true => stage.redis.resume().expect("Redis goes on"),
        }
        back.push(began.elapsed());
        all.extend(requests(&client, all.len(), began, 2 * second).await);
    }

    let longest = all.iter().map(|request| request.took).max();
    let longest = longest.unwrap_or_default();
    assert!(
        longest < FAST + BUSY,
        "a request was held up for {longest:?}"
    );
    for back in back {
        let accepted = all.iter().filter(|request| request.answer.is_ok());
        let after = accepted.filter_map(|request| request.at.checked_sub(back));
        let first = after.min().expect("a job is accepted afterwards");
        println!("accepted again after {first:?}");
        assert!(first < FAST + BUSY, "{first:?} until a job was accepted");
    }
    let ids = told(&client, all, longest).await;
    stage.done_once(&ids).await;
    let effects = stage.ledger().count_by_job();
    assert_eq!(effects.len(), ids.len(), "a job more than there are orders");
}

/// What the requests were told is true. Those that failed are made again, as an app does. Returns the job of each order.
async fn told(client: &Client, requests: Vec<Request>, longest: Duration) -> Vec<JobId> {
    let (mut ids, mut said) = (BTreeSet::new(), BTreeMap::new());
    let count = requests.len();
    for Request { number, answer, .. } in requests {
        let key = format!("order {number}");
        let id = match answer {
            Ok(id) => {
                *said.entry("accepted").or_insert(0) += 1;
                let holder = client.find::<SendEmail>(&key).await.expect("looks");
                assert_eq!(holder, Some(id), "what was accepted is there");
                id
            }
            Err(error) => {
                *said.entry(error.code()).or_insert(0) += 1;
                assert!(error.is_retryable(), "{error}");
                if let ClientError::Away { .. } = error {
                    let holder = client.find::<SendEmail>(&key).await.expect("looks");
                    assert_eq!(holder, None, "nothing was sent");
                }
                let again = client.enqueue(email(number)).key(key).await;
                again.expect("Redis is back")
            }
        };
        assert!(ids.insert(id), "two orders have the job {id}");
    }
    println!("{count} requests, the longest {longest:?}: {said:?}");
    assert!(
        said.contains_key("redis_away") && said["accepted"] > 500,
        "{said:?}"
    );
    ids.into_iter().collect()
}
