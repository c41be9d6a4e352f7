//! A stand-in for Twilio, for development and tests: in builds with the feature `sandbox`.
//!
//! Beside ledger and faults, which every stand-in has over HTTP:
//!
//! | request | does |
//! |---|---|
//! | `PUT /sandbox/callbacks` | how it calls back, see [`Callbacks`] |
//! | `GET /sandbox/callbacks` | the same |
//! | `GET /sandbox/callbacks/made` | every status callback it has made, oldest first |
//! | `POST /sandbox/inbound` | posts a text that somebody sends, such as STOP, see [`InboundText`] |

mod twilio;

use longshore_integration::{RunningStandIn, Sandbox, SandboxAt};

pub use twilio::{
    Callbacks, CalledBack, InboundText, NotPosted, PlantedMessage, SharedKey, TwilioContent,
    TwilioMessage, TwilioSandbox,
};

pub(crate) const SANDBOXES: &[Sandbox] = &[Sandbox {
    name: "twilio",
    addr: "127.0.0.1:9481",
    posts_to: Some("http://127.0.0.1:9465/webhooks/twilio/inbound"),
    start: &|at| Box::pin(twilio(at)),
}];

async fn twilio(at: SandboxAt) -> std::io::Result<RunningStandIn> {
    let twilio = TwilioSandbox::start(at.addr).await?;
    twilio.change_callbacks(|callbacks| callbacks.inbound_url = at.posts_to);
    Ok(RunningStandIn::new(twilio.origin(), || twilio.stop()))
}
