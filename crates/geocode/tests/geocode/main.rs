//! The handler against a Google Maps that notes what it is asked, and a memory with a clock of its own.

mod answers;
mod cache;
mod golden;
mod questions;
mod secrets;

use longshore_geocode::GeocodeAddress;
use longshore_geocode::sandbox::GoogleMapsSandbox;
use longshore_geocode::{GeocodeAddressHandler, GoogleMaps, GoogleMapsConfig};
use longshore_job::{Answer, Handler, JobError, Outcome};
use longshore_sandbox::{Fault, FaultRule, Only};
use longshore_testing::{MemoryRequest, Script, ScriptedGate, ScriptedMemory, Way};
use serde_json::Value;

const KEY: &str = "AIza-any";

/// An address with everything that is hard to carry.
const ADDRESS: &str = "Øvre Ærfuglveien 12 å, 0154 Oslo 🏠 & 50+ #2 100%";

/// Behind this gate, where a request with an effect would be a mistake, with a memory of which a look-up wants nothing but what
/// it kept there.
fn script(gate: ScriptedGate) -> Script {
    let effect = "a look-up has no effect";
    let memory = ScriptedMemory::new();
    memory.forbid(MemoryRequest::NoteMessage, "a look-up owns no message");
    let earlier = "a look-up does not need to know what came before";
    memory.forbid(MemoryRequest::EarlierRequests, earlier);
    let gate = gate
        .forbid(Way::Send, effect)
        .forbid(Way::SendElsewhere, effect);
    Script::new().with_gate(gate).with_memory(&memory)
}

/// A provider, a handler that uses it, and what surrounds its runs: an open gate, and an empty memory.
struct Scene {
    provider: GoogleMapsSandbox,
    handler: GeocodeAddressHandler,
    script: Script,
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
            script: script(ScriptedGate::open()),
        }
    }

    async fn run(&self, job: GeocodeAddress) -> Result<Outcome, JobError> {
        self.handler.run(job, self.script.for_new_job().run()).await
    }

    /// Keys, values and how long each is still kept, in seconds; sorted by key.
    fn kept(&self) -> Vec<(String, String, u64)> {
        let kept = self.script.memory.kept().into_iter();
        let shown = kept.map(|kept| {
            let value = String::from_utf8(kept.value).expect("a text");
            (kept.key, value, kept.time.as_secs())
        });
        shown.collect()
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
        (summary.requests, summary.accepted, self.script.gate.reads())
    }

    /// What was looked up and found, in order: addresses and place ids.
    fn sought(&self) -> Vec<String> {
        let effects = self.provider.ledger().accepted().into_iter();
        effects.map(|effect| effect.recipient).collect()
    }

    fn fault(&self, fault: Fault) {
        let rules = vec![FaultRule::always(fault)];
        self.provider.faults().set(rules).expect("a valid rule");
    }

    /// A fault for those who look up this address or place id.
    fn fault_for(&self, sought: &str, fault: Fault) {
        let only = Only {
            recipient: Some(sought.to_owned()),
            ..Only::default()
        };
        let rules = vec![FaultRule::always(fault).only(only)];
        self.provider.faults().set(rules).expect("a valid rule");
    }
}

fn handler(origin: &str, change: impl FnOnce(&mut GoogleMapsConfig)) -> GeocodeAddressHandler {
    let mut config = GoogleMapsConfig {
        base_url: origin.parse().expect("an origin"),
        api_key: KEY.into(),
        timeout: std::time::Duration::from_secs(5),
    };
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
