//! What the end of a run says of a provider, whose breaker counts it.

use std::borrow::Cow;

use longshore_job::{Answer, JobError, Outcome, Scope};

use super::MAX_THROTTLE;
use crate::Word;

/// Which provider a run's end tells of, whoever's it is, and what; `None` where it tells nothing.
#[must_use]
pub fn heard(end: &Result<Outcome, JobError>) -> Option<(&Cow<'static, str>, Word)> {
    let answer = call_of(end)?.unwrap_or_else(JobError::answer);
    let provider = answer.provider.as_ref()?;
    match said(end, provider) {
        Word::Nothing => None,
        word => Some((provider, word)),
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
pub(super) fn said(end: &Result<Outcome, JobError>, provider: &str) -> Word {
    call_of(end).map_or(Word::Nothing, |end| heard_of_call(end, provider))
}

/// What the end of one call says of the provider, which need not be the one that was called.
#[must_use]
pub fn heard_of_call(end: Result<&Answer, &JobError>, provider: &str) -> Word {
    let answer = end.unwrap_or_else(JobError::answer);
    if answer.provider.as_deref() != Some(provider) {
        return Word::Nothing;
    }
    match end {
        Ok(_) => Word::Well,
        Err(JobError::Throttled {
            retry_after,
            scope: Scope::Provider,
            ..
        }) => Word::Hold((*retry_after).min(MAX_THROTTLE)),
        Err(JobError::Unauthorized { reason, .. }) => Word::Refused {
            reason: reason.clone(),
        },
        // It answered, whatever it thought of this job.
        Err(JobError::Permanent { answer, .. } | JobError::Throttled { answer, .. }) => {
            match answer.status {
                Some(_) => Word::Well,
                None => Word::Nothing,
            }
        }
        Err(JobError::Transient { answer, .. }) if declined(answer) => Word::Well,
        Err(JobError::NotReached { .. }) => Word::NotReached,
        Err(JobError::Transient { .. } | JobError::OutcomeUnknown { .. }) => Word::Ill,
    }
}

/// It answered that it did not do it, as while another request has the same key: that is no failure of its own. A 408 is,
/// and so is what an SMTP server says of itself: 421, 45x.
fn declined(answer: &Answer) -> bool {
    matches!(answer.status, Some(400..=407 | 409..=420 | 422..=449))
}
