//! The one HTTP listener under every port: health, webhooks, and whatever comes beside them.
//!
//! It takes an [`axum::Router`] and bounds what strangers can make it hold:
//!
//! | what | bound | what happens at the bound |
//! |---|---|---|
//! | connections in all | [`Bounds::connections`], and a share of the process's descriptors | the oldest without a complete request is closed, of the peer that has the most |
//! | connections of one peer without a complete request | [`Bounds::per_peer`] | this peer's oldest is closed |
//! | a header | [`Bounds::header_within`], 16 KiB | the connection is closed |
//! | a body | [`Bounds::body_within`], [`Bounds::body_bytes`] | 408, 413 ([`Unread`]) |
//! | all bodies together | [`Bounds::bodies_bytes`] | first one whose client takes its answer too slowly is closed, then the oldest unfinished one, of the peer that holds the most |
//! | an answer that nobody takes | a minute without a byte taken | the connection is closed |
//!
//! So whoever opens connections and does not finish a request makes room for others: a probe or an honest event still
//! gets in. A request that is complete is never cut off to make room, unless its client lets the answer wait: for more than ten
//! seconds in all, and a second more for each 256 KiB of it. However long an answer takes to be made, nothing cuts it off but the end of
//! the process.
//!
//! A request that is refused before its body was read is answered when the body has come and was thrown away, within the same limits: a
//! client that writes before it reads would not see the answer otherwise.
//!
//! A *peer* is an address (of IPv6 the first 64 bits). Behind a proxy that is trusted ([`TrustedProxies`]) it is the
//! address that the proxy names in `X-Forwarded-For`.
//!
//! Limits of size, time and memory hold for every handler, whichever extractor it reads its body with. [`Whole`] reads a
//! body so that the answer says which limit was met.
//!
//! A role that serves others has two [`Ports`]: one for them, and one with its [`Health`] and metrics.
//!
//! [`Metrics`] says how full a listener is. Addresses of peers are never logged.

mod body;
mod bounds;
mod health;
mod listener;
mod log_limit;
mod metrics;
mod peer;
mod ports;
mod register;

pub use body::{Unread, Whole};
pub use bounds::Bounds;
pub use health::Health;
pub use listener::Listener;
pub use log_limit::LogLimit;
pub use metrics::{Metrics, metrics_text};
pub use peer::{CallerAddr, InvalidProxy, TrustedProxies};
pub use ports::{BindError, Port, Ports};
