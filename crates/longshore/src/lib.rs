//! A program of workers, by its integrations: [`App`]. This project's own is [`program`].
//!
//! Nothing but `integrations` names an integration; the rest knows them by their values.

mod age;
mod app;
pub mod cli;
mod commands;
pub mod config;
pub mod failure;
mod integrations;
mod logging;
mod output;
mod redis_cure;
pub mod registry;
pub mod secrets;
mod sentry;
mod session;

pub use app::App;
pub use integrations::program;
