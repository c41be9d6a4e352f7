//! An API that was started, and who calls it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use longshore_tests::{Stage, Worker, http};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than anybody waits for a job.
const ANSWERS_WITHIN: Duration = Duration::from_secs(70);

/// A caller with a token.
#[derive(Clone)]
pub(crate) struct Door {
    api: Arc<Worker>,
    token: &'static str,
}

/// What was answered: the status, the head in lower case, and the body.
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answered {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// The args of a text message.
pub(crate) fn text() -> Value {
    json!({"to": "+4790000000", "body": "Your table is ready."})
}

impl Door {
    /// Starts an API with the tokens `shop`, which may do everything; `texts`, for one kind; and `slow`.
    pub(crate) async fn open(stage: &Stage) -> Self {
        let api = stage
            .api()
            .with_s3()
            .set("API__TOKENS__SHOP__SECRET", secret("shop"))
            .set("API__TOKENS__SHOP__UPLOADS", "true")
            .set("API__TOKENS__TEXTS__SECRET", secret("texts"))
            .set("API__TOKENS__TEXTS__KINDS", r#"["send_sms"]"#)
            .set("API__TOKENS__SLOW__SECRET", secret("slow"))
            .set("API__TOKENS__SLOW__RATE_PER_SECOND", "0.1");
        Self {
            api: Arc::new(api.start().await),
            token: "shop",
        }
    }

    /// Another caller of the same API.
    pub(crate) fn with(&self, token: &'static str) -> Self {
        Self {
            token,
            ..self.clone()
        }
    }

    pub(crate) fn api(&self) -> &Worker {
        &self.api
    }

    /// The API itself, once nobody else calls.
    pub(crate) fn into_api(self) -> Worker {
        Arc::into_inner(self.api).expect("nobody else calls")
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.api.api_addr()
    }

    pub(crate) fn log(&self) -> String {
        self.api.log()
    }

    pub(crate) async fn health(&self, path: &str) -> (u16, String) {
        http::get(self.api.private_addr(), path).await
    }

    pub(crate) async fn metrics(&self) -> String {
        self.health("/metrics").await.1
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let answered = self.send("GET", path, &[], b"").await;
        (answered.status, answered.json())
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.post_with(path, &[], body).await
    }

    pub(crate) async fn post_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> (u16, Value) {
        let headers = [&[("Content-Type", "application/json")], headers].concat();
        let body = body.to_string();
        let answered = self.send("POST", path, &headers, body.as_bytes()).await;
        (answered.status, answered.json())
    }

    /// Without a body.
    pub(crate) async fn empty(&self, path: &str) -> (u16, Value) {
        let answered = self.send("POST", path, &[], b"").await;
        (answered.status, answered.json())
    }

    /// A bulk; of its answer the first line.
    pub(crate) async fn lines(&self, lines: &str) -> (u16, Value) {
        let answered = self.bulk(lines).await;
        let first = answered.body.lines().next().unwrap_or_default();
        let first = serde_json::from_str(first).expect("JSON");
        (answered.status, first)
    }

    pub(crate) async fn bulk(&self, lines: &str) -> Answered {
        let headers = [("Content-Type", "application/x-ndjson")];
        self.send("POST", "/v1/jobs/bulk", &headers, lines.as_bytes())
            .await
    }

    /// A bulk with a key of its own.
    pub(crate) async fn keyed_bulk(&self, key: &str, lines: &str) -> Answered {
        let headers = [
            ("Content-Type", "application/x-ndjson"),
            ("Idempotency-Key", key),
        ];
        self.send("POST", "/v1/jobs/bulk", &headers, lines.as_bytes())
            .await
    }

    /// Enqueues a job, and returns its id.
    pub(crate) async fn enqueue(&self, order: &Value) -> String {
        let (status, answer) = self.post("/v1/jobs", order).await;
        assert_eq!(status, 201, "{answer}");
        answer["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answered {
        let exchange = self.exchange(method, path, headers, body);
        let answered = tokio::time::timeout(ANSWERS_WITHIN, exchange).await;
        answered.expect("an answer in time")
    }

    /// HTTP/1.0: the body of the answer ends with the connection.
    async fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answered {
        let mut stream = TcpStream::connect(self.addr()).await.expect("it listens");
        let token = secret(self.token);
        let mut head =
            format!("{method} {path} HTTP/1.0\r\nHost: api\r\nAuthorization: Bearer {token}\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if method != "GET" {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        head += "\r\n";
        stream.write_all(head.as_bytes()).await.expect("it reads");
        // An answer comes when all of it was read: a client that writes before it reads sees it.
        stream.write_all(body).await.expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer");
        let answer = String::from_utf8(answer).expect("UTF-8");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Answered {
            status: status.expect("a status"),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }
}

fn secret(name: &str) -> String {
    format!("secret-of-{name}-0123456789")
}
