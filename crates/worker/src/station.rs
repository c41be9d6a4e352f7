//! One queue in one process: what its loops share.
//!
//! What one loop says, and what others want of it, stands in that loop's own state, beside the loop: only the loop can write
//! what it says. The rest is only read, or guards itself.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use longshore_job::Handlers;
use longshore_queue::{Lease, Queue, Verdict, WorkerFacts, WorkerId};
use tokio::sync::{mpsc, watch};

use crate::claimer::state::ClaimerState;
use crate::clock::Moment;
use crate::copied::Copied;
use crate::entry::Entry;
use crate::fleet::WorkSettings;
use crate::handover::Handover;
use crate::keeper::state::KeeperState;
use crate::ledger::Ledger;
use crate::metrics::QueueMetrics;
use crate::notifier::state::{NoticeDelivery, NotifierState};
use crate::reach::hosts::Hosts;
use crate::recent::Recent;
use crate::replayer::state::ReplayerState;
use crate::resend::memory::RedisMemory;
use crate::rules::Rules;
use crate::settler::state::SettlerState;
use crate::watch::Watch;

pub(crate) struct Station {
    pub(crate) queue: Queue,
    /// The queue's name, to be handed on without copying it.
    pub(crate) label: Arc<str>,
    pub(crate) settings: WorkSettings,
    pub(crate) handlers: Handlers,
    /// How the jobs of each kind are run.
    pub(crate) rules: Rules,
    /// Other providers that its jobs may call, each with the queue that it belongs to.
    pub(crate) owners: Arc<HashMap<String, Queue>>,
    /// What the process says of itself; its name is the first part of every worker id.
    pub(crate) facts: WorkerFacts,
    /// Its name as its leases have it.
    pub(crate) process: String,
    pub(crate) metrics: QueueMetrics,
    pub(crate) watch: Option<Arc<dyn Watch>>,
    /// How its notices are delivered, and the queue that they go to; `None` = they are not handed on from here.
    pub(crate) notices: Option<(NoticeDelivery, Queue)>,

    pub(crate) keeper: KeeperState,
    pub(crate) claimer: ClaimerState,
    pub(crate) settler: SettlerState,
    pub(crate) replayer: ReplayerState,
    pub(crate) notifier: NotifierState,
    /// Draining: no more claims. The fleet says so.
    stop: watch::Sender<bool>,

    /// The jobs that are here.
    pub(crate) ledger: Ledger,
    /// Those of them that apalis has not taken yet.
    pub(crate) handover: Handover,
    /// What was settled lately.
    pub(crate) recent: Recent,
    /// What Redis may have forgotten.
    pub(crate) redis_memory: RedisMemory,
    /// Up to where replicas know of claims.
    pub(crate) copied: Copied,
    /// Which of the queue's providers the process does not reach.
    pub(crate) hosts: Hosts,
}

impl Station {
    /// The receiver is the settler's.
    pub(crate) fn new(
        (queue, settings, handlers): (Queue, WorkSettings, Handlers),
        owners: Arc<HashMap<String, Queue>>,
        facts: WorkerFacts,
        metrics: QueueMetrics,
        watch: Option<Arc<dyn Watch>>,
        notices: Option<NoticeDelivery>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Verdict>) {
        let (settler, to_settle) = SettlerState::new();
        let station = Self {
            rules: Rules::new(&settings, &handlers),
            notices: notices.and_then(|delivery| {
                let to = queue.sibling(delivery.queue).ok()?;
                (to.name() != queue.name()).then_some((delivery, to))
            }),
            label: queue.name().into(),
            redis_memory: RedisMemory::new(queue.link()),
            queue: queue
                .with_lost_after(settings.lost_after)
                .with_version(&facts.version),
            settings,
            handlers,
            owners,
            process: Lease::new(WorkerId::generate(&facts.process))
                .process()
                .to_owned(),
            facts,
            metrics,
            watch,
            keeper: KeeperState::new(),
            claimer: ClaimerState::new(),
            settler,
            replayer: ReplayerState::default(),
            notifier: NotifierState::default(),
            stop: watch::Sender::new(false),
            ledger: Ledger::default(),
            handover: Handover::new(),
            recent: Recent::default(),
            copied: Copied::default(),
            hosts: Hosts::default(),
        };
        (Arc::new(station), to_settle)
    }

    /// Has it take no more jobs.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Whether it takes no more jobs.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits until it takes no more jobs.
    pub(crate) async fn stopping(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives as long as the station.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    /// Whether a beat was acknowledged within the last lease.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.keeper.is_confirmed(self.settings.lost_after)
    }

    /// The lease is gone: whatever was claimed under it may run elsewhere by now. It is dropped without sending.
    pub(crate) fn lose_lease(&self, lost: &Arc<Lease>) {
        if !self.keeper.give_up(lost) {
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
            entry.door.close();
            entry.abort();
        }
        self.keeper.want_beat();
    }

    /// Hands a job to apalis.
    pub(crate) fn hand_over(&self, entry: Arc<Entry>) {
        self.ledger.insert(&entry);
        self.handover.put(entry);
    }

    /// Notes that Redis forgot: somebody has to tell it what is remembered here.
    pub(crate) fn note_forgotten(&self) {
        self.redis_memory.note_forgotten();
        // It may have forgotten that as well.
        self.keeper.want_announcement();
        self.claimer.wake();
    }

    /// How many jobs run here under this lease, ran at this moment, and are ours on the timeline of now. Those that Redis forgot, or that
    /// were claimed under a lease that is lost, and that are another's by now, may end here.
    pub(crate) fn running_since(&self, moment: Moment, lease: &Arc<Lease>) -> usize {
        let (timeline, _) = self.queue.newest().place();
        let is_ours = |entry: &&Arc<Entry>| {
            Arc::ptr_eq(&entry.lease, lease) && entry.at().place().0 == timeline
        };
        let all = self.ledger.all();
        all.iter()
            .filter(is_ours)
            .filter(|entry| entry.ran_at(moment))
            .count()
    }

    /// For how long outcomes are kept that Redis might forget.
    pub(crate) fn remembers_for(&self) -> Duration {
        self.settings.lost_after * 4
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
