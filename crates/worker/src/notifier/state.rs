//! How notices are delivered, where the notifier sleeps, and who may wake it.

use longshore_job::Notice;
use longshore_queue::{Queue, Verdict};
use tokio::sync::Notify;

/// How notices are delivered.
#[derive(Debug, Clone, Copy)]
pub struct NoticeDelivery {
    /// The queue of the jobs that deliver them. Its own jobs are never noticed.
    pub queue: &'static str,
    /// The payload of the job that delivers one.
    pub payload: fn(&Notice) -> Vec<u8>,
}

/// Where the notifier sleeps.
#[derive(Default)]
pub(crate) struct NotifierState(pub(super) Notify);

impl NotifierState {
    /// Notices wait, or may.
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }

    /// These were written: the application may have to be told.
    pub(crate) fn wrote<'a>(&self, queue: &Queue, mut verdicts: impl Iterator<Item = &'a Verdict>) {
        let wanted = queue.wanted_notices();
        if wanted.is_some_and(|wanted| verdicts.any(|verdict| verdict.is_noticed_by(wanted))) {
            self.wake();
        }
    }
}
