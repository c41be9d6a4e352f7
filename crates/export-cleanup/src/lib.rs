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

mod cleanup;
mod expiry;
mod integration;
mod keeper;
mod lifecycle;
mod move_back;
mod sweep;

pub use cleanup::Cleanup;
pub use integration::{
    Buckets, R2Settings, S3Settings, StoreKeys, StoreSettings, integration, stores,
};
pub use lifecycle::ApplyLifecycleHandler;
pub use move_back::MoveBackHandler;
pub use sweep::SweepBucketHandler;
