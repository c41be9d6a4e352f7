//! Correcting the args of a dead letter, or of a job that waits.

use longshore_job::Envelope;
use longshore_queue::{Edit, Edited, JobState, Signed};

use crate::error::OperatorError;
use crate::job::JobView;
use crate::operator::Operator;

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
        let elsewhere = |state: JobState| {
            let (id, state) = (job.id.to_string(), state.as_str());
            match only_dead {
                true => OperatorError::NotDead { id, state },
                false => OperatorError::NotWaiting { id, state },
            }
        };
        if matches!(
            job.state,
            JobState::Running | JobState::Completed | JobState::Cancelled
        ) {
            return Err(elsewhere(job.state));
        }
        let not_editable = |why| OperatorError::NotEditable {
            id: job.id.to_string(),
            why,
        };
        if job.forgotten.is_some() {
            return Err(not_editable(FORGOTTEN));
        }
        let from = job.payload.as_deref().ok_or_else(|| {
            not_editable("it has no payload that would name its kind; enqueue it anew instead")
        })?;
        let envelope = Envelope::parse(from).map_err(|_| {
            not_editable(
                "its payload does not name its kind; enqueue it anew, and discard this one",
            )
        })?;
        let spec = info.kinds.find(&envelope.kind);
        let spec = spec.ok_or_else(|| {
            not_editable(
                "no handler of its queue knows its kind; enqueue it anew, and discard this one",
            )
        })?;
        let to = spec.prepare(args)?.payload;
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
