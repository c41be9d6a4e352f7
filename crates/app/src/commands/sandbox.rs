//! `sandbox`: the stand-ins of a program's integrations, on this machine.

use std::net::SocketAddr;

use clap::{Arg, ArgMatches, Command, value_parser};
use longshore_integration::{Sandbox, SandboxAt};

use super::signals;
use crate::App;
use crate::failure::Failure;
use crate::output;

/// What it is called.
pub(crate) const NAME: &str = "sandbox";

/// Calls of it, for the end of its help.
pub(crate) const EXAMPLES: &[&str] = &["longshore --profile local sandbox"];

/// The command; `None` where nothing stands in for anybody, as in a build for production.
pub(crate) fn command(app: &App) -> Option<Command> {
    let mut stand_ins = sandboxes(app).peekable();
    stand_ins.peek()?;
    let about = "Runs the stand-in providers, for local development";
    Some(
        stand_ins.fold(Command::new(NAME).about(about), |command, sandbox| {
            let addr = Arg::new(addr_of(sandbox))
                .long(addr_of(sandbox))
                .value_name("ADDR")
                .default_value(sandbox.addr)
                .value_parser(value_parser!(SocketAddr))
                .help(format!(
                    "Where the stand-in for {} listens; port 0 picks one",
                    sandbox.name
                ));
            let url = sandbox.posts_to.map(|url| {
                Arg::new(url_of(sandbox))
                    .long(url_of(sandbox))
                    .value_name("URL")
                    .default_value(url)
                    .help(format!(
                        "Where the stand-in for {} posts its events",
                        sandbox.name
                    ))
            });
            command.arg(addr).args(url)
        }),
    )
}

fn sandboxes(app: &App) -> impl Iterator<Item = &'static Sandbox> {
    let integrations = app.integrations().iter();
    integrations.flat_map(|integration| integration.sandboxes)
}

fn option(sandbox: &Sandbox, what: &str) -> String {
    format!("{}-{what}", sandbox.name.replace('_', "-"))
}

fn addr_of(sandbox: &Sandbox) -> String {
    option(sandbox, "addr")
}

fn url_of(sandbox: &Sandbox) -> String {
    option(sandbox, "webhook-url")
}

/// Runs them until a signal.
pub(crate) async fn run(app: &App, args: &ArgMatches) -> Result<(), Failure> {
    let mut words = signals::listen()?;
    let mut running = Vec::new();
    for sandbox in sandboxes(app) {
        let addr = args.get_one::<SocketAddr>(&addr_of(sandbox)).copied();
        let at = SandboxAt {
            addr: addr.unwrap_or_else(|| unreachable!("it has a default")),
            posts_to: match sandbox.posts_to {
                Some(_) => args.get_one::<String>(&url_of(sandbox)).cloned(),
                None => None,
            },
        };
        let started = (sandbox.start)(at.clone()).await;
        let listening = started
            .map_err(|error| Failure::failed(format!("cannot listen on {}: {error}", at.addr)))?;
        output::line(&format!("{:<12} {}", sandbox.name, listening.origin()))?;
        running.push((sandbox.name, listening));
    }
    for (name, listening) in &running {
        if let Some(note) = listening.note() {
            tracing::info!("{name}: {note}");
        }
    }
    tracing::info!(
        "at each: GET /sandbox/ledger says what was accepted, PUT /sandbox/faults makes faults"
    );
    let _ = words.recv().await;
    let stop = async {
        for (_, listening) in running {
            listening.stop().await;
        }
    };
    tokio::select! {
        () = stop => {}
        Some(()) = words.recv() => {}
    }
    Ok(())
}
