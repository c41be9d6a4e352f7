//! Carried out on workers.

use super::Leg;
use crate::faults::WorkerAction;
use crate::produce::now_ms;

impl Leg {
    /// What is done to a worker.
    pub(super) async fn on_workers(&mut self, action: WorkerAction) {
        match action {
            WorkerAction::Kill(place) => self.kill(place).await,
            WorkerAction::Stop(place) => self.stop(place),
            WorkerAction::Start(place) => {
                let worker = self.stage.worker().all_queues().start().await;
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
                if let Some(worker) = self.sick.take() {
                    worker.stop();
                    self.leaving.push(worker);
                }
            }
        }
    }

    async fn kill(&mut self, place: usize) {
        if let Some(worker) = self.places[place].take() {
            self.count("workers killed");
            self.facts.deaths_ms.push(now_ms());
            worker.kill().await;
        }
    }

    fn stop(&mut self, place: usize) {
        if let Some(worker) = self.places[place].take() {
            self.count("workers deployed");
            self.facts.deaths_ms.push(now_ms());
            worker.stop();
            self.leaving.push(worker);
        }
    }

    /// One on whose machine no provider can be reached.
    async fn start_sick(&mut self) {
        self.count("sick workers");
        let nowhere = "http://127.0.0.1:9";
        let mut start = self.stage.worker().all_queues();
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
}
