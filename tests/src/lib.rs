//! What the flows share: waiting for events, and the stage they play on.
//!
//! A flow runs the real binary against a real Redis and a stand-in provider. [`Stage`] is the Redis, the provider and
//! a producer; [`Load`] is one that does not stop; [`Worker`] is one `longshore work` process, which can be killed,
//! stopped, frozen and asked how it is; [`Wire`] stands between a worker and its Redis, for answers that get lost and
//! heartbeats that do not arrive.

mod dice;
mod eventually;
mod load;
mod program;
mod stage;
mod wire;
mod worker;

pub use dice::Dice;
pub use eventually::{eventually, gone_by, within};
pub use load::Load;
pub use program::{Said, program};
pub use stage::{NAMESPACE, QUEUE, Stage, email, outcomes};
pub use wire::{Trouble, Wire};
pub use worker::{Start, Worker};
