//! Commands of one program, in addition to those of every program.

use std::future::Future;
use std::pin::Pin;

use clap::{ArgMatches, Command};

use crate::Failure;

/// A command, carried out.
pub type Ending = Pin<Box<dyn Future<Output = Result<(), Failure>>>>;

/// A command of one program. The help, the manual and the completions show it.
#[derive(Debug, Clone)]
pub struct OwnCommand {
    /// Its name, what it does, and its options.
    pub command: Command,
    /// Examples for the end of its help.
    pub examples: &'static [&'static str],
    /// Carries it out.
    pub run: fn(ArgMatches) -> Ending,
}
