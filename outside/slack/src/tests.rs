//! How a handler, an app's enqueues and a whole way through a fleet are tested. `docs/testing.md` quotes it.

use std::net::SocketAddr;
use std::time::Duration;

use longshore_client::{Client, ClientError};
use longshore_job::Class;
use longshore_provider::Http;
use longshore_testing::{Recorder, Script, ScriptedGate, TestFleet, run_one};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::PostMessage;
use crate::client::PostMessageHandler;

const OK: &str = r#"{"ok":true,"ts":"1503435956.000247"}"#;

/// A Slack that gives these answers, one to each request, and is gone after the last one.
async fn slack(answers: &'static [&'static str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut read = Vec::new();
            while !read.ends_with(b"}") {
                stream.read_buf(&mut read).await.expect("a request");
            }
            let length = answer.len();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n");
            let answer = format!("{head}connection: close\r\n\r\n{answer}");
            stream.write_all(answer.as_bytes()).await.expect("sent");
        }
    });
    addr
}

fn handler(slack: SocketAddr) -> PostMessageHandler {
    let origin = format!("http://{slack}").parse().expect("an origin");
    PostMessageHandler {
        http: Http::new(origin, Duration::from_secs(10)).expect("a client"),
        token: "xoxb-harbour".into(),
    }
}

fn ahoy() -> PostMessage {
    PostMessage {
        channel: "#general".to_owned(),
        text: "Ahoy!".to_owned(),
    }
}

#[tokio::test]
async fn a_message_is_posted_once() {
    let ran = run_one(handler(slack(&[OK]).await), &ahoy()).await;
    let ran = ran.expect("args that a producer could enqueue");
    assert_eq!(
        ran.assert_completed(),
        Some(json!({ "ts": "1503435956.000247" }))
    );
    assert_eq!(ran.script.gate.sends(), 1);
}

#[tokio::test]
async fn what_slack_says_decides_what_follows() {
    let busy = slack(&[r#"{"ok":false,"error":"service_unavailable"}"#, OK]).await;
    let first = run_one(handler(busy), &ahoy()).await.expect("good args");
    assert_eq!(first.assert_retry(), Duration::from_secs(60));
    let second = first.next_attempt().run_one(handler(busy), &ahoy()).await;
    second.expect("good args").assert_completed();

    let archived = slack(&[r#"{"ok":false,"error":"is_archived"}"#]).await;
    let ran = run_one(handler(archived), &ahoy())
        .await
        .expect("good args");
    assert_eq!(ran.assert_dead().class, Class::Refused);
}

#[tokio::test]
async fn nothing_is_posted_while_the_job_may_be_another_workers() {
    let script = Script::new().with_gate(ScriptedGate::shut());
    let handler = handler(slack(&[OK]).await);
    let job = ahoy();
    tokio::select! {
        ran = script.run_one(handler, &job) => panic!("{ran:?}"),
        () = script.gate.held_back() => {}
    }
}

/// What an app does: it posts when a ship comes in, once for each.
async fn ship_came_in(client: &Client, ship: &str) -> Result<(), ClientError> {
    let text = format!("{ship} has come in.");
    let message = PostMessage {
        channel: "#port".to_owned(),
        text,
    };
    client
        .enqueue(message)
        .key(format!("arrival-{ship}"))
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_ship_is_announced_once() {
    let recorder = Recorder::new();
    for _ in 0..2 {
        ship_came_in(&recorder.client(), "Fram")
            .await
            .expect("enqueued");
    }
    recorder.assert_only(&PostMessage {
        channel: "#port".to_owned(),
        text: "Fram has come in.".to_owned(),
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_gets_through_on_its_second_attempt() {
    let busy = slack(&[r#"{"ok":false,"error":"service_unavailable"}"#, OK]).await;
    let fleet = TestFleet::start().expect("a Redis").with(handler(busy));
    ship_came_in(&fleet.client(), "Fram")
        .await
        .expect("enqueued");
    let worked = fleet.run_until_empty(Duration::from_secs(30)).await;
    worked.expect("no job is left").assert_completed(1);
}
