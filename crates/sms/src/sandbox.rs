//! A stand-in for Twilio, for development and tests: in builds with the feature `sandbox`.
//!
//! Beside ledger and faults, which every stand-in has over HTTP:
//!
//! | request | does |
//! |---|---|
//! | `PUT /sandbox/callbacks` | how it calls back, see [`Callbacks`] |
//! | `GET /sandbox/callbacks` | the same |
//! | `GET /sandbox/callbacks/made` | every status callback it has made, oldest first |

mod twilio;

use longshore_integration::{RunningStandIn, Sandbox, SandboxAt};

pub use twilio::{
    Callbacks, CalledBack, PlantedMessage, SharedKey, TwilioContent, TwilioMessage, TwilioSandbox,
};

pub(crate) const SANDBOXES: &[Sandbox] = &[Sandbox {
    name: "twilio",
    addr: "127.0.0.1:9481",
    posts_to: None,
    start: &|at| Box::pin(twilio(at)),
}];

async fn twilio(at: SandboxAt) -> std::io::Result<RunningStandIn> {
    let twilio = TwilioSandbox::start(at.addr).await?;
    Ok(RunningStandIn::new(twilio.origin(), || twilio.stop()))
}
