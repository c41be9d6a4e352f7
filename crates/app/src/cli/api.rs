//! The arguments of `api`.

use clap::Args;

/// `api`.
#[derive(Debug, Args)]
pub struct ApiArgs {
    /// Prints the OpenAPI document of this program's API instead, and asks neither Redis nor the configuration
    #[arg(long)]
    pub openapi: bool,
}
