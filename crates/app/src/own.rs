//! A command that one program has beside those that every program has.

use std::future::Future;
use std::pin::Pin;

use clap::{ArgMatches, Command};

use crate::Failure;

/// A command, carried out.
pub type Ending = Pin<Box<dyn Future<Output = Result<(), Failure>>>>;

/// A command of a program's own: it is in the help, the manual and the completions.
#[derive(Debug, Clone)]
pub struct OwnCommand {
    /// Its name, what it does, and its options.
    pub command: Command,
    /// Calls of it, for the end of its help.
    pub examples: &'static [&'static str],
    /// Carries it out.
    pub run: fn(ArgMatches) -> Ending,
}
