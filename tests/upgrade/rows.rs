//! An app that commits mails in its own Postgres, in a table that the earlier build has defined.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use longshore_outbox::enqueue;
use longshore_sandbox::PostgresServer;
use longshore_tests::{Caller, email, gone_by};
use tokio::task::JoinHandle;
use tokio_postgres::{Error, NoTls};

use crate::calls::Notes;
use crate::sort::Sort;

/// How often a transaction begins.
const EVERY: Duration = Duration::from_millis(250);

/// A Postgres with the table as this build has it.
pub(crate) async fn database(caller: &Caller) -> PostgresServer {
    let postgres = PostgresServer::start().expect("a private Postgres starts");
    let schema = caller.call(&["outbox", "schema"], "").await;
    assert_eq!(schema.code, Some(0), "{schema:?}");
    postgres.sql(&schema.stdout);
    postgres
}

/// Commits two mails at a time until it is over.
pub(crate) fn commit(url: String, notes: Notes, over: Arc<AtomicBool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = transact(&url, &notes, &over).await {
            notes.problem(format!("the app's transactions: {error}"));
        }
    })
}

async fn transact(url: &str, notes: &Notes, over: &AtomicBool) -> Result<(), Error> {
    let (mut client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    let mut number = 0;
    while !over.load(Ordering::Acquire) {
        let since = Instant::now();
        let mut tx = client.transaction().await?;
        let mut ids = Vec::new();
        for _ in 0..2 {
            number += 1;
            ids.push(enqueue(&mut tx, email(number)).await.expect("good args"));
        }
        tx.commit().await?;
        let ids = ids.into_iter().map(|id| (id, Sort::Mail));
        notes.with(|noted| noted.accepted.extend(ids));
        gone_by(EVERY, since).await;
    }
    Ok(())
}

/// What is left in the table.
pub(crate) fn left(postgres: &PostgresServer) -> Vec<String> {
    let left = "SELECT id, held_code, held_reason FROM longshore_outbox";
    postgres.sql(left).lines().map(str::to_owned).collect()
}
