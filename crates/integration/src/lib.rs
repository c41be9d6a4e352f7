//! The contract of an integration: one value with its kinds, their handlers, a provider, and its settings.
//!
//! A program is a list of such values. Integrations know this crate, `longshore-job` and `longshore-provider`; they never
//! see the queue, and a program needs to know nothing of them but their values.

mod context;
mod events;
mod family;
mod files;
mod integration;
mod public_url;
mod queue;
mod sandbox;
mod sections;
pub mod settings;

pub use context::{Context, Pending, Program, SetUpError};
pub use events::{
    DeliveryUpdate, Event, EventJob, Events, OpenSource, Posted, Read, Refusal, Remark, Source,
    SourceAnswer,
};
pub use family::{Family, OpenSandbox};
pub use files::{
    Calling, Examining, Files, FilesCheck, FilesState, NewFile, NewUpload, SignedUrl, Signing,
    UploadError,
};
pub use integration::{
    AnyProvider, CallPolicy, CronEntry, ExpectKind, FindDanger, FindOrigin, FindRepeats,
    ForeseeRefusal, Integration, Inventory, MakeArgs, MakeHandlers, NoticeJobs, OfferFiles,
    OtherProvider, Provider, Repeats, SetUp, Smoke, StandIn,
};
pub use public_url::{InvalidPublicUrl, PublicUrl};
pub use queue::QueueSpec;
pub use sandbox::{RunningStandIn, Sandbox, SandboxAt, StartStandIn, Starting};
pub use sections::Sections;

/// Its README, whose example is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
