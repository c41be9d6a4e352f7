//! This project's own program: [`program`].
//!
//! Nothing but `integrations` names an integration; `longshore_app` knows them by their values.

#[cfg(feature = "sandbox")]
mod cli;
#[cfg(feature = "sandbox")]
mod demo;
mod integrations;

pub use integrations::program;
