//! Makes a program from integrations: [`App`].
//!
//! It puts together what every program has: the command line, the configuration, secrets, Sentry. It knows an
//! integration only as a value ([`longshore_integration::Integration`]).

mod age;
mod app;
// What is hidden is public for this project's own tests: semver is not promised for it.
#[doc(hidden)]
pub mod cli;
mod commands;
#[doc(hidden)]
pub mod config;
pub mod failure;
mod logging;
pub mod output;
mod own;
mod process;
mod redis_cure;
#[doc(hidden)]
pub mod registry;
#[doc(hidden)]
pub mod secrets;
mod sentry;
mod session;
mod telemetry;

pub use app::App;
pub use clap;
pub use commands::api::openapi;
pub use commands::signals;
pub use failure::Failure;
pub use own::{Ending, OwnCommand};

/// Its README, whose example is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
