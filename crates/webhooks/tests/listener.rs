//! The listener itself: what it takes, an outage of Redis's, its end.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod support;

use std::time::{Duration, Instant};

use support::{Answer, Callback, NUMBER, Scene, answer, connect, exchange};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const SID: &str = "SM0123456789abcdef0123456789abcdef";
const MIB: usize = 1 << 20;

async fn status(scene: &Scene, line: &str) -> u16 {
    let request =
        format!("{line} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    exchange(scene.http, request.as_bytes()).await.status
}

#[tokio::test]
async fn there_is_nothing_elsewhere() {
    let scene = Scene::set().await;
    for line in [
        "POST /",
        "POST /webhooks",
        "POST /webhooks/",
        "POST /webhooks/twilio/",
        "POST /webhooks/Twilio",
        "POST /webhooks/stripe",
        "GET /livez",
        "GET /readyz",
        "GET /metrics",
    ] {
        assert_eq!(status(&scene, line).await, 404, "{line}");
    }
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let line = format!("{method} /webhooks/twilio");
        assert_eq!(status(&scene, &line).await, 405, "{line}");
    }
    assert_eq!(exchange(scene.private, b"POST /webhooks/twilio HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await.status, 404);
}

#[tokio::test]
async fn a_mebibyte_is_taken_and_a_byte_more_is_not() {
    let scene = Scene::set().await;
    let job = scene.job().await;
    for (state, chunked) in [("sent", false), ("delivered", true)] {
        let callback = Callback {
            chunked,
            ..Callback::of(job, SID, state)
        };
        let filler = MIB - callback.body.len() - "&x=".len();
        let full = callback.with(&format!("&x={}", "y".repeat(filler)));
        assert_eq!(full.body.len(), MIB);
        let over = full.clone().with("y");
        let refused = scene.post(&over).await;
        assert_eq!(
            (refused.status, &*refused.body),
            (413, "the body is over 1 MiB\n")
        );
        assert_eq!(scene.status(&full).await, 204, "chunked: {chunked}");
        assert_eq!(scene.state(job).await.0.as_deref(), Some(state));
    }
    // More than fits into any buffer on the way: who is still writing is heard out before it is answered.
    let long = Callback::of(job, SID, "read").with(&"y".repeat(7 * MIB));
    assert_eq!(scene.status(&long).await, 413);
    assert_eq!(scene.counted("too_large").await, 3);
    // One that asks beforehand need not send it at all.
    let head = "POST /webhooks/twilio HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1048577\r\n\r\n";
    assert_eq!(exchange(scene.http, head.as_bytes()).await.status, 413);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_dribbles_is_given_up_after_ten_seconds() {
    let scene = Scene::set().await;
    let mut stream = connect(scene.http).await;
    let begun = tokio::time::Instant::now();
    let head = "POST /webhooks/twilio HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("takes it");
    let (mut reading, mut writing) = stream.split();
    // The clock stands still but for what waits on it: ten of its seconds take no time.
    let mut each_second = tokio::time::interval(Duration::from_secs(1));
    let dribble = async {
        while writing.write_all(b"x").await.is_ok() {
            each_second.tick().await;
        }
        std::future::pending::<()>().await;
    };
    let mut answered = Vec::new();
    tokio::select! {
        read = tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut answered) => drop(read),
        () = dribble => {}
    }
    let answered = String::from_utf8_lossy(&answered);
    assert!(answered.starts_with("HTTP/1.1 408"), "{answered}");
    assert!(
        answered.ends_with("the body did not come within 10 s\n"),
        "{answered}"
    );
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn headers_that_are_too_long_are_refused() {
    let scene = Scene::set().await;
    let request = format!(
        "POST /webhooks/twilio HTTP/1.1\r\nX-Long: {}",
        "x".repeat(64 << 10)
    );
    let mut stream = connect(scene.http).await;
    // It may be cut off before all of it is written.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut status = [0; 12];
    if tokio::io::AsyncReadExt::read_exact(&mut stream, &mut status)
        .await
        .is_ok()
    {
        assert_eq!(&status, b"HTTP/1.1 431");
    }
}

/// What is answered to so many of the same at once, and after how long.
async fn at_once(scene: &Scene, n: usize, callback: &Callback) -> Vec<(Answer, Duration)> {
    let posts: JoinSet<_> = (0..n)
        .map(|_| {
            let (addr, request) = (scene.http, callback.request());
            async move {
                let begun = Instant::now();
                (exchange(addr, &request).await, begun.elapsed())
            }
        })
        .collect();
    posts.join_all().await
}

fn sent_away(answer: &Answer, took: Duration) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.head.contains("\r\nretry-after: 5"), "{answer:?}");
    assert!(took < Duration::from_secs(15), "{took:?}");
}

#[tokio::test]
async fn without_redis_senders_are_sent_away_and_taken_again_after_it() {
    let mut scene = Scene::set().await;
    let job = scene.job().await;
    assert_eq!(scene.status(&Callback::of(job, SID, "queued")).await, 204);
    assert_eq!(scene.private("/readyz").await.status, 200);
    scene.redis.kill();
    for (answer, took) in at_once(&scene, 3, &Callback::of(job, SID, "sent")).await {
        sent_away(&answer, took);
    }
    assert_eq!(scene.private("/readyz").await.status, 503);
    assert_eq!(scene.private("/livez").await.status, 200);
    assert_eq!(scene.counted("unavailable").await, 3);

    scene.redis.restart().expect("restarts");
    // It kept nothing on disk, and the test's own connection is broken.
    let _ = scene.queue.link().ping().await;
    let job = scene.job().await;
    assert_eq!(scene.status(&Callback::of(job, SID, "sent")).await, 204);
    assert_eq!(scene.state(job).await.0.as_deref(), Some("sent"));
    assert_eq!(scene.private("/readyz").await.status, 200);
}

#[tokio::test]
async fn the_first_event_after_a_restart_is_taken() {
    let mut scene = Scene::set().await;
    let job = scene.job().await;
    assert_eq!(scene.status(&Callback::of(job, SID, "queued")).await, 204);
    scene.redis.restart().expect("restarts");
    // The connection to the one before is broken, and nobody has noticed yet.
    assert_eq!(scene.status(&Callback::of(job, SID, "sent")).await, 204);
    assert_eq!(scene.counted("unavailable").await, 0);
}

#[tokio::test]
async fn a_redis_that_is_silent_or_refuses_keeps_nobody_waiting() {
    let mut scene = Scene::set().await;
    let job = scene.job().await;
    assert_eq!(scene.status(&Callback::of(job, SID, "queued")).await, 204);
    scene.redis.pause().expect("pauses");
    for (answer, took) in at_once(&scene, 50, &Callback::of(job, SID, "sent")).await {
        sent_away(&answer, took);
    }
    assert_eq!(scene.private("/readyz").await.status, 503);
    scene.redis.resume().expect("resumes");
    scene
        .redis
        .wait_ready(Duration::from_secs(10))
        .expect("answers");
    assert_eq!(scene.status(&Callback::of(job, SID, "sending")).await, 204);

    let mut refuse = redis::cmd("CONFIG");
    refuse.arg("SET").arg("min-replicas-to-write").arg(1);
    let link = scene.queue.link();
    let _: () = link.command(&refuse).await.expect("is set");
    for (answer, took) in at_once(&scene, 1, &Callback::of(job, SID, "delivered")).await {
        sent_away(&answer, took);
    }
}

#[tokio::test]
async fn a_stop_answers_what_is_under_way() {
    let mut scene = Scene::set().await;
    let job = scene.job().await;
    let callback = Callback::of(job, SID, "sent");
    let mut stream = connect(scene.http).await;
    let head = callback
        .head()
        .replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("takes it");
    let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    let read = tokio::io::AsyncReadExt::read_exact(&mut stream, &mut go_on);
    read.await.expect("the handler reads");

    let stop = scene.stop.take().expect("not stopped yet");
    stop.send(()).expect("is waited for");
    // Nothing tells when the system takes no more; it does not take long.
    let begun = Instant::now();
    while TcpStream::connect(scene.http).await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(10), "still listens");
        tokio::task::yield_now().await;
    }
    let ready = scene.private("/readyz").await;
    assert_eq!((ready.status, &*ready.body), (503, "stopping\n"));
    assert!(!scene.serving.is_finished());

    stream
        .write_all(callback.body.as_bytes())
        .await
        .expect("takes it");
    assert_eq!(answer(&mut stream).await.status, 204);
    assert_eq!(scene.state(job).await.0.as_deref(), Some("sent"));
    let over = tokio::time::timeout(Duration::from_secs(10), &mut scene.serving);
    over.await.expect("returns").expect("in peace");
    assert!(TcpStream::connect(scene.private).await.is_err());
}

#[tokio::test]
async fn metrics_are_openmetrics_and_name_nobody() {
    let scene = Scene::set().await;
    let job = scene.job().await;
    scene.post(&Callback::of(job, SID, "sent")).await;
    scene
        .post(&Callback::new("", SID, "a state of %2B4790000000"))
        .await;
    let metrics = scene.private("/metrics").await;
    assert!(
        metrics
            .head
            .contains("content-type: application/openmetrics-text")
    );
    for line in [
        r#"longshore_webhooks_total{provider="twilio",outcome="noted"} 1"#,
        r#"longshore_webhooks_total{provider="twilio",outcome="ignored"} 1"#,
        r#"longshore_webhook_seconds_count{provider="twilio"} 2"#,
    ] {
        assert!(
            metrics.body.lines().any(|found| found == line),
            "{}",
            metrics.body
        );
    }
    for personal in [NUMBER, SID, &job.to_string()] {
        assert!(!metrics.body.contains(personal), "{}", metrics.body);
    }
    assert!(metrics.body.ends_with("# EOF\n"));
}
