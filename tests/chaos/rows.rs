//! An app that commits orders into Postgres with their mails, or rolls both back, whatever happens to Postgres meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use longshore_client::kinds::SendEmail;
use longshore_client::{Job, JobId};
use longshore_outbox::{OutboxError, SCHEMA, enqueue};
use longshore_sandbox::PostgresServer;
use longshore_tests::{email, gone_by};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Error, NoTls};

use crate::facts::Accepted;
use crate::produce::now_ms;
use crate::sort::Sort;

/// How often a transaction begins.
const EVERY: Duration = Duration::from_millis(100);

/// How many mails belong to one.
const MAILS: usize = 3;

/// The app's own data, and when each row was carried, which commits with the carrier's delete.
const OWN_TABLES: &str = "
    CREATE TABLE orders (mail text PRIMARY KEY);
    CREATE TABLE carried (mail text, at_ms bigint);
    CREATE FUNCTION note_carried() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO carried VALUES (OLD.id, extract(epoch FROM clock_timestamp()) * 1000);
        RETURN OLD;
    END $$;
    CREATE TRIGGER note_carried BEFORE DELETE ON longshore_outbox FOR EACH ROW EXECUTE FUNCTION note_carried();
";

/// A mail that a transaction had, and when that began.
pub(crate) type Tried = (JobId, u64);

/// The app.
pub(crate) struct Rows {
    over: Arc<AtomicBool>,
    producing: JoinHandle<Vec<Tried>>,
}

/// What became of its transactions, as its own table has it.
#[derive(Debug, Default)]
pub(crate) struct RowsCameTo {
    /// Committed and carried.
    pub(crate) carried: Vec<Accepted>,
    /// Rolled back, or never committed.
    pub(crate) rolled_back: Vec<JobId>,
    /// Committed and still in the table, with why if it is held.
    pub(crate) left: Vec<String>,
}

/// A Postgres with the app's tables.
pub(crate) fn database() -> PostgresServer {
    let postgres = PostgresServer::start().expect("a private Postgres starts");
    postgres.sql(SCHEMA);
    postgres.sql(OWN_TABLES);
    postgres
}

impl Rows {
    /// Begins to write, some 30 mails a second, of which every fourth transaction's are rolled back.
    pub(crate) fn start(postgres: &PostgresServer) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let producing = tokio::spawn(produce(postgres.url(), Arc::clone(&over)));
        Self { over, producing }
    }

    /// Ends it. Returns all mails that it tried to commit, or rolled back.
    pub(crate) async fn end(self) -> Vec<Tried> {
        self.over.store(true, Ordering::Release);
        self.producing.await.expect("it does not panic")
    }
}

/// What became of each of these: whether it was committed is for the table of orders to say, since a commit's answer may be
/// lost.
pub(crate) fn came_to(postgres: &PostgresServer, tried: &[Tried], sort: Sort) -> RowsCameTo {
    let carried_at: HashMap<JobId, u64> = postgres
        .sql("SELECT mail, max(at_ms) FROM orders JOIN carried USING (mail) GROUP BY mail")
        .lines()
        .filter_map(|row| row.split_once('|'))
        .map(|(id, at)| (id.parse().expect("an id"), at.parse().expect("a time")))
        .collect();
    let committed = postgres.sql("SELECT mail FROM orders");
    let committed: Vec<JobId> = committed
        .lines()
        .map(|id| id.parse().expect("an id"))
        .collect();
    let left = "SELECT id, held_code, held_reason FROM longshore_outbox";
    let mut came = RowsCameTo {
        left: postgres.sql(left).lines().map(str::to_owned).collect(),
        ..RowsCameTo::default()
    };
    for &(id, asked_ms) in tried {
        match (carried_at.get(&id), committed.contains(&id)) {
            (Some(&at_ms), _) => came.carried.push(Accepted {
                id,
                sort,
                kind: SendEmail::KIND,
                number: 0,
                asked_ms,
                at_ms,
            }),
            (None, true) if came.left.iter().any(|row| row.starts_with(&id.to_string())) => {}
            (None, true) => came
                .left
                .push(format!("{id} was committed, and is nowhere")),
            (None, false) => came.rolled_back.push(id),
        }
    }
    came
}

async fn produce(url: String, over: Arc<AtomicBool>) -> Vec<Tried> {
    let (mut tried, mut connected, mut number) = (Vec::new(), None, 0);
    while !over.load(Ordering::Acquire) {
        let started = Instant::now();
        if connected.is_none() {
            connected = connect(&url).await;
        }
        if let Some(client) = &mut connected {
            number += 1;
            if transact(client, number, &mut tried).await.is_err() {
                // Postgres was killed: what became of the transaction is looked up later.
                connected = None;
            }
        }
        gone_by(EVERY, started).await;
    }
    tried
}

async fn connect(url: &str) -> Option<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.ok()?;
    tokio::spawn(connection);
    Some(client)
}

async fn transact(client: &mut Client, number: usize, tried: &mut Vec<Tried>) -> Result<(), Error> {
    let asked_ms = now_ms();
    let mut tx = client.transaction().await?;
    for mail in 0..MAILS {
        let id = match enqueue(&mut tx, email(number * MAILS + mail)).await {
            Ok(id) => id,
            Err(OutboxError::Database(error)) => return Err(error),
            Err(error) => panic!("{error}"),
        };
        tried.push((id, asked_ms));
        let order = "INSERT INTO orders VALUES ($1)";
        tx.execute(order, &[&id.to_string()]).await?;
    }
    match number % 4 {
        0 => tx.rollback().await,
        _ => tx.commit().await,
    }
}
