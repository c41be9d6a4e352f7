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

use longshore_job::{Answer, Outcome};
use serde_json::Value;

pub use cancel_subscription::CancelSubscriptionHandler;
pub use confirm_payment_intent::ConfirmPaymentIntentHandler;
pub use create_customer::CreateCustomerHandler;
pub use create_payment_intent::CreatePaymentIntentHandler;
pub use create_refund::CreateRefundHandler;
pub use create_subscription::CreateSubscriptionHandler;

/// With what the payer has to do, if anything.
fn with_next_action(mut result: Value, next_action: Option<&str>) -> Value {
    if let Some(next_action) = next_action {
        result["next_action"] = next_action.into();
    }
    result
}

fn done(result: Value, answer: Answer) -> Outcome {
    Outcome::Done {
        result: Some(result),
        answer,
    }
}
