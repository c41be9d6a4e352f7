//! What operators see and do: the library behind the command line. It never sees a provider crate.
//!
//! [`Operator`] holds the queues of one namespace. What it returns are views ([`QueueRow`], [`JobView`], [`GroupRow`],
//! [`LetterRow`], [`CronRow`]) whose serde form is the JSON that the contract promises: times in RFC 3339, the six state words, and
//! args redacted unless they are asked for.

mod cron;
mod dead;
mod error;
mod job;
mod mappings;
mod moves;
mod operator;
mod queues;
mod redact;
mod suppressions;
mod time;

pub use cron::CronRow;
pub use dead::{GroupRow, LetterRow, Moved, Target};
pub use error::OperatorError;
pub use job::{CronJobRow, DeliveryRow, HistoryRow, JobView};
pub use mappings::{Imported, Mapping};
pub use operator::{Operator, QueueInfo};
pub use queues::{BreakerRow, FallbackRow, PauseRow, QueueRow};
pub use redact::redact_args;
pub use suppressions::{InvalidSuppressed, Suppressed, SuppressionRow};
