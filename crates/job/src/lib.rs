//! The contract of Longshore's jobs: what producers write, what workers read, and what a run can end as.
//!
//! This crate does no I/O and knows neither Redis nor apalis, so producers and job crates can both stand on it:
//!
//! - [`Job`] is a kind with its args: the struct *is* the payload. [`Kinds`] are those that a program knows.
//! - [`Prepared`] is a checked payload ready to be enqueued, [`Envelope`] the same on its way back out.
//! - [`Handler`] is what a job crate implements; it gets the args and a [`Run`], and answers with an
//!   [`Outcome`] or a [`JobError`]. [`Handlers`] holds those of one queue, by kind.
//! - [`RetrySchedule`] says when a failed attempt is made again, [`KindPolicy`] what a kind says of its time limits,
//!   [`KindOverrides`] what configuration says instead, and [`RunPolicy`] what holds. [`Priority`] is how urgent a job is.
//! - [`PersonArg`] says which args name a person, and [`Person`] is one, as operators look for them.
//! - [`Notice`] is what an application is told of a job, [`NoticeFilter`] which of those it wants.
//! - [`AddressHash`] and [`Suppression`] are the list of addresses that no mail goes to.

mod address;
mod call;
mod digest;
mod envelope;
mod error;
mod explain;
mod handler;
pub mod handlers;
mod id;
mod kinds;
mod lists;
mod memory;
mod missing;
mod names;
mod notice;
mod payload;
mod person;
mod policy;
mod priority;
mod private;
mod retry;
mod schema;
mod standalone;
mod suppression;
#[cfg(feature = "trace")]
pub mod trace;

pub use address::is_email_address;
pub use call::{CallReport, NotNow, Pass, Reach, Route, Unreached, Why};
pub use envelope::{Envelope, Undecodable, UndecodableWhy};
pub use error::{Answer, Blame, Cause, Class, JobError, Outcome, Scope, clip_reason};
pub use explain::explain;
pub use handler::{Gate, Handler, Run};
pub use handlers::Handlers;
pub use id::{InvalidId, JobId};
pub use kinds::Kinds;
pub use memory::{
    EarlierRequests, Memory, MemoryFuture, NotEnqueued, Outbox, OutboxFuture, Unremembered,
};
pub use names::Names;
pub use notice::{Notice, NoticeFilter, NoticeType};
pub use payload::{
    CheckArgs, DescribeArgs, InvalidArgs, Job, KindSpec, MAX_PAYLOAD_BYTES, Prepared,
};
pub use person::{Found, InvalidPerson, Person, PersonArg, PersonForm};
pub use policy::{KindOverrides, KindPolicy, OnUnknown, RunPolicy};
pub use priority::{Priority, UnknownPriority};
pub use private::PrivateResult;
#[cfg(feature = "backoff")]
pub use retry::Backoff;
pub use retry::{Reconnect, RetrySchedule};
pub use suppression::{
    AddressHash, InvalidAddressHash, SUPPRESSED, Suppress, SuppressedFor, Suppression,
};

/// Its README, whose example is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
