//! `sandbox`: the stand-ins of a program's integrations, on this machine.

mod fault;

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, value_parser};
use longshore_integration::{Sandbox, SandboxAt};

use super::{signals, variable};
use crate::cli::{self, manual};
use crate::config::Config;
use crate::failure::Failure;
use crate::{App, output, registry};

/// What it is called.
pub(crate) const NAME: &str = "sandbox";

/// Calls of it, for the end of its help.
pub(crate) const EXAMPLES: &[&str] = &[
    "longshore --profile local sandbox",
    "longshore sandbox fault sendgrid 503 --times 3",
];

/// The command; `None` where nothing stands in for anybody, as in a build for production.
pub(crate) fn command(app: &App) -> Option<Command> {
    let mut stand_ins = sandboxes(app).peekable();
    stand_ins.peek()?;
    let about = "Runs the stand-in providers, for local development";
    let command = Command::new(NAME)
        .about(about)
        .subcommand(fault_command(app));
    Some(stand_ins.fold(command, |command, sandbox| {
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
    }))
}

/// `sandbox fault`, at the stand-ins that this program has.
fn fault_command(app: &App) -> Command {
    let names = Names {
        fixed: sandboxes(app).map(|sandbox| sandbox.name).collect(),
        others: !app.families().is_empty(),
    };
    // In its place: `mut_arg` would move it behind the others.
    let of_provider = |command: Command| {
        command.mut_args(|arg| match arg.get_id() == "provider" {
            true => arg.value_parser(names.clone()),
            false => arg,
        })
    };
    let about = "Makes a running stand-in fail; shows and clears its faults";
    let end = manual::end(Some(cli::fault::EXAMPLES));
    let command = cli::FaultArgs::augment_args(Command::new(FAULT))
        .about(about)
        .after_long_help(format!("{}\n\n{end}", cli::fault::FAULTS));
    let command = of_provider(command);
    ["list", "clear"]
        .into_iter()
        .fold(command, |command, name| {
            command.mut_subcommand(name, |command| {
                of_provider(command).after_long_help(manual::end(None))
            })
        })
}

const FAULT: &str = "fault";

/// The names of stand-ins. Those that the configuration describes are known once it is read.
#[derive(Debug, Clone)]
struct Names {
    fixed: Vec<&'static str>,
    others: bool,
}

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        match self.others {
            true => StringValueParser::new().parse_ref(command, arg, value),
            false => PossibleValuesParser::new(&self.fixed).parse_ref(command, arg, value),
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.fixed.iter().map(PossibleValue::new)))
    }
}

fn sandboxes(app: &App) -> impl Iterator<Item = &'static Sandbox> {
    let integrations = app.integrations().iter();
    integrations.flat_map(|integration| integration.sandboxes)
}

/// Where a stand-in runs unless told otherwise: where this configuration calls its provider, if that is on this machine.
fn usual_addr(config: Option<&Config>, sandbox: &Sandbox) -> Result<SocketAddr, Failure> {
    let called = config.and_then(|config| {
        let own = config.providers().filter_map(|(_, provider)| {
            Some((provider.name, (provider.origin)(config.sections())?))
        });
        let mut origins = own.chain(registry::others(config));
        let (_, origin) = origins.find(|(name, _)| *name == sandbox.name)?;
        here(&origin)
    });
    match called {
        Some(addr) => Ok(addr),
        None => sandbox.addr.parse().map_err(Failure::failed),
    }
}

/// The address of an origin in plain HTTP on this machine.
fn here(origin: &str) -> Option<SocketAddr> {
    let url = url::Url::parse(origin).ok()?;
    let ip = match url.host()? {
        url::Host::Domain("localhost") => IpAddr::V4(Ipv4Addr::LOCALHOST),
        url::Host::Domain(_) => return None,
        url::Host::Ipv4(ip) => IpAddr::V4(ip),
        url::Host::Ipv6(ip) => IpAddr::V6(ip),
    };
    let is_here = url.scheme() == "http" && ip.is_loopback();
    is_here.then_some(SocketAddr::new(ip, url.port_or_known_default()?))
}

/// The configuration, if it is right.
fn loaded(app: &App, args: &ArgMatches) -> Option<Config> {
    let dir = args.get_one::<PathBuf>("config").cloned();
    let dir = dir.or_else(|| variable("LONGSHORE_CONFIG").map(Into::into));
    let profile = args.get_one::<String>("profile").cloned();
    let profile = profile.or_else(|| variable("LONGSHORE_PROFILE"));
    let (integrations, families) = (app.integrations(), app.families());
    let env = std::env::vars_os();
    let config = Config::load_with(
        dir.as_deref(),
        profile.as_deref(),
        integrations,
        families,
        env,
    );
    config.ok()
}

/// Those of the services that the configuration describes. `starts`: they are to be started, so it is said which have none.
fn described(app: &App, config: Option<&Config>, starts: bool) -> Vec<Sandbox> {
    if app.families().is_empty() {
        return Vec::new();
    }
    let Some(config) = config else {
        tracing::warn!(
            "there are no stand-ins for services: the configuration is wrong, as `longshore config check` says"
        );
        return Vec::new();
    };
    let has = |name: &str| config.stand_ins().iter().any(|one| one.name == name);
    let made = config.integrations().iter().skip(app.integrations().len());
    for elsewhere in made.map(|of| of.name).filter(|name| starts && !has(name)) {
        tracing::info!(
            "{elsewhere}: no stand-in, since its base_url is not plain http on this machine; another profile may name one"
        );
    }
    config.stand_ins().to_vec()
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

/// Runs them until a signal, or carries out `sandbox fault`.
pub(crate) async fn run(app: &App, args: &ArgMatches) -> Result<(), Failure> {
    if let Some((FAULT, of_fault)) = args.subcommand() {
        let given = |id: &str| args.value_source(id) == Some(ValueSource::CommandLine);
        let ids = sandboxes(app).flat_map(|sandbox| [addr_of(sandbox), url_of(sandbox)]);
        if let Some(id) = ids
            .filter(|id| args.try_contains_id(id).is_ok())
            .find(|id| given(id))
        {
            return Err(Failure::input(format!(
                "--{id} is for starting stand-ins: `sandbox fault` takes --addr"
            )));
        }
        let args = cli::FaultArgs::from_arg_matches(of_fault).map_err(Failure::input)?;
        let config = loaded(app, of_fault);
        let all = sandboxes(app)
            .copied()
            .chain(described(app, config.as_ref(), false));
        let all = all.map(|sandbox| Ok((sandbox, usual_addr(config.as_ref(), &sandbox)?)));
        return fault::run(&all.collect::<Result<Vec<_>, Failure>>()?, args).await;
    }
    let mut words = signals::listen()?;
    let fixed = sandboxes(app).map(|sandbox| {
        let addr = args.get_one::<SocketAddr>(&addr_of(sandbox)).copied();
        let at = SandboxAt {
            addr: addr.unwrap_or_else(|| unreachable!("it has a default")),
            posts_to: match sandbox.posts_to {
                Some(_) => args.get_one::<String>(&url_of(sandbox)).cloned(),
                None => None,
            },
        };
        (*sandbox, at)
    });
    let mut all: Vec<_> = fixed.collect();
    for sandbox in described(app, loaded(app, args).as_ref(), true) {
        let addr = sandbox.addr.parse().map_err(|_| {
            let (name, addr) = (sandbox.name, sandbox.addr);
            Failure::input(format!(
                "services.{name}.base_url: {addr} has no port to listen on"
            ))
        })?;
        let posts_to = None;
        all.push((sandbox, SandboxAt { addr, posts_to }));
    }
    let mut running = Vec::new();
    for (sandbox, at) in all {
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
        "`longshore sandbox fault` makes them fail; at each, GET /sandbox/ledger says what was accepted"
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
