//! `sandbox`.

use longshore_sandbox::SendGridSandbox;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Sandbox;
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(args: &Sandbox) -> Result<(), Failure> {
    let addr = args.sendgrid_addr;
    let sendgrid = SendGridSandbox::start(addr)
        .await
        .map_err(|error| Failure::failed(format!("{addr} cannot be listened on: {error}")))?;
    let mut term = signal(SignalKind::terminate()).map_err(Failure::failed)?;
    let origin = sendgrid.origin();
    output::line(&format!("sendgrid  {origin}"))?;
    tracing::info!(
        "what was accepted: GET {origin}/sandbox/ledger; faults on demand: PUT {origin}/sandbox/faults"
    );
    tokio::select! {
        stop = tokio::signal::ctrl_c() => stop.map_err(Failure::failed)?,
        _ = term.recv() => {}
    }
    sendgrid.stop().await;
    Ok(())
}
