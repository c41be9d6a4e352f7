//! Puts the loops of all queues of a process together, and takes them apart again in order.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use apalis_core::monitor::Monitor;
use apalis_core::worker::builder::WorkerBuilder;
use futures_util::future::select_all;
use longshore_cron::Entry;
use longshore_queue::{Fate, LinkOptions, Policy, Queue, Retention, Verdict, Word};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::backend::QueueBackend;
use crate::entry::lock;
use crate::handlers::Handlers;
use crate::layers::{Around, Dispatch};
use crate::metrics::{Metrics, ProviderFacts};
use crate::station::Station;
use crate::ticker::{Ticker, Timetable};
use crate::watch::Watch;
use crate::{claimer, health, keeper, settler, sweeper};

/// How long Redis may take to be reached at the start.
const START_WITHIN: Duration = Duration::from_secs(5);

/// How long outcomes may still take to be written once all runs have ended.
const SETTLE_WITHIN: Duration = Duration::from_secs(5);

/// How one queue is worked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many jobs run at the same time in this process.
    pub concurrency: usize,
    /// How many jobs run at the same time in the whole fleet; `None` = any number.
    pub max_running: Option<u32>,
    /// How long a run may take.
    pub timeout: Duration,
    /// What follows failures.
    pub policy: Policy,
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
    /// Where `/livez`, `/readyz` and `/metrics` are served; port 0 picks one and logs it.
    pub http_addr: SocketAddr,
    /// How long running jobs may take to end once it is to stop.
    pub drain: Duration,
}

/// Why a fleet did not run.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// Redis could not be reached at the start, within five seconds.
    #[error("Redis at {0} could not be reached within 5 s")]
    Unreachable(String),
    /// The health server's address cannot be used.
    #[error("{addr} cannot be listened on: {reason}")]
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

/// What was left behind on leaving.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Jobs whose outcome could not be written, or whose run could not be stopped. Others find them once the lease is
    /// over, and treat them by their queue's `on_unknown`.
    pub unsettled: Vec<String>,
}

/// The queues that one process works.
#[derive(Debug)]
pub struct Fleet {
    options: FleetOptions,
    queues: Vec<(Queue, Settings, Handlers)>,
    owners: HashMap<String, Queue>,
    watch: Option<Arc<dyn Watch>>,
    providers: Vec<ProviderFacts>,
    timetables: Vec<Timetable>,
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
        }
    }

    /// Has somebody watch over it.
    #[must_use]
    pub fn watched_by(mut self, watch: Arc<dyn Watch>) -> Self {
        self.watch = Some(watch);
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
    pub fn queue(mut self, queue: Queue, settings: Settings, handlers: Handlers) -> Self {
        self.queues.push((queue, settings, handlers));
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
    pub fn cron(mut self, queue: Queue, entries: Vec<Entry>) -> Self {
        self.timetables.push(Timetable::new(queue, entries));
        self
    }

    /// Works until `stop` says so for the first time, then drains: takes no more jobs, lets running ones finish for
    /// `drain`, then cuts them off; a second word from `stop` cuts them off at once.
    ///
    /// # Errors
    /// When it could not start, or a loop ended by itself.
    pub async fn run(self, mut stop: mpsc::Receiver<()>) -> Result<Left, FleetError> {
        if self.queues.is_empty() {
            return Err(FleetError::NoQueues);
        }
        let metrics = Metrics::new(self.providers);
        let owners = Arc::new(self.owners);
        let mut stations = Vec::new();
        let mut to_settle = Vec::new();
        for (queue, settings, handlers) in self.queues {
            let of_queue = metrics.of(queue.name());
            let (station, outcomes) = Station::new(
                queue,
                settings,
                handlers,
                Arc::clone(&owners),
                &self.options.name,
                of_queue,
                self.watch.clone(),
            );
            stations.push(station);
            to_settle.push(outcomes);
        }
        let stations: Arc<[_]> = stations.into();
        let ticker = Ticker::new(&metrics);
        let keeper = Keeper::start(&stations, &ticker, &metrics, self.options.http_addr)?;
        for station in stations.iter() {
            let mut standing = station.standing.subscribe();
            let joined = standing.wait_for(|standing| standing.lease.is_some());
            if timeout(START_WITHIN, joined).await.is_err() {
                return Err(FleetError::Unreachable(
                    station.queue.link().server().to_owned(),
                ));
            }
            tracing::info!(
                queue = station.queue.name(),
                concurrency = station.settings.concurrency,
                "working"
            );
        }

        let mut claimers = Vec::new();
        let mut loops: Vec<JoinHandle<&'static str>> = Vec::new();
        for (station, outcomes) in stations.iter().zip(to_settle) {
            let listener = tokio::spawn(claimer::listen(Arc::clone(station)));
            let claiming = Arc::clone(station);
            claimers.push(tokio::spawn(async move {
                claimer::run(claiming).await;
                listener.abort();
            }));
            let settling = Arc::clone(station);
            loops.push(tokio::spawn(async move {
                settler::run(settling, outcomes).await;
                "settler"
            }));
        }
        let ticking = Arc::clone(&ticker);
        loops.push(tokio::spawn(async move {
            ticking.run(self.timetables).await;
            "ticker"
        }));
        let (end_monitor, monitor_end) = oneshot::channel::<()>();
        let mut monitor = tokio::spawn(monitor(&stations).run_with_signal(async move {
            let _ = monitor_end.await;
            Ok(())
        }));

        // A panic in a loop ends its task: then the process drains and says so, instead of only looking alive.
        let failed = {
            let claimer_ended = select_all(claimers.iter_mut());
            let loop_ended = select_all(loops.iter_mut());
            tokio::select! {
                _ = stop.recv() => None,
                _ = claimer_ended => Some("claimer"),
                // A panic does not say whose.
                (ended, ..) = loop_ended => Some(ended.unwrap_or("settler or ticker")),
                _ = &mut monitor => Some("monitor"),
            }
        };
        let deadline = Instant::now() + self.options.drain;
        for station in stations.iter() {
            station.stop.send_replace(true);
            tracing::info!(
                queue = station.queue.name(),
                running = station.ledger.len(),
                "draining"
            );
        }
        // A claim under way is waited for, so that what it took is known and can be given back.
        for claimer in claimers {
            if !claimer.is_finished() {
                let _ = timeout(Duration::from_secs(8), claimer).await;
            }
        }
        let _ = end_monitor.send(());
        let mut settle_until = deadline.max(Instant::now() + SETTLE_WITHIN);
        if !monitor.is_finished() {
            let drained = tokio::select! {
                _ = &mut monitor => true,
                _ = stop.recv() => {
                    settle_until = Instant::now() + SETTLE_WITHIN;
                    false
                }
                () = tokio::time::sleep_until(deadline) => {
                    settle_until = Instant::now() + SETTLE_WITHIN;
                    false
                }
            };
            if !drained {
                cut_off(&stations);
                let _ = timeout(Duration::from_secs(2), &mut monitor).await;
            }
        }
        let left = settle_the_rest(&stations, settle_until).await;
        for ended in loops {
            ended.abort();
        }
        keeper.stop().await;
        match failed {
            Some(name) => Err(FleetError::LoopEnded(name.to_owned())),
            None => Ok(left),
        }
    }
}

fn monitor(stations: &Arc<[Arc<Station>]>) -> Monitor {
    stations.iter().fold(Monitor::new(), |monitor, station| {
        let station = Arc::clone(station);
        monitor.register(move |_| {
            WorkerBuilder::new(format!("{}-{}", station.queue.name(), station.name))
                .backend(QueueBackend::new(Arc::clone(&station)))
                .layer(Around::trace(&station))
                .layer(Around::isolate(&station))
                .layer(Around::time_limit(&station))
                .build(Dispatch::new(&station))
        })
    })
}

/// Drops every run. Those whose request never went out are given back with their attempt; of the others the outcome
/// is unknown.
fn cut_off(stations: &[Arc<Station>]) {
    for station in stations {
        let running: Vec<_> = station
            .ledger
            .all()
            .into_iter()
            .filter(|entry| !entry.has_ended())
            .collect();
        tracing::warn!(
            queue = station.queue.name(),
            jobs = running.len(),
            "the drain's time is over: cutting off"
        );
        for entry in running {
            entry.close();
            entry.abort();
        }
    }
}

async fn settle_the_rest(stations: &[Arc<Station>], deadline: Instant) -> Left {
    let mut left = Left::default();
    for station in stations {
        // Claimed, but never handed to apalis.
        while let Ok(entry) = lock(&station.jobs_out).try_recv() {
            entry.free_slot();
            station.settle(Verdict {
                id: entry.claimed.id.clone(),
                token: Arc::clone(&entry.claimed.token),
                kind: None,
                fate: Fate::Untouched,
                state: entry.claimed.run,
                history: None,
                payload_bytes: 0,
                said: Word::Nothing,
                seen: entry.claimed.seen,
            });
        }
        let settled = async {
            while station.unsettled.load(Ordering::Acquire) > 0 {
                tokio::select! {
                    () = station.settled_some.notified() => {}
                    () = sleep(Duration::from_millis(100)) => {}
                }
            }
            if station.sweep_wanted.load(Ordering::Acquire) {
                sweeper::sweep(station).await?;
            }
            match station.lease() {
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
    left
}

/// The keeper's thread: heartbeats and health.
struct Keeper {
    stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl Keeper {
    fn start(
        stations: &Arc<[Arc<Station>]>,
        ticker: &Arc<Ticker>,
        metrics: &Arc<Metrics>,
        http_addr: SocketAddr,
    ) -> Result<Self, FleetError> {
        let listen_error = |reason| FleetError::Listen {
            addr: http_addr,
            reason,
        };
        let listener = TcpListener::bind(http_addr).map_err(listen_error)?;
        let local = listener.local_addr().map_err(listen_error)?;
        tracing::info!(addr = %local, "serving /livez, /readyz and /metrics");
        let (stop, mut stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let stations = Arc::clone(stations);
        let ticker = Arc::clone(ticker);
        let metrics = Arc::clone(metrics);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(FleetError::Thread)?;
        std::thread::Builder::new()
            .name("keeper".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    for station in stations.iter() {
                        // Its own connection, opened on this thread, so that nothing else delays a beat.
                        let options = LinkOptions {
                            connect_timeout: Duration::from_secs(1),
                            response_timeout: station
                                .settings
                                .heartbeat
                                .min(Duration::from_secs(2)),
                        };
                        let link = station.queue.link().another(options);
                        let queue = station.queue.over(link);
                        tokio::spawn(keeper::keep(Arc::clone(station), queue));
                    }
                    tokio::spawn(health::serve(listener, stations, ticker, metrics));
                    // Dropping the runtime ends them.
                    let _ = (&mut stopped).await;
                });
                let _ = end.send(());
            })
            .map_err(FleetError::Thread)?;
        Ok(Self { stop, ended })
    }

    async fn stop(self) {
        let _ = self.stop.send(());
        let _ = timeout(Duration::from_secs(1), self.ended).await;
    }
}
