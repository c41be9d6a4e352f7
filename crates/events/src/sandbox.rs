//! A stand-in for the application's endpoint, for development and tests: in builds with the feature `sandbox`.
//!
//! Beside the ledger and the faults that every stand-in has, `GET /sandbox/events` lists every event that was taken, oldest first.

mod endpoint;

use longshore_integration::{RunningStandIn, Sandbox, SandboxAt};

pub use endpoint::{EventsSandbox, Told};

pub(crate) const SANDBOXES: &[Sandbox] = &[Sandbox {
    name: "events",
    addr: "127.0.0.1:9489",
    posts_to: None,
    start: &|at| Box::pin(events(at)),
}];

async fn events(at: SandboxAt) -> std::io::Result<RunningStandIn> {
    let events = EventsSandbox::start(at.addr).await?;
    Ok(RunningStandIn::new(events.origin(), || events.stop()))
}
