//! The command line.

pub mod manual;

mod api;
mod changes;
mod console;
mod cron;
mod dead;
mod enqueue;
pub(crate) mod fault;
mod forget;
mod healthcheck;
mod jobs;
mod limit;
mod outbox;
mod presign;
mod queues;
pub(crate) mod renamed;
mod suppressions;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

pub use api::ApiArgs;
pub(crate) use changes::Effect;
pub use console::{ConsoleArgs, ConsoleCommand};
pub use cron::{ChangeEntry, Cron};
pub use dead::{
    DeadCommand, Discard, EditArgs, Export, LetterFilters, ListLetters, ReplayArgs, ReplayChange,
    Which,
};
pub use enqueue::EnqueueArgs;
pub use fault::{FaultArgs, FaultCommand, FaultKind};
pub use forget::ForgetArgs;
pub use healthcheck::{HealthcheckArgs, Role};
pub use jobs::{
    CancelJobs, Change, FindJobs, JobFilters, JobsCommand, Labels, ListJobs, LostJobs, Operations,
    OperationsCommand, RescheduleJobs, RunJob,
};
pub use limit::LimitArgs;
pub use outbox::{DiscardHeld, HeldArgs, OutboxArgs, OutboxCommand, RetryHeld};
pub use presign::Presign;
pub use queues::{Pause, QueuesArgs, Resume};
pub use suppressions::{ChangeSuppression, ChannelArg, Suppressions};

/// Runs an app's background jobs at the services it depends on, and says what became of each job.
///
/// Apps enqueue jobs: mails, text messages, payments, addresses. Workers carry them out, once if the provider allows it. They stop
/// calling a provider that is failing. No accepted job is lost: a job that cannot be done becomes a dead letter.
#[derive(Debug, Parser)]
#[command(
    name = "longshore",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub struct Cli {
    /// The directory of the configuration [default: LONGSHORE_CONFIG, else ./config]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub config: Option<PathBuf>,
    /// The profile, whose file overrides default.toml: local, test, production, … [default: LONGSHORE_PROFILE]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Everywhere")]
    pub profile: Option<String>,
    /// Your name, for the audit [default: LONGSHORE_OPERATOR, else user and host]
    #[arg(long = "as", global = true, value_name = "NAME", value_parser = not_blank, help_heading = "Everywhere")]
    pub operator: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs workers until SIGTERM or SIGINT, then drains; a second signal more than 2 s later cuts running jobs off
    Work(Work),
    /// Enqueues jobs
    Enqueue(EnqueueArgs),
    /// Shows one job with its history
    Job(OneJob),
    /// Jobs wherever they are: list, find, cancel, reschedule, run, edit
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Forgets one person: cancels what waits, and removes their data from jobs
    Forget(ForgetArgs),
    /// Acts on many jobs (replays, cancels, forgets): list, show, cancel, resume
    Operations(Operations),
    /// Shows every queue: how many jobs are in each state, and whether it is paused
    Queues(QueuesArgs),
    /// Shows the kinds of jobs: the queue and the settings of each, and where each setting comes from
    Kinds(KindsArgs),
    /// Shows the providers: which are on, how much depends on each, and a page about each
    Providers(ProvidersArgs),
    /// Shows every worker process: its queues, its kinds, and what is wrong with it
    Workers(Shown),
    /// Stops a queue's claims in the whole fleet, at once
    Pause(Pause),
    /// Resumes a paused queue
    Resume(Resume),
    /// Slows a provider's calls for the whole fleet, for a time, below what is configured
    Limit(LimitArgs),
    /// Dead letters: look, edit, replay, export, discard
    #[command(subcommand)]
    Dead(DeadCommand),
    /// Shows who did what, when, why: every pause, replay, edit, discard, export, reveal and the like
    Audit(Audit),
    /// Jobs on a schedule: shows when each cron entry ticks and what became of it; runs one now; pauses one
    #[command(subcommand)]
    Cron(Cron),
    /// The ids of users and subscriptions at a payment provider: exports and imports them
    #[command(subcommand)]
    Mappings(MappingsCommand),
    /// Signs a URL with which a user may upload the described file within 15 minutes
    Presign(Presign),
    /// Addresses that get no mail, because a mail bounced or was reported as spam
    #[command(subcommand)]
    Suppressions(Suppressions),
    /// Checks and shows the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Checks Redis and the configuration, and names a cure for each finding
    Doctor(Shown),
    /// Serves the HTTP API for producers in any language, until SIGTERM or SIGINT
    Api(ApiArgs),
    /// Serves the operators' web page, until SIGTERM or SIGINT; and hashes passwords for it
    Console(ConsoleArgs),
    /// Receives providers' events, such as delivery updates, until SIGTERM or SIGINT
    Webhooks,
    /// Carries jobs from a table in the app's Postgres into the queue, until SIGTERM or SIGINT; and shows what is held there
    Outbox(OutboxArgs),
    /// Asks a process on this machine whether it is alive; the exit code is the answer
    Healthcheck(HealthcheckArgs),
    /// Makes one harmless call to each provider that has test-mode credentials
    Smoke(Shown),
    /// Prints a shell's completions: commands and options, and the names of kinds, queues, providers and profiles
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Prints the manual page, or writes one for each command
    Man {
        /// Writes longshore.1, longshore-work.1, … into this directory instead
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// `--json`.
#[derive(Debug, Args)]
pub struct Shown {
    /// Prints JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// `kinds`.
#[derive(Debug, Args)]
pub struct KindsArgs {
    /// One kind in detail, such as send_email [default: all of them]
    pub kind: Option<String>,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// `providers`.
#[derive(Debug, Args)]
pub struct ProvidersArgs {
    /// One provider, with its page, such as sendgrid [default: all of them]
    pub provider: Option<String>,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// `work`.
#[derive(Debug, Args)]
pub struct Work {
    /// A queue to work; may be given several times [default: all whose provider is configured]
    #[arg(long = "queue", value_name = "NAME")]
    pub queues: Vec<String>,
}

/// `job`.
#[derive(Debug, Args)]
pub struct OneJob {
    /// The job's id
    #[arg(value_name = "ID")]
    pub id: String,
    /// Shows the args, which may be personal data. The audit records who looked
    #[arg(long)]
    pub reveal: bool,
    /// Why you look at them
    #[arg(long, value_name = "TEXT", requires = "reveal")]
    pub reason: Option<String>,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// `audit`.
#[derive(Debug, Args)]
pub struct Audit {
    /// Only what was done within this time: 30m, 2h, 7d
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub since: Option<Duration>,
    /// Only in this queue
    #[arg(long, value_name = "NAME")]
    pub queue: Option<String>,
    /// Shows at most this many, the newest
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// `mappings …`.
#[derive(Debug, Subcommand)]
pub enum MappingsCommand {
    /// Writes every mapping, as JSON Lines or CSV
    Export(ExportMappings),
    /// Reads mappings, as JSON Lines or CSV; all are checked before the first is imported
    Import(ImportMappings),
    /// Counts the mappings at each provider
    Count(Shown),
}

/// `mappings export`.
#[derive(Debug, Clone, Copy, Args)]
pub struct ExportMappings {
    /// Writes CSV with a header: map,key,provider,customer,was_provider,was_customer
    #[arg(long)]
    pub csv: bool,
}

/// `mappings import`.
#[derive(Debug, Args)]
pub struct ImportMappings {
    /// The file, or - for stdin
    #[arg(value_name = "FILE")]
    pub file: String,
    /// Reads CSV as export writes it, also from a file whose name does not end in .csv
    #[arg(long)]
    pub csv: bool,
    /// Replaces existing mappings that have another value. What a user was before stays beside it, as was
    #[arg(long)]
    pub replace: bool,
    /// Does not ask. Production needs it if there is no terminal to ask at
    #[arg(long)]
    pub yes: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// `config …`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Checks all settings, and lists all findings at once
    Check(Shown),
    /// Shows every value and where it came from, secrets masked
    Show(Shown),
    /// Prints a default.toml: every key with its default or an example, and what it is for
    Defaults {
        /// Prints the same as a page, in Markdown
        #[arg(long)]
        page: bool,
    },
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write it like 90s, 15m, 2h or 1d".to_owned())
}

fn not_blank(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("say why".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// Milliseconds since the epoch.
pub(crate) fn time(text: &str) -> Result<u64, String> {
    let time: jiff::Timestamp = text
        .parse()
        .map_err(|_| "not a time in RFC 3339, such as 2026-11-23T15:00:00Z".to_owned())?;
    u64::try_from(time.as_millisecond()).map_err(|_| "before 1970".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_and_durations_are_read() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(time("1970-01-01T00:00:01.5Z"), Ok(1500));
        assert_eq!(time("1970-01-01T01:00:00+01:00"), Ok(0));
        for wrong in ["", "90", "soon", "-5s"] {
            assert!(duration(wrong).is_err(), "{wrong:?}");
        }
        for wrong in ["", "tomorrow", "2026-11-23", "1969-12-31T23:59:59Z"] {
            assert!(time(wrong).is_err(), "{wrong:?}");
        }
    }
}
