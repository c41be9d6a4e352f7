//! Where claimed jobs wait until apalis takes them: for a moment, since each has its slot.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::sync::mpsc;

use crate::entry::Entry;
use crate::lock::lock;

pub(crate) struct Handover {
    put: mpsc::UnboundedSender<Arc<Entry>>,
    /// Behind a lock since apalis may build a worker anew.
    take: Mutex<mpsc::UnboundedReceiver<Arc<Entry>>>,
}

impl Handover {
    pub(crate) fn new() -> Self {
        let (put, take) = mpsc::unbounded_channel();
        Self {
            put,
            take: Mutex::new(take),
        }
    }

    pub(crate) fn put(&self, entry: Arc<Entry>) {
        // The receiver lives as long as the sender.
        let _ = self.put.send(entry);
    }

    /// For apalis: the next job, once there is one.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Arc<Entry>>> {
        lock(&self.take).poll_recv(cx)
    }

    /// A job that apalis has not taken.
    pub(crate) fn left_over(&self) -> Option<Arc<Entry>> {
        lock(&self.take).try_recv().ok()
    }
}
