//! What the keeper says of its queue, and what others want of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use longshore_queue::Lease;
use tokio::sync::{Notify, watch};

use crate::clock::Moment;
use crate::progress::Progress;

/// How a station stands with Redis.
#[derive(Debug, Clone, Default)]
pub(crate) struct LeaseState {
    /// The lease that claims are made under; `None` until the first join, and while the keeper joins anew.
    lease: Option<Arc<Lease>>,
    /// When the last beat that was acknowledged was sent.
    confirmed: Option<Moment>,
}

impl LeaseState {
    /// Whether claims are made under this lease, and a beat was acknowledged that is no older than this.
    pub(crate) fn holds(&self, lease: &Arc<Lease>, age: Duration) -> bool {
        let current = self.lease.as_ref();
        current.is_some_and(|current| Arc::ptr_eq(current, lease)) && self.is_confirmed(age)
    }

    fn is_confirmed(&self, age: Duration) -> bool {
        self.confirmed.is_some_and(|beat| beat.elapsed() <= age)
    }
}

/// Written by the keeper; a lease is lost for whoever is told so first.
pub(crate) struct KeeperState {
    standing: watch::Sender<LeaseState>,
    /// The last beat found no other worker, and no job here: then it has not counted the running ones.
    alone: AtomicBool,
    /// What the process says of itself has changed.
    unannounced: AtomicBool,
    beat_wanted: Notify,
    /// How often jobs of the queue had been asked to stop when it was last looked which ones. `NEVER` = it is to be looked.
    asks: AtomicU64,
    progress: Progress,
}

const NEVER: u64 = u64::MAX;

impl KeeperState {
    pub(crate) fn new() -> Self {
        Self {
            standing: watch::Sender::new(LeaseState::default()),
            alone: AtomicBool::new(false),
            unannounced: AtomicBool::new(true),
            beat_wanted: Notify::new(),
            asks: AtomicU64::new(NEVER),
            progress: Progress::new(),
        }
    }

    /// The lease that claims are made under.
    pub(crate) fn lease(&self) -> Option<Arc<Lease>> {
        self.standing.borrow().lease.clone()
    }

    /// How the station stands, and each change of it.
    pub(crate) fn standing(&self) -> watch::Receiver<LeaseState> {
        self.standing.subscribe()
    }

    /// Waits until there is a lease.
    pub(crate) async fn joined(&self) {
        let mut standing = self.standing.subscribe();
        // The sender lives as long as the station.
        let _ = standing.wait_for(|standing| standing.lease.is_some()).await;
    }

    /// Whether a beat was acknowledged that is no older than this.
    pub(crate) fn is_confirmed(&self, age: Duration) -> bool {
        self.standing.borrow().is_confirmed(age)
    }

    /// Whether a beat was acknowledged that was sent after this moment.
    pub(crate) fn is_confirmed_since(&self, moment: Moment) -> bool {
        let confirmed = self.standing.borrow().confirmed;
        confirmed.is_some_and(|beat| beat.ran() < moment.ran())
    }

    /// Whether the last beat found no other worker, and no job here: then it has not counted the running ones.
    pub(crate) fn is_alone(&self) -> bool {
        self.alone.load(Ordering::Acquire)
    }

    /// How long ago the keeper gave its last sign of life.
    pub(crate) fn silent_for(&self) -> Duration {
        self.progress.silent_for()
    }

    /// Asks for a beat now, instead of at its next time.
    pub(crate) fn want_beat(&self) {
        self.beat_wanted.notify_one();
    }

    /// How often jobs had been asked to stop when it was last looked whether ours are among them. A job that is claimed
    /// meanwhile is not looked for: then [`look_for_asks`](Self::look_for_asks).
    pub(crate) fn asks(&self) -> u64 {
        self.asks.load(Ordering::Acquire)
    }

    /// Has it looked, now, which of our jobs are asked to stop.
    pub(crate) fn look_for_asks(&self) {
        self.asks.store(NEVER, Ordering::Release);
        self.want_beat();
    }

    /// Notes that it is looked now. `false` if it was before.
    pub(super) fn set_asks(&self, asks: u64) -> bool {
        self.asks.swap(asks, Ordering::AcqRel) != asks
    }

    /// The look has failed.
    pub(super) fn forget_asks(&self) {
        self.asks.store(NEVER, Ordering::Release);
    }

    /// Has the next beat make known what the process says of itself: that has changed, or is not known yet.
    pub(crate) fn want_announcement(&self) {
        self.unannounced.store(true, Ordering::Release);
    }

    /// Gives up a lease that is lost. `false` where another one has taken its place already.
    pub(crate) fn give_up(&self, lost: &Arc<Lease>) -> bool {
        self.standing.send_if_modified(|standing| {
            let current = standing.lease.as_ref();
            let is_current = current.is_some_and(|lease| Arc::ptr_eq(lease, lost));
            if is_current {
                *standing = LeaseState::default();
            }
            is_current
        })
    }

    pub(super) fn mark(&self) {
        self.progress.mark();
    }

    /// The lease holds, as of this moment.
    pub(super) fn confirm(&self, lease: &Arc<Lease>, as_of: Moment) {
        self.standing.send_modify(|standing| {
            standing.lease = Some(Arc::clone(lease));
            standing.confirmed = Some(as_of);
        });
    }

    pub(super) fn set_alone(&self, alone: bool) {
        self.alone.store(alone, Ordering::Release);
    }

    /// Whether something is to be made known; it is taken to be, from here on.
    pub(super) fn take_announcement(&self) -> bool {
        self.unannounced.swap(false, Ordering::AcqRel)
    }

    /// Waits until somebody wants a beat.
    pub(super) async fn beat_wanted(&self) {
        self.beat_wanted.notified().await;
    }
}
