//! testpay, a second payment provider: new customers may go there, and those of Stripe stay at Stripe.
//!
//! It is made up, and moves no money. It is unlike Stripe where providers differ: JSON, a key in a header of its own, and
//! references of ours in place of idempotency keys. The reference is the [key](longshore_job::Run::idempotency_key) of the
//! job, and what is asked for under it again is what is there already, for good: so a lost answer is found out by asking
//! again, and nothing has to be remembered.

mod client;
mod error;
mod events;
mod integration;
mod object;
mod provider;
mod records;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod settings;
mod write;

pub use client::{SetupError, TestPay, TestPayConfig};
pub use integration::integration;
