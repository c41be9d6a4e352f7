//! Jobs that commit with the app's own data in Postgres: carriers, Postgres and Redis die at each point of a row's way, and
//! each job is done once.

mod topologies;

use std::time::{Duration, Instant};

use longshore_client::{JobId, JobState};
use longshore_outbox::SCHEMA;
use longshore_sandbox::PostgresServer;
use longshore_tests::{Dice, Stage, Trouble, Wire, eventually, gone_by};

fn postgres() -> PostgresServer {
    let postgres = PostgresServer::start().expect("a private Postgres starts");
    postgres.sql(SCHEMA);
    postgres
}

/// Rows for mails to so many addresses, from this number on.
fn insert(postgres: &PostgresServer, from: usize, count: usize) -> Vec<JobId> {
    let to = from + count - 1;
    let ids = postgres.sql(&format!(
        "INSERT INTO longshore_outbox (kind, args) SELECT 'send_email', json_build_object('template', 'welcome', \
         'to', json_build_object('email', n || '@example.com'), 'data', json_build_object()) \
         FROM generate_series({from}, {to}) AS n RETURNING id"
    ));
    ids.lines().map(|id| id.parse().expect("an id")).collect()
}

fn rows(postgres: &PostgresServer) -> String {
    postgres.sql("SELECT count(*) FROM longshore_outbox")
}

/// What this statement does to a row takes until the statement is ended.
fn hold_up(postgres: &PostgresServer, event: &str) {
    postgres.sql(&format!(
        "CREATE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(50); RETURN coalesce(NEW, OLD); END $$; \
         CREATE TRIGGER hold_up BEFORE {event} ON longshore_outbox FOR EACH ROW EXECUTE FUNCTION hold_up()"
    ));
}

async fn is_held_up(postgres: &PostgresServer) {
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    eventually("the statement is held up", || async {
        postgres.sql(sleeping) == "1"
    })
    .await;
}

/// Ends what a killed carrier has left behind in Postgres: a statement that nobody waits for.
fn let_go(postgres: &PostgresServer) {
    let ended = postgres.sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'longshore outbox'",
    );
    assert_eq!(ended, "1");
    postgres.sql("DROP TRIGGER hold_up ON longshore_outbox");
}

/// Another carrier comes, and each job is done once.
async fn ends(stage: &Stage, postgres: &PostgresServer, ids: &[JobId]) {
    let _carrier = stage.outbox(postgres).start().await;
    let _worker = stage.worker().start().await;
    eventually("no row is left", || async { rows(postgres) == "0" }).await;
    stage.done_once(ids).await;
    assert_eq!(stage.stats().await.counter("enqueued"), ids.len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_it_noted_that_it_tries() {
    let (stage, postgres) = (Stage::set().await, postgres());
    hold_up(&postgres, "UPDATE");
    let carrier = stage.outbox(&postgres).start().await;
    let ids = insert(&postgres, 1, 1);
    is_held_up(&postgres).await;
    carrier.kill().await;
    let_go(&postgres);
    assert_eq!(stage.stats().await.counter("enqueued"), 0);
    ends(&stage, &postgres, &ids).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_its_note_and_redis() {
    let (stage, postgres) = (Stage::set().await, postgres());
    let wire = Wire::to(stage.redis.port()).await;
    wire.trouble(Wire::CARRY, Trouble::CutBefore, usize::MAX);
    let carrier = stage.outbox(&postgres).by(wire.url()).start().await;
    let ids = insert(&postgres, 1, 3);
    eventually("it tried", || async { wire.met() > 0 }).await;
    let noted = "SELECT count(*) FROM longshore_outbox WHERE tried_ms > 0";
    assert_eq!(postgres.sql(noted), "3");
    carrier.kill().await;
    assert_eq!(stage.stats().await.counter("enqueued"), 0);
    ends(&stage, &postgres, &ids).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_it_heard_that_redis_took_them() {
    let (stage, postgres) = (Stage::set().await, postgres());
    let wire = Wire::to(stage.redis.port()).await;
    let carrier = stage.outbox(&postgres).by(wire.url()).start().await;
    // The first has Redis load the script.
    let first = insert(&postgres, 1, 1);
    eventually("it is carried", || async { rows(&postgres) == "0" }).await;
    wire.trouble(Wire::CARRY, Trouble::CutAfter, usize::MAX);
    let ids = [first, insert(&postgres, 2, 3)].concat();
    eventually("Redis took them", || async {
        stage.stats().await.counter("enqueued") == 4 && wire.met() > 0
    })
    .await;
    carrier.kill().await;
    assert_eq!(rows(&postgres), "3");
    ends(&stage, &postgres, &ids).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_between_redis_and_its_commit_and_the_jobs_are_done_meanwhile() {
    let (stage, postgres) = (Stage::set().await, postgres());
    hold_up(&postgres, "DELETE");
    let carrier = stage.outbox(&postgres).start().await;
    let ids = insert(&postgres, 1, 1);
    is_held_up(&postgres).await;
    let worker = stage.worker().start().await;
    stage.is(ids[0], JobState::Completed).await;
    carrier.kill().await;
    let_go(&postgres);
    assert_eq!(rows(&postgres), "1");
    // Nothing is known of the job any more but that it was carried.
    let keys = stage.queue.keys();
    for key in [&keys.completions, &keys.completed, &keys.data] {
        let mut delete = redis::cmd("DEL");
        delete.arg(key);
        let _: u8 = stage.queue.link().command(&delete).await.expect("deletes");
    }
    drop(worker);
    let _carrier = stage.outbox(&postgres).start().await;
    eventually("no row is left", || async { rows(&postgres) == "0" }).await;
    let stats = stage.stats().await;
    assert_eq!((stats.pending, stats.counter("enqueued")), (0, 1));
    assert_eq!(stage.effects(ids[0]), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frozen_between_redis_and_its_commit_it_holds_up_nobody_and_doubles_nothing() {
    let (stage, postgres) = (Stage::set().await, postgres());
    let wire = Wire::to(stage.redis.port()).await;
    let frozen = stage.outbox(&postgres).by(wire.url()).start().await;
    frozen.freeze();
    let first = insert(&postgres, 1, 20);
    let _other = stage.outbox(&postgres).start().await;
    eventually("the other carries", || async { rows(&postgres) == "0" }).await;
    frozen.thaw();
    let second = insert(&postgres, 21, 20);
    let ids = [first, second].concat();
    ends(&stage, &postgres, &ids).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_carriers_are_killed_and_postgres_and_redis_restart_under_load() {
    let (mut stage, mut postgres) = (Stage::set().await, postgres());
    let mut dice = Dice::new();
    let mut ids = Vec::new();
    let mut carriers = vec![
        stage.outbox(&postgres).start().await,
        stage.outbox(&postgres).start().await,
    ];
    for round in 0..10 {
        ids.extend(insert(&postgres, ids.len() + 1, 120));
        let rolled_back = format!(
            "BEGIN; INSERT INTO longshore_outbox (kind, args) VALUES ('send_email', '{{\"round\":{round}}}'); ROLLBACK"
        );
        postgres.sql(&rolled_back);
        let since = Instant::now();
        gone_by(Duration::from_millis(dice.roll(200) as u64), since).await;
        match round {
            3 | 7 => postgres.restart().expect("starts again"),
            5 => stage.redis.restart().expect("starts again"),
            _ => {
                let killed = carriers.remove(0);
                killed.kill().await;
                carriers.push(stage.outbox(&postgres).start().await);
            }
        }
    }
    ends(&stage, &postgres, &ids).await;
    let mut left = carriers.remove(1);
    left.stop();
    assert_eq!(left.left_within(Duration::from_secs(10)).await, 0);
    assert!(left.says("drained"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_is_shown_and_let_go_by_an_operator() {
    let (stage, postgres) = (Stage::set().await, postgres());
    let url = postgres.url();
    let env = [("LONGSHORE_OUTBOX__DATABASE_URL", url.as_str())];
    let schema = stage.longshore_with(&["outbox", "schema"], &[]).await;
    assert_eq!(schema.stdout, SCHEMA);
    let none = stage.longshore_with(&["outbox", "held"], &env).await;
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), ""));

    let insert =
        "INSERT INTO longshore_outbox (kind, args) VALUES ('send_email', '{}') RETURNING id";
    let (mended, other) = (postgres.sql(insert), postgres.sql(insert));
    let carrier = stage.outbox(&postgres).start().await;
    eventually("they are held", || async {
        let held = stage
            .longshore_with(&["outbox", "held", "--json"], &env)
            .await;
        held.json().as_array().is_some_and(|rows| rows.len() == 2)
    })
    .await;
    let held = stage
        .longshore_with(&["outbox", "held", "--json"], &env)
        .await
        .json();
    assert_eq!(held[0]["id"], other.as_str());
    assert_eq!(
        (&held[1]["code"], &held[1]["kind"]),
        (&"args".into(), &"send_email".into())
    );
    eventually("metrics and health tell of them", || async {
        let (_, text) = longshore_tests::http::get(carrier.private_addr(), "/metrics").await;
        text.contains("longshore_outbox_held{code=\"args\"} 2")
    })
    .await;
    let (ready, _) = longshore_tests::http::get(carrier.private_addr(), "/readyz").await;
    assert_eq!(ready, 200);

    let unknown = stage
        .longshore_with(&["outbox", "retry", "nobody", "--reason", "r"], &env)
        .await;
    assert_eq!(unknown.code, Some(1), "{}", unknown.stderr);
    let args = r#"{"template":"welcome","to":{"email":"ada@example.com"},"data":{}}"#;
    postgres.sql(&format!(
        "UPDATE longshore_outbox SET args = '{args}' WHERE id = '{mended}'"
    ));
    let retried = stage
        .longshore_with(&["outbox", "retry", &mended, "--reason", "mended"], &env)
        .await;
    assert_eq!(retried.code, Some(0), "{}", retried.stderr);
    assert!(retried.stdout.contains("waits again"), "{}", retried.stdout);
    let discarded = ["outbox", "discard", &other, "--reason", "sent by hand"];
    let unasked = stage.longshore_with(&discarded, &env).await;
    assert_eq!(unasked.code, Some(2), "{}", unasked.stderr);
    let discarded = [&discarded[..], &["--yes"]].concat();
    let discarded = stage.longshore_with(&discarded, &env).await;
    assert_eq!(discarded.code, Some(0), "{}", discarded.stderr);
    eventually("no row is left", || async { rows(&postgres) == "0" }).await;
    let audit = stage.longshore_with(&["audit", "--json"], &[]).await.json();
    let actions = audit
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row["action"].as_str());
    let actions: Vec<_> = actions.flatten().collect();
    assert_eq!(actions, ["outbox_retry", "outbox_discard"]);
}
