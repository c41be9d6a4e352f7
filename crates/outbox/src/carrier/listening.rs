//! A carrier's start and end.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use longshore_listener::{BindError, Port};

use super::{Carrier, DatabaseError, health::CarrierHealth};

/// Why there is no carrier.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CarrierError {
    /// What is configured of the database cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A queue cannot be opened.
    #[error("{0}")]
    Queue(String),
}

/// A carrier whose address is bound, and that does not carry yet.
#[derive(Debug)]
pub struct BoundCarrier {
    port: Port,
    carrier: Carrier,
}

impl Carrier {
    /// Binds the address for health and metrics.
    ///
    /// # Errors
    /// When it cannot be used.
    pub async fn listen(self) -> Result<BoundCarrier, BindError> {
        let port = Port::bind(self.private_addr).await?;
        Ok(BoundCarrier {
            port,
            carrier: self,
        })
    }
}

impl BoundCarrier {
    /// Where health and metrics are, with the port that was picked.
    #[must_use]
    pub fn private_addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// Carries until `stop` is ready, ends what it has begun, and returns. Postgres and Redis may be away meanwhile, also at
    /// the start.
    pub async fn carry(self, stop: impl Future<Output = ()>) {
        let Self { port, carrier } = self;
        tracing::info!(private_addr = %port.addr(), table = %carrier.database.table(), "the carrier starts");
        let health = CarrierHealth {
            state: carrier.state.clone(),
            metrics: Arc::clone(&carrier.metrics),
        };
        let listeners = &carrier.metrics.listeners;
        port.serve_health(health, listeners, stop, |told| carrier.carry(told))
            .await;
    }
}
