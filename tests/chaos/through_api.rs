//! A producer that enqueues over HTTP, each job under a key, and repeats a request whose answer is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use longshore_client::kinds::SendEmail;
use longshore_client::{Job, JobId};
use longshore_tests::{gone_by, http};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::facts::{Accepted, KeyUse};
use crate::produce::now_ms;
use crate::roles::{Door, TOKEN};
use crate::sort::Sort;

/// How often a job is asked for, and how soon a request is repeated.
const EVERY: Duration = Duration::from_millis(200);

/// How long a request may take: Redis may be away for five seconds of it, and the machine may be slow. Longer means never.
const PATIENCE: Duration = Duration::from_secs(40);

/// After so many further jobs a key is used once more, for the same job and for another one.
const LATER: usize = 8;

/// What came of it all.
#[derive(Debug, Default)]
pub(crate) struct ApiCalls {
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) keys: Vec<KeyUse>,
    /// Requests that were answered in a way that no producer expects.
    pub(crate) misbehaved: Vec<String>,
    /// How many were repeated.
    pub(crate) repeated: usize,
}

/// Enqueues until it is over.
pub(crate) fn produce(door: Door, sort: Sort, over: &Arc<AtomicBool>) -> JoinHandle<ApiCalls> {
    let mut producer = ApiProducer {
        door,
        sort,
        over: Arc::clone(over),
        calls: ApiCalls::default(),
    };
    tokio::spawn(async move {
        let mut number = 0;
        while !producer.over.load(Ordering::Acquire) {
            let started = Instant::now();
            producer.first(number).await;
            if let Some(before) = number.checked_sub(LATER) {
                producer.again(before).await;
            }
            number += 1;
            gone_by(EVERY, started).await;
        }
        producer.calls
    })
}

/// Asks the API.
pub(crate) async fn post(door: &Door, path: &str, body: &Value) -> Option<(u16, Value)> {
    let bearer = format!("Bearer {TOKEN}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
    ];
    let what = format!("POST {path}");
    let body = body.to_string();
    let answer = http::try_request(door.addr, &what, &headers, &body, PATIENCE);
    let (status, body) = answer.await?;
    Some((status, serde_json::from_str(&body).unwrap_or_default()))
}

struct ApiProducer {
    door: Door,
    sort: Sort,
    over: Arc<AtomicBool>,
    calls: ApiCalls,
}

impl ApiProducer {
    fn body(number: usize, recipient: &str) -> Value {
        let mail = SendEmail::new("welcome", recipient);
        json!({ "kind": SendEmail::KIND, "args": mail, "key": format!("api-{number}") })
    }

    /// A new job, until it is answered.
    async fn first(&mut self, number: usize) {
        let body = Self::body(number, &format!("api{number}@example.com"));
        let asked_ms = now_ms();
        while !self.over.load(Ordering::Acquire) {
            let since = Instant::now();
            let changes = self.door.changes();
            match post(&self.door, "/v1/jobs", &body).await {
                Some((200 | 201, answer)) => {
                    let Some(id) = id_in(&answer["id"]) else {
                        self.misbehaves(&format!("named no job: {answer}"));
                        return;
                    };
                    self.accept(id, number, asked_ms);
                    self.calls.keys.push(KeyUse {
                        key: format!("api-{number}"),
                        answers: vec![(id, now_ms())],
                        holder: None,
                        has_limit: false,
                    });
                    return;
                }
                // Redis is away, or there are too few replicas: it says when to come again.
                Some((503, _)) => {}
                None if !self.door.was_open(changes) => {}
                None if since.elapsed() >= PATIENCE => self.misbehaves("did not answer in time"),
                None => self.misbehaves("hung up"),
                Some((status, answer)) => {
                    self.misbehaves(&format!("answered {status}: {answer}"));
                    return;
                }
            }
            self.calls.repeated += 1;
            gone_by(EVERY, since).await;
        }
    }

    /// The same key again: for the same job, and for another one, which is refused and named the job that has it.
    async fn again(&mut self, number: usize) {
        let key = format!("api-{number}");
        let Some(place) = self.calls.keys.iter().position(|used| used.key == key) else {
            return;
        };
        let recipient = match number % 3 {
            0 => format!("other{number}@example.com"),
            _ => format!("api{number}@example.com"),
        };
        let asked_ms = now_ms();
        let answer = post(&self.door, "/v1/jobs", &Self::body(number, &recipient)).await;
        let id = match &answer {
            Some((200 | 201, answer)) => id_in(&answer["id"]),
            Some((409, answer)) => id_in(&answer["error"]["job_id"]),
            // It is away: the key is not asked for once more.
            _ => return,
        };
        let Some(id) = id else {
            self.misbehaves(&format!("named no job for a known key: {answer:?}"));
            return;
        };
        let used = &mut self.calls.keys[place];
        if used.answers.iter().all(|(known, _)| *known != id) {
            self.accept(id, number, asked_ms);
        }
        self.calls.keys[place].answers.push((id, now_ms()));
    }

    fn accept(&mut self, id: JobId, number: usize, asked_ms: u64) {
        self.calls.accepted.push(Accepted {
            id,
            sort: self.sort,
            kind: SendEmail::KIND,
            number,
            asked_ms,
            at_ms: now_ms(),
        });
    }

    fn misbehaves(&mut self, what: &str) {
        self.calls.misbehaved.push(format!("api: it {what}"));
    }
}

fn id_in(value: &Value) -> Option<JobId> {
    value.as_str()?.parse().ok()
}
