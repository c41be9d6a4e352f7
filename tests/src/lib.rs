//! What the flows share: waiting for events, and the stage they play on.
//!
//! A flow runs the real binary against a real Redis and a stand-in provider, which its [`Act`] names. [`Stage`] is the
//! Redis, the providers and a producer; [`Load`] is one that does not stop; [`Worker`] is one `longshore work` process,
//! or one `longshore webhooks`, which can be killed, stopped, frozen and asked how it is; [`Wire`] stands between a worker and its Redis, for answers that get lost and
//! heartbeats that do not arrive, and [`Tls`] before a provider.

mod act;
mod authority;
mod caller;
mod clock;
mod dice;
mod eventually;
mod false_clock;
/// Requests without a client.
pub mod http;
mod kent;
mod limits;
mod load;
pub mod metrics;
mod place;
mod plain;
mod program;
mod pypi;
mod receiver;
mod spans;
mod stage;
mod tls;
mod topologies;
mod users;
mod wire;
mod worker;

pub use act::{
    Act, SERVICE_TOKEN, WEBHOOK_SECRET, address, contact, contact_path, contact_update, email,
    payment, sms,
};
pub use authority::Authority;
pub use caller::Caller;
pub use dice::Dice;
pub use eventually::{eventually, gone_by, within};
pub use false_clock::{Clock, Clocks};
pub use kent::Kent;
pub use limits::{Limit, limit};
pub use load::Load;
pub use place::Place;
pub use program::{Said, program};
pub use pypi::installed;
pub use receiver::Receiver;
pub use rustix::process::{Pid, Signal};
pub use spans::{Collected, spans};
pub use stage::{NAMESPACE, Stage, outcomes};
pub use tls::Tls;
pub use topologies::{
    SENTINEL_PASSWORD, SENTINEL_USER, secured_cluster, secured_sentinels, shipped_cluster,
    shipped_sentinels,
};
pub use users::{NO_HASH, SHIPPED, User, users};
pub use wire::{Line, Trouble, Wire};
pub use worker::{Start, Worker};
