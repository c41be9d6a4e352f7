//! Transactions of sqlx.

use sqlx::{PgConnection, Postgres};

use crate::{OutboxRow, Transaction};

/// A connection that a transaction was begun on. Without one the job commits at once.
impl Transaction for PgConnection {
    type Error = sqlx::Error;

    async fn insert(&mut self, statement: &str, row: OutboxRow) -> Result<(), sqlx::Error> {
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(row.id.to_string())
            .bind(row.kind)
            .bind(row.v)
            .bind(row.args)
            .bind(row.key)
            .bind(row.due_at_ms)
            .bind(row.due_in_ms)
            .bind(row.expires_in_ms)
            .bind(row.priority)
            .bind(row.tenant)
            .bind(row.tags)
            .bind(row.traceparent)
            .bind(row.tracestate)
            .execute(self)
            .await?;
        Ok(())
    }
}

impl Transaction for sqlx::Transaction<'_, Postgres> {
    type Error = sqlx::Error;

    async fn insert(&mut self, statement: &str, row: OutboxRow) -> Result<(), sqlx::Error> {
        Transaction::insert(&mut **self, statement, row).await
    }
}
