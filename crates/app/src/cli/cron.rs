//! `cron`.

use clap::{Args, Subcommand};

use super::{Shown, not_blank};

/// `cron …`.
#[derive(Debug, Subcommand)]
pub enum Cron {
    /// Shows every entry with its last and next tick
    List(Shown),
    /// Enqueues an entry's job now; its schedule does not change
    Run {
        /// The entry, as `cron list` shows it
        name: String,
        /// Does not ask. Production needs it if there is no terminal to ask at
        #[arg(long)]
        yes: bool,
        /// Prints a JSON object instead of the bare id
        #[arg(long)]
        json: bool,
    },
    /// Stops an entry for the whole fleet: what it would tick meanwhile is not made up for. `cron run` still works
    Pause(ChangeEntry),
    /// Lets a paused entry tick again, from now on
    Resume(ChangeEntry),
}

/// `cron pause` and `cron resume`.
#[derive(Debug, Args)]
pub struct ChangeEntry {
    /// The entry, as `cron list` shows it
    pub name: String,
    /// Why; the audit records it, and it is shown while the entry is paused
    #[arg(long, value_name = "TEXT", value_parser = not_blank)]
    pub reason: String,
    /// Does not ask. Production needs it if there is no terminal to ask at
    #[arg(long)]
    pub yes: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}
