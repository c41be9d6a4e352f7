//! `enqueue`.

use std::time::Duration;

use clap::Args;
use longshore_job::{Priority, UnknownPriority};

use super::{duration, time};

/// `enqueue`.
#[derive(Debug, Args)]
pub struct EnqueueArgs {
    /// The kind of job, such as send_email
    #[arg(index = 1)]
    pub kind: String,
    /// Its args: JSON, @file with JSON, or - for JSON Lines on stdin (all are checked before the first is enqueued). There a line
    /// is the args of a job, or {"args":{…}} with any of key, in, at, expires_in, expires_at, priority, tenant and tags beside it, which
    /// win over the options
    #[arg(index = 2)]
    pub args: String,
    /// Runs the job after this time at the earliest: 90s, 15m, 2h, 1d
    #[arg(long = "in", value_name = "DURATION", value_parser = duration, conflicts_with = "at")]
    pub delay: Option<Duration>,
    /// Runs the job at this time at the earliest, RFC 3339; a time that is over means at once
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub at: Option<u64>,
    /// Makes at most one job of its kind with this key. A second call prints the first job's id, or is refused if its args
    /// differ; the other options are not compared. The key holds while that job waits, runs or is dead, and for at least 24 hours
    /// from the enqueue. A cancelled job gives it up, unless it may have been sent
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Does not start the job later than this after it was due: it is then dead as expired. It counts from when the job is due;
    /// one that is not longer than --in seems to count from now, and is refused
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub expires_in: Option<Duration>,
    /// Does not start the job at this time or later, RFC 3339: it is then dead as expired. Must be later than the time at which the
    /// job is due
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "expires_in")]
    pub expires_at: Option<u64>,
    /// How urgent the job is: high, normal or low [default: as its kind and the configuration say]
    #[arg(long, value_name = "PRIORITY", value_parser = priority)]
    pub priority: Option<Priority>,
    /// Whose job it is, such as a customer or a campaign: 1 to 64 characters
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
    /// What it is found by: 1 to 64 characters; may be given up to 10 times
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Does not ask. Production needs it if there is no terminal to ask at
    #[arg(long)]
    pub yes: bool,
    /// Prints a JSON object per job instead of its bare id
    #[arg(long)]
    pub json: bool,
}

fn priority(text: &str) -> Result<Priority, String> {
    text.parse()
        .map_err(|error: UnknownPriority| error.to_string())
}
