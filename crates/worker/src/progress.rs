//! Whether a loop still goes round: what the liveness probe asks.

use std::sync::Mutex;
use std::time::Duration;

use crate::clock::Moment;
use crate::lock::lock;

/// A loop's last sign of life.
#[derive(Debug)]
pub(crate) struct Progress(Mutex<Moment>);

impl Progress {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Moment::now()))
    }

    /// The loop goes round, or waits for a good reason: both are progress.
    pub(crate) fn mark(&self) {
        *lock(&self.0) = Moment::now();
    }

    /// How long ago the last sign was.
    pub(crate) fn silent_for(&self) -> Duration {
        lock(&self.0).ran()
    }
}
