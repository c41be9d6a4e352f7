//! `send_sms` jobs, carried out by Twilio.
//!
//! In the order of a job's life: [`SendSmsHandler`] has [`Twilio`] send the text once, and what Twilio says becomes an
//! outcome, or a [`JobError`](longshore_job::JobError) in the one match that decides it. Twilio takes no idempotency
//! key: when an answer was lost, the account's list of messages is searched for the text before it is sent again.

mod config;
mod error;
mod handler;
mod integration;
mod message;
mod twilio;
mod verify;
mod webhook;

pub use config::{Credentials, Sender, TwilioConfig};
pub use handler::SendSmsHandler;
pub use integration::{TwilioCredentials, TwilioSender, TwilioSettings, integration};
pub use twilio::{SetupError, Twilio};
pub use webhook::TwilioEvents;
