//! A carrier's start and end.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use longshore_listener::{Bounds, Listener};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Carrier, DatabaseError, health};

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
    /// The address for health and metrics cannot be used.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// A carrier whose address is bound, and that does not carry yet.
#[derive(Debug)]
pub struct BoundCarrier {
    listener: TcpListener,
    addr: SocketAddr,
    carrier: Carrier,
}

impl Carrier {
    /// Binds the address for health and metrics.
    ///
    /// # Errors
    /// When it cannot be used.
    pub async fn listen(self) -> Result<BoundCarrier, CarrierError> {
        let addr = self.private_addr;
        let error = |source| CarrierError::Listen { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(error)?;
        let addr = listener.local_addr().map_err(error)?;
        Ok(BoundCarrier {
            listener,
            addr,
            carrier: self,
        })
    }
}

impl BoundCarrier {
    /// Where health and metrics are, with the port that was picked.
    #[must_use]
    pub fn private_addr(&self) -> SocketAddr {
        self.addr
    }

    /// Carries until `stop` is ready, ends what it has begun, and returns. Postgres and Redis may be away meanwhile, also at
    /// the start.
    pub async fn carry(self, stop: impl Future<Output = ()>) {
        let Self {
            listener,
            addr,
            carrier,
        } = self;
        tracing::info!(private_addr = %addr, table = %carrier.database.table(), "the carrier starts");
        let (stopping, told) = watch::channel(false);
        let (over, last) = watch::channel(false);
        let metrics = Arc::clone(&carrier.metrics);
        let router = health::router(carrier.state.clone(), Arc::clone(&metrics), told.clone());
        let private = Listener::new(Bounds::private("health"), &metrics.listeners);
        let asked = async {
            stop.await;
            stopping.send_replace(true);
        };
        let carry = async {
            carrier.carry(told).await;
            over.send_replace(true);
        };
        tokio::join!(asked, carry, private.serve(listener, router, last));
    }
}
