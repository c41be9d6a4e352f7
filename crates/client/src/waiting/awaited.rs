//! The jobs of one queue that somebody in this client waits for, and what was heard of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use longshore_job::{JobId, PrivateResult};
use longshore_queue::{Heard, WaiterKey};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};

use super::lock;

/// The jobs of one queue that somebody waits for.
#[derive(Default)]
pub(super) struct Jobs {
    jobs: Mutex<HashMap<JobId, Awaited>>,
    /// What is told on the queue's channel is heard.
    stands: watch::Sender<bool>,
    /// It was waited for in vain that it stands: Redis may not let us listen.
    deaf: AtomicBool,
}

/// One job, for all in this client who wait for it.
#[derive(Default)]
struct Awaited {
    /// How many wait.
    waiting: usize,
    news: Arc<Notify>,
    ended: bool,
    /// Opens the next private result.
    key: Option<WaiterKey>,
    result: Option<PrivateResult>,
}

impl Jobs {
    pub(super) fn wait_for(self: &Arc<Self>, id: JobId) -> Told {
        let mut jobs = lock(&self.jobs);
        let awaited = jobs.entry(id).or_default();
        awaited.waiting += 1;
        Told {
            id,
            news: Arc::clone(&awaited.news),
            jobs: Arc::clone(self),
        }
    }

    pub(super) fn hear(&self, heard: Heard) {
        let mut jobs = lock(&self.jobs);
        let (id, private) = match heard {
            Heard::Ended(id) => (id, None),
            Heard::Private(id, sealed) => (id, Some(sealed)),
            // It stands, or stands no more: everybody looks.
            Heard::Work | Heard::Broken | Heard::Stop => {
                self.stands.send_replace(heard != Heard::Broken);
                for awaited in jobs.values() {
                    awaited.news.notify_one();
                }
                return;
            }
        };
        let Some(awaited) = jobs.get_mut(&id) else {
            return;
        };
        match private {
            None => awaited.ended = true,
            // A key opens one result; the next one needs another, which whoever wakes notes.
            Some(sealed) => {
                let key = awaited.key.take();
                let opened = key.and_then(|key| key.open(id, &sealed));
                awaited.result = opened.or(awaited.result.take());
            }
        }
        awaited.news.notify_waiters();
        awaited.news.notify_one();
    }
}

/// One who waits for a job.
pub(super) struct Told {
    pub(super) id: JobId,
    news: Arc<Notify>,
    jobs: Arc<Jobs>,
}

impl Told {
    /// Returns when there is something to look at.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    /// The public half of the key for the next private result; `None` without such results.
    pub(super) fn key(&self) -> Option<String> {
        self.of(|awaited| {
            if awaited.key.is_none() {
                awaited.key = WaiterKey::generate();
            }
            awaited.key.as_ref().map(WaiterKey::public)
        })?
    }

    /// Whether what is told is heard.
    pub(super) fn stands_now(&self) -> bool {
        *self.jobs.stands.borrow()
    }

    /// Returns once what is told is heard, or at this time; at once where that was waited for in vain before.
    pub(super) async fn stands(&self, until: Instant) {
        if self.jobs.deaf.load(Ordering::Relaxed) {
            return;
        }
        let mut stands = self.jobs.stands.subscribe();
        let heard = timeout_at(until, stands.wait_for(|stands| *stands)).await;
        self.jobs.deaf.store(heard.is_err(), Ordering::Relaxed);
    }

    /// Whether the end was told.
    pub(super) fn heard_end(&self) -> bool {
        self.of(|awaited| awaited.ended).unwrap_or_default()
    }

    /// The last private result that was told.
    pub(super) fn private_result(&self) -> Option<PrivateResult> {
        self.of(|awaited| awaited.result.clone())?
    }

    fn of<T>(&self, what: impl FnOnce(&mut Awaited) -> T) -> Option<T> {
        lock(&self.jobs.jobs).get_mut(&self.id).map(what)
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let mut jobs = lock(&self.jobs.jobs);
        if let Some(awaited) = jobs.get_mut(&self.id) {
            awaited.waiting -= 1;
            if awaited.waiting == 0 {
                jobs.remove(&self.id);
            }
        }
    }
}
