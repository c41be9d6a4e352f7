//! What Stripe's answers mean for a job: the only place that decides it.
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

use longshore_job::{Answer, Blame, JobError, Scope};
use longshore_provider::{ProviderError, Response, StatusCode, excerpt};
use serde::Deserialize;

use crate::stripe::{CallError, NAME};

/// How long a job waits when another request has its object. Those take a second or two.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The longest code that is believed; the longest one that is known has 58 letters.
const MAX_CODE_BYTES: usize = 80;

/// What an answer, or its absence, comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// No request was made.
    NotReached,
    /// The request went out, and whether it was carried out is not known.
    Lost,
    /// It was not carried out, and may be under the same key.
    NotNow,
    /// It is refused, and will be again.
    Refused,
    /// Our key is refused.
    Account,
    /// We ask too often. What is answered so was not begun.
    Busy,
    /// Another request has the object that this one is about.
    Locked,
    /// Not Stripe's answer: a wrong `base_url`, or a proxy in between.
    NotStripe,
}

/// By status, where that says enough; then by what Stripe advises.
fn meaning(error: &ProviderError) -> Meaning {
    let response = match error {
        ProviderError::NeverSent { .. } => return Meaning::NotReached,
        ProviderError::NoAnswer { .. } => return Meaning::Lost,
        ProviderError::Unauthorized { .. } => return Meaning::Account,
        ProviderError::Unavailable { .. } => return Meaning::Lost,
        ProviderError::Unexpected { .. } => return Meaning::NotStripe,
        // A 503 that names a time does not say that nothing was begun.
        ProviderError::Throttled { response, .. }
            if response.status != StatusCode::TOO_MANY_REQUESTS =>
        {
            return Meaning::Lost;
        }
        ProviderError::Throttled { response, .. } | ProviderError::Rejected { response } => {
            response
        }
    };
    let code = Complaint::of(response).code;
    let by_rules = match (response.status.as_u16(), code.as_deref()) {
        (_, Some("lock_timeout")) => Meaning::Locked,
        // It used to be a 400.
        (429, _) | (400, Some("rate_limit")) => Meaning::Busy,
        (409, Some("idempotency_key_in_use")) => return Meaning::NotNow,
        (409 | 424, _) => Meaning::NotNow,
        _ => Meaning::Refused,
    };
    match (should_retry(response), by_rules) {
        (Some(true), Meaning::Refused) => Meaning::NotNow,
        (Some(false), Meaning::NotNow) => Meaning::Refused,
        (_, by_rules) => by_rules,
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
pub(crate) fn of_writing(error: CallError) -> JobError {
    let (meaning, said) = sorted(error);
    match meaning {
        // The same key on the next attempt makes it safe; without the key it would be a second payment.
        Meaning::Lost => JobError::OutcomeUnknown {
            reason: said.reason,
            answer: said.answer,
        },
        meaning => settled(meaning, said),
    }
}

/// Of a request that reads what the job is about.
pub(crate) fn of_reading(error: CallError) -> JobError {
    // One that names a time when all is well again is believed: nothing was at stake.
    let wait = match &error {
        CallError::Provider(ProviderError::Throttled { retry_after, .. }) => Some(*retry_after),
        _ => None,
    };
    match (sorted(error), wait) {
        ((Meaning::Lost, said), Some(retry_after)) => JobError::Throttled {
            retry_after,
            scope: Scope::Provider,
            reason: said.reason,
            answer: said.answer,
        },
        ((Meaning::Lost, said), None) => transient(said),
        ((meaning, said), _) => settled(meaning, said),
    }
}

/// Of a request that looks for what an earlier one has done. Nothing that is said to it is about that request, so no
/// refusal is final: one that counted would begin a new generation of a key whose outcome is not known.
pub(crate) fn of_looking(error: CallError) -> JobError {
    match of_reading(error) {
        JobError::Permanent { reason, answer, .. } => JobError::Transient { reason, answer },
        error => error,
    }
}

fn settled(meaning: Meaning, said: Said) -> JobError {
    let Said {
        reason,
        answer,
        wait,
    } = said;
    let throttled = |retry_after, scope, reason, answer| JobError::Throttled {
        retry_after,
        scope,
        reason,
        answer,
    };
    match meaning {
        Meaning::NotReached => JobError::NotReached { reason, answer },
        Meaning::NotNow | Meaning::NotStripe | Meaning::Lost => {
            JobError::Transient { reason, answer }
        }
        Meaning::Refused => JobError::Permanent {
            reason,
            answer,
            blame: Blame::Theirs,
        },
        Meaning::Account => JobError::Unauthorized { reason, answer },
        Meaning::Busy => throttled(wait, Scope::Provider, reason, answer),
        Meaning::Locked => throttled(LOCK_WAIT, Scope::Job, reason, answer),
    }
}

fn transient(said: Said) -> JobError {
    settled(Meaning::NotNow, said)
}

/// What is told of an answer.
struct Said {
    reason: String,
    answer: Answer,
    /// How long we are asked to wait; of use where we are.
    wait: Duration,
}

fn sorted(error: CallError) -> (Meaning, Said) {
    let error = match error {
        CallError::Provider(error) => error,
        // Something in between may have made the answer up, with or without passing the request on.
        CallError::NotUnderstood(response) => return (Meaning::Lost, answered(&response)),
        CallError::NotAnId => {
            let reason = "the id is none of Stripe's: letters, digits, _ and - only";
            let said = Said {
                reason: reason.to_owned(),
                answer: coded("not an id"),
                wait: Duration::ZERO,
            };
            return (Meaning::Refused, said);
        }
    };
    let meaning = meaning(&error);
    let unanswered = |reason, code| Said {
        reason,
        answer: coded(code),
        wait: Duration::ZERO,
    };
    let said = match &error {
        ProviderError::NeverSent { cause } => {
            unanswered(format!("Stripe was not reached: {cause}"), "not reached")
        }
        ProviderError::NoAnswer { cause } => unanswered(
            format!("Stripe was asked and no answer came: {cause}"),
            "no answer",
        ),
        ProviderError::Throttled {
            retry_after,
            response,
        } => Said {
            wait: *retry_after,
            ..answered(response)
        },
        ProviderError::Unauthorized { response }
        | ProviderError::Unavailable { response }
        | ProviderError::Rejected { response }
        | ProviderError::Unexpected { response } => answered(response),
    };
    (meaning, said)
}

/// An answer that never came, or that no request was made for.
pub(crate) fn coded(code: &str) -> Answer {
    Answer {
        code: Some(code.to_owned()),
        ..Answer::of(NAME)
    }
}

/// What is known of an answer that was a good one.
pub(crate) fn answer(response: &Response) -> Answer {
    Answer {
        status: Some(response.status.as_u16()),
        request_id: response.header("request-id").map(str::to_owned),
        ..Answer::of(NAME)
    }
}

/// A payment that was declined, as it was found when it was looked for.
pub(crate) fn declined(code: Option<&str>, decline_code: Option<&str>) -> JobError {
    let code = decline_code
        .or(code)
        .and_then(word)
        .unwrap_or("card_declined");
    JobError::Permanent {
        reason: format!("Stripe has the payment as declined: {code}"),
        answer: coded(code),
        blame: Blame::Theirs,
    }
}

/// Whether this is a refusal that an earlier request under the same key may have escaped: made before Stripe looked at
/// the key (403, another form), or because the earlier request was carried out (an intent that is confirmed already).
/// Not so a decline: that is the key's own answer.
pub(crate) fn may_hide_an_earlier_one(error: &CallError) -> bool {
    let CallError::Provider(error) = error else {
        return false;
    };
    let status = error.response().map(|response| response.status);
    meaning(error) == Meaning::Refused && status != Some(StatusCode::PAYMENT_REQUIRED)
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

/// Whether what is asked for is not there, or not any more.
pub(crate) fn is_missing(error: &CallError) -> bool {
    matches!(error, CallError::Provider(ProviderError::Rejected { response })
        if response.status == StatusCode::NOT_FOUND)
}

/// Stripe's form of an error, without `payment_intent`, which has a secret in it, and the rest that names people.
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

/// A word of Stripe's, if it looks like one: it becomes part of what dead letters are grouped by.
fn word(text: &str) -> Option<&str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let fits = !text.is_empty() && text.len() <= MAX_CODE_BYTES && text.bytes().all(plain);
    fits.then_some(text)
}

/// `Stripe answered 402, card_declined, insufficient_funds`
///
/// Stripe's own sentence is told only where there is no code, which would say the same: it may quote what it was sent.
fn answered(response: &Response) -> Said {
    let status = response.status.as_u16();
    let complaint = Complaint::of(response);
    let known = |text: &Option<String>| text.as_deref().and_then(word).map(str::to_owned);
    let (code, decline_code) = (known(&complaint.code), known(&complaint.decline_code));
    let mut reason = format!("Stripe answered {status}");
    for word in [&code, &decline_code].into_iter().flatten() {
        reason.push_str(", ");
        reason.push_str(word);
    }
    let param = complaint.param.as_deref().map(excerpt);
    if let Some(param) = param.filter(|param| !param.is_empty()) {
        reason.push_str(", for ");
        reason.push_str(&param);
    }
    if code.is_none() {
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&response.body).is_ok();
        let sentence = match &complaint.message {
            Some(message) => excerpt(message),
            None if is_json => String::new(),
            None => response.excerpt(),
        };
        if !sentence.is_empty() {
            reason.push_str(": ");
            reason.push_str(&sentence);
        }
    }
    let grouped_by = decline_code.or(code).or_else(|| known(&complaint.kind));
    Said {
        reason,
        answer: Answer {
            code: Some(grouped_by.unwrap_or_else(|| status.to_string())),
            ..answer(response)
        },
        wait: Duration::ZERO,
    }
}

#[cfg(test)]
mod tests;
