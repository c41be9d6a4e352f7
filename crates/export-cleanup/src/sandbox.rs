//! Stand-ins for S3 and R2, in builds for development.

use longshore_integration::{RunningStandIn, Sandbox, SandboxAt};
use longshore_sandbox::Ledger;
use longshore_storage::sandbox::S3Sandbox;

pub(crate) const SANDBOXES: &[Sandbox] = &[
    Sandbox {
        name: "s3",
        addr: "127.0.0.1:9486",
        posts_to: None,
        start: &|at| Box::pin(s3(at)),
    },
    Sandbox {
        name: "r2",
        addr: "127.0.0.1:9487",
        posts_to: None,
        start: &|at| Box::pin(r2(at)),
    },
];

async fn s3(at: SandboxAt) -> std::io::Result<RunningStandIn> {
    let s3 = S3Sandbox::start(at.addr).await?;
    Ok(RunningStandIn::new(s3.origin(), || s3.stop()))
}

async fn r2(at: SandboxAt) -> std::io::Result<RunningStandIn> {
    let r2 = S3Sandbox::start_with(at.addr, "r2", Ledger::default()).await?;
    Ok(RunningStandIn::new(r2.origin(), || r2.stop()))
}
