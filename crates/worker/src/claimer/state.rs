//! What the claimer says of its queue, and what others want of it.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::progress::Progress;

/// So many: what Redis has not carried out by then, it has not received.
const LATER_SWEEPS: u8 = 3;

/// Which running jobs a sweep looks through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sweeping {
    /// All of them.
    All,
    /// All of them, where a worker is lost and nobody else is at it.
    Rescue,
}

/// Written by the claimer; anybody may wake it.
pub(crate) struct ClaimerState {
    /// Something happened that it should look at.
    woken: Notify,
    /// Redis may have jobs as ours of which nobody here knows.
    sweep_wanted: AtomicBool,
    /// Another worker is lost.
    rescue_wanted: AtomicBool,
    /// At how many heartbeats to come a sweep is to be made: a call that was given up may still be carried out.
    later_sweeps: AtomicU8,
    /// The last claim was answered.
    answered: AtomicBool,
    progress: Progress,
}

impl ClaimerState {
    pub(crate) fn new() -> Self {
        Self {
            woken: Notify::new(),
            sweep_wanted: AtomicBool::new(false),
            rescue_wanted: AtomicBool::new(false),
            later_sweeps: AtomicU8::new(0),
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

    /// Has it look after the jobs of lost workers before its next claim, now.
    pub(crate) fn want_rescue(&self) {
        self.rescue_wanted.store(true, Ordering::Release);
        self.wake();
    }

    /// Whether a sweep is to be made at this heartbeat.
    pub(crate) fn take_later_sweep(&self) -> bool {
        let less = |left: u8| left.checked_sub(1);
        let (set, fetch) = (Ordering::AcqRel, Ordering::Acquire);
        self.later_sweeps.fetch_update(set, fetch, less).is_ok()
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

    /// Notes that a call was given up: what it took is found by a sweep before the next claim. Should Redis carry it out only
    /// later, it is found at one of the next heartbeats.
    pub(super) fn call_given_up(&self) {
        self.sweep_next();
        self.later_sweeps.store(LATER_SWEEPS, Ordering::Release);
    }

    /// Which sweep is to be made; it is taken to be, from here on.
    pub(super) fn take_sweep(&self) -> Option<Sweeping> {
        let rescue = self.rescue_wanted.swap(false, Ordering::AcqRel);
        match self.sweep_wanted.swap(false, Ordering::AcqRel) {
            true => Some(Sweeping::All),
            false => rescue.then_some(Sweeping::Rescue),
        }
    }

    pub(super) fn set_answered(&self, answered: bool) {
        self.answered.store(answered, Ordering::Release);
    }
}
