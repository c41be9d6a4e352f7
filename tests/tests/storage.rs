//! Buckets are swept to the end whatever happens to workers, and S3 may be away for as long as it likes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use longshore_client::kinds::{BucketName, MoveBack, ReconcilePayments, SendEmail, SweepBucket};
use longshore_client::{JobId, JobState};
use longshore_email::sandbox::Attached;
use longshore_provider::client;
use longshore_sandbox::{Fault, FaultRule};
use longshore_storage::sandbox::S3Sandbox;
use longshore_tests::{Act, Stage, Start, eventually, outcomes, within};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(24 * 3600);
const EXPORTS: &str = "exports-flow";
/// The SDK waits between its tries; ten of them open the breaker.
const A_WHILE: Duration = Duration::from_secs(60);

fn away() -> FaultRule {
    FaultRule::always(Fault::Answer {
        status: 503,
        headers: BTreeMap::new(),
        body: None,
        effect: false,
    })
}

/// As it is shipped: ten failures in a row. Half a second instead of thirty until S3 is asked again.
fn breaker(start: Start<'_>) -> Start<'_> {
    start
        .set("PROVIDERS__S3__BREAKER__FAILURES", "10")
        .set("PROVIDERS__S3__BREAKER__OPEN_SECONDS", "0.5")
}

async fn result(stage: &Stage, id: JobId) -> Value {
    within(A_WHILE, "the job completes", || async {
        stage.job(id).await.state == JobState::Completed
    })
    .await;
    stage.job(id).await.result.expect("a result")
}

async fn r2() -> S3Sandbox {
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    S3Sandbox::start(anywhere).await.expect("an R2")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_whose_worker_is_killed_goes_on_and_loses_and_keeps_nothing_wrongly() {
    let stage = Stage::set_for(Act::Storage).await;
    for n in 0..5_000 {
        let (age, folder) = match n % 5 {
            0 => (6 * DAY, "young"),
            _ => (8 * DAY, "old"),
        };
        let key = format!("{n:04}/{folder}.csv");
        stage.s3.plant(EXPORTS, &key, "12345678", age);
    }
    stage.faults([FaultRule::always(Fault::Delay { ms: 150 })]);
    let worker = stage.worker().short_lease().start().await;
    let id = stage
        .client
        .enqueue(SweepBucket::new(BucketName::EXPORTS))
        .await;
    let id = id.expect("accepted");
    eventually("some of it is gone", || async {
        let keys = stage.s3.keys(EXPORTS).len();
        (1_001..5_000).contains(&keys)
    })
    .await;
    worker.kill().await;
    let left = stage.s3.keys(EXPORTS).len();
    assert!(
        (1_001..5_000).contains(&left),
        "killed in the middle: {left}"
    );
    stage.faults([]);
    let _other = stage.worker().short_lease().start().await;
    let swept = result(&stage, id).await;
    let deleted = json!({ "objects": 4_000, "bytes": 32_000, "uploads": 0 });
    assert_eq!(
        (&swept["deleted"], &swept["listed"]),
        (&deleted, &json!(5_000))
    );
    let keys = stage.s3.keys(EXPORTS);
    assert_eq!(keys.len(), 1_000);
    assert!(keys.iter().all(|key| key.ends_with("/young.csv")));
    assert_eq!(outcomes(&stage.job(id).await), ["lost", "completed"]);
}

/// What it fails with is about another request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_that_has_begun_to_delete_is_not_cancelled_as_one_that_was_never_sent() {
    let stage = Stage::set_for(Act::Storage).await;
    for n in 0..3_000 {
        stage.s3.plant(EXPORTS, &format!("{n:04}"), "x", 8 * DAY);
    }
    stage.faults([FaultRule::always(Fault::Delay { ms: 150 })]);
    let _worker = stage.worker().start().await;
    let id = stage.enqueue(1).await[0];
    eventually("some of it is gone", || async {
        (1..3_000).contains(&stage.s3.keys(EXPORTS).len())
    })
    .await;
    stage.faults([away()]);
    within(A_WHILE, "it waits to be tried again", || async {
        stage.job(id).await.state == JobState::Retryable
    })
    .await;
    let id = id.to_string();
    let args = ["jobs", "cancel", &id, "--reason", "wrong", "--yes"];
    let said = stage.longshore(&args).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("may have been sent"), "{said:?}");
}

/// AWS's SDK logs object keys at DEBUG and the session token at TRACE.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_logs_nothing_whatever_rust_log_asks_for() {
    let stage = Stage::set_for(Act::Storage).await;
    stage
        .s3
        .plant(EXPORTS, "planted-key.csv", "12345678", 8 * DAY);
    let worker = stage
        .worker()
        .provider("ACCESS_KEY_ID", "")
        .provider("SECRET_ACCESS_KEY", "")
        .env("AWS_ACCESS_KEY_ID", S3Sandbox::ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", S3Sandbox::SECRET_ACCESS_KEY)
        .env("AWS_SESSION_TOKEN", "planted-token")
        .env(
            "RUST_LOG",
            "trace,aws_sdk_s3=trace,aws_config=trace,aws_smithy_runtime=trace,hyper=trace",
        );
    let worker = worker.start().await;
    let id = stage.enqueue(1).await[0];
    assert_eq!(result(&stage, id).await["deleted"]["objects"], 1);
    let log = worker.log();
    assert!(log.contains("DEBUG"), "our own lines are there");
    assert!(log.contains("RUST_LOG names crates that are not ours"));
    for line in log.lines() {
        assert!(!line.contains("planted"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_away_costs_a_sweep_no_attempt() {
    let stage = Stage::set_for(Act::Storage).await;
    stage.s3.plant(EXPORTS, "old", "x", 8 * DAY);
    stage.faults([away()]);
    let worker = breaker(stage.worker()).start().await;
    let id = stage.enqueue(1).await[0];
    // Ten tries and some probes: the breaker opened, and opened again.
    within(A_WHILE, "S3 was found to be away, often", || async {
        stage.ledger().requests() >= 13
    })
    .await;
    let job = stage.job(id).await;
    assert_eq!(job.run.used, 0, "{:?}", job.history);
    stage.faults([]);
    assert_eq!(result(&stage, id).await["deleted"]["objects"], 1);
    assert!(stage.s3.keys(EXPORTS).is_empty());
    // What was never answered is not paid for.
    let (_, metrics) = worker.get("/metrics").await;
    let listed = r#"longshore_provider_billable_units_total{provider="s3",unit="write_request"}"#;
    assert!(metrics.contains(listed), "{metrics}");
}

async fn reconcile(stage: &Stage) -> JobId {
    let job = ReconcilePayments::new("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
    stage.client.enqueue(job).await.expect("accepted")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_away_loses_no_report() {
    let stage = Stage::set_for(Act::Payments).await;
    stage.s3.faults().set(vec![away()]).expect("set");
    let _worker = breaker(stage.worker().with_s3()).start().await;
    let id = reconcile(&stage).await;
    within(A_WHILE, "S3 was found to be away, often", || async {
        stage.s3.ledger().requests() >= 13
    })
    .await;
    let job = stage.job(id).await;
    assert_eq!(job.run.used, 0, "{:?}", job.history);
    stage.s3.faults().clear();
    let result = result(&stage, id).await;
    let key = format!("reports/reconcile/{id}/differences.csv");
    assert_eq!(
        result["csv"],
        json!({ "store": "s3", "bucket": EXPORTS, "key": key })
    );
    assert!(stage.s3.body(EXPORTS, &key).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_goes_to_r2_meanwhile_and_comes_back() {
    let r2 = r2().await;
    let payments = Stage::set_for(Act::Payments).await;
    payments.s3.faults().set(vec![away()]).expect("set");
    let worker = payments.worker().with_s3().with_r2(&r2);
    let _worker = breaker(worker).start().await;
    let id = reconcile(&payments).await;
    let report = result(&payments, id).await;
    let key = format!("reports/reconcile/{id}/differences.csv");
    assert_eq!(
        report["csv"],
        json!({ "store": "r2", "bucket": "exports-away", "key": key })
    );
    assert_eq!(r2.keys("exports-away").len(), 2);

    let stage = Stage::set_for(Act::Storage).await;
    let _worker = stage.worker().with_r2(&r2).start().await;
    let id = stage
        .client
        .enqueue(MoveBack::new(BucketName::EXPORTS))
        .await;
    let moved = result(&stage, id.expect("accepted")).await;
    assert_eq!(
        (&moved["moved"], &moved["superseded"]),
        (&json!(2), &json!(0))
    );
    assert!(r2.keys("exports-away").is_empty());
    assert!(stage.s3.body(EXPORTS, &key).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_s3s_breaker_is_open_uploads_are_signed_for_r2() {
    let r2 = r2().await;
    let mut stage = Stage::set_for(Act::Storage).await;
    stage.set_for_all("PROVIDERS__R2__ENDPOINT_URL", r2.origin());
    stage.set_for_all("BUCKETS__UPLOADS__FALLBACK_NAME", "uploads-away");
    let presign = async || {
        let command =
            "presign --user user-7 --content-type image/png --length 5 --extension png --json";
        let said = stage
            .longshore(&command.split(' ').collect::<Vec<_>>())
            .await;
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        said.json()
    };
    assert_eq!(presign().await["store"], "s3");
    stage.faults([away()]);
    let worker = breaker(stage.worker());
    let worker = worker.set("PROVIDERS__S3__BREAKER__OPEN_SECONDS", "600");
    let _worker = worker.start().await;
    stage.enqueue(1).await;
    within(A_WHILE, "the breaker opens", || async {
        presign().await["store"] == "r2"
    })
    .await;
    let signed = presign().await;
    let http = client(true, A_WHILE, A_WHILE).expect("a client");
    let request = http.put(signed["url"].as_str().expect("a URL"));
    let request = request.header("content-type", "image/png").body("12345");
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    let key = signed["key"].as_str().expect("a key").to_owned();
    assert_eq!(r2.keys("uploads-away"), [key]);
    // The API sees it, too, with the rights of a producer.
    let token = "secret-of-shop-0123456789";
    let api = stage
        .api()
        .with_s3()
        .set("API__TOKENS__SHOP__SECRET", token);
    let api = api.set("API__TOKENS__SHOP__UPLOADS", "true").start().await;
    let upload = json!({"user": "7", "content_type": "image/png", "length": 5, "extension": "png"});
    let request = http.post(format!("http://{}/v1/uploads", api.api_addr()));
    let request = request.bearer_auth(token).body(upload.to_string());
    let request = request.header("content-type", "application/json");
    let answer = request.send().await.expect("an answer").text().await;
    let answer = answer.expect("a text");
    assert!(answer.contains(r#""store":"r2""#), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_takes_its_files_along_and_waits_while_s3_is_away() {
    let stage = Stage::set_for(Act::Email).await;
    stage.s3.plant(EXPORTS, "invoices/7.pdf", "%PDF-7", DAY);
    stage.s3.faults().set(vec![away()]).expect("set");
    let worker = breaker(stage.worker().with_s3()).start().await;
    let mail = SendEmail::new("welcome", "ada@example.com");
    let mail = mail.attach("invoices/7.pdf", "Faktura 7.pdf", "application/pdf");
    let id = stage.client.enqueue(mail).await.expect("accepted");
    within(A_WHILE, "S3 was found to be away, often", || async {
        stage.s3.ledger().requests() >= 13
    })
    .await;
    assert_eq!(stage.job(id).await.run.used, 0);
    assert_eq!(stage.sendgrid.ledger().requests(), 0);
    // A mail without files is none of S3's business.
    let other = stage.enqueue(1).await[0];
    stage.is(other, JobState::Completed).await;
    stage.s3.faults().clear();
    within(A_WHILE, "the mail is sent", || async {
        stage.job(id).await.state == JobState::Completed
    })
    .await;
    let attached = Attached {
        job: Some(id.to_string()),
        filename: "Faktura 7.pdf".to_owned(),
        content_type: Some("application/pdf".to_owned()),
        content: b"%PDF-7".to_vec(),
    };
    assert_eq!(stage.sendgrid.attached(), [attached]);
    // That the store was heard of on its own does not hide the call that the mail is.
    let metrics = worker.get("/metrics").await.1;
    let calls = r#"longshore_provider_calls_total{provider="sendgrid",outcome="answered"} 2"#;
    assert!(metrics.contains(calls), "{metrics}");

    let mail =
        SendEmail::new("welcome", "ada@example.com").attach("no/such", "x.pdf", "application/pdf");
    let id = stage.client.enqueue(mail).await.expect("accepted");
    stage.is(id, JobState::Dead).await;
    assert_eq!(stage.sendgrid.attached().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_presigned_upload_is_taken_as_it_was_described() {
    let stage = Stage::set_for(Act::Storage).await;
    let sign = |user: &'static str, length: &'static str| {
        let args = [
            "presign",
            "--user",
            user,
            "--content-type",
            "image/png",
            "--length",
            length,
            "--extension",
            "png",
            "--json",
        ];
        let stage = &stage;
        async move { stage.longshore(&args).await }
    };
    let signed = sign("user-7", "5").await;
    assert_eq!(signed.code, Some(0), "{}", signed.stderr);
    let signed = signed.json();
    assert_eq!(
        (&signed["method"], &signed["store"]),
        (&json!("PUT"), &json!("s3"))
    );
    let http = client(true, A_WHILE, A_WHILE).expect("a client");
    let put = |body: &'static str| {
        let request = http.put(signed["url"].as_str().expect("a URL"));
        let kind = signed["headers"]["content-type"].as_str().expect("a type");
        let request = request.header("content-type", kind).body(body);
        async move { request.send().await.expect("an answer").status().as_u16() }
    };
    assert_eq!(put("123456").await, 403);
    assert_eq!(put("12345").await, 200);
    let key = signed["key"].as_str().expect("a key").to_owned();
    assert_eq!(stage.s3.keys("uploads-flow"), [key]);
    for (user, length) in [("a/b", "5"), ("tmp", "5"), ("user-7", "0")] {
        let refused = sign(user, length).await;
        assert_eq!(refused.code, Some(2), "{user} {length}: {}", refused.stderr);
    }
}
