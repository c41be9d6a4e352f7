//! `send_email` jobs, carried out by SendGrid, or by Postmark while SendGrid's breaker is open.
//!
//! In the order of a job's life: [`SendEmailHandler`] looks up the template and whether the address is one that nothing
//! is sent to, the mail is written in SendGrid's words, [`SendGrid`] sends it once, and what SendGrid says becomes an
//! outcome, or a [`JobError`](longshore_job::JobError) in the one match that decides it. A run that was claimed for the
//! fallback goes by [`Postmark`] instead, in its words, with a match of its own for its REST API and one for SMTP.

pub mod args;
#[cfg(feature = "worker")]
mod attached_file;
#[cfg(feature = "worker")]
mod attachments;
#[cfg(feature = "worker")]
mod config;
#[cfg(feature = "worker")]
mod error;
#[cfg(feature = "worker")]
mod handler;
#[cfg(feature = "worker")]
mod integration;
#[cfg(feature = "worker")]
mod mail;
#[cfg(feature = "worker")]
mod postmark;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "worker")]
mod sendgrid;
#[cfg(feature = "worker")]
mod sent;
#[cfg(feature = "worker")]
mod suppression;
#[cfg(feature = "worker")]
mod templates;
#[cfg(feature = "worker")]
mod webhook;

pub use args::{Attachment, Recipient, SendEmail, TemplateData, UnsubscribeGroup, format_currency};
#[cfg(feature = "worker")]
pub use attached_file::AttachedFile;
#[cfg(feature = "worker")]
pub use attachments::{Attachments, Fetching, MOST_BYTES, NoAttachments};
#[cfg(feature = "worker")]
pub use config::{EmailConfig, MailSender, SendGridConfig};
#[cfg(feature = "worker")]
pub use handler::SendEmailHandler;
#[cfg(feature = "worker")]
pub use integration::{
    EmailSettings, FallbackSettings, PostmarkSettings, PostmarkTransport, SendGridSettings,
    SenderSettings, integration,
};
#[cfg(feature = "worker")]
pub use postmark::{
    InvalidPostmarkTemplate, Postmark, PostmarkConfig, PostmarkSetupError, PostmarkTemplate,
    SmtpConfig,
};
#[cfg(feature = "worker")]
pub use sendgrid::{Accepted, SendGrid, SetupError};
#[cfg(feature = "worker")]
pub use templates::{TemplateProblem, Templates};
#[cfg(feature = "worker")]
pub use webhook::{InvalidPublicKey, PostmarkEvents, PublicKey, SendGridEvents};
