//! The listener as a whole: its providers, its two listeners, its end.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use longshore_integration::{PublicUrl, Source};
use longshore_listener::{Bounds, Listener, TrustedProxies};
use longshore_queue::Queue;
use prometheus_client::collector::Collector;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::endpoint::Endpoint;
use crate::health;
use crate::metrics::Metrics;
use crate::receive::{self, Shared};

/// Where to listen.
#[derive(Debug, Clone)]
pub struct WebhooksOptions {
    /// Where providers post to, by way of whatever terminates TLS. Port 0 picks a free one.
    pub http_addr: SocketAddr,
    /// Where `/livez`, `/readyz` and `/metrics` are. Not to be reached from outside.
    pub private_addr: SocketAddr,
    /// What the first is to the world: Twilio's signatures are over it.
    pub public_url: PublicUrl,
    /// The proxies in front of the first: their word is taken for whom a request comes from.
    pub trusted_proxies: TrustedProxies,
}

/// A listener for events, before it listens.
pub struct Webhooks {
    options: WebhooksOptions,
    shared: Arc<Shared>,
    router: Router,
    queues: Vec<Queue>,
}

/// One that listens and does not answer yet.
pub struct Listening {
    public: TcpListener,
    private: TcpListener,
    http_addr: SocketAddr,
    private_addr: SocketAddr,
    webhooks: Webhooks,
}

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum WebhooksError {
    /// An address cannot be used.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl Webhooks {
    /// A listener for nobody yet.
    #[must_use]
    pub fn new(options: WebhooksOptions) -> Self {
        Self::telling(options, Vec::new())
    }

    /// A listener for nobody yet, whose `/metrics` tells these, too, under names that begin with `longshore_`.
    #[must_use]
    pub fn telling(options: WebhooksOptions, collectors: Vec<Box<dyn Collector>>) -> Self {
        let shared = Shared {
            url: options.public_url.clone(),
            metrics: Metrics::new(collectors),
        };
        Self {
            options,
            shared: Arc::new(shared),
            router: Router::new(),
            queues: Vec::new(),
        }
    }

    /// Takes a provider's events at `/webhooks/<name>`, and writes what they say to this queue.
    ///
    /// # Panics
    /// When it is called twice for one name.
    #[must_use]
    pub fn source(mut self, name: &'static str, source: Box<dyn Source>, queue: &Queue) -> Self {
        let source = Endpoint::new(name, source, queue);
        self.queues.push(source.queue().clone());
        self.router = self.router.merge(receive::route(&self.shared, source));
        self
    }

    /// Binds both addresses. What comes from then on waits for [`Listening::serve`].
    ///
    /// # Errors
    /// When an address cannot be used.
    pub async fn listen(self) -> Result<Listening, WebhooksError> {
        let (public, http_addr) = bind(self.options.http_addr).await?;
        let (private, private_addr) = bind(self.options.private_addr).await?;
        Ok(Listening {
            public,
            private,
            http_addr,
            private_addr,
            webhooks: self,
        })
    }

    /// Listens, and serves until `stop` is ready: [`listen`](Self::listen), then [`Listening::serve`].
    ///
    /// # Errors
    /// When an address cannot be used.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), WebhooksError> {
        self.listen().await?.serve(stop).await;
        Ok(())
    }
}

impl Listening {
    /// Where providers post to, with the port that was picked.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.http_addr
    }

    /// Where health and metrics are, with the port that was picked.
    #[must_use]
    pub fn private_addr(&self) -> SocketAddr {
        self.private_addr
    }

    /// Serves until `stop` is ready. Then takes no more connections, answers the requests that are under way, which
    /// may take ten seconds, and returns. Health is told until the end.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let Webhooks {
            options,
            shared,
            router,
            queues,
        } = self.webhooks;
        tracing::info!(
            http_addr = %self.http_addr,
            private_addr = %self.private_addr,
            public_url = %options.public_url,
            "webhooks are taken"
        );
        let (stopping, told) = watch::channel(false);
        let (over, last) = watch::channel(false);
        let metrics = Arc::clone(&shared.metrics);
        let health = health::router(&queues, metrics, told.clone());
        let router = router.fallback(async || (StatusCode::NOT_FOUND, "nothing is here\n"));
        let asked = async {
            stop.await;
            tracing::info!("stopping: no more connections are taken");
            stopping.send_replace(true);
        };
        let bounds = Bounds {
            proxies: options.trusted_proxies,
            ..Bounds::public("webhooks")
        };
        let public = Listener::new(bounds, &shared.metrics.listeners);
        let public = async {
            public.serve(self.public, router, told).await;
            over.send_replace(true);
        };
        let private = Listener::new(Bounds::private("health"), &shared.metrics.listeners);
        let private = private.serve(self.private, health, last);
        tokio::join!(asked, public, private);
    }
}

async fn bind(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), WebhooksError> {
    let error = |source| WebhooksError::Listen { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(error)?;
    let addr = listener.local_addr().map_err(error)?;
    Ok((listener, addr))
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening")
            .field("http_addr", &self.http_addr)
            .field("private_addr", &self.private_addr)
            .finish_non_exhaustive()
    }
}
