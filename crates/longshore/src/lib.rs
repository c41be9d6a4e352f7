//! What the one binary is made of: it puts the other crates together.
//!
//! [`registry`] is the one list of providers; adding one is a crate and a line there.

mod age;
pub mod cli;
mod commands;
pub mod config;
pub mod failure;
mod logging;
mod output;
mod redis_cure;
pub mod registry;
pub mod secrets;
mod sentry;
mod session;

pub use commands::run;
pub use logging::init as init_logging;
