//! The HTTP door for producers in any language.
//!
//! A request goes through these steps, in this order:
//!
//! 1. `longshore_listener` takes its connection, and bounds what it may take;
//! 2. `access` finds out whose token it has, and whether that may call now;
//! 3. a route reads it, and finds all that is wrong with it at once (`order`, `fields`, `form`, `strict`);
//! 4. `longshore_client` enqueues, finds, waits for and changes jobs, as for a producer in Rust; `longshore_operator` shows them;
//! 5. `error` has the one form of all answers that are no success.
//!
//! [`openapi::document`] describes all of it, with a type for the args of each kind.
//!
//! **Invariant:** a success is answered only after Redis has answered. **Invariant:** answers, logs and metrics hold nothing of a
//! job's args. **Invariant:** an enqueue costs the same calls of Redis as one by the client.

mod access;
mod api;
mod body;
mod bulk;
mod checked;
mod door;
mod error;
mod fields;
mod files;
mod form;
#[cfg(test)]
mod fuzz;
mod job;
mod jobs;
mod kinds;
mod metrics;
pub mod openapi;
mod order;
mod query;
mod strict;
mod tokens;
mod trace;
mod wait;

pub use api::{Api, ApiListening, ApiOptions, ApiParts};
pub use door::{Foresee, IsAway};
pub use tokens::ApiToken;
