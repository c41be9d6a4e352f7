//! What the one binary is made of: it puts the other crates together.
//!
//! [`integrations::all`] is the one list of integrations; the rest knows them by their values only.

mod age;
pub mod cli;
mod commands;
pub mod config;
pub mod failure;
pub mod integrations;
mod logging;
mod output;
mod redis_cure;
pub mod registry;
pub mod secrets;
mod sentry;
mod session;

pub use commands::run;
pub use logging::init as init_logging;
