//! Cancelling many jobs: an operation that any process carries on, a step at a time.
//!
//! A step is two calls: one looks at some jobs, and one cancels those of them that are meant and moves the operation's cursor, if
//! nobody else has moved it. So what is meant is decided here, where payloads are read, and two processes do no harm.

use std::time::Duration;

use longshore_job::JobId;

use crate::bulk::{BulkState, Looked, Walk, process};
use crate::held::Held;
use crate::value::{Fields, Reply};
use crate::{JobFilter, JobInfo, Place, Queue, QueueError, Signed, script};

/// Where jobs are looked for that wait, or run. They move from one place to the next; a retry moves back, so the first is looked
/// at once more.
const PLACES: [Place; 6] = [
    Place::Scheduled,
    Place::Parked,
    Place::Lanes,
    Place::Pending,
    Place::Running,
    Place::Scheduled,
];

/// An operation that cancels many jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkCancel {
    /// Its id.
    pub id: String,
    /// Which jobs. What was enqueued after it began is not meant.
    pub filter: JobFilter,
    /// Also what may have been sent.
    pub force: bool,
    /// How it stands.
    pub state: BulkState,
    /// Who asked for it.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
    /// How many jobs were meant when it began.
    pub total: u64,
    /// How many it has cancelled.
    pub done: u64,
    /// How many run, and are asked to stop.
    pub asked: u64,
    /// How many it could not cancel: they may have been sent.
    pub failed: u64,
    /// When it began, in ms since the epoch.
    pub begun_at_ms: u64,
    /// When it ended, in ms since the epoch.
    pub ended_at_ms: Option<u64>,
}

/// What does not read is none of ours.
pub(crate) fn read(id: String, fields: &Fields) -> Option<BulkCancel> {
    let text = |name: &str| fields.text(name).map(str::to_owned);
    Some(BulkCancel {
        id,
        filter: serde_json::from_str(fields.text("filter")?).ok()?,
        force: fields.text("force") == Some("force"),
        state: BulkState::parse(fields.text("state")?)?,
        by: text("by").unwrap_or_default(),
        reason: text("why").unwrap_or_default(),
        total: fields.number("total")?,
        done: fields.number("done")?,
        asked: fields.number("asked").unwrap_or_default(),
        failed: fields.number("failed").unwrap_or_default(),
        begun_at_ms: fields.number("begun")?,
        ended_at_ms: fields.number("ended"),
    })
}

impl Queue {
    /// Begins to cancel all jobs that wait and are meant, and to ask those to stop that run: the fleet does, whoever calls
    /// [`advance_operations`](Self::advance_operations). `total` is how many there are. With `force` also what may have been sent. Can be
    /// repeated with the same id.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn begin_cancel(
        &self,
        id: JobId,
        filter: &JobFilter,
        total: u64,
        force: bool,
        signed: &Signed,
    ) -> Result<(), QueueError> {
        self.begin_on_many(
            &script::CANCEL_BEGIN,
            id,
            filter,
            filter.to_string(),
            total,
            signed,
        )
        .arg(if force { "force" } else { "" })
        .run::<String>(&self.link)
        .await
        .map(drop)
    }

    /// One step of it. Returns how long until the next one is of use; `None` when it is over, or cannot be read.
    pub(crate) async fn advance_cancel(
        &self,
        id: &str,
        fields: &Fields,
    ) -> Result<Option<Duration>, QueueError> {
        let Some(operation) = read(id.to_owned(), fields) else {
            return self.close_unread(id).await;
        };
        if operation.state != BulkState::Running {
            return Ok(None);
        }
        let from = fields.get("cursor").unwrap_or_default();
        let mut walk = Walk::parse(&PLACES, from);
        let before = |job: &JobInfo| {
            let at = job.enqueued_at_ms;
            at.is_none_or(|at| at <= operation.begun_at_ms)
        };
        let looked = self.look_on(&mut walk, &operation.filter, before).await?;
        let made = self.step_cancel(id, from, &walk, &looked).await?;
        Ok((made && !walk.is_over()).then_some(Duration::ZERO))
    }

    /// Cancels what was found in a place. Returns whether the operation goes on.
    async fn step_cancel(
        &self,
        id: &str,
        from: &[u8],
        walk: &Walk,
        looked: &Looked,
    ) -> Result<bool, QueueError> {
        let k = &self.keys;
        let keys = k.of_waiting().into_iter();
        let keys: Vec<&str> = keys.chain([&*k.operations, &*k.open_replays]).collect();
        let mut held = Held::default();
        let marks = match (looked.place + 1 == PLACES.len(), walk.is_over()) {
            (true, true) => "again over",
            (true, false) => "again",
            (false, true) => "over",
            (false, false) => "",
        };
        loop {
            let call = held
                .on(k, &script::CANCEL_STEP, &keys)
                .arg(id)
                .arg(from)
                .arg(walk.encode())
                .arg(looked.count)
                .arg(marks)
                .arg(process());
            let mut call = held.name(self.ended(call));
            for id in &looked.ids {
                call = call.arg(id.as_bytes());
            }
            let mut answer = Reply::new(call.run(&self.link).await?)?;
            let made: String = answer.next()?;
            if held.are_missing(&made, &mut answer)? {
                continue;
            }
            let words: Vec<String> = answer.next()?;
            if made == "made" {
                self.cancelled(&looked.ids, &words).await?;
            }
            return Ok(made != "closed");
        }
    }
}

impl BulkCancel {
    /// It goes on by itself.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == BulkState::Running
    }
}
