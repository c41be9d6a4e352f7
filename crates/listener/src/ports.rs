//! The ports of a role: one for whom it serves, and a private one with its health and metrics.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::bounds::Bounds;
use crate::health::{self, Health};
use crate::listener::Listener;
use crate::metrics::Metrics;

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {addr}: {source}")]
pub struct BindError {
    /// The address.
    pub addr: SocketAddr,
    /// What the system said.
    pub source: io::Error,
}

/// A port that is bound. What comes from then on waits until it is served.
#[derive(Debug)]
pub struct Port {
    listener: TcpListener,
    addr: SocketAddr,
}

impl Port {
    /// Binds an address. Port 0 picks a free one.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub async fn bind(addr: SocketAddr) -> Result<Self, BindError> {
        let error = |source| BindError { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(error)?;
        let addr = listener.local_addr().map_err(error)?;
        Ok(Self { listener, addr })
    }

    /// Its address, with the port that was picked.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Does `work`, and serves `/livez`, `/readyz` and `/metrics` on this port until the work has ended. The work is told when
    /// `stop` is ready, and then ends by itself.
    pub async fn serve_health<W: Future<Output = ()>>(
        self,
        health: impl Health,
        metrics: &Metrics,
        stop: impl Future<Output = ()>,
        work: impl FnOnce(watch::Receiver<bool>) -> W,
    ) {
        let (stopping, told) = watch::channel(false);
        let (over, last) = watch::channel(false);
        let router = health::routes(health, told.clone());
        let asked = async {
            stop.await;
            stopping.send_replace(true);
        };
        let work = work(told);
        let work = async {
            work.await;
            over.send_replace(true);
        };
        let private = Listener::new(Bounds::private("health"), metrics);
        tokio::join!(asked, work, private.serve(self.listener, router, last));
    }
}

/// Both ports of a role that serves others.
#[derive(Debug)]
pub struct Ports {
    public: Port,
    private: Port,
}

impl Ports {
    /// Binds both addresses.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub async fn bind(http_addr: SocketAddr, private_addr: SocketAddr) -> Result<Self, BindError> {
        Ok(Self {
            public: Port::bind(http_addr).await?,
            private: Port::bind(private_addr).await?,
        })
    }

    /// Where the role is called, with the port that was picked.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.public.addr
    }

    /// Where its health and metrics are, with the port that was picked.
    #[must_use]
    pub fn private_addr(&self) -> SocketAddr {
        self.private.addr
    }

    /// Serves until `stop` is ready. Then takes no more connections, answers the requests that are under way, which may take ten
    /// seconds, and returns. Health is told until the end. `router` is given what becomes true when the role is to stop.
    pub async fn serve(
        self,
        bounds: Bounds,
        health: impl Health,
        metrics: &Metrics,
        stop: impl Future<Output = ()>,
        router: impl FnOnce(watch::Receiver<bool>) -> Router,
    ) {
        let stop = async {
            stop.await;
            tracing::info!("stopping: no more connections are taken");
        };
        let public = self.public.listener;
        let serve = |told: watch::Receiver<bool>| {
            let router = router(told.clone());
            Listener::new(bounds, metrics).serve(public, router, told)
        };
        self.private
            .serve_health(health, metrics, stop, serve)
            .await;
    }
}

#[cfg(test)]
mod tests;
