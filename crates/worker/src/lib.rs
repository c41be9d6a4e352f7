//! Longshore's workers: from the queue to apalis, and back. The only crate that knows apalis.
//!
//! apalis gives the runtime: [`WorkerBuilder`](apalis::prelude::WorkerBuilder),
//! [`Monitor`](apalis::prelude::Monitor). The queue underneath is ours, by way of apalis's own seam,
//! [`Backend`](apalis::prelude::Backend) (`backend`). One queue in one process is a `Station`, worked by three loops and a
//! keeper:
//!
//! - the **claimer** takes jobs for free slots, and sleeps until there is work;
//! - the **settler** writes outcomes in batches, and repeats until they are written;
//! - the **replayer** sleeps until a replay operation is open, and carries it on;
//! - the **keeper** holds the leases, on a thread that the process has for all its keepers, so that no handler can starve it.
//!
//! Between claimer and settler apalis drives each job through the `pipeline`: settle(trace(isolate(limit(dispatch)))), which
//! runs its handler. One **ticker** in each process ticks the cron entries ([`Fleet::cron`]).
//!
//! [`Fleet`] puts them together and takes them apart again in order.

mod backend;
mod claimer;
mod clock;
mod copied;
mod entry;
mod fleet;
mod gate;
mod handover;
mod health;
mod keeper;
mod ledger;
mod lock;
mod memory;
mod metrics;
mod notifier;
mod overview;
mod pipeline;
mod progress;
mod reach;
mod recent;
mod refetch;
mod replayer;
mod resend;
mod rules;
mod settler;
mod station;
mod sweeper;
mod ticker;
mod verdict;
mod watch;

pub use fleet::{Fleet, FleetError, FleetOptions, LeftBehind, Stopped, WorkSettings};
pub use longshore_job::Handlers;
pub use metrics::ProviderFacts;
pub use notifier::state::NoticeDelivery;
pub use pipeline::{CurrentJob, current_job};
pub use watch::{NewDeadLetter, Watch};
