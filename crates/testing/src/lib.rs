//! Tests of handlers and producers, without Redis and without a worker.
//!
//! ```
//! use std::time::Duration;
//!
//! use longshore_client::{Client, ClientError};
//! use longshore_job::{Handler, InvalidArgs, Job, JobError, Outcome, Run};
//! use longshore_testing::{Recorder, Script, run_one};
//! use serde::{Deserialize, Serialize};
//!
//! # #[derive(Debug, PartialEq)]
//! #[derive(Serialize, Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Greet {
//!     name: String,
//! }
//!
//! impl Job for Greet {
//!     const KIND: &'static str = "greet";
//!     const QUEUE: &'static str = "greetings";
//!     const PUBLIC_ARGS: &'static [&'static str] = &[];
//!     const PERSON_ARGS: &'static [longshore_job::PersonArg] = &[];
//!
//!     fn check(&self) -> Result<(), InvalidArgs> {
//!         match self.name.is_empty() {
//!             true => Err(InvalidArgs::field("name", "must not be empty")),
//!             false => Ok(()),
//!         }
//!     }
//! }
//!
//! /// Greets nobody twice.
//! struct GreetHandler;
//!
//! impl Handler for GreetHandler {
//!     type Job = Greet;
//!
//!     async fn run(&self, job: Greet, run: Run) -> Result<Outcome, JobError> {
//!         if run.memory().recall(&job.name).await?.is_some() {
//!             let reason = "greeted before".to_owned();
//!             return Ok(Outcome::Skipped { reason });
//!         }
//!         run.clear_to_send().await;
//!         // Here the greeting would go out.
//!         let day = Duration::from_secs(24 * 3600);
//!         run.memory().keep(&job.name, b"", day).await?;
//!         Ok(Outcome::done())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let ada = Greet { name: "Ada".into() };
//!
//! // One attempt, as a worker makes it: args checked, read again, run, and what follows is decided.
//! let ran = run_one(GreetHandler, &ada).await?;
//! assert_eq!(ran.assert_completed(), None);
//! assert_eq!(ran.script.gate.sends(), 1);
//!
//! // Twelve hours later the memory still knows it; after a day it does not.
//! let memory = ran.script.memory;
//! let script = Script::new().with_memory(&memory);
//! memory.advance(Duration::from_secs(12 * 3600));
//! script.run_one(GreetHandler, &ada).await?.assert_completed();
//! assert_eq!(script.gate.sends(), 0);
//! memory.advance(Duration::from_secs(12 * 3600));
//! script.run_one(GreetHandler, &ada).await?.assert_completed();
//! assert_eq!(script.gate.sends(), 1);
//!
//! // A producer's side: an app's own code with a client whose jobs are recorded.
//! async fn sign_up(client: &Client, name: &str) -> Result<(), ClientError> {
//!     let greet = Greet { name: name.to_owned() };
//!     client.enqueue(greet).key(name).await?;
//!     Ok(())
//! }
//! let recorder = Recorder::new();
//! sign_up(&recorder.client(), "Ada").await?;
//! sign_up(&recorder.client(), "Ada").await?;
//! recorder.assert_only(&ada);
//! # Ok(())
//! # }
//! ```
//!
//! - [`run_one`] and [`Script::run_one`] make one attempt. [`Ran`] says how it ended and what the worker would do next.
//!   [`Ran::next_attempt`] prepares the next attempt.
//! - [`ScriptedGate`] lets requests leave or holds them back, and records what it was asked.
//! - [`ScriptedMemory`] is a memory and an outbox in this process. The test moves its clock, and can make it fail.
//! - [`Recorder`] has a client whose jobs are recorded, and asserts what was enqueued.
//! - `TestFleet`, with the feature `redis`, runs workers in the test's own process, on a Redis of its own, until no job is left.
//!   `RedisServer` is only such a Redis, for code that needs one.
//! - `Logs`, with the feature `logs`, is what the test's own thread logs: for a test that no secret and no person stands there.
//!
//! One attempt runs without a queue: it has no leases, rescues, breakers and limits. A handler that panics fails its test.
//! `docs/testing.md` explains everything with an example.

#[cfg(feature = "redis")]
mod fleet;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod gate;
#[cfg(feature = "logs")]
mod logs;
mod memory;
mod recorder;
mod script;

#[cfg(feature = "redis")]
pub use fleet::{DeadJob, Leftover, TestFleet, TestFleetError, Worked};
pub use gate::{Noted, ScriptedGate, Way};
#[cfg(feature = "logs")]
pub use logs::Logs;
pub use longshore_queue::{Decision, Fate, OnUnknown, Policy, RunState};
#[cfg(feature = "redis")]
pub use longshore_sandbox::{RedisServer, RedisServerError};
pub use memory::{JobMemory, KeptValue, MemoryRequest, ScriptedMemory};
pub use recorder::{RecordedJob, Recorder};
pub use script::{Ran, Script, run_one};

/// Its README, whose example is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
