//! What a request may say of its job, and what it is told of it.

use longshore_job::JobId;
use longshore_tests::{Act, Stage};
use serde_json::{Value, json};

use super::door::{Door, text};

/// When a job is due and when it expires, in ms since the epoch.
async fn due_and_end(stage: &Stage, id: &str) -> (i64, i64) {
    let id: JobId = id.parse().expect("an id");
    let fields = stage.queue.fields_of(&id.into()).await.expect("asks");
    let time = |name: &str| fields[name].parse().expect("a time");
    (time("due"), time("exp"))
}

fn ms(time: &str) -> i64 {
    let time: jiff::Timestamp = time.parse().expect("RFC 3339");
    time.as_millisecond()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reminder_is_due_before_the_event_and_expires_at_it() {
    let stage = Stage::set_for(Act::Sms).await;
    let door = Door::open(&stage).await;
    let reminder = json!({
        "kind": "send_sms",
        "args": text(),
        "at": "2099-01-01T12:00:00Z",
        "expires_at": "2099-01-01T14:00:00+01:00",
    });
    let (noon, one) = (ms("2099-01-01T12:00:00Z"), ms("2099-01-01T13:00:00Z"));
    let id = door.enqueue(&reminder).await;
    assert_eq!(due_and_end(&stage, &id).await, (noon, one));
    let answered = door.bulk(&reminder.to_string()).await;
    let id = answered.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(due_and_end(&stage, &id).await, (noon, one));

    // What is moved to another time expires as long after that.
    let path = format!("/v1/jobs/{id}/reschedule");
    let (status, _) = door
        .post(&path, &json!({"at": "2099-01-02T12:00:00Z"}))
        .await;
    let day = 24 * 3_600_000;
    assert_eq!(status, 200);
    assert_eq!(due_and_end(&stage, &id).await, (noon + day, one + day));

    for (wrong, why) in [
        (
            json!({"in": "1h", "expires_in": "1m"}),
            "expires_at instead",
        ),
        (
            json!({"in": "1h", "expires_at": "2026-01-01T00:00:00Z"}),
            "is due",
        ),
        (
            json!({"at": "2099-01-01T00:00:00Z", "expires_at": "2099-01-01T00:00:00Z"}),
            "is due",
        ),
        (
            json!({"expires_in": "1h", "expires_at": "2099-01-01T00:00:00Z"}),
            "one of the two",
        ),
        (json!({"expires_at": "1h"}), "RFC 3339"),
    ] {
        let mut order = json!({"kind": "send_sms", "args": text()});
        let fields = wrong.as_object().expect("fields").clone();
        order.as_object_mut().expect("fields").extend(fields);
        let (status, refused) = door.post("/v1/jobs", &order).await;
        assert_eq!(status, 422, "{refused}");
        assert_eq!(refused["error"]["code"], "invalid_option", "{refused}");
        assert!(refused.to_string().contains(why), "{why}: {refused}");
    }

    // All that is wrong is found at once, and once.
    let mut wrong = reminder;
    wrong["expires_in"] = json!("1h");
    wrong["in"] = json!("1h");
    let (status, refused) = door.post("/v1/jobs", &wrong).await;
    let findings = refused["error"]["findings"].as_array().expect("findings");
    let places: Vec<_> = findings.iter().map(|of| of["path"].clone()).collect();
    assert_eq!(
        (status, places),
        (
            422,
            vec![json!("at"), json!("expires_at"), json!("expires_in")]
        )
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_will_come_to_nothing_is_warned_of() {
    let stage = Stage::set_for(Act::Email).await;
    let door = Door::open(&stage).await;
    let mail = |template: &str, key: &str| {
        let args = json!({"template": template, "to": {"email": "ada@example.com"}, "data": {}});
        json!({"kind": "send_email", "args": args, "key": key})
    };
    let told = |answer: &Value| {
        let warnings = answer["warnings"].as_array().cloned().unwrap_or_default();
        let texts = warnings.iter().filter_map(Value::as_str);
        texts.map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    let (status, good) = door.post("/v1/jobs", &mail("welcome", "1")).await;
    assert_eq!((status, good.get("warnings")), (201, None), "{good}");
    for path in ["/v1/jobs", "/v1/jobs?wait=1ms"] {
        let (status, accepted) = door.post(path, &mail("wellcome", path)).await;
        assert_eq!(status, 201, "it is enqueued: {accepted}");
        let told = told(&accepted);
        assert!(told.contains("no template `wellcome`"), "{accepted}");
    }
    // Nothing is enqueued that could be warned of.
    let (status, again) = door.post("/v1/jobs", &mail("wellcome", "/v1/jobs")).await;
    assert_eq!((status, again.get("warnings")), (200, None), "{again}");

    let lines = [mail("welcome", "2"), mail("wellcome", "3")].map(|line| line.to_string());
    let answered = door.bulk(&lines.join("\n")).await;
    let answers = answered.body.lines().map(serde_json::from_str::<Value>);
    let answers = answers.map(|line| told(&line.expect("JSON")).is_empty());
    assert_eq!(
        answers.collect::<Vec<_>>(),
        [true, false],
        "{}",
        answered.body
    );
}
