//! `limit`.

use std::time::Duration;

use clap::Args;

use super::{duration, not_blank};

/// `limit`.
#[derive(Debug, Args)]
pub struct LimitArgs {
    /// The queue whose provider is slowed down. If its jobs call none, or its provider has no limit, fewer jobs are claimed
    pub queue: String,
    /// How often, such as 10/s or 0.5/s
    #[arg(value_name = "N/s", value_parser = rate, required_unless_present = "lift", conflicts_with = "lift")]
    pub rate: Option<f64>,
    /// For how long: 15m, 2h, 1d; 7d at the most
    #[arg(long = "for", value_name = "DURATION", value_parser = life, required_unless_present = "lift", conflicts_with = "lift")]
    pub life: Option<Duration>,
    /// Ends it
    #[arg(long)]
    pub lift: bool,
    /// Why; the audit keeps it
    #[arg(long, value_name = "TEXT", value_parser = not_blank, required_unless_present = "lift")]
    pub reason: Option<String>,
    /// Does not ask. Production needs it if there is no terminal to ask at
    #[arg(long)]
    pub yes: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// Calls a second.
fn rate(text: &str) -> Result<f64, String> {
    let number = text
        .strip_suffix("/s")
        .and_then(|number| number.parse().ok());
    number
        .filter(|rate| (0.001..=100_000.0).contains(rate))
        .ok_or_else(|| "write it like 10/s or 0.5/s: 0.001/s to 100000/s".to_owned())
}

fn life(text: &str) -> Result<Duration, String> {
    let life = duration(text)?;
    let fits = !life.is_zero() && life <= longshore_queue::LONGEST_HOLD;
    fits.then_some(life)
        .ok_or_else(|| "must be more than 0 and at most 7d".to_owned())
}
