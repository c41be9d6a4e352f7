//! `forget`: one person.

use clap::Args;

use super::not_blank;

/// `forget`.
#[derive(Args)]
pub struct ForgetArgs {
    /// Who: an address, a number in E.164, or an id as the args have it. `-` reads it from stdin, so that no shell keeps it
    #[arg(value_name = "EMAIL|NUMBER|ID|-", allow_hyphen_values = true)]
    pub person: String,
    /// Also takes the address or the number off the list of those that nothing is sent to: messages to it go out again. Else
    /// its hash stays there
    #[arg(long)]
    pub suppressions: bool,
    /// Also forgets which customer at the payment provider this user id is. Else that stays
    #[arg(long)]
    pub mappings: bool,
    /// Shows what it would do, and changes nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Does not wait: the fleet continues it
    #[arg(long, conflicts_with = "dry_run")]
    pub detach: bool,
    /// Why; the audit records it. It must not name the person
    #[arg(long, value_name = "TEXT", value_parser = not_blank, required_unless_present = "dry_run")]
    pub reason: Option<String>,
    /// Does not ask
    #[arg(long)]
    pub yes: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// Hides whom: it is a person.
impl std::fmt::Debug for ForgetArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForgetArgs")
            .field("dry_run", &self.dry_run)
            .finish_non_exhaustive()
    }
}

/// Examples.
pub(super) const EXAMPLES: &[&str] = &[
    "longshore forget ada@example.com --dry-run",
    "longshore forget ada@example.com --reason 'request 17' --yes",
    "longshore forget - --reason 'request 17' --yes < person.txt",
    "longshore forget user-7 --mappings --reason 'request 17' --yes",
];
