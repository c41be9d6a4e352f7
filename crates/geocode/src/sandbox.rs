//! A stand-in for Google Maps, for development and tests: in builds with the feature `sandbox`.

mod google_maps;

use longshore_integration::{RunningStandIn, Sandbox, SandboxAt};

pub use google_maps::GoogleMapsSandbox;

pub(crate) const SANDBOXES: &[Sandbox] = &[Sandbox {
    name: "google_maps",
    addr: "127.0.0.1:9482",
    posts_to: None,
    start: &|at| Box::pin(google_maps(at)),
}];

async fn google_maps(at: SandboxAt) -> std::io::Result<RunningStandIn> {
    let google_maps = GoogleMapsSandbox::start(at.addr).await?;
    Ok(RunningStandIn::new(google_maps.origin(), || {
        google_maps.stop()
    }))
}
