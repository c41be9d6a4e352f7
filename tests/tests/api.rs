//! The HTTP API, through the binary: jobs from programs that are not written in Rust.

mod bad_input;
mod bulk;
mod door;
mod orders;

use std::time::{Duration, Instant};

use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Act, Stage, eventually};
use serde_json::{Value, json};

use door::{Door, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_enqueued_carried_out_and_waited_for() {
    let stage = Stage::set_for(Act::Sms).await;
    let door = Door::open(&stage).await;
    // Nobody works yet: a wait ends with the job as it is.
    let order = json!({"kind": "send_sms", "args": text(), "key": "table-17", "tags": ["vip"]});
    let traced = [(
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )];
    let (status, accepted) = door.post_with("/v1/jobs", &traced, &order).await;
    assert_eq!((status, &accepted["duplicate"]), (201, &json!(false)));
    let id = accepted["id"].as_str().expect("an id").to_owned();
    let (status, job) = door.get(&format!("/v1/jobs/{id}?wait=50ms")).await;
    assert_eq!((status, &job["state"]), (200, &json!("pending")));

    // One that waits is woken by the end.
    let waiting = tokio::spawn({
        let (door, path) = (door.clone(), format!("/v1/jobs/{id}?wait=50s"));
        async move { door.get(&path).await }
    });
    eventually("it waits", || async {
        door.metrics().await.contains("longshore_api_waiting 1")
    })
    .await;
    let _worker = stage.worker().start().await;
    let (status, job) = waiting.await.expect("answered");
    assert_eq!((status, &job["state"]), (200, &json!("completed")), "{job}");
    assert_eq!(job["enqueued_by"], json!({"by": "client", "name": "shop"}));
    assert_eq!(job["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(job["idempotency_key"], "table-17");
    assert!(
        job["result"]["sid"].is_string(),
        "a producer sees its result: {job}"
    );
    let shown = job.to_string();
    assert!(
        !shown.contains("+479") && job.get("args").is_none(),
        "{shown}"
    );

    // The same again is the same job; other args are not.
    let (status, again) = door.post("/v1/jobs", &order).await;
    assert_eq!((status, &again["id"]), (200, &json!(id)));
    let mut other = order.clone();
    other["args"]["body"] = json!("Another text.");
    let (status, refused) = door.post("/v1/jobs", &other).await;
    assert_eq!(status, 409, "{refused}");
    assert_eq!(
        (&refused["error"]["code"], &refused["error"]["job_id"]),
        (&json!("key_taken"), &json!(id))
    );
    let (status, found) = door.get("/v1/jobs?kind=send_sms&key=table-17").await;
    assert_eq!((status, &found["id"]), (200, &json!(id)));
    assert_eq!(door.get("/v1/jobs?kind=send_sms&key=none").await.0, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_waits_from_the_start_is_told_what_nobody_else_is() {
    let stage = Stage::set_for(Act::Payments).await;
    let door = Door::open(&stage).await;
    let _worker = stage.worker().start().await;
    let args =
        json!({"order_id": "order-1", "user_id": "user-7", "amount": 1000, "currency": "nok"});
    let order = json!({"kind": "create_payment_intent", "args": args, "key": "order-1"});
    let (status, accepted) = door.post("/v1/jobs?wait=20s", &order).await;
    let job = &accepted["job"];
    assert_eq!(
        (status, &job["state"]),
        (201, &json!("completed")),
        "{accepted}"
    );
    let intent = stage.stripe.payment_intents().swap_remove(0);
    let secret = &intent["client_secret"];
    assert_eq!(&job["private_result"]["client_secret"], secret);
    let id = accepted["id"].as_str().expect("an id");
    let (status, later) = door.get(&format!("/v1/jobs/{id}?wait=1s")).await;
    assert_eq!((status, later.get("private_result")), (200, None));
    // Sent again with its key: the same job, which has ended.
    let (status, again) = door.post("/v1/jobs?wait=20s", &order).await;
    assert_eq!((status, &again["job"]["id"]), (200, &json!(id)));
    assert_eq!(again["job"].get("private_result"), None);
    let (status, refused) = door.post("/v1/jobs?wait=soon", &order).await;
    assert_eq!(
        (status, &refused["error"]["code"]),
        (422, &json!("invalid_option"))
    );

    let mut declined = order.clone();
    declined["key"] = json!("order-2");
    declined["args"]["payment_method"] = json!("pm_card_chargeDeclined");
    declined["args"]["confirm"] = json!(true);
    declined["args"]["off_session"] = json!(true);
    let (status, dead) = door.post("/v1/jobs?wait=20s", &declined).await;
    let job = &dead["job"];
    assert_eq!((status, &job["state"]), (201, &json!("dead")), "{dead}");
    assert_eq!(job["details"]["decline_code"], "generic_decline");
    let intents = stage.stripe.payment_intents();
    let declined = intents.iter().find(|at| at["id"] != intent["id"]);
    assert_eq!(
        &job["details"]["payment_intent"],
        &declined.expect("is there")["id"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_given_another_time_and_taken_back() {
    let stage = Stage::set_for(Act::Sms).await;
    let door = Door::open(&stage).await;
    let order = json!({"kind": "send_sms", "args": text(), "in": "1h"});
    let id = door.enqueue(&order).await;
    let at = json!({"at": "2126-01-01T00:00:00Z", "reason": "not yet"});
    let (status, refused) = door.post(&format!("/v1/jobs/{id}/reschedule"), &at).await;
    assert_eq!(status, 200, "{refused}");
    assert_eq!(refused["next_run_at"], "2126-01-01T00:00:00.000Z");
    let (status, job) = door.empty(&format!("/v1/jobs/{id}/cancel")).await;
    assert_eq!((status, &job["state"]), (200, &json!("cancelled")));
    assert_eq!(door.empty(&format!("/v1/jobs/{id}/cancel")).await.0, 200);
    let (status, job) = door.post(&format!("/v1/jobs/{id}/reschedule"), &at).await;
    assert_eq!(
        (status, &job["error"]["code"]),
        (409, &json!("not_waiting"))
    );
    let audit = stage.longshore(&["audit", "--json"]).await.json();
    let by: Vec<_> = audit
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| &row["by"])
        .collect();
    assert!(by.contains(&&json!("client shop")), "{audit}");

    // That an operator did something is a producer's to know, and not who it was and why.
    let id = door.enqueue(&order).await;
    let cancel = ["jobs", "cancel", &*id, "--reason", "Ada called", "--yes"];
    let ran = stage.longshore(&cancel).await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let (_, job) = door.get(&format!("/v1/jobs/{id}")).await;
    let act = &job["history"][0];
    assert_eq!(
        (&act["outcome"], &act["worker"], &act["reason"]),
        (&json!("cancelled"), &json!("operator"), &Value::Null),
        "{job}"
    );
    let args = text().to_string();
    let enqueue = ["enqueue", "send_sms", &*args, "--in", "1h"];
    let ran = stage.longshore(&enqueue).await;
    let id = ran.stdout.trim().to_owned();
    let (_, job) = door.get(&format!("/v1/jobs/{id}")).await;
    assert_eq!(
        job["enqueued_by"],
        json!({"by": "operator", "name": "operator"}),
        "{job}"
    );

    // One that runs is asked to stop; what it has sent goes on.
    stage.faults([FaultRule::first(1, Fault::Delay { ms: 1500 })]);
    let _worker = stage.worker().start().await;
    let id = door
        .enqueue(&json!({"kind": "send_sms", "args": text()}))
        .await;
    stage.requests(1).await;
    let (status, job) = door.empty(&format!("/v1/jobs/{id}/cancel")).await;
    assert_eq!(status, 202, "{job}");
    let (_, job) = door.get(&format!("/v1/jobs/{id}?wait=20s")).await;
    assert_eq!(job["state"], "completed", "{job}");
    let (status, job) = door.empty(&format!("/v1/jobs/{id}/cancel")).await;
    assert_eq!((status, &job["error"]["code"]), (409, &json!("job_ended")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_does_what_it_is_for_and_no_more_and_no_oftener() {
    let stage = Stage::set_for(Act::Sms).await;
    let door = Door::open(&stage).await;
    let texts = door.with("texts");
    let sweep =
        json!({"kind": "sweep_bucket", "args": {"bucket": "exports", "dry_run": true}, "key": "k"});
    let other = door.enqueue(&sweep).await;
    let own = texts
        .enqueue(&json!({"kind": "send_sms", "args": text(), "in": "1h"}))
        .await;
    let upload =
        json!({"user": "17", "content_type": "image/png", "length": 5, "extension": "png"});
    let in_an_hour = json!({"in": "1h"});
    for (status, (got, answer)) in [
        (403, texts.post("/v1/jobs", &sweep).await),
        (403, texts.lines(&format!("{sweep}\n")).await),
        (403, texts.get(&format!("/v1/jobs/{other}")).await),
        (403, texts.get(&format!("/v1/jobs/{other}?wait=1s")).await),
        (403, texts.get("/v1/jobs?kind=sweep_bucket&key=k").await),
        (403, texts.empty(&format!("/v1/jobs/{other}/cancel")).await),
        (
            403,
            texts
                .post(&format!("/v1/jobs/{other}/reschedule"), &in_an_hour)
                .await,
        ),
        (403, texts.post("/v1/uploads", &upload).await),
        (
            403,
            texts
                .post("/v1/downloads", &json!({"key": "17/a.png"}))
                .await,
        ),
        (200, texts.get(&format!("/v1/jobs/{own}")).await),
        (200, texts.empty(&format!("/v1/jobs/{own}/cancel")).await),
        (404, texts.get("/v1/jobs/01JD2Z5V9GQ8X0T6M3K7W4R1YB").await),
        (401, door.with("nobody").get("/v1/kinds").await),
        (200, door.with("nobody").get("/openapi.json").await),
    ] {
        assert_eq!(got, status, "{answer}");
    }
    let (_, kinds) = texts.get("/v1/kinds").await;
    let kinds: Vec<_> = kinds
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| &row["kind"])
        .collect();
    assert_eq!(kinds, ["send_sms"]);
    let (_, job) = door.get(&format!("/v1/jobs/{other}")).await;
    assert_eq!(job["state"], "pending", "nobody has changed it");

    // Two at once, then one in ten seconds.
    let slow = door.with("slow");
    for status in [200, 429] {
        assert_eq!(slow.get("/v1/kinds").await.0, status);
    }
    let metrics = door.metrics().await;
    let refused =
        r#"longshore_api_requests_total{route="GET /v1/kinds",status="429",token="slow"} 1"#;
    assert!(metrics.contains(refused), "{metrics}");
    let log = door.log();
    assert!(!log.contains("secret-of") && !log.contains("+479"), "{log}");
}

/// One token's requests that wait are half of those that may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_waits_a_lot_leaves_room_for_others() {
    let stage = Stage::set_for(Act::Sms).await;
    let door = Door::open(&stage).await;
    let id = door
        .enqueue(&json!({"kind": "send_sms", "args": text(), "in": "1h"}))
        .await;
    let path = format!("/v1/jobs/{id}?wait=60s");
    let waiting: Vec<_> = (0..200)
        .map(|_| {
            let (door, path) = (door.clone(), path.clone());
            tokio::spawn(async move { door.get(&path).await.0 })
        })
        .collect();
    eventually("all wait", || async {
        door.metrics().await.contains("longshore_api_waiting 200")
    })
    .await;
    let (status, refused) = door.get(&path).await;
    assert_eq!(
        (status, &refused["error"]["code"]),
        (503, &json!("busy")),
        "{refused}"
    );
    let others = door.with("texts");
    let (status, job) = others.get(&format!("/v1/jobs/{id}?wait=10ms")).await;
    assert_eq!((status, &job["state"]), (200, &json!("scheduled")));
    // All are told at once.
    assert_eq!(door.empty(&format!("/v1/jobs/{id}/cancel")).await.0, 200);
    for one in waiting {
        assert_eq!(one.await.expect("answered"), 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_it_says_so_in_time_and_goes_on_afterwards() {
    let mut stage = Stage::set_for(Act::Sms).await;
    let door = Door::open(&stage).await;
    let order = json!({"kind": "send_sms", "args": text(), "key": "once"});
    let id = door.enqueue(&order).await;
    stage.redis.kill();
    let begun = Instant::now();
    let other = json!({"kind": "send_sms", "args": text(), "key": "other"});
    for (status, answer) in [
        door.post("/v1/jobs", &other).await,
        door.get(&format!("/v1/jobs/{id}")).await,
        door.lines(&format!("{other}\n")).await,
    ] {
        assert_eq!(status, 503, "{answer}");
        assert!(
            !answer.to_string().contains("127.0.0.1"),
            "where it is stays ours: {answer}"
        );
    }
    assert!(
        begun.elapsed() < Duration::from_secs(18),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(door.health("/readyz").await.0, 503);
    assert_eq!(door.health("/livez").await.0, 200);
    stage.redis.restart().expect("it comes back");
    eventually("it goes on", || async {
        door.post("/v1/jobs", &other).await.0 < 300
    })
    .await;
    let (_, again) = door.post("/v1/jobs", &order).await;
    assert_eq!(
        again,
        json!({"id": id, "duplicate": true}),
        "what was accepted is there"
    );
    assert_eq!(stage.stats().await.pending, 2);
}
