//! `demo`.

use longshore_app::Failure;
use longshore_app::clap::{self, ArgMatches, Args, FromArgMatches};

/// What was given to a command.
pub(crate) fn read<T: FromArgMatches>(matches: &ArgMatches) -> Result<T, Failure> {
    T::from_arg_matches(matches).map_err(Failure::input)
}

/// `demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// How many emails are enqueued
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(50..=100_000))]
    pub(crate) jobs: u32,
}
