//! The arguments of `console`.

use clap::{Args, Subcommand};

/// `console`.
#[derive(Debug, Args)]
pub struct ConsoleArgs {
    /// What to do instead of serving the page
    #[command(subcommand)]
    pub command: Option<ConsoleCommand>,
}

/// `console …`.
#[derive(Debug, Subcommand)]
pub enum ConsoleCommand {
    /// Reads a password from the terminal, or from stdin, and prints its hash for console.users
    HashPassword,
}
