//! Discards of many dead letters: operations that any process carries on.

use longshore_job::JobId;
use longshore_queue::{BegunDiscard, Signed};

use crate::dead::{Moved, Target};
use crate::error::OperatorError;
use crate::meant::Meant;
use crate::operations::OperationRow;
use crate::operator::Operator;

impl Operator {
    /// Begins to discard the letters of a group or a queue for good: an operation for each queue that has some. Where one of the same letters
    /// is running, it is that one. Named letters are none: they are discarded at once ([`discard`](Self::discard)).
    ///
    /// # Errors
    /// When there is no such queue or group, or Redis cannot be reached.
    pub async fn begin_discard(
        &self,
        target: &Target,
        signed: &Signed,
    ) -> Result<Vec<OperationRow>, OperatorError> {
        let mut rows = Vec::new();
        for meant in self.meant(target).await? {
            let begun = self.begun_discard(JobId::generate(), &meant, signed);
            rows.extend(begun.await?);
        }
        Ok(rows)
    }

    /// Begins to discard letters of one queue as [`begin_discard`](Self::begin_discard) does, under an id that the caller has made: called
    /// again with it, it begins nothing new. `None` where there are no letters.
    ///
    /// # Errors
    /// As [`begin_discard`](Self::begin_discard), and when the letters are not those of one queue.
    pub async fn begin_discard_as(
        &self,
        id: JobId,
        target: &Target,
        signed: &Signed,
    ) -> Result<Option<OperationRow>, OperatorError> {
        match self.meant(target).await?.as_slice() {
            [] => Ok(None),
            [meant] => self.begun_discard(id, meant, signed).await,
            [meant, ..] => Err(OperatorError::AmbiguousGroup {
                group: meant.target(),
                queues: self.queue_names(),
            }),
        }
    }

    async fn begun_discard(
        &self,
        id: JobId,
        meant: &Meant<'_>,
        signed: &Signed,
    ) -> Result<Option<OperationRow>, OperatorError> {
        let total = match meant.filter.is_all() {
            true => 0,
            false => meant.count().await?,
        };
        let (queue, of, only) = (meant.queue, &meant.selection, &meant.filter);
        let id = match queue.begin_discard(id, of, only, total, signed).await? {
            BegunDiscard::New => id.to_string(),
            BegunDiscard::Running(id) => id,
            BegunDiscard::Nothing => return Ok(None),
        };
        self.operation(&id).await.map(Some)
    }

    /// Discards many, and waits for it; the fleet brings it to its end should this process not.
    pub(crate) async fn discard_many(
        &self,
        target: &Target,
        signed: &Signed,
        mut progress: impl FnMut(u64),
    ) -> Result<Moved, OperatorError> {
        let mut moved = Moved::default();
        for mut row in self.begin_discard(target, signed).await? {
            let before = moved.moved;
            let (_, queue) = self.queue(&row.queue)?;
            while row.is_open() {
                queue.advance_operations().await?;
                row = self.operation(&row.id).await?;
                moved.moved = before + row.done;
                progress(moved.moved);
            }
        }
        Ok(moved)
    }
}
