//! One queue in one process: what its loops share.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_queue::{
    ClaimState, HistoryEntry, Lease, Queue, RunState, Verdict, WorkerFacts, WorkerId,
};
use tokio::sync::{Notify, Semaphore, mpsc, watch};

use crate::clock::Moment;
use crate::copied::Copied;
use crate::entry::{Entry, lock};
use crate::fleet::Settings;
use crate::ledger::Ledger;
use crate::metrics::QueueMetrics;
use crate::reach::Hosts;
use crate::recent::Recent;
use crate::rules::Rules;
use crate::watch::Watch;
use longshore_job::Handlers;

/// How a station stands with Redis.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    /// The lease that claims are made under; `None` until the first join.
    pub(crate) lease: Option<Arc<Lease>>,
    /// When the last beat that was acknowledged was sent.
    pub(crate) confirmed: Option<Moment>,
}

/// A loop's last sign of life.
#[derive(Debug)]
pub(crate) struct Turn(Mutex<Moment>);

impl Turn {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Moment::now()))
    }

    /// The loop goes round, or waits for a good reason: both are progress.
    pub(crate) fn mark(&self) {
        *lock(&self.0) = Moment::now();
    }

    pub(crate) fn age(&self) -> Duration {
        lock(&self.0).ran()
    }
}

pub(crate) struct Station {
    pub(crate) queue: Queue,
    /// The queue's name, to be handed on without copying it.
    pub(crate) label: Arc<str>,
    pub(crate) settings: Settings,
    pub(crate) handlers: Handlers,
    /// How the jobs of each kind are run.
    pub(crate) rules: Rules,
    /// Other providers that its jobs may call, each with the queue that it belongs to.
    pub(crate) owners: Arc<HashMap<String, Queue>>,
    /// What the process says of itself; its name is the first part of every worker id.
    pub(crate) facts: WorkerFacts,
    /// Its name as its leases have it.
    pub(crate) process: String,
    /// Which of the queue's providers it does not reach.
    pub(crate) hosts: Hosts,
    /// What it says of itself has changed.
    pub(crate) unsaid: AtomicBool,
    pub(crate) metrics: QueueMetrics,
    pub(crate) watch: Option<Arc<dyn Watch>>,
    pub(crate) ledger: Ledger,
    /// What was settled lately.
    pub(crate) recent: Recent,
    /// Redis forgot, and has not been told yet what is remembered here.
    pub(crate) forgot: AtomicBool,
    /// Up to where replicas know of claims.
    pub(crate) copied: Copied,
    /// Held by whoever tells it.
    pub(crate) retelling: tokio::sync::Mutex<()>,
    /// How often something has happened after which Redis may have forgotten a claim: a connection lost, a new timeline.
    doubts: AtomicU64,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) standing: watch::Sender<Standing>,
    /// Draining: no more claims.
    pub(crate) stop: watch::Sender<bool>,
    /// The claimer is idle, with free slots: a signal is of use.
    pub(crate) idle: watch::Sender<bool>,
    /// Something happened that the claimer should look at.
    pub(crate) work: Notify,
    /// The keeper should beat now instead of at its next time.
    pub(crate) beat_now: Notify,
    /// A replay operation is open.
    pub(crate) replays: Notify,
    pub(crate) sweep_wanted: AtomicBool,
    /// The last sweep was not refused.
    pub(crate) sweeps: AtomicBool,
    /// The last beat found no other worker, and no job here: then it has not counted the running ones.
    pub(crate) alone: AtomicBool,
    /// Outcomes that are not written yet.
    pub(crate) unsettled: AtomicUsize,
    /// Those of them that Redis refuses to write.
    pub(crate) stuck: AtomicUsize,
    pub(crate) settled_some: Notify,
    pub(crate) claimer: Turn,
    pub(crate) settler: Turn,
    pub(crate) keeper: Turn,
    /// The last claim was answered.
    pub(crate) claims: AtomicBool,
    /// What it was answered.
    last_claim: Mutex<ClaimState>,
    pub(crate) outcomes: mpsc::UnboundedSender<Verdict>,
    jobs_in: mpsc::UnboundedSender<Arc<Entry>>,
    /// For the backend; behind a lock since apalis may build a worker anew.
    pub(crate) jobs_out: Mutex<mpsc::UnboundedReceiver<Arc<Entry>>>,
}

impl Station {
    pub(crate) fn new(
        queue: Queue,
        settings: Settings,
        handlers: Handlers,
        owners: Arc<HashMap<String, Queue>>,
        facts: WorkerFacts,
        metrics: QueueMetrics,
        watch: Option<Arc<dyn Watch>>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Verdict>) {
        let (outcomes, to_settle) = mpsc::unbounded_channel();
        let (jobs_in, jobs_out) = mpsc::unbounded_channel();
        let standing = Standing {
            lease: None,
            confirmed: None,
        };
        let station = Self {
            rules: Rules::new(&settings, &handlers),
            label: queue.name().into(),
            queue: queue.with_lost_after(settings.lost_after),
            handlers,
            owners,
            process: Lease::new(WorkerId::generate(&facts.process))
                .process()
                .to_owned(),
            hosts: Hosts::default(),
            facts,
            unsaid: AtomicBool::new(true),
            metrics,
            watch,
            ledger: Ledger::default(),
            recent: Recent::default(),
            forgot: AtomicBool::new(false),
            copied: Copied::default(),
            retelling: tokio::sync::Mutex::new(()),
            doubts: AtomicU64::new(0),
            slots: Arc::new(Semaphore::new(settings.concurrency)),
            settings,
            standing: watch::Sender::new(standing),
            stop: watch::Sender::new(false),
            idle: watch::Sender::new(false),
            work: Notify::new(),
            beat_now: Notify::new(),
            replays: Notify::new(),
            sweep_wanted: AtomicBool::new(false),
            sweeps: AtomicBool::new(true),
            alone: AtomicBool::new(false),
            unsettled: AtomicUsize::new(0),
            stuck: AtomicUsize::new(0),
            settled_some: Notify::new(),
            claimer: Turn::new(),
            settler: Turn::new(),
            keeper: Turn::new(),
            claims: AtomicBool::new(false),
            last_claim: Mutex::new(ClaimState::Ok),
            outcomes,
            jobs_in,
            jobs_out: Mutex::new(jobs_out),
        };
        (Arc::new(station), to_settle)
    }

    pub(crate) fn stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// The lease that claims are made under.
    pub(crate) fn lease(&self) -> Option<Arc<Lease>> {
        self.standing.borrow().lease.clone()
    }

    /// A new identity, to join under.
    pub(crate) fn new_lease(&self) -> Arc<Lease> {
        Arc::new(Lease::new(WorkerId::generate(&self.facts.process)))
    }

    /// The lease is gone: whatever was claimed under it may run elsewhere by now. It is dropped without sending.
    pub(crate) fn lose_lease(&self, lost: &Arc<Lease>) {
        let mut was_current = false;
        self.standing.send_if_modified(|standing| {
            was_current = standing
                .lease
                .as_ref()
                .is_some_and(|lease| Arc::ptr_eq(lease, lost));
            if was_current {
                standing.lease = None;
                standing.confirmed = None;
            }
            was_current
        });
        if !was_current {
            return;
        }
        let dropped: Vec<_> = self.ledger.all();
        tracing::error!(
            queue = self.queue.name(),
            worker = lost.worker().as_str(),
            jobs = dropped.len(),
            "lease lost: running jobs are dropped, they may run elsewhere"
        );
        for entry in dropped
            .iter()
            .filter(|entry| Arc::ptr_eq(&entry.lease, lost))
        {
            entry.close();
            entry.abort();
        }
        self.beat_now.notify_one();
    }

    /// Says, once, that claims are held back or go on again.
    pub(crate) fn say(&self, state: ClaimState) {
        let state = match state {
            // Being as fast as one may is nothing to speak of, and whom it does not reach it has said.
            ClaimState::Limited | ClaimState::Lost | ClaimState::Forgot | ClaimState::Away => {
                ClaimState::Ok
            }
            state => state,
        };
        let before = std::mem::replace(&mut *lock(&self.last_claim), state);
        if before == state {
            return;
        }
        let queue = self.queue.name();
        let provider = self.queue.provider().name.as_str();
        match state {
            ClaimState::Paused => tracing::warn!(queue, "paused by an operator"),
            ClaimState::Refused => {
                tracing::error!(
                    queue,
                    provider,
                    "paused itself: the provider refuses our credentials; one job a minute finds out whether it still does"
                );
                if let Some(watch) = &self.watch {
                    watch.refused(queue, provider);
                }
            }
            ClaimState::Held => tracing::warn!(
                queue,
                provider,
                "held back: the provider said when to come back"
            ),

            ClaimState::Open => {
                tracing::warn!(queue, provider, "held back: the provider's breaker is open");
            }
            ClaimState::Checking => tracing::warn!(
                queue,
                "held back: Redis was restarted, or failed over, and living workers see whether it forgot anything"
            ),
            ClaimState::Recovering => tracing::warn!(
                queue,
                "held back: Redis forgot, and living workers have a moment to tell what they remember"
            ),
            ClaimState::Ok
            | ClaimState::Limited
            | ClaimState::Lost
            | ClaimState::Forgot
            | ClaimState::Away => {
                tracing::info!(queue, "jobs are claimed again");
            }
        }
    }

    /// Hands a job to apalis.
    pub(crate) fn hand_over(&self, entry: Arc<Entry>) {
        self.ledger.insert(&entry);
        // The receiver lives as long as the station.
        let _ = self.jobs_in.send(entry);
    }

    /// Queues an outcome to be written.
    pub(crate) fn settle(&self, verdict: Verdict) {
        self.unsettled.fetch_add(1, Ordering::AcqRel);
        // The settler lives until the station has been left.
        let _ = self.outcomes.send(verdict);
    }

    /// Notes that Redis forgot: somebody has to tell it what is remembered here.
    pub(crate) fn note_forgot(&self) {
        self.forgot.store(true, Ordering::Release);
        self.work.notify_one();
    }

    /// Redis may have forgotten a claim: a job that has not sent yet has to ask whether it is ours.
    pub(crate) fn doubt(&self) {
        self.doubts.fetch_add(1, Ordering::AcqRel);
    }

    /// How often that was so.
    pub(crate) fn doubts(&self) -> u64 {
        self.doubts.load(Ordering::Acquire)
    }

    /// For how long outcomes are kept that Redis might forget.
    pub(crate) fn remembers_for(&self) -> Duration {
        self.settings.lost_after * 4
    }

    /// Marks that Redis may say we own what we do not know of.
    pub(crate) fn want_sweep(&self) {
        self.sweep_wanted.store(true, Ordering::Release);
        self.work.notify_one();
    }

    /// No beat has been acknowledged for a whole lease.
    pub(crate) fn unconfirmed(&self) -> bool {
        let standing = self.standing.borrow();
        standing
            .confirmed
            .is_none_or(|beat| beat.elapsed() > self.settings.lost_after)
    }

    /// Numbers a history entry.
    pub(crate) fn note(state: RunState, entry: HistoryEntry) -> (RunState, Option<HistoryEntry>) {
        let state = RunState {
            entries: state.entries + 1,
            ..state
        };
        (state, Some(entry))
    }

    /// Jobs whose run is over its time, by more than a moment.
    pub(crate) fn overdue(&self) -> HashMap<String, Duration> {
        self.ledger
            .all()
            .iter()
            .filter_map(|entry| Some((entry.claimed.id.to_string(), entry.overdue()?)))
            .filter(|(_, over)| *over > Duration::from_secs(5))
            .collect()
    }
}

impl fmt::Debug for Station {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Station")
            .field("queue", &self.queue.name())
            .field("jobs", &self.ledger.len())
            .finish_non_exhaustive()
    }
}
