//! Stand-ins for Twilio, in builds for development.

use longshore_integration::{Listening, Sandbox, SandboxAt};
use longshore_sandbox::TwilioSandbox;

pub(crate) const SANDBOXES: &[Sandbox] = &[Sandbox {
    name: "twilio",
    addr: "127.0.0.1:9481",
    posts_to: None,
    start: |at| Box::pin(twilio(at)),
}];

async fn twilio(at: SandboxAt) -> std::io::Result<Listening> {
    let twilio = TwilioSandbox::start(at.addr).await?;
    Ok(Listening::new(twilio.origin(), || twilio.stop()))
}
