//! The args of jobs about mails: what producers write. They need none of what carries the jobs out.

mod attachment;
mod currency;
mod data;
mod options;
mod recipient;
mod send_email;

pub use attachment::Attachment;
pub use currency::format_currency;
pub use data::TemplateData;
pub use options::UnsubscribeGroup;
pub use recipient::Recipient;
pub use send_email::SendEmail;

use longshore_job::KindSpec;

/// Their kinds.
pub const KINDS: &[KindSpec] = &[KindSpec::of::<SendEmail>()];
