//! `sandbox fault`: what a stand-in is to do wrong, as it is written on the command line.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::duration;

/// `sandbox fault …`. It replaces what was set before at that stand-in.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct FaultArgs {
    /// Shows or clears what is set.
    #[command(subcommand)]
    pub instead: Option<FaultCommand>,
    /// The provider whose stand-in is to fail
    #[arg(index = 1, required = true)]
    pub provider: Option<String>,
    /// What goes wrong: a status such as 503, or a word; all are listed below
    #[arg(index = 2, required = true, value_parser = fault_kind)]
    pub fault: Option<FaultKind>,
    /// Only at the next N requests [default: at all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub times: Option<u64>,
    /// Only at this share of the requests, by chance: 20% or 0.2
    #[arg(long, value_name = "SHARE", value_parser = share, conflicts_with = "times")]
    pub share: Option<f64>,
    /// Only for this long [default: until it is cleared]
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub lasts: Option<Duration>,
    /// The request is carried out all the same: only its answer is spoilt
    #[arg(long)]
    pub carried_out: bool,
    /// With 429: the wait that the answer asks for
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub retry_after: Option<Duration>,
    /// With slow: how late the answer is [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub delay: Option<Duration>,
    /// Where and how.
    #[command(flatten)]
    pub at: At,
}

/// Where the stand-in listens, and how the answer is printed.
#[derive(Debug, Args)]
pub struct At {
    /// Where the stand-in of the provider that is named listens [default: the provider's base_url, if that is plain http on this machine;
    /// or else where `longshore sandbox` has it]
    #[arg(long, value_name = "ADDR", requires = "provider")]
    pub addr: Option<SocketAddr>,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// `sandbox fault list`, `sandbox fault clear`.
#[derive(Debug, Subcommand)]
pub enum FaultCommand {
    /// Shows the faults that are set, and how many requests each has hit
    List {
        /// Only of this provider's stand-in [default: of all]
        provider: Option<String>,
        /// Where and how.
        #[command(flatten)]
        at: At,
    },
    /// Ends all faults
    Clear {
        /// Only of this provider's stand-in [default: of all]
        provider: Option<String>,
        /// Where and how.
        #[command(flatten)]
        at: At,
    },
}

/// What a stand-in does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// It answers with this status.
    Status(u16),
    /// It closes the connection without an answer.
    HangUp,
    /// It never answers.
    Silent,
    /// It answers rightly, but late.
    Slow,
    /// It resets the connection without reading the request.
    Reset,
    /// It answers with a body that nobody can read.
    Garbage,
}

/// Each fault by example, for the help.
pub(crate) const FAULTS: &str = "\
Faults:
  503      does nothing, and answers this status; any from 400 to 599
  429      the same; --retry-after 30s asks for a wait
  hangup   reads the request, does nothing, and closes without an answer
  silent   reads the request, does nothing, and never answers
  reset    resets the connection before it has read the request
  garbage  does nothing, and answers 200 with a body that nobody can read
  slow     does what is asked, and answers late: --delay 8s

With --carried-out, the stand-in does what is asked all the same, as when the answer of a provider is lost. A stand-in has \
one fault at a time: the next one replaces it.";

/// Calls of it, for the end of its help.
pub(crate) const EXAMPLES: &[&str] = &[
    "longshore sandbox fault sendgrid 503 --times 3",
    "longshore sandbox fault twilio hangup --carried-out --times 1",
    "longshore sandbox fault stripe slow --delay 8s --share 20% --for 5m",
    "longshore sandbox fault list",
    "longshore sandbox fault clear sendgrid",
];

fn fault_kind(text: &str) -> Result<FaultKind, String> {
    match text {
        "hangup" => Ok(FaultKind::HangUp),
        "silent" => Ok(FaultKind::Silent),
        "slow" => Ok(FaultKind::Slow),
        "reset" => Ok(FaultKind::Reset),
        "garbage" => Ok(FaultKind::Garbage),
        "list" | "clear" => Err(format!("write `longshore sandbox fault {text} PROVIDER`")),
        _ => match text.parse() {
            Ok(status @ 400..=599) => Ok(FaultKind::Status(status)),
            _ => Err(
                "use a status from 400 to 599, hangup, silent, slow, reset or garbage".to_owned(),
            ),
        },
    }
}

fn share(text: &str) -> Result<f64, String> {
    let number = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse(),
    };
    let share = number.ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| "write it like 20% or 0.2".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_and_shares_are_read() {
        assert_eq!(fault_kind("503"), Ok(FaultKind::Status(503)));
        assert_eq!(fault_kind("hangup"), Ok(FaultKind::HangUp));
        for wrong in ["", "200", "600", "hang_up", "Slow"] {
            assert!(fault_kind(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(share("20%"), Ok(0.2));
        assert_eq!(share("1"), Ok(1.0));
        for wrong in ["", "0", "20", "-1%", "101%", "NaN"] {
            assert!(share(wrong).is_err(), "{wrong:?}");
        }
    }
}
