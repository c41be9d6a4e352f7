//! Carried out on workers.

use std::time::{Duration, Instant};

use longshore_tests::{Limit, Signal, Start, Worker, gone_by};

use super::Leg;
use crate::faults::{Signals, WorkerAction};
use crate::produce::now_ms;

/// How many descriptors a poor worker may have.
const FEW: usize = 64;

/// How long a worker may take until it works.
const STARTED_WITHIN: Duration = Duration::from_secs(60);

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
                let worker = self.start_worker(Some(place)).await;
                self.places[place] = Some(worker);
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
                let poor = self.worker(None).descriptors(FEW).start().await;
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

    /// Starts it as an orchestrator does: one that gave up waiting for Redis (exit code 3), since the machine is busy, is started again.
    pub(super) async fn start_worker(&self, place: Option<usize>) -> Worker {
        let give_up = Instant::now() + STARTED_WITHIN;
        loop {
            let mut worker = self.worker(place).spawn();
            while worker.ended().is_none() {
                if worker.says("concurrency=") {
                    return worker;
                }
                gone_by(APART, Instant::now()).await;
            }
            let ended = worker.ended();
            assert_eq!(ended, Some(3), "the worker ended at once");
            assert!(Instant::now() < give_up, "no worker finds its Redis");
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
        let nowhere = "http://127.0.0.1:9";
        let mut start = self.worker(None);
        for provider in ["SENDGRID", "TWILIO", "STRIPE", "GOOGLE_MAPS"] {
            start = start.set(&format!("PROVIDERS__{provider}__BASE_URL"), nowhere);
        }
        for store in ["S3", "R2"] {
            start = start.set(&format!("PROVIDERS__{store}__ENDPOINT_URL"), nowhere);
        }
        start = start.set("SERVICES__CRM__BASE_URL", nowhere);
        let worker = start.set("EVENTS__URL", nowhere).start().await;
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
