//! Every kind of job there is, one file each.

mod send_email;

pub use send_email::{Recipient, SendEmail, TemplateData};
