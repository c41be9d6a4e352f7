//! Carriers whose clocks are wrong, and a Redis whose clock is set between a carrier's tries.

use longshore_client::{JobId, JobState};
use longshore_outbox::SCHEMA;
use longshore_sandbox::PostgresServer;
use longshore_tests::{Clocks, Stage, Trouble, Wire, eventually};

use super::redis::{set, stage_on};
use super::{AHEAD, BEHIND};

/// More than the 24 hours within which a row is tried again.
const A_DAY_AND_MORE: i64 = 26 * 3600;

fn postgres() -> PostgresServer {
    let postgres = PostgresServer::start().expect("a private Postgres starts");
    postgres.sql(SCHEMA);
    postgres
}

/// Rows for so many mails, with more columns.
fn insert(postgres: &PostgresServer, count: usize, columns: &str, values: &str) -> Vec<JobId> {
    let ids = postgres.sql(&format!(
        "INSERT INTO longshore_outbox (kind, args{columns}) SELECT 'send_email', json_build_object('template', 'welcome', \
         'to', json_build_object('email', n || '@example.com'), 'data', json_build_object()){values} \
         FROM generate_series(1, {count}) AS n RETURNING id"
    ));
    ids.lines().map(|id| id.parse().expect("an id")).collect()
}

async fn is_empty(postgres: &PostgresServer) {
    let waiting = "SELECT count(*) FROM longshore_outbox WHERE held_at IS NULL";
    eventually("no row waits", || async { postgres.sql(waiting) == "0" }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn carriers_an_hour_off_change_nothing() {
    let Some(clocks) = Clocks::make() else { return };
    let (stage, postgres) = (Stage::set().await, postgres());
    let _worker = stage.worker().start().await;
    for (name, off) in [("ahead", AHEAD), ("behind", BEHIND)] {
        let (carrier, _clock) = clocks.worker(stage.outbox(&postgres), name, off).await;
        let now = insert(&postgres, 50, "", "");
        let later = insert(&postgres, 1, ", due_at", ", now() + interval '30 minutes'");
        let living = insert(&postgres, 1, ", expires_in", ", interval '30 minutes'");
        is_empty(&postgres).await;
        for id in now.into_iter().chain(living) {
            stage.is(id, JobState::Completed).await;
            assert_eq!(stage.effects(id), 1, "{name}");
        }
        let job = stage.job(later[0]).await;
        assert_eq!(job.state, JobState::Scheduled);
        let now = stage.queue.now_ms().await.expect("Redis's time");
        let wait = job.next_run_at_ms.expect("due").saturating_sub(now);
        assert!((1_600_000..=1_800_000).contains(&wait), "due in {wait} ms");
        carrier.kill().await;
    }
}

/// Rows that Redis took, of a carrier that died before it heard so.
async fn taken_and_left(stage: &Stage, postgres: &PostgresServer) {
    let wire = Wire::to(stage.redis.port()).await;
    let carrier = stage.outbox(postgres).by(wire.url()).start().await;
    // The first has Redis load the script.
    insert(postgres, 1, "", "");
    is_empty(postgres).await;
    let before = stage.stats().await.counter("enqueued");
    wire.trouble(Wire::CARRY, Trouble::CutAfter, usize::MAX);
    insert(postgres, 3, "", "");
    eventually("Redis took them", || async {
        stage.stats().await.counter("enqueued") == before + 3 && wire.met() > 0
    })
    .await;
    carrier.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_clock_of_redis_does_no_row_is_enqueued_twice() {
    let Some(clocks) = Clocks::make() else { return };
    let (stage, clock) = stage_on(&clocks).await;
    let postgres = postgres();

    // Back: what was taken is known.
    taken_and_left(&stage, &postgres).await;
    set(&stage, &clock, BEHIND).await;
    let carrier = stage.outbox(&postgres).start().await;
    is_empty(&postgres).await;
    assert_eq!(stage.stats().await.counter("enqueued"), 4);
    assert_eq!(postgres.sql("SELECT count(*) FROM longshore_outbox"), "0");
    carrier.kill().await;

    // Ahead, by more than Redis knows ids: it cannot be told, so they are held.
    taken_and_left(&stage, &postgres).await;
    set(&stage, &clock, A_DAY_AND_MORE).await;
    let _carrier = stage.outbox(&postgres).start().await;
    is_empty(&postgres).await;
    let held = "SELECT held_code, count(*) FROM longshore_outbox GROUP BY held_code";
    assert_eq!(postgres.sql(held), "tried_long_ago|3");
    let enqueued = stage.stats().await.counter("enqueued");
    assert_eq!(enqueued, 8);
    // What comes now is carried as ever.
    insert(&postgres, 5, "", "");
    is_empty(&postgres).await;
    assert_eq!(stage.stats().await.counter("enqueued"), enqueued + 5);
}
