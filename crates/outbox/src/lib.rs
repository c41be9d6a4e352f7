//! Enqueues Longshore jobs inside the app's own Postgres transaction.
//!
//! A job that is enqueued here is a row of the table `longshore_outbox`. It commits with the app's own data, or is rolled back
//! with it. `longshore outbox` carries committed rows into the queue, each once, and deletes them.
//!
//! ```no_run
//! # #[cfg(feature = "sqlx")]
//! # async fn example(pool: sqlx::PgPool) -> Result<(), Box<dyn std::error::Error>> {
//! # use longshore_email::SendEmail;
//! let mut tx = pool.begin().await?;
//! // … the app's own statements …
//! let id = longshore_outbox::enqueue(&mut tx, SendEmail::new("welcome", "ada@example.com"))
//!     .key("welcome-17")
//!     .await?;
//! tx.commit().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The features `sqlx` (0.9) and `tokio-postgres` (0.7) say what a transaction is. For another version of them, or another
//! driver, implement [`Transaction`]: it takes a [`OutboxRow`] and the statement that inserts it.
//!
//! The table's definition is [`SCHEMA`]; any language may insert into it.
//!
//! With the feature `carrier` there is what `longshore outbox` runs: `Carrier`.

mod enqueue;
mod error;
mod row;
#[cfg(feature = "sqlx")]
mod sqlx;
mod table;
#[cfg(feature = "tokio-postgres")]
mod tokio_postgres;

#[cfg(feature = "carrier")]
mod carrier;

#[cfg(feature = "carrier")]
pub use carrier::{
    BoundCarrier, Carrier, CarrierError, CarrierOptions, DatabaseError, Held, HeldRows,
};
pub use enqueue::{EnqueueWithin, Transaction, enqueue};
pub use error::OutboxError;
pub use longshore_client::{InvalidArgs, Job, JobId, Priority};
pub use row::OutboxRow;
pub use table::{InvalidOutboxTable, OutboxTable, SCHEMA};

/// Its README, whose example is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
