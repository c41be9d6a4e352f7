//! A run outside a fleet.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::{EarlierRequests, Gate, JobId, Memory, MemoryFuture, Run};

/// What surrounds the one run of a job outside a fleet. No queue could lose the job to another worker, so every request leaves
/// at once. What the run keeps is kept until the run is over, whatever time it asks for.
#[derive(Debug, Default)]
struct Standalone(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    values: HashMap<String, Vec<u8>>,
    maps: HashMap<(String, String), String>,
    checkpoint: Option<Value>,
}

impl Run {
    /// The only attempt at a new job outside a fleet, for those who try credentials out: nothing holds its requests back, and
    /// its memory ends with it. It has no outbox: a job that is to follow from it is refused.
    #[must_use]
    pub fn standalone() -> Self {
        let standalone = Arc::new(Standalone::default());
        let gate: Arc<dyn Gate> = Arc::clone(&standalone) as _;
        Self::new(JobId::generate(), 1, 1, gate).with_memory(standalone)
    }
}

impl Standalone {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Each change is one insertion: a panic leaves nothing half-done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ready<T: Send + 'static>(answer: T) -> MemoryFuture<'static, T> {
    Box::pin(std::future::ready(Ok(answer)))
}

impl Gate for Standalone {
    fn clear_to_send(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

impl Memory for Standalone {
    fn earlier_requests(&self) -> MemoryFuture<'_, EarlierRequests> {
        let now = SystemTime::now();
        // Nothing is known of them.
        ready(EarlierRequests {
            after: SystemTime::UNIX_EPOCH,
            before: now,
            now,
            message: None,
        })
    }

    fn note_message<'a>(&'a self, _: &'a str) -> MemoryFuture<'a, bool> {
        ready(true)
    }

    fn recall<'a>(&'a self, key: &'a str) -> MemoryFuture<'a, Option<Vec<u8>>> {
        ready(self.kept().values.get(key).cloned())
    }

    fn keep<'a>(&'a self, key: &'a str, value: &'a [u8], _: Duration) -> MemoryFuture<'a, ()> {
        self.kept().values.insert(key.to_owned(), value.to_vec());
        ready(())
    }

    fn keep_first<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        _: Duration,
    ) -> MemoryFuture<'a, Vec<u8>> {
        let mut kept = self.kept();
        let first = kept.values.entry(key.to_owned());
        ready(first.or_insert_with(|| value.to_vec()).clone())
    }

    fn checkpoint(&self) -> MemoryFuture<'_, Option<Value>> {
        ready(self.kept().checkpoint.clone())
    }

    fn save<'a>(&'a self, checkpoint: &'a Value) -> MemoryFuture<'a, bool> {
        self.kept().checkpoint = Some(checkpoint.clone());
        ready(true)
    }

    fn find<'a>(&'a self, map: &'a str, key: &'a str) -> MemoryFuture<'a, Option<String>> {
        let place = (map.to_owned(), key.to_owned());
        ready(self.kept().maps.get(&place).cloned())
    }

    fn assign<'a>(
        &'a self,
        map: &'a str,
        key: &'a str,
        value: &'a str,
    ) -> MemoryFuture<'a, String> {
        let mut kept = self.kept();
        let first = kept.maps.entry((map.to_owned(), key.to_owned()));
        ready(first.or_insert_with(|| value.to_owned()).clone())
    }
}
