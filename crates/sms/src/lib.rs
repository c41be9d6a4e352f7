//! `send_sms` jobs, carried out by Twilio.
//!
//! In the order of a job's life: [`SendSmsHandler`] has [`Twilio`] send the text once, and what Twilio says becomes an
//! outcome, or a [`JobError`](longshore_job::JobError) in the one match that decides it. Twilio takes no idempotency
//! key: when an answer was lost, the account's list of messages is searched for the text before it is sent again.

pub mod args;
#[cfg(feature = "worker")]
mod config;
#[cfg(feature = "worker")]
mod error;
#[cfg(feature = "worker")]
mod handler;
#[cfg(feature = "worker")]
mod integration;
#[cfg(feature = "worker")]
mod message;
#[cfg(feature = "worker")]
mod opt_out;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "worker")]
mod twilio;
#[cfg(feature = "worker")]
mod verify;
#[cfg(feature = "worker")]
mod webhook;

pub use args::SendSms;
#[cfg(feature = "worker")]
pub use config::{MessageSender, TwilioAuth, TwilioConfig};
#[cfg(feature = "worker")]
pub use handler::SendSmsHandler;
#[cfg(feature = "worker")]
pub use integration::{
    TwilioCredentials, TwilioKeys, TwilioSender, TwilioSenders, TwilioSettings, integration,
};
#[cfg(feature = "worker")]
pub use twilio::{SetupError, Twilio};
#[cfg(feature = "worker")]
pub use webhook::{TwilioEvents, TwilioInbound};
