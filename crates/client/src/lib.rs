//! What producers add to enqueue Longshore jobs.
//!
//! ```no_run
//! use std::time::Duration;
//! use longshore_client::{Client, kinds::SendEmail};
//! use serde_json::json;
//!
//! # async fn example() -> Result<(), longshore_client::ClientError> {
//! let client = Client::new("redis://127.0.0.1:6379")?;
//!
//! // One line to enqueue.
//! let id = client.enqueue(SendEmail::new("welcome", "ada@example.com")).await?;
//!
//! // The same with options: at most one per order, in ten minutes, and not at all after an hour.
//! client
//!     .enqueue(SendEmail::new("order_confirmation", "ada@example.com").data(json!({ "orderNumber": "A-1" })))
//!     .key("order-confirmation-A-1")
//!     .delay(Duration::from_secs(600))
//!     .expires_in(Duration::from_secs(3600))
//!     .await?;
//!
//! // What became of it.
//! if let Some(status) = client.status(id).await? {
//!     println!("{} is {}", status.id, status.state);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! When a call returns `Ok`, the job is in Redis and ends as `completed` or `dead`, or stays visible until then. Ids
//! are made here, so a call whose answer is lost is repeated by itself, for up to five seconds, without doubling
//! anything; [`Client::builder`] sets another time, or has calls fail fast. Wrong args are refused here and never reach a worker.
//!
//! In tests, the recorder of `longshore-testing` has a client whose jobs are recorded in place of Redis.
//!
//! Redis may be one server (`redis://`, `rediss://`, `unix://`), behind Sentinels, or a cluster: see [`Client::connect`] and
//! [`Address`]. `rediss://` needs the feature `tls` (on by default); its crypto provider is `ring`, unless the program has
//! installed another.
//!
//! With the feature `private` (on by default) calls that wait have a job's private result ([`JobStatus::private_result`]), such as a payment's
//! client secret. It adds `ring`, which `tls` has as well.
//!
//! With the feature `kinds` (on by default) the args of this project's own kinds are in [`kinds`]. With the feature `opentelemetry` (on by default) the W3C trace context of the current span travels with the job.

mod batch;
mod builder;
mod client;
mod enqueue;
mod error;
mod jobs;
mod new_job;
mod on_behalf;
mod one_queue;
mod options;
mod outage;
mod redis;
mod status;
mod target;
mod trace;
mod waiting;

pub use batch::Batch;
pub use builder::ClientBuilder;
pub use client::Client;
pub use enqueue::Enqueue;
pub use error::ClientError;
pub use longshore_job::{InvalidArgs, Job, JobId, KindPolicy, Priority, PrivateResult};
pub use longshore_queue::{
    Address, Cancelled, Enqueued, JobState, Lane, NewJob, QueueError, Rescheduled, RunAt, Sentinel,
    TlsFiles,
};
pub use options::EnqueueOptions;
pub use status::{DeliveryStatus, JobStatus};
pub use target::Sink;
pub use trace::trace_context;

/// The args of this project's own kinds of jobs. A kind of your own is a struct that implements [`Job`].
#[cfg(feature = "kinds")]
pub mod kinds {
    pub use longshore_email::{
        Attachment, Recipient, SendEmail, TemplateData, UnsubscribeGroup, format_currency,
    };
    pub use longshore_export_cleanup::{
        ApplyLifecycle, BucketName, MoveBack, StoreName, SweepBucket,
    };
    pub use longshore_geocode::{Components, GeocodeAddress, MapBounds};
    pub use longshore_payment_reconcile::{
        ApplyStripeEvent, BackfillStripeEvents, CancelSubscription, CaptureMethod,
        ConfirmPaymentIntent, CreateCustomer, CreatePaymentIntent, CreateRefund,
        CreateSubscription, PaymentBehavior, ReconcilePayments, RefundReason, SetupFutureUsage,
    };
    pub use longshore_services::{CallService, RequestBody};
    pub use longshore_sms::SendSms;
}

/// Its README, whose example is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
