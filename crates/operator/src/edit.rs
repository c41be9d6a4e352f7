//! Correcting the args of a dead letter, or of a job that waits.

use longshore_job::{Envelope, InvalidArgs, Prepared};
use longshore_queue::{Edit, Edited, JobInfo, JobState, Signed};
use serde::Serialize;

use crate::error::OperatorError;
use crate::job::JobView;
use crate::operator::Operator;
use crate::queue_info::QueueInfo;
use crate::rehearse::known_by_workers;
use crate::suppressions::suppressed_among_args;

/// Why a forgotten job cannot be edited.
const FORGOTTEN: &str =
    "its person was forgotten, and its args are gone for good; enqueue it anew if it is wanted";

impl Operator {
    /// Corrects the args of a dead letter. They have to be args of its kind; the old ones are kept in its history, and
    /// its idempotency key gets a new generation. With `force` also where a request with the old args may have been
    /// carried out. Returns it as it is then, redacted, and whether that changed anything.
    ///
    /// # Errors
    /// When there is no such letter, it cannot be edited, the args are wrong, its outcome is unknown and `force` is not
    /// given, or Redis cannot be reached. Then nothing was changed.
    pub async fn edit(
        &self,
        id: &str,
        args: &str,
        force: bool,
        signed: &Signed,
    ) -> Result<(JobView, bool), OperatorError> {
        self.edit_where(id, args, force, true, signed).await
    }

    /// Corrects the args of a job that waits, or of a dead letter, as [`edit`](Self::edit) does.
    ///
    /// # Errors
    /// As [`Operator::edit`], and [`OperatorError::NotWaiting`] when a worker has it or it has ended.
    pub async fn edit_job(
        &self,
        id: &str,
        args: &str,
        force: bool,
        signed: &Signed,
    ) -> Result<(JobView, bool), OperatorError> {
        self.edit_where(id, args, force, false, signed).await
    }

    async fn edit_where(
        &self,
        id: &str,
        args: &str,
        force: bool,
        only_dead: bool,
        signed: &Signed,
    ) -> Result<(JobView, bool), OperatorError> {
        let (info, queue, job) = match only_dead {
            true => self.dead(id).await?,
            false => self.found(id).await?,
        };
        let elsewhere = |state| elsewhere(&job, state, only_dead);
        let not_editable = |why| not_editable(&job, why);
        let (envelope, from, prepared) = corrected(info, &job, args, only_dead)?;
        let to = prepared.payload;
        let edit = Edit {
            id: &job.id,
            from,
            to: &to,
            old_args: envelope.args.get(),
            attempt: job.run.used,
            force,
            only_dead,
        };
        let changed = match queue.edit(&edit, signed).await? {
            Edited::Yes => true,
            Edited::Same => false,
            Edited::Elsewhere(state) => return Err(elsewhere(state)),
            Edited::Unknown => return Err(OperatorError::UnknownJob(job.id.to_string())),
            Edited::Forgotten => return Err(not_editable(FORGOTTEN)),
            Edited::Changed => {
                return Err(not_editable(
                    "somebody else has edited it meanwhile; look at it again",
                ));
            }
            Edited::OutcomeUnknown => {
                return Err(OperatorError::OutcomeUnknown(job.id.to_string()));
            }
        };
        Ok((self.job(&job.id.to_string(), None).await?, changed))
    }
}

/// What an edit would do, without doing it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EditRehearsal {
    /// The job.
    pub id: String,
    /// Its queue.
    pub queue: String,
    /// Its kind.
    pub kind: String,
    /// Where it is.
    pub state: JobState,
    /// It has these args already.
    pub same: bool,
    /// A request with the old args may have been carried out: the edit takes force.
    pub may_have_been_sent: bool,
    /// Why the configuration here would refuse it with these args, if it would.
    pub refused: Option<String>,
    /// Nothing is sent to its address any more.
    pub suppressed: bool,
    /// No living worker of its queue knows its kind.
    pub no_worker_knows: bool,
}

impl Operator {
    /// The JSON Schema of a kind's args; `None` where this program does not know the kind.
    #[must_use]
    pub fn schema_of(&self, queue: &str, kind: &str) -> Option<serde_json::Value> {
        let (info, _) = self.queue(queue).ok()?;
        Some(info.kinds.find(kind)?.schema())
    }

    /// What an edit would do to a job that waits, or to a dead letter. Changes nothing.
    ///
    /// # Errors
    /// As the edit itself; but a request that may have been carried out is told.
    pub async fn rehearse_edit(
        &self,
        id: &str,
        args: &str,
        only_dead: bool,
    ) -> Result<EditRehearsal, OperatorError> {
        let (info, queue, job) = match only_dead {
            true => self.dead(id).await?,
            false => self.found(id).await?,
        };
        let (envelope, from, prepared) = corrected(info, &job, args, only_dead)?;
        let known = known_by_workers(queue).await?;
        let value = serde_json::from_str(args).unwrap_or_default();
        Ok(EditRehearsal {
            id: job.id.to_string(),
            queue: info.name.clone(),
            state: job.state,
            same: *prepared.payload == *from,
            may_have_been_sent: job.run.may_have_been_sent,
            refused: info.refusal.of(&envelope.kind, &value),
            suppressed: suppressed_among_args(info, queue, &envelope.kind, &value).await?,
            no_worker_knows: known.is_some_and(|kinds| !kinds.contains(&*envelope.kind)),
            kind: envelope.kind.into_owned(),
        })
    }
}

/// What stands of a job, as it reads and as it is, and what would stand there with other args.
fn corrected<'a>(
    info: &QueueInfo,
    job: &'a JobInfo,
    args: &str,
    only_dead: bool,
) -> Result<(Envelope<'a>, &'a [u8], Prepared), OperatorError> {
    if matches!(
        job.state,
        JobState::Running | JobState::Completed | JobState::Cancelled
    ) {
        return Err(elsewhere(job, job.state, only_dead));
    }
    if job.forgotten.is_some() {
        return Err(not_editable(job, FORGOTTEN));
    }
    let from = job.payload.as_deref().ok_or_else(|| {
        not_editable(
            job,
            "it has no payload that would name its kind; enqueue it anew instead",
        )
    })?;
    let envelope = Envelope::parse(from).map_err(|_| {
        not_editable(
            job,
            "its payload does not name its kind; enqueue it anew, and discard this one",
        )
    })?;
    let spec = info.kinds.find(&envelope.kind);
    let spec = spec.ok_or_else(|| {
        not_editable(
            job,
            "no handler of its queue knows its kind; enqueue it anew, and discard this one",
        )
    })?;
    let prepared = spec.prepare(args)?;
    if prepared.queue != info.name {
        return Err(InvalidArgs(format!(
            "they are for the queue {}, and a job stays in its own; enqueue another one instead",
            prepared.queue
        ))
        .into());
    }
    Ok((envelope, from, prepared))
}

fn elsewhere(job: &JobInfo, state: JobState, only_dead: bool) -> OperatorError {
    let (id, state) = (job.id.to_string(), state.as_str());
    match only_dead {
        true => OperatorError::NotDead { id, state },
        false => OperatorError::NotWaiting { id, state },
    }
}

fn not_editable(job: &JobInfo, why: &'static str) -> OperatorError {
    OperatorError::NotEditable {
        id: job.id.to_string(),
        why,
    }
}
