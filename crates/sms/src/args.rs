//! The args of jobs about text messages: what producers write. They need none of what carries the jobs out.

mod send_sms;

pub use send_sms::SendSms;

use longshore_job::KindSpec;

/// Their kinds.
pub const KINDS: &[KindSpec] = &[KindSpec::of::<SendSms>()];
