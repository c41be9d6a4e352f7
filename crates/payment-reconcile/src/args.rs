//! The args of jobs about payments: what producers write. They need none of what carries the jobs out.

mod apply_payment_event;
mod apply_stripe_event;
mod backfill_stripe_events;
mod cancel_subscription;
mod confirm_payment_intent;
mod create_customer;
mod create_payment_intent;
mod create_refund;
mod create_subscription;
mod currency;
mod payment;
mod reconcile_payments;

pub use apply_payment_event::ApplyPaymentEvent;
pub use apply_stripe_event::ApplyStripeEvent;
pub use backfill_stripe_events::BackfillStripeEvents;
pub use cancel_subscription::CancelSubscription;
pub use confirm_payment_intent::ConfirmPaymentIntent;
pub use create_customer::CreateCustomer;
pub use create_payment_intent::{CaptureMethod, CreatePaymentIntent, SetupFutureUsage};
pub use create_refund::{CreateRefund, RefundReason};
pub use create_subscription::{CreateSubscription, PaymentBehavior};
pub use reconcile_payments::ReconcilePayments;

use longshore_job::KindSpec;

/// Their kinds.
pub const KINDS: &[KindSpec] = &[
    KindSpec::of::<CreateCustomer>(),
    KindSpec::of::<CreatePaymentIntent>(),
    KindSpec::of::<ConfirmPaymentIntent>(),
    KindSpec::of::<CreateRefund>(),
    KindSpec::of::<CreateSubscription>(),
    KindSpec::of::<CancelSubscription>(),
    KindSpec::of::<ApplyStripeEvent>(),
    KindSpec::of::<BackfillStripeEvents>(),
    KindSpec::of::<ReconcilePayments>(),
];

/// The kinds where there is a payment provider beside Stripe.
pub const KINDS_BESIDE_STRIPE: &[KindSpec] = &{
    let mut kinds = [KindSpec::of::<ApplyPaymentEvent>(); KINDS.len() + 1];
    let mut n = 0;
    while n < KINDS.len() {
        kinds[n] = KINDS[n];
        n += 1;
    }
    kinds
};
