//! The server around a provider: takes requests, makes the faults, keeps the ledger.
//!
//! It has its own accept loop instead of `axum::serve`, because some faults are about connections rather than
//! answers: hanging up before reading, and closing without a word.

mod connection;
mod exchange;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::provider::StandInService;
use crate::{Faults, Ledger, control};

/// Gives a stand-in what every one has, whatever it stands in for: `stop`, `addr`, `origin`, `ledger` and `faults`.
///
/// The type has its [`Server`] in a field of the name `server`.
///
/// ```
/// use longshore_sandbox::{Server, stand_in};
///
/// /// A stand-in for a telefax service.
/// #[derive(Debug)]
/// pub struct FaxSandbox {
///     server: Server,
/// }
///
/// stand_in!(FaxSandbox);
///
/// fn carried_out(fax: &FaxSandbox) -> u64 {
///     fax.ledger().summary().accepted
/// }
/// ```
#[macro_export]
macro_rules! stand_in {
    ($name:ident) => {
        impl $name {
            /// Stops like a drop does, and returns once the address is free for another server.
            pub async fn stop(self) {
                self.server.stop().await;
            }

            /// Where it listens.
            #[must_use]
            pub fn addr(&self) -> std::net::SocketAddr {
                self.server.addr()
            }

            /// Its origin, for `base_url`: `http://127.0.0.1:9480`.
            #[must_use]
            pub fn origin(&self) -> String {
                format!("http://{}", self.addr())
            }

            /// What it has carried out.
            #[must_use]
            pub fn ledger(&self) -> &$crate::Ledger {
                self.server.ledger()
            }

            /// What goes wrong.
            #[must_use]
            pub fn faults(&self) -> &$crate::Faults {
                self.server.faults()
            }
        }
    };
}

/// A provider that listens. Stops when it is dropped, and cuts what is open then.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

/// What all connections share.
pub(crate) struct Shared {
    provider: Box<dyn StandInService>,
    faults: Faults,
    ledger: Ledger,
    control: Router,
}

impl Server {
    /// Listens on this address; port 0 picks a free one. What is carried out goes into this ledger.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start(
        addr: SocketAddr,
        provider: impl StandInService,
        ledger: Ledger,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let faults = Faults::default();
        let shared = Arc::new(Shared {
            control: control::router(provider.name(), faults.clone(), ledger.clone())
                .merge(provider.control()),
            provider: Box::new(provider),
            faults,
            ledger,
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            addr,
            shared,
            accepting,
        })
    }

    /// Stops, and returns when the address is free again.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // An error is the abort itself.
        let _ = (&mut self.accepting).await;
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its origin, for `base_url`: `http://127.0.0.1:9480`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What goes wrong.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// What it has carried out.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.shared.ledger
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Takes the set of connections with it, and that aborts each of them.
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(connection::serve(stream, Arc::clone(&shared)));
            }
            // Out of file descriptors, most likely: some will be free again.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("provider", &self.provider.name())
            .finish_non_exhaustive()
    }
}
