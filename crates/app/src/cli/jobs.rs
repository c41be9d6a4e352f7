//! `jobs` and `operations`: jobs wherever they are, and acts on many.

use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser;
use clap::{Args, Subcommand};
use longshore_queue::JobState;

use super::{Shown, duration, not_blank, time};

/// `jobs …`.
#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// Lists jobs, newest first, args redacted. All jobs are looked through: with a million of them that takes seconds
    List(ListJobs),
    /// Finds every job in which one person is, wherever the job is
    Find(FindJobs),
    /// Lists jobs whose worker was lost while it ran them, newest first: a request of theirs may have been carried out twice
    Lost(LostJobs),
    /// Cancels jobs that wait, and has those stopped that run. What may have been sent takes --force
    Cancel(CancelJobs),
    /// Makes jobs that wait due at another time; their expiry counts from then
    Reschedule(RescheduleJobs),
    /// Makes a scheduled or retryable job run now
    Run(RunJob),
    /// Corrects the args of a job that waits, or of a dead letter; the old ones are kept in its history
    Edit(super::EditArgs),
}

/// How jobs are marked: living ones, and dead letters.
#[derive(Debug, Clone, Args)]
pub struct Labels {
    /// Only of this kind of job
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Only of this tenant
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// Only with this tag
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// Only with this idempotency key
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
}

/// Which jobs are meant.
#[derive(Debug, Clone, Args)]
pub struct JobFilters {
    /// Only in this state; may be given several times
    #[arg(long = "state", value_name = "STATE", value_parser = state())]
    pub states: Vec<JobState>,
    /// How it is marked.
    #[command(flatten)]
    pub labels: Labels,
    /// Only those that were enqueued within this time: 30m, 2h, 1d
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub since: Option<Duration>,
}

/// `jobs list`.
#[derive(Debug, Args)]
pub struct ListJobs {
    /// Only of this queue
    #[arg(long, value_name = "NAME")]
    pub queue: Option<String>,
    /// Which.
    #[command(flatten)]
    pub filters: JobFilters,
    /// Shows at most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// `jobs lost`.
#[derive(Debug, Args)]
pub struct LostJobs {
    /// Only of this queue
    #[arg(long, value_name = "NAME")]
    pub queue: Option<String>,
    /// Only those whose worker was lost within this time. They are known for a day, and of a queue the last 10,000
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "1d")]
    pub since: Duration,
    /// Shows at most this many
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// `jobs find`.
#[derive(Args)]
pub struct FindJobs {
    /// An address or a number, wherever it stands in a job; or an id, in the args that are ids of people
    #[arg(long, value_name = "EMAIL|NUMBER|ID", value_parser = not_blank)]
    pub recipient: String,
    /// Only of this queue
    #[arg(long, value_name = "NAME")]
    pub queue: Option<String>,
    /// Shows at most this many
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// Hides whom: it is a person.
impl std::fmt::Debug for FindJobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FindJobs")
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

/// `jobs cancel`.
#[derive(Debug, Args)]
pub struct CancelJobs {
    /// Jobs by id, as `jobs list` shows it
    #[arg(value_name = "ID", required_unless_present = "queue", conflicts_with_all = ["queue", "states", "kind", "tenant", "tag", "key", "since"])]
    pub ids: Vec<String>,
    /// All that wait or run in this queue, and of which all of what follows is true
    #[arg(long, value_name = "NAME")]
    pub queue: Option<String>,
    /// Which of them.
    #[command(flatten)]
    pub filters: JobFilters,
    /// Also what may have been sent: its effect may happen, or have happened, all the same
    #[arg(long)]
    pub force: bool,
    /// Shows what it would cancel, and changes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Does not wait: the fleet continues it; and jobs that are asked to stop do so by themselves
    #[arg(long, conflicts_with = "dry_run")]
    pub detach: bool,
    /// Why; the audit records it
    #[arg(long, value_name = "TEXT", value_parser = not_blank, required_unless_present = "dry_run")]
    pub reason: Option<String>,
    /// Does not ask. More than one job, or production, needs it if there is no terminal to ask at
    #[arg(long)]
    pub yes: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// `jobs reschedule`.
#[derive(Debug, Args)]
pub struct RescheduleJobs {
    /// One job by its id, as `jobs list` shows it
    #[arg(value_name = "ID", required_unless_present = "queue", conflicts_with_all = ["queue", "states", "kind", "tenant", "tag", "key", "since"])]
    pub id: Option<String>,
    /// All that wait in this queue, and of which all of what follows is true
    #[arg(long, value_name = "NAME")]
    pub queue: Option<String>,
    /// Which of them.
    #[command(flatten)]
    pub filters: JobFilters,
    /// Makes them due after this time: 90s, 15m, 2h, 1d
    #[arg(long = "in", value_name = "DURATION", value_parser = duration, conflicts_with = "at", required_unless_present = "at")]
    pub delay: Option<Duration>,
    /// Makes them due at this time, RFC 3339; the past means now
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<u64>,
    /// Shows what it would reschedule, and changes nothing
    #[arg(long, requires = "queue")]
    pub dry_run: bool,
    /// Does not wait: the fleet continues it
    #[arg(long, requires = "queue", conflicts_with = "dry_run")]
    pub detach: bool,
    /// Why; the audit records it
    #[arg(long, value_name = "TEXT", value_parser = not_blank, required_unless_present_any = ["id", "dry_run"])]
    pub reason: Option<String>,
    /// Does not ask. More than one job, or production, needs it if there is no terminal to ask at
    #[arg(long)]
    pub yes: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// `jobs run`.
#[derive(Debug, Args)]
pub struct RunJob {
    /// The job's id
    #[arg(value_name = "ID")]
    pub id: String,
    /// How it is signed.
    #[command(flatten)]
    pub change: Change,
}

/// How a change of one job is signed and told.
#[derive(Debug, Args)]
pub struct Change {
    /// Why; the audit records it
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub reason: String,
    /// Does not ask. Production needs it if there is no terminal to ask at
    #[arg(long)]
    pub yes: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// `operations …`.
#[derive(Debug, Subcommand)]
pub enum OperationsCommand {
    /// Lists acts on many jobs, newest first: replays, cancels, reschedules, discards and forgets
    List(Shown),
    /// Shows one
    Show {
        /// Its id, as `operations` shows it
        id: String,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Cancels one; what it has done stays done
    Cancel {
        /// Its id, as `operations` shows it
        id: String,
        /// How it is signed.
        #[command(flatten)]
        change: Change,
    },
    /// Resumes a cancelled or stopped one, and waits for its end
    Resume {
        /// Its id, as `operations` shows it
        id: String,
        /// Does not wait: the fleet continues it
        #[arg(long)]
        detach: bool,
        /// How it is signed.
        #[command(flatten)]
        change: Change,
    },
}

/// `operations`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Operations {
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<OperationsCommand>,
}

fn state() -> impl TypedValueParser<Value = JobState> {
    let words = JobState::ALL.map(JobState::as_str);
    PossibleValuesParser::new(words).try_map(|word| {
        let state = JobState::ALL
            .into_iter()
            .find(|state| state.as_str() == word);
        state.ok_or("no such state")
    })
}

/// Examples by command.
pub(super) const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "jobs list",
        &[
            "longshore jobs list --queue email --state pending --tag spring",
            "longshore jobs list --kind send_sms --since 1h --json",
        ],
    ),
    (
        "jobs find",
        &["longshore jobs find --recipient ada@example.com"],
    ),
    (
        "jobs lost",
        &["longshore jobs lost --queue email --since 1h"],
    ),
    (
        "jobs cancel",
        &[
            "longshore jobs cancel 01JD8Z5Q0V9T4X2M7K3N6P1R8S --reason 'wrong text'",
            "longshore pause email --reason 'wrong campaign'",
            "longshore jobs cancel --queue email --tag spring --dry-run",
            "longshore jobs cancel --queue email --tag spring --yes \\\n    --reason 'wrong campaign'",
        ],
    ),
    (
        "jobs reschedule",
        &[
            "longshore jobs reschedule 01JD8Z5Q0V9T4X2M7K3N6P1R8S --in 2h",
            "longshore jobs reschedule 01JD8Z5Q0V9T4X2M7K3N6P1R8S \\\n    --at 2026-12-24T08:00:00Z",
            "longshore jobs reschedule --queue email --tag spring --in 1d --dry-run",
            "longshore jobs reschedule --queue email --tag spring --yes \\\n    --at 2026-12-24T08:00:00Z --reason 'not before Christmas Eve'",
        ],
    ),
    (
        "jobs run",
        &["longshore jobs run 01JD8Z5Q0V9T4X2M7K3N6P1R8S"],
    ),
    (
        "jobs edit",
        &[
            "longshore jobs edit 01JD8Z5Q0V9T4X2M7K3N6P1R8S \\\n    --args @mail.json --reason 'address corrected'",
        ],
    ),
    ("operations", &["longshore operations"]),
    ("operations list", &["longshore operations list --json"]),
    (
        "operations show",
        &["longshore operations              # shows ids, for `show`"],
    ),
    (
        "operations cancel",
        &["longshore operations              # shows ids, for `cancel`"],
    ),
    (
        "operations resume",
        &["longshore operations              # shows ids, for `resume`"],
    ),
];
