//! `outbox`.

use clap::{Args, Subcommand};

use super::not_blank;

/// `outbox`.
#[derive(Debug, Args)]
pub struct OutboxArgs {
    /// What to do; none: carries.
    #[command(subcommand)]
    pub command: Option<OutboxCommand>,
}

/// What to do with the outbox, but for carrying.
#[derive(Debug, Subcommand)]
pub enum OutboxCommand {
    /// Prints the definition of the table, for the app's migrations
    Schema,
    /// Shows rows that are held, the newest first, and why
    Held(HeldArgs),
    /// Lets held rows wait again, once what was wrong is mended
    Retry(RetryHeld),
    /// Deletes held rows: their jobs are never enqueued
    Discard(DiscardHeld),
}

/// `outbox held`.
#[derive(Debug, Args)]
pub struct HeldArgs {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// `outbox retry`.
#[derive(Debug, Args)]
pub struct RetryHeld {
    /// Their ids
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
    /// Also those that were first tried more than 24 hours ago: they may have been enqueued then, and be carried out twice
    #[arg(long)]
    pub force: bool,
    /// Why; the audit keeps it
    #[arg(long, value_name = "TEXT", value_parser = not_blank)]
    pub reason: String,
    /// Does not ask. Production needs it if there is no terminal to ask at
    #[arg(long)]
    pub yes: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// `outbox discard`.
#[derive(Debug, Args)]
pub struct DiscardHeld {
    /// Their ids
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
    /// Why; the audit keeps it
    #[arg(long, value_name = "TEXT", value_parser = not_blank)]
    pub reason: String,
    /// Does not ask. Without a terminal it is needed
    #[arg(long)]
    pub yes: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// Examples by command, with those of the other door for producers.
pub(super) const EXAMPLES: &[(&str, &[&str])] = &[
    ("api", &["longshore --profile production api"]),
    ("console", &["longshore --profile local console"]),
    (
        "console hash-password",
        &["longshore console hash-password > ada.hash"],
    ),
    ("outbox", &["longshore --profile production outbox"]),
    (
        "outbox schema",
        &["longshore outbox schema > migrations/longshore_outbox.sql"],
    ),
    ("outbox held", &["longshore outbox held --json"]),
    (
        "outbox retry",
        &["longshore outbox retry 01JD8Z5Q0V9T4X2M7K3N6P1R8S --reason 'args mended'"],
    ),
    (
        "outbox discard",
        &[
            "longshore outbox discard 01JD8Z5Q0V9T4X2M7K3N6P1R8S --yes \\\n    --reason 'sent by hand'",
        ],
    ),
];
