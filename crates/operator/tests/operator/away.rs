//! A cluster, one primary of which hangs and is then gone: what is seen of the queues of the others.

use std::time::{Duration, Instant};

use longshore_job::Person;
use longshore_operator::{
    AuditQuery, Concern, ConfiguredFleet, Filter, JobQuery, Operator, OperatorError, QueueRow,
};
use longshore_queue::{Address, JobFilter, Link, LinkOptions, Queue};
use longshore_sandbox::RedisCluster;

use crate::NOBODY;
use crate::bench::{bury, enqueue, info, kari};

/// Longer than one queue is waited for, and shorter than two would take one after the other.
const ONE_WAIT: Duration = Duration::from_secs(5);

fn away(rows: &[QueueRow]) -> Vec<&str> {
    let away = rows.iter().filter(|row| row.away.is_some());
    away.map(|row| row.queue.as_str()).collect()
}

/// Whatever lists several queues lists the others.
async fn all_views(operator: &Operator) {
    let is_email = |queue: &str| queue == "email";
    let groups = operator.groups(None).await.expect("lists");
    assert!(
        groups
            .iter()
            .any(|row| is_email(&row.queue) && row.count == 1)
    );
    assert_eq!(groups.iter().filter(|row| row.broken.is_some()).count(), 1);
    let all = Filter {
        limit: 9,
        ..Filter::default()
    };
    let letters = operator.letters(&all).await.expect("lists");
    assert_eq!(letters.len(), 2, "one, and the queue that is away");
    let person = Person::parse("ada@example.com").expect("an address");
    let query = JobQuery {
        person: Some(&person),
        limit: 9,
        ..JobQuery::default()
    };
    let mut looked = 0;
    let jobs = operator
        .jobs(&query, |now| looked = now)
        .await
        .expect("lists");
    assert_eq!((jobs.len(), looked), (4, 3), "{jobs:?}");
    let found = operator.preview_forget(&person, "ada@example.com", |_| {});
    let found = found.await.expect("looks");
    assert_eq!(found.jobs, 3);
    assert_eq!(
        found
            .found
            .iter()
            .filter(|row| row.broken.is_some())
            .count(),
        1
    );
    let filter = JobFilter::default();
    let page = operator.job_page("geocode", &filter, None);
    let why = page.await.expect("is told").broken.expect("is away");
    assert!(why.contains("is away"), "{why}");
    operator.check_layouts().await.expect("are looked at");
    assert_eq!(operator.operations().await.expect("lists").len(), 1);
    assert_eq!(operator.replays().await.expect("lists").len(), 1);
    assert_eq!(operator.workers().await.expect("lists").len(), 2);
    let audit = operator.audit_page(&AuditQuery::default(), None, 9).await;
    assert!(
        audit
            .expect("lists")
            .rows
            .iter()
            .any(|row| row.queue == "email")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_is_away_hides_no_other_queue() {
    let mut cluster = RedisCluster::start(3).expect("a cluster");
    let at = Address::new(cluster.urls()).of_cluster();
    let link = Link::open_later(at, LinkOptions::default()).expect("a good address");
    let names = ["geocode", "email", "sms"];
    let operator = Operator::new(&link, "longshore", names.map(info).to_vec()).expect("good names");
    let queue = |name| Queue::new(link.clone(), "longshore", name).expect("good names");
    let ids = enqueue(&queue("email"), 1).await;
    enqueue(&queue("sms"), 1).await;
    enqueue(&queue("geocode"), 1).await;
    bury(&queue("email"), 1, "no").await;
    operator.pause("email", &kari()).await.expect("pauses");

    // That of `geocode`.
    let hangs = cluster.nodes[0].url().replace("redis://", "");
    cluster.nodes[0].pause().expect("it runs");
    let began = Instant::now();
    let rows = operator.queues().await.expect("lists");
    assert!(began.elapsed() < ONE_WAIT, "{:?}", began.elapsed());
    assert_eq!(away(&rows), ["geocode"]);
    let row = rows[0].away.as_ref().expect("is away");
    assert_eq!(row.server, hangs.trim_end_matches('/'));
    assert!(row.cure.contains("no replica"), "{row:?}");
    assert_eq!((rows[1].pending, rows[1].dead), (1, 1), "as before");

    cluster.nodes[0].resume().expect("it runs");
    cluster.nodes[0].kill();
    let began = Instant::now();
    all_views(&operator).await;
    let look = operator.overview(&ConfiguredFleet::default()).await;
    let look = look.expect("looks");
    assert_eq!(look.queues.len(), 3);
    let concerns: Vec<_> = look.attention.iter().map(|row| row.concern).collect();
    assert!(concerns.contains(&Concern::PrimaryAway), "{concerns:?}");
    assert!(began.elapsed() < ONE_WAIT, "{:?}", began.elapsed());

    let found = operator.job(&ids[0], None).await.expect("is found");
    assert_eq!(found.queue, "email");
    let unknown = operator
        .job(NOBODY, None)
        .await
        .expect_err("it may be there");
    assert!(matches!(unknown, OperatorError::Queue(error) if error.is_outage()));
    operator
        .pause("geocode", &kari())
        .await
        .expect_err("is away");

    for node in &mut cluster.nodes[1..] {
        node.kill();
    }
    let error = operator.queues().await.expect_err("all are away");
    assert!(matches!(error, OperatorError::Queue(error) if error.is_outage()));
}
