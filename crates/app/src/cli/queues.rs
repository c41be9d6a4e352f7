//! `queues`, `pause`, `resume`.

use std::time::Duration;

use clap::Args;

use super::duration;

/// `queues`.
#[derive(Debug, Args)]
pub struct QueuesArgs {
    /// Only this queue, with what its provider's calls came to [default: all of them]
    #[arg(value_name = "QUEUE")]
    pub queue: Option<String>,
    /// Keeps the table on the screen, until Ctrl-C. With --json, or into a pipe, it prints one after the other
    #[arg(long)]
    pub watch: bool,
    /// Looks so often: 500ms, 2s, 1m
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = every, requires = "watch")]
    pub every: Duration,
    /// Prints JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// `pause`.
#[derive(Debug, Args)]
pub struct Pause {
    /// The queue
    pub queue: String,
    /// Why, shown while the queue is paused
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

/// `resume`.
#[derive(Debug, Args)]
pub struct Resume {
    /// The queue
    pub queue: String,
    /// Also lifts what the fleet itself holds back: a provider's Retry-After, refused credentials, an open breaker's wait, a
    /// limiter that is booked ahead, the wait after Redis was restarted or forgot something. Lifting the last one is a risk: jobs
    /// that a living worker has done may run once more
    #[arg(long)]
    pub holds: bool,
    /// Why
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

fn every(text: &str) -> Result<Duration, String> {
    let every = duration(text)?;
    let fits = every >= Duration::from_millis(100) && every <= Duration::from_secs(3600);
    fits.then_some(every)
        .ok_or_else(|| "must be at least 100ms and at most 1h".to_owned())
}

/// Examples of `queues`.
pub(super) const EXAMPLES: &[&str] = &[
    "longshore queues",
    "longshore queues email                    # and its provider's answers",
    "longshore queues --watch",
];
