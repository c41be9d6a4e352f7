//! What Stripe's answers mean for a job: its table.
//!
//! An answer is sorted by its status, never by its `type`: Stripe calls a 401, a 403 and a 429 an
//! `invalid_request_error` as well. Only where a status says too little does its `code` decide: which of two 429s it
//! is, and which 409.
//!
//! `Stripe-Should-Retry` beats that where it can mean something:
//!
//! - `true` makes a refusal worth another attempt under the same key, so it must not count as one: a refusal begins a
//!   new generation of the key. What is tried again anyway stays what it is: a request whose outcome is unknown does
//!   not become one that was surely not carried out.
//! - `false` makes a conflict or a failed dependency final. It does not for what says nothing of this job: a 429 and a
//!   401 are about us, and a 5xx is Stripe in trouble, which is over when we ask again minutes later. Nor can it make
//!   an unknown outcome a known one; but it says that this key has had its answer, and
//!   [`failure`] passes that on. And `idempotency_key_in_use` is never final: the request that uses the key may succeed.

use std::time::Duration;

use longshore_job::{Answer, Blame, JobError};
use longshore_provider::answers::word;
use longshore_provider::{AnswerTable, CallError, Meaning, ProviderError, Purpose, Response, Row};
use longshore_provider::{StatusCode, excerpt};
use serde::Deserialize;

use crate::stripe::NAME;

/// How long a job waits when another request has its object. Those take a second or two.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The [detail](Answer::details) that says why a bank declined.
const DECLINE_CODE: &str = "decline_code";

/// The [detail](Answer::details) that says which payment intent it is: whoever has to come back to pay comes back to this one.
pub(crate) const PAYMENT_INTENT: &str = "payment_intent";

/// Stripe's table. The same key on the next attempt makes a lost answer safe; without the key it would be a second payment.
pub(crate) struct Answers;

impl AnswerTable for Answers {
    const NAME: &'static str = NAME;
    const TITLE: &'static str = "Stripe";
    const REQUEST_ID: &'static [&'static str] = &["request-id"];

    /// Where an answer names no time, and [`throttle`](crate::stripe) has named none for it.
    const WAIT: Duration = Duration::from_secs(2);

    fn row(&self, response: &Response) -> Row {
        let complaint = Complaint::of(response);
        let known = |text: &Option<String>| text.as_deref().and_then(word).map(str::to_owned);
        let (code, decline_code) = (known(&complaint.code), known(&complaint.decline_code));
        let param = complaint.param.as_deref().map(excerpt);
        let param = param.filter(|param| !param.is_empty());
        // Who has to come back to pay comes back to this one.
        let intent = complaint.payment_intent.as_ref().map(|intent| &*intent.id);
        let intent = intent.and_then(word);
        let words = [code.clone(), decline_code.clone()];
        let words = words.into_iter().flatten();
        Row {
            meaning: meaning(response, &complaint),
            words: words
                .chain(param.map(|param| format!("for {param}")))
                .chain(intent.map(|id| format!("of {id}")))
                .collect(),
            // Stripe's own sentence is told only where there is no code, which would say the same: it may quote what it
            // was sent.
            sentence: match code {
                Some(_) => Some(String::new()),
                None => complaint.message.clone(),
            },
            code: decline_code.or(code).or_else(|| known(&complaint.kind)),
        }
    }
}

/// By status, where that says enough; then by what Stripe advises.
fn meaning(response: &Response, complaint: &Complaint) -> Option<Meaning> {
    let code = complaint.code.as_deref();
    let by_rules = match (response.status.as_u16(), code) {
        (_, Some("lock_timeout")) => Meaning::Occupied(LOCK_WAIT),
        // It used to be a 400.
        (429, _) | (400, Some("rate_limit")) => Meaning::Busy,
        (402, _) => Meaning::Refused(Blame::Theirs),
        // The key lacks a right, unless one object is named: then it is about that.
        (403, code) if complaint.param.is_some() || code == Some("resource_missing") => {
            Meaning::Refused(Blame::Ours)
        }
        (401 | 403, _) => Meaning::Account,
        (409, Some("idempotency_key_in_use")) => return Some(Meaning::NotDone),
        (409 | 424, _) => Meaning::NotDone,
        (408 | 421 | 425, _) => return None,
        (400..=499, _) => Meaning::Refused(blame(complaint)),
        // Stripe says of all of them that the effect may have happened, and saves them under the key.
        (500..=599, _) => Meaning::Unknown,
        _ => return None,
    };
    Some(match (should_retry(response), by_rules) {
        (Some(true), Meaning::Refused(_)) => Meaning::NotDone,
        (Some(false), Meaning::NotDone) => Meaning::Refused(Blame::Ours),
        (_, by_rules) => by_rules,
    })
}

/// Whose mistake a refusal is: the user's where it is about a card, an address or the like, and nobody's of ours where the
/// money has gone back already.
fn blame(complaint: &Complaint) -> Blame {
    match (complaint.kind.as_deref(), complaint.code.as_deref()) {
        (Some("card_error"), _)
        | (
            _,
            Some(
                "email_invalid"
                | "postal_code_invalid"
                | "tax_id_invalid"
                | "payment_intent_authentication_failure"
                | "charge_already_refunded"
                | "charge_disputed",
            ),
        ) => Blame::Theirs,
        _ => Blame::Ours,
    }
}

/// What Stripe advises.
fn should_retry(response: &Response) -> Option<bool> {
    match response.header("stripe-should-retry")? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Of a request that changes something, under an idempotency key or one that may be made twice.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(crate) fn of_writing(error: CallError) -> JobError {
    let job_error = Answers.job_error(Purpose::Effect, &error);
    let Some(response) = error.response() else {
        return job_error;
    };
    let complaint = Complaint::of(response);
    let intent = complaint.payment_intent.as_ref().map(|intent| &*intent.id);
    job_error
        .with_detail(
            DECLINE_CODE,
            complaint.decline_code.as_deref().and_then(word),
        )
        .with_detail(PAYMENT_INTENT, intent.and_then(word))
}

/// Of a request that reads what the job is about.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(crate) fn of_reading(error: CallError) -> JobError {
    Answers.job_error(Purpose::Repeatable, &error)
}

/// Of a request that looks for what an earlier one has done. Nothing that is said to it is about that request, so no
/// refusal is final: one that counted would begin a new generation of a key whose outcome is not known.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(crate) fn of_looking(error: CallError) -> JobError {
    Answers.job_error(Purpose::Look, &error)
}

/// An answer that never came, or that no request was made for.
pub(crate) fn coded(code: &str) -> Answer {
    Answers.coded(code)
}

/// What is known of an answer that was a good one.
pub(crate) fn answer(response: &Response) -> Answer {
    Answers.answer(response)
}

/// A payment that was declined, as it was found when it was looked for.
pub(crate) fn declined(code: Option<&str>, decline_code: Option<&str>) -> JobError {
    let decline_code = decline_code.and_then(word);
    let code = decline_code.or(code.and_then(word));
    let code = code.unwrap_or("card_declined");
    let error = JobError::Permanent {
        reason: format!("Stripe has the payment as declined: {code}"),
        answer: coded(code),
        blame: Blame::Theirs,
    };
    error.with_detail(DECLINE_CODE, decline_code)
}

/// Whether this is a refusal that an earlier request under the same key may have escaped: made before Stripe looked at
/// the key (another form), or because the earlier request was carried out (an intent that is confirmed already).
/// Not so a decline: that is the key's own answer.
pub(crate) fn may_hide_an_earlier_one(error: &CallError) -> bool {
    let CallError::Provider(error) = error else {
        return false;
    };
    let status = error.response().map(|response| response.status);
    let is_refusal = matches!(Answers.meaning(error), Meaning::Refused(_));
    is_refusal && status != Some(StatusCode::PAYMENT_REQUIRED)
}

/// What a failure of Stripe's says of the key's future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing: it may be another answer next time.
    Passing,
    /// Stripe says that asking again is of no use.
    Final,
    /// It is the result of an earlier request, which is over: the key is answered so from now on.
    Saved,
}

/// Whether Stripe failed, rather than refused: 5xx, and 424, where it was somebody behind it.
pub(crate) fn failure(error: &CallError) -> Option<Failure> {
    let CallError::Provider(error) = error else {
        return None;
    };
    let response = error.response()?;
    let status = response.status;
    if !status.is_server_error() && status != StatusCode::FAILED_DEPENDENCY {
        return None;
    }
    let is_replayed = response.header("idempotent-replayed") == Some("true");
    Some(match (is_replayed, should_retry(response)) {
        (true, _) => Failure::Saved,
        (false, Some(false)) => Failure::Final,
        (false, _) => Failure::Passing,
    })
}

/// Whether an answer says that too much is asked, and not that one object is busy.
pub(crate) fn is_rate_limit(response: &Response) -> bool {
    let code = Complaint::of(response).code;
    response.status == StatusCode::TOO_MANY_REQUESTS && code.as_deref() != Some("lock_timeout")
}

/// Whether what is asked for is not there, or not any more.
pub(crate) fn is_missing(error: &CallError) -> bool {
    matches!(error, CallError::Provider(ProviderError::Rejected { response })
        if response.status == StatusCode::NOT_FOUND)
}

/// Stripe's form of an error, without what names people. Of `payment_intent`, which has a secret in it, the id alone.
#[derive(Default, Deserialize)]
struct Complaint {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    decline_code: Option<String>,
    #[serde(default)]
    param: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    payment_intent: Option<ComplaintOf>,
}

#[derive(Deserialize)]
struct ComplaintOf {
    id: String,
}

impl Complaint {
    fn of(response: &Response) -> Self {
        #[derive(Deserialize)]
        struct Body {
            error: Complaint,
        }
        serde_json::from_slice(&response.body)
            .map(|body: Body| body.error)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
