//! The operations that apps ask for, one file each: which provider is asked for which customer, and what is kept of the
//! answer.
//!
//! All of them can be verified. A checkout has one attempt, which makes its call again by itself ([`checkout`]); if its
//! worker is lost, it may be too late to carry the job out when its turn comes again, but not to find out that it was.

mod cancel_subscription;
mod checkout;
mod choice;
mod confirm_payment_intent;
mod create_customer;
mod create_payment_intent;
mod create_refund;
mod create_subscription;
mod mapping;

use longshore_job::{Answer, Outcome, Run};
use serde_json::Value;

use crate::Receipt;

pub use cancel_subscription::CancelSubscriptionHandler;
pub use confirm_payment_intent::ConfirmPaymentIntentHandler;
pub use create_customer::CreateCustomerHandler;
pub use create_payment_intent::CreatePaymentIntentHandler;
pub use create_refund::CreateRefundHandler;
pub use create_subscription::CreateSubscriptionHandler;

/// With what the payer has to do, and why they were declined before, if so.
fn with_what_is_left(mut result: Value, receipt: &Receipt) -> Value {
    let words = [
        ("next_action", receipt.next_action.as_deref()),
        ("decline_code", receipt.decline_code.as_deref()),
    ];
    for (name, word) in words {
        if let Some(word) = word {
            result[name] = word.into();
        }
    }
    result
}

/// Tells those who wait for the job what only they may have.
async fn tell_waiters(run: &Run, receipt: &Receipt) {
    if let Some(private) = &receipt.private {
        run.tell_waiters(private.clone()).await;
    }
}

fn done(result: Value, answer: Answer) -> Outcome {
    Outcome::Done {
        result: Some(result),
        answer,
    }
}
