//! `suppressions`: whom nothing is sent to.

use clap::{Args, Subcommand};
use longshore_operator::MessageChannel;

use super::not_blank;

/// `suppressions …`.
#[derive(Debug, Subcommand)]
pub enum Suppressions {
    /// Lists them by the hashes of the addresses or numbers, newest first
    List {
        /// Which list: of addresses (email) or of numbers (sms)
        #[arg(long, value_enum, default_value_t)]
        channel: ChannelArg,
        /// Shows at most this many
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Adds an address or a number: nothing is sent to it any more
    Add(ChangeSuppression),
    /// Removes an address or a number: messages to it are sent again. Providers have lists of their own
    Remove(ChangeSuppression),
}

/// A list of those that nothing is sent to.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
pub enum ChannelArg {
    /// Of addresses
    #[default]
    Email,
    /// Of numbers
    Sms,
}

impl From<ChannelArg> for MessageChannel {
    fn from(arg: ChannelArg) -> Self {
        match arg {
            ChannelArg::Email => Self::Email,
            ChannelArg::Sms => Self::Sms,
        }
    }
}

/// `suppressions add`, `suppressions remove`.
#[derive(Args)]
pub struct ChangeSuppression {
    /// The address or the number; to remove it also its hash, as `suppressions list` shows it
    #[arg(value_name = "EMAIL|NUMBER|HASH")]
    pub which: String,
    /// Which list: of addresses (email) or of numbers (sms)
    #[arg(long, value_enum, default_value_t)]
    pub channel: ChannelArg,
    /// Why; it is logged
    #[arg(long, value_name = "TEXT", value_parser = not_blank)]
    pub reason: String,
    /// Does not ask. Needed if there is no terminal to ask at
    #[arg(long)]
    pub yes: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// Hides which: it may be an address.
impl std::fmt::Debug for ChangeSuppression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangeSuppression")
            .field("reason", &self.reason)
            .field("yes", &self.yes)
            .finish_non_exhaustive()
    }
}

/// Examples.
pub(super) const LIST_EXAMPLES: &[&str] = &[
    "longshore suppressions list",
    "longshore suppressions list --channel sms",
];

/// Examples.
pub(super) const ADD_EXAMPLES: &[&str] =
    &["longshore suppressions add +4790000000 --channel sms --reason 'by phone'"];

/// Examples.
pub(super) const REMOVE_EXAMPLES: &[&str] =
    &["longshore suppressions remove 2b1c3f7a9d0e4c55 --reason 'mailbox is back'"];
