//! What stand-ins for providers are made of, with faults on demand, and private Redis servers: for development,
//! demonstrations and tests. A stand-in itself lives in the crate of its provider, behind the feature `sandbox`.
//!
//! - [`Ledger`] has every effect that was carried out, so that "accepted once, sent once" can be counted at the
//!   place where it matters.
//! - [`Faults`] makes the provider misbehave: by rule, on chosen requests, at chosen moments.
//! - [`RedisServer`] is a Redis that belongs to one test alone and can be killed, restarted and paused.
//!   [`RedisServer::sentinel`] starts a Sentinel for it, and [`RedisCluster`] is a cluster of one's own.
//! - [`VaultServer`] is a Vault that belongs to one test alone, and can be sealed.
//!
//! Ledger and faults are reachable over HTTP too, for programs in other processes, beside the provider's API:
//!
//! | request | does |
//! |---|---|
//! | `GET /sandbox/ledger` | every effect, oldest first |
//! | `GET /sandbox/ledger/summary` | `{"requests","accepted","jobs","duplicates"}` |
//! | `DELETE /sandbox/ledger` | forgets them |
//! | `PUT /sandbox/faults` | replaces the rules: `{"rules":[{"fault":{"answer":{"status":503}},"when":{"first":3}}]}` |
//! | `GET /sandbox/faults` | `{"provider","rules","in_words":[{"text","hit"}]}`: the rules, each in words too, with how many requests it happened to |
//! | `DELETE /sandbox/faults` | no more faults |
//!
//! `longshore sandbox fault` makes these requests from the command line.
//!
//! Another provider, of anybody's, implements [`StandInService`]: it says what the real service would answer. The [`Server`] around it
//! keeps the ledger and makes the faults. What several stand-ins need is here for it, too: [`stand_in!`] for what each can be
//! asked, [`Ids`] for what it makes, [`Refused`] for keys that are not good any more, [`post`] for calls that it makes by
//! itself, and [`signed`] for signatures in Stripe's manner.
//!
//! ```
//! use longshore_sandbox::axum::body::Bytes;
//! use longshore_sandbox::axum::http::request::Parts;
//! use longshore_sandbox::axum::response::{IntoResponse, Response};
//! use longshore_sandbox::{Draft, FaultCheck, Ledger, StandInService, Server};
//!
//! struct Fax;
//!
//! impl StandInService for Fax {
//!     fn name(&self) -> &'static str {
//!         "fax"
//!     }
//!
//!     fn answer(&self, _: &Parts, body: &Bytes, check: &mut FaultCheck<'_>) -> Response {
//!         let recipient = String::from_utf8_lossy(body).into_owned();
//!         check.carries_out(vec![Draft::new(recipient, "FX1")]);
//!         "sent".into_response()
//!     }
//!
//!     fn explain(&self, status: u16) -> String {
//!         format!(r#"{{"error":{status}}}"#)
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let addr = ([127, 0, 0, 1], 0).into();
//! let fax = Server::start(addr, Fax, Ledger::default()).await.unwrap();
//! assert!(fax.origin().starts_with("http://127.0.0.1:"));
//! assert_eq!(fax.ledger().requests(), 0);
//! # });
//! ```

mod control;
mod fault;
mod ids;
mod ledger;
pub mod post;
#[cfg(unix)]
mod postgres_server;
mod provider;
mod redis_server;
mod refused;
mod server;
pub mod signed;
mod vault_server;

pub use axum;

pub use fault::{Fault, FaultRule, Faults, InForce, InvalidRule, Only, When};
pub use ids::Ids;
pub use ledger::{Effect, Ledger, Summary, WaitTimeout};
#[cfg(unix)]
pub use postgres_server::{PostgresServer, PostgresServerError};
pub use provider::{Draft, FaultCheck, StandInService};
pub use redis_server::{
    AppendFsync, RedisCluster, RedisSentinels, RedisServer, RedisServerError, RedisServerOptions,
    free_port,
};
pub use refused::Refused;
pub use server::Server;
pub use vault_server::VaultServer;
