//! `deliver_event` jobs: the application is told what became of its jobs.
//!
//! In the order of a job's life: the fleet makes a [`DeliverEvent`] of a notice, [`DeliverEventHandler`] posts it to the
//! application's [`EventsEndpoint`], signed as Standard Webhooks has it, and what that answers becomes an outcome, or a
//! [`JobError`](longshore_job::JobError) in the one match that decides it.

pub mod args;
#[cfg(feature = "worker")]
mod endpoint;
#[cfg(feature = "worker")]
mod error;
#[cfg(feature = "worker")]
mod handler;
#[cfg(feature = "worker")]
mod integration;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "worker")]
mod signature;

pub use args::{DeliverEvent, EventData};
#[cfg(feature = "worker")]
pub use endpoint::{EventsEndpoint, EventsEndpointConfig, EventsEndpointError};
#[cfg(feature = "worker")]
pub use handler::DeliverEventHandler;
#[cfg(feature = "worker")]
pub use integration::{EventsKeys, EventsSettings, integration};
