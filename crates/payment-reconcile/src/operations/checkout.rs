//! One attempt at a checkout. Its user waits for a minute at the most, which is where the retry schedule begins: so a call
//! that failed is made again within the attempt, as the kind's policy says.
//!
//! It is the same call under the same idempotency key, and takes a place of its own in the provider's limit. What is still
//! unknown in the end is looked up at the provider. Where that cannot tell, the outcome stays unknown: an operator sees
//! it, and nobody is told that nothing was paid.

use std::time::Duration;

use longshore_job::{JobError, Run};
use tokio::time::{Instant, sleep, timeout_at};

use crate::provider::Asking;
use crate::{Operation, PaymentProvider, Receipt};

/// How long before the end of the attempt it has to be known what became of it: the attempt is cut off then.
const TO_SPARE: Duration = Duration::from_secs(1);

/// How long looking up may take where the kind has no time limit of its own.
const LOOK_UP: Duration = Duration::from_secs(10);

/// Carries the operation out, within one attempt.
pub(super) async fn carry_out(
    provider: &dyn PaymentProvider,
    run: &Run,
    operation: Operation<'_>,
) -> Result<Receipt, JobError> {
    // A probe is the one call that decides whether others may go on, and costs no attempt.
    if run.policy.retry_within.is_empty() || run.route.is_probe() {
        return call(provider, run, operation).await;
    }
    let started = Instant::now();
    let mut run = run.clone();
    let mut waits = run.policy.retry_within.iter();
    let mut unknown = None;
    let last = loop {
        let error = match call(provider, &run, operation).await {
            Ok(receipt) => return Ok(receipt),
            Err(error) => error,
        };
        let wait = waits
            .next()
            .and_then(|wait| wait_before_again(*wait, &error));
        if matches!(error, JobError::OutcomeUnknown { .. }) {
            run.may_have_been_sent = true;
            unknown = Some(error.clone());
        }
        let Some(wait) = wait else {
            break error;
        };
        tracing::debug!(job = %run.id, wait_ms = wait.as_millis(), reason = error.reason(), "the call is made again");
        sleep(wait).await;
        run.again = true;
    };
    match (unknown, last) {
        // A refusal of a run that may have been sent is final: the provider was looked at before it was believed.
        (_, error @ JobError::Permanent { .. }) | (None, error) => Err(error),
        (Some(unknown), _) => {
            let until = match run.policy.timeout {
                Some(timeout) => started + timeout.saturating_sub(TO_SPARE),
                None => Instant::now() + LOOK_UP,
            };
            look_up(provider, &run, operation, until, unknown).await
        }
    }
}

/// How long to wait before the call is made again; `None` where that is of no use.
fn wait_before_again(wait: Duration, error: &JobError) -> Option<Duration> {
    match error {
        JobError::Transient { .. }
        | JobError::OutcomeUnknown { .. }
        | JobError::NotReached { .. } => Some(wait),
        // What takes longer than a checkout can wait is for the schedule of the whole queue.
        JobError::Throttled { retry_after, .. } => {
            (*retry_after <= LONGEST_PAUSE).then(|| wait.max(*retry_after))
        }
        JobError::Permanent { .. } | JobError::Unauthorized { .. } => None,
    }
}

/// The longest time to come back that a provider may name for a call to be made again within the attempt.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Asks the provider what became of a call whose answer is not known.
async fn look_up(
    provider: &dyn PaymentProvider,
    run: &Run,
    operation: Operation<'_>,
    until: Instant,
    unknown: JobError,
) -> Result<Receipt, JobError> {
    let found = match timeout_at(until, provider.find(run, operation)).await {
        Ok(Ok(Some(receipt))) => return Ok(receipt),
        // It was refused, and that is known now.
        Ok(Err(error @ JobError::Permanent { .. })) => return Err(error),
        // What was sent a moment ago may be there in a moment.
        Ok(Ok(None)) => "nothing of it is there yet",
        Ok(Err(_)) | Err(_) => "that could not be told",
    };
    Err(JobError::OutcomeUnknown {
        reason: format!(
            "{}; {} was asked what became of it: {found}",
            unknown.reason(),
            provider.name()
        ),
        answer: unknown.answer().clone(),
    })
}

fn call<'a>(
    provider: &'a dyn PaymentProvider,
    run: &'a Run,
    operation: Operation<'a>,
) -> Asking<'a> {
    match operation {
        Operation::CreateCustomer(job) => provider.create_customer(run, job),
        Operation::CreatePaymentIntent(job, customer) => {
            provider.create_payment_intent(run, job, customer)
        }
        Operation::Confirm(job) => provider.confirm(run, job),
        Operation::CreateSubscription(job, customer) => {
            provider.create_subscription(run, job, customer)
        }
        Operation::CancelSubscription(job) => provider.cancel_subscription(run, job),
    }
}
