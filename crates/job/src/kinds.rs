//! Every kind of job there is, one file each.

mod apply_lifecycle;
mod apply_stripe_event;
mod attachment;
mod bucket;
mod cancel_subscription;
mod confirm_payment_intent;
mod create_customer;
mod create_payment_intent;
mod create_subscription;
mod geocode_address;
mod move_back;
mod payment;
mod reconcile_payments;
mod send_email;
mod send_sms;
mod sweep_bucket;

pub use apply_lifecycle::ApplyLifecycle;
pub use apply_stripe_event::ApplyStripeEvent;
pub use attachment::Attachment;
pub use bucket::{BucketName, StoreName};
pub use cancel_subscription::CancelSubscription;
pub use confirm_payment_intent::ConfirmPaymentIntent;
pub use create_customer::CreateCustomer;
pub use create_payment_intent::CreatePaymentIntent;
pub use create_subscription::CreateSubscription;
pub use geocode_address::GeocodeAddress;
pub use move_back::MoveBack;
pub use reconcile_payments::ReconcilePayments;
pub use send_email::{Recipient, SendEmail, TemplateData};
pub use send_sms::SendSms;
pub use sweep_bucket::SweepBucket;

use crate::KindSpec;

/// All of them.
pub const ALL: &[KindSpec] = &[
    KindSpec::of::<SendEmail>(),
    KindSpec::of::<SendSms>(),
    KindSpec::of::<GeocodeAddress>(),
    KindSpec::of::<CreateCustomer>(),
    KindSpec::of::<CreatePaymentIntent>(),
    KindSpec::of::<ConfirmPaymentIntent>(),
    KindSpec::of::<CreateSubscription>(),
    KindSpec::of::<CancelSubscription>(),
    KindSpec::of::<ApplyStripeEvent>(),
    KindSpec::of::<ReconcilePayments>(),
    KindSpec::of::<SweepBucket>(),
    KindSpec::of::<ApplyLifecycle>(),
    KindSpec::of::<MoveBack>(),
];

/// The queues they wait in, each once.
#[must_use]
pub fn queues() -> Vec<&'static str> {
    let mut queues: Vec<_> = ALL.iter().map(|spec| spec.queue).collect();
    queues.dedup();
    queues
}

/// The kind of this name.
#[must_use]
pub fn find(kind: &str) -> Option<&'static KindSpec> {
    ALL.iter().find(|spec| spec.kind == kind)
}
