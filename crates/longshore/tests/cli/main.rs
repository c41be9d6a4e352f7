//! The command line as its users have it: the binary, a Redis of its own, and what it answers with.

mod api;
mod audit;
mod bench;
mod breakers;
mod changes;
mod config;
mod cron;
mod dead;
mod deliveries;
mod demo;
mod doctor;
mod enqueue;
mod expiry;
mod filters;
mod forget;
mod garbage;
mod healthcheck;
mod job;
mod jobs;
mod kinds;
mod labels;
mod letters;
mod limit;
mod mappings;
mod moves;
mod operations;
mod output;
mod providers;
mod queues;
mod redis_away;
mod rehearsals;
mod replays;
mod sandbox;
mod smoke;
mod suppressions;
mod untold;
mod webhooks;
mod work;

use bench::{Bench, Ran};

/// The args of a job in which nothing is wrong.
const WELCOME: &str = r#"{"template":"welcome","to":{"email":"ada@example.com","name":"Ada"},"data":{"code":"s3cret"}}"#;

/// An id that no job has.
const NOBODY: &str = "01JD2Z5V9GQ8X0T6M3K7W4R1YB";
