//! `send_email` jobs, carried out by SendGrid, or by Postmark while SendGrid's breaker is open.
//!
//! In the order of a job's life: [`SendEmailHandler`] looks up the template and whether the address is one that nothing
//! is sent to, the mail is written in SendGrid's words, [`SendGrid`] sends it once, and what SendGrid says becomes an
//! outcome, or a [`JobError`](longshore_job::JobError) in the one match that decides it. A run that was claimed for the
//! fallback goes by [`Postmark`] instead, in its words, with a match of its own for its REST API and one for SMTP.

mod attachment;
mod attachments;
mod config;
mod error;
mod handler;
mod integration;
mod mail;
mod news;
mod postmark;
mod sendgrid;
mod suppression;
mod templates;
mod webhook;

pub use attachment::Attachment;
pub use attachments::{Attachments, Fetching, MOST_BYTES, NoAttachments};
pub use config::{EmailConfig, SendGridConfig, Sender};
pub use handler::SendEmailHandler;
pub use integration::{
    EmailSettings, FallbackSettings, PostmarkSettings, PostmarkTransport, SendGridSettings,
    SenderSettings, integration,
};
pub use postmark::{
    InvalidPostmarkTemplate, Postmark, PostmarkConfig, PostmarkSetupError, PostmarkTemplate,
    SmtpConfig,
};
pub use sendgrid::{Accepted, SendGrid, SetupError};
pub use templates::{TemplateProblem, Templates};
pub use webhook::{InvalidPublicKey, PublicKey, SendGridEvents};
