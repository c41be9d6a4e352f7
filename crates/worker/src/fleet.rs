//! Puts the loops of all queues of a process together, and takes them apart again in order.

mod keeper_thread;
mod loops;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use longshore_cron::ScheduledEntry;
use longshore_queue::{Policy, Queue, Retention};
use prometheus_client::collector::Collector;
use tokio::sync::mpsc;

use crate::metrics::ProviderFacts;
use crate::notifier::state::NoticeDelivery;
use crate::ticker::Timetable;
use crate::watch::Watch;
use longshore_job::Handlers;
use loops::Loops;

/// How one queue is worked.
#[derive(Debug, Clone)]
pub struct WorkSettings {
    /// How many jobs run at the same time in this process.
    pub concurrency: usize,
    /// How many jobs run at the same time in the whole fleet; `None` = any number.
    pub max_running: Option<u32>,
    /// How long a run may take.
    pub timeout: Duration,
    /// What follows failures.
    pub policy: Policy,
    /// How long a job is parked whose kind no worker of the queue knows, before it is a dead letter.
    pub unknown_kind: Duration,
    /// How long completed jobs are kept.
    pub retention: Retention,
    /// How often the lease is renewed.
    pub heartbeat: Duration,
    /// After how long without a heartbeat a worker is lost; at least three heartbeats.
    pub lost_after: Duration,
}

/// What holds for the process.
#[derive(Debug, Clone)]
pub struct FleetOptions {
    /// Its name, such as `host-1234`: the first part of its worker ids.
    pub name: String,
    /// The machine, or container, that it is on.
    pub host: String,
    /// Where `/livez`, `/readyz` and `/metrics` are served; port 0 picks one and logs it.
    pub http_addr: SocketAddr,
    /// How long running jobs may take to end once it is to stop.
    pub drain: Duration,
}

/// Why a fleet did not run. Its `Debug` says the same as its `Display`, since a `main` that returns it prints that.
#[derive(thiserror::Error)]
pub enum FleetError {
    /// Redis could not be reached at the start, within five seconds.
    #[error("Redis at {0} could not be reached within 5 s")]
    Unreachable(String),
    /// Another edition has laid out the keys of one of its queues ([`QueueError::Layout`](longshore_queue::QueueError::Layout)).
    #[error(transparent)]
    Layout(longshore_queue::QueueError),
    /// The health server's address cannot be used.
    #[error("cannot listen on {addr}: {reason}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        reason: std::io::Error,
    },
    /// There is no queue to work.
    #[error("there is no queue to work")]
    NoQueues,
    /// A thread could not be started.
    #[error("the keeper's thread could not be started: {0}")]
    Thread(std::io::Error),
    /// A loop ended although nothing asked it to: the process must not go on looking healthy.
    #[error("a loop ended by itself: {0}")]
    LoopEnded(String),
}

impl fmt::Debug for FleetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How the running jobs ended on leaving.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// Each ended by itself.
    #[default]
    Drained,
    /// Some were still running when the drain's time was over, and were cut off.
    OutOfTime,
    /// Some were still running when a second word from `stop` cut them off.
    CutOff,
}

/// What was left behind on leaving.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LeftBehind {
    /// Jobs whose outcome could not be written, or whose run could not be stopped. Others find them once the lease is
    /// over, and treat them by their `on_unknown`.
    pub unsettled: Vec<String>,
    /// How the running jobs ended.
    pub stopped: Stopped,
    /// Jobs that were cut off after a request may have gone out: what became of it is unknown.
    pub sent: Vec<String>,
    /// How many jobs were cut off before a request went out. They are given back with their attempt.
    pub unsent: usize,
}

/// The queues that one process works.
#[derive(Debug)]
pub struct Fleet {
    options: FleetOptions,
    queues: Vec<(Queue, WorkSettings, Handlers)>,
    owners: HashMap<String, Queue>,
    watch: Option<Arc<dyn Watch>>,
    providers: Vec<ProviderFacts>,
    timetables: Vec<Timetable>,
    others: Vec<Queue>,
    collectors: Vec<Box<dyn Collector>>,
    notices: Option<NoticeDelivery>,
    version: String,
}

impl Fleet {
    /// A fleet without queues.
    #[must_use]
    pub fn new(options: FleetOptions) -> Self {
        Self {
            options,
            queues: Vec::new(),
            owners: HashMap::new(),
            watch: None,
            providers: Vec::new(),
            timetables: Vec::new(),
            others: Vec::new(),
            collectors: Vec::new(),
            notices: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Names the program's own version, which its workers show and groups of dead letters remember. Without this, it is the
    /// version of this crate.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// Has `/metrics` tell this, too, under names that begin with `longshore_`.
    #[must_use]
    pub fn tells(mut self, collector: Box<dyn Collector>) -> Self {
        self.collectors.push(collector);
        self
    }

    /// Has somebody watch over it.
    #[must_use]
    pub fn watched_by(mut self, watch: Arc<dyn Watch>) -> Self {
        self.watch = Some(watch);
        self
    }

    /// Has notices delivered like this that wait in its queues. Which are wanted, each queue says ([`Queue::with_notices`]).
    #[must_use]
    pub fn delivers_notices(mut self, delivery: NoticeDelivery) -> Self {
        self.notices = Some(delivery);
        self
    }

    /// Adds what the inventory says of a provider, for `/metrics`.
    #[must_use]
    pub fn provider(mut self, facts: ProviderFacts) -> Self {
        self.providers.push(facts);
        self
    }

    /// Adds a queue.
    #[must_use]
    pub fn queue(mut self, queue: Queue, settings: WorkSettings, handlers: Handlers) -> Self {
        self.queues.push((queue, settings, handlers));
        self
    }

    /// Counts a queue in `/metrics` while there is anything in it, whether this process works it or not: it must not
    /// vanish because nobody works it.
    #[must_use]
    pub fn counts(mut self, queue: &Queue) -> Self {
        self.others.push(queue.clone());
        self
    }

    /// Makes a queue's providers known to the jobs of all others, by their names, whether this process works it or not:
    /// what holds for them lives in that queue's slot.
    #[must_use]
    pub fn knows(mut self, owner: &Queue) -> Self {
        let own = owner.provider();
        let fallback = own.fallback.as_ref().map(|fallback| &*fallback.policy);
        for provider in [Some(own), fallback].into_iter().flatten() {
            self.owners.insert(provider.name.clone(), owner.clone());
        }
        self
    }

    /// Ticks these cron entries, whose jobs go to this queue, whether this process works it or not. To be said of a queue
    /// without entries, too: so it is known when one was taken out. The queue has a connection of its own.
    #[must_use]
    pub fn cron(mut self, queue: Queue, entries: Vec<ScheduledEntry>) -> Self {
        self.timetables.push(Timetable::new(queue, entries));
        self
    }

    /// Works until `stop` says so for the first time, then drains: takes no more jobs, lets running ones finish for
    /// `drain`, then cuts them off; a second word from `stop` cuts them off at once.
    ///
    /// # Errors
    /// When it could not start, or a loop ended by itself.
    pub async fn run(self, mut stop: mpsc::Receiver<()>) -> Result<LeftBehind, FleetError> {
        let drain = self.options.drain;
        let mut loops = Loops::start(self).await?;
        let failed = loops.until_asked(&mut stop).await;
        let left = loops.leave(drain, &mut stop).await;
        match failed {
            Some(name) => Err(FleetError::LoopEnded(name.to_owned())),
            None => Ok(left),
        }
    }
}
