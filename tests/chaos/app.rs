//! The app that is told what became of its jobs. It checks signatures; it fails, hangs and dies, and comes back at the same
//! address.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use longshore_events::sandbox::EventsSandbox;
use longshore_sandbox::{Fault, FaultRule, free_port};
use longshore_tests::gone_by;

use crate::facts::TakenEvent;
use crate::faults::AppTrouble;

/// Longer than a request may take.
const HANGS_MS: u64 = 30_000;

/// How long its port may still be taken.
const FREE_WITHIN: Duration = Duration::from_secs(30);

/// The app.
pub(crate) struct App {
    addr: SocketAddr,
    running: Option<EventsSandbox>,
    /// What it was told before it last died.
    told: HashMap<String, Vec<TakenEvent>>,
}

impl App {
    /// What it checks signatures by.
    pub(crate) const SECRET: &'static str = EventsSandbox::SECRET;

    pub(crate) async fn start() -> Self {
        // One that no connection takes while the app is dead.
        let port = free_port().expect("a free port");
        let running = start_at(SocketAddr::from(([127, 0, 0, 1], port))).await;
        Self {
            addr: running.addr(),
            running: Some(running),
            told: HashMap::new(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/events", self.addr)
    }

    /// Begins to misbehave.
    pub(crate) fn begin(&mut self, trouble: AppTrouble) {
        let fault = match trouble {
            AppTrouble::Fails => Fault::HangUp { effect: true },
            AppTrouble::Hangs => Fault::Delay { ms: HANGS_MS },
            AppTrouble::Dies => return self.end(),
        };
        if let Some(running) = &self.running {
            let rules = vec![FaultRule::always(fault)];
            running.faults().set(rules).expect("valid rules");
        }
    }

    /// It is well again.
    pub(crate) async fn mend(&mut self) {
        match &self.running {
            Some(running) => running.faults().set(Vec::new()).expect("valid rules"),
            None => self.running = Some(start_at(self.addr).await),
        }
    }

    fn end(&mut self) {
        if let Some(running) = &self.running {
            // Nobody is answered who would not be counted.
            let nobody = FaultRule::always(Fault::HangUp { effect: false });
            running.faults().set(vec![nobody]).expect("valid rules");
        }
        for told in self.running.take().iter().flat_map(EventsSandbox::told) {
            let of_job = self.told.entry(told.event.data.id).or_default();
            for _ in 0..told.times {
                of_job.push(TakenEvent {
                    what: told.event.event_type.clone(),
                    queue: told.event.data.queue.clone(),
                });
            }
        }
    }

    /// What it was told, by job.
    pub(crate) fn told(&mut self) -> HashMap<String, Vec<TakenEvent>> {
        self.end();
        std::mem::take(&mut self.told)
    }
}

/// What was there before may hold the port for a moment.
async fn start_at(addr: SocketAddr) -> EventsSandbox {
    let give_up = Instant::now() + FREE_WITHIN;
    loop {
        match EventsSandbox::start(addr).await {
            Ok(running) => return running,
            Err(error) => assert!(Instant::now() < give_up, "{addr}: {error}"),
        }
        gone_by(Duration::from_millis(100), Instant::now()).await;
    }
}
