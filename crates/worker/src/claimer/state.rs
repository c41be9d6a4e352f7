//! What the claimer says of its queue, and what others want of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::progress::Progress;

/// Written by the claimer; anybody may wake it.
pub(crate) struct ClaimerState {
    /// Something happened that it should look at.
    woken: Notify,
    /// Redis may have jobs as ours, or as a lost worker's, of which nobody here knows.
    sweep_wanted: AtomicBool,
    /// The last claim was answered.
    answered: AtomicBool,
    progress: Progress,
}

impl ClaimerState {
    pub(crate) fn new() -> Self {
        Self {
            woken: Notify::new(),
            sweep_wanted: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            progress: Progress::new(),
        }
    }

    /// Has it look for work, or at whatever else has changed, now.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Has it sweep before its next claim, now.
    pub(crate) fn want_sweep(&self) {
        self.sweep_next();
        self.wake();
    }

    /// Whether a sweep is still to be made.
    pub(crate) fn wants_sweep(&self) -> bool {
        self.sweep_wanted.load(Ordering::Acquire)
    }

    /// Whether Redis has answered the last claim.
    pub(crate) fn is_answered(&self) -> bool {
        self.answered.load(Ordering::Acquire)
    }

    /// How long ago the claimer gave its last sign of life.
    pub(crate) fn silent_for(&self) -> Duration {
        self.progress.silent_for()
    }

    pub(super) fn mark(&self) {
        self.progress.mark();
    }

    /// Waits until somebody wakes it.
    pub(super) async fn woken(&self) {
        self.woken.notified().await;
    }

    /// Notes that a sweep is to be made before the next claim.
    pub(super) fn sweep_next(&self) {
        self.sweep_wanted.store(true, Ordering::Release);
    }

    /// Whether a sweep is to be made; it is taken to be, from here on.
    pub(super) fn take_sweep(&self) -> bool {
        self.sweep_wanted.swap(false, Ordering::AcqRel)
    }

    pub(super) fn set_answered(&self, answered: bool) {
        self.answered.store(answered, Ordering::Release);
    }
}
