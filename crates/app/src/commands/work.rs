//! `work`.

mod server;

use std::sync::Arc;

use longshore_integration::{Integration, SetUp};
use longshore_operator::ThisProgram;
use longshore_queue::{Link, Policy, Queue, Retention};
use longshore_worker::{Fleet, FleetError, FleetOptions, LeftBehind, Stopped, Watch, WorkSettings};

use super::{log_warnings, signals};
use crate::cli::Work;
use crate::config::{Config, KindSettings, QueueSettings, WorkerSettings, with_variable};
use crate::failure::Failure;
use crate::process::{host_name, process_name};
use crate::registry::{self, SetupContext};
use crate::secrets::Secrets;
use crate::session::Session;
use crate::telemetry;

pub(super) async fn run(
    session: &Session,
    args: &Work,
    watch: Option<Arc<dyn Watch>>,
) -> Result<(), Failure> {
    log_warnings(session);
    let mut stop = signals::listen()?;
    let (fleet, worked) = tokio::select! {
        fleet = fleet(session, args, watch) => fleet?,
        _ = stop.recv() => {
            tracing::info!("stopped before any job was taken");
            return Ok(());
        }
    };
    let left = match fleet.run(stop).await {
        Ok(left) => left,
        Err(error @ FleetError::Unreachable(_)) => {
            return Err(server::why_not(&worked, &error).await);
        }
        Err(FleetError::Layout(error)) => return Err(error.into()),
        Err(error @ FleetError::Listen { .. }) => {
            return Err(Failure::failed(format!(
                "{}: {error}",
                with_variable(WorkerSettings::HTTP_ADDR)
            )));
        }
        Err(error) => return Err(Failure::failed(error)),
    };
    ended(&left, session.config.worker.lost_after.as_secs_f64())
}

/// How a fleet that was asked to stop has ended, and whether that is well.
fn ended(left: &LeftBehind, lost_after_seconds: f64) -> Result<(), Failure> {
    if !left.unsettled.is_empty() {
        return Err(Failure::failed(format!(
            "stopped with jobs that are not settled; other workers take them over within {lost_after_seconds} s: {}",
            left.unsettled.join(" ")
        )));
    }
    let given_back = left.unsent;
    match left.stopped {
        Stopped::Drained => tracing::info!("drained"),
        Stopped::CutOff if !left.sent.is_empty() => {
            return Err(Failure::failed(format!(
                "cut off jobs whose request may have gone out; what became of it is unknown, and they go by \
                 their on_unknown: {}",
                left.sent.join(" ")
            )));
        }
        Stopped::CutOff => tracing::warn!(given_back, "cut off; no request had gone out"),
        Stopped::OutOfTime => tracing::warn!(
            given_back,
            outcome_unknown = left.sent.len(),
            "stopped: {} have passed",
            WorkerSettings::DRAIN
        ),
    }
    Ok(())
}

/// All that is wanted of this process, ready to run, and the queues that it works.
async fn fleet(
    session: &Session,
    args: &Work,
    watch: Option<Arc<dyn Watch>>,
) -> Result<(Fleet, Vec<Queue>), Failure> {
    let config = &session.config;
    let wanted = wanted(config, args)?;
    let link = session.link()?;
    tracing::info!("on {}", session.target(&link));
    let mut fleet = Fleet::new(FleetOptions {
        name: process_name(),
        host: host_name().unwrap_or_default(),
        http_addr: config.worker.http_addr,
        drain: config.worker.drain,
    })
    .version(ThisProgram::get().version);
    let secrets = Arc::new(Secrets::new(config)?);
    if let Some(watch) = watch {
        fleet = fleet.watched_by(watch);
    }
    if let Some(collector) = telemetry::collector() {
        fleet = fleet.tells(collector);
    }
    let notices = registry::notices(config);
    if let Some(notices) = &notices {
        fleet = fleet.delivers_notices(notices.delivery);
    }
    let mut worked = Vec::new();
    for integration in config.integrations() {
        let name = integration.queue.name;
        fleet = fleet.counts(&queue_over(config, link.clone(), name)?);
        if registry::is_on(config, integration) {
            let ticked = queue_over(config, link.clone(), name)?;
            fleet = fleet.cron(ticked, registry::cron(config, integration));
        }
        let wanted = wanted.contains(&name);
        let setup = SetupContext::new(config, &secrets);
        let Some(SetUp { handlers, calls }) = set_up(&setup, integration, wanted, args).await?
        else {
            continue;
        };
        let mut queue = queue_over(config, link.clone(), name)?;
        if let Some(calls) = calls {
            queue = queue.with_provider(registry::policy(config, &calls));
        }
        fleet = fleet.knows(&queue);
        for facts in registry::facts(config, integration) {
            fleet = fleet.provider(facts);
        }
        if wanted {
            let configured = queue_settings(session, name)?;
            let queue = queue
                .with_delivery_bytes(configured.delivery_bytes)
                .with_max_waiting(configured.max_waiting)
                .with_notices(notices.as_ref().and_then(|notices| notices.of(name)))
                .with_retention(configured.completed_for)
                .with_cancelled_bytes(configured.cancelled_bytes);
            worked.push(queue.clone());
            let handlers = handlers
                .with_overrides(|kind| {
                    let kind = config.kind(kind, name);
                    kind.map(KindSettings::overrides).unwrap_or_default()
                })
                .with_known(config.kinds().clone());
            fleet = fleet.queue(queue, settings(session, configured), handlers);
        }
    }
    if worked.is_empty() {
        return Err(nothing_to_work(config));
    }
    server::check(&session.reached().await?, &config.redis).await?;
    server::prove(&worked).await;
    secrets.keep_fresh(config.reread);
    Ok((fleet, worked))
}

fn queue_over(config: &Config, link: Link, name: &str) -> Result<Queue, Failure> {
    Queue::new(link, &config.redis.namespace, name).map_err(Failure::input)
}

/// What it takes to work an integration's queue; `None` where this process has to do without.
async fn set_up(
    setup: &SetupContext<'_>,
    integration: &Integration,
    wanted: bool,
    args: &Work,
) -> Result<Option<SetUp>, Failure> {
    let set_up = match setup.set_up(integration).await {
        // Jobs of other queues cannot call it then, and say so.
        Err(error) if !wanted => {
            tracing::warn!(integration = integration.name, "cannot be called: {error}");
            return Ok(None);
        }
        set_up => set_up?,
    };
    if set_up.is_none() && wanted {
        let (queue, key) = (integration.queue.name, registry::turned_on_by(integration));
        if !args.queues.is_empty() {
            return Err(Failure::input(format!(
                "the queue {queue} cannot be worked: set {key}"
            )));
        }
        tracing::warn!(queue, "left out: {key} is not set");
    }
    Ok(set_up)
}

fn nothing_to_work(config: &Config) -> Failure {
    let keys: Vec<_> = config
        .providers()
        .map(|(_, provider)| registry::all_of(provider.turned_on_by))
        .collect();
    // The profile of this project's own configuration, which is at its stand-ins.
    let has_local = crate::config::profiles(None).iter().any(|of| of == "local");
    let tried = match has_local {
        true => "`longshore sandbox` and `longshore --profile local work`",
        false => "stand-ins: `longshore sandbox` shows where they listen",
    };
    Failure::input(format!(
        "no provider is configured, so there is nothing to work: set {}, or try it out with {tried}",
        keys.join(" or ")
    ))
}

/// The queues that this process is to work.
fn wanted(config: &Config, args: &Work) -> Result<Vec<&'static str>, Failure> {
    let known = config.queue_names();
    if args.queues.is_empty() {
        return Ok(known);
    }
    let mut wanted = Vec::new();
    for name in &args.queues {
        let Some(name) = known.iter().find(|known| *known == name) else {
            let known = known.join(", ");
            return Err(Failure::input(format!(
                "there is no queue `{name}`: the queues are {known}"
            )));
        };
        if !wanted.contains(name) {
            wanted.push(name);
        }
    }
    Ok(wanted)
}

fn queue_settings<'a>(session: &'a Session, queue: &str) -> Result<&'a QueueSettings, Failure> {
    session
        .config
        .queue(queue)
        .ok_or_else(|| Failure::failed(format!("the queue {queue} has no settings")))
}

fn settings(session: &Session, queue: &QueueSettings) -> WorkSettings {
    let worker = &session.config.worker;
    WorkSettings {
        concurrency: queue.concurrency as usize,
        max_running: queue.max_running,
        timeout: queue.timeout,
        policy: Policy {
            schedule: queue.retry.clone(),
            on_unknown: queue.on_unknown,
        },
        retention: Retention {
            keep: queue.completed_for,
            max_bytes: queue.completed_bytes,
        },
        heartbeat: worker.heartbeat,
        unknown_kind: worker.unknown_kind,
        lost_after: worker.lost_after,
    }
}
