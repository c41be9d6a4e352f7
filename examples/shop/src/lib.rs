//! A shop. An order and the mail that confirms it commit together into Postgres; Longshore sends the mail, and tells the shop
//! what became of it.

mod error;
mod events;

mod orders;
mod payments;
mod signature;
mod users;

use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use longshore_client::{Client, ClientError};
use sqlx::PgPool;

pub use orders::{NewOrder, confirm};
pub use signature::{Signatures, WrongSecret};

/// What every request may use.
#[derive(Debug, Clone)]
pub struct AppState {
    /// The shop's own data, and jobs that commit with it.
    pub db: PgPool,
    /// Where jobs go that belong to none of it.
    pub jobs: Client,
    /// How it knows that it is Longshore who tells it something.
    pub signatures: Signatures,
}

/// The shop.
pub fn router(app: AppState) -> Router {
    Router::new()
        .route("/users", post(users::sign_up))
        .route("/orders", post(orders::place))
        .route("/orders/{id}", get(orders::show))
        .route("/payments", post(payments::begin))
        .route("/payments/{job}", get(payments::show))
        .route("/events", post(events::take))
        .with_state(app)
}

/// Creates the tables that are not there.
///
/// # Errors
/// When the database refuses, or is away.
pub async fn migrate(db: &PgPool) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(include_str!("../schema.sql"))
        .execute(db)
        .await?;
    sqlx::raw_sql(longshore_outbox::SCHEMA).execute(db).await?;
    Ok(())
}

/// A client for web requests: it shows an error rather than wait out an outage of Redis.
///
/// # Errors
/// When the URL is not a Redis URL.
pub fn client(redis: &str) -> Result<Client, ClientError> {
    Client::builder(redis)
        .name("shop")
        .give_up_after(Duration::from_millis(500))
        .fail_fast(true)
        .build()
}
