//! What testpay's answers mean for a job: its table. Under its reference a write may be made again.
//!
//! A queue pauses for its own provider alone, and this one is Stripe's. So a key that testpay refuses holds nobody up but
//! its own customers, whose jobs wait at no attempt; and for the same reason nothing is throttled but the job.

use longshore_job::{Answer, Blame, JobError, Scope};
use longshore_provider::StatusCode;
use longshore_provider::answers::word;
use longshore_provider::{AnswerTable, CallError, Meaning, ProviderError, Purpose, Response, Row};
use serde::Deserialize;

use crate::client::NAME;

/// testpay's table.
pub(crate) struct Answers;

impl AnswerTable for Answers {
    const NAME: &'static str = NAME;
    const TITLE: &'static str = "testpay";
    const WAITS: Scope = Scope::Job;

    fn row(&self, response: &Response) -> Row {
        let complaint = serde_json::from_slice::<Complaint>(&response.body).ok();
        let code = complaint.as_ref().and_then(|c| word(&c.error.code));
        Row {
            meaning: match response.status {
                StatusCode::PAYMENT_REQUIRED => Some(Meaning::Refused(Blame::Theirs)),
                _ => None,
            },
            code: code.map(str::to_owned),
            words: code.map(str::to_owned).into_iter().collect(),
            sentence: Some(String::new()),
        }
    }
}

/// Of a request that changes something, under a reference.
pub(crate) fn of_writing(error: &CallError) -> JobError {
    Answers.job_error(Purpose::Effect, error)
}

/// Of a request that looks for what an earlier one has done.
pub(crate) fn of_looking(error: &CallError) -> JobError {
    Answers.job_error(Purpose::Look, error)
}

/// Whether this is a refusal that an earlier request under the same reference may have escaped. Not so a decline: that
/// is the reference's own answer.
pub(crate) fn may_hide_an_earlier_one(error: &CallError) -> bool {
    let CallError::Provider(provider) = error else {
        return false;
    };
    let status = provider.response().map(|response| response.status);
    let is_refusal = matches!(Answers.meaning(provider), Meaning::Refused(_));
    is_refusal && status != Some(StatusCode::PAYMENT_REQUIRED)
}

/// Whether what is asked for is not there.
pub(crate) fn is_missing(error: &CallError) -> bool {
    match error {
        CallError::NotAsked { .. } => true,
        CallError::Provider(ProviderError::Rejected { response }) => {
            response.status == StatusCode::NOT_FOUND
        }
        CallError::Provider(_) | CallError::NotUnderstood { .. } => false,
    }
}

/// A payment that was declined, as it was found when it was looked for.
pub(crate) fn declined(code: &str) -> JobError {
    let code = word(code).unwrap_or("declined");
    JobError::Permanent {
        reason: format!("testpay has the payment as declined: {code}"),
        answer: Answers.coded(code),
        blame: Blame::Theirs,
    }
}

/// What is known of an answer that was a good one.
pub(crate) fn answer(response: &Response) -> Answer {
    Answers.answer(response)
}

/// `{"error":{"code":"reference_used"}}`
#[derive(Deserialize)]
struct Complaint {
    error: Code,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[cfg(test)]
mod tests;
