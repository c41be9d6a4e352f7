//! Errors reach Sentry: by cause, counted, and without a word about people.

use std::time::{Duration, Instant};

use longshore_client::JobState;
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Kent, Receiver, Stage, eventually};
use serde_json::{Value, json};

const DSN: &str = "PROVIDERS__SENTRY__DSN";

/// Unavailable, and quoting the recipient.
fn unavailable() -> FaultRule {
    FaultRule::always(Fault::Answer {
        status: 503,
        headers: Default::default(),
        body: Some(json!({"errors": [{"message": "customer0@example.com"}]}).to_string()),
        effect: false,
    })
}

fn answers(status: u16) -> FaultRule {
    FaultRule::always(Fault::Answer {
        status,
        headers: Default::default(),
        body: None,
        effect: false,
    })
}

/// Refuses the mail for this field.
fn refuses(field: &str) -> FaultRule {
    let complaint = json!({"errors": [{"message": "It is not right.", "field": field}]});
    FaultRule::always(Fault::Answer {
        status: 400,
        headers: Default::default(),
        body: Some(complaint.to_string()),
        effect: false,
    })
}

/// The clock is moved over the waits of the retry schedule.
async fn dead(stage: &Stage, count: u64) {
    eventually("the jobs are dead", || async {
        stage.back_date().await;
        stage.stats().await.dead >= count
    })
    .await;
}

/// A payload that is none, as some other program might push it.
async fn push_garbage(stage: &Stage, id: &str) {
    let keys = stage.queue.keys();
    let mut data = redis::cmd("HSET");
    data.arg(&keys.data).arg(id).arg("Ada <ada@example.com>");
    let mut list = redis::cmd("LPUSH");
    list.arg(&keys.active).arg(id);
    for command in [data, list] {
        let _: u64 = stage.queue.link().command(&command).await.expect("pushed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_of_one_cause_are_one_trouble() {
    let (stage, kent) = (Stage::set().await, Kent::start().await);
    let mut worker = stage.worker().set(DSN, kent.dsn()).start().await;
    stage.faults([unavailable()]);
    let ids = stage.enqueue(7).await;
    dead(&stage, 7).await;
    // The first is told at once, the others when their minute, or the process, ends.
    assert_eq!(kent.has(1).await[0]["body"]["extra"]["count"], 1);
    worker.stop();
    assert_eq!(worker.left_within(Duration::from_secs(15)).await, 0);

    let events = kent.events().await;
    assert_eq!(events.len(), 2, "{events:?}");
    let groups = stage.longshore(&["dead", "groups", "--json"]).await.json();
    let count = |event: &Value| event["body"]["extra"]["count"].as_u64();
    assert_eq!(events.iter().filter_map(count).sum::<u64>(), 7);
    for event in &events {
        assert_eq!(event["header"]["type"], "event");
        let body = &event["body"];
        assert_eq!(body["fingerprint"], json!([groups[0]["group"]]));
        assert_eq!(body["release"], "longshore@0.1.0");
        let tags = &body["tags"];
        for (tag, value) in [
            ("kind", "send_email"),
            ("queue", "email"),
            ("provider", "sendgrid"),
            ("class", "failed"),
            ("status", "503"),
            ("attempt", "4"),
        ] {
            assert_eq!(tags[tag], value, "{body}");
        }
        let id = tags["job_id"].as_str().expect("an id");
        assert!(ids.iter().any(|job| job.to_string() == id), "{id}");
        // Neither args, nor what the provider quotes of them, nor where this runs.
        let text = body.to_string();
        for word in ["customer", "@example", "welcome", "server_name", "user"] {
            assert!(!text.contains(word), "{word} is in {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_refusals_that_are_our_own_mistake_are_told() {
    let (stage, kent) = (Stage::set().await, Kent::start().await);
    let mut worker = stage.worker().set(DSN, kent.dsn()).start().await;
    // The user's: an address that is none.
    stage.faults([refuses("personalizations.0.to.0.email")]);
    stage.enqueue(3).await;
    dead(&stage, 3).await;
    // Ours: SendGrid does not know the template that we have for it.
    stage.faults([refuses("template_id")]);
    stage.enqueue(1).await;
    push_garbage(&stage, "ada@example.com").await;
    dead(&stage, 5).await;
    worker.stop();
    assert_eq!(worker.left_within(Duration::from_secs(15)).await, 0);
    let events = kent.events().await;
    let told = events.iter().map(|event| {
        let tags = &event["body"]["tags"];
        (tags["class"].as_str(), tags["code"].as_str())
    });
    let mut told: Vec<_> = told.collect();
    told.sort_unstable();
    assert_eq!(told.len(), 2, "{events:?}");
    assert_eq!(told[0], (Some("refused"), Some("400 template_id")));
    assert_eq!(told[1].0, Some("undecodable"));
    for event in &events {
        assert!(!event.to_string().contains("ada"), "{event}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_credentials_are_told_once() {
    let (stage, kent) = (Stage::set().await, Kent::start().await);
    let mut worker = stage.worker().set(DSN, kent.dsn()).start().await;
    stage.faults([answers(401)]);
    stage.enqueue(5).await;
    worker.has_said("paused itself").await;
    worker.stop();
    assert_eq!(worker.left_within(Duration::from_secs(15)).await, 0);
    let events = kent.events().await;
    assert_eq!(events.len(), 1, "{events:?}");
    let fingerprint = &events[0]["body"]["fingerprint"];
    let expected = json!(["credentials refused", "sendgrid", "email"]);
    assert_eq!(*fingerprint, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_fails_says_so_first() {
    let (mut stage, kent) = (Stage::set().await, Kent::start().await);
    stage.set_for_all(DSN, kent.dsn());
    // A port that nobody listens on.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr());
    let nobody = nobody.expect("a free port");
    stage.set_for_all("REDIS__URL", format!("redis://{nobody}"));
    let said = stage.longshore(&["work"]).await;
    assert_eq!(said.code, Some(3), "{}", said.stderr);
    let events = kent.events().await;
    assert_eq!(events.len(), 1, "{events:?}");
    let body = &events[0]["body"];
    assert_eq!(body["level"], "fatal");
    assert_eq!(body["fingerprint"], json!(["process", "work", "redis"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_dsn_of_ours_nothing_is_connected_to() {
    let (stage, elsewhere) = (Stage::set().await, Receiver::start().await);
    let mut worker = stage
        .worker()
        // What Sentry's own SDKs would read.
        .env("SENTRY_DSN", elsewhere.dsn("flow"))
        .start()
        .await;
    stage.faults([unavailable()]);
    stage.enqueue(1).await;
    dead(&stage, 1).await;
    worker.stop();
    assert_eq!(worker.left_within(Duration::from_secs(15)).await, 0);
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_sentry_holds_nothing_up() {
    let (stage, silent) = (Stage::set().await, Receiver::silent().await);
    let mut worker = stage.worker().set(DSN, silent.dsn("flow")).start().await;
    stage.faults([unavailable()]);
    stage.enqueue(20).await;
    push_garbage(&stage, "not-an-id").await;
    dead(&stage, 21).await;
    eventually("Sentry is being told", || async {
        silent.connections() > 0
    })
    .await;
    stage.faults([]);
    let after = stage.enqueue(1).await;
    stage.is(after[0], JobState::Completed).await;
    // Two seconds, and what a busy machine adds. Waiting for the events that are left would take 15.
    let asked = Instant::now();
    worker.stop();
    assert_eq!(worker.left_within(Duration::from_secs(30)).await, 0);
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(12), "{took:?}");
}
