//! What a producer sees of its job: all but the args, and who of the operators did what and why.

use std::collections::BTreeMap;

use longshore_job::JobId;
use longshore_queue::{HistoryEntry, JobState};

use crate::error::OperatorError;
use crate::job::{HistoryRow, JobView};
use crate::operator::Operator;

/// What stands in the place of an operator's name.
const AN_OPERATOR: &str = "operator";

impl Operator {
    /// One job as its producer sees it: never its args, and its key, result and progress whole, as the client crate gives them. What
    /// operators did to it is there, without their names and their reasons: those are for operators.
    ///
    /// # Errors
    /// [`OperatorError::UnknownJob`] when no queue knows it; or when Redis cannot be reached or refuses.
    pub async fn job_of_producer(&self, id: JobId) -> Result<JobView, OperatorError> {
        let (info, _, job) = self.found(&id.to_string()).await?;
        let (result, progress) = (job.result.clone(), job.progress.clone());
        let key = job.idempotency_key.clone();
        let mut view = JobView::new(info, job, false);
        view.args = None;
        view.payload_base64 = None;
        view.keep_operators_private();
        Ok(JobView {
            result,
            progress,
            idempotency_key: key,
            ..view
        })
    }
}

impl JobView {
    /// It has completed, died or was cancelled: by itself nothing more happens to it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(
            self.state,
            JobState::Completed | JobState::Dead | JobState::Cancelled
        )
    }

    /// What its last run came to, as the client crate tells it.
    #[must_use]
    pub fn last_run(&self) -> LastRun<'_> {
        let run = self
            .history
            .iter()
            .rfind(|row| HistoryEntry::is_run(&row.outcome));
        // A job that is put back uses no attempt: its history does not say so.
        let put_back = self.put_back.as_ref().filter(|_| !self.has_ended());
        match (run, put_back) {
            (Some(run), Some(back)) if back.time < run.time => LastRun::of_attempt(run),
            (_, Some(back)) => LastRun {
                outcome: Some(&back.outcome),
                reason: back.reason.as_deref(),
                provider: back.provider.as_deref(),
                code: back.code.as_deref(),
                details: Some(&back.details),
            },
            (Some(run), None) => LastRun::of_attempt(run),
            (None, None) => LastRun::default(),
        }
    }

    /// Takes out who of the operators did something to the job, and why. What a client did stays: that is a producer, too.
    fn keep_operators_private(&mut self) {
        for row in &mut self.history {
            row.old_args = None;
            if !HistoryEntry::is_run(&row.outcome) {
                hide(&mut row.worker, &mut row.reason);
            }
        }
        if let Some(stop) = &mut self.asked_to_stop {
            hide(&mut stop.by, &mut stop.reason);
        }
        if let Some(by) = self.enqueued_by.as_mut().filter(|by| by.by == AN_OPERATOR) {
            AN_OPERATOR.clone_into(&mut by.name);
        }
    }
}

/// What a job's last run came to: nothing before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LastRun<'a> {
    /// `completed`, `refused`, `failed`, …
    pub outcome: Option<&'a str>,
    /// Why, in words.
    pub reason: Option<&'a str>,
    /// The provider that it called.
    pub provider: Option<&'a str>,
    /// That provider's own code.
    pub code: Option<&'a str>,
    /// What else is known of it, by names that the kind documents.
    pub details: Option<&'a BTreeMap<String, String>>,
}

impl<'a> LastRun<'a> {
    fn of_attempt(row: &'a HistoryRow) -> Self {
        Self {
            outcome: Some(&row.outcome),
            reason: row.reason.as_deref(),
            provider: row.provider.as_deref(),
            code: row.code.as_deref(),
            details: Some(&row.details),
        }
    }
}

/// Hides who did something and why, unless that was a client.
fn hide(by: &mut String, reason: &mut Option<String>) {
    if !by.starts_with("client ") {
        AN_OPERATOR.clone_into(by);
        *reason = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_named_and_an_operator_is_not() {
        for (by, shown, has_reason) in [
            ("client shop", "client shop", true),
            ("uid 0@vm", "operator", false),
            ("console: ada@10.0.0.7", "operator", false),
            ("", "operator", false),
        ] {
            let (mut name, mut reason) = (by.to_owned(), Some("because".to_owned()));
            hide(&mut name, &mut reason);
            assert_eq!((&*name, reason.is_some()), (shown, has_reason), "{by}");
        }
    }
}
