//! Objects in S3 and its stand-in R2: what jobs and apps do with them.
//!
//! A [`Store`] is one of the two; a [`Session`] is a store as one run may use it: every single try of every operation
//! is acquired of the run and reported to it afterwards, so that the breaker counts tries, not jobs. Retries
//! within an operation are the SDK's three. [`Stores`] is both together, and decides which of them a write goes to.
//!
//! ```text
//! run ─▶ Stores ─▶ Session ─▶ SDK (signs, retries, pages) ─▶ GatedClient (acquire_call, report_call) ─▶ Transport (our HTTP client)
//! ```
//!
//! - [`objects`] puts, gets, looks at, lists and deletes.
//! - [`versions`] and [`uploads`] are what else lies in a bucket: old versions, delete markers, unfinished uploads.
//! - [`lifecycle`] are the rules that a bucket keeps by itself.
//! - [`presign`] lets a user upload one file, as it was described, for 15 minutes.
//! - [`mod@error`] is the one table of what answers mean.

mod bucket;
mod connector;
mod credentials;
mod deletion;
pub mod error;
mod exposure;
mod keys;
pub mod lifecycle;
mod md5;
mod name;
pub mod objects;
pub mod presign;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod session;
mod store;
mod stores;
mod tags;
mod transfer;
mod transport;
pub mod uploads;
pub mod versions;

pub use bucket::{Access, Bucket, ExpiryRule};
pub use credentials::{CredentialSource, StaticKeys};
pub use error::{Error, ErrorClass};
pub use exposure::Exposure;
pub use name::Name;
pub use session::Session;
pub use store::{SetupError, Store, StoreConfig};
pub use stores::{Placed, Stores};
pub use transfer::{MoveResult, move_object};
