//! What the end of a run says of a provider, whose breaker counts it.

use std::borrow::Cow;

use longshore_job::{Answer, JobError, Outcome, Scope};

use super::MAX_THROTTLE;
use crate::CallReport;

/// Which provider a run's end tells of, whoever's it is, and what; `None` where it tells nothing.
#[must_use]
pub fn report_of_run(end: &Result<Outcome, JobError>) -> Option<(&Cow<'static, str>, CallReport)> {
    let answer = call_of(end)?.unwrap_or_else(JobError::answer);
    let provider = answer.provider.as_ref()?;
    match report_about(end, provider) {
        CallReport::Nothing => None,
        report => Some((provider, report)),
    }
}

/// How the run's call ended; `None` where it made none.
fn call_of(end: &Result<Outcome, JobError>) -> Option<Result<&Answer, &JobError>> {
    match end {
        Ok(Outcome::Done { answer, .. }) => Some(Ok(answer)),
        Ok(Outcome::Skipped { .. }) => None,
        Err(error) => Some(Err(error)),
    }
}

/// What a run's end says of the provider. A run that did not call it says nothing.
pub(super) fn report_about(end: &Result<Outcome, JobError>, provider: &str) -> CallReport {
    call_of(end).map_or(CallReport::Nothing, |end| report_of_call(end, provider))
}

/// What the end of one call says of the provider, which need not be the one that was called.
#[must_use]
pub fn report_of_call(end: Result<&Answer, &JobError>, provider: &str) -> CallReport {
    let answer = end.unwrap_or_else(JobError::answer);
    if answer.provider.as_deref() != Some(provider) {
        return CallReport::Nothing;
    }
    match end {
        Ok(_) => CallReport::Well,
        Err(JobError::Throttled {
            retry_after,
            scope: Scope::Provider,
            ..
        }) => CallReport::Hold((*retry_after).min(MAX_THROTTLE)),
        Err(JobError::Unauthorized { reason, .. }) => CallReport::Refused {
            reason: reason.clone(),
        },
        // It answered, whatever it thought of this job.
        Err(JobError::Permanent { answer, .. } | JobError::Throttled { answer, .. }) => {
            match answer.status {
                Some(_) => CallReport::Well,
                None => CallReport::Nothing,
            }
        }
        Err(JobError::Transient { answer, .. }) if declined(answer) => CallReport::Well,
        Err(JobError::NotReached { .. }) => CallReport::NotReached,
        Err(JobError::Transient { .. } | JobError::OutcomeUnknown { .. }) => CallReport::Ill,
    }
}

/// It answered that it did not do it, as while another request has the same key: that is no failure of its own. A 408 is,
/// and so is what an SMTP server says of itself: 421, 45x.
fn declined(answer: &Answer) -> bool {
    matches!(answer.status, Some(400..=407 | 409..=420 | 422..=449))
}
