//! What is sent is what the standard's own library accepts, and only under the right secret and at the right time.

use std::process::Stdio;
use std::time::Duration;

use longshore_events::sandbox::EventsSandbox;
use longshore_tests::{Stage, eventually, installed};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// The version of the library.
const VERSION: &str = "1.1.0";

/// A receiver in Python.
struct Receiver {
    url: String,
    said: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Receiver {
    async fn start(secret: &str) -> Self {
        let package = format!("standardwebhooks=={VERSION}");
        let home = installed("standardwebhooks", &[&package], VERSION).await;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/events/receiver.py");
        let mut process = Command::new(home.join("bin/python"))
            .args([script, secret])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("python starts");
        let stdout = process.stdout.take().expect("is piped");
        let mut said = BufReader::new(stdout).lines();
        let port = said
            .next_line()
            .await
            .expect("reads")
            .expect("says its port");
        Self {
            url: format!("http://127.0.0.1:{port}/hooks/longshore"),
            said,
            _process: process,
        }
    }

    async fn next(&mut self) -> Value {
        let next = timeout(Duration::from_secs(30), self.said.next_line()).await;
        let line = next.expect("a request comes").expect("reads");
        serde_json::from_str(&line.expect("a request came")).expect("JSON")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_standards_library_accepts_what_is_sent_and_nothing_else() {
    let mut receiver = Receiver::start(EventsSandbox::SECRET).await;
    let mut stage = Stage::set().await;
    super::on(&mut stage, &receiver.url, r#"["completed"]"#);
    let _worker = stage.worker().all_queues().start().await;
    let id = stage.enqueue(1).await[0];
    let said = receiver.next().await;
    assert_eq!(said["path"], "/hooks/longshore");
    assert_eq!(said["right"], true, "{said}");
    for wrong in ["old", "other_secret", "changed"] {
        assert_eq!(said[wrong], false, "{wrong}: {said}");
    }
    assert_eq!(said["event"]["type"], "job.completed");
    assert_eq!(said["event"]["data"]["id"], id.to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_another_secret_the_queue_pauses_itself_and_burns_nothing() {
    let mut receiver = Receiver::start("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await;
    let mut stage = Stage::set().await;
    super::on(&mut stage, &receiver.url, r#"["completed"]"#);
    let _worker = stage.worker().all_queues().start().await;
    let events = super::events(&stage);
    stage.enqueue(3).await;
    assert_eq!(receiver.next().await["right"], false);
    eventually("the queue pauses itself", || async {
        events
            .stats()
            .await
            .is_ok_and(|stats| stats.paused.is_some())
    })
    .await;
    eventually("all wait, at no attempt", || async {
        events
            .stats()
            .await
            .is_ok_and(|stats| stats.pending == 3 && stats.dead == 0)
    })
    .await;
    let paused = events
        .stats()
        .await
        .expect("counts")
        .paused
        .expect("is paused");
    assert!(
        paused.reason.contains("events refuses our credentials"),
        "{}",
        paused.reason
    );
}
