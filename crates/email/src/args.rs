//! The args of jobs about mails: what producers write. They need none of what carries the jobs out.

mod attachment;
mod send_email;

pub use attachment::Attachment;
pub use send_email::{Recipient, SendEmail, TemplateData};

use longshore_job::KindSpec;

/// Their kinds.
pub const KINDS: &[KindSpec] = &[KindSpec::of::<SendEmail>()];
