//! The table, as the carrier reads and writes it.

use std::fmt;

use futures_util::StreamExt;
use futures_util::stream::poll_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, Connection, Error, Row};

use super::statements::{Statements, finite};
use crate::OutboxTable;

/// How many rows one transaction takes.
pub(crate) const BATCH: i64 = 250;

/// A kind as it can surely be read: what a database without an encoding has in it may be no text.
const KIND: &str = "CASE WHEN kind ~ '^[ -~]*$' THEN kind ELSE '?' END";

/// The table on one connection.
pub(crate) struct Store {
    client: Client,
    statements: Statements,
    table: OutboxTable,
    told: mpsc::Receiver<()>,
}

/// A row that waits, as it stands.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) v: i32,
    /// `None` where there are too many bytes of it.
    pub(crate) args: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) due_at_ms: Option<i64>,
    pub(crate) expires_in_ms: Option<i64>,
    pub(crate) priority: Option<String>,
    pub(crate) tenant: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) traceparent: Option<String>,
    pub(crate) tracestate: Option<String>,
    pub(crate) tried_ms: Option<i64>,
    /// For how long it has been due, by Postgres's clock; less than 0 before.
    pub(crate) overdue_ms: i64,
}

/// How the table looks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Look {
    /// How many rows wait; counted up to 10,000.
    pub(crate) waiting: i64,
    /// How long the first of them has waited.
    pub(crate) oldest_seconds: f64,
    /// How many are held, by code.
    pub(crate) held: Vec<(String, i64)>,
}

/// A row that is not carried.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Held {
    /// The job's id.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// Why: `args`, `unknown_kind`, `options`, `encoding`, `key_taken` or `tried_long_ago`.
    pub code: String,
    /// Why, in a sentence.
    pub reason: String,
    /// When it was inserted, in ms since the epoch.
    pub created_at_ms: i64,
    /// Since when it is held, in ms since the epoch.
    pub held_at_ms: i64,
}

/// What a transaction does to rows, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// When each is tried first, in ms since the epoch by Redis's clock.
    pub(crate) tried: Vec<(String, i64)>,
    /// These were surely not enqueued: when they are tried next, it is for the first time.
    pub(crate) untried: Vec<String>,
    /// Code and reason.
    pub(crate) held: Vec<(String, &'static str, String)>,
    pub(crate) done: Vec<String>,
}

impl Store {
    /// The table on this connection, which runs on a task of its own.
    pub(crate) async fn new<S, T>(
        client: Client,
        connection: Connection<S, T>,
        table: OutboxTable,
    ) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (tell, told) = mpsc::channel(1);
        tokio::spawn(drive(connection, tell));
        // A carrier that is frozen in the middle gives its rows back.
        client
            .batch_execute(
                "SET idle_in_transaction_session_timeout = '60s'; SET statement_timeout = '60s'",
            )
            .await?;
        let statements = Statements::prepare(&client, &table).await?;
        Ok(Self {
            client,
            statements,
            table,
            told,
        })
    }

    /// Asks to be told of new rows.
    pub(crate) async fn listen(&self) -> Result<(), Error> {
        let listen = format!("LISTEN {}", self.table.channel());
        self.client.batch_execute(&listen).await
    }

    /// Waits until there may be new rows, or the connection has ended.
    pub(crate) async fn told(&mut self) {
        self.told.recv().await;
    }

    /// Begins to carry: rows that wait, in order, locked until it ends. Rows of these kinds are left alone, and so are rows
    /// that another carrier has.
    pub(crate) async fn begin(
        &mut self,
        left_alone: &[&str],
    ) -> Result<(Carrying<'_>, Vec<Waiting>), Error> {
        let transaction = self.client.transaction().await?;
        let rows = transaction
            .query(&self.statements.waiting, &[&left_alone, &BATCH])
            .await?;
        let rows = rows.iter().map(Waiting::read).collect::<Result<_, _>>()?;
        let statements = &self.statements;
        Ok((
            Carrying {
                transaction,
                statements,
            },
            rows,
        ))
    }

    /// Holds rows that cannot be read, of those that [`Store::begin`] would take. Returns their ids.
    pub(crate) async fn hold_unreadable(
        &mut self,
        left_alone: &[&str],
        code: &'static str,
        reason: &str,
    ) -> Result<Vec<String>, Error> {
        let mut transaction = self.client.transaction().await?;
        let ids = transaction
            .query(&self.statements.waiting_ids, &[&left_alone, &BATCH])
            .await?;
        let mut unreadable = Vec::new();
        for row in ids {
            let id: String = row.try_get(0)?;
            // An error ends only this.
            let one = transaction.savepoint("one").await?;
            match one.query(&self.statements.waiting_one, &[&id]).await {
                Ok(_) => one.commit().await?,
                Err(error) if is_unreadable(&error) => {
                    one.rollback().await?;
                    unreadable.push(id);
                }
                Err(error) => return Err(error),
            }
        }
        let held = unreadable
            .iter()
            .map(|id| (id.clone(), code, reason.to_owned()));
        let changes = Changes {
            held: held.collect(),
            ..Changes::default()
        };
        let statements = &self.statements;
        let carrying = Carrying {
            transaction,
            statements,
        };
        carrying.commit(&changes).await?;
        Ok(unreadable)
    }

    /// How it looks.
    pub(crate) async fn look(&self) -> Result<Look, Error> {
        let table = &self.table;
        let created = finite("created_at");
        let look = format!(
            "SELECT (SELECT count(*) FROM (SELECT 1 FROM {table} WHERE held_at IS NULL LIMIT 10000) AS first), \
             coalesce((SELECT greatest(0, extract(epoch FROM clock_timestamp()) - {created})::float8 \
                FROM {table} WHERE held_at IS NULL ORDER BY position LIMIT 1), 0)"
        );
        let row = self.client.query_one(&look, &[]).await?;
        let by_code = format!(
            "SELECT held_code, count(*) FROM {table} WHERE held_at IS NOT NULL GROUP BY held_code"
        );
        let held = self.client.query(&by_code, &[]).await?;
        let of = |row: &Row| -> Result<(String, i64), Error> {
            let code: Option<String> = row.try_get(0)?;
            Ok((
                code.unwrap_or_else(|| "unknown".to_owned()),
                row.try_get(1)?,
            ))
        };
        Ok(Look {
            waiting: row.try_get(0)?,
            oldest_seconds: row.try_get(1)?,
            held: held.iter().map(of).collect::<Result<_, _>>()?,
        })
    }

    /// Lets rows wait again that were held since a carrier did not know their kind or version, of these kinds up to these
    /// versions. Returns how many.
    pub(crate) async fn release(&self, kinds: &[&str], versions: &[i32]) -> Result<u64, Error> {
        let release = format!(
            "UPDATE {} SET held_at = NULL, held_code = NULL, held_reason = NULL \
             WHERE id IN (SELECT row.id FROM {} AS row, unnest($1::text[], $2::int[]) AS known (kind, v) \
             WHERE held_at IS NOT NULL AND held_code = 'unknown_kind' AND row.kind = known.kind AND row.v <= known.v \
             LIMIT 1000 FOR UPDATE OF row SKIP LOCKED)",
            self.table, self.table
        );
        self.client.execute(&release, &[&kinds, &versions]).await
    }

    /// Rows that are held, the newest first.
    pub(crate) async fn list_held(&self, limit: i64) -> Result<Vec<Held>, Error> {
        let list = format!(
            "SELECT id, {KIND}, coalesce(held_code, 'unknown'), coalesce(held_reason, ''), \
             ({} * 1000)::bigint, ({} * 1000)::bigint \
             FROM {} WHERE held_at IS NOT NULL ORDER BY held_at DESC, position DESC LIMIT $1",
            finite("created_at"),
            finite("held_at"),
            self.table
        );
        let rows = self.client.query(&list, &[&limit]).await?;
        let held = rows.iter().map(|row| {
            Ok(Held {
                id: row.try_get(0)?,
                kind: row.try_get(1)?,
                code: row.try_get(2)?,
                reason: row.try_get(3)?,
                created_at_ms: row.try_get(4)?,
                held_at_ms: row.try_get(5)?,
            })
        });
        held.collect()
    }

    /// Lets held rows wait again; one that was tried long ago only by force. Returns id and kind of those that wait.
    pub(crate) async fn retry_held(
        &self,
        ids: &[String],
        force: bool,
    ) -> Result<Vec<(String, String)>, Error> {
        let retry = format!(
            "UPDATE {} SET held_at = NULL, held_code = NULL, held_reason = NULL, \
             tried_ms = CASE WHEN held_code = 'tried_long_ago' THEN NULL ELSE tried_ms END \
             WHERE id = ANY($1) AND held_at IS NOT NULL AND ($2 OR held_code IS DISTINCT FROM 'tried_long_ago') \
             RETURNING id, {KIND}",
            self.table
        );
        let rows = self.client.query(&retry, &[&ids, &force]).await?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect()
    }

    /// Deletes held rows. Returns id and kind of those that were.
    pub(crate) async fn discard_held(
        &self,
        ids: &[String],
    ) -> Result<Vec<(String, String)>, Error> {
        let discard = format!(
            "DELETE FROM {} WHERE id = ANY($1) AND held_at IS NOT NULL RETURNING id, {KIND}",
            self.table
        );
        let rows = self.client.query(&discard, &[&ids]).await?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

/// A transaction that has rows.
pub(crate) struct Carrying<'a> {
    transaction: tokio_postgres::Transaction<'a>,
    statements: &'a Statements,
}

impl Carrying<'_> {
    /// Writes what became of the rows, and ends it.
    pub(crate) async fn commit(self, changes: &Changes) -> Result<(), Error> {
        let (own, transaction) = (self.statements, &self.transaction);
        if !changes.tried.is_empty() {
            let (ids, ms): (Vec<&str>, Vec<i64>) = changes
                .tried
                .iter()
                .map(|(id, ms)| (id.as_str(), *ms))
                .unzip();
            transaction.execute(&own.mark, &[&ids, &ms]).await?;
        }
        if !changes.held.is_empty() {
            let ids: Vec<&str> = changes.held.iter().map(|held| held.0.as_str()).collect();
            let codes: Vec<&str> = changes.held.iter().map(|held| held.1).collect();
            let reasons: Vec<&str> = changes.held.iter().map(|held| held.2.as_str()).collect();
            transaction
                .execute(&own.hold, &[&ids, &codes, &reasons])
                .await?;
        }
        if !changes.untried.is_empty() {
            transaction
                .execute(&own.unmark, &[&changes.untried])
                .await?;
        }
        if !changes.done.is_empty() {
            transaction.execute(&own.delete, &[&changes.done]).await?;
        }
        self.transaction.commit().await
    }
}

impl Waiting {
    fn read(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.try_get(0)?,
            kind: row.try_get(1)?,
            v: row.try_get(2)?,
            args: row.try_get(3)?,
            key: row.try_get(4)?,
            due_at_ms: row.try_get(5)?,
            expires_in_ms: row.try_get(6)?,
            priority: row.try_get(7)?,
            tenant: row.try_get(8)?,
            tags: row.try_get(9)?,
            traceparent: row.try_get(10)?,
            tracestate: row.try_get(11)?,
            tried_ms: row.try_get(12)?,
            overdue_ms: row.try_get(13)?,
        })
    }
}

/// Keeps the connection going, and tells of notifications.
async fn drive<S, T>(mut connection: Connection<S, T>, tell: mpsc::Sender<()>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut messages = poll_fn(move |context| connection.poll_message(context));
    // An error ends the connection: whoever uses it next is told.
    while let Some(Ok(message)) = messages.next().await {
        if let AsyncMessage::Notification(_) = message {
            // One that waits to be read tells as much as two.
            let _ = tell.try_send(());
        }
    }
}

/// Whether a row has bytes that cannot be sent as UTF-8: a database of another encoding takes them.
pub(crate) fn is_unreadable(error: &Error) -> bool {
    let of_text = [
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        SqlState::UNTRANSLATABLE_CHARACTER,
    ];
    error.code().is_some_and(|code| of_text.contains(code))
}
