//! Stand-ins for Twilio, in builds for development.

use longshore_integration::Sandbox;
#[cfg(feature = "sandbox")]
use longshore_integration::{Listening, SandboxAt};
#[cfg(feature = "sandbox")]
use longshore_sandbox::TwilioSandbox;

#[cfg(not(feature = "sandbox"))]
pub(crate) const SANDBOXES: &[Sandbox] = &[];

#[cfg(feature = "sandbox")]
pub(crate) const SANDBOXES: &[Sandbox] = &[Sandbox {
    name: "twilio",
    addr: "127.0.0.1:9481",
    posts_to: None,
    start: |at| Box::pin(twilio(at)),
}];

#[cfg(feature = "sandbox")]
async fn twilio(at: SandboxAt) -> std::io::Result<Listening> {
    let twilio = TwilioSandbox::start(at.addr).await?;
    Ok(Listening::new(twilio.origin(), || twilio.stop()))
}
