//! Correcting the args of a dead letter.

use longshore_job::Envelope;
use longshore_queue::{Edit, Edited, Signed};

use crate::error::OperatorError;
use crate::job::JobView;
use crate::operator::Operator;

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
        let (info, queue, job) = self.dead(id).await?;
        let not_editable = |why| OperatorError::NotEditable {
            id: job.id.to_string(),
            why,
        };
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
            only_dead: true,
        };
        let changed = match queue.edit(&edit, signed).await? {
            Edited::Yes => true,
            Edited::Same => false,
            Edited::Elsewhere(state) => {
                return Err(OperatorError::NotDead {
                    id: job.id.to_string(),
                    state: state.as_str(),
                });
            }
            Edited::Unknown => return Err(OperatorError::UnknownJob(job.id.to_string())),
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
