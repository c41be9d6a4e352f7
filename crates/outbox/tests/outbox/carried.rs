//! Rows that are carried: each once, whatever dies in between.

use std::time::Duration;

use longshore_queue::{JobState, Lease, WorkerFacts, WorkerId};
use longshore_tests::eventually;

use crate::Stage;

#[tokio::test]
async fn two_carriers_share_a_table_and_each_row_is_carried_once() {
    let stage = Stage::new();
    let first = stage.carry().await;
    let second = stage.carry().await;
    stage.sql(
        "INSERT INTO longshore_outbox (kind, args) SELECT 'send_email', \
         json_build_object('template', 'welcome', 'to', json_build_object('email', n || '@example.com'), 'data', json_build_object()) \
         FROM generate_series(1, 1500) AS n",
    );
    stage.until_all_carried().await;
    assert_eq!(stage.enqueued("email").await, 1500);
    first.stop().await;
    second.stop().await;
    assert_eq!(stage.sql("SELECT count(*) FROM longshore_outbox"), "0");
}

#[tokio::test]
async fn a_row_that_was_enqueued_and_not_deleted_is_carried_no_second_time() {
    let stage = Stage::new();
    // What a carrier leaves behind that dies between Redis and its commit.
    stage.sql("CREATE TABLE kept AS SELECT * FROM longshore_outbox WITH NO DATA");
    stage.sql(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO kept SELECT OLD.*; RETURN OLD; END $$; \
         CREATE TRIGGER keep BEFORE DELETE ON longshore_outbox FOR EACH ROW EXECUTE FUNCTION keep()",
    );
    let carrier = stage.carry().await;
    let id = stage.insert_mail("ada@example.com");
    stage.until_all_carried().await;
    // Nothing is left of the job, as after its retention.
    let keys = stage.queue("email").keys().clone();
    for key in [&keys.data, &keys.active] {
        let mut del = redis::cmd("DEL");
        del.arg(key);
        let _: u8 = stage.link.command(&del).await.expect("deletes");
    }
    stage.sql("INSERT INTO longshore_outbox OVERRIDING SYSTEM VALUE SELECT * FROM kept WHERE tried_ms IS NOT NULL");
    stage.sql("NOTIFY longshore_outbox");
    stage.until_all_carried().await;
    assert_eq!(stage.enqueued("email").await, 1);
    assert!(stage.job("email", id).await.is_none());
    assert_eq!(
        stage.sql("SELECT count(*) FROM kept"),
        "2",
        "it was carried twice"
    );
    carrier.stop().await;
}

#[tokio::test]
async fn while_redis_is_away_nothing_is_tried_and_all_is_carried_later() {
    let mut stage = Stage::new();
    let carrier = stage.carry().await;
    stage.redis.kill();
    let id = stage.insert_mail("ada@example.com");
    stage.sql("UPDATE longshore_outbox SET created_at = created_at - interval '26 hours'");
    // Longer than the first pauses: it was asked for more than once.
    let tried =
        "SELECT count(*) FROM longshore_outbox WHERE tried_ms IS NOT NULL OR held_at IS NOT NULL";
    let since = std::time::Instant::now();
    longshore_tests::gone_by(Duration::from_secs(2), since).await;
    assert_eq!(stage.sql(tried), "0");
    stage.redis.restart().expect("starts again");
    stage.until_all_carried().await;
    assert_eq!(stage.sql("SELECT count(*) FROM longshore_outbox"), "0");
    let job = stage.job("email", id).await.expect("is there");
    assert_eq!(job.state, JobState::Pending);
    carrier.stop().await;
}

#[tokio::test]
async fn postgres_may_be_away_at_the_start_and_be_killed_meanwhile() {
    let mut stage = Stage::new();
    stage.postgres.kill();
    let carrier = stage.carry().await;
    stage.postgres.restart().expect("starts again");
    let first = stage.insert_mail("ada@example.com");
    stage.until_all_carried().await;
    stage.postgres.restart().expect("starts again");
    let second = stage.insert_mail("grace@example.com");
    stage.until_all_carried().await;
    for id in [first, second] {
        assert!(stage.job("email", id).await.is_some());
    }
    assert_eq!(stage.enqueued("email").await, 2);
    carrier.stop().await;
}

#[tokio::test]
async fn a_job_that_waited_in_the_table_is_no_younger_for_it() {
    let stage = Stage::new();
    let args = r#"{"template":"password_reset","to":{"email":"ada@example.com"},"data":{}}"#;
    let id = stage.insert(
        "kind, args, created_at",
        &format!("'send_email', '{args}', now() - interval '20 minutes'"),
    );
    let carrier = stage.carry().await;
    stage.until_all_carried().await;
    // Half an hour from the insert.
    let queue = stage.queue("email");
    let lease = Lease::new(WorkerId::generate("w"));
    let stale = Duration::from_secs(10);
    queue.join(&lease, stale).await.expect("joins");
    let claimed = queue.claim(&lease, 1, None).await.expect("claims").jobs;
    assert_eq!(claimed[0].id.to_string(), id.to_string());
    let expires = claimed[0].expires_at_ms.expect("expires");
    let left = expires - claimed[0].claimed_at_ms;
    assert!((540_000..=600_000).contains(&left), "{left}");
    carrier.stop().await;
}

#[tokio::test]
async fn one_queue_that_takes_no_more_holds_up_no_other() {
    let stage = Stage::new();
    // The queue is of another layout: neither read nor written.
    let mut spoil = redis::cmd("HSET");
    spoil
        .arg(&stage.queue("email").keys().timeline)
        .arg("nonce")
        .arg("n")
        .arg("layout")
        .arg("77");
    let _: u8 = stage.link.command(&spoil).await.expect("writes");
    let carrier = stage.carry().await;
    let mail = r#"'send_email', '{"template":"welcome","to":{"email":"a@example.com"},"data":{}}'"#;
    stage.sql(&format!(
        "INSERT INTO longshore_outbox (kind, args) SELECT {mail} FROM generate_series(1, 300)"
    ));
    let args = r#"{"address":"Karl Johans gate 1, Oslo"}"#;
    let id = stage.insert("kind, args", &format!("'geocode_address', '{args}'"));
    eventually("the other queue has its job", || async {
        stage.job("geocode", id).await.is_some()
    })
    .await;
    // Its row goes a moment after Redis has its job.
    let left = "SELECT count(*), count(held_at) FROM longshore_outbox";
    eventually("all others wait", || async { stage.sql(left) == "300|0" }).await;
    carrier.stop().await;
}

#[tokio::test]
async fn a_queue_with_room_for_some_takes_some_and_the_others_were_never_tried() {
    let stage = Stage::new();
    let queue = stage.queue("email").with_max_waiting(Some(70));
    let lease = Lease::new(WorkerId::generate("w"));
    let stale = Duration::from_secs(10);
    queue.join(&lease, stale).await.expect("joins");
    let facts = WorkerFacts::default();
    assert!(queue.announce(&lease, &facts).await.expect("says"));
    let mail = r#"'send_email', '{"template":"welcome","to":{"email":"a@example.com"},"data":{}}'"#;
    stage.sql(&format!(
        "INSERT INTO longshore_outbox (kind, args) SELECT {mail} FROM generate_series(1, 120)"
    ));
    let carrier = stage.carry().await;
    let left = "SELECT count(*), count(tried_ms) FROM longshore_outbox";
    eventually(
        "what there is room for is carried, and no other was tried",
        || async { stage.sql(left) == "50|0" },
    )
    .await;
    assert_eq!(stage.enqueued("email").await, 70);
    // There is room again.
    for claimed in queue.claim(&lease, 60, None).await.expect("claims").jobs {
        assert!(claimed.payload.is_some());
    }
    stage.until_all_carried().await;
    assert_eq!(stage.enqueued("email").await, 120);
    carrier.stop().await;
}
