//! Another time for jobs that wait.

use longshore_job::clip_reason;

use crate::enqueue::millis;
use crate::{JobState, Queue, QueueError, RawId, RunAt, Signed, script};

/// What came of giving a job another time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rescheduled {
    /// It has it.
    Yes,
    /// It had it already.
    Same,
    /// It is here, where it has no such time: nothing was changed.
    Elsewhere(JobState),
    /// The queue does not know it (any more).
    Unknown,
}

impl Queue {
    /// Makes a job that waits (pending, scheduled or retryable) due at another time. Its expiry counts from then. A time that is over
    /// means now.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn reschedule(
        &self,
        id: &RawId,
        run_at: RunAt,
        signed: &Signed,
    ) -> Result<Rescheduled, QueueError> {
        let pushed = self.keys.pushed(id);
        let keys = self.keys.of_waiting().map(str::as_bytes);
        let word: String = script::RESCHEDULE
            .on_keys(keys.into_iter().chain([&*pushed]))
            .arg(id.as_bytes())
            .arg(when(run_at))
            .arg(&signed.by)
            .arg(&*clip_reason(&signed.reason))
            .run(&self.link)
            .await?;
        rescheduled(&word)
    }

    /// Makes a scheduled or retryable job pending at once, behind those that wait. When it expires stays as it was.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn run_now(&self, id: &RawId, signed: &Signed) -> Result<Rescheduled, QueueError> {
        let word: String = script::RUN_NOW
            .on(&self.keys.of_waiting())
            .arg(id.as_bytes())
            .arg(&signed.by)
            .arg(&*clip_reason(&signed.reason))
            .run(&self.link)
            .await?;
        rescheduled(&word)
    }
}

/// As scripts take it.
pub(crate) fn when(run_at: RunAt) -> String {
    match run_at {
        RunAt::Now => "+0".to_owned(),
        RunAt::In(wait) => format!("+{}", millis(wait)),
        RunAt::At(at) => at.to_string(),
    }
}

fn rescheduled(word: &str) -> Result<Rescheduled, QueueError> {
    Ok(match word {
        "changed" => Rescheduled::Yes,
        "same" => Rescheduled::Same,
        "unknown" => Rescheduled::Unknown,
        home => Rescheduled::Elsewhere(JobState::of_home(home)?),
    })
}
