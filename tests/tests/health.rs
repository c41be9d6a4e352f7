//! What a `work` process says of itself over HTTP.

use longshore_client::JobState;
use longshore_sandbox::{Fault, Rule};
use longshore_tests::{Act, Stage, eventually, outcomes};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ready_while_redis_is_there_and_live_without_it() {
    let mut stage = Stage::set().await;
    let mut worker = stage.worker().short_lease().start().await;
    worker.becomes("/readyz", 200).await;
    stage.redis.kill();
    let said = worker.becomes("/readyz", 503).await;
    assert!(said.starts_with("email: Redis"), "{said}");
    // Its lease is long over by then.
    eventually("it misses its heartbeats", || async {
        let (_, said) = worker.get("/readyz").await;
        said.contains("heartbeat")
    })
    .await;
    assert_eq!(worker.get("/livez").await, (200, "ok\n".to_owned()));
    let (status, metrics) = worker.get("/metrics").await;
    assert_eq!(status, 200, "its own counters need no Redis");
    assert!(metrics.ends_with("# EOF\n"));
    stage.redis.restart().expect("Redis comes back");
    worker.becomes("/readyz", 200).await;
    assert_eq!(worker.get("/livez").await.0, 200);
    assert_eq!(worker.ended(), None);
    let id = stage.enqueue(1).await[0];
    stage.is(id, JobState::Completed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_slots_and_a_pause_are_no_trouble() {
    let stage = Stage::set().await;
    stage.faults([Rule::always(Fault::NeverAnswer { effect: false })]);
    let worker = stage.worker().short_lease().concurrency(2).start().await;
    stage.enqueue(4).await;
    stage.requests(2).await;
    let paused = ["pause", "email", "--reason", "lunch"];
    assert_eq!(stage.longshore(&paused).await.code, Some(0));
    for path in ["/livez", "/readyz"] {
        assert_eq!(worker.get(path).await, (200, "ok\n".to_owned()), "{path}");
    }
    let (_, metrics) = worker.get("/metrics").await;
    for line in [
        "longshore_paused{queue=\"email\"} 1",
        "longshore_workers{queue=\"email\"} 1",
        "longshore_jobs{queue=\"email\",state=\"running\"} 2",
        "longshore_jobs{queue=\"email\",state=\"pending\"} 2",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line}\n{metrics}"
        );
    }
    worker.stop();
    let said = worker.becomes("/readyz", 503).await;
    assert_eq!(said, "email: draining\n");
    assert_eq!(worker.get("/livez").await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_queue_is_ready_and_goes_on() {
    let stage = Stage::set().await;
    assert_eq!(stage.longshore(&["pause", "email"]).await.code, Some(0));
    let worker = stage.worker().short_lease().start().await;
    let id = stage.enqueue(1).await[0];
    worker.becomes("/readyz", 200).await;
    assert_eq!(worker.get("/livez").await.0, 200);
    assert_eq!(stage.job(id).await.state, JobState::Pending);
    assert_eq!(stage.longshore(&["resume", "email"]).await.code, Some(0));
    stage.is(id, JobState::Completed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_and_logs_count_and_name_no_person() {
    let stage = Stage::set().await;
    let refusal = Fault::Answer {
        status: 400,
        headers: [].into(),
        body: Some(
            r#"{"errors":[{"message":"customer0@example.com is on no list","field":"to"}]}"#
                .to_owned(),
        ),
        effect: false,
    };
    stage.faults([
        Rule::first(1, refusal),
        Rule::first(1, Fault::HangUp { effect: false }),
    ]);
    let worker = stage.worker().concurrency(1).start().await;
    let ids = stage.enqueue(3).await;
    stage.is(ids[0], JobState::Dead).await;
    stage.is(ids[1], JobState::Retryable).await;
    stage.is(ids[2], JobState::Completed).await;
    let (status, metrics) = worker.get("/metrics").await;
    assert_eq!(status, 200);
    for outcome in ["refused", "outcome_unknown", "completed"] {
        let line = format!(
            "longshore_runs_total{{queue=\"email\",kind=\"send_email\",outcome=\"{outcome}\"}} 1"
        );
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
    for name in ["run_seconds", "claim_seconds", "settle_seconds"] {
        let line = format!("longshore_{name}_count{{queue=\"email\"");
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
    let mut shown = vec![metrics, worker.log()];
    for id in ids {
        shown.push(stage.longshore(&["job", &id.to_string()]).await.stdout);
        assert!(!outcomes(&stage.job(id).await).is_empty());
    }
    for text in shown {
        assert!(!text.contains("customer"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_works_and_how_redis_is_set_up_stay_in_sight() {
    // The only worker there is has lost the key of the emails' provider.
    let stage = Stage::set_for(Act::Sms).await;
    let welcome = r#"{"template":"welcome","to":{"email":"ada@example.com"},"data":{}}"#;
    let enqueued = stage.longshore(&["enqueue", "send_email", welcome]).await;
    assert_eq!(enqueued.code, Some(0), "{enqueued:?}");
    // And a plain producer has mistaken the name of a queue.
    let active = stage.queue.keys().active.replace(":sms}", ":smz}");
    let mut push = redis::cmd("RPUSH");
    push.arg(active).arg("x");
    let _: u8 = stage.queue.link().command(&push).await.expect("pushes");
    let worker = stage.worker().start().await;
    let mut evict = redis::cmd("CONFIG");
    evict.arg("SET").arg("maxmemory-policy").arg("allkeys-lru");
    let _: String = stage.queue.link().command(&evict).await.expect("sets");
    eventually("all of it is in the metrics", || async {
        let (_, metrics) = worker.get("/metrics").await;
        let all = [
            "longshore_jobs{queue=\"email\",state=\"pending\"} 1",
            "longshore_latency_seconds{queue=\"email\"}",
            "longshore_workers{queue=\"email\"} 0",
            "longshore_jobs{queue=\"smz\",state=\"pending\"} 1",
            "longshore_workers{queue=\"smz\"} 0",
            "longshore_workers{queue=\"sms\"} 1",
            "longshore_redis_may_evict 1",
            "longshore_redis_persists 1",
        ];
        let missing = all.map(|line| (line, metrics.contains(line)));
        println!("{missing:?}");
        missing.iter().all(|(_, there)| *there)
    })
    .await;
    let (_, metrics) = worker.get("/metrics").await;
    let nothing = "longshore_jobs{queue=\"geocode\"";
    assert!(!metrics.contains(nothing), "what is not there is not shown");
    for said in [
        "no worker serves this queue",
        "queue=\"smz\"",
        "Redis may drop jobs",
    ] {
        eventually("the log says so", || async { worker.says(said) }).await;
    }
    // Nobody is served better by a fleet without workers.
    let (status, said) = worker.get("/readyz").await;
    assert_eq!(status, 200);
    assert!(
        said.starts_with("ok\nwarning: Redis may drop jobs"),
        "{said}"
    );
}
