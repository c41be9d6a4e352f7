//! Postmark's events, from the socket to Redis.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use base64::prelude::{BASE64_STANDARD, Engine};
use longshore_job::JobId;
use serde_json::{Value, json};
use support::{Scene, exchange};

const ADA: &str = "ada@example.com";
const MESSAGE: &str = "883953f4-6105-42a2-a16a-77a8eac79483";

async fn post(scene: &Scene, password: &str, event: &Value) -> u16 {
    let body = event.to_string();
    let told = BASE64_STANDARD.encode(format!("postmark:{password}"));
    let request = format!(
        "POST /webhooks/postmark HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {told}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    exchange(scene.http, request.as_bytes()).await.status
}

async fn told(scene: &Scene, event: &Value) {
    assert_eq!(post(scene, "s3cret", event).await, 200, "{event}");
}

fn event(job: JobId, record: &str, fields: &Value) -> Value {
    let mut event = json!({
        "RecordType": record, "MessageID": MESSAGE, "Recipient": ADA, "MessageStream": "outbound",
        "Metadata": { "job_id": job.to_string() },
    });
    for (name, value) in fields.as_object().expect("fields") {
        event[name] = value.clone();
    }
    event
}

#[tokio::test]
async fn a_hard_bounce_suppresses_and_a_soft_one_does_not() {
    let scene = Scene::set_for_postmark().await;
    let job = scene.job().await;
    told(&scene, &event(job, "Delivery", &json!({}))).await;
    let state = |state: &str, code: Option<&str>| (Some(state.to_owned()), code.map(str::to_owned));
    assert_eq!(scene.state(job).await, state("delivered", None));
    let delivery = scene.delivery(job).await.expect("noted");
    assert_eq!(delivery.message, MESSAGE);

    let soft = json!({ "ID": 1, "Type": "SoftBounce", "Email": ADA });
    told(&scene, &event(job, "Bounce", &soft)).await;
    assert_eq!(
        scene.state(job).await,
        state("soft_bounce", Some("SoftBounce"))
    );
    assert_eq!(scene.suppressed(ADA).await, None);

    let other = scene.job().await;
    let mut hard = event(
        other,
        "Bounce",
        &json!({ "ID": 2, "Type": "HardBounce", "Email": ADA }),
    );
    hard["MessageID"] = "another-mail".into();
    assert_eq!(post(&scene, "s3cres", &hard).await, 400);
    assert_eq!(scene.suppressed(ADA).await, None);
    told(&scene, &hard).await;
    let entry = scene.suppressed(ADA).await.expect("on the list");
    assert_eq!(
        (&*entry.reason, entry.job),
        ("bounce", Some(other.to_string()))
    );
    // An operator takes it off; what Postmark says again does not undo that.
    let hash = longshore_job::AddressHash::of(ADA);
    let removed = scene.queue.unassign("suppressed", hash.as_str()).await;
    assert!(removed.expect("removed"));
    told(&scene, &hard).await;
    assert_eq!(scene.suppressed(ADA).await, None);
}

#[tokio::test]
async fn unsubscribes_are_heard_and_undone() {
    let scene = Scene::set_for_postmark().await;
    let job = scene.job().await;
    let change = |suppresses: bool, at: &str| {
        let fields =
            json!({ "SuppressSending": suppresses, "ChangedAt": at, "Origin": "Recipient" });
        event(job, "SubscriptionChange", &fields)
    };
    told(&scene, &change(true, "2026-11-29T10:00:00Z")).await;
    let entry = scene.suppressed(ADA).await.expect("on the list");
    assert_eq!(entry.reason, "unsubscribe");
    assert_eq!(scene.state(job).await.0.as_deref(), Some("unsubscribe"));
    told(&scene, &change(false, "2026-11-29T11:00:00Z")).await;
    assert_eq!(scene.suppressed(ADA).await, None);
    assert_eq!(scene.state(job).await.0.as_deref(), Some("resubscribe"));

    // A complaint is not undone by who wants mail again.
    let complaint = json!({ "ID": 3, "Type": "SpamComplaint", "Email": ADA });
    told(&scene, &event(job, "SpamComplaint", &complaint)).await;
    told(&scene, &change(false, "2026-11-29T12:00:00Z")).await;
    let entry = scene.suppressed(ADA).await.expect("stays");
    assert_eq!(entry.reason, "spam_report");
}
