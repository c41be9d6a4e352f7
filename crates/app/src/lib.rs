//! Makes a program from integrations: [`App`].
//!
//! It puts together what every program has: the command line, the configuration, secrets, Sentry. It knows an
//! integration only as a value ([`longshore_integration::Integration`]).

mod age;
mod app;
pub mod cli;
mod commands;
pub mod config;
pub mod failure;
mod logging;
pub mod output;
mod own;
mod process;
mod redis_cure;
pub mod registry;
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
