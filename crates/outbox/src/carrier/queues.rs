//! Where jobs go, and which queues are left alone for a while.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use longshore_job::Kinds;
use longshore_queue::Queue;
use tokio::time::Instant;

/// How long a queue is left alone that could not be written to: doubled from the first to the second.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The queues of all kinds.
pub(crate) struct Queues {
    pub(crate) kinds: Kinds,
    queues: BTreeMap<&'static str, Queue>,
    /// Which are left alone, until when, and for how long.
    away: Mutex<BTreeMap<&'static str, (Instant, Duration)>>,
}

impl Queues {
    pub(crate) fn new<E>(kinds: Kinds, open: impl Fn(&str) -> Result<Queue, E>) -> Result<Self, E> {
        let mut queues = BTreeMap::new();
        for spec in kinds.in_queues() {
            if !queues.contains_key(spec.queue) {
                queues.insert(spec.queue, open(spec.queue)?);
            }
        }
        Ok(Self {
            kinds,
            queues,
            away: Mutex::default(),
        })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Queue> {
        self.queues.get(name)
    }

    /// The kinds whose queues are left alone now.
    pub(crate) fn left_alone(&self) -> Vec<&'static str> {
        let (away, now) = (self.away(), Instant::now());
        let is_away = |queue: &str| away.get(queue).is_some_and(|(until, _)| *until > now);
        let kinds = self.kinds.in_queues().filter(|spec| is_away(spec.queue));
        kinds.map(|spec| spec.kind).collect()
    }

    /// When the first of them is no longer left alone.
    pub(crate) fn back_at(&self) -> Option<Instant> {
        let now = Instant::now();
        self.away()
            .values()
            .map(|(until, _)| *until)
            .filter(|until| *until > now)
            .min()
    }

    /// Leaves a queue alone for a while. Returns for how long.
    pub(crate) fn leave_alone(&self, queue: &'static str) -> Duration {
        let mut away = self.away();
        let pause = match away.get(queue) {
            Some((_, before)) => (*before * 2).min(LONGEST_PAUSE),
            None => PAUSE,
        };
        away.insert(queue, (Instant::now() + pause, pause));
        pause
    }

    /// The queue took jobs.
    pub(crate) fn took(&self, queue: &str) {
        self.away().remove(queue);
    }

    fn away(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, (Instant, Duration)>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
