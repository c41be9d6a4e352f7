//! The keys that Longshore sends, understood by a Stripe that we did not write: npm's `stripe-stateful-mock`. Run by
//! `just test-stripe-mock`, which installs it.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;

use longshore_client::JobState;
use longshore_client::kinds::CreateCustomer;
use longshore_tests::{Act, Stage, Trouble, Wire, eventually, outcomes};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

struct Mock {
    port: u16,
    _process: Child,
}

impl Mock {
    async fn start() -> Self {
        let dir = std::env::var_os("LONGSHORE_STRIPE_MOCK").expect("the mock's directory is named");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = port.expect("a free port").port();
        let process = Command::new("node")
            .arg(PathBuf::from(dir).join("dist/cli.js"))
            .env("PORT", port.to_string())
            .env("LOG_LEVEL", "silent")
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node starts it");
        eventually("the mock listens", || async {
            TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await;
        Self {
            port,
            _process: process,
        }
    }

    /// The customers it has, for the key that flows use.
    async fn customers(&self) -> Vec<Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))
            .await
            .expect("connects");
        let request = "GET /v1/customers?limit=100 HTTP/1.0\r\nHost: mock\r\nAuthorization: Bearer sk_test_flow\r\n\r\n";
        stream.write_all(request.as_bytes()).await.expect("asks");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let list: Value = serde_json::from_str(body).expect("JSON");
        list["data"].as_array().expect("a list").clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_asked_for_again_under_its_key() {
    let mock = Mock::start().await;
    let wire = Wire::to(mock.port).await;
    let stage = Stage::set_for(Act::Payments).await;
    let _worker = stage
        .worker()
        .provider("BASE_URL", wire.url().replace("redis:", "http:"))
        .start()
        .await;
    wire.trouble("POST /v1/customers", Trouble::CutAfter, 5);
    let users = (0..20).map(|n| CreateCustomer::new(format!("user-{n}")).name("Ada"));
    let ids = stage.client.enqueue_all(users).await.expect("accepted");
    let mut customers = Vec::new();
    let mut again = 0;
    for id in ids {
        stage.is_in_time(id, JobState::Completed).await;
        let job = stage.job(id).await;
        again += usize::from(outcomes(&job) == ["outcome_unknown", "completed"]);
        let result = job.result.expect("a result");
        customers.push(result["customer"].as_str().expect("an id").to_owned());
    }
    assert_eq!((wire.met(), again), (5, 5), "answers were lost");
    let mut there: Vec<_> = mock.customers().await;
    assert_eq!(there.len(), 20, "one for each");
    there.retain(|customer| !customers.iter().any(|id| customer["id"] == id.as_str()));
    assert!(there.is_empty(), "{there:?}");
}
