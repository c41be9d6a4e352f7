//! Up to where replicas of Redis know of the claims of one queue.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use longshore_queue::{QueueError, Stamp};

use crate::lock::lock;

/// What enough replicas are known to have.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    newest: Mutex<(u64, u64)>,
    too_few: AtomicBool,
}

impl Copied {
    /// They have what was claimed at this moment. A claim of another timeline says nothing of it.
    pub(crate) fn has(&self, at: &Stamp) -> bool {
        let (timeline, seq) = *lock(&self.newest);
        let (of, place) = at.place();
        of == timeline && place <= seq
    }

    /// They have it up to this moment.
    pub(crate) fn up_to(&self, queue: &str, at: &Stamp) {
        let mut newest = lock(&self.newest);
        *newest = (*newest).max(at.place());
        drop(newest);
        if self.too_few.swap(false, Ordering::AcqRel) {
            tracing::info!(queue, "enough replicas of Redis know of claims again");
        }
    }

    /// Too few have it: said once.
    pub(crate) fn too_few(&self, queue: &str, error: &QueueError) {
        if !self.too_few.swap(true, Ordering::AcqRel) {
            tracing::error!(
                queue,
                %error,
                "jobs that would do harm if they were sent twice wait unsent: too few replicas know of their claims"
            );
        }
    }
}
