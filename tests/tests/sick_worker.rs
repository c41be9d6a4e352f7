//! A worker that does not reach the provider harms nobody but itself: no attempt is used, the breaker stays closed as long
//! as others reach it, and it says which host it is.

use std::net::SocketAddr;
use std::time::Duration;

use longshore_client::JobId;
use longshore_email::sandbox::SendGridSandbox;
use longshore_tests::{Stage, Start, Tls, Worker, eventually, outcomes, within};
use serde_json::{Value, json};

/// One of several within this, as the guarantee has it.
const A_MINUTE: Duration = Duration::from_secs(60);

const MAILS: usize = 1000;

/// A port that nobody listens on.
fn closed_port() -> SocketAddr {
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let bound = std::net::TcpListener::bind(anywhere).and_then(|bound| bound.local_addr());
    bound.expect("a free port")
}

/// A breaker that a few failures open.
fn worker(stage: &Stage) -> Start<'_> {
    stage
        .worker()
        .concurrency(20)
        .provider("BREAKER__FAILURES", "5")
        .provider("BREAKER__OPEN_SECONDS", "1")
}

/// How often the breaker has changed: its epoch.
async fn changes_of_breaker(stage: &Stage) -> u64 {
    let mut command = redis::cmd("HGET");
    command.arg(&stage.queue.keys().breakers).arg("sendgrid");
    let state: Option<String> = stage
        .queue
        .link()
        .command(&command)
        .await
        .expect("Redis answers");
    let epoch = state.and_then(|state| state.split(' ').nth(1)?.parse().ok());
    epoch.unwrap_or(0)
}

/// The row of `longshore workers` of the process with this number.
async fn rows(stage: &Stage) -> Vec<Value> {
    let rows = stage.longshore(&["workers", "--json"]).await.json();
    rows.as_array().expect("a list").clone()
}

/// Each job has completed on its first attempt.
async fn burnt_nothing(stage: &Stage, ids: &[JobId]) {
    for id in ids {
        let job = stage.job(*id).await;
        assert_eq!(outcomes(&job), ["completed"], "{id}");
        assert_eq!(job.history[0].entry.attempt, 1, "{id}");
    }
}

async fn good_workers(stage: &Stage) -> Vec<Worker> {
    three(stage, |good| good).await
}

async fn three(stage: &Stage, set: impl Fn(Start<'_>) -> Start<'_>) -> Vec<Worker> {
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(set(worker(stage)).start().await);
    }
    workers
}

/// Three good workers beside a sick one, which begins first, so that the first jobs are its own.
async fn harms_nobody(sick: impl FnOnce(Start<'_>) -> Start<'_>, says: &[&str]) {
    let stage = Stage::set().await;
    harms_none_of(&stage, sick, |good| good, says).await;
}

async fn harms_none_of(
    stage: &Stage,
    sick: impl FnOnce(Start<'_>) -> Start<'_>,
    good: impl Fn(Start<'_>) -> Start<'_>,
    says: &[&str],
) {
    let sick = sick(worker(stage)).start().await;
    let first = stage.enqueue(5).await;
    sick.has_said("not reached from here").await;
    let _good = three(stage, good).await;
    let mut ids = stage.enqueue(MAILS).await;
    ids.extend(first);
    within(A_MINUTE, "all mails are sent", || async {
        stage.stats().await.counter("completed") >= ids.len() as u64
    })
    .await;
    stage.done_once(&ids).await;
    let stats = stage.stats().await;
    assert_eq!((stats.counter("retried"), stats.dead), (0, 0), "{stats:?}");
    burnt_nothing(stage, &ids).await;
    let log = sick.log();
    assert!(!log.contains("reached again from here"), "{log}");
    for word in says {
        assert!(log.contains(word), "{word:?} is not in {log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_port_on_one_of_four_harms_nobody() {
    let stage = Stage::set().await;
    let port = closed_port();
    // They begin together.
    let good = good_workers(&stage).await;
    let sick = worker(&stage)
        .provider("BASE_URL", format!("http://{port}"))
        .start()
        .await;
    let ids = stage.enqueue(MAILS).await;
    within(A_MINUTE, "all mails are sent", || async {
        stage.stats().await.counter("completed") >= MAILS as u64
    })
    .await;
    // One by one, until the sick worker has had one.
    let mut more = Vec::new();
    eventually("the sick worker has met its host", || async {
        sick.says("not reached from here")
    })
    .await;
    more.extend(stage.enqueue(3).await);
    stage.done_once(&[ids, more].concat()).await;
    assert_eq!(changes_of_breaker(&stage).await, 0, "it never opened");
    assert_eq!(stage.stats().await.counter("retried"), 0);

    eventually("it says so", || async {
        let unfit = rows(&stage).await;
        let unfit: Vec<_> = unfit.iter().filter(|row| row["fit"] == false).collect();
        unfit.len() == 1
            && unfit[0]["note"]
                .as_str()
                .is_some_and(|note| note.contains(&port.to_string()))
    })
    .await;
    let queues = stage.longshore(&["queues"]).await;
    assert!(queues.stdout.contains(&port.to_string()), "{queues:?}");
    let (status, text) = sick.get("/readyz").await;
    assert_eq!(status, 503, "it works nothing: {text}");
    assert!(text.contains(&port.to_string()), "{text}");
    let (status, _) = sick.get("/livez").await;
    assert_eq!(status, 200, "waiting is progress");
    let (_, metrics) = sick.get("/metrics").await;
    let gauge = r#"longshore_not_reached{queue="email",provider="sendgrid"} 1"#;
    assert!(metrics.contains(gauge), "{metrics}");
    drop(good);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_leads_nowhere_on_one_of_four_harms_nobody() {
    let away = "https://sendgrid.invalid";
    harms_nobody(
        |sick| sick.provider("BASE_URL", away),
        &["sendgrid.invalid:443"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_that_fails_on_one_of_four_harms_nobody() {
    let stage = Stage::set().await;
    // Somebody is there, and speaks no TLS that can be trusted.
    let away = stage.sendgrid.origin().replace("http://", "https://");
    harms_nobody(|sick| sick.provider("BASE_URL", away), &["127.0.0.1"]).await;
}

/// The provider's certificate comes from an authority that one machine has not heard of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_untrusted_authority_on_one_of_four_harms_nobody() {
    let stage = Stage::set().await;
    let tls = Tls::before(&stage.sendgrid.origin()).await;
    let certificate = tls.certificate(stage.dir()).display().to_string();
    harms_none_of(
        &stage,
        |sick| sick.provider("BASE_URL", tls.origin()),
        |good| {
            let good = good.provider("BASE_URL", tls.origin());
            good.env("SSL_CERT_FILE", certificate.clone())
        },
        &["localhost", "UnknownIssuer"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_descriptors_on_one_of_four_harm_nobody() {
    let stage = Stage::set().await;
    let _sick = worker(&stage)
        .concurrency(100)
        .descriptors(40)
        .start()
        .await;
    let _good = good_workers(&stage).await;
    let ids = stage.enqueue(MAILS).await;
    stage.done_once(&ids).await;
    assert_eq!(changes_of_breaker(&stage).await, 0, "it never opened");
    assert_eq!(stage.stats().await.counter("retried"), 0);
}

/// On the only worker, and on all of them, it is the provider's trouble as far as can be told.
async fn opens_and_recovers(workers: usize) {
    let mut stage = Stage::set().await;
    let port = closed_port();
    let mut running = Vec::new();
    for _ in 0..workers {
        let start = worker(&stage).provider("BASE_URL", format!("http://{port}"));
        running.push(start.start().await);
    }
    let ids = stage.enqueue(30).await;
    eventually("the breaker opens", || async {
        changes_of_breaker(&stage).await > 0
    })
    .await;
    for worker in &running {
        worker.has_said("not reached from here").await;
    }
    let stats = stage.stats().await;
    assert_eq!((stats.counter("retried"), stats.dead), (0, 0), "{stats:?}");
    let back = SendGridSandbox::start_with(port, stage.ledger().clone()).await;
    stage.sendgrid = back.expect("the port is still free");
    stage.done_once(&ids).await;
    burnt_nothing(&stage, &ids).await;
    eventually("all are well again", || async {
        rows(&stage)
            .await
            .iter()
            .all(|row| row["fit"] == json!(true))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_worker_opens_the_breaker_and_burns_nothing() {
    opens_and_recovers(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_workers_open_the_breaker_and_burn_nothing() {
    opens_and_recovers(2).await;
}
