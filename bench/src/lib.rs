//! Longshore beside others, on the same Redis and the same jobs.
//!
//! The library holds the evidence (the program beside it measures): what stock apalis-redis 1.0.0 does to jobs, and what ours does to the same
//! ones, one reason to a file in `tests/`. Each test has a [`Trial`]: a Redis of its own, and jobs that do as told
//! and are counted, whoever runs them. [`stock`] runs them as a plain apalis program would, [`ours`] with a fleet.

mod eventually;
pub mod ours;
pub mod stock;
mod trial;

pub use eventually::{eventually, within};
pub use trial::{Does, Jobs, Probe, Trial};

/// What to do when a test about apalis-redis fails: said in each of its assertions.
pub const NEWS: &str = "apalis-redis no longer does what made us write a backend of our own. That is good news, not a \
     fault: read docs/adr/0001-our-own-apalis-backend.md again, and correct it";
