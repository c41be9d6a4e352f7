//! The args of jobs about buckets: what producers write. They need none of what carries the jobs out.

mod apply_lifecycle;
mod bucket;
mod move_back;
mod sweep_bucket;

pub use apply_lifecycle::ApplyLifecycle;
pub use bucket::{BucketName, StoreName};
pub use move_back::MoveBack;
pub use sweep_bucket::SweepBucket;

use longshore_job::KindSpec;

/// Their kinds.
pub const KINDS: &[KindSpec] = &[
    KindSpec::of::<SweepBucket>(),
    KindSpec::of::<ApplyLifecycle>(),
    KindSpec::of::<MoveBack>(),
];
