//! The arguments of `healthcheck`.

use clap::{Args, ValueEnum};

/// `healthcheck`.
#[derive(Debug, Args)]
pub struct HealthcheckArgs {
    /// What runs there
    #[arg(value_enum, value_name = "ROLE")]
    pub role: Role,
}

/// What a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Workers: asks worker.http_addr
    Work,
    /// The listener for events: asks webhooks.private_addr
    Webhooks,
    /// The HTTP API: asks api.private_addr
    Api,
    /// The operators' web page: asks console.private_addr
    Console,
    /// The carrier of jobs from Postgres: asks outbox.private_addr
    Outbox,
}

/// Examples.
pub(super) const EXAMPLES: &[&str] = &["longshore --profile production healthcheck work"];
