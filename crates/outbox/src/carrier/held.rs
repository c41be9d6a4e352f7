//! Rows that are held, as an operator sees them and lets them go.

use std::fmt;
use std::path::Path;

use longshore_provider::secret::Secret;
use tokio_postgres::Error;

use super::database::text_of;
use super::store::{Held, Store};
use super::{Database, DatabaseError};
use crate::OutboxTable;

/// The rows of a table that are held.
pub struct HeldRows {
    store: Store,
}

impl HeldRows {
    /// Those of this table. [`CarrierOptions`](crate::CarrierOptions) says what its parts are.
    ///
    /// # Errors
    /// When the database cannot be reached, or has no such table.
    pub async fn open(
        database_url: Secret,
        ca_file: Option<&Path>,
        table: OutboxTable,
    ) -> Result<Self, DatabaseError> {
        let database = Database::new(database_url, ca_file, table)?;
        let store = database.connect().await?;
        Ok(Self { store })
    }

    /// The newest of them.
    ///
    /// # Errors
    /// When the database refuses, or is away.
    pub async fn list(&self, limit: u32) -> Result<Vec<Held>, DatabaseError> {
        self.store.list_held(limit.into()).await.map_err(failed)
    }

    /// Lets these wait again. One that was first tried more than 24 hours ago only by `force`: it may
    /// have been enqueued then, and be enqueued once more. Returns id and kind of those that wait.
    ///
    /// # Errors
    /// When the database refuses, or is away.
    pub async fn retry(
        &self,
        ids: &[String],
        force: bool,
    ) -> Result<Vec<(String, String)>, DatabaseError> {
        self.store.retry_held(ids, force).await.map_err(failed)
    }

    /// Deletes these. Returns id and kind of those that were.
    ///
    /// # Errors
    /// When the database refuses, or is away.
    pub async fn discard(&self, ids: &[String]) -> Result<Vec<(String, String)>, DatabaseError> {
        self.store.discard_held(ids).await.map_err(failed)
    }
}

impl fmt::Debug for HeldRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldRows").finish_non_exhaustive()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err is given")]
fn failed(error: Error) -> DatabaseError {
    DatabaseError::Lost(text_of(&error))
}
