//! Every kind of job there is, one file each.

mod geocode_address;
mod send_email;
mod send_sms;

pub use geocode_address::GeocodeAddress;
pub use send_email::{Recipient, SendEmail, TemplateData};
pub use send_sms::SendSms;

use crate::KindSpec;

/// All of them.
pub const ALL: &[KindSpec] = &[
    KindSpec::of::<SendEmail>(),
    KindSpec::of::<SendSms>(),
    KindSpec::of::<GeocodeAddress>(),
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
