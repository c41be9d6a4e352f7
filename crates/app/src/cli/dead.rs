//! `dead`: dead letters, one, some or many.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use longshore_operator::DeliveryResult;

use super::{Labels, OneJob, duration, not_blank};

/// `dead …`.
#[derive(Debug, Subcommand)]
pub enum DeadCommand {
    /// Groups dead letters by what they died of
    Groups {
        /// Only of this queue
        queue: Option<String>,
        /// Only of this kind of job
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
        /// Prints only the groups' ids, a line each, or nothing if Redis does not answer within a second: for a shell's completions
        #[arg(long, conflicts_with = "json")]
        ids: bool,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Lists dead letters, newest first
    List(ListLetters),
    /// Shows one dead letter with its history
    Show(OneJob),
    /// Corrects the args of one dead letter; the old ones are kept in its history
    Edit(EditArgs),
    /// Puts dead letters back to pending: attempts reset, history kept
    Replay(ReplayArgs),
    /// Lists the replays of groups and queues; cancels or resumes one
    #[command(args_conflicts_with_subcommands = true)]
    Replays {
        /// Prints JSON
        #[arg(long)]
        json: bool,
        /// What to do to one.
        #[command(subcommand)]
        change: Option<ReplayChange>,
    },
    /// Writes dead letters to a new file as JSON Lines, and, if asked, removes what is written
    Export(Export),
    /// Removes dead letters for good
    Discard(Discard),
}

/// `dead edit` and `jobs edit`.
#[derive(Debug, Args)]
pub struct EditArgs {
    /// The job's id
    #[arg(value_name = "ID")]
    pub id: String,
    /// Its args from now on: JSON, or @file with JSON
    #[arg(long, value_name = "JSON")]
    pub args: String,
    /// Says what that would do, without doing it: whether the args are right, whether the configuration and the workers would take
    /// it, and whether it may have been sent
    #[arg(long)]
    pub dry_run: bool,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = not_blank, required_unless_present = "dry_run")]
    pub reason: Option<String>,
    /// Edits even if a request with the old args may have been carried out: its effect may then happen twice
    #[arg(long)]
    pub force: bool,
    /// Does not ask. Production needs it if there is no terminal to ask at
    #[arg(long)]
    pub yes: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// `dead replays …`.
#[derive(Debug, Subcommand)]
pub enum ReplayChange {
    /// Cancels a replay; letters that it has moved stay moved
    Cancel {
        /// Its id, as `dead replays` shows it
        id: String,
        /// Why
        #[arg(
            long,
            value_name = "TEXT",
            default_value = "",
            hide_default_value = true
        )]
        reason: String,
        /// Does not ask. Production needs it if there is no terminal to ask at
        #[arg(long)]
        yes: bool,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Resumes a stopped or cancelled replay, and waits for its end
    Resume {
        /// Its id, as `dead replays` shows it
        id: String,
        /// Why
        #[arg(
            long,
            value_name = "TEXT",
            default_value = "",
            hide_default_value = true
        )]
        reason: String,
        /// Does not wait: the fleet continues it
        #[arg(long)]
        detach: bool,
        /// Does not ask. Production needs it if there is no terminal to ask at
        #[arg(long)]
        yes: bool,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
}

/// `dead export`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("source").args(["queue", "group"]).required(true).multiple(true))]
pub struct Export {
    /// Which.
    #[command(flatten)]
    pub filters: LetterFilters,
    /// At most this many, those that died first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// A new file. Only you can read it, because it holds personal data
    #[arg(long = "to", value_name = "FILE")]
    pub file: std::path::PathBuf,
    /// Removes the letters from Redis once they are written and on disk
    #[arg(long, requires = "reason")]
    pub discard: bool,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = not_blank)]
    pub reason: Option<String>,
    /// Does not ask. --discard needs it if there is no terminal to ask at
    #[arg(long)]
    pub yes: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// Which dead letters of a queue or a group; what is given narrows them.
#[derive(Debug, Clone, Args)]
pub struct LetterFilters {
    /// Only of this queue
    #[arg(long, value_name = "NAME")]
    pub queue: Option<String>,
    /// Only of this group, as `dead groups` shows it
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// How they are marked.
    #[command(flatten)]
    pub labels: Labels,
    /// Only those that died within this time: 30m, 2h, 1d
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub since: Option<Duration>,
    /// Only those of whose message the provider has said this since: delivered, failed (it took the message on, and that did not arrive),
    /// accepted (it has not said how it ended) or unknown (it has said nothing)
    #[arg(long, value_name = "RESULT", value_parser = delivery_results())]
    pub delivery: Option<DeliveryResult>,
}

/// The words of `--delivery`.
fn delivery_results() -> impl TypedValueParser<Value = DeliveryResult> {
    let words = PossibleValuesParser::new(DeliveryResult::ALL.map(DeliveryResult::as_str));
    words.try_map(|word| word.parse::<DeliveryResult>())
}

/// `dead list`.
#[derive(Debug, Args)]
pub struct ListLetters {
    /// Which.
    #[command(flatten)]
    pub filters: LetterFilters,
    /// Shows at most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// Which dead letters.
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("which").args(["ids", "group", "queue"]).required(true).multiple(true))]
pub struct Which {
    /// Jobs by id, as `dead list` shows it
    #[arg(
        value_name = "ID",
        conflicts_with_all = ["queue", "group", "kind", "tenant", "tag", "key", "since", "delivery", "limit"],
    )]
    pub ids: Vec<String>,
    /// Or those of which all of this is true.
    #[command(flatten)]
    pub filters: LetterFilters,
    /// At most this many, those that died first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
}

/// `dead replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Which.
    #[command(flatten)]
    pub which: Which,
    /// Replays N jobs per second, and stops by itself if they fail again for the same reason
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: Option<u32>,
    /// Gives each letter its full time again: its expiry counts from now
    #[arg(long)]
    pub fresh_expiry: bool,
    /// Shows what it would do, and changes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Does not wait: the fleet continues it
    #[arg(long, conflicts_with = "dry_run")]
    pub detach: bool,
    /// Why; the audit records it
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub reason: String,
    /// Does not ask. More than one job, or production, needs it if there is no terminal to ask at
    #[arg(long)]
    pub yes: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// `dead discard`.
#[derive(Debug, Args)]
pub struct Discard {
    /// Which.
    #[command(flatten)]
    pub which: Which,
    /// Shows what it would discard, and changes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Does not wait: the fleet continues it. Not with ids, which are discarded at once
    #[arg(long, conflicts_with_all = ["dry_run", "ids"])]
    pub detach: bool,
    /// Why; the audit records it
    #[arg(long, value_name = "TEXT", value_parser = not_blank, required_unless_present = "dry_run")]
    pub reason: Option<String>,
    /// Does not ask. Needed if there is no terminal to ask at
    #[arg(long)]
    pub yes: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}
