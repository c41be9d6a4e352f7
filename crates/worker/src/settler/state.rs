//! What is to be settled, and what the settler says of it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_queue::{RawId, Verdict};
use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;

use crate::lock::lock;
use crate::progress::Progress;

/// Written by the settler; anybody may hand it a verdict.
pub(crate) struct SettlerState {
    verdicts: mpsc::UnboundedSender<Verdict>,
    /// Those of them that are not written yet.
    unwritten: AtomicUsize,
    /// Those of them that were written before, by job and token: Redis forgot them.
    again: Mutex<HashSet<(RawId, Arc<str>)>>,
    /// Those of them that Redis refused to write, or was not asked for behind such a one. They are tried again each second.
    refused: AtomicUsize,
    wrote_some: Notify,
    progress: Progress,
}

impl SettlerState {
    /// The receiver is the settler's.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Verdict>) {
        let (verdicts, to_write) = mpsc::unbounded_channel();
        let state = Self {
            verdicts,
            unwritten: AtomicUsize::new(0),
            again: Mutex::default(),
            refused: AtomicUsize::new(0),
            wrote_some: Notify::new(),
            progress: Progress::new(),
        };
        (state, to_write)
    }

    /// Queues a verdict to be written.
    pub(crate) fn settle(&self, verdict: Verdict) {
        self.unwritten.fetch_add(1, Ordering::AcqRel);
        // The settler lives until the station has been left.
        let _ = self.verdicts.send(verdict);
    }

    /// Queues a verdict that Redis forgot to be written again, unless it waits for that already.
    pub(crate) fn settle_again(&self, verdict: Verdict) {
        let claim = (verdict.id.clone(), Arc::clone(&verdict.token));
        if lock(&self.again).insert(claim) {
            self.settle(verdict);
        }
    }

    /// How many verdicts are not written yet.
    pub(crate) fn unwritten(&self) -> usize {
        self.unwritten.load(Ordering::Acquire)
    }

    /// Whether there are verdicts that Redis refuses to write.
    pub(crate) fn has_refused(&self) -> bool {
        self.refused.load(Ordering::Acquire) > 0
    }

    /// Waits until some more are written.
    pub(crate) async fn wrote_some(&self) {
        self.wrote_some.notified().await;
    }

    /// Waits until all are written.
    pub(crate) async fn wrote_all(&self) {
        while self.unwritten() > 0 {
            tokio::select! {
                () = self.wrote_some() => {}
                () = sleep(Duration::from_millis(100)) => {}
            }
        }
    }

    /// How long ago the settler gave its last sign of life.
    pub(crate) fn silent_for(&self) -> Duration {
        self.progress.silent_for()
    }

    pub(super) fn mark(&self) {
        self.progress.mark();
    }

    /// One more is written, or is no longer ours to write.
    pub(super) fn finished_one(&self, id: RawId, token: Arc<str>) {
        lock(&self.again).remove(&(id, token));
        self.unwritten.fetch_sub(1, Ordering::AcqRel);
    }

    /// A batch is done with, and so many verdicts are left over by now.
    pub(super) fn finished_batch(&self, left_over: usize) {
        self.refused.store(left_over, Ordering::Release);
        self.wrote_some.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recent::tests::verdict;

    #[test]
    fn what_waits_to_be_written_again_waits_once() {
        let (settler, mut to_write) = SettlerState::new();
        let verdict = verdict(None);
        for _ in 0..2 {
            settler.settle_again(verdict.clone());
            settler.settle_again(verdict.clone());
            assert_eq!(settler.unwritten(), 1);
            assert!(to_write.try_recv().is_ok() && to_write.try_recv().is_err());
            settler.finished_one(verdict.id.clone(), Arc::clone(&verdict.token));
        }
    }
}
