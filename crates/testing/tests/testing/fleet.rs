//! Workers in the test's own process.

use std::time::Duration;

use longshore_client::ClientError;
use longshore_job::{InvalidArgs, Job};
use longshore_testing::{TestFleet, TestFleetError, Worked};
use serde::{Deserialize, Serialize};

use crate::{Act, Actor, act, panics};

/// Long enough for any machine.
const LONG: Duration = Duration::from_secs(60);

/// What nobody here carries out, in a queue that is worked.
#[derive(Serialize, Deserialize)]
struct Unknown;

impl Job for Unknown {
    const KIND: &'static str = "unknown";
    const QUEUE: &'static str = "stage";
    const PUBLIC_ARGS: &'static [&'static str] = &[];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];

    fn check(&self) -> Result<(), InvalidArgs> {
        Ok(())
    }
}

/// What nobody here carries out, in a queue that nobody works.
#[derive(Serialize, Deserialize)]
struct Elsewhere;

impl Job for Elsewhere {
    const KIND: &'static str = "elsewhere";
    const QUEUE: &'static str = "balcony";
    const PUBLIC_ARGS: &'static [&'static str] = &[];
    const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];

    fn check(&self) -> Result<(), InvalidArgs> {
        Ok(())
    }
}

fn fleet() -> TestFleet {
    TestFleet::start().expect("a Redis").with(Actor)
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_done_until_none_is_left_and_no_time_passes() {
    let fleet = fleet();
    let client = fleet.client();
    // Two hours of retries, a day of delay, a provider that wants an hour, and a job that makes another one.
    let jobs = ["work", "fail twice", "wait an hour", "follow"];
    client.enqueue_all(jobs.map(act)).await.expect("enqueued");
    let day = Duration::from_secs(24 * 3600);
    let late = client.enqueue(act("work")).delay(day);
    let late = late.await.expect("enqueued");
    let worked = fleet.run_until_empty(LONG).await.expect("nothing is left");
    worked.assert_completed(6);
    let status = client.status(late).await.expect("asked").expect("known");
    assert!(status.has_ended(), "{status:?}");

    // More of it, and one that dies.
    client.enqueue(act("work")).await.expect("enqueued");
    let refused = client.enqueue(act("refuse")).await.expect("enqueued");
    let worked = fleet.run_until_empty(LONG).await.expect("nothing is left");
    assert_eq!(worked.completed, 7);
    let dead = worked.assert_dead::<Act>();
    assert_eq!(
        (dead.id.as_str(), dead.queue.as_str()),
        (&*refused.to_string(), "stage")
    );
    assert_eq!(dead.reason, "it does not want to");
    let words = panics(|| worked.assert_completed(8));
    assert!(words.ends_with(": it does not want to"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_is_named() {
    let fleet = fleet();
    let client = fleet.client();
    let again = client
        .enqueue(act("wait for ever"))
        .await
        .expect("enqueued");
    client.enqueue(Unknown).await.expect("enqueued");
    client.enqueue(Elsewhere).await.expect("enqueued");
    let act = format!("\n    act {again}, ");
    let parts = [
        "the queues are not empty (given ",
        "\n  balcony: 1 pending; no handler of this queue was given",
        "\n  stage: ",
        "; no handler was given for unknown",
        &act,
        " runs: throttled for 3600 s: not now",
    ];
    // As long as a busy machine takes for a few runs.
    for seconds in [2, 4, 8, 16, 32] {
        let left = left(fleet.run_until_empty(Duration::from_secs(seconds)).await);
        let missing = parts.iter().find(|part| !left.contains(**part));
        match missing {
            None => return,
            Some(part) => assert!(seconds < 32, "{part}:\n{left}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_end_it_at_once() -> Result<(), ClientError> {
    let fleet = fleet();
    fleet.client().enqueue(act("ask with an old key")).await?;
    let begun = std::time::Instant::now();
    let left = left(fleet.run_until_empty(2 * LONG).await);
    assert!(begun.elapsed() < LONG, "nobody would mend them");
    assert!(
        left.contains("credentials refused: it is an old key"),
        "{left}"
    );
    Ok(())
}

fn left(worked: Result<Worked, TestFleetError>) -> String {
    let error = worked.expect_err("something is left");
    assert!(matches!(error, TestFleetError::NotEmpty { .. }), "{error}");
    error.to_string()
}
