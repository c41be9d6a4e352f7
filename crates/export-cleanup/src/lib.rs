//! Bucket sweeps and lifecycle rules, carried out by S3 and R2.
//!
//! - [`SweepBucketHandler`] deletes what has expired, and nothing else: `expiry.rs` alone decides what that is.
//! - [`ApplyLifecycleHandler`] makes the same rules the bucket's own.
//! - [`MoveBackHandler`] brings what was written to R2 while S3 was away to where it belongs.
//!
//! # Crashes
//!
//! A sweep keeps after each page how far it has come, and before each deletion what it is about to delete: what died in
//! the middle of one sees by what is left how much of it was done, so its counts are right; of versions and uploads, what
//! was deleted between two checkpoints is deleted and not counted. Keys are kept beside the
//! checkpoint, not in it: operators see that one, and keys hold ids of users.

pub mod args;
#[cfg(feature = "worker")]
mod cleanup;
#[cfg(feature = "worker")]
mod expiry;
#[cfg(feature = "worker")]
mod integration;
#[cfg(feature = "worker")]
mod keeper;
#[cfg(feature = "worker")]
mod lifecycle;
#[cfg(feature = "worker")]
mod move_back;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(feature = "worker")]
mod sweep;

pub use args::{ApplyLifecycle, BucketName, MoveBack, StoreName, SweepBucket};
#[cfg(feature = "worker")]
pub use cleanup::Cleanup;
#[cfg(feature = "worker")]
pub use integration::{Buckets, R2Settings, S3Settings, StoreSettings, integration, stores};
#[cfg(feature = "worker")]
pub use lifecycle::ApplyLifecycleHandler;
#[cfg(feature = "worker")]
pub use move_back::MoveBackHandler;
#[cfg(feature = "worker")]
pub use sweep::SweepBucketHandler;
