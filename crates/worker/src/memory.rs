//! What the fleet remembers for one run, and where jobs go that follow from it: the Redis of its queue.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_job::{
    EarlierRequests, InvalidArgs, JobId, Kinds, Memory, MemoryFuture, NotEnqueued, Outbox,
    OutboxFuture, Prepared, Unremembered,
};
use longshore_queue::{EnqueuedBy, Key, Lane, NewJob, Queue, QueueError, RunAt};

use crate::entry::{Entry, Follower};

#[derive(Clone)]
pub(crate) struct QueueMemory {
    queue: Queue,
    job: JobId,
    entry: Arc<Entry>,
    kinds: Kinds,
}

impl QueueMemory {
    /// `kinds` are those that jobs which follow may have.
    pub(crate) fn new(queue: Queue, job: JobId, entry: Arc<Entry>, kinds: Kinds) -> Self {
        Self {
            queue,
            job,
            entry,
            kinds,
        }
    }

    /// It could not be asked. Where a request is out, what came of that may be what was to be kept.
    fn unremembered(&self, error: &impl fmt::Display) -> Unremembered {
        self.entry.door.note_unremembered();
        Unremembered(error.to_string())
    }

    /// What a run keeps it keeps of what it has done: it goes on after that.
    fn kept<T>(&self, kept: Result<T, QueueError>) -> Result<T, Unremembered> {
        let kept = kept.map_err(|error| self.unremembered(&error))?;
        self.entry.door.note_going_on();
        Ok(kept)
    }

    fn not_enqueued(&self, error: &QueueError) -> NotEnqueued {
        let holder = match error {
            QueueError::KeyTaken(taken) => taken.first().map(|taken| taken.holder),
            _ => None,
        };
        match holder {
            Some(holder) => NotEnqueued::KeyTaken { holder },
            None => self.unremembered(error).into(),
        }
    }
}

impl Outbox for QueueMemory {
    fn prepare(&self, kind: &str, args: &str) -> Result<Prepared, InvalidArgs> {
        self.kinds.prepare(kind, args)
    }

    fn enqueue<'a>(
        &'a self,
        job: Prepared,
        key: &'a str,
        key_holds: Duration,
    ) -> OutboxFuture<'a, JobId> {
        Box::pin(async move {
            let queue = self.queue.sibling(&job.queue);
            let queue = queue.map_err(|error| self.unremembered(&error))?;
            // It belongs to the trace that led to it.
            let (traceparent, tracestate) = self.entry.trace_context();
            let job = NewJob {
                id: JobId::generate(),
                key: Some(Key::of(&job, key).holds(key_holds)),
                payload: job.payload,
                run_at: RunAt::Now,
                expires_in: job.expires_in,
                traceparent,
                tracestate,
                lane: Lane::of(job.priority),
                tags: Vec::new(),
                by: Some(EnqueuedBy::Job(self.entry.claimed.id.to_string())),
            };
            let enqueued = queue.enqueue(std::slice::from_ref(&job)).await;
            let enqueued = enqueued.map_err(|error| self.not_enqueued(&error))?;
            self.entry.door.note_going_on();
            let id = enqueued.first().map_or(job.id, |enqueued| enqueued.id);
            let job = NewJob { id, ..job };
            self.entry.add_follower(Follower { queue, job });
            Ok(id)
        })
    }
}

impl Memory for QueueMemory {
    fn earlier_requests(&self) -> MemoryFuture<'_, EarlierRequests> {
        Box::pin(async {
            let past = self
                .queue
                .earlier_requests(self.job)
                .await
                .map_err(|error| self.unremembered(&error))?;
            Ok(EarlierRequests {
                after: time(past.after_ms),
                before: time(past.before_ms),
                now: time(past.now_ms),
                message: past.message,
            })
        })
    }

    fn note_message<'a>(&'a self, message: &'a str) -> MemoryFuture<'a, bool> {
        let owned = self.queue.note_message(message, self.job);
        Box::pin(async { owned.await.map_err(|error| self.unremembered(&error)) })
    }

    fn recall<'a>(&'a self, key: &'a str) -> MemoryFuture<'a, Option<Vec<u8>>> {
        let recalled = self.queue.recall(key);
        Box::pin(async { recalled.await.map_err(|error| self.unremembered(&error)) })
    }

    fn keep<'a>(&'a self, key: &'a str, value: &'a [u8], time: Duration) -> MemoryFuture<'a, ()> {
        let kept = self.queue.keep(key, value, time);
        Box::pin(async { self.kept(kept.await) })
    }

    fn cache<'a>(&'a self, key: &'a str, value: &'a [u8], time: Duration) -> MemoryFuture<'a, ()> {
        let cached = self.queue.cache(key, value, time);
        Box::pin(async { cached.await.map_err(|error| self.unremembered(&error)) })
    }

    fn keep_first<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        time: Duration,
    ) -> MemoryFuture<'a, Vec<u8>> {
        let kept = self.queue.keep_first(key, value, time);
        Box::pin(async { self.kept(kept.await) })
    }

    fn checkpoint(&self) -> MemoryFuture<'_, Option<serde_json::Value>> {
        Box::pin(async {
            let bytes = self
                .queue
                .checkpoint(self.job)
                .await
                .map_err(|error| self.unremembered(&error))?;
            // One that does not read is as good as none: the job begins again.
            Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
        })
    }

    fn save<'a>(&'a self, checkpoint: &'a serde_json::Value) -> MemoryFuture<'a, bool> {
        Box::pin(async move {
            let json = checkpoint.to_string();
            let token = &self.entry.claimed.token;
            let saved = self.queue.save(self.job, token, json.as_bytes()).await;
            let saved = self.kept(saved)?;
            if saved {
                self.entry.note_checkpoint();
            }
            if self.entry.is_to_stop() {
                // What it has done so far is kept: it is dropped here.
                self.entry.door.close();
                self.entry.abort();
                std::future::pending::<()>().await;
            }
            Ok(saved)
        })
    }

    fn find<'a>(&'a self, map: &'a str, key: &'a str) -> MemoryFuture<'a, Option<String>> {
        let found = self.queue.find(map, key);
        Box::pin(async { found.await.map_err(|error| self.unremembered(&error)) })
    }

    fn find_which<'a>(&'a self, map: &'a str, keys: &'a [String]) -> MemoryFuture<'a, Vec<bool>> {
        let found = self.queue.find_which(map, keys);
        Box::pin(async { found.await.map_err(|error| self.unremembered(&error)) })
    }

    fn assign<'a>(
        &'a self,
        map: &'a str,
        key: &'a str,
        value: &'a str,
    ) -> MemoryFuture<'a, String> {
        let assigned = self.queue.assign(map, key, value);
        Box::pin(async { self.kept(assigned.await) })
    }
}

fn time(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}
