//! Carried out on workers.

use std::time::{Duration, Instant};

use longshore_tests::{Limit, Signal, Start, Worker, gone_by};

use super::Leg;
use crate::faults::{Signals, WorkerAction};
use crate::produce::now_ms;
use crate::supervise::{has_ended, works};

/// How many descriptors a poor worker may have.
const FEW: usize = 64;

/// Between two signals.
const APART: Duration = Duration::from_millis(10);

impl Leg {
    /// What is done to a worker.
    pub(super) async fn on_workers(&mut self, action: WorkerAction) {
        match action {
            WorkerAction::Kill(place) => self.kill(place).await,
            WorkerAction::Stop(place) => {
                self.stop("workers deployed", place, &[Signal::TERM]).await;
            }
            WorkerAction::StopBy(place, signals) => {
                let signals: &[_] = match signals {
                    Signals::Terms => &[Signal::TERM; 5],
                    Signals::InterruptThenTerm => &[Signal::INT, Signal::TERM],
                };
                self.stop("storms of signals", place, signals).await;
            }
            WorkerAction::Start(place) => {
                self.places[place] = Some(self.worker(Some(place)).spawn());
            }
            WorkerAction::Freeze(place) => {
                self.count("workers frozen");
                self.facts.deaths_ms.push(now_ms());
                if let Some(worker) = &self.places[place] {
                    worker.freeze();
                }
            }
            WorkerAction::Thaw(place) => {
                if let Some(worker) = &self.places[place] {
                    worker.thaw();
                }
            }
            WorkerAction::StartSick => self.start_sick().await,
            WorkerAction::StopSick => {
                let sick = self.sick.take();
                self.leaves(sick);
            }
            WorkerAction::StartPoor => {
                let poor = works(|| self.worker(None).descriptors(FEW)).await;
                self.poor = Some(poor);
            }
            WorkerAction::Starve => self.starve(),
            WorkerAction::StopPoor => {
                let poor = self.poor.take();
                self.leaves(poor);
            }
            WorkerAction::FillOutput(place) => {
                self.count("outputs full");
                self.limit_output(place, 1);
            }
            WorkerAction::EmptyOutput(place) => self.limit_output(place, u64::MAX),
        }
    }

    /// A worker to be started: for one of the places, or one more.
    pub(super) fn worker(&self, place: Option<usize>) -> Start<'_> {
        let mut start = self.stage.worker().all_queues().outlives_full_files();
        if let Some(url) = place.and_then(|place| self.links.redis_url(place)) {
            start = start.by(url);
        }
        match &self.vault {
            Some(vault) => vault.of(start),
            None => start,
        }
    }

    /// Starts workers and carriers again that ended by themselves.
    pub(super) fn look_after_workers(&mut self) {
        let misbehaved = &mut self.facts.misbehaved;
        let mut ended = |role, processes: &mut [Option<Worker>]| -> Vec<usize> {
            let places = processes.iter_mut().enumerate();
            let ended = places.filter_map(|(place, process)| {
                has_ended(role, process.as_mut()?, misbehaved).then_some(place)
            });
            ended.collect()
        };
        let workers = ended("worker", &mut self.places);
        let carriers = ended("outbox", &mut self.carriers);
        for place in workers {
            self.count("workers that ended as they began");
            self.places[place] = Some(self.worker(Some(place)).spawn());
        }
        for place in carriers {
            self.count("carriers that ended as they began");
            self.carriers[place] = Some(self.stage.outbox(&self.postgres).spawn());
        }
    }

    async fn kill(&mut self, place: usize) {
        if let Some(worker) = self.places[place].take() {
            self.count("workers killed");
            self.facts.deaths_ms.push(now_ms());
            worker.kill().await;
        }
    }

    async fn stop(&mut self, what: &'static str, place: usize, signals: &[Signal]) {
        if let Some(mut worker) = self.places[place].take() {
            self.count(what);
            for signal in signals {
                // One that had nothing to do may be gone before the last of them.
                if worker.ended().is_none() {
                    worker.signal(*signal);
                }
                gone_by(APART, Instant::now()).await;
            }
            self.facts.deaths_ms.push(now_ms());
            self.leaving.push(worker);
        }
    }

    pub(super) fn leaves(&mut self, worker: Option<Worker>) {
        if let Some(worker) = worker {
            self.facts.deaths_ms.push(now_ms());
            worker.stop();
            self.leaving.push(worker);
        }
    }

    /// One on whose machine no provider can be reached.
    async fn start_sick(&mut self) {
        self.count("sick workers");
        let worker = works(|| nowhere(self.worker(None))).await;
        self.facts.sick.push(worker.pid().to_string());
        self.sick = Some(worker);
    }

    /// The poor one keeps what it has open, and gets no more.
    fn starve(&mut self) {
        let Some(worker) = &self.poor else {
            return;
        };
        let open = worker.open_descriptors().min(FEW) as u64;
        match worker.limit(Limit::Descriptors(open)) {
            Ok(()) => self.count("workers without descriptors"),
            Err(why) => println!("left out: a worker without descriptors: {why}"),
        }
    }

    fn limit_output(&self, place: usize, bytes: u64) {
        if let Some(worker) = &self.places[place]
            && let Err(why) = worker.limit(Limit::FileSize(bytes))
        {
            println!("left out: a worker whose output is full: {why}");
        }
    }
}

/// Has it look for every provider where there is none.
fn nowhere(mut worker: Start<'_>) -> Start<'_> {
    let nowhere = "http://127.0.0.1:9";
    for provider in ["SENDGRID", "TWILIO", "STRIPE", "GOOGLE_MAPS"] {
        worker = worker.set(&format!("PROVIDERS__{provider}__BASE_URL"), nowhere);
    }
    for store in ["S3", "R2"] {
        worker = worker.set(&format!("PROVIDERS__{store}__ENDPOINT_URL"), nowhere);
    }
    worker
        .set("SERVICES__CRM__BASE_URL", nowhere)
        .set("EVENTS__URL", nowhere)
}
