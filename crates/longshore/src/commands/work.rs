//! `work`.

mod server;

use std::sync::Arc;

use longshore_queue::{OnUnknown, Policy, Queue, Retention};
use longshore_worker::{Fleet, FleetError, FleetOptions, Left, Settings, Stopped, Watch};

use super::{host_name, log_warnings, signals};
use crate::cli::Work;
use crate::config::{self, QueueSettings};
use crate::failure::Failure;
use crate::registry::{self, PROVIDERS, Provider, SetUp};
use crate::secrets::Secrets;
use crate::session::Session;

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
        Err(error @ FleetError::Listen { .. }) => {
            return Err(Failure::failed(format!("worker.http_addr: {error}")));
        }
        Err(error) => return Err(Failure::failed(error)),
    };
    ended(&left, session.config.worker.lost_after.as_secs_f64())
}

/// How a fleet that was asked to stop has ended, and whether that is well.
fn ended(left: &Left, lost_after_seconds: f64) -> Result<(), Failure> {
    if !left.unsettled.is_empty() {
        return Err(Failure::failed(format!(
            "left with jobs that are not settled; others take them over within {lost_after_seconds} s: {}",
            left.unsettled.join(" ")
        )));
    }
    let given_back = left.unsent;
    match left.stopped {
        Stopped::Drained => tracing::info!("drained"),
        Stopped::CutOff if !left.sent.is_empty() => {
            return Err(Failure::failed(format!(
                "cut off jobs whose request may have gone out; what became of it is unknown, and they go by their \
                 queue's on_unknown: {}",
                left.sent.join(" ")
            )));
        }
        Stopped::CutOff => tracing::warn!(given_back, "cut off; no request had gone out"),
        Stopped::OutOfTime => tracing::warn!(
            given_back,
            outcome_unknown = left.sent.len(),
            "stopped: worker.drain_seconds was over"
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
    let wanted = wanted(args)?;
    let link = session.link()?;
    let worker = &session.config.worker;
    let mut fleet = Fleet::new(FleetOptions {
        name: process_name(),
        host: host_name().unwrap_or_default(),
        http_addr: worker.http_addr,
        drain: worker.drain,
    });
    let secrets = Arc::new(Secrets::new(&session.config)?);
    if let Some(watch) = watch {
        fleet = fleet.watched_by(watch);
    }
    let mut worked = Vec::new();
    let ticking = link.another(link.options());
    for provider in PROVIDERS {
        let name = provider.queue.name;
        let counted = Queue::new(ticking.clone(), &session.config.redis.namespace, name);
        fleet = fleet.counts(&counted.map_err(Failure::input)?);
        if (provider.origin)(&session.config).is_some() {
            let namespace = &session.config.redis.namespace;
            let queue = Queue::new(ticking.clone(), namespace, name).map_err(Failure::input)?;
            fleet = fleet.cron(queue, registry::cron(&session.config, provider));
        }
        let wanted = wanted.iter().any(|wanted| wanted.queue.name == name);
        let set_up = match (provider.set_up)(&session.config, &secrets).await {
            Err(error) if wanted => return Err(error),
            // Jobs of other queues cannot call it then, and say so.
            Err(error) => {
                tracing::warn!(provider = provider.name, "cannot be called: {error}");
                continue;
            }
            Ok(set_up) => set_up,
        };
        let Some(SetUp { handlers, policy }) = set_up else {
            if wanted && args.queues.is_empty() {
                tracing::warn!(
                    queue = name,
                    "left out: {} is not set",
                    provider.turned_on_by
                );
            } else if wanted {
                return Err(Failure::input(format!(
                    "the queue {name} cannot be worked: set {}",
                    provider.turned_on_by
                )));
            }
            continue;
        };
        let queue = Queue::new(
            link.another(link.options()),
            &session.config.redis.namespace,
            name,
        )
        .map_err(Failure::input)?
        .with_provider(policy);
        fleet = fleet.knows(&queue);
        for facts in registry::facts(provider, &session.config) {
            fleet = fleet.provider(facts);
        }
        if wanted {
            let delivery_bytes = session.config.queue(name).map(|queue| queue.delivery_bytes);
            let queue = match delivery_bytes {
                Some(bytes) => queue.with_delivery_bytes(bytes),
                None => queue,
            };
            worked.push(queue.clone());
            let configured = queue_settings(session, name)?;
            let handlers = handlers.with_policies(|_, own| configured.policy(own));
            fleet = fleet.queue(queue, settings(session, configured), handlers);
        }
    }
    if worked.is_empty() {
        let keys: Vec<_> = PROVIDERS
            .iter()
            .map(|provider| provider.turned_on_by)
            .collect();
        return Err(Failure::input(format!(
            "no provider is configured, so there is nothing to work: set {}, or try it out with `longshore sandbox` and \
             `longshore --profile local work`",
            keys.join(" or ")
        )));
    }
    server::check(&session.reached().await?, &session.config.redis).await?;
    server::prove(&worked).await;
    secrets.keep_fresh(session.config.reread);
    Ok((fleet, worked))
}

fn wanted(args: &Work) -> Result<Vec<&'static Provider>, Failure> {
    if args.queues.is_empty() {
        return Ok(PROVIDERS.iter().collect());
    }
    let known = || {
        PROVIDERS
            .iter()
            .map(|provider| provider.queue.name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut wanted: Vec<&Provider> = Vec::new();
    for name in &args.queues {
        let provider = PROVIDERS
            .iter()
            .find(|provider| provider.queue.name == name)
            .ok_or_else(|| {
                Failure::input(format!(
                    "there is no queue `{name}`: the queues are {}",
                    known()
                ))
            })?;
        if !wanted.iter().any(|other| other.queue.name == name) {
            wanted.push(provider);
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

fn settings(session: &Session, queue: &QueueSettings) -> Settings {
    let worker = &session.config.worker;
    Settings {
        concurrency: queue.concurrency as usize,
        max_running: queue.max_running,
        timeout: queue.timeout,
        policy: Policy {
            schedule: queue.retry.clone(),
            on_unknown: match queue.on_unknown {
                config::OnUnknown::Retry => OnUnknown::Retry,
                config::OnUnknown::Verify => OnUnknown::Verify,
                config::OnUnknown::Hold => OnUnknown::Hold,
            },
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

/// `host-pid`: what a worker is called in histories and leases.
fn process_name() -> String {
    let host = host_name().unwrap_or_else(|| "worker".to_owned());
    format!("{host}-{}", std::process::id())
}
