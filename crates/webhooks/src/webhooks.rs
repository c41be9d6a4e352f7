//! The listener as a whole: its providers, its two listeners, its end.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use longshore_integration::{PublicUrl, Source};
use longshore_listener::{BindError, Bounds, Health, Ports, TrustedProxies};
use longshore_queue::Queue;
use prometheus_client::collector::Collector;

use crate::endpoint::Endpoint;
use crate::metrics::Metrics;
use crate::receive::{self, Shared};

/// Where to listen.
#[derive(Debug, Clone)]
pub struct WebhooksOptions {
    /// Where providers post to, by way of whatever terminates TLS. Port 0 picks a free one.
    pub http_addr: SocketAddr,
    /// Where `/livez`, `/readyz` and `/metrics` are. Not to be reached from outside.
    pub private_addr: SocketAddr,
    /// What the first is to the world: Twilio's signatures are over it. Sources that need none may be served without.
    pub public_url: Option<PublicUrl>,
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
    ports: Ports,
    webhooks: Webhooks,
}

/// That there is an answer says that it makes progress: the same loop accepts events, on the same threads.
struct WebhooksHealth {
    queues: Vec<Queue>,
    metrics: Arc<Metrics>,
}

impl Health for WebhooksHealth {
    async fn not_ready(&self) -> Option<String> {
        for queue in &self.queues {
            let problem = queue.link().not_ready().await;
            if problem.is_some() {
                return problem;
            }
        }
        None
    }

    fn metrics(&self) -> String {
        self.metrics.text()
    }
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
        let anywhere = || {
            let url = "http://localhost".parse();
            url.unwrap_or_else(|error| unreachable!("{error}"))
        };
        let shared = Shared {
            // Without it nobody is served who looks at it.
            url: options.public_url.clone().unwrap_or_else(anywhere),
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
        debug_assert!(
            self.options.public_url.is_some() || !source.needs_public_url(),
            "{name} needs a public URL"
        );
        let source = Endpoint::new(name, source, queue);
        self.queues.push(source.queue().clone());
        self.router = self.router.merge(receive::route(&self.shared, source));
        self
    }

    /// Binds both addresses. What comes from then on waits for [`Listening::serve`].
    ///
    /// # Errors
    /// When an address cannot be used.
    pub async fn listen(self) -> Result<Listening, BindError> {
        let ports = Ports::bind(self.options.http_addr, self.options.private_addr).await?;
        Ok(Listening {
            ports,
            webhooks: self,
        })
    }

    /// Listens, and serves until `stop` is ready: [`listen`](Self::listen), then [`Listening::serve`].
    ///
    /// # Errors
    /// When an address cannot be used.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), BindError> {
        self.listen().await?.serve(stop).await;
        Ok(())
    }
}

impl Listening {
    /// Where providers post to, with the port that was picked.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.ports.http_addr()
    }

    /// Where health and metrics are, with the port that was picked.
    #[must_use]
    pub fn private_addr(&self) -> SocketAddr {
        self.ports.private_addr()
    }

    /// Serves until `stop` is ready. Then takes no more connections, answers the requests that are under way, which
    /// may take ten seconds, and returns. Health is told until the end.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        tracing::info!(
            http_addr = %self.http_addr(),
            private_addr = %self.private_addr(),
            public_url = self.webhooks.options.public_url.as_ref().map(ToString::to_string),
            "webhooks are taken"
        );
        let Webhooks {
            options,
            shared,
            router,
            queues,
        } = self.webhooks;
        let health = WebhooksHealth {
            queues,
            metrics: Arc::clone(&shared.metrics),
        };
        let router = router.fallback(async || (StatusCode::NOT_FOUND, "nothing is here\n"));
        let bounds = Bounds {
            proxies: options.trusted_proxies,
            ..Bounds::public("webhooks")
        };
        let listeners = &shared.metrics.listeners;
        self.ports
            .serve(bounds, health, listeners, stop, |_| router)
            .await;
    }
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
            .field("ports", &self.ports)
            .finish_non_exhaustive()
    }
}
