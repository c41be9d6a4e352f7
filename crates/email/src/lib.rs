//! `send_email` jobs, carried out by SendGrid.
//!
//! In the order of a job's life: [`SendEmailHandler`] looks up the template and whether the address is one that nothing
//! is sent to, the mail is written in SendGrid's words, [`SendGrid`] sends it once, and what SendGrid says becomes an
//! outcome, or a [`JobError`](longshore_job::JobError) in the one match that decides it.

mod attachments;
mod config;
mod error;
mod handler;
mod mail;
mod news;
mod sendgrid;
mod suppression;

pub use attachments::{Attachments, Fetching, MOST_BYTES, NoAttachments};
pub use config::{EmailConfig, SendGridConfig, Sender};
pub use handler::SendEmailHandler;
pub use sendgrid::{Accepted, SendGrid, SetupError};
