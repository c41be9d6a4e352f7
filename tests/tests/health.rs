//! What a `work` process says of itself over HTTP.

use std::net::SocketAddr;

use longshore_client::JobState;
use longshore_sandbox::{Fault, FaultRule};
use longshore_tests::{Act, Stage, eventually, http, outcomes};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

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
    stage.faults([FaultRule::always(Fault::NeverAnswer { effect: false })]);
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
        FaultRule::first(1, refusal),
        FaultRule::first(1, Fault::HangUp { effect: false }),
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

/// Connections that have sent `text`, and send nothing more.
async fn hold(addr: SocketAddr, count: usize, text: &[u8]) -> Vec<TcpStream> {
    more_descriptors();
    let mut held = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(addr).await.expect("it listens");
        // It may have been closed to make room for others.
        let _ = stream.write_all(text).await;
        held.push(stream);
    }
    held
}

/// Lets this process open as many descriptors as it may.
fn more_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, most).expect("up to the hard limit");
}

/// What a gauge or counter of this name says, whatever its labels.
fn value(metrics: &str, name: &str) -> u64 {
    let line = metrics.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    value.unwrap_or_else(|| panic!("no {name} in\n{metrics}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_take_no_descriptors_from_jobs_and_probes() {
    let stage = Stage::set().await;
    let worker = stage.worker().descriptors(1024).start().await;
    let held = hold(worker.http_addr(), 1_100, b"GET /li").await;
    let ids = stage.enqueue(100).await;
    stage.done_once(&ids).await;
    assert_eq!(worker.get("/livez").await, (200, "ok\n".to_owned()));
    let (_, metrics) = worker.get("/metrics").await;
    let open = value(
        &metrics,
        "longshore_listener_connections{listener=\"health\"}",
    );
    let most = value(
        &metrics,
        "longshore_listener_connections_max{listener=\"health\"}",
    );
    assert!(open <= most && most <= 64, "{open} of {most}");
    let refused = ["peer", "full"].map(|why| {
        let name = format!("longshore_listener_refused_total{{listener=\"health\",why=\"{why}\"}}");
        value(&metrics, &name)
    });
    assert!(refused.iter().sum::<u64>() >= 1_000, "{refused:?}");
    assert!(worker.says("connections are closed so that others get in"));
    drop(held);
}

/// One descriptor is kept in hand for a probe.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_descriptors_a_probe_is_answered_all_the_same() {
    let stage = Stage::set().await;
    stage.faults([FaultRule::always(Fault::NeverAnswer { effect: false })]);
    let worker = stage.worker().descriptors(48).concurrency(100);
    let worker = worker.start().await;
    stage.enqueue(100).await;
    eventually("it has as many open as it may", || async {
        worker.open_descriptors() >= 48
    })
    .await;
    // Those that got none are back in the queue: while they try, they take what a probe gives back.
    eventually("nobody tries any more", || async {
        stage.stats().await.running < 48 && worker.says("not reached from here")
    })
    .await;
    for _ in 0..3 {
        assert_eq!(worker.get("/livez").await.0, 200);
    }
}

/// What a listener for events answers to one that is honest but for its signature.
async fn event(addr: SocketAddr) -> u16 {
    http::request(addr, "POST /webhooks/sendgrid", &[], "[]")
        .await
        .0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_trickles_and_who_holds_bodies_keeps_nobody_out() {
    let stage = Stage::set().await;
    let keys = format!(r#"["{}"]"#, stage.sendgrid.public_key());
    let listener = stage.webhooks().descriptors(1024);
    let listener = listener.provider("WEBHOOK_PUBLIC_KEYS", keys);
    let listener = listener.start().await;
    let url = stage.webhooks_url("sendgrid");
    let addr: SocketAddr = url
        .trim_start_matches("http://")
        .trim_end_matches("/webhooks/sendgrid")
        .parse()
        .expect("an address");
    let probes = listener.private_addr();

    let tricklers = hold(addr, 1_100, b"POST /webhooks/sendgrid HT").await;
    let probing = hold(probes, 1_100, b"GET /li").await;
    assert_eq!(event(addr).await, 400, "it is read, and has no signature");
    assert_eq!(http::get(probes, "/livez").await.0, 200);
    assert_eq!(http::get(probes, "/readyz").await.0, 200);
    drop((tricklers, probing));

    let mut body =
        b"POST /webhooks/sendgrid HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n".to_vec();
    body.resize(body.len() + (1 << 20) - 1, b'x');
    let bodies = hold(addr, 70, &body).await;
    for _ in 0..10 {
        assert_eq!(event(addr).await, 400, "there is room for an event");
    }
    let (_, metrics) = http::get(probes, "/metrics").await;
    let held = value(
        &metrics,
        "longshore_listener_body_bytes{listener=\"webhooks\"}",
    );
    assert!(held <= 64 << 20, "{held} bytes");
    drop(bodies);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_may_not_say_how_it_is_set_up_is_worked_all_the_same() {
    let stage = Stage::set().await;
    let mut user = redis::cmd("ACL");
    user.arg("SETUSER").arg("careful").arg("on").arg(">pw");
    // What managed services let their users have.
    user.arg("~{flow:*").arg("&{flow:*");
    user.arg("+@all").arg("-@dangerous");
    let _: String = stage.queue.link().command(&user).await.expect("is made");
    let url = stage.redis.url().replace("//", "//careful:pw@");
    let worker = stage.worker().by(url).start().await;
    let ids = stage.enqueue(3).await;
    stage.done_once(&ids).await;
    assert!(worker.says("does not show its settings"));
    assert!(!worker.says("ERROR"), "nothing else is denied");
    let (_, metrics) = worker.get("/metrics").await;
    assert!(
        metrics.contains("longshore_workers{queue=\"email\"} 1"),
        "{metrics}"
    );
    assert!(!metrics.contains("longshore_redis_may_evict"), "{metrics}");
}
