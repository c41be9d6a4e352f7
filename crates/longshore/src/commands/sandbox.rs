//! `sandbox`.

use longshore_sandbox::SendGridSandbox;

use crate::cli::Sandbox;
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(args: &Sandbox) -> Result<(), Failure> {
    let addr = args.sendgrid_addr;
    let sendgrid = SendGridSandbox::start(addr)
        .await
        .map_err(|error| Failure::input(format!("{addr} cannot be listened on: {error}")))?;
    let origin = sendgrid.origin();
    output::line(&format!("sendgrid  {origin}"))?;
    tracing::info!("what was accepted: GET {origin}/sandbox/ledger; faults on demand: PUT {origin}/sandbox/faults");
    tokio::signal::ctrl_c().await.map_err(Failure::failed)?;
    sendgrid.stop().await;
    Ok(())
}
