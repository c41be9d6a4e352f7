//! Taking back jobs that have not been carried out yet.

use longshore_job::clip_reason;

use crate::enqueue::millis;
use crate::held::Held;
use crate::script::ScriptCall;
use crate::value::Reply;
use crate::{Queue, QueueError, RawId, Signed, script};

/// At most so many jobs are cancelled in one call: Redis serves nobody else meanwhile.
pub(crate) const STEP: usize = 200;

/// What came of cancelling one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It is cancelled.
    Yes,
    /// It was before.
    Already,
    /// A request of it may have been carried out: not without force, and nothing was changed.
    MayHaveBeenSent,
    /// A worker has it, and is asked to stop it before its next request. What it comes to, its state says.
    Asked,
    /// It has completed.
    Completed,
    /// It is a dead letter.
    Dead,
    /// The queue does not know it (any more).
    Unknown,
}

impl Queue {
    /// Cancels jobs that wait: pending, scheduled and retryable ones. Those that run are asked to stop. Cancelled jobs are kept and
    /// shown as long as completed ones. The idempotency key of one that was surely never carried out is free again. With `force` also
    /// what may have been sent. What it has done it can be asked to do again. Returns what came of each.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn cancel(
        &self,
        wanted: &[RawId],
        force: bool,
        signed: &Signed,
    ) -> Result<Vec<Cancelled>, QueueError> {
        let mut answers = Vec::with_capacity(wanted.len());
        for chunk in wanted.chunks(STEP) {
            let words = self.cancel_some(chunk, force, signed).await?;
            answers.extend(self.cancelled(chunk, &words).await?);
        }
        Ok(answers)
    }

    async fn cancel_some(
        &self,
        chunk: &[RawId],
        force: bool,
        signed: &Signed,
    ) -> Result<Vec<String>, QueueError> {
        let mut held = Held::default();
        loop {
            let call = held
                .on(&self.keys, &script::CANCEL, &self.keys.of_waiting())
                .arg(&signed.by)
                .arg(&*clip_reason(&signed.reason))
                .arg(if force { "force" } else { "" });
            let mut call = held.name(self.ended(call));
            for id in chunk {
                call = call.arg(id.as_bytes());
            }
            let mut answer = Reply::new(call.run(&self.link).await?)?;
            let word: String = answer.next()?;
            if !held.are_missing(&word, &mut answer)? {
                return answer.next();
            }
        }
    }

    /// How long, and up to how many bytes, cancelled jobs are kept.
    pub(crate) fn ended(&self, call: ScriptCall) -> ScriptCall {
        call.arg(millis(self.keep)).arg(self.cancelled_bytes)
    }

    /// Reads what came of these. What another program wrote beside the payloads of those that are cancelled is removed: no
    /// claim will.
    pub(crate) async fn cancelled(
        &self,
        ids: &[RawId],
        words: &[String],
    ) -> Result<Vec<Cancelled>, QueueError> {
        if ids.len() != words.len() {
            return Err(QueueError::unexpected("a word for each job was expected"));
        }
        let pushed = ids.iter().zip(words).filter(|(_, word)| *word == "pushed");
        let pushed: Vec<RawId> = pushed.map(|(id, _)| id.clone()).collect();
        self.forget_pushed(pushed).await?;
        words.iter().map(|word| parse(word)).collect()
    }
}

fn parse(word: &str) -> Result<Cancelled, QueueError> {
    Ok(match word {
        "cancelled" | "pushed" => Cancelled::Yes,
        "already" => Cancelled::Already,
        "sent" => Cancelled::MayHaveBeenSent,
        "asked" | "asking" => Cancelled::Asked,
        "completed" => Cancelled::Completed,
        "dead" => Cancelled::Dead,
        "unknown" => Cancelled::Unknown,
        other => return Err(QueueError::unexpected(format!("cancel {other}"))),
    })
}
