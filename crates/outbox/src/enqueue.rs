//! Enqueueing inside a transaction.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_client::{ClientError, EnqueueOptions, Priority, RunAt};
use longshore_job::{Job, JobId, Prepared};

use crate::{OutboxError, OutboxRow, OutboxTable};

/// A transaction that jobs can be enqueued in.
pub trait Transaction: Send {
    /// What the driver says of a statement that failed.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Executes [`OutboxRow::insert`] with the row's fields as parameters, in order.
    fn insert(
        &mut self,
        statement: &str,
        row: OutboxRow,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Begins to enqueue a job in this transaction, in the table `longshore_outbox`. Set options on the returned value, then await
/// it. The job is in the queue a moment after the commit; after a rollback there never was one.
pub fn enqueue<T: Transaction, J: Job>(transaction: &mut T, job: J) -> EnqueueWithin<'_, T, J> {
    OutboxTable::default().enqueue(transaction, job)
}

impl OutboxTable {
    /// As [`enqueue`], in a table of another name.
    pub fn enqueue<'t, T: Transaction, J: Job>(
        &self,
        transaction: &'t mut T,
        job: J,
    ) -> EnqueueWithin<'t, T, J> {
        EnqueueWithin {
            statement: OutboxRow::insert(self),
            transaction,
            job,
            options: EnqueueOptions::default(),
        }
    }
}

/// A job about to be enqueued: set options, then await it.
#[must_use = "nothing is enqueued until it is awaited"]
pub struct EnqueueWithin<'t, T, J> {
    statement: String,
    transaction: &'t mut T,
    job: J,
    options: EnqueueOptions,
}

impl<'t, T: Transaction, J: Job> EnqueueWithin<'t, T, J> {
    /// Makes at most one job of its kind with this key: 1 to 256 bytes. What has the key already is known only in the queue: a
    /// job with the same args is then carried as a duplicate; one with other args is held, and `longshore outbox held` names
    /// it.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.options.key = Some(key.into());
        self
    }

    /// Runs the job so long after now at the earliest, by Postgres's clock.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.options.run_at = RunAt::In(delay);
        self
    }

    /// Runs the job at this time at the earliest. A time in the past means at once.
    pub fn at(mut self, time: SystemTime) -> Self {
        let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.options.run_at = RunAt::At(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Does not start the job later than this after it was due: it is then dead as `expired`. A job without a delay is due when
    /// it is inserted.
    pub fn expires_in(mut self, life: Duration) -> Self {
        self.options.expires_in = Some(life);
        self
    }

    /// Does not start the job at this time or later: it is then dead as `expired`. Must be later than now, and than the time at which
    /// the job is due; not beside [`expires_in`](Self::expires_in). The row says it as `expires_in`, counted from when the job is due.
    pub fn expires_at(mut self, time: SystemTime) -> Self {
        self.options.expires_at = Some(time);
        self
    }

    /// Makes the job as urgent as this, whatever its kind says.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.options.priority = Some(priority);
        self
    }

    /// Names whose job it is: 1 to 64 characters.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.options.tenant = Some(tenant.into());
        self
    }

    /// Adds a tag, by which operators find the job: 1 to 64 characters, at most 10 tags.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.options.tags.push(tag.into());
        self
    }

    async fn insert(self) -> Result<JobId, OutboxError<T::Error>> {
        let refused = |error: ClientError| OutboxError::Refused(error);
        self.options.check().map_err(refused)?;
        if self
            .options
            .key
            .as_ref()
            .is_some_and(|key| key.contains('\0'))
        {
            let problem = "key: must have no NUL character: Postgres takes none";
            return Err(refused(ClientError::InvalidOption(problem)));
        }
        // Checked where it is enqueued, so that the carrier holds none that a typed producer wrote.
        Prepared::new(&self.job).map_err(|error| refused(error.into()))?;
        let row = OutboxRow::new(JobId::generate(), &self.job, self.options)
            .map_err(|error| refused(error.into()))?;
        let id = row.id;
        let inserted = self.transaction.insert(&self.statement, row).await;
        inserted.map_err(OutboxError::Database)?;
        Ok(id)
    }
}

impl<'t, T: Transaction, J: Job> IntoFuture for EnqueueWithin<'t, T, J> {
    type Output = Result<JobId, OutboxError<T::Error>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 't>>;

    fn into_future(self) -> Self::IntoFuture
    where
        J: 't,
    {
        Box::pin(self.insert())
    }
}

impl<T, J> fmt::Debug for EnqueueWithin<'_, T, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnqueueWithin")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
