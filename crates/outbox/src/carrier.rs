//! What takes jobs out of the table and into the queue.
//!
//! A row goes through two transactions. The first notes when it was first tried, by Redis's clock; the second enqueues and
//! deletes it. A carrier that dies between Redis and the commit leaves a row that the next one brings again, and Redis knows
//! the id. After 24 hours it may not: then the row is held and named.

mod database;
mod decode;
#[cfg(test)]
mod fuzz;
mod health;
mod held;
mod listening;
mod metrics;
mod pass;
mod queues;
mod run;
mod statements;
mod store;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use longshore_job::Kinds;
use longshore_provider::secret::Secret;
use longshore_queue::{Link, Queue};

use crate::OutboxTable;
pub(crate) use database::Database;
pub use database::DatabaseError;
pub use held::HeldRows;
pub use listening::{BoundCarrier, CarrierError};
use metrics::Metrics;
use queues::Queues;
pub use store::Held;

/// Where the table is, and where health and metrics are.
#[derive(Debug, Clone)]
pub struct CarrierOptions {
    /// The app's database, `postgres://user:password@host/name`. TLS is asked for, unless the host is this machine or the
    /// URL says `sslmode=disable`.
    pub database_url: Secret,
    /// An authority that is trusted in addition to the system's.
    pub ca_file: Option<PathBuf>,
    /// The table.
    pub table: OutboxTable,
    /// Where `/livez`, `/readyz` and `/metrics` are. Port 0 picks a free one.
    pub private_addr: SocketAddr,
}

/// A carrier: any number of them may share a table.
pub struct Carrier {
    database: Database,
    queues: Queues,
    metrics: Arc<Metrics>,
    state: health::State,
    private_addr: SocketAddr,
}

impl Carrier {
    /// A carrier for jobs of these kinds. `queue` opens the queue of a name. Nothing is connected to yet.
    ///
    /// # Errors
    /// When the database's URL or the file of the authority cannot be used.
    pub fn new<E>(
        options: CarrierOptions,
        link: &Link,
        kinds: Kinds,
        queue: impl Fn(&str) -> Result<Queue, E>,
    ) -> Result<Self, CarrierError>
    where
        E: fmt::Display,
    {
        let CarrierOptions {
            database_url,
            ca_file,
            table,
            private_addr,
        } = options;
        Ok(Self {
            database: Database::new(database_url, ca_file.as_deref(), table)?,
            queues: Queues::new(kinds, queue)
                .map_err(|error| CarrierError::Queue(error.to_string()))?,
            metrics: Metrics::new(),
            state: health::State::new(link.clone()),
            private_addr,
        })
    }
}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carrier")
            .field("database", &self.database)
            .field("private_addr", &self.private_addr)
            .finish_non_exhaustive()
    }
}
