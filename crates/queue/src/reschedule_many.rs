//! Another time for many jobs: an operation that any process carries on, a step at a time, as one that cancels many is
//! (`cancel_many.rs`).

use std::time::Duration;

use longshore_job::JobId;

use crate::bulk::{BulkState, Looked, Walk, process};
use crate::reschedule::when;
use crate::value::Fields;
use crate::{JobFilter, JobInfo, Place, Queue, QueueError, RunAt, Signed, script};

/// Where jobs wait. What has its new time may be found again, and is due then already: it is not counted again.
const PLACES: [Place; 4] = [
    Place::Scheduled,
    Place::Parked,
    Place::Lanes,
    Place::Pending,
];

/// An operation that gives many jobs another time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkReschedule {
    /// Its id.
    pub id: String,
    /// Which jobs. What was enqueued, or ran, after it began is not meant.
    pub filter: JobFilter,
    /// When they are due, in ms since the epoch.
    pub due_ms: u64,
    /// How it stands.
    pub state: BulkState,
    /// Who asked for it.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
    /// How many jobs were meant when it began.
    pub total: u64,
    /// How many have the new time.
    pub done: u64,
    /// How many were left alone, since what stands of them is broken.
    pub failed: u64,
    /// When it began, in ms since the epoch.
    pub begun_at_ms: u64,
    /// When it ended, in ms since the epoch.
    pub ended_at_ms: Option<u64>,
}

/// What does not read is none of ours.
pub(crate) fn read(id: String, fields: &Fields) -> Option<BulkReschedule> {
    let text = |name: &str| fields.text(name).map(str::to_owned);
    Some(BulkReschedule {
        id,
        filter: serde_json::from_str(fields.text("filter")?).ok()?,
        due_ms: fields.number("due")?,
        state: BulkState::parse(fields.text("state")?)?,
        by: text("by").unwrap_or_default(),
        reason: text("why").unwrap_or_default(),
        total: fields.number("total")?,
        done: fields.number("done")?,
        failed: fields.number("failed").unwrap_or_default(),
        begun_at_ms: fields.number("begun")?,
        ended_at_ms: fields.number("ended"),
    })
}

impl BulkReschedule {
    /// It goes on by itself.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == BulkState::Running
    }

    /// Whether nothing has happened to the job since it began: what ran since, and waits for its retry, has a time that it was not asked
    /// about.
    fn is_as_it_was(&self, job: &JobInfo) -> bool {
        let last = job.history.last().map(|last| last.at_ms);
        let then = job.enqueued_at_ms.into_iter().chain(last);
        then.max().is_none_or(|at| at <= self.begun_at_ms)
    }
}

impl Queue {
    /// Begins to make all jobs that wait and are meant due at another time, each with its expiry counted from then: the fleet does, whoever
    /// calls [`advance_operations`](Self::advance_operations). `total` is how many there are. Can be repeated with the same id.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn begin_reschedule(
        &self,
        id: JobId,
        filter: &JobFilter,
        total: u64,
        run_at: RunAt,
        signed: &Signed,
    ) -> Result<(), QueueError> {
        self.begin_on_many(
            &script::RESCHEDULE_BEGIN,
            id,
            filter,
            filter.to_string(),
            total,
            signed,
        )
        .arg(when(run_at))
        .run::<String>(&self.link)
        .await
        .map(drop)
    }

    /// One step of it. Returns how long until the next one is of use; `None` when it is over, or cannot be read.
    pub(crate) async fn advance_reschedule(
        &self,
        id: &str,
        fields: &Fields,
    ) -> Result<Option<Duration>, QueueError> {
        let Some(operation) = read(id.to_owned(), fields) else {
            return self.close_unread(id).await;
        };
        if !operation.is_open() {
            return Ok(None);
        }
        let from = fields.get("cursor").unwrap_or_default();
        let mut walk = Walk::parse(&PLACES, from);
        let is_meant = |job: &JobInfo| operation.is_as_it_was(job);
        let looked = self.look_on(&mut walk, &operation.filter, is_meant).await?;
        let goes_on = self.step_reschedule(id, from, &walk, &looked).await?;
        Ok((goes_on && !walk.is_over()).then_some(Duration::ZERO))
    }

    /// Gives what was found its time. Returns whether the operation goes on.
    async fn step_reschedule(
        &self,
        id: &str,
        from: &[u8],
        walk: &Walk,
        looked: &Looked,
    ) -> Result<bool, QueueError> {
        let k = &self.keys;
        let pushed: Vec<_> = looked.ids.iter().map(|id| k.pushed(id)).collect();
        let keys = k.of_waiting().into_iter();
        let keys = keys.chain([&*k.operations, &*k.open_replays]);
        let keys = keys.map(str::as_bytes);
        let mut call = script::RESCHEDULE_STEP
            .on_keys(keys.chain(pushed.iter().map(Vec::as_slice)))
            .arg(id)
            .arg(from)
            .arg(walk.encode())
            .arg(looked.count)
            .arg(if walk.is_over() { "over" } else { "" })
            .arg(process());
        for id in &looked.ids {
            call = call.arg(id.as_bytes());
        }
        let made: String = call.run(&self.link).await?;
        Ok(made != "closed")
    }
}
