//! Producers at one rate, by every way into the fleet.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use longshore_client::kinds::CreateCustomer;
use longshore_client::{Client, Job, JobId};
use longshore_outbox::enqueue;
use longshore_tests::{Act, address, contact, email, gone_by, http, sms};
use tokio::task::JoinHandle;
use tokio_postgres::NoTls;

use crate::fleet::{Fleet, TOKEN};

/// How often each producer enqueues.
const EVERY: Duration = Duration::from_millis(200);

/// How many addresses there are: after the first time each costs no call.
const ADDRESSES: usize = 500;

/// Those who produce.
pub(crate) struct Producers {
    over: Arc<AtomicBool>,
    producing: Vec<JoinHandle<Vec<(Act, JobId)>>>,
}

/// How many of a hundred jobs are of which sort.
const MAILS: usize = 55;
const TEXTS: usize = 10;
const CUSTOMERS: usize = 10;
const QUESTIONS: usize = 15;
const CALLS: usize = 5;
const BY_THE_API: usize = 5;

impl Producers {
    /// Begins to produce this many jobs a second.
    pub(crate) fn start(fleet: &Fleet, rate: usize) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (client, gate) = (&fleet.stage.client, Gate::new(&over, rate));
        let customer = |n| CreateCustomer::new(format!("user-{n}"));
        let producing = vec![
            tokio::spawn(by_client(client.clone(), gate.of(MAILS), Act::Email, email)),
            tokio::spawn(by_client(client.clone(), gate.of(TEXTS), Act::Sms, sms)),
            tokio::spawn(by_client(
                client.clone(),
                gate.of(CUSTOMERS),
                Act::Payments,
                customer,
            )),
            tokio::spawn(by_client(
                client.clone(),
                gate.of(QUESTIONS),
                Act::Geocode,
                |n| address(n % ADDRESSES),
            )),
            tokio::spawn(by_client(
                client.clone(),
                gate.of(CALLS),
                Act::Service,
                contact,
            )),
            tokio::spawn(by_api(fleet.api, gate.of(BY_THE_API))),
            tokio::spawn(by_rows(fleet.postgres.url(), gate.of(1))),
        ];
        Self { over, producing }
    }

    /// Ends them. Returns what was accepted.
    pub(crate) async fn end(self) -> Vec<(Act, JobId)> {
        self.over.store(true, Ordering::Release);
        let mut accepted = Vec::new();
        for producing in self.producing {
            accepted.extend(producing.await.expect("a producer does not panic"));
        }
        accepted
    }
}

/// When a producer's next jobs are due.
#[derive(Clone)]
struct Gate {
    over: Arc<AtomicBool>,
    rate: usize,
    started: Instant,
    turns: u32,
    made: usize,
}

impl Gate {
    fn new(over: &Arc<AtomicBool>, rate: usize) -> Self {
        Self {
            over: Arc::clone(over),
            rate,
            started: Instant::now(),
            turns: 0,
            made: 0,
        }
    }

    /// For a part of a hundred.
    fn of(&self, percent: usize) -> Self {
        Self {
            rate: self.rate * percent,
            ..self.clone()
        }
    }

    /// Waits for the next turn. Returns the numbers of the jobs that are due, and `None` when it is over.
    async fn next(&mut self) -> Option<std::ops::Range<usize>> {
        self.turns += 1;
        gone_by(EVERY * self.turns, self.started).await;
        if self.over.load(Ordering::Acquire) {
            return None;
        }
        // The rate is in hundredths of a job a second, and there are five turns in one.
        let due = self.turns as usize * self.rate / 500;
        let numbers = self.made..due;
        self.made = due;
        Some(numbers)
    }
}

async fn by_client<J: Job>(
    client: Client,
    mut gate: Gate,
    act: Act,
    make: impl Fn(usize) -> J + Send + 'static,
) -> Vec<(Act, JobId)> {
    let mut accepted = Vec::new();
    while let Some(numbers) = gate.next().await {
        let ids = client
            .enqueue_all(numbers.map(&make).collect::<Vec<_>>())
            .await;
        accepted.extend(ids.expect("Redis is well").into_iter().map(|id| (act, id)));
    }
    accepted
}

/// Mails by the HTTP API, each under a key.
async fn by_api(api: SocketAddr, mut gate: Gate) -> Vec<(Act, JobId)> {
    let mut accepted = Vec::new();
    while let Some(numbers) = gate.next().await {
        for number in numbers {
            let body = serde_json::json!({
                "kind": "send_email",
                "args": { "template": "welcome", "to": { "email": format!("api{number}@example.com") }, "data": {} },
                "key": format!("soak-{number}"),
            });
            let bearer = format!("Bearer {TOKEN}");
            let headers = [
                ("Authorization", bearer.as_str()),
                ("Content-Type", "application/json"),
            ];
            let (status, answer) =
                http::request(api, "POST /v1/jobs", &headers, &body.to_string()).await;
            assert!(
                status == 201 || status == 202,
                "the API says {status}: {answer}"
            );
            let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
            let id = answer["id"].as_str().and_then(|id| id.parse().ok());
            accepted.push((Act::Email, id.expect("an id")));
        }
    }
    accepted
}

/// Mails in transactions.
async fn by_rows(postgres: String, mut gate: Gate) -> Vec<(Act, JobId)> {
    let connected = tokio_postgres::connect(&postgres, NoTls).await;
    let (mut client, connection) = connected.expect("Postgres is well");
    tokio::spawn(connection);
    let mut accepted = Vec::new();
    while let Some(numbers) = gate.next().await {
        for number in numbers {
            let mut tx = client.transaction().await.expect("Postgres is well");
            let mail = email(10_000_000 + number);
            let id = enqueue(&mut tx, mail).await.expect("Postgres is well");
            tx.commit().await.expect("Postgres is well");
            accepted.push((Act::Email, id));
        }
    }
    accepted
}
