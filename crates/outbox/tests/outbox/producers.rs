//! What producers write: in a transaction of either driver, and by a plain INSERT.

use std::time::{Duration, SystemTime};

use longshore_email::SendEmail;
use longshore_job::{JobId, Priority};
use longshore_outbox::{OutboxError, OutboxTable, SCHEMA, enqueue};
use longshore_queue::JobState;
use sqlx::{Connection, PgConnection};
use tokio_postgres::NoTls;

use crate::Stage;

fn mail(to: &str) -> SendEmail {
    SendEmail::new("welcome", to)
}

#[tokio::test]
async fn a_job_commits_with_the_transaction_of_sqlx_or_is_rolled_back_with_it() {
    let stage = Stage::new();
    let mut connection = PgConnection::connect(&stage.postgres.url())
        .await
        .expect("connects");

    let mut tx = connection.begin().await.expect("begins");
    let gone = enqueue(&mut tx, mail("gone@example.com")).await;
    tx.rollback().await.expect("rolls back");

    let mut tx = connection.begin().await.expect("begins");
    // What is refused costs nothing but an answer: the transaction goes on.
    let refused = enqueue(&mut tx, mail("no address")).await;
    assert!(
        matches!(refused, Err(OutboxError::Refused(_))),
        "{refused:?}"
    );
    let no_key = enqueue(&mut tx, mail("ada@example.com")).key("").await;
    assert!(matches!(no_key, Err(OutboxError::Refused(_))), "{no_key:?}");
    let nul = enqueue(&mut tx, mail("ada@example.com")).key("a\0b").await;
    assert!(matches!(nul, Err(OutboxError::Refused(_))), "{nul:?}");
    let now = enqueue(&mut tx, mail("ada@example.com"))
        .key("welcome-17")
        .priority(Priority::High)
        .tenant("shop 7")
        .tag("spring")
        .tag("first")
        .await
        .expect("enqueues");
    let in_a_day = enqueue(&mut *tx, mail("grace@example.com"))
        .delay(Duration::from_secs(86_400))
        .expires_in(Duration::from_secs(90_000))
        .await
        .expect("enqueues");
    let at = SystemTime::now() + Duration::from_secs(3600);
    // It is a row whose `expires_in` is shorter than its delay.
    let at_a_time = enqueue(&mut tx, mail("joan@example.com"))
        .at(at)
        .expires_at(at + Duration::from_secs(60))
        .await
        .expect("enqueues");
    tx.commit().await.expect("commits");

    let carrier = stage.carry().await;
    stage.until_all_carried().await;
    assert!(
        stage
            .job("email", gone.expect("was written"))
            .await
            .is_none()
    );
    let job = stage.job("email", now).await.expect("is there");
    assert_eq!(job.state, JobState::Pending);
    assert_eq!(job.idempotency_key.as_deref(), Some("welcome-17"));
    assert_eq!(job.lane.priority, Priority::High);
    assert_eq!(job.lane.tenant.as_deref(), Some("shop 7"));
    assert_eq!(job.tags, ["spring", "first"]);
    let redis_now = stage.queue("email").now_ms().await.expect("has a clock");
    for (id, due) in [(in_a_day, 86_400), (at_a_time, 3600)] {
        let job = stage.job("email", id).await.expect("is there");
        assert_eq!(job.state, JobState::Scheduled);
        let next = job.next_run_at_ms.expect("is due once");
        let seconds = (next - redis_now) / 1000;
        assert!((due - 30..=due).contains(&seconds), "{seconds}");
    }
    let fields = stage.queue("email").fields_of(&at_a_time.into()).await;
    let fields = fields.expect("asks");
    let time = |name: &str| fields[name].parse::<u64>().expect("a time");
    assert_eq!(time("exp") - time("due"), 60_000);
    assert_eq!(stage.enqueued("email").await, 3);
    carrier.stop().await;
}

#[tokio::test]
async fn a_job_commits_with_the_transaction_of_tokio_postgres_and_in_a_table_of_another_name() {
    let stage = Stage::new();
    let table: OutboxTable = "app.jobs".parse().expect("good");
    stage.sql("CREATE SCHEMA app");
    let schema = table.schema();
    stage.sql(&format!("BEGIN; {schema}; COMMIT"));
    let (mut client, connection) = tokio_postgres::connect(&stage.postgres.url(), NoTls)
        .await
        .expect("connects");
    tokio::spawn(connection);
    for commit in [false, true] {
        let mut tx = client.transaction().await.expect("begins");
        let plain = enqueue(&mut tx, mail("ada@example.com")).key("a").tag("t");
        plain.await.expect("enqueues");
        table
            .enqueue(&mut tx, mail("ada@example.com"))
            .delay(Duration::from_secs(60))
            .await
            .expect("enqueues");
        match commit {
            true => tx.commit().await.expect("commits"),
            false => tx.rollback().await.expect("rolls back"),
        }
    }
    let of =
        |table: &str| format!("SELECT count(*), min(key), min(tags::text), min(kind) FROM {table}");
    assert_eq!(stage.sql(&of("longshore_outbox")), "1|a|{t}|send_email");
    assert_eq!(stage.sql(&of("app.jobs")), "1||{}|send_email");
}

#[tokio::test]
async fn any_language_enqueues_by_an_insert() {
    let stage = Stage::new();
    // As a migration that is run twice does.
    stage.sql(SCHEMA);
    let before = SystemTime::now() - Duration::from_secs(1);
    let carrier = stage.carry().await;
    let plain = stage.insert_mail("ada@example.com");
    let since = before
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    let made = u128::from(plain.timestamp_ms());
    assert!(made >= since.as_millis() && made < since.as_millis() + 120_000);
    let own: JobId = "01JD2Z5V9GQ8X0T6M3K7W4R1YB".parse().expect("an id");
    stage.sql(&format!(
        "INSERT INTO longshore_outbox (id, kind, args, due_at, expires_in, priority, tenant, tags, traceparent) VALUES ('{own}', \
         'geocode_address', '{{\"address\":\"Karl Johans gate 1, Oslo\"}}', now() + interval '1 hour', interval '2 hours', 'low', 'k', \
         '{{a,b}}', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')"
    ));
    stage.until_all_carried().await;
    let job = stage.job("email", plain).await.expect("is there");
    assert_eq!(
        (job.state, job.kind().as_deref()),
        (JobState::Pending, Some("send_email"))
    );
    let job = stage.job("geocode", own).await.expect("is there");
    assert_eq!(job.state, JobState::Scheduled);
    assert_eq!((job.lane.priority, job.tags.len()), (Priority::Low, 2));
    let trace = job.traceparent.expect("has one");
    assert!(
        trace.contains("4bf92f3577b34da6a3ce929d0e0e4736"),
        "{trace}"
    );
    carrier.stop().await;

    // All ids differ, and a later one is greater than one of an earlier millisecond.
    let made = stage.sql("SELECT count(DISTINCT longshore_ulid()) FROM generate_series(1, 5000)");
    assert_eq!(made, "5000");
    let first = stage.sql("SELECT longshore_ulid()");
    let second = stage.sql("SELECT longshore_ulid()");
    assert!(second > first, "{first} {second}");
}

#[tokio::test]
async fn what_can_be_no_job_is_refused_by_the_table() {
    let stage = Stage::new();
    let mail = r#"'send_email', '{"template":"welcome","to":{"email":"ada@example.com"}}'"#;
    for (column, value, named) in [
        ("key", "''", "key_has_1_to_256_bytes"),
        ("priority", "'urgent'", "priority_is_known"),
        (
            "expires_in",
            "interval '-1 second'",
            "expires_in_is_positive",
        ),
        ("v", "0", "v_is_positive"),
        ("id", "'01jd2z5v9gq8x0t6m3k7w4r1yb'", "id_is_a_ulid"),
    ] {
        let (client, connection) = tokio_postgres::connect(&stage.postgres.url(), NoTls)
            .await
            .expect("connects");
        tokio::spawn(connection);
        let sql =
            format!("INSERT INTO longshore_outbox (kind, args, {column}) VALUES ({mail}, {value})");
        let refused = client.batch_execute(&sql).await.expect_err(column);
        let said = refused.as_db_error().expect("says why").to_string();
        assert!(said.contains(named), "{said}");
    }
}
