//! The handler against a Google Maps that notes what it is asked, and a memory with a clock of its own.

mod answers;
mod cache;
mod golden;
mod memory;
mod secrets;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use longshore_geocode::GeocodeAddress;
use longshore_geocode::{GeocodeAddressHandler, GoogleMaps, GoogleMapsConfig};
use longshore_job::{Answer, Gate, Handler, JobError, JobId, Outcome, Run};
use longshore_sandbox::{Fault, GoogleMapsSandbox, Only, Rule};
use serde_json::Value;
use tokio::sync::Notify;

use memory::Remembering;

const KEY: &str = "AIza-any";

/// An address with everything that is hard to carry.
const ADDRESS: &str = "Øvre Ærfuglveien 12 å, 0154 Oslo 🏠 & 50+ #2 100%";

/// Counts how often it was asked, and opens or does not. A request with an effect would be a mistake here.
struct Door {
    opens: bool,
    asked: AtomicU64,
    asking: Notify,
}

impl Door {
    fn new(opens: bool) -> Arc<Self> {
        Arc::new(Self {
            opens,
            asked: AtomicU64::new(0),
            asking: Notify::new(),
        })
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Gate for Door {
    fn clear_to_send(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        panic!("a look-up has no effect");
    }

    fn clear_to_read(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.asking.notify_one();
        match self.opens {
            true => Box::pin(std::future::ready(())),
            false => Box::pin(std::future::pending()),
        }
    }
}

/// A provider, a handler that uses it, a door that is open, and a memory in which nothing is yet.
struct Scene {
    provider: GoogleMapsSandbox,
    handler: GeocodeAddressHandler,
    door: Arc<Door>,
    memory: Arc<Remembering>,
}

impl Scene {
    async fn set() -> Self {
        Self::set_with(|_| {}).await
    }

    async fn set_with(change: impl FnOnce(&mut GoogleMapsConfig)) -> Self {
        let any = "127.0.0.1:0".parse().expect("an address");
        let provider = GoogleMapsSandbox::start(any).await.expect("a free port");
        let handler = handler(&provider.origin(), change);
        Self {
            provider,
            handler,
            door: Door::new(true),
            memory: Arc::default(),
        }
    }

    async fn run(&self, job: GeocodeAddress) -> Result<Outcome, JobError> {
        let run = Run::new(JobId::generate(), 1, 4, self.door.clone());
        let run = run.with_memory(self.memory.clone());
        self.handler.run(job, run).await
    }

    /// Runs a job that gets done: its result, and what is known of the answer.
    async fn done(&self, job: GeocodeAddress) -> (Value, Answer) {
        match self.run(job).await {
            Ok(Outcome::Done {
                result: Some(result),
                answer,
            }) => (result, answer),
            other => panic!("{other:?}"),
        }
    }

    /// Requests that came, places that were found, and how often the gate was asked.
    fn counts(&self) -> (u64, u64, u64) {
        let summary = self.provider.ledger().summary();
        (summary.requests, summary.accepted, self.door.asked())
    }

    /// What was looked up and found, in order: addresses and place ids.
    fn sought(&self) -> Vec<String> {
        let effects = self.provider.ledger().accepted().into_iter();
        effects.map(|effect| effect.recipient).collect()
    }

    fn fault(&self, fault: Fault) {
        let rules = vec![Rule::always(fault)];
        self.provider.faults().set(rules).expect("a valid rule");
    }

    /// A fault for those who look up this address or place id.
    fn fault_for(&self, sought: &str, fault: Fault) {
        let only = Only {
            recipient: Some(sought.to_owned()),
            ..Only::default()
        };
        let rules = vec![Rule::always(fault).only(only)];
        self.provider.faults().set(rules).expect("a valid rule");
    }
}

fn handler(origin: &str, change: impl FnOnce(&mut GoogleMapsConfig)) -> GeocodeAddressHandler {
    let mut config = GoogleMapsConfig::new(KEY);
    config.base_url = origin.parse().expect("an origin");
    change(&mut config);
    GeocodeAddressHandler::new(GoogleMaps::new(&config).expect("a client"))
}

/// An answer in Google's form.
fn says(http: u16, body: &Value) -> Fault {
    Fault::Answer {
        status: http,
        headers: [].into(),
        body: Some(body.to_string()),
        effect: false,
    }
}

fn code(error: &JobError) -> &str {
    error.answer().code.as_deref().expect("a code")
}
