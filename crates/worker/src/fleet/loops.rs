//! A fleet at work: its loops are started, watched, and ended in order.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use apalis::prelude::{Monitor, WorkerBuilder};
use futures_util::future::select_all;
use longshore_queue::{Queue, QueueError, Verdict, Wakes, WorkerFacts};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::keeper_thread::KeeperThread;
use super::{Fleet, FleetError, FleetOptions, LeftBehind, Stopped};
use crate::backend::QueueBackend;
use crate::claimer::state::Sweeping;
use crate::metrics::Metrics;
use crate::overview::Overview;
use crate::pipeline::Pipeline;
use crate::station::Station;
use crate::ticker::Ticker;
use crate::verdict::untouched;
use crate::{claimer, notifier, replayer, settler, sweeper};

/// How long Redis may take to be reached at the start.
const START_WITHIN: Duration = Duration::from_secs(5);

/// How long a claim under way may take to end.
const CLAIM_WITHIN: Duration = Duration::from_secs(8);

/// How long runs may take to end once they are cut off.
const CUT_OFF_WITHIN: Duration = Duration::from_secs(2);

/// How long outcomes may still take to be written once all runs have ended.
const SETTLE_WITHIN: Duration = Duration::from_secs(5);

type Outcomes = mpsc::UnboundedReceiver<Verdict>;

/// The loops of all queues of a process.
pub(super) struct Loops {
    stations: Arc<[Arc<Station>]>,
    keeper: KeeperThread,
    claimers: Vec<JoinHandle<()>>,
    /// Settlers, replayers, notifiers, the ticker and what wakes claimers, each with its name.
    others: Vec<JoinHandle<&'static str>>,
    monitor: JoinHandle<()>,
    end_monitor: oneshot::Sender<()>,
}

impl Loops {
    /// Joins every queue, and starts to work it.
    pub(super) async fn start(fleet: Fleet) -> Result<Self, FleetError> {
        if fleet.queues.is_empty() {
            return Err(FleetError::NoQueues);
        }
        let http_addr = fleet.options.http_addr;
        let metrics = Metrics::new(fleet.providers, fleet.collectors);
        let ticker = Ticker::new(&metrics);
        let owners = Arc::new(fleet.owners);
        let facts = facts(&fleet.options, fleet.version);
        let (stations, to_settle): (Vec<_>, Vec<Outcomes>) = fleet
            .queues
            .into_iter()
            .map(|(queue, settings, handlers)| {
                let facts = WorkerFacts {
                    kinds: handlers.kinds(),
                    slots: u32::try_from(settings.concurrency).unwrap_or(u32::MAX),
                    ..facts.clone()
                };
                let own = queue.provider();
                let fallback = own.fallback.as_ref().map(|fallback| &*fallback.policy);
                let providers = [Some(own), fallback].into_iter().flatten();
                let of_queue = metrics.of(queue.name());
                of_queue.has_providers(providers.map(|policy| policy.name.as_str()));
                Station::new(
                    (queue, settings, handlers),
                    Arc::clone(&owners),
                    facts,
                    of_queue,
                    fleet.watch.clone(),
                    fleet.notices,
                )
            })
            .unzip();
        let stations: Arc<[_]> = stations.into();
        let overview = Overview::of(&stations, &fleet.others);
        let keeper = KeeperThread::start(&stations, &ticker, &metrics, &overview, http_addr)?;
        joined(&stations).await?;

        let mut claimers = Vec::new();
        let mut others = Vec::new();
        let mut wakes: HashMap<String, Arc<Wakes>> = HashMap::new();
        for (station, outcomes) in stations.iter().zip(to_settle) {
            let link = station.queue.link();
            let wakes = wakes
                .entry(link.server().to_owned())
                .or_insert_with(|| Arc::new(Wakes::new(link)));
            let claiming = claimer::run(Arc::clone(station), Arc::clone(wakes));
            claimers.push(tokio::spawn(claiming));
            others.extend(start_others(station, outcomes));
        }
        others.extend(wakes.into_values().map(|wakes| {
            tokio::spawn(async move {
                wakes.run(tell_refused).await;
                "wakes"
            })
        }));
        others.push(tokio::spawn(async move {
            ticker.run(fleet.timetables).await;
            "ticker"
        }));
        let (end_monitor, monitor_end) = oneshot::channel::<()>();
        let working = monitor(&stations).run_with_signal(async move {
            let _ = monitor_end.await;
            Ok(())
        });
        Ok(Self {
            stations,
            keeper,
            claimers,
            others,
            monitor: tokio::spawn(async move {
                let _ = working.await;
            }),
            end_monitor,
        })
    }

    /// Works until it is asked to stop, or until a loop ends by itself, which is returned. A panic in a loop ends its
    /// task: then the process drains and says so, instead of only looking alive.
    pub(super) async fn until_asked(
        &mut self,
        stop: &mut mpsc::Receiver<()>,
    ) -> Option<&'static str> {
        let claimer_ended = select_all(self.claimers.iter_mut());
        let other_ended = select_all(self.others.iter_mut());
        tokio::select! {
            _ = stop.recv() => None,
            _ = claimer_ended => Some("claimer"),
            // A panic does not say whose.
            (ended, ..) = other_ended => Some(ended.unwrap_or("settler, replayer, notifier, ticker or wakes")),
            _ = &mut self.monitor => Some("monitor"),
        }
    }

    /// Takes no more jobs, lets running ones finish for `drain`, and cuts off what is left.
    pub(super) async fn leave(
        mut self,
        drain: Duration,
        stop: &mut mpsc::Receiver<()>,
    ) -> LeftBehind {
        let deadline = Instant::now() + drain;
        for station in self.stations.iter() {
            station.stop();
            tracing::info!(
                queue = station.queue.name(),
                running = station.ledger.len(),
                "draining"
            );
        }
        // A claim under way is waited for, so that what it took is known and can be given back.
        for claimer in self.claimers {
            if !claimer.is_finished() {
                let _ = timeout(CLAIM_WITHIN, claimer).await;
            }
        }
        let _ = self.end_monitor.send(());
        let mut left = LeftBehind {
            stopped: drained(&mut self.monitor, deadline, stop).await,
            ..LeftBehind::default()
        };
        let soon = Instant::now() + SETTLE_WITHIN;
        let settle_until = match left.stopped {
            Stopped::Drained => deadline.max(soon),
            Stopped::OutOfTime | Stopped::CutOff => {
                cut_off(&self.stations, &mut left);
                let _ = timeout(CUT_OFF_WITHIN, &mut self.monitor).await;
                soon
            }
        };
        for station in self.stations.iter() {
            settle_the_rest(station, settle_until, &mut left).await;
        }
        for other in self.others {
            other.abort();
        }
        self.keeper.stop().await;
        left
    }
}

fn tell_refused(error: &QueueError) {
    tracing::warn!(%error, "new jobs are found within a second instead of at once: Redis does not let this process listen");
}

/// Waits until every queue has a lease.
async fn joined(stations: &[Arc<Station>]) -> Result<(), FleetError> {
    for station in stations {
        tokio::select! {
            () = station.keeper.joined() => {}
            error = laid_out_otherwise(&station.queue) => return Err(FleetError::Layout(error)),
            () = sleep(START_WITHIN) => {
                let server = station.queue.link().server();
                return Err(FleetError::Unreachable(server.to_owned()));
            }
        }
        tracing::info!(
            queue = station.queue.name(),
            concurrency = station.settings.concurrency,
            "working"
        );
    }
    Ok(())
}

/// Waits for ever, unless another edition has laid out the queue's keys.
async fn laid_out_otherwise(queue: &Queue) -> QueueError {
    match queue.check_layout().await {
        Err(error @ QueueError::Layout { .. }) => error,
        _ => std::future::pending().await,
    }
}

/// The loops of a queue beside its claimer.
fn start_others(station: &Arc<Station>, outcomes: Outcomes) -> [JoinHandle<&'static str>; 3] {
    let settling = Arc::clone(station);
    let replaying = Arc::clone(station);
    let notifying = Arc::clone(station);
    [
        tokio::spawn(async move {
            settler::run(settling, outcomes).await;
            "settler"
        }),
        tokio::spawn(async move {
            replayer::run(replaying).await;
            "replayer"
        }),
        tokio::spawn(async move {
            notifier::run(notifying).await;
            "notifier"
        }),
    ]
}

/// What the process says of itself.
fn facts(options: &FleetOptions, version: String) -> WorkerFacts {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    WorkerFacts {
        process: options.name.clone(),
        host: options.host.clone(),
        pid: std::process::id(),
        version,
        started_at_ms: now
            .ok()
            .and_then(|now| u64::try_from(now.as_millis()).ok())
            .unwrap_or(0),
        ..WorkerFacts::default()
    }
}

fn monitor(stations: &Arc<[Arc<Station>]>) -> Monitor {
    stations.iter().fold(Monitor::new(), |monitor, station| {
        let station = Arc::clone(station);
        monitor.register(move |_| {
            WorkerBuilder::new(format!(
                "{}-{}",
                station.queue.name(),
                station.facts.process
            ))
            .backend(QueueBackend::new(Arc::clone(&station)))
            .build(Pipeline::new(&station))
        })
    })
}

/// Waits until all runs have ended, the time for that is over, or somebody cannot wait.
async fn drained(
    monitor: &mut JoinHandle<()>,
    deadline: Instant,
    stop: &mut mpsc::Receiver<()>,
) -> Stopped {
    if monitor.is_finished() {
        return Stopped::Drained;
    }
    tokio::select! {
        _ = monitor => Stopped::Drained,
        Some(()) = stop.recv() => Stopped::CutOff,
        () = sleep_until(deadline) => Stopped::OutOfTime,
    }
}

/// Drops every run. Those whose request never went out are given back with their attempt; of the others the outcome
/// is unknown.
fn cut_off(stations: &[Arc<Station>], left: &mut LeftBehind) {
    for station in stations {
        let running = station.ledger.all().into_iter();
        let mut jobs = 0;
        for entry in running.filter(|entry| !entry.has_ended()) {
            match entry.door.close() {
                true => left.sent.push(entry.claimed.id.to_string()),
                false => left.unsent += 1,
            }
            entry.abort();
            jobs += 1;
        }
        let queue = station.queue.name();
        match left.stopped {
            Stopped::CutOff => tracing::warn!(queue, jobs, "asked again: cutting off"),
            _ => tracing::warn!(queue, jobs, "the drain's time is over: cutting off"),
        }
    }
}

/// Waits until the outcomes of a queue are written, and ends its lease.
async fn settle_the_rest(station: &Arc<Station>, deadline: Instant, left: &mut LeftBehind) {
    // Claimed, but never handed to apalis.
    while let Some(entry) = station.handover.left_over() {
        entry.free_slot();
        let claimed = &entry.claimed;
        let (id, token) = (claimed.id.clone(), Arc::clone(&claimed.token));
        let verdict = untouched(id, token, claimed.run, claimed.context);
        station.settler.settle(verdict);
    }
    let settled = async {
        station.settler.wrote_all().await;
        if station.claimer.wants_sweep() {
            sweeper::sweep(station, Sweeping::All).await?;
        }
        match station.keeper.lease() {
            Some(lease) if station.ledger.len() == 0 => station.queue.leave(&lease).await,
            _ => Ok(()),
        }
    };
    match timeout_at(deadline, settled).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(queue = station.queue.name(), %error, "left without a word to Redis");
        }
        Err(_) => tracing::error!(
            queue = station.queue.name(),
            "Redis did not take all outcomes in time"
        ),
    }
    left.unsettled.extend(
        station
            .ledger
            .all()
            .iter()
            .map(|entry| entry.claimed.id.to_string()),
    );
}
