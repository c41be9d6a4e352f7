//! The commands, one file each.

pub(crate) mod api;
mod audit;
mod configuration;
mod console;
mod cron;
mod dead;
mod doctor;
mod enqueue;
mod forget;
mod healthcheck;
mod job;
mod jobs;
mod kinds;
mod limit;
mod manual;
mod mappings;
mod operations;
mod outbox;
mod presign;
mod providers;
mod queues;
pub(crate) mod sandbox;
pub mod signals;
mod smoke;
mod suppressions;
mod webhooks;
mod work;
mod workers;

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;

use longshore_listener::BindError;

use crate::cli::{Cli, Command, ConfigCommand, Effect};
use crate::config::with_variable;
use crate::failure::Failure;
use crate::process::host_name;
use crate::sentry;
use crate::session::Session;
use crate::telemetry;
use crate::{App, logging};

/// Carries out a command.
///
/// # Errors
/// When it does not end well; the failure knows its exit code.
pub(crate) async fn run(app: &App, cli: Cli) -> Result<(), Failure> {
    // What stays, and has its stderr collected.
    let is_role = cli.command.is_role();
    let ended = carry_out(app, cli).await;
    match is_role {
        true => ended.map_err(logging::told),
        false => ended,
    }
}

async fn carry_out(app: &App, cli: Cli) -> Result<(), Failure> {
    let config = cli
        .config
        .or_else(|| variable("LONGSHORE_CONFIG").map(Into::into));
    let profile = cli.profile.or_else(|| variable("LONGSHORE_PROFILE"));
    let load = || {
        let mut session = Session::load(app, config.as_ref(), profile.as_deref())?;
        session.by = operator_name(cli.operator.as_deref());
        Ok::<_, Failure>(session)
    };
    let effect = cli.command.effect();
    // What changes something says first where: a wrong target is likelier than a wrong command.
    let load = || {
        let session = load()?;
        if effect != Effect::None {
            session.name_target()?;
        }
        if let Effect::Change { yes } = effect {
            session.agree_in_production(yes)?;
        }
        Ok::<_, Failure>(session)
    };
    match cli.command {
        Command::Work(args) => {
            let session = load()?.in_role("work");
            let work = |watch| work::run(&session, &args, watch);
            let work = sentry::reported(&session.config, "work", work);
            telemetry::traced(&session.config, "work", work).await
        }
        Command::Enqueue(args) => enqueue::run(&load()?, args).await,
        Command::Job(args) => job::run(&load()?, &args).await,
        Command::Jobs(args) => jobs::run(&load()?, args).await,
        Command::Operations(args) => operations::run(&load()?, args).await,
        Command::Queues(args) => queues::list(&load()?, &args).await,
        Command::Kinds(args) => kinds::run(&load()?, &args),
        Command::Providers(args) => providers::run(&load()?, &args),
        Command::Workers(args) => workers::run(&load()?, &args).await,
        Command::Pause(args) => queues::pause(&load()?, &args).await,
        Command::Resume(args) => queues::resume(&load()?, &args).await,
        Command::Forget(args) => forget::run(&load()?, args).await,
        Command::Limit(args) => limit::run(&load()?, &args).await,
        Command::Cron(command) => cron::run(&load()?, command).await,
        Command::Dead(args) => dead::run(&load()?, args).await,
        Command::Audit(args) => audit::run(&load()?, &args).await,
        Command::Config(ConfigCommand::Check(args)) => {
            configuration::check(app, config.as_deref(), profile.as_deref(), &args).await
        }
        Command::Config(ConfigCommand::Defaults { page }) => configuration::defaults(app, page),
        Command::Config(ConfigCommand::Show(args)) => configuration::show(&load()?, &args),
        Command::Doctor(args) => doctor::run(&load()?, &args).await,
        Command::Mappings(command) => mappings::run(&load()?, command).await,
        Command::Presign(args) => presign::run(&load()?, &args).await,
        Command::Suppressions(command) => suppressions::run(&load()?, command).await,
        Command::Api(args) if args.openapi => api::print_openapi(app),
        Command::Api(_) => {
            let session = load()?.in_role("api");
            let serve = sentry::reported(&session.config, "api", |_| api::run(&session));
            telemetry::traced(&session.config, "api", serve).await
        }
        Command::Console(args) if args.command.is_some() => console::hash_a_password(),
        Command::Console(_) => console::serve(&load()?.in_role("console")).await,
        Command::Webhooks => {
            let session = load()?.in_role("webhooks");
            let listen = |_| webhooks::run(&session);
            let listen = sentry::reported(&session.config, "webhooks", listen);
            telemetry::traced(&session.config, "webhooks", listen).await
        }
        Command::Outbox(args) if args.command.is_some() => outbox::run(&load()?, args).await,
        Command::Outbox(args) => {
            let session = load()?.in_role("outbox");
            let carry = |_| outbox::run(&session, args);
            sentry::reported(&session.config, "outbox", carry).await
        }
        Command::Healthcheck(args) => healthcheck::run(&load()?, &args).await,
        Command::Smoke(args) => smoke::run(&load()?, &args).await,
        Command::Completions { shell } => manual::completions(app, config.as_deref(), shell),
        Command::Man { dir } => manual::man(app, dir.as_deref()),
    }
}

/// A variable that is set to something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What is allowed but likely not meant, for those who read logs.
fn log_warnings(session: &Session) {
    let misnamed: Vec<_> = session.config.misnamed().collect();
    let warnings = session.config.warnings().iter();
    // Those are said whatever the command.
    for finding in warnings.filter(|finding| !misnamed.contains(finding)) {
        tracing::warn!("{}: {}; {}", finding.key, finding.problem, finding.cure);
    }
}

/// A port of a role that cannot be bound, named by its key: of `keys`, the first is that of the role's own address, the second of its
/// private one.
fn cannot_bind(error: &BindError, private_addr: SocketAddr, keys: [&str; 2]) -> Failure {
    let key = keys[usize::from(error.addr == private_addr)];
    Failure::failed(format!("{}: {error}", with_variable(key)))
}

/// Who is at the keyboard, for what others will read later: as they say, or `user@host`.
fn operator_name(said: Option<&str>) -> String {
    if let Some(name) = said
        .map(str::to_owned)
        .or_else(|| variable("LONGSHORE_OPERATOR"))
    {
        return name;
    }
    let user = ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| variable(name))
        .or_else(|| {
            // A container has no names; its number is better than nothing.
            let process = std::fs::metadata("/proc/self").ok()?;
            Some(format!("uid {}", process.uid()))
        })
        .unwrap_or_else(|| "unknown".to_owned());
    match host_name() {
        Some(host) => format!("{user}@{host}"),
        None => user,
    }
}
