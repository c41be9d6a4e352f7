//! One job as a row of the table.

use longshore_client::{EnqueueOptions, RunAt};
use longshore_job::{InvalidArgs, Job, JobId};

use crate::OutboxTable;

/// One job as a row of the table. Its fields are the parameters of [`OutboxRow::insert`], in order.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its id, a ULID.
    pub id: JobId,
    /// Its kind.
    pub kind: &'static str,
    /// The version of its args.
    pub v: i32,
    /// Its args, JSON.
    pub args: String,
    /// Its idempotency key.
    pub key: Option<String>,
    /// When it may run, in ms since the epoch.
    pub due_at_ms: Option<i64>,
    /// So many ms after the insert it may run, by Postgres's clock.
    pub due_in_ms: Option<i64>,
    /// So many ms after it was due it expires.
    pub expires_in_ms: Option<i64>,
    /// `high`, `normal` or `low`; `None` as its kind and its args say.
    pub priority: Option<&'static str>,
    /// Whose job it is.
    pub tenant: Option<String>,
    /// What it is found by.
    pub tags: Vec<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// W3C trace state.
    pub tracestate: Option<String>,
}

impl OutboxRow {
    /// The row of a job that was checked.
    pub(crate) fn new<J: Job>(
        id: JobId,
        job: &J,
        options: EnqueueOptions,
    ) -> Result<Self, InvalidArgs> {
        let args = serde_json::to_string(job)
            .map_err(|error| InvalidArgs(format!("args cannot be written as JSON: {error}")))?;
        let ms = |duration: std::time::Duration| fits(duration.as_millis());
        let life = options.life();
        let (traceparent, tracestate) = longshore_client::trace_context();
        Ok(Self {
            id,
            kind: J::KIND,
            v: i32::try_from(J::VERSION).unwrap_or(i32::MAX),
            args,
            key: options.key,
            due_at_ms: match options.run_at {
                RunAt::At(at) => Some(fits(at.into())),
                RunAt::Now | RunAt::In(_) => None,
            },
            due_in_ms: match options.run_at {
                RunAt::In(wait) => Some(ms(wait)),
                RunAt::Now | RunAt::At(_) => None,
            },
            expires_in_ms: life.map(ms),
            priority: options.priority.map(longshore_client::Priority::as_str),
            tenant: options.tenant,
            tags: options.tags,
            traceparent,
            tracestate,
        })
    }

    /// The statement that inserts a row.
    #[must_use]
    pub fn insert(table: &OutboxTable) -> String {
        format!(
            "INSERT INTO {table} (id, kind, v, args, key, due_at, expires_in, priority, tenant, tags, traceparent, tracestate) \
             VALUES ($1, $2, $3, $4::text::json, $5, \
             coalesce(to_timestamp($6::bigint / 1000.0::float8), clock_timestamp() + $7::bigint * interval '1 millisecond'), \
             $8::bigint * interval '1 millisecond', $9, $10, $11, $12, $13)"
        )
    }
}

fn fits(ms: u128) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// Shows sizes, never args: they may hold personal data.
impl std::fmt::Debug for OutboxRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboxRow")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("args_bytes", &self.args.len())
            .finish_non_exhaustive()
    }
}
