//! `healthcheck`: asks a process on this machine how it is, for images in which nothing else could.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use longshore_provider::{causes, client};

use crate::cli::{HealthcheckArgs, Role};
use crate::config::{
    ApiSettings, Config, ConsoleSettings, OutboxSettings, WebhooksSettings, WorkerSettings,
};
use crate::failure::Failure;
use crate::session::Session;

/// How long it may take to answer. It is on this machine, and Redis is not asked.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Alive is told by the exit code alone: whoever asks once in half a minute keeps what is printed.
pub(super) async fn run(session: &Session, args: &HealthcheckArgs) -> Result<(), Failure> {
    let (key, addr) = listens(&session.config, args.role);
    if addr.port() == 0 {
        return Err(Failure::input(format!(
            "{key} is {addr}, which picks a free port, so nobody knows which one to ask; give it a port"
        )));
    }
    let addr = reached_at(addr);
    let silent = |error| {
        Failure::failed(format!(
            "nothing answers on {addr} ({}); see whether it runs, and that {key} is the same for both",
            causes(&error)
        ))
    };
    let client = client(true, ANSWER_WITHIN, ANSWER_WITHIN).map_err(Failure::failed)?;
    let asked = client.get(format!("http://{addr}/livez")).send().await;
    let answer = asked.map_err(silent)?;
    let status = answer.status();
    match status.is_success() {
        true => Ok(()),
        false => {
            let why = answer.text().await.map_err(silent)?;
            Err(Failure::failed(format!(
                "/livez on {addr} is {}: {}",
                status.as_u16(),
                why.trim_end()
            )))
        }
    }
}

/// Where a role serves its health, and by which key.
fn listens(config: &Config, role: Role) -> (&'static str, SocketAddr) {
    match role {
        Role::Work => (WorkerSettings::HTTP_ADDR, config.worker.http_addr),
        Role::Outbox => (OutboxSettings::PRIVATE_ADDR, config.outbox.private_addr),
        Role::Webhooks => (WebhooksSettings::PRIVATE_ADDR, config.webhooks.private_addr),
        Role::Console => (ConsoleSettings::PRIVATE_ADDR, config.console.private_addr),
        Role::Api => (ApiSettings::PRIVATE_ADDR, config.api.private_addr),
    }
}

/// What listens on all addresses is reached on loopback.
fn reached_at(mut addr: SocketAddr) -> SocketAddr {
    match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => addr.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => addr.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    addr
}
