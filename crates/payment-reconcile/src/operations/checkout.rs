//! One attempt at a checkout. Its user waits for a minute at the most, which is where the retry schedule begins: so a call
//! that failed is made again within the attempt, as the kind's policy says.
//!
//! It is the same call under the same idempotency key, and takes a place of its own in the provider's limit. What is still
//! unknown in the end is looked up at the provider. Where that cannot tell, the outcome stays unknown: an operator sees
//! it, and nobody is told that nothing was paid.

use std::time::Duration;

use longshore_job::{Answer, JobError, NotNow, Pass, Run};
use tokio::time::{Instant, sleep, timeout_at};

use crate::provider::OperationFuture;
use crate::{Operation, PaymentProvider, Receipt};

/// How long before the end of the attempt it has to be known what became of it: the attempt is cut off then.
const TO_SPARE: Duration = Duration::from_secs(1);

/// How long an attempt may take where the kind has no time limit of its own.
const ATTEMPT: Duration = Duration::from_secs(55);

/// How often it is asked whether the provider may be called again. A breaker may close at any time.
const ASK_AGAIN: Duration = Duration::from_secs(1);

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
    let timeout = run.policy.timeout.unwrap_or(ATTEMPT);
    let attempt = Attempt {
        provider,
        operation,
        until: Instant::now() + timeout.saturating_sub(TO_SPARE),
    };
    attempt.carry_out(run.clone()).await
}

/// One attempt, and what it may take.
struct Attempt<'a> {
    provider: &'a dyn PaymentProvider,
    operation: Operation<'a>,
    /// When it has to be known what became of it.
    until: Instant,
}

impl Attempt<'_> {
    async fn carry_out(&self, mut run: Run) -> Result<Receipt, JobError> {
        let provider = self.provider;
        let name = provider.name();
        let mut waits = run.policy.retry_within.iter();
        let mut unknown = None;
        let mut pass = None;
        let last = loop {
            let end = call(provider, &run, self.operation).await;
            let wait = match &end {
                Ok(_) => None,
                Err(error) => waits
                    .next()
                    .and_then(|wait| wait_before_again(*wait, error)),
            };
            // Of the only call of an attempt the end of the run tells.
            if wait.is_some() || pass.is_some() {
                let end = end.as_ref().map(|receipt| &receipt.answer);
                run.report_end(name, pass, end).await;
            }
            let error = match end {
                Ok(receipt) => return Ok(receipt),
                Err(error) => error,
            };
            if matches!(error, JobError::OutcomeUnknown { .. }) {
                run.may_have_been_sent = true;
                unknown = Some(error.clone());
            } else if unknown.is_none() && !error.answer().unknown {
                run.not_carried_out();
            }
            let Some(wait) = wait else {
                break error;
            };
            tracing::debug!(job = %run.id, wait_ms = wait.as_millis(), reason = error.reason(), "the call is made again");
            sleep(wait).await;
            pass = match self.acquire_repeat(&run, unknown.is_some()).await {
                Ok(pass) => Some(pass),
                Err(not_now) => break not_now.into(),
            };
            run.again = true;
        };
        match (unknown, last) {
            // A refusal of a run that may have been sent is final: the provider was looked at before it was believed.
            (_, error @ JobError::Permanent { .. }) | (None, error) => Err(error),
            (Some(unknown), _) => self.look_up(&run, unknown).await,
        }
    }

    /// Asks whether the call may be made again. What was surely not carried out can wait in its queue for a provider that is
    /// left alone. What may have been carried out waits here, as long as there is time for the call: made again under the same
    /// key it ends well, or tells what became of it.
    async fn acquire_repeat(&self, run: &Run, is_unknown: bool) -> Result<Pass, NotNow> {
        let call = run.policy.call_timeout.unwrap_or_default();
        loop {
            let not_now = match run.acquire_repeat(self.provider.name()).await {
                Ok(pass) => return Ok(pass),
                Err(not_now) => not_now,
            };
            let wait = not_now.retry_after.min(ASK_AGAIN);
            let patient = is_unknown || not_now.retry_after <= LONGEST_PAUSE;
            if !patient || Instant::now() + wait + call > self.until {
                return Err(not_now);
            }
            sleep(wait).await;
        }
    }

    /// Asks the provider what became of a call whose answer is not known.
    async fn look_up(&self, run: &Run, unknown: JobError) -> Result<Receipt, JobError> {
        let name = self.provider.name();
        let found = match run.acquire_repeat(name).await {
            Ok(pass) => match timeout_at(self.until, self.find(run, pass)).await {
                Ok(Ok(Some(receipt))) => return Ok(receipt),
                // It was refused, and that is known now.
                Ok(Err(error @ JobError::Permanent { .. })) => return Err(error),
                // What was sent a moment ago may be there in a moment.
                Ok(Ok(None)) => {
                    format!("{name} was asked what became of it: nothing of it is there yet")
                }
                Ok(Err(_)) | Err(_) => {
                    format!("{name} was asked what became of it: that could not be told")
                }
            },
            Err(not_now) => format!("what became of it could not be asked: {not_now}"),
        };
        Err(JobError::OutcomeUnknown {
            reason: format!("{}; {found}", unknown.reason()),
            answer: unknown.answer().clone(),
        })
    }

    /// One look, told of when it is over. Where its time is over before, a probe's lease frees it.
    async fn find(&self, run: &Run, pass: Pass) -> Result<Option<Receipt>, JobError> {
        let name = self.provider.name();
        let found = self.provider.find(run, self.operation).await;
        let nothing = Answer::of(name);
        let end = found.as_ref().map(|found| match found {
            Some(receipt) => &receipt.answer,
            None => &nothing,
        });
        run.report_end(name, Some(pass), end).await;
        found
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

fn call<'a>(
    provider: &'a dyn PaymentProvider,
    run: &'a Run,
    operation: Operation<'a>,
) -> OperationFuture<'a> {
    match operation {
        Operation::CreateCustomer(job) => provider.create_customer(run, job),
        Operation::CreatePaymentIntent(job, customer) => {
            provider.create_payment_intent(run, job, customer)
        }
        Operation::Confirm(job) => provider.confirm(run, job),
        Operation::CreateRefund(job) => provider.create_refund(run, job),
        Operation::CreateSubscription(job, customer) => {
            provider.create_subscription(run, job, customer)
        }
        Operation::CancelSubscription(job) => provider.cancel_subscription(run, job),
    }
}
