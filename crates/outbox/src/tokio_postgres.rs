//! Transactions of tokio-postgres.

use tokio_postgres::{Client, Error};

use crate::{OutboxRow, Transaction};

impl Transaction for tokio_postgres::Transaction<'_> {
    type Error = Error;

    async fn insert(&mut self, statement: &str, row: OutboxRow) -> Result<(), Error> {
        insert(self.client(), statement, &row).await
    }
}

async fn insert(client: &Client, statement: &str, row: &OutboxRow) -> Result<(), Error> {
    let id = row.id.to_string();
    client
        .execute(
            statement,
            &[
                &id,
                &row.kind,
                &row.v,
                &row.args,
                &row.key,
                &row.due_at_ms,
                &row.due_in_ms,
                &row.expires_in_ms,
                &row.priority,
                &row.tenant,
                &row.tags,
                &row.traceparent,
                &row.tracestate,
            ],
        )
        .await?;
    Ok(())
}
